"""The measurement of bin/bench runs; what it says on a busy machine is no test."""

from __future__ import annotations

import pytest

from halo_forge.engines.engine import Sampling
from halo_forge.engines.speed import compare
from halo_forge.models import resolve
from tests.engines.parts import needs_vllm, scenes


@needs_vllm
def test_ours_against_vllm_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    found = compare(resolve("bundled:shapes/base"), scenes(8), [Sampling(2, 1.0, 1.0, 24)], repeats=1)
    assert min(found.values()) > 0 and found["ratio"] == pytest.approx(found["ours"] / found["direct"])
