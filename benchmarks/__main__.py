"""``python -m benchmarks NAME``: run a benchmark by name."""

from __future__ import annotations

import sys
from importlib import import_module

KNOWN = {
    "absorb": "absorb",
    "adequacy": "adequacy",
    "agreement": "flow_agreement",
    "causes": "causes",
    "dispatch": "dispatch",
    "flow": "flow",
    "growth": "flow_growth",
    "n1": "flow_n1",
    "start": "flow_start",
    "stress": "stress",
}


def main(arguments: list[str]) -> int:
    """Run the named benchmark with the remaining arguments; return the exit code."""
    if not arguments or arguments[0] not in KNOWN:
        print(f"usage: python -m benchmarks {{{'|'.join(KNOWN)}}} [options]", file=sys.stderr)
        return 2
    result = import_module(f"benchmarks.{KNOWN[arguments[0]]}").main(arguments[1:])
    return int(result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
