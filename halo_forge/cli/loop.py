"""vlm train, plan and merge."""

from __future__ import annotations

import dataclasses
import json

from halo_forge.cli.words import configured, wants_help
from halo_forge.errors import UserError


def train(words: list[str]) -> int:
    """RAFT on a model, or with --dry-run its plan."""
    from halo_forge.vlm.config import VLMRAFTConfig, from_flags

    if wants_help(words):
        from halo_forge.cli import flags

        print(flags.usage(VLMRAFTConfig, "halo-forge vlm train", "RAFT on a vision-language model."))
        return 0
    if "--dry-run" in words:
        return plan([word for word in words if word != "--dry-run"])
    config = from_flags(words)
    from halo_forge.vlm import summary
    from halo_forge.vlm.trainer import VLMRAFTTrainer

    trainer = VLMRAFTTrainer(config)
    if not config.json:
        summary.print_outcome(trainer.train())
        return 0
    try:
        found = trainer.train()
    except UserError as error:
        trainer.progress.tell("error", str(error))
        raise
    trainer.progress.tell("outcome", f"model: {found.model}", **dataclasses.asdict(found))
    return 0


def plan(words: list[str]) -> int:
    """What train would do."""
    from halo_forge.vlm.config import VLMRAFTConfig, from_flags

    if wants_help(words):
        from halo_forge.cli import flags

        doc = "What vlm train with the same flags would do; runs nothing. Also: --json, and --no-probe to try no row."
        print(flags.usage(VLMRAFTConfig, "halo-forge vlm plan", doc))
        return 0
    own = {"--json", "--no-probe"} & set(words)
    config = from_flags([word for word in words if word not in own])
    from halo_forge.vlm import estimates
    from halo_forge.vlm.trainer import VLMRAFTTrainer

    trainer = VLMRAFTTrainer(config)
    made = estimates.plan(trainer.checked(), "--no-probe" not in own, trainer.progress)
    print(json.dumps(estimates.as_json(made), indent=1) if "--json" in own else "\n".join(estimates.page(made)))
    return 0


def sft(words: list[str]) -> int:
    """A cold start on human answers."""
    from halo_forge.vlm import sft as cold

    if wants_help(words):
        from halo_forge.cli import flags

        doc = "Fine-tune on the dataset's own answers; the model is OUTPUT/model, which vlm train takes further."
        print(flags.usage(cold.flags_class(), "halo-forge vlm sft", doc))
        return 0
    config = cold.from_flags(words)
    model = cold.sft(config)
    print(f"model: {model}")
    print(f"next: halo-forge vlm train --dataset {config.dataset} --model {model}")
    return 0


def merge(words: list[str]) -> int:
    """Base and adapter as one model."""
    from halo_forge.models import merge as merging

    def run(config: merging.Config) -> int:
        done: list[str] = []
        place = merging.merge(config.model, config.place, config.trust_remote_code, done.append)
        print(*(done or [f"merged before, nothing to do ({place})"]))
        return 0

    doc = "MODEL: base and adapter added up to one model, for programs that take no adapters."
    return configured(words, merging.Config, run, "merge MODEL", doc, "model")
