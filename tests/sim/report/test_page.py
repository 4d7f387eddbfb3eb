"""The page as text: both languages whole, numbers that agree with the files, nothing runs or loads by accident."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs_version
from sample_run import NASTY, OVERLOADED, write_sample

from scenarios.errors import DataError, ScenarioError
from sim.report import charts as fig
from sim.report import units as u
from sim.report.content import SOURCES, USES, Content
from sim.report.findings import findings
from sim.report.page import plotly_js, render, script_json, write_report
from sim.report.phrases import PLAN, reason_text, target_unit
from sim.report.sections import all_figures, all_tables
from sim.report.sections.balance import monthly_balance
from sim.report.sections.causes import row_name
from sim.report.sections.network_map import bus_places, network_map
from sim.report.sections.overview import tiles
from sim.report.units import Both
from sim.report.words import WORDS, word
from sim.runs import RunRecord, read_run

REPORT = Path(__file__).parents[3] / "sim" / "report"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("runs") / "sample", nasty=True)


@pytest.fixture(scope="module")
def content(folder: Path) -> Content:
    return Content(read_run(folder))


@pytest.fixture(scope="module")
def page(content: Content) -> str:
    return render(content, "zh")


def changed(content: Content, **parts: Any) -> Content:
    """Return the content with sections of its metrics replaced, for example ``reliability={…}``."""
    metrics = {**content.metrics}
    for name, part in parts.items():
        metrics[name] = {**metrics[name], **part}
    info = {**content.info, "metrics": metrics}
    return Content(RunRecord(content.record.folder, info, content.record._frames))


# --- words ---


def test_every_word_has_both_languages() -> None:
    for key, (chinese, english) in WORDS.items():
        assert chinese and english, key
        assert not CHINESE.search(english) or key in {"switch_language"}, key
        gaps = [set(re.findall(r"(?<!%)\{(\w+)\}", text)) for text in (chinese, english)]
        assert gaps[0] == gaps[1], key


def test_every_word_asked_for_exists_and_none_is_left_over() -> None:
    asked = set(re.findall(r'(?:\bt|\bword)\("(\w+)"[,)]', _sources()))
    asked |= set(re.findall(r'data-(?:label|hint|word)="(\w+)"', _sources()))
    assert asked <= set(WORDS), asked - set(WORDS)
    strings = set(re.findall(r'"(\w+)"', _sources())) | set(re.findall(r'empty="(\w+)"', _sources()))
    made = re.compile(
        r"^(kind|section|table|figure|confidence|worst|map|cost|find|storage|available|curtailed|cause|level|tile|plan"
        r"|axis|hover|unit|format|compare|absorb|adequacy|criterion|relief|sample)_"
    )
    unused = [key for key in WORDS if key not in strings and not made.match(key)]
    assert not unused


def _sources() -> str:
    names = [*REPORT.rglob("*.py"), *(REPORT / "templates").rglob("*.j2"), *(REPORT / "templates").glob("*.js")]
    chosen = [path for path in names if path.name != "terminal.py" and "texts" not in path.parts]
    return "\n".join(path.read_text(encoding="utf-8") for path in chosen)


def test_words_of_figures_exist(content: Content) -> None:
    keys = set(re.findall(r'\{"t": "(\w+)"\}', json.dumps(all_figures(content))))
    chosen = {
        key for key in keys if key.endswith(("_chosen", "_heat_chosen"))
    }  # the page puts a unit in their place
    assert keys - chosen <= set(WORDS)
    assert len(keys) > 40


def test_chinese_of_what_other_stages_say() -> None:
    assert reason_text("a yearly figure; only 72 h were simulated").zh == "年度指标；只模拟了72小时"
    assert (
        reason_text("lines.csv (A-B): bus A is not in service in 2024").zh
        == "lines.csv（A-B）：母线A在2024年未投运"
    )
    assert reason_text("a new sentence").zh == "a new sentence"
    assert target_unit("TWh") == (Both("亿千瓦时", "TWh"), 10.0)


class _ChineseReader(HTMLParser):
    """What a reader of the Chinese page sees, by the table or section that it stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None, str | None]] = []
        self.seen: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "input", "br"}:
            given = dict(attrs)
            self.open.append((tag, given.get("lang"), given.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags, languages, names = zip(*self.open, strict=True) if self.open else ((), (), ())
        if not {"script", "style", "title"} & set(tags) and "en" not in languages:
            self.seen.append((next((name for name in reversed(names) if name), ""), data.strip()))


def test_the_chinese_page_holds_no_english_sentence(page: str) -> None:
    reader = _ChineseReader()
    reader.feed(page)
    assert any("兆伏安" in text for _, text in reader.seen)  # it read something
    sentence = re.compile(r"(?:\b[a-z]{2,}\b[ ,]+){2,}[a-z]{2,}")
    # The description of a scenario is its author's; a command is typed as it stands.
    texts = [
        (place, text) for place, text in reader.seen if place != "table-settings" and "simulate.py" not in text
    ]
    assert [(place, text) for place, text in texts if sentence.search(text)] == []


def test_every_plan_target_has_a_chinese_name(content: Content) -> None:
    assert {row["key"] for row in content.metrics["plan"]} <= set(PLAN)


# --- numbers ---


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (u.energy(41237.0), Both("412亿千瓦时", "41,200 GWh")),  # 41,237 GWh = 412.37 × 10⁸ kWh
        (u.energy(0.042), Both("4.20万千瓦时", "42.0 MWh")),  # 0.042 GWh = 42 MWh = 4.2 × 10⁴ kWh
        (u.energy(9.0), Both("900万千瓦时", "9.00 GWh")),  # below 0.1 × 10⁸ kWh
        (u.power(4600.0), Both("460万千瓦", "4,600 MW")),
        (u.money(2.346e9), Both("23.5亿元", "CNY 2.35 bn")),  # 23.46 × 10⁸
        (u.money(-6e-10), Both("0亿元", "CNY 0 m")),
        (u.percent(0.99915), Both("99.915%", "99.915 %")),
        (u.percent(0.0312), Both("3.12%", "3.12 %")),
        (u.percent(None), Both("–", "–")),
        (u.hours(8760), Both("8,760小时", "8,760 h")),
        (u.mass(1.5e6), Both("150万吨", "1,500 kt")),
    ],
)
def test_units_as_readers_think(text: Both, wanted: Both) -> None:
    assert text == wanted


