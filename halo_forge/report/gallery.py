"""The gallery: prompts worth looking at, chosen by SQL, with their images, completions, claims and rewards.

Everything is bounded (prompts, samples of a prompt, characters, claims, boxes, bytes), and what was left out is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from halo_forge.report.clean import segments, short, visible
from halo_forge.report.pictures import ImageError, thumbnail
from halo_forge.report.tables import Row, Rows, Tables, reward_settings

LOW, HIGH = 0.7, 0.8
"""A right answer below LOW is a surprise, and so is a wrong one whose perception and reasoning reach HIGH."""
LONGEST = 4000
"""Characters of a completion."""
TEXT_BYTES, IMAGE_BYTES = 11_000_000, 9_000_000
"""Room in the file for texts and for images, as they are written."""
IMAGES_OF_A_PROMPT = 4
BATCH = 25
SAME = ("prompt_id", "cycle", "completion", "length", "reward", "correct", "answer", "temperature", "error")
"""Completions that are equal in these are shown once."""
STAGES = ("perception", "reasoning", "output")


@dataclass
class Gallery:
    """What the page shows, ready for JSON."""

    entries: Rows = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    """Image id to data URI."""
    of: int = 0
    """Prompts that the run has."""
    notes: list[str] = field(default_factory=list)
    settings: Row = field(default_factory=dict)
    _texts: int = 0
    _pictures: int = 0

    def data(self) -> Row:
        """For the page's script."""
        return {"entries": self.entries, "images": self.images, "settings": self.settings, "low": LOW, "high": HIGH}


def gallery(tables: Tables, prompts: int, best: int | None, seed: int = 0) -> Gallery:
    """At most `prompts` prompts of a run: a fifth of them held-out ones where it has them."""
    found = Gallery(settings=reward_settings(tables))
    totals = tables.ask("report/totals")[0]
    found.of = totals["prompts"] + totals["eval_prompts"]
    trained = tables.has("rewards", "completions", "scores")
    held_out = tables.has("benchmark", "eval_completions")
    share = prompts // 5 if trained else prompts
    held = tables.ask("report/choose_held_out", prompts=share, seed=seed, cycle=best or 0) if held_out and share else []
    asked = tables.ask("report/choose", prompts=prompts - len(held), seed=seed, low=LOW, high=HIGH) if trained else []
    for rows, fill in ((asked, _trained), (held, _held_out)):
        for start in range(0, len(rows), BATCH):
            if not _add(found, tables, rows[start : start + BATCH], fill):
                break
    left = len(asked) + len(held) - len(found.entries)
    if left:
        found.notes.append(f"{left} more prompts were chosen and left out to keep the file small")
    if not trained and not held_out:
        found.notes.append("there are no scored completions yet")
    return found


