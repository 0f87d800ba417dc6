"""`vlm why`: one prompt's whole story: what was asked and seen, what was said in each cycle, and what became of it.

halo-forge vlm why models/vlm_raft 3fa9c1
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from halo_forge import sql
from halo_forge.config import execution, identity, source
from halo_forge.errors import UserError
from halo_forge.vlm import views
from halo_forge.vlm.output import plain

WIDTH = 110
LONGEST = 2000
"""Characters of a completion that are shown."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Config:
    """Which prompt of which run."""

    run: str = source("prompts", help="the run directory")
    prompt_id: str = identity(help="a prompt's id; its first letters are enough where they are unique")
    cycle: int | None = identity(None, "only this cycle (none: all)")
    tag: str = identity("", "of a rerun that was kept with this tag")
    full: bool = execution(False, f"completions beyond {LONGEST} characters, too")


def run(config: Config) -> int:
    """Print the story; the exit code."""
    print("\n".join(story(config)))
    return 0


def story(config: Config) -> Iterator[str]:
    """The lines of the story. Raises UserError where no prompt, or more than one, begins like that."""
    connection = sql.connect({**views.empty(), **views.of_run(config.run, config.tag)})
    try:

        def rows(name: str, **values: Any) -> list[Row]:
            return sql.fetch(connection, sql.text(f"why/{name}"), values).to_pylist()

        prompt = _one(rows("prompts", prefix=config.prompt_id.strip()), config)
        yield from _question(prompt)
        for image in rows("images", image_ids=list(prompt["image_ids"] or [])):
            yield from _image(image)
        key = prompt["prompt_id"]
        told = _of_cycle(rows("held_out" if prompt["held_out"] else "completions", prompt_id=key), config)
        trained = [] if prompt["held_out"] else _of_cycle(rows("trained", prompt_id=key), config)
        if not told:
            yield "no completion yet" if config.cycle is None else f"no completion in cycle {config.cycle}"
        for cycle, said in groupby(told, key=lambda row: row["cycle"]):
            yield from _cycle(cycle, list(said), [row for row in trained if row["cycle"] == cycle], config.full)
        asked = {row["cycle"] for row in told}
        for row in trained:
            if row["cycle"] not in asked:
                yield from _trained(row)
    finally:
        connection.close()


def _one(found: list[Row], config: Config) -> Row:
    ids = list(dict.fromkeys(row["prompt_id"] for row in found))
    if not ids:
        raise UserError(f"no prompt of {config.run} begins with '{config.prompt_id}'")
    if len(ids) > 1 and config.prompt_id not in ids:
        shown = ", ".join(key[: len(config.prompt_id) + 6] for key in ids[:5])
        raise UserError(f"{len(ids)} prompts or more begin with '{config.prompt_id}': {shown}, …; give more letters")
    return found[0]


def _of_cycle(rows: list[Row], config: Config) -> list[Row]:
    return [row for row in rows if config.cycle in (None, row["cycle"])]


def _question(prompt: Row) -> Iterator[str]:
    where = f"{prompt['dataset']} {prompt['split']} row {prompt['row_index']}"
    held = "held out, never trained on" if prompt["held_out"] else "for training"
    yield f"prompt {prompt['prompt_id']} ({plain(where)}; {prompt['style']}; {held})"
    yield from _wrapped("question: ", prompt["question"])
    if prompt["prompt"] != prompt["question"]:
        yield from _wrapped("asked as: ", prompt["prompt"])
    answers = prompt["answers"]
    yield from _wrapped(
        f"answers ({prompt['metric']}): ", "no ground truth" if answers is None else ", ".join(map(repr, answers))
    )
    if prompt["choices"]:
        yield from _wrapped("choices: ", ", ".join(map(repr, prompt["choices"])))
    if prompt["error"]:
        yield from _wrapped("error: ", prompt["error"])


def _image(image: Row) -> Iterator[str]:
    yield f"image {image['image_id']} ({image['width']} × {image['height']} {image['format']})"
    if image["error"]:
        yield from _wrapped("  error: ", image["error"])
    if not image["seen"]:
        yield "  nobody looked at it"
        return
    objects = [f"{box['label']} {box['confidence']:.2f}" for box in image["objects"] or []]
    texts = [f"{line['text']!r} {line['confidence']:.2f}" for line in image["texts"] or []]
    yield from _wrapped("  objects: ", ", ".join(objects) or "none")
    yield from _wrapped("  text: ", ", ".join(texts) or "none")


def _cycle(cycle: int, said: list[Row], trained: list[Row], full: bool) -> Iterator[str]:
    judged = [row for row in said if row.get("correct") is not None]
    right = sum(row["correct"] for row in judged)
    yield ""
    yield f"cycle {cycle}: {right} of {len(judged)} right" if judged else f"cycle {cycle}: {len(said)} completions"
    for row in said:
        verdict = {True: "right", False: "wrong", None: "not judged"}[row["correct"]]
        cut = ", cut off" if row["finish_reason"] == "length" else ""
        how = f"T = {_number(row['temperature'])}, {plain(str(row['model']))}"
        yield f"  sample {row['sample_index']} ({how}): {verdict}{cut}"
        text = row["completion"] or ""
        short = text if full or len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters, see --full)"
        yield from _wrapped("    ", short)
        if row["error"]:
            yield from _wrapped("    error: ", row["error"])
        yield from (_scored(row) if "score" in row else _rewarded(row))
    for row in trained:
        yield from _trained(row)


def _scored(row: Row) -> Iterator[str]:
    answer = "none found" if row["prediction"] is None else repr(row["prediction"])
    yield from _wrapped("    answer: ", f"{answer}; {row['metric']} {_number(row['score'])}")


def _rewarded(row: Row) -> Iterator[str]:
    answer = "none found" if row["answer"] is None else repr(row["answer"])
    yield from _wrapped("    answer: ", answer)
    for claim in row["claims"] or []:
        p = "" if claim["p"] is None else f" {claim['p']:.2f}"
        why = f" ({claim['evidence']})" if claim["evidence"] else ""
        yield from _wrapped(f"    {claim['verdict']}{p}: ", f"{claim['claim']}{why}")
    for stage in ("perception", "reasoning", "output"):
        parts = [
            f"{name.removeprefix(stage + '_')} {_number(value)}"
            for name, value in row.items()
            if name.startswith(stage + "_") and value is not None
        ]
        yield f"    {stage} {_number(row[stage])}" + (f" ({', '.join(parts)})" if parts else "")
    for own in row["custom"] or []:
        yield f"    {plain(own['name'])} {_number(own['score'])}"
    fate = {True: "kept", False: "dropped", None: "not filtered yet"}[row["keep"]]
    yield f"    reward {_number(row['reward'])}; {fate}" + (f": {plain(row['reason'])}" if row["reason"] else "")


def _trained(row: Row) -> Iterator[str]:
    where = f"cycle {row['cycle']}: also trained on ({row['origin']}, of cycle {row['from_cycle']}): "
    yield from _wrapped(f"  {where}", row["completion"])


def _wrapped(first: str, text: str | None) -> Iterator[str]:
    """Text of a dataset or a model, safe for a terminal, in lines of a readable width."""
    indent = " " * (len(first) - len(first.lstrip()) + 2)
    for number, line in enumerate((text or "").splitlines() or [""]):
        yield from textwrap.wrap(
            plain(line) or " ", WIDTH, initial_indent=first if number == 0 else indent, subsequent_indent=indent
        ) or [first.rstrip()]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
