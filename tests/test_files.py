"""Files whole or not at all: a full disk, a folder that cannot be written, leftovers. Real disks where possible."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import files, schema, store
from halo_forge.errors import UserError
from halo_forge.stages import reward

ROWS = 4000


@pytest.fixture
def scores(tmp_path: Path) -> str:
    rows = [
        {"prompt_id": f"{i * 7919:032x}", "sample_index": i % 4, "cycle": 1, "output": i % 2 / 1, "correct": i % 2 == 1}
        for i in range(ROWS)
    ]
    writer = store.Writer.begin(tmp_path / "scores", "scores", {"stage": "verify"})
    writer.write(0, schema.from_rows(rows, "scores"))
    return writer.finish().path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a disk in memory; skips the test where that is not permitted."""
    mounted: list[Path] = []

    def mount(options: str, again: bool = False) -> Path:
        place = tmp_path / "disk"
        place.mkdir(exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", f"{'remount,' if again else ''}{options}", "tmpfs", str(place)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not permitted here")
        if not again:
            mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=False)


def line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that was said on standard error."""
    said = [text for text in capsys.readouterr().err.splitlines() if text.startswith("error:")]
    assert len(said) == 1
    return said[0]


def test_full_disk_is_one_line_and_the_same_command_goes_on(
    scores: str, tmp_path: Path, disk: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    place = disk("size=8m")
    filler = place / "filler"
    filler.write_bytes(b"x" * (8 * 2**20 - 16384))  # leaves room for the first record, not for a part
    words = ["--scores", scores, "--output", str(place / "rewards")]
    assert reward.main(words) == 2
    said = line(capsys)
    assert "part-00000.parquet: No space left on device; free the disk and run the command again" in said
    assert not list((place / "rewards").glob(".*.tmp"))
    filler.unlink()
    assert reward.main(words) == 0
    assert reward.main(["--scores", scores, "--output", str(tmp_path / "elsewhere")]) == 0
    assert {(folder / "part-00000.parquet").read_bytes() for folder in (place / "rewards", tmp_path / "elsewhere")} == {
        (tmp_path / "elsewhere" / "part-00000.parquet").read_bytes()
    }


def test_a_file_that_grows_too_large_is_one_line_and_the_same_command_goes_on(
    scores: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--scores", scores, "--output", str(tmp_path / "rewards")]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        code = reward.main(words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2 and "File too large; free the disk and run the command again" in line(capsys)
    assert sorted(path.name for path in (tmp_path / "rewards").iterdir()) == [".lock", "_begin.json"]
    assert reward.main(words) == 0


def test_read_only_folder_is_one_line(
    scores: str, tmp_path: Path, disk: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    place = disk("size=8m")
    (place / "begun").mkdir()
    disk("ro,size=8m", again=True)
    for output in (place / "new", place / "begun"):
        assert reward.main(["--scores", scores, "--output", str(output)]) == 2
        assert "Read-only file system; make it writable or give another --output" in line(capsys)
    disk("rw,size=8m", again=True)
    assert reward.main(["--scores", scores, "--output", str(place / "begun")]) == 0


@pytest.mark.parametrize("output", ["file/rewards", "/proc/halo_forge/rewards"])
def test_where_no_folder_can_be_made_is_one_line(
    scores: str, tmp_path: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert reward.main(["--scores", scores, "--output", str(tmp_path / output)]) == 2
    assert "cannot make" in line(capsys)


def test_vanished_input_is_one_line(scores: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--scores", scores, "--output", str(tmp_path / "rewards")]
    assert reward.main(words) == 0
    part = Path(scores) / "part-00000.parquet"
    kept = part.read_bytes()
    part.unlink()
    assert reward.main(words) == 2
    assert f"{part} is missing" in line(capsys)
    part.write_bytes(kept)
    assert reward.main(words) == 0
    Path(scores).rename(tmp_path / "away")
    assert reward.main(words) == 2
    assert f"no scores table at {scores}" in line(capsys)


def test_what_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.whole(tmp_path / "x.json") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(UserError, match="cannot write"):
        files.write_json(tmp_path / "no" / "x.json", {})
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="Not a directory"),
        files.parquet(pa.table({}), tmp_path / "file" / "x.parquet"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_other_libraries_write_to_a_full_disk_is_one_line(tmp_path: Path, disk: Callable[..., Path]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    place = disk("size=2m")
    with pytest.raises(UserError, match=r"cannot write below .*No space left on device; free the disk"):  # noqa: SIM117
        with files.saving(place / "cycle_1"):
            (place / "cycle_1").mkdir()
            save_file({"x": np.zeros(2**20)}, place / "cycle_1" / "adapter_model.safetensors")
    (place / "filler").write_bytes(b"x" * (2**21 - 4096))
    with pytest.raises(UserError, match="No space left on device"), files.saving(place / "cycle_1"):
        raise RuntimeError("unexpected pos 64704 vs 64592")  # what torch says
    with pytest.raises(UserError, match="Permission denied; make it writable"), files.saving(tmp_path):
        raise PermissionError(13, "Permission denied")
    for error in (ValueError("of its own"), FileNotFoundError(2, "gone"), UserError("said already")):
        with pytest.raises(type(error)), files.saving(tmp_path):
            raise error


def test_leftovers_of_killed_processes_go_and_nothing_else(tmp_path: Path) -> None:
    for name in (".part-00000.parquet.77.tmp", "._begin.json.1.tmp", "note.tmp", ".lock"):
        (tmp_path / name).touch()
    files.remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "note.tmp"]


@pytest.mark.parametrize("text", ["[1, 2]", "3", "{", "\x00\x00"])
def test_a_record_is_an_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UserError, match=r"x.json .*delete it and run the command again"):
        files.read_json(tmp_path / "x.json")
