"""The report in a real browser: nothing from data runs, nothing is fetched, and it can be read and used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report_run import SCRIPT, TEMPLATE, Opened

CONTRAST = """
() => {
  const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] > 0.99) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility() || ["SCRIPT", "NOSCRIPT"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = element.tagName + "." + element.className + " " + element.textContent.slice(0, 30);
    if (ratio < 4.5) poor.push(ratio.toFixed(2) + " " + name);
  }
  return poor;
}
"""


@pytest.fixture
def opened(browser: Any, hostile_page: Path) -> Iterator[Opened]:
    page = Opened(browser, hostile_page)
    yield page
    page.close()


def test_nothing_runs_and_nothing_is_fetched(opened: Opened, hostile_page: Path) -> None:
    while opened.tab.is_visible("#more"):
        opened.tab.click("#more")
    opened.tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    opened.tab.hover(".words mark")
    opened.tab.wait_for_timeout(100)
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [hostile_page.resolve().as_uri()]
    assert opened.tab.evaluate("window.pwned") is None
    assert opened.tab.evaluate("document.querySelectorAll('script').length") == 2
    assert (
        opened.tab.evaluate("document.querySelectorAll('[onerror], [onload], [onclick], iframe, object').length") == 0
    )


def test_data_and_model_text_is_there_as_text(opened: Opened) -> None:
    question = opened.tab.text_content("article .question")
    said = opened.tab.text_content("article .said:not(:has-text('cut here')) .words")
    for text in (question, said):
        assert SCRIPT in text and "onerror" in text and TEMPLATE in text
        assert "nul ␀ bell ␇ right-to-left ⟨U+202E⟩evil" in text and "⟨U+FFFF⟩" in text and "\U0001f600" in text
    assert "run <b onclick=alert(1)>&amp;" in opened.tab.inner_text("h1")
    everything = opened.tab.text_content("#cards")
    assert "cut here: " in everything and "more characters" in everything and len(everything) < 300_000


def test_filters_and_search_by_keyboard(opened: Opened) -> None:
    tab = opened.tab
    everything = opened.count()
    tab.focus("#f-search")
    tab.keyboard.type("how many dogs c?")
    opened.until("document.querySelectorAll('#cards article').length === 1")
    assert opened.count().startswith("1 of 6 prompts")
    tab.focus("#f-verdict")
    tab.keyboard.press("ArrowDown")
    opened.until("document.querySelectorAll('#cards .said.wrong').length === 0")
    assert tab.evaluate("document.querySelectorAll('#cards .said.right').length") == 1
    tab.focus("#f-reset")
    tab.keyboard.press("Enter")
    opened.until(f"document.getElementById('count').textContent === {everything!r}")
    tab.select_option("#f-fate", "kept")
    kept = tab.evaluate(
        "[...document.querySelectorAll('#cards .said')].every((one) => one.textContent.includes('kept'))"
    )
    assert kept and opened.count() != everything
    tab.select_option("#f-fate", "")
    tab.select_option("#f-cycle", "2")
    assert tab.evaluate("[...document.querySelectorAll('#cards .cycle')].every((one) => one.textContent === 'Cycle 2')")
    tab.select_option("#f-cycle", "")
    assert opened.count() == everything


def test_surprises_are_found_by_completion(opened: Opened) -> None:
    for kind, verdict in (("right but low reward", "right"), ("wrong but high reward", "wrong")):
        if opened.tab.locator(f"#f-look option[value='{kind}']").count():
            opened.tab.select_option("#f-look", kind)
            assert (
                opened.tab.locator("#cards .said").count() == opened.tab.locator(f"#cards .said.{verdict}").count() > 0
            )
    opened.tab.select_option("#f-look", "never solved")
    assert opened.tab.locator("#cards article").count() == 1 and not opened.tab.locator("#cards .said.right").count()
    opened.tab.select_option("#f-look", "")


def test_evidence_of_a_claim_on_focus(opened: Opened) -> None:
    tab = opened.tab
    tab.focus("article .words mark >> nth=0")
    first = tab.inner_text("#tip")
    assert tab.is_visible("#tip") and ": " in first
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.tagName") == "MARK"
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#tip")
    verdicts = tab.evaluate("[...new Set([...document.querySelectorAll('#cards mark')].map((one) => one.className))]")
    assert set(verdicts) <= {"supported", "contradicted", "unknown"} and verdicts
    assert tab.locator("#cards mark.supported sup").first.inner_text() == "✓"


def test_boxes_lie_over_the_image_and_go(opened: Opened) -> None:
    tab = opened.tab
    assert tab.locator(".picture rect.object").count() > 0 and tab.locator(".picture rect.text").count() > 0
    picture = tab.locator(".picture").first
    assert picture.locator("img").evaluate("(image) => image.naturalWidth") == 64
    tab.focus("#f-boxes")
    tab.keyboard.press("Space")
    assert not picture.locator("svg").is_visible()
    tab.keyboard.press("Space")
    assert picture.locator("svg").is_visible()


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_no_sideways_scroll(browser: Any, hostile_page: Path, width: int) -> None:
    page = Opened(browser, hostile_page, width)
    page.tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: Any, hostile_page: Path, scheme: str) -> None:
    page = Opened(browser, hostile_page, scheme=scheme)
    page.tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.tab.evaluate(CONTRAST) == []
    dark = page.tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 27)"
    assert dark == (scheme == "dark")
    page.close()


def test_every_control_has_a_name_and_every_chart_its_numbers(opened: Opened) -> None:
    nameless = """[...document.querySelectorAll('input, select, button')].filter((one) =>
        !(one.labels && one.labels.length) && !one.textContent.trim()).length"""
    assert opened.tab.evaluate(nameless) == 0
    charts = opened.tab.locator("figure .chart")
    assert charts.count() >= 8
    assert opened.tab.locator("figure:has(.chart) table").count() == charts.count()
    ids = opened.tab.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
