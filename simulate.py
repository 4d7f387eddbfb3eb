"""The command line: arguments in, exit code out; ``python simulate.py COMMAND`` = ``wumeng COMMAND``.

Exit codes: 0 ok; 1 simulation error; 2 bad scenario or arguments; 3 bad data; 4 power flow; 70 our fault;
130 interrupted. Results go to standard output, progress and messages to standard error.
"""

from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec

import typer

from scenarios import DEFAULT_SCENARIO
from scenarios.errors import ScenarioError, WumengError

if TYPE_CHECKING:
    from scenarios.schema import Scenario

P = ParamSpec("P")

# Imports of the working parts sit inside the commands, so that --help answers at once.

app = typer.Typer(
    help="Wumeng 乌蒙: a year of the Bijie 500/220 kV grid, hour by hour. 毕节电网全年逐时仿真。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
weather_app = typer.Typer(help="Make and check weather. 气象数据。", no_args_is_help=True)
grid_app = typer.Typer(help="Check the network and solve one snapshot. 电网数据与潮流。", no_args_is_help=True)
app.add_typer(weather_app, name="weather")
app.add_typer(grid_app, name="grid")

ScenarioName = Annotated[str, typer.Argument(metavar="[SCENARIO]", help="Built-in name or path of a .toml file.")]
Sets = Annotated[
    list[str], typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override a value of the scenario.")
]
WeatherFiles = Annotated[
    list[str], typer.Option("--weather", metavar="[SITE=]PATH", help="EPW or CSV file; default: synthetic year.")
]
Hours = Annotated[float | None, typer.Option(help="Simulate only this many hours.")]
Start = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="First day.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the synthetic weather.")]
Out = Annotated[Path, typer.Option(help="Folder that holds the run folders.")]
Lang = Annotated[str, typer.Option(help="Language: zh or en.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads; no figure depends on them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn every failure into a message and an exit code; only our own faults show a traceback."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except WumengError as error:
            typer.secho(f"{error.headline}.", fg="red", bold=True, err=True)
            typer.echo(str(error), err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt as interruption:
            typer.secho(f"Interrupted; {interruption or 'nothing was kept'}.", fg="yellow", err=True)
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except Exception:  # an unexpected error is our fault and must say where
            traceback.print_exc()
            typer.secho("This is a fault of the program; please report the lines above.", fg="red", err=True)
            raise typer.Exit(70) from None

    return wrapper


def scenario_from(
    name: str,
    sets: list[str],
    weather: list[str] | None = None,
    shortcuts: dict[str, Any] | None = None,
) -> Scenario:
    """Load a scenario with ``--set`` and the shortcut options as overrides."""
    from scenarios.load import load_scenario  # noqa: PLC0415

    given = {key: value for key, value in (shortcuts or {}).items() if value is not None}
    overrides = [f"{key}={value}" for key, value in given.items()]
    return load_scenario(name, [*overrides, *map(weather_override, weather or ()), *sets])


def weather_override(text: str) -> str:
    """Turn ``[SITE=]PATH`` into an override; without a site the file belongs to the reference site."""
    site, equals, path = text.partition("=")
    if not equals:
        site, path = "weining", text
    return f"weather.sites.{site}.file={json.dumps(path)}"


@app.command()
@guarded
def run(  # noqa: PLR0913, PLR0917  one parameter per command-line option
    scenario: ScenarioName = DEFAULT_SCENARIO,
    weather: WeatherFiles = [],  # noqa: B006  typer copies defaults
    sets: Sets = [],  # noqa: B006
    dispatch: Annotated[str | None, typer.Option(help="Dispatch solver: fast, or lp (exact).")] = None,
    flow: Annotated[str | None, typer.Option(help="Power flow: fast or pandapower.")] = None,
    certify: Annotated[
        str | None, typer.Option(help="Solve again exactly: weeks (one a season), full or none.")
    ] = None,
    out: Out = Path("runs"),
    hours: Hours = None,
    start: Start = None,
    seed: Seed = None,
    force: Annotated[bool, typer.Option("--force", help="Repeat a run that is already there.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Do not write report.html.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Any unsolved hour is an error (exit code 4).")] = False,
    jobs: Jobs = None,
    lang: Lang = "zh",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a year: weather, generation, dispatch, AC power flow of every hour, metrics, report. 全年仿真。"""
    shortcuts = {
        "dispatch.solver": dispatch, "dispatch.certify": certify, "grid.flow": flow,
        "time.hours": hours, "time.start": start, "weather.seed": seed,
    }  # fmt: skip
    chosen = scenario_from(scenario, sets, weather, shortcuts)
    require_language(lang)
    from sim.commands import pages_in, run_and_show  # noqa: PLC0415
    from sim.pipeline import RunOptions  # noqa: PLC0415

    finish = None if no_report else pages_in(lang)
    options = RunOptions(out_dir=out, force=force, strict=strict, jobs=jobs, finish=finish)
    run_and_show(chosen, options, lang, quiet=quiet, as_json=as_json)


def require_language(lang: str) -> None:
    """Raise ``ScenarioError`` for a language that is not there."""
    if lang not in {"zh", "en"}:
        raise ScenarioError(f'--lang "{lang}": known are zh and en')


@app.command()
@guarded
def scenarios() -> None:
    """List the built-in scenarios. 场景列表。"""
    from scenarios.load import load_scenario, scenario_names  # noqa: PLC0415

    for name in scenario_names():
        settings = load_scenario(name).settings
        typer.echo(f"{name:12} {settings.title_zh} · {settings.title_en}\n{'':12} {settings.description}")


@app.command()
@guarded
def show(scenario: ScenarioName = DEFAULT_SCENARIO, sets: Sets = []) -> None:  # noqa: B006
    """Print the fully resolved settings of a scenario as JSON. 显示场景全部参数。"""
    typer.echo(scenario_from(scenario, sets).settings.model_dump_json(indent=2))


@app.command()
@guarded
def check(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    weather: WeatherFiles = [],  # noqa: B006
    sets: Sets = [],  # noqa: B006
) -> None:
    """Validate all inputs of a scenario without running it. 检查全部输入。"""
    from sim.commands import check_inputs  # noqa: PLC0415

    check_inputs(scenario_from(scenario, sets, weather))


@app.command()
@guarded
def adequacy(  # noqa: PLR0913, PLR0917  one parameter per command-line option
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="Scenario, or a published system: rts79, rts79-derated.")
    ] = DEFAULT_SCENARIO,
    years: Annotated[int, typer.Option(min=1, help="Most years to sample.")] = 1000,
    error: Annotated[
        float | None, typer.Option(min=0.001, max=1, help="Stop once LOLH and EUE have this relative error.")
    ] = None,
    elcc: Annotated[
        list[str], typer.Option("--elcc", metavar="PLANT|pv|wind", help="Capacity credit of a plant or group.")
    ] = [],  # noqa: B006
    out: Annotated[Path | None, typer.Option(help="Also write adequacy.json into this folder.")] = None,
    level: Annotated[
        str | None, typer.Option(help="copper: one node; network: branches fail and limit, shortage by bus.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the outages.")] = None,
    jobs: Jobs = None,
    weather: WeatherFiles = [],  # noqa: B006
    sets: Sets = [],  # noqa: B006
    lang: Lang = "zh",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Is supply enough when units fail: LOLE, EUE, capacity credit by sequential simulation. 充裕性评估。"""
    require_language(lang)
    from scenarios.generating_system import PUBLISHED_SYSTEMS  # noqa: PLC0415
    from sim.adequacy import Output, assess_and_show  # noqa: PLC0415
    from sim.reliability.adequacy import Plan  # noqa: PLC0415

    published = scenario in PUBLISHED_SYSTEMS
    if published and (sets or weather or level):
        raise ScenarioError(f"{scenario} is a published system: it takes neither --set nor --weather nor --level")
    settings = {"adequacy.seed": seed, "adequacy.level": level}
    chosen = scenario if published else scenario_from(scenario, sets, weather, settings)
    plan = Plan(years, 1 if seed is None else seed, error)
    assess_and_show(chosen, plan, elcc, Output(lang, quiet, as_json, out), jobs)


@app.command("sweep")
@guarded
def sweep_command(
    file: Annotated[str, typer.Argument(metavar="FILE.toml", help="Sweep file, or the name of a built-in sweep.")],
    executor: Annotated[str, typer.Option(help="local, or dask://host:port of a Dask scheduler.")] = "local",
    jobs: Annotated[int | None, typer.Option(min=1, help="Local processes; no figure depends on them.")] = None,
    out: Out = Path("runs"),
    reports: Annotated[
        bool, typer.Option("--reports", help="Write report.html and summary.xlsx of every run.")
    ] = False,
    lang: Lang = "zh",
    quiet: Quiet = False,
) -> None:
    """Simulate many cases: lists and grids of overrides over weather years; goes on where it stopped. 批量仿真。"""
    require_language(lang)
    from scenarios.sweep import load_sweep  # noqa: PLC0415
    from sim.absorption.sweep import SweepOptions  # noqa: PLC0415
    from sim.absorption.sweep_pool import make_pool  # noqa: PLC0415
    from sim.runs import code_version  # noqa: PLC0415
    from sim.sweep import sweep_and_show  # noqa: PLC0415

    plan = load_sweep(file)
    pool = make_pool(executor, jobs, code_version)
    options = SweepOptions(out, lang if reports else None, lang)
    sweep_and_show(plan, options, pool, quiet=quiet)


@app.command()
@guarded
def secure(  # noqa: PLR0913, PLR0917  one parameter per command-line option
    scenario: ScenarioName = DEFAULT_SCENARIO,
    n2_towers: Annotated[
        bool, typer.Option("--n2-towers", help="Also lose both circuits on common towers (N-2).")
    ] = False,
    weather: WeatherFiles = [],  # noqa: B006
    sets: Sets = [],  # noqa: B006
    out: Out = Path("runs"),
    hours: Hours = None,
    start: Start = None,
    seed: Seed = None,
    jobs: Jobs = None,
    force: Annotated[bool, typer.Option("--force", help="Repeat a study that is already there.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Do not write report.html.")] = False,
    lang: Lang = "zh",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Try the loss of every single element in every hour (AC N-1) and rank what fails. N-1安全校核。"""
    require_language(lang)
    shortcuts = {"time.hours": hours, "time.start": start, "weather.seed": seed}
    chosen = scenario_from(scenario, sets, weather, shortcuts)
    from sim.secure import SecureOptions, secure_and_show  # noqa: PLC0415

    options = SecureOptions(
        out_dir=out, towers=n2_towers, force=force, jobs=jobs, report=not no_report, lang=lang, quiet=quiet,
        as_json=as_json,
    )  # fmt: skip
    secure_and_show(chosen, options)


@app.command()
@guarded
def absorb(  # noqa: PLR0913, PLR0917  one parameter per command-line option
    scenario: ScenarioName = DEFAULT_SCENARIO,
    site: Annotated[
        list[str],
        typer.Option("--site", metavar="NAME", help="Base, county, bus or plant; give two for their frontier."),
    ] = ["weining", "hezhang"],  # noqa: B006
    limit: Annotated[float | None, typer.Option(help="Most annual curtailment, share. [default: 0.05]")] = None,
    technology: Annotated[str, typer.Option(help="What grows: pv or wind.")] = "pv",
    weather_years: Annotated[
        int, typer.Option(min=0, max=1000, help="Also this many drawn weather years: P10, P50, P90.")
    ] = 0,
    points: Annotated[int, typer.Option(min=2, max=101, help="Capacities per axis of a frontier.")] = 8,
    storage: Annotated[
        float, typer.Option(min=0, max=5, help="Storage that growth brings along, MW per MW.")
    ] = 0.0,
    storage_hours: Annotated[float, typer.Option(min=0.1, max=24, help="Its hours at full power.")] = 2.0,
    relief: Annotated[
        bool, typer.Option("--relief", help="Instead: which measure would recover most of what is curtailed.")
    ] = False,
    most: Annotated[
        int, typer.Option(min=0, max=1000, help="With --relief: buses, and lines, that are tried at most.")
    ] = 12,
    weather: WeatherFiles = [],  # noqa: B006
    sets: Sets = [],  # noqa: B006
    hours: Hours = None,
    start: Start = None,
    seed: Seed = None,
    out: Out = Path("runs"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Years at a time; no figure depends on it.")] = None,
    lang: Lang = "zh",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """How many MW a base can grow to while curtailment and security hold; the frontier of two. 消纳能力。"""
    require_language(lang)
    if technology not in {"pv", "wind"}:
        raise ScenarioError(f'--technology "{technology}": known are pv and wind')
    shortcuts = {"absorption.limit": limit, "time.hours": hours, "time.start": start, "weather.seed": seed}
    chosen = scenario_from(scenario, sets, weather, shortcuts)
    if relief:
        from sim.relief import relieve_and_show  # noqa: PLC0415

        relieve_and_show(chosen, out, lang, most=most, quiet=quiet, as_json=as_json)
        return
    from sim.absorb import Output, absorb_and_show  # noqa: PLC0415
    from sim.absorption.annual import Companion  # noqa: PLC0415
    from sim.absorption.study import Question  # noqa: PLC0415

    tech: Literal["pv", "wind"] = "pv" if technology == "pv" else "wind"
    question = Question(tuple(site), tech, weather_years, points, Companion(storage, storage_hours))
    absorb_and_show(chosen, question, Output(out, lang, quiet, as_json), jobs)


@app.command()
@guarded
def report(run_folder: Path, lang: Lang = "zh") -> None:
    """Rebuild report.html and summary.xlsx of a run folder. 重建报告。"""
    require_language(lang)
    from sim.commands import rebuild_report  # noqa: PLC0415

    typer.echo(str(rebuild_report(run_folder, lang)))


@app.command()
@guarded
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Two or more run folders.")],
    page: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("compare.html"),
    lang: Lang = "zh",
) -> None:
    """Show what differs between runs: a table here, pictures on a page. 方案对比。"""
    require_language(lang)
    from sim.commands import compare_runs  # noqa: PLC0415

    compare_runs(runs, page, lang)


@app.command()
@guarded
def verify(run_folder: Path) -> None:
    """Derive every figure of a run again from its hourly files, by separate code. 复核结果。"""
    from sim.commands import show_verification  # noqa: PLC0415

    show_verification(run_folder)


@app.command()
@guarded
def template(folder: Path) -> None:
    """Write example input files, and empty ones with their headers, into a new folder. 输入模板。"""
    from sim.templates import write_templates  # noqa: PLC0415

    typer.echo(write_templates(folder))


@weather_app.command("synth")
@guarded
def weather_synth(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    seed: Seed = None,
    out: Annotated[Path, typer.Option(help="Folder for one CSV file per site.")] = Path("weather"),
    sets: Sets = [],  # noqa: B006
) -> None:
    """Make the synthetic year and write it as CSV, one file per site. 合成气象年。"""
    from sim.commands import write_weather  # noqa: PLC0415

    write_weather(scenario_from(scenario, sets, None, {"weather.seed": seed}), out)


@weather_app.command("inspect")
@guarded
def weather_inspect(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    weather: WeatherFiles = [],  # noqa: B006
    seed: Seed = None,
    picture: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("weather.html"),
    lang: Lang = "zh",
    sets: Sets = [],  # noqa: B006
) -> None:
    """Show monthly values, duration curves, gaps, repairs and suspicious hours of the weather. 检查气象。"""
    require_language(lang)
    from sim.commands import inspect  # noqa: PLC0415

    inspect(scenario_from(scenario, sets, weather, {"weather.seed": seed}), picture, lang)


@weather_app.command("fetch")
@guarded
def weather_fetch(
    years: Annotated[
        list[int], typer.Argument(min=2001, max=2100, metavar="YEAR...", help="Calendar years, 2001 or later.")
    ],
    scenario: Annotated[str, typer.Option(help="Scenario whose sites are fetched.")] = DEFAULT_SCENARIO,
    out: Annotated[Path, typer.Option(help="Folder for one CSV file per site and year.")] = Path("weather"),
) -> None:
    """Download hourly weather of every site from NASA POWER; needs the network. 下载NASA POWER气象。"""
    from sim.fetch import fetch_weather  # noqa: PLC0415

    fetch_weather(scenario_from(scenario, []), years, out)


@grid_app.command("check")
@guarded
def grid_check(scenario: ScenarioName = DEFAULT_SCENARIO, sets: Sets = [], lang: Lang = "zh") -> None:  # noqa: B006
    """Check the network and say how much of it is published, derived and assumed. 检查电网数据。"""
    require_language(lang)
    from sim.commands import show_network  # noqa: PLC0415

    show_network(scenario_from(scenario, sets), lang)


@grid_app.command("flow")
@guarded
def grid_flow(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    at: Annotated[str, typer.Option(metavar="YYYY-MM-DDTHH", help="Hour to solve.")] = "2025-01-15T19",
    weather: WeatherFiles = [],  # noqa: B006
    sets: Sets = [],  # noqa: B006
) -> None:
    """Dispatch one day and show the AC power flow of one of its hours, beside pandapower's. 单时刻潮流。"""
    from sim.commands import day_of, show_flow  # noqa: PLC0415

    show_flow(scenario_from(scenario, sets, weather, {"time.start": day_of(at), "time.hours": 24}), at)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