def test_minus_is_a_minus_and_zero_has_none() -> None:
    assert u.significant(-1234.5) == "−1,230"
    assert u.fixed(-0.001, 1) == "0.0"


def test_rounding_up_to_a_power_of_ten_keeps_the_digits() -> None:
    assert u.significant(0.99999) == "1.00"
    assert u.significant(999.9) == "1,000"
    assert u.significant(9.995, 2) == "10"


def test_tiles_say_what_run_json_says(content: Content) -> None:
    stored = json.loads((content.record.folder / "run.json").read_text(encoding="utf-8"))["metrics"]
    total = stored["curtailment"]["total"]
    shown = {tile["key"]: tile["value"].en for tile in tiles(content)}
    assert shown["absorbed"] == f"{u.significant(total['available_gwh'] - total['gwh'])} GWh"
    assert shown["loading"] == "113 %"  # planted: 1.134 at noon
    assert shown["unserved"] == "42.0 MWh"  # planted: 42 MW in one hour
    assert shown["plan"] == "2 of 3"  # planted: three judged, one missed


def test_balance_of_table_chart_file_and_metrics_agree(content: Content) -> None:
    frame = pd.read_parquet(content.record.folder / "hourly_system.parquet")
    chart = monthly_balance(content)["data"]
    table = all_tables(content)["balance"]
    heads = [head.text.en for head in table.heads][1:]
    for trace in chart:
        kind = trace["name"]["t"].removeprefix("kind_")
        from_file = frame[f"{kind}_mw"].sum() / 1000
        position = heads.index(word(f"kind_{kind}").en) + 1
        in_table = table.foot[0][position].sort
        assert sum(trace["y"]["v"]) == pytest.approx(from_file, rel=1e-5)
        assert in_table == pytest.approx(from_file, rel=1e-9)
    months = content.metrics["energy_gwh"]["by_month"]
    for month, row in content.monthly_gwh.iterrows():
        assert row["pv"] == pytest.approx(months[str(month)]["pv"], rel=1e-9)


def test_sources_equal_uses_on_the_page(content: Content) -> None:
    monthly = content.monthly_gwh
    assert np.allclose(monthly[list(SOURCES)].sum(axis=1), monthly[list(USES)].sum(axis=1), rtol=1e-9)


def test_numbers_of_the_page_are_those_of_its_tables(content: Content, page: str) -> None:
    cells = _cells(page, "table-branches")
    by_branch = content.metrics["network"]["loading"]["by_branch"]
    worst = max(by_branch, key=lambda name: by_branch[name]["max"])
    assert cells[0][1] == worst
    assert cells[0][4] == "113.4"  # 1.134
    assert len(cells) == len(by_branch)


