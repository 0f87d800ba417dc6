"""Which prompts a cycle asks: slices of whole questions in a seeded order that wrap around."""

from __future__ import annotations

from pathlib import Path

from halo_forge import schema
from halo_forge.datasets.cycles import asked_in
from halo_forge.store import Table, Writer


def prompts(folder: Path, questions: int, styles: int = 2) -> Table:
    rows = [
        {"prompt_id": f"p{q}/{s}", "question_id": f"q{q}", "question": "?", "prompt": "?", "image_ids": []}
        for q in range(questions)
        for s in range(styles)
    ]
    writer = Writer.begin(folder, "prompts", {"stage": "test"})
    writer.write(0, schema.from_rows(rows, "prompts"))
    return writer.finish()


def asked(table: Table, per_cycle: int, cycle: int, seed: int = 0) -> list[str]:
    chosen = asked_in(table, per_cycle, cycle, seed)
    assert chosen is not None and list(chosen) == sorted(chosen)
    return table.take(chosen)["question_id"].to_pylist()


def test_slices_are_whole_questions_and_cover_everything(tmp_path: Path) -> None:
    table = prompts(tmp_path, 10)
    slices = [asked(table, 8, cycle) for cycle in (1, 2, 3)]
    assert all(len(part) == 8 and len(set(part)) == 4 for part in slices)
    assert set(slices[0]).isdisjoint(slices[1])
    assert set().union(*slices) == {f"q{i}" for i in range(10)}
    assert len(set(slices[2]) & set(slices[0])) == 2  # wrapped around
    assert asked(table, 8, 6) == asked(table, 8, 1)


def test_the_seed_decides_the_order(tmp_path: Path) -> None:
    table = prompts(tmp_path, 40)
    assert asked(table, 20, 1) == asked(table, 20, 1) != asked(table, 20, 1, seed=1)


def test_a_small_set_is_asked_whole(tmp_path: Path) -> None:
    table = prompts(tmp_path, 4)
    assert asked_in(table, 8, 3, 0) is None and asked_in(table, 0, 1, 0) is None
