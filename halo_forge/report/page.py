"""`vlm report`: one run as one self-contained HTML file.

halo-forge vlm report models/vlm_raft --open
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import sys
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge import files
from halo_forge.config import execution, identity, source, target
from halo_forge.errors import UserError
from halo_forge.report import drawing
from halo_forge.report.answer import Answer, answer
from halo_forge.report.charts import cell, number
from halo_forge.report.clean import script_json, visible
from halo_forge.report.gallery import HIGH, LOW, gallery
from halo_forge.report.sections import sections
from halo_forge.report.tables import Tables, opened, unfinished

LARGEST = 25_000_000
"""Bytes of the file, at most."""


@dataclass(frozen=True)
class Config:
    """Which run, and what the page shows of it."""

    run: str = source("prompts", help="the run directory")
    output: str = target("", "the HTML file ('': report.html in the run)")
    prompts: int = execution(200, "prompts in the gallery, at most; the most informative ones")
    seed: int = identity(0, "of the prompts that are drawn at random")
    tag: str = identity("", "of a rerun that was kept with this tag")
    open: bool = execution(False, "show it in the browser")

    def __post_init__(self) -> None:
        if self.prompts < 0:
            raise UserError(f"--prompts takes a number from 0 on, not {self.prompts}")


def run(config: Config) -> int:
    """Write the page; the exit code."""
    begin = time.perf_counter()
    output = write(config)
    size = output.stat().st_size / 1e6
    print(f"{output} ({size:.1f} MB, {time.perf_counter() - begin:.1f} s)")
    if config.open and not webbrowser.open(output.resolve().as_uri()):
        print("no browser here: open the file yourself", file=sys.stderr)
    return 0


def write(config: Config) -> Path:
    """Write the page of a run; where it is. Raises UserError where the folder holds no run."""
    with opened(config.run, config.tag) as tables:
        html = page(tables, config)
    name = f"report_{config.tag}.html" if config.tag else "report.html"
    output = Path(config.output) if config.output else tables.place.root / name
    if len(html) > LARGEST:
        raise UserError(f"the report would have {len(html):,} bytes: give a smaller --prompts than {config.prompts}")
    with files.whole(output) as temporary:
        temporary.write_bytes(html)
    return output


def page(tables: Tables, config: Config) -> bytes:
    """The whole page."""
    import jinja2

    told = answer(tables)
    shown = gallery(tables, config.prompts, told.best, config.seed)
    style, script = _asset("page.css"), _asset("page.js")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["svg"] = lambda spec: _markup(drawing.svg(spec))
    text = environment.from_string(_asset("page.html")).render(
        policy=_policy(style, script),
        style=_markup(style),
        script=_markup(script),
        data=_markup(script_json(shown.data())),
        title=visible(tables.place.root.resolve().name),
        facts=facts(tables, told),
        told=told,
        sections=[told.section, *sections(tables)],
        missing=missing(tables),
        shown=shown,
        low=LOW,
        high=HIGH,
        settings=settings(tables),
        versions=[(name, cell(value)) for name, value in sorted((tables.about.get("versions") or {}).items())],
    )
    return text.encode("utf-8", "replace")


def _markup(text: str) -> Any:
    """Text that is markup already: our own files, drawings of ours, and JSON without any markup."""
    import markupsafe

    return markupsafe.Markup(text)


def _asset(name: str) -> str:
    return (importlib.resources.files("halo_forge.report") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy: exactly its own style and script, images inside the file, nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def facts(tables: Tables, told: Answer) -> list[tuple[str, str]]:
    """(name, value) of what a reader wants to know first."""
    totals = tables.ask("report/totals")[0]
    found = [
        ("dataset", tables.settings.get("dataset")),
        ("model", tables.settings.get("model_name")),
        ("cycles", totals["cycles"] or None),
        ("prompts", totals["prompts"] or None),
        ("completions", totals["completions"] or None),
        ("held-out completions", totals["eval_completions"] or None),
        ("images", totals["images"] or None),
        ("started", tables.about.get("started")),
    ]
    return [(name, cell(value)) for name, value in found if value not in (None, "")]


def missing(tables: Tables) -> list[str]:
    """What a reader must know before believing the numbers."""
    lines = [f"Unfinished: {visible(name)}." for name in unfinished(tables)[:8]]
    for model, reason in tables.place.stale().items():
        lines.append(f"{visible(model)} is stale: {visible(reason)}.")
    if not tables.about:
        lines.append("No run.json: settings are not known.")
    return lines


def settings(tables: Tables) -> list[tuple[str, str]]:
    """(name, value) of every setting that is not empty."""
    rows: list[tuple[str, str]] = []
    for name, value in sorted(tables.settings.items()):
        if value in (None, "", [], ()):
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        rows.append((visible(name), number(shown, 6) if isinstance(shown, float) else cell(shown)))
    return rows