class _Rows(HTMLParser):
    """Collects the cells of the body of one table, Chinese texts only."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self.table, self.inside, self.body, self.skip = table, False, False, False
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inside = given.get("id") == self.table if tag == "table" else self.inside
        self.body = self.inside and (tag == "tbody" or (self.body and tag not in {"tfoot", "thead"}))
        if self.body and tag == "tr":
            self.rows.append([])
        if self.body and tag in {"td", "th"}:
            self.rows[-1].append("")
        self.skip = tag == "span" and given.get("lang") == "en"

    def handle_endtag(self, tag: str) -> None:
        self.skip = False
        self.body = self.body and tag != "tbody"

    def handle_data(self, data: str) -> None:
        if self.body and self.rows and self.rows[-1] and not self.skip:
            self.rows[-1][-1] += data.strip()


def _cells(page: str, table: str) -> list[list[str]]:
    parser = _Rows(table)
    parser.feed(page)
    return parser.rows


def test_packed_hours_come_back_within_half_a_step() -> None:
    values = np.array([[0.0, -1.0], [np.nan, 5.0], [10.0, 2.5]])  # [hours × things]
    packed = fig.pack(values, fig.STEPS_8_BIT)
    codes = np.frombuffer(b64decode(packed["codes"]), dtype=np.uint8).reshape(2, 3).T
    back = np.where(codes == 255, np.nan, packed["low"] + packed["step"] * codes)
    assert packed["step"] == pytest.approx(11 / 254)
    assert np.array_equal(np.isnan(back), np.isnan(values))
    assert np.nanmax(np.abs(back - values)) <= packed["step"] / 2 + 1e-12


def test_packing_of_hours_that_all_failed() -> None:
    packed = fig.pack(np.full((4, 2), np.nan), fig.STEPS_16_BIT)
    assert set(np.frombuffer(b64decode(packed["codes"]), dtype=np.uint16)) == {65535}


def test_quarter_hours_are_shown_as_hourly_means_and_summed_as_they_are(content: Content) -> None:
    index = pd.date_range("2025-01-01", periods=8, freq="15min", tz="Asia/Shanghai")
    frame = pd.DataFrame({f"{kind}_mw": np.arange(8.0) for kind in (*SOURCES, *USES)}, index=index)
    info = {**content.info, "static": {**content.static, "time": {"start": "", "steps": 8, "step_h": 0.25}}}
    short = Content(RunRecord(content.record.folder, info, {"system": frame}))
    assert short.system["coal"].tolist() == [1.5, 5.5]  # means of 0 1 2 3 and of 4 5 6 7
    assert short.monthly_gwh["coal"].sum() == pytest.approx(28 * 0.25 / 1000)


def test_duration_curve_leaves_failed_hours_out() -> None:
    curve = fig.duration(pd.Series([1.0, np.nan, 3.0]))
    assert (curve[0], curve[-1]) == (3.0, 1.0)
    assert curve[len(curve) // 2] == pytest.approx(2.0)


# --- what is wrong comes first ---


def test_what_is_wrong_is_said_in_words_and_first(content: Content, page: str) -> None:
    found = findings(content)
    levels = [finding.level for finding in found]
    assert levels == sorted(levels, key=["bad", "warn", "note"].index)
    said = " ".join(finding.text.en for finding in found)
    assert "2 h of 336 h could not be solved" in said
    assert "42.0 MWh of load could not be served, in 1 h" in said
    assert "(published) 113 %" in said
    assert page.index('class="findings"') < page.index('class="tiles"') < page.index('class="plot"')


def test_a_sound_run_says_so(content: Content) -> None:
    sound = changed(
        content,
        reliability={"eens_mwh": 0.0, "coal_below_minimum_mwh": 0.0},
        network={
            "hours_failed": 0,
            "loading": {**content.metrics["network"]["loading"], "overloaded_branches": 0},
            "voltage": {**content.metrics["network"]["voltage"], "hours_with_violation": 0},
        },
    )
    assert findings(sound)[0].text == word("find_sound")


def test_caution_about_assumed_lines_is_on_the_first_page_and_in_the_grid_section(page: str) -> None:
    places = [match.start() for match in re.finditer("不是对实际电网的结论", page)]
    assert places[0] < page.index('id="balance"')
    assert any(place > page.index('id="grid"') for place in places)


def test_assumed_lines_are_dashed(content: Content) -> None:
    for trace in network_map(content)["data"][:-1]:
        key = content.loading.columns[trace["line"]["line"]]
        assumed = content.static["branches"][key]["confidence"] == "assumed"
        assert trace["line"]["dash"] == ("dash" if assumed else "solid")


def test_levels_of_a_station_are_drawn_apart(content: Content) -> None:
    places = bus_places(content)
    assert len(set(places.values())) == len(places)


# --- nothing runs or loads by accident ---


def test_names_are_text(page: str) -> None:
    assert NASTY not in page
    assert "&lt;script&gt;alert(" in page
    assert page.count("<script") == page.count("</script>") == 4  # early, content, plotly, page
    assert "🌞" in page


def test_script_data_cannot_end_its_element() -> None:
    text = script_json({"name": "</script><!--\u2028"})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text) == {"name": "</script><!--\u2028"}


def test_page_loads_nothing(page: str) -> None:
    own = page[: page.index("* plotly.js (cartesian")] + page[page.rindex("<script>") :]
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", own)
    assert not re.findall(r"(?:https?:)?//[a-z]+\.|@import|url\(|fetch\(|XMLHttpRequest", own)
    assert "default-src 'none'" in own


# --- figures ---


def filled(spec: Any, lang: str) -> Any:
    """Return a specification with its open places filled by stand-ins of the right kind."""
    if isinstance(spec, list):
        return [filled(item, lang) for item in spec]
    if not isinstance(spec, dict):
        return spec
    if isinstance(spec.get("line"), int):
        return {"width": 1, "dash": spec["dash"]}
    stand_ins: dict[str, Any] = {
        "t": lambda: word(spec["t"]).of(lang) if spec["t"] in WORDS else "",
        "zh": lambda: spec[lang], "v": lambda: spec["v"], "s": lambda: [1.0], "day": lambda: [[1.0]],
        "days": lambda: ["2025-01-01"], "hours": lambda: ["2025-01-01 00:00"], "c": lambda: "#000000",
        "element": lambda: [1.0], "line_hover": lambda: "x", "wide": lambda: spec["wide"],
        "bus": lambda: ["#000000"],
    }  # fmt: skip
    for key, stand_in in stand_ins.items():
        if key in spec and not isinstance(spec[key], dict) and (key != "t" or isinstance(spec[key], str)):
            return stand_in()
    return {key: filled(value, lang) for key, value in spec.items()}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_figure_is_valid_plotly(content: Content, lang: str) -> None:
    for name, spec in all_figures(content).items():
        go.Figure(filled({"data": spec["data"], "layout": spec["layout"]}, lang))
        assert spec["data"], name


# --- the file ---


def test_causes_add_up_in_every_table_and_figure(content: Content) -> None:
    lost = content.metrics["curtailment"]["total"]["gwh"]
    tables, figures = all_tables(content), all_figures(content)
    assert sum(row[1].sort for row in tables["causes"].rows) == pytest.approx(lost)
    assert [row[-1].text.zh == "本次运行未计入" for row in tables["causes"].rows] == [False] * 3 + [True] * 2
    for name in ("cause_counties", "cause_plants"):
        assert sum(row[1].sort for row in tables[name].rows) == pytest.approx(lost)
        assert all(sum(cell.sort for cell in row[2:]) == pytest.approx(row[1].sort) for row in tables[name].rows)
    stacks = figures["cause_months"]["data"]
    assert len(stacks) == 3
    assert sum(sum(trace["y"]["v"]) for trace in stacks) == pytest.approx(lost, rel=1e-5)


def test_binding_rows_are_named_in_both_languages(content: Content) -> None:
    names = [row[0].text for row in all_tables(content)["cause_rows"].rows]
    assert names[1] == Both("断面乌撒", "section 乌撒")
    branch = content.static["branches"][OVERLOADED]
    start, end = content.bus_name(branch["from"]), content.bus_name(branch["to"])
    assert all_tables(content)["cause_rows"].rows[0][4].text == Both(
        f"{start.zh}→{end.zh}", f"{start.en} → {end.en}"
    )
    one, other = list(content.static["branches"])[:2]
    after_loss = row_name(content, f"{one} without {other}")
    assert after_loss.zh == f"{content.branch_name(one).zh}（{content.branch_name(other).zh}停运后）"
    assert after_loss.en == f"{content.branch_name(one).en}, after the loss of {content.branch_name(other).en}"


def test_write_report_from_the_folder_alone(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = write_report(copy, lang="en")
    assert path == copy / "report.html"
    assert '<html lang="en" data-lang="en">' in path.read_text(encoding="utf-8")


def test_a_year_stays_below_eight_megabytes(tmp_path: Path) -> None:
    path = write_report(write_sample(tmp_path / "year", days=365))
    assert 4e6 < path.stat().st_size < 8e6


def test_unknown_language_is_refused(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="unknown language"):
        write_report(folder, lang="fr")


def test_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run folder"):
        write_report(tmp_path)


def test_sections_without_data_say_so(content: Content) -> None:
    none = {**content.metrics["curtailment"]["causes"], "rows": []}
    bare = changed(content, storage={"by_storage": {}}, curtailment={"causes": none})
    info = {**bare.info, "static": {**bare.static, "storages": {}}}
    page = render(Content(RunRecord(bare.record.folder, info, bare.record._frames)), "zh")
    assert "该情景没有储能" in page
    assert "没有元件或断面到限" in page
    assert 'id="fig-storage_day"' not in page


def test_the_vendored_bundle_is_the_version_that_plotly_writes_for():
    assert f"plotly.js (cartesian - minified) v{get_plotlyjs_version()}" in plotly_js(complete=False)[:200]
