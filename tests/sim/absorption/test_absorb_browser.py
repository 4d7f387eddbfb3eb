"""The page of an absorption study in a real browser: every picture is drawn, nothing is asked of a network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from absorption_cases import day, study_of, sunny_day

from sim.absorption.capacity import Book, find_capacity
from sim.absorption.frontier import trace
from sim.absorption.study import Findings, Question
from sim.progress import Stages
from sim.report.absorption_page import absorption_page

sync_api = pytest.importorskip("playwright.sync_api", reason="install the Python package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None and os.environ.get("WUMENG_BROWSER") == "required":
    pytest.fail("no Chromium found, and WUMENG_BROWSER=required does not let these tests be skipped", pytrace=False)
if CHROMIUM is None:
    pytest.skip("no Chromium found: install the package chromium", allow_module_level=True)

QUIET = Stages(quiet=True)
ALL_DRAWN = "() => [...document.querySelectorAll('.plot')].every(place => place.querySelector('.main-svg'))"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = study_of(day(), "weining", "hezhang")
    book = Book(study, sunny_day(study))
    answers = tuple(find_capacity(book, site, QUIET) for site in (0, 1))
    line = trace(book, [0.0, 60.0, 120.0], [0.0, 60.0, 120.0], QUIET)
    findings = Findings(Question(("weining", "hezhang")), study, answers, line)
    page = tmp_path_factory.mktemp("page") / "absorption.html"
    page.write_text(absorption_page(findings, "zh"), encoding="utf-8")
    return page


def test_the_page_is_drawn_in_both_languages_without_a_network(path: Path):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 6000})
        wrong: list[str] = []
        asked: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_function(ALL_DRAWN, timeout=60_000)
        chinese = page.inner_text("main")
        frontier = page.inner_text("#fig-absorb_frontier")
        page.click("#language")
        page.wait_for_function("() => document.documentElement.lang === 'en'")
        english = page.inner_text("main")
        browser.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert "威宁基地在弃光率≤5%条件下可接纳" in chinese
    assert "Weining base can hold 85 MW" in english
    assert "Weining base can hold" not in chinese
    for entry in ("边界", "现有装机", "规划"):
        assert entry in frontier
