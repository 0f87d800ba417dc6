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


def test_cached_digest_follows_the_file(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    cache = keys.DigestCache(tmp_path / "cache.json")
    first = cache.digest(file)
    cache.save()
    assert first == keys.sha256_file(file)
    again = keys.DigestCache(tmp_path / "cache.json")
    assert list(again.known.values()) == [first]
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert again.digest(file) == keys.sha256_file(file) != first


def test_broken_cache_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "cache.json").write_text("{not json")
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    assert keys.DigestCache(tmp_path / "cache.json").digest(file) == keys.sha256_file(file)
