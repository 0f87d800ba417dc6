"""A hostile run, and a real headless Chromium to open pages in."""

from __future__ import annotations

import importlib.util
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from halo_forge.report import page
from tests import sql_run

SCRIPT = "<script>window.pwned = 1</script>"
HANDLER = "<img src=x onerror=\"window.pwned = 1\"><svg onload='window.pwned = 1'>"
END = "</script></textarea></style><!-- ]]> "
BROKEN = "nul \x00 bell \x07 right-to-left \u202eevil\u202c zero \u200b line\u2028 not a character \uffff \U0001f600"
TEMPLATE = "{{ 7 * 7 }} {% raw %} ${7 * 7} %s"
LONG = "A " + "very " * 20_000 + "long completion"
EVIL = f"{SCRIPT} {HANDLER} {END} {BROKEN} {TEMPLATE}"


def png(width: int = 64, height: int = 48) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 180, 90)).save(out, "PNG")
    return out.getvalue()


def hostile(root: Path) -> Path:
    """The small run, its questions, answers, completions, labels, texts, reasons and settings full of markup."""
    names = sorted(sql_run.PLAN)
    images = [
        {"image_id": f"image-{n}", "image": {"bytes": png(), "path": None}, "width": 64, "height": 48}
        for n in (*names, "x", "y", "z")
    ]
    images[1]["image"] = {"bytes": b"GIF89a<script>window.pwned = 1</script>", "path": None}
    sql_run.put(root / "images", "images", images)
    asked = [sql_run.prompt(name, "train") | _asked(name) for name in names]
    sql_run.put(root / "prompts", "prompts", asked)
    sql_run.put(root / "eval/prompts", "prompts", [sql_run.prompt(n, "test") | _asked(n) for n in "xyz"])
    seen = [sql_run.evidence(name) for name in names]
    for row in seen:
        row["objects"][0]["label"] = f"dog {EVIL}"
        row["texts"] = [{"text": EVIL, "confidence": 0.5, "x1": -5.0, "y1": 9.0, "x2": 9e9, "y2": float("nan")}]
        row["detector"] = SCRIPT
    sql_run.put(root / "evidence/cycle=1", "evidence", seen)
    for cycle in (1, 2):
        said = [_said(name, s, cycle) for name in names for s in range(4)]
        sql_run.put(root / f"completions/cycle={cycle}", "completions", said)
        sql_run.judge(root, cycle)
    return root


def _asked(name: str) -> dict[str, Any]:
    question = f"How many dogs {name}? {EVIL}"
    return {"question": question, "prompt": f"{question} {SCRIPT}", "dataset": SCRIPT, "answers": ["2", EVIL]}


def _said(name: str, sample: int, cycle: int) -> dict[str, Any]:
    row = sql_run.completion(name, sample, cycle, sql_run.PLAN[name][cycle - 1][sample])
    extra = LONG if name == "a" and sample == 0 else EVIL
    return row | {"completion": f"{row['completion']} {extra}"}


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the hostile run."""
    run = hostile(tmp_path_factory.mktemp("report") / "run <b onclick=alert(1)>&amp;")
    return page.write(page.Config(str(run)))


def _chromium() -> str:
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a sandbox because containers run tests as root."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed: pip install playwright")
    if not _chromium():
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        yield running
        running.close()


class Opened:
    """A page in the browser, with what it said and asked for."""

    def __init__(self, browser: Any, file: Path, width: int = 1280, scheme: str = "light") -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.tab = context.new_page()
        self.tab.set_default_timeout(8000)
        self.tab.on("console", lambda said: self.errors.append(f"{said.type}: {said.text}"))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(file.resolve().as_uri())
        self.tab.wait_for_selector("#cards article")

    def count(self) -> str:
        return str(self.tab.inner_text("#count"))

    def until(self, condition: str) -> None:
        """Wait for a JavaScript condition; asked from outside, because the page's own policy allows no eval."""
        for _ in range(100):
            if self.tab.evaluate(condition):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(condition)

    def close(self) -> None:
        self.tab.context.close()
