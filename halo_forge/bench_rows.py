"""Synthetic tables for bin/bench: completions, right and wrong by turns, of prompts about given scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_forge.schema import from_rows
from halo_forge.store import Writer, ranges

if TYPE_CHECKING:
    import pyarrow as pa

SCENES = 50
"""Distinct images behind the synthetic completions; a run asks several questions about each."""
SAMPLES = 4
TOKENS = 64
"""Tokens of a completion on disk, each with its id and its log-probability."""
PART_ROWS = 512
"""Completions in a part, as generate writes them."""
COLOURS = ("red", "blue", "green", "yellow")


def synthetic(rows: int) -> tuple[pa.Table, pa.Table, pa.Table]:
    """(completions, prompts, evidence): `rows` completions, right and wrong by turns, over 50 scenes."""
    return (
        from_rows([completion(i) for i in range(rows)], "completions"),
        from_rows([prompt(i) for i in range((rows + SAMPLES - 1) // SAMPLES)], "prompts"),
        from_rows([scene(i) for i in range(SCENES)], "evidence"),
    )


def on_disk(folder: Path, rows: int) -> None:
    """The same as finished tables below `folder`, `rows` completions with their tokens, a part at a time."""
    writer = Writer.begin(folder / "prompts", "prompts", {"stage": "prompts", "rows": rows})
    writer.write(0, from_rows([prompt(i) for i in range((rows + SAMPLES - 1) // SAMPLES)], "prompts"))
    writer.finish()
    writer = Writer.begin(folder / "evidence", "evidence", {"stage": "perceive"})
    writer.write(0, from_rows([scene(i) for i in range(SCENES)], "evidence"))
    writer.finish()
    payload = {"stage": "generate", "rows": rows}
    writer = Writer.begin(folder / "completions", "completions", payload, ranges(rows, PART_ROWS))
    said = {
        "token_ids": list(range(TOKENS)),
        "logprobs": [-0.5] * TOKENS,
        "prompt_tokens": 300,
        "completion_tokens": TOKENS,
    }
    for number, start, stop in writer.missing():
        writer.write(number, from_rows([completion(i) | said for i in range(start, stop)], "completions"))
    writer.finish()


def scene(i: int) -> dict[str, Any]:
    """Evidence of image i: one to four dogs to the left of a cat, and a sign."""
    boxes = [
        {"label": "dog", "confidence": 0.9, "x1": 60.0 * k, "y1": 40.0, "x2": 60.0 * k + 50, "y2": 90.0}
        for k in range(1 + i % 4)
    ]
    cat = {"label": "cat", "confidence": 0.8, "x1": 350.0, "y1": 40.0, "x2": 399.0, "y2": 90.0}
    sign = {"text": f"GATE {i}", "confidence": 0.95, "x1": 10.0, "y1": 200.0, "x2": 90.0, "y2": 220.0}
    common = {"width": 400, "height": 300, "detector": "given", "ocr": "given", "vocabulary": ["cat", "dog"]}
    return {"image_id": f"image-{i}", "cycle": 1, "objects": [*boxes, cat], "texts": [sign], **common}


def prompt(i: int) -> dict[str, Any]:
    """How many dogs, of scene i."""
    question = "How many dogs are there?"
    shown = {"question": question, "prompt": question, "style": "grounded", "metric": "match"}
    return {
        "prompt_id": f"{i:064x}",
        "image_ids": [f"image-{i % SCENES}"],
        "answers": [str(1 + i % SCENES % 4)],
        **shown,
    }


FORMS = (
    'I see {n} {colour} dogs to the left of a cat. The sign reads "{sign}". Counting them gives {n}.',
    "Let me look at the picture step by step. There are {n} {colour} dogs in a row, and a cat sits to the right of "
    "them. Nothing is hidden behind the cat. So the number of dogs is {n}.",
    "On the left I count {n} dogs, on the right there is one cat. Together that makes {n} + 1 = {more} animals, and "
    '{more} - 1 = {n} of them are dogs. The sign below says "{sign}".',
    "The image shows a cat on the right side and, to its left, {n} {colour} dogs. There is no horse and no bird. A "
    'sign at the bottom with the words "{sign}" can be read too. Because the question asks about dogs only, the cat '
    "does not count, which leaves {n}.",
    "There are {n} dogs.",
    "1. The question asks how many dogs there are.\n2. The animals that I can see are {n} dogs and 1 cat.\n3. The "
    'cat is not a dog, and "{sign}" is only a sign.\n4. That means {n} of the {more} animals are dogs.\nTherefore '
    "the answer is {n}.",
)
"""Ways to answer: short and long, with counts, places, colours, quotes, sums, absent things and lists; 180 characters
on average."""


def completion(i: int) -> dict[str, Any]:
    """An answer with its evidence: right for an even i, one dog too many for an odd one."""
    scene = i // SAMPLES % SCENES
    dogs = 1 + scene % 4 + i % 2
    said = FORMS[i // 2 % len(FORMS)].format(n=dogs, more=dogs + 1, colour=COLOURS[i % 4], sign=f"GATE {scene}")
    return {
        "prompt_id": f"{i // SAMPLES:064x}",
        "sample_index": i % SAMPLES,
        "cycle": 1,
        "completion": f"{said} <answer>{dogs}</answer>",
        "finish_reason": "stop",
    }
