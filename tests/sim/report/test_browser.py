"""The pages in a real browser, without a network: they draw, switch, sort, answer clicks, and print.

Needs Chromium (``apt-get install chromium``) and the Python package ``playwright``; skipped where one is absent.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sample_run import write_sample
from test_compare import doctored

from sim.report.compare import write_comparison
from sim.report.page import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

sync_api = pytest.importorskip("playwright.sync_api", reason="install the Python package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None and os.environ.get("WUMENG_BROWSER") == "required":
    pytest.fail("no Chromium found, and WUMENG_BROWSER=required does not let these tests be skipped", pytrace=False)
if CHROMIUM is None:
    pytest.skip("no Chromium found: install the package chromium", allow_module_level=True)

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SETTLED_MS = 400
RESIZED_MS = 15_000
DRAWN = "() => [...document.querySelectorAll('.plot')].filter(p => p.offsetParent && !p.querySelector('.main-svg'))"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("runs")
    first = write_sample(home / "first", days=28, nasty=True)
    compared = home / "compare.html"
    write_comparison([first, doctored(first, home / "second")], compared)
    return {"report": write_report(first), "compare": compared}


@dataclass
class Window:
    """One page of the browser, what went wrong in it, and what it asked of a network."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        """Load a file afresh."""
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.goto(path.as_uri())
        return self.page

    def refuse(self, route: Route) -> None:
        """Note a request that leaves the file, and let it fail."""
        self.asked.append(route.request.url)
        route.abort()


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    """Give one page for all tests: a script that was compiled once loads four times faster."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(color_scheme="light", locale="zh-CN")
        window = Window(context.new_page())
        grave = {"error", "warning"}
        window.page.on("console", lambda said: window.wrong.append(said.text) if said.type in grave else None)
        window.page.on("pageerror", lambda error: window.wrong.append(str(error)))
        window.page.on("dialog", lambda dialog: window.wrong.append(f"dialog {dialog.message}"))
        context.route(re.compile("^(?!file:|data:|blob:)"), window.refuse)
        yield window
        browser.close()


@pytest.fixture
def tab(window: Window, pages: dict[str, Path]) -> Iterator[Page]:
    """Open the report; afterwards nothing may have gone wrong or been asked of a network."""
    yield window.open(pages["report"])
    window.page.evaluate("localStorage.clear()")
    assert window.wrong == []
    assert window.asked == []


def see(page: Page, selector: str) -> Any:
    """Scroll to an element and let what comes into sight be drawn."""
    element = page.locator(selector).first
    element.scroll_into_view_if_needed()
    page.wait_for_timeout(SETTLED_MS)
    return element


def draw_everything(page: Page) -> None:
    for figure in page.locator("figure:visible").all():
        figure.scroll_into_view_if_needed()
        page.wait_for_timeout(60)
    page.wait_for_function(f"({DRAWN})().length === 0", timeout=20_000)


def test_every_figure_is_drawn_and_none_is_empty(tab: Page) -> None:
    draw_everything(tab)
    empty = tab.evaluate(
        """() => [...document.querySelectorAll('.plot')].filter(p => p.data && p.data.length === 0 ||
           p.data && !p.querySelector('.trace, .hm, .point, .js-line, .fills, path'))
           .map(p => p.id)"""
    )
    assert empty == []
    assert tab.locator(".plot .main-svg").count() >= 15


def test_comparison_is_drawn(window: Window, pages: dict[str, Path]) -> None:
    page = window.open(pages["compare"])
    draw_everything(page)
    assert page.locator("#all_figures tbody tr").count() == 20
    assert (window.wrong, window.asked) == ([], [])


def test_language_switches_texts_units_and_figures_and_is_remembered(tab: Page) -> None:
    title = "#fig-balance .ytitle"
    assert "亿千瓦时" in tab.locator(title).text_content()  # type: ignore[operator]
    assert tab.locator("#overview .tiles .value").first.inner_text().endswith("亿千瓦时")
    tab.click("#language")
    assert "GWh" in tab.locator(title).text_content()  # type: ignore[operator]
    assert tab.locator("#overview .tiles .value").first.inner_text().endswith("GWh")
    assert tab.evaluate("document.documentElement.lang") == "en"
    assert tab.get_attribute("#theme", "aria-label") == "Dark or light"
    assert tab.title() == "Bijie 2025 as planned"
    tab.reload()
    assert tab.evaluate("document.documentElement.dataset.lang") == "en"


def test_same_energy_in_both_units(tab: Page) -> None:
    chinese = tab.evaluate("document.getElementById('fig-balance').data[0].y[0]")
    tab.click("#language")
    english = tab.evaluate("document.getElementById('fig-balance').data[0].y[0]")
    assert english == pytest.approx(100 * chinese)  # 1 亿千瓦时 = 100 GWh


def test_theme_switches_and_is_remembered(tab: Page) -> None:
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.click("#theme")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert tab.get_attribute("#theme", "aria-pressed") == "true"
    tab.reload()
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"


