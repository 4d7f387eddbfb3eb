"""How many threads there are: what was asked for, what was allowed, what the machine has."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from scenarios.errors import ScenarioError
from scenarios.processors import THREADS_VARIABLE, allow_threads, count_of, processors
from simulate import app


def test_asked_for_goes_before_allowed_and_allowed_before_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(THREADS_VARIABLE, raising=False)
    assert count_of(0) == processors() >= 1
    monkeypatch.setenv(THREADS_VARIABLE, "7")
    assert (count_of(0), count_of(3)) == (7, 3)


def test_none_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(THREADS_VARIABLE, "5")
    allow_threads(None)
    assert os.environ[THREADS_VARIABLE] == "5"
    allow_threads(2)
    assert count_of(0) == 2


@pytest.mark.parametrize("allowed", ["0", "-1", "two", "1.5"])
def test_what_is_no_number_of_threads_is_refused(allowed: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(THREADS_VARIABLE, allowed)
    with pytest.raises(ScenarioError, match=f'WUMENG_THREADS.*"{allowed}" is no number of threads'):
        count_of(0)
    with pytest.raises(ScenarioError):
        allow_threads(None)


def test_the_command_refuses_no_threads():
    result = CliRunner().invoke(app, ["run", "tiny", "--jobs", "0"])
    assert result.exit_code == 2
    assert "--jobs" in result.stderr
