"""vlm train and plan."""

from __future__ import annotations

import json

from halo_forge.cli.words import wants_help


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

    summary.print_outcome(VLMRAFTTrainer(config).train())
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