def test_weeks(tab: Page) -> None:
    see(tab, "#fig-week")
    label = tab.locator("#week-label")
    tab.locator(".jump").first.click()
    tab.locator("#week").evaluate("(slider) => { slider.value = 0; slider.dispatchEvent(new Event('input')); }")
    assert label.inner_text() == "2025-01-01 – 2025-01-07"
    tab.locator(".step[data-weeks='1']").click()
    assert label.inner_text() == "2025-01-08 – 2025-01-14"
    tab.wait_for_timeout(SETTLED_MS)
    hours = tab.evaluate("document.getElementById('fig-week').data[0].x")
    assert (len(hours), hours[0], hours[-1]) == (168, "2025-01-08 00:00", "2025-01-14 23:00")


def test_hourly_picture_follows_the_choice(tab: Page) -> None:
    see(tab, "#fig-heat")
    values = "document.getElementById('fig-heat').data[0].z"
    assert tab.evaluate(f"[{values}.length, {values}[0].length]") == [24, 28]  # hours × days
    noon = tab.evaluate(f"{values}[12][0]")
    tab.select_option("#heat", "wind")
    assert tab.evaluate(f"{values}[12][0]") != noon


def test_table_sorts_and_filters(tab: Page) -> None:
    see(tab, "#table-branches")
    column = "#table-branches tbody tr td:nth-child(5)"
    head = tab.locator("#table-branches thead th:nth-child(5)")
    head.locator("button").click()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    values = [float(text) for text in tab.locator(column).all_inner_texts()]
    assert values == sorted(values)
    tab.fill(".filter[data-table='table-branches']", "WUSA500-JHH500")
    assert tab.locator("#table-branches tbody tr:visible").count() == 1


def test_clicking_a_line_on_the_map_shows_its_year(tab: Page) -> None:
    see(tab, "#fig-map")
    place = tab.evaluate(
        """() => {
          const plot = document.getElementById('fig-map');
          const trace = plot.data.find((one) => one.name.includes('金海湖变') && one.name.includes('奢香变'));
          const { xaxis, yaxis } = plot._fullLayout;
          const box = plot.getBoundingClientRect();
          const across = xaxis._offset + xaxis.c2p(trace.x[4]);
          return [trace.name, box.left + across, box.top + yaxis._offset + yaxis.c2p(trace.y[4])];
        }"""
    )
    tab.mouse.move(place[1], place[2])
    tab.wait_for_timeout(SETTLED_MS)
    tab.mouse.click(place[1], place[2])
    tab.wait_for_selector("#fig-element_heat .main-svg", state="attached")
    assert tab.inner_text("#element-name") == place[0]
    assert "%" in tab.inner_text("#element-facts")


def test_map_hour_slider_and_an_hour_that_failed(tab: Page) -> None:
    see(tab, "#fig-map")
    widths = "document.getElementById('fig-map').data.slice(0, -1).map((line) => line.line.width)"
    before = tab.evaluate(widths)
    tab.locator("#map-hour").evaluate("(slider) => { slider.value = 5; slider.dispatchEvent(new Event('input')); }")
    tab.wait_for_timeout(SETTLED_MS)
    assert tab.evaluate(widths) != before
    assert tab.inner_text("#map-label") == "2025-01-01 05:00"
    tab.locator("#map-hour").evaluate(
        "(slider) => { slider.value = 30; slider.dispatchEvent(new Event('input')); }"
    )
    assert "未收敛" in tab.inner_text("#map-label")


def test_keyboard_alone_reaches_content_and_elements(tab: Page) -> None:
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    see(tab, "#table-branches")
    tab.locator(".pick").nth(2).focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#fig-element_duration .main-svg", state="attached")
    assert tab.inner_text("#element-name") == tab.locator(".pick").nth(2).inner_text()


def test_everything_that_acts_has_a_name(tab: Page) -> None:
    nameless = tab.evaluate(
        """() => [...document.querySelectorAll('button, select, input, .plot')]
           .filter((one) => !one.closest('.modebar') && !one.closest('label'))
           .filter((one) => !one.textContent.trim() && !one.getAttribute('aria-label'))
           .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_strange_names_are_shown_as_text(tab: Page) -> None:
    see(tab, "#table-branches")
    assert '<script>alert("x")</script>' in tab.inner_text("#table-branches")


def test_printing_gives_a_paginated_a4(tab: Page, tmp_path: Path) -> None:
    document = tab.pdf(format="A4", print_background=True)
    assert document.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", document))
    assert 6 <= pages <= 40
    sizes = {
        tuple(round(float(x)) for x in box.split()) for box in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", document)
    }
    assert all(abs(box[2] - 595) <= 1 and abs(box[3] - 842) <= 1 for box in sizes)  # A4 in points


def test_nothing_sticks_out_on_any_screen(tab: Page) -> None:
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    draw_everything(tab)
    for width in (1440, 1024, 390):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_function(f"() => {beyond} <= 0", timeout=RESIZED_MS)  # plots follow the window in turn
