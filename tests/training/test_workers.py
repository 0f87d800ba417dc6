"""Training in two processes: the rows, the loss and nearly the weights of one; failures come through."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from halo_forge.engines.process import Child, Gone
from halo_forge.errors import UserError
from halo_forge.models import resolve
from halo_forge.models.folder import record_of
from halo_forge.training import workers
from halo_forge.training.loop import Run, Trained, train
from halo_forge.training.settings import Settings
from tests.training.lessons import CPU, ROWS, image

TWO = replace(CPU, processes=2, threads=1, save_steps=2)
ONE = replace(CPU, threads=1)
WORDS = [replace(row, completion="word " * (1 + i % 5)) for i, row in enumerate(ROWS[:11])]


class FullOnce:
    """Pictures for processes of which the second has no memory left when it reads its sixteenth: five for the
    log-probabilities at the start, two for each step, so that is in the second epoch."""

    def __init__(self, mark: Path) -> None:
        self.mark, self.read = mark, 0

    def __call__(self, image_id: str) -> bytes:
        import torch

        self.read += 1
        if os.environ["RANK"] == "1" and self.read == 16 and not self.mark.exists():
            self.mark.touch()
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return image(image_id)


def trained(base: Path, output: Path, run: Run, pictures: Callable[[str], bytes] = image) -> tuple[Trained, list[str]]:
    settings = Settings(learning_rate=2e-3, epochs=2, batch_size=4, micro_batch_size=2, objective="raft++")
    said: list[str] = []
    return train(resolve(str(base)), WORDS, pictures, output, settings, run, tell=said.append), said


def test_two_processes_learn_what_one_does(qwen_folder: Path, tmp_path: Path) -> None:
    """11 rows are no multiple of anything: the last step of an epoch has 3. When the memory of one process runs out,
    both go on in the middle of an epoch, with the rows that are left of it."""
    one, _ = trained(qwen_folder, tmp_path / "one", ONE)
    two, said = trained(qwen_folder, tmp_path / "two", TWO, FullOnce(tmp_path / "full"))
    assert sum("out of memory: 1 rows" in line for line in said) == 1
    assert any("continuing from step 4" in line for line in said)
    for name in ("step", "rows", "tokens", "learning_rate"):
        assert [step[name] for step in two.log] == [step[name] for step in one.log]
    assert [step["rows"] for step in two.log] == [4, 4, 3] * 2
    for name in ("loss", "grad_norm"):
        assert [step[name] for step in two.log] == pytest.approx([step[name] for step in one.log], rel=1e-3)
    ours, theirs = (load_file(done.folder / "adapter_model.safetensors") for done in (one, two))
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 1e-3
    assert two.before == one.before and sum("step 1/6" in line for line in said) == 1
    record = record_of(two.folder)
    assert record is not None and (record["processes"], record["accumulation"]) == (2, 2)


@pytest.mark.parametrize(
    ("ends", "reason"),
    [(("lost", "refuse"), "bad-1"), (("refuse", "lost"), "bad-1"), (("lost", "hang"), "lost the other"),
     (("hang", "leave"), "exit code 3")],
)  # fmt: skip
def test_how_one_process_ends_ends_them_all(ends: tuple[str, str], reason: str) -> None:
    children = [Child(f"tests.training.lessons:{end}") for end in ends]
    try:
        with pytest.raises((UserError, RuntimeError, Gone), match=reason):
            workers.outcome(children, print)
    finally:
        for child in children:
            child.stop(grace=0)


def test_a_step_is_shared_out_whole() -> None:
    assert Settings(batch_size=16, micro_batch_size=4).share(2) == (4, 2)
    assert Settings(batch_size=12, micro_batch_size=4).share(4) == (3, 1)
    assert Settings(batch_size=12, micro_batch_size=6).share(1, 5) == (4, 3)
    with pytest.raises(UserError, match="no multiple of 2 processes"):
        Settings(batch_size=3, micro_batch_size=3).share(2)
