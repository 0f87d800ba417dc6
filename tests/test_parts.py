"""Parts that are not what was written: damaged, gone, of another table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_forge import store
from halo_forge.errors import UserError
from tests.store_tables import PAYLOAD, begun, steps, written


def gone(part: Path) -> None:
    part.unlink()


def truncated(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-10])


def swapped(part: Path) -> None:
    part.write_bytes(part.with_name("part-00002.parquet").read_bytes())


@pytest.mark.parametrize("damage", [gone, truncated, swapped])
def test_damage_of_a_finished_table_is_named_and_its_repair_works(tmp_path: Path, damage: object) -> None:
    before = written(tmp_path / "t").digest
    part = tmp_path / "t" / "part-00001.parquet"
    damage(part)  # type: ignore[operator]
    line = r"part-00001.parquet is (missing|not what was written).*delete .*part-00001.json and the _stage.json"
    with pytest.raises(UserError, match=line) as caught:
        store.Table(str(tmp_path / "t"), "training").open()
    assert "--force-from train" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError, match=line):
        begun(tmp_path / "t")
    part.with_suffix(".json").unlink()
    part.with_name("_stage.json").unlink()
    again = begun(tmp_path / "t")
    assert list(again.missing()) == [(1, 4, 8)]
    again.write(1, steps(4, 8))
    assert again.finish().digest == before


def test_a_part_that_vanished_from_an_unfinished_table_is_made_again(tmp_path: Path) -> None:
    writer = begun(tmp_path / "t")
    writer.write(0, steps(0, 4)), writer.write(1, steps(4, 8))
    writer.part(0).unlink()
    assert writer.vanished(0) and not writer.vanished(2)
    assert [number for number, _, _ in begun(tmp_path / "t").missing()] == [0, 2]


def test_a_changed_part_of_an_unfinished_table_stops_the_run(tmp_path: Path) -> None:
    writer = begun(tmp_path / "t")
    writer.write(0, steps(0, 4))
    truncated(writer.part(0))
    with pytest.raises(UserError, match=r"part-00000.parquet is not what was written \(\d+ bytes, its record says"):
        list(begun(tmp_path / "t").missing())


def test_a_part_of_another_table_is_refused(tmp_path: Path) -> None:
    other = store.Writer.begin(tmp_path / "o", "training", {**PAYLOAD, "version": 2}, store.ranges(10, 4))
    other.write(1, steps(4, 8))
    writer = begun(tmp_path / "t")
    for name in ("part-00001.parquet", "part-00001.json"):
        (tmp_path / "t" / name).write_bytes((tmp_path / "o" / name).read_bytes())
    with pytest.raises(UserError, match=r"part-00001.parquet was written for another table"):
        list(writer.missing())


def test_parts_beyond_the_last_are_no_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "t")
    stray = tmp_path / "t" / "part-00007.parquet"
    stray.write_bytes((tmp_path / "t" / "part-00000.parquet").read_bytes())
    assert store.Table(table.path, "training").rows == 10
    (tmp_path / "t" / "_stage.json").unlink()
    assert begun(tmp_path / "t").finish().rows == 10
    assert not stray.exists()


@pytest.mark.parametrize("text", ["", '{"key": "x"', "[1]", '{"key": "x"}'])
def test_a_damaged_beginning_is_begun_again_unless_there_are_parts(tmp_path: Path, text: str) -> None:
    begun(tmp_path / "t")
    (tmp_path / "t" / "_begin.json").write_text(text)
    writer = begun(tmp_path / "t")
    assert json.loads((tmp_path / "t" / "_begin.json").read_text())["key"] == writer.key
    writer.write(0, steps(0, 4))
    (tmp_path / "t" / "_begin.json").write_text(text)
    with pytest.raises(UserError, match=r"_begin.json is damaged.*move .* away"):
        begun(tmp_path / "t")


def test_damaged_records(tmp_path: Path) -> None:
    before = written(tmp_path / "t").digest
    (tmp_path / "t" / "_stage.json").write_text("{")
    with pytest.raises(UserError, match=r"_stage.json is not readable JSON.*delete it and run the command again"):
        store.Table(str(tmp_path / "t"), "training").open()
    (tmp_path / "t" / "_stage.json").unlink()
    (tmp_path / "t" / "part-00002.json").write_text('{"rows": 2')
    again = begun(tmp_path / "t")
    assert list(again.missing()) == [(2, 8, 10)]
    again.write(2, steps(8, 10))
    assert again.finish().digest == before
