"""A short training of a tiny model, for the tests here."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from halo_forge.models import resolve
from halo_forge.training.loop import Run, Trained, train
from halo_forge.training.rows import Row
from halo_forge.training.settings import Settings
from tests.tiny import picture

SAID = "I see a red circle. <answer>2</answer>"
WRONG = "I see a blue square. <answer>7</answer>"
ROWS = [Row(f"p{i}", f"What is shown in {i}?", (str(i),), SAID) for i in range(12)]
PAIRS = [replace(row, rejected=WRONG) for row in ROWS]
CPU = Run(device="cpu", save_steps=3)
SHORT = Settings(learning_rate=5e-3, max_steps=8, batch_size=4, micro_batch_size=2, dropout=0.1)


def image(image_id: str) -> bytes:
    return picture(int(image_id))


def quiet(line: str) -> None:
    return None


def short(model: Path, output: Path, settings: Settings = SHORT, run: Run = CPU, **named: Any) -> Trained:
    rows = PAIRS if settings.objective == "dpo" else ROWS
    return train(resolve(str(model)), rows, image, output, settings, run, **{"tell": quiet, "key": "k", **named})


def weights(folder: Path) -> str:
    """sha256 of the weights that a training wrote."""
    file = folder / "adapter_model.safetensors"
    return hashlib.sha256((file if file.exists() else folder / "model.safetensors").read_bytes()).hexdigest()


class Killed(BaseException):
    """What a kill looks like from inside."""


def die_at(step: int) -> Callable[..., None]:
    """An `on_log` that ends the process, as it were, at a step."""

    def on_log(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == step:
            raise Killed

    return on_log


def lost(pipe: Connection) -> None:
    """A process of a training that finds the others gone, a little after one said why it goes."""
    time.sleep(0.5)
    pipe.send(("raised", "lost the other"))


def refuse(pipe: Connection) -> None:
    """One with a row that cannot be trained on."""
    pipe.send(("refused", "training row bad-1 is too long"))


def hang(pipe: Connection) -> None:
    """One that waits for the others."""
    time.sleep(60)


def leave(pipe: Connection) -> None:
    """One that ends without a word."""
    os._exit(3)
