"""Out of memory: smaller batches from the last checkpoint on, the same rows, and a line that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from halo_forge.errors import UserError
from halo_forge.models.folder import record_of
from halo_forge.training import weights as trained
from halo_forge.training.loop import out_of_memory
from tests.training.lessons import SHORT, Killed, short, weights

SETTINGS = replace(SHORT, dropout=0.0, micro_batch_size=4)
CPU_TEXT = "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"


def rows_fit(
    monkeypatch: pytest.MonkeyPatch, most: int, after: int = 0, kind: Callable[..., Exception] = torch.OutOfMemoryError
) -> list[int]:
    """From the `after`-th forward pass on, more than `most` rows do not fit; rows of the passes that were tried."""
    sizes: list[int] = []
    real = trained.load

    def load(*arguments: Any, **named: Any) -> Any:
        model, processor = real(*arguments, **named)

        def full(module: Any, positional: Any, inputs: dict[str, Any]) -> None:
            rows = len(inputs["input_ids"])
            sizes.append(rows)
            if rows > most and len(sizes) > after:
                raise kind(CPU_TEXT)

        model.register_forward_pre_hook(full, with_kwargs=True)
        return model, processor

    monkeypatch.setattr(trained, "load", load)
    return sizes


def test_it_goes_on_with_smaller_batches(qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = short(qwen_folder, tmp_path / "whole", SETTINGS)
    said: list[str] = []
    with monkeypatch.context() as patch:
        sizes = rows_fit(patch, 2, after=4)  # fails in step 5, after the checkpoint of step 3
        done = short(qwen_folder, tmp_path / "m", SETTINGS, tell=said.append)
    assert sizes == [4] * 5 + [2] * 2 * 5
    assert any("out of memory: 2 rows per forward pass, 2 passes per step" in line for line in said)
    assert any("continuing from step 3" in line for line in said)
    assert [step["tokens"] for step in done.log] == [step["tokens"] for step in whole.log]
    assert [step["loss"] for step in done.log] == pytest.approx([step["loss"] for step in whole.log], abs=1e-3)
    record = record_of(done.folder)
    assert record is not None and record["settings"]["micro_batch_size"] == 4
    assert (record["micro_batch_size"], record["accumulation"], record["out_of_memory"]) == (2, 2, True)


def test_the_command_that_continues_starts_with_what_fitted(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from halo_forge.training.trainer import Progress
    from tests.training.lessons import die_at

    with monkeypatch.context() as patch, pytest.raises(Killed):
        rows_fit(patch, 2, after=4, kind=RuntimeError)
        patch.setattr(Progress, "on_log", die_at(7))
        short(qwen_folder, tmp_path / "m", SETTINGS)
    with monkeypatch.context() as patch:
        sizes = rows_fit(patch, 2)
        resumed = short(qwen_folder, tmp_path / "m", SETTINGS)
    assert sizes == [2] * 2 * 2
    with monkeypatch.context() as patch:
        rows_fit(patch, 2, after=4)
        assert weights(short(qwen_folder, tmp_path / "n", SETTINGS).folder) == weights(resumed.folder)


def test_pairs_too(qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(SETTINGS, objective="dpo", max_steps=3)
    whole = short(qwen_folder, tmp_path / "whole", settings)
    with monkeypatch.context() as patch:
        rows_fit(patch, 2)
        done = short(qwen_folder, tmp_path / "m", settings)
    assert [step["loss"] for step in done.log] == pytest.approx([step["loss"] for step in whole.log], abs=1e-3)


def test_one_row_that_does_not_fit_is_said(qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = rows_fit(monkeypatch, 0)
    with pytest.raises(UserError, match="one row per forward pass"):
        short(qwen_folder, tmp_path / "m", SETTINGS)
    assert sizes == [4, 2, 1] and not (tmp_path / "m").exists()


def test_other_failures_are_none_of_memory(qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert out_of_memory(RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"))
    assert out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"))
    assert not out_of_memory(RuntimeError("shape mismatch")) and not out_of_memory(ValueError("out of memory"))
    rows_fit(monkeypatch, 0, kind=ValueError)
    with pytest.raises(ValueError, match="alloc_cpu"):
        short(qwen_folder, tmp_path / "m", SETTINGS)