def _add(found: Gallery, tables: Tables, chosen: Rows, fill: Any) -> bool:
    """Add the entries of some chosen prompts; False where there is no room for more."""
    ids = [row["prompt_id"] for row in chosen]
    prompts = {row["prompt_id"]: row for row in tables.ask("report/prompts", prompt_ids=ids)}
    completions = fill(tables, ids)
    wanted = list(dict.fromkeys(i for row in prompts.values() for i in (row["image_ids"] or [])[:IMAGES_OF_A_PROMPT]))
    seen = {row["image_id"]: row for row in tables.ask("report/evidence", image_ids=wanted)}
    _pictures(found, tables, wanted)
    for row in chosen:
        prompt = prompts.get(row["prompt_id"])
        if prompt is None:
            continue
        entry = _entry(prompt, row["kinds"], seen, found.images)
        entry["held"] = fill is _held_out
        entry["said"] = completions.get(row["prompt_id"], [])
        size = len(json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace"))
        if found._texts + size > TEXT_BYTES:
            return False
        found._texts += size
        found.entries.append(entry)
    return True


def _pictures(found: Gallery, tables: Tables, wanted: list[str]) -> None:
    """Thumbnails of the images that are not there yet, while there is room."""
    fresh = [i for i in wanted if i not in found.images]
    for row in tables.ask("report/images", image_ids=fresh) if fresh else []:
        if found._pictures > IMAGE_BYTES:
            note = "some images were left out to keep the file small"
            found.notes += [note] if note not in found.notes else []
            return
        try:
            uri = thumbnail(row["bytes"] or b"")
        except ImageError:
            continue
        found.images[row["image_id"]] = uri
        found._pictures += len(uri)


def _entry(prompt: Row, kinds: list[str], seen: dict[str, Row], images: dict[str, str]) -> Row:
    ids = prompt["image_ids"] or []
    entry = {
        "id": visible(prompt["prompt_id"]),
        "kinds": kinds,
        "question": visible(prompt["question"]),
        "answers": None if prompt["answers"] is None else [visible(one) for one in prompt["answers"]],
        "choices": [visible(one) for one in prompt["choices"] or []],
        "where": visible(f"{prompt['dataset'] or ''} {prompt['split'] or ''} row {prompt['row_index']}".strip()),
        "style": visible(prompt["style"]),
        "metric": visible(prompt["metric"]),
        "images": [_image(i, seen.get(i), i in images) for i in ids[:IMAGES_OF_A_PROMPT]],
        "more_images": max(0, len(ids) - IMAGES_OF_A_PROMPT),
    }
    if prompt["prompt"] != prompt["question"]:
        entry["prompt"] = visible(prompt["prompt"])
    if prompt["error"]:
        entry["error"] = short(prompt["error"], 300)
    return entry


def _image(image_id: str, seen: Row | None, there: bool) -> Row:
    """An image with the boxes that were found in it: [what, confidence, x1, y1, x2, y2] in shares of its size."""
    image: Row = {"id": image_id, "there": there, "seen": seen is not None}
    if seen is None:
        return image
    width, height = max(1, seen["width"] or 1), max(1, seen["height"] or 1)
    for kind, name in (("objects", "label"), ("texts", "text")):
        image[kind] = [_box(one["box"], name, width, height) for one in seen[kind] or []]
    image["by"] = visible(f"{seen['detector'] or 'no detector'}, {seen['ocr'] or 'no reader'}")
    image["more"] = max(0, (seen["found"] or 0) - len(image["objects"]) - len(image["texts"]))
    if seen["error"]:
        image["error"] = short(seen["error"], 300)
    return image


def _box(box: Row, name: str, width: int, height: int) -> list[Any]:
    shares = (box["x1"] / width, box["y1"] / height, box["x2"] / width, box["y2"] / height)
    kept = [round(min(1.0, max(0.0, share)), 4) if share == share else 0.0 for share in shares]
    return [short(box[name], 120), _rounded(box["confidence"]), *kept]


def _trained(tables: Tables, ids: list[str]) -> dict[str, Rows]:
    """prompt_id to its completions with scores, claims, rewards and fates; equal ones of a cycle as one."""
    return _by_prompt(tables.ask("report/completions", prompt_ids=ids, longest=LONGEST))


def _held_out(tables: Tables, ids: list[str]) -> dict[str, Rows]:
    """prompt_id to its held-out completions."""
    return _by_prompt(tables.ask("report/held_out", prompt_ids=ids, longest=LONGEST))


def _by_prompt(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    merged: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(
            row.get(n)
            for n in ("prompt_id", "cycle", "completion", "reward", "correct", "temperature", "length", "answer")
        )
        if key in merged:
            merged[key]["samples"].append(row["sample_index"])
            merged[key]["fates"] += _fate(row)
            continue
        merged[key] = said = _said(row)
        found.setdefault(row["prompt_id"], []).append(said)
    return found


def _said(row: Row) -> Row:
    """One completion for the page."""
    text = row["completion"] or ""
    claims = row.get("claims") or []
    said: Row = {
        "cycle": row["cycle"],
        "samples": [row["sample_index"]],
        "of": row["samples"],
        "ok": row["correct"],
        "text": segments(text, [(c["start"] or 0, c["end"] or 0) for c in claims]),
        "answer": None if row["answer"] is None else visible(row["answer"]),
        "fates": _fate(row),
    }
    optional = {
        "cut": (row["length"] or 0) - len(text),
        "unshown": (row.get("claims_made") or 0) - len(claims),
        "tokens": row["completion_tokens"],
        "greedy": row["temperature"] == 0,
        "truncated": row["finish_reason"] == "length",
        "error": short(row["error"], 300),
        "claims": [_claim(c) for c in claims],
        "scores": list(_scores(row)),
        "flag": _flag(row),
    }
    said |= {name: value for name, value in optional.items() if value not in (None, False, "", 0, [])}
    for name in ("reward", "score"):
        if row.get(name) is not None:
            said[name] = _rounded(row[name])
    return said


def _claim(claim: Row) -> list[Any]:
    """[verdict, claim, kind, probability, evidence]."""
    verdict = claim["verdict"] if claim["verdict"] in ("supported", "contradicted") else "unknown"
    told, kind, evidence = short(claim["claim"], 300), short(claim["kind"], 40), short(claim["evidence"], 300)
    return [verdict, told, kind, _rounded(claim["p"]), evidence]


def _scores(row: Row) -> Iterator[list[Any]]:
    """[stage, its score, [[part, score], …]] of each stage; the user's own verifiers after them."""
    if "perception" not in row:
        return
    for stage in STAGES:
        parts = [
            [name.removeprefix(stage + "_"), _rounded(value)]
            for name, value in row.items()
            if name.startswith(stage + "_") and value is not None
        ]
        yield [stage, _rounded(row[stage]), parts]
    for own in row.get("custom") or []:
        yield [short(own["name"], 60), _rounded(own["score"]), []]


def _fate(row: Row) -> list[list[Any]]:
    """[[kept, reason]], or nothing where the filter has not been."""
    return [] if row.get("keep") is None else [[row["keep"], short(row["reason"], 200)]]


def _flag(row: Row) -> str:
    """low: right with a low reward. high: wrong, though perception and reasoning are high."""
    if row.get("reward") is None or row["correct"] is None:
        return ""
    if row["correct"]:
        return "low" if row["reward"] < LOW else ""
    seen = [0.5 if row[name] is None else row[name] for name in ("perception", "reasoning")]
    return "high" if sum(seen) / 2 >= HIGH else ""


def _rounded(value: float | None) -> float | None:
    """Four decimals; NaN and infinity are nothing."""
    return None if value is None or value != value or value in (float("inf"), float("-inf")) else round(value, 4)
