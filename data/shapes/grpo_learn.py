"""TRL's GRPOTrainer for a number of seconds: the training of `grpo.py`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LAST = 5
"""Updates whose mean reward is told, of each end."""


def learn(config: Any, recipes: Any, rows: Any, output: Path, tell: Callable[[str], None]) -> dict[str, float]:
    """Train on `rows`, a `datasets.Dataset` for TRL, for the given seconds and put the model at `output`; what was done
    in which time."""
    import torch
    import trl
    from transformers import PrinterCallback

    from halo_forge.models import folder
    from halo_forge.models.resolve import resolve
    from halo_forge.rewards import trl_reward
    from halo_forge.training import weights
    from halo_forge.training.settings import Settings

    if config.threads:
        torch.set_num_threads(config.threads)
    run = recipes.config
    settings = Settings(rank=run.rank, alpha=run.alpha, mode=config.mode, seed=config.seed)
    ref, pixels = resolve(run.model_name), {n: getattr(recipes.card, n) for n in ("min_pixels", "max_pixels")}
    model, processor = weights.load(ref, settings, "cpu", "float32", **pixels)
    aside, clock = folder.aside(output), _clock(config.seconds)
    arguments = trl.GRPOConfig(
        output_dir=str(aside),
        per_device_train_batch_size=config.batch,
        num_generations=8,
        max_completion_length=run.max_new_tokens,
        temperature=1.0,
        beta=0.0,
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant",
        num_train_epochs=10_000,
        generation_kwargs={"suppress_tokens": _banned(model, processor)},
        gradient_checkpointing=False,
        use_cpu=True,
        bf16=False,
        seed=config.seed,
        data_seed=config.seed,
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        report_to=[],
    )
    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=processor,
        reward_funcs=[trl_reward(weights=run.weights, combine=run.combine)],
        args=arguments,
        train_dataset=rows,
        callbacks=[clock],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    log = [float(entry["reward"]) for entry in trainer.state.log_history if "reward" in entry]
    first, last = statistics.mean(log[:LAST]), statistics.mean(log[-LAST:])
    tell(f"{config.name}: {clock.steps} steps in {clock.seconds:.0f} s, reward {first:.3f} → {last:.3f}")
    weights.save(model, processor, ref, aside)
    done = {"steps": clock.steps, "seconds": round(clock.seconds, 1), "reward": round(last, 3)}
    about = {"base": ref.base_given, "base_digest": ref.base_digest, "start": ref.given}
    folder.put(aside, output, {**about, "trained": done})
    return done


def _banned(model: Any, processor: Any) -> list[int]:
    from halo_forge.models.load import unwrapped
    from halo_forge.models.prompts import banned_ids

    core = unwrapped(model)
    return banned_ids(processor, core.config, core.get_output_embeddings().weight.shape[0])


def _clock(most: float) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Stops after the step in which the seconds are over."""

        began = seconds = 0.0
        steps = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.began = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.steps, self.seconds = state.global_step, time.monotonic() - self.began
            control.should_training_stop = self.seconds >= most

    return Clock()
