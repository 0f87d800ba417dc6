"""Keys: canonical payloads, digests, differences."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halo_forge import keys


def test_order_of_fields_does_not_matter() -> None:
    assert keys.sha256_json({"a": 1, "b": [1.5, None]}) == keys.sha256_json({"b": (1.5, None), "a": 1})


@pytest.mark.parametrize("value", [len, object(), float("nan"), b"bytes", {1, 2}])
def test_what_cannot_be_written_down_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        keys.sha256_json({"x": value})


def test_seeds_fit_in_63_bits_and_differ() -> None:
    seeds = {keys.hash63(0, cycle, prompt) for cycle in range(50) for prompt in "abcd"}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_diff_names_each_field() -> None:
    old = {"params": {"temperature": 0.7, "samples": 4}, "version": 1}
    new = {"params": {"temperature": 1.0, "samples": 4}, "version": 2}
    assert keys.diff(old, new) == ["params.temperature: 0.7 -> 1.0", "version: 1 -> 2"]


def test_digests_are_shown_short_and_absence_is_said() -> None:
    old, new = {"inputs": {"a": "0" * 64}}, {"inputs": {"a": "1" * 64, "b": None}}
    assert keys.diff(old, new) == ["inputs.a: 000000000000… -> 111111111111…", "inputs.b: absent -> null"]
    assert keys.diff({"a": 1}, {"a": True}) == ["a: 1 -> true"]


def test_fields_that_would_fall_together_are_refused() -> None:
    with pytest.raises(TypeError, match="two fields of the same name"):
        keys.canonical({1: "a", "1": "b"})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keys, "_FRESH_S", 0.0)
    return tmp_path / "cache.json"


def test_a_second_look_reads_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    first = keys.DigestCache(cache)
    digest = first.digest(file)
    first.save()
    assert digest == keys.sha256_file(file)
    monkeypatch.setattr(keys, "sha256_file", lambda path: pytest.fail(f"read {path} again"))
    assert keys.DigestCache(cache).digest(file) == digest


@pytest.mark.parametrize("keep_time", [False, True])
def test_a_file_replaced_by_one_of_its_size_is_read_again(tmp_path: Path, cache: Path, keep_time: bool) -> None:
    file, other = tmp_path / "weights", tmp_path / "other"
    file.write_bytes(b"one")
    first = keys.DigestCache(cache)
    before = first.digest(file)
    first.save()
    other.write_bytes(b"two")
    if keep_time:  # as cp -p and rsync -t of weights from an archive do
        os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    os.replace(other, file)
    assert keys.DigestCache(cache).digest(file) == keys.sha256_file(file) != before


def test_a_file_just_written_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    cache = keys.DigestCache(tmp_path / "cache.json")
    assert cache.digest(file) == keys.sha256_file(file)
    cache.save()
    assert not cache.path.exists()


def test_two_processes_keep_each_others_digests(tmp_path: Path, cache: Path) -> None:
    one, two = keys.DigestCache(cache), keys.DigestCache(cache)
    for which, name in ((one, "a"), (two, "b")):
        (tmp_path / name).write_text(name)
        which.digest(tmp_path / name)
    one.save(), two.save()
    assert len(keys.DigestCache(cache).known) == 2


@pytest.mark.parametrize("text", ["{not json", "[1]", '{"a|3|5": "00"}', ""])
def test_broken_cache_only_costs_time(tmp_path: Path, cache: Path, text: str) -> None:
    cache.write_text(text)
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    assert keys.DigestCache(cache).digest(file) == keys.sha256_file(file)


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = keys.DigestCache(tmp_path / "file" / "digests.json")
    assert nowhere.digest(tmp_path / "file") == keys.sha256_file(tmp_path / "file")
    nowhere.save()
