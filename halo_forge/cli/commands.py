"""The commands: which function each one is. Imports happen when a command runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from halo_forge.errors import UserError, nearest

Command = Callable[[list[str]], int]

HELP = """halo-forge: teach a vision-language model with verifiable rewards (RAFT)

  halo-forge vlm train     --dataset NAME   sample, verify, keep, fine-tune, repeat; before and after
  halo-forge vlm plan      ...same flags...   what train would do: cached, to run, changed; rows, tokens, hours, memory
  halo-forge vlm benchmark --model M --dataset NAME   score a model with the dataset's published metric
  halo-forge vlm datasets  [--json]         the datasets it knows
  halo-forge vlm try       MODEL IMAGE QUESTION   what it says, which claims are true, and the reward
  halo-forge vlm validate  --dataset NAME   does every gold answer score full output marks? no model needed
  halo-forge vlm models    [--json]         models people use, with memory and licence
  halo-forge vlm check     RUN              verify digests and invariants of a run
  halo-forge vlm doctor    [--json]         what this machine has, and what would be used

Each command explains its flags with --help. Single stages: python stages/verify.py --help, and so on."""


def _train(words: list[str]) -> int:
    from halo_forge.vlm.config import VLMRAFTConfig, from_flags

    if _wants_help(words):
        from halo_forge.cli import flags

        print(flags.usage(VLMRAFTConfig, "halo-forge vlm train", "RAFT on a vision-language model."))
        return 0
    if "--dry-run" in words:
        return _plan([word for word in words if word != "--dry-run"])
    config = from_flags(words)
    from halo_forge.vlm import summary
    from halo_forge.vlm.trainer import VLMRAFTTrainer

    summary.print_outcome(VLMRAFTTrainer(config).train())
    return 0


def _plan(words: list[str]) -> int:
    from halo_forge.vlm.config import VLMRAFTConfig, from_flags

    if _wants_help(words):
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


def _try(words: list[str]) -> int:
    from halo_forge.cli import flags
    from halo_forge.vlm.attempt import Config, run

    if _wants_help(words):
        doc = 'One image, one question: halo-forge vlm try MODEL photo.jpg "How many?" [--answer 2]'
        print(flags.usage(Config, "halo-forge vlm try MODEL IMAGE QUESTION", doc))
        return 0
    names = ("model", "image", "question")
    first = [word for word in words[:3] if not word.startswith("--")]
    named = [part for name, word in zip(names, first, strict=False) for part in (f"--{name}", word)]
    return run(flags.parse(Config, [*named, *words[len(first) :]]))


def _validate(words: list[str]) -> int:
    from halo_forge.cli import flags
    from halo_forge.vlm.validate import Config, run

    if _wants_help(words):
        print(flags.usage(Config, "halo-forge vlm validate", "Does every gold answer score full output marks?"))
        return 0
    return run(flags.parse(Config, words))


def _benchmark(words: list[str]) -> int:
    from halo_forge.cli import flags
    from halo_forge.vlm.benchmark import Config, run

    if _wants_help(words):
        print(flags.usage(Config, "halo-forge vlm benchmark", "Score a model with the dataset's metric."))
        return 0
    return run(flags.parse(Config, words))


def _datasets(words: list[str]) -> int:
    from halo_forge.datasets.cards import list_cards

    unknown = [word for word in words if word not in ("--json", "--help", "-h")]
    if unknown:
        raise UserError(f"vlm datasets takes --json only, not '{unknown[0]}'")
    if _wants_help(words):
        print("usage: halo-forge vlm datasets [--json]")
        return 0
    cards = list_cards()
    rows = [
        {
            "name": card.name,
            "task": card.task,
            "train": _rows(card, "train") if card.trainable else None,
            "eval": _rows(card, "eval"),
            "metric": card.metric,
            "licence": card.licence,
        }
        for card in cards
    ]
    if "--json" in words:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    _print_table(rows)
    return 0


def _models(words: list[str]) -> int:
    from halo_forge.models import known
    from halo_forge.models.families import FAMILIES

    unknown = [word for word in words if word not in ("--json", "--help", "-h")]
    if unknown:
        raise UserError(f"vlm models takes --json only, not '{unknown[0]}'")
    if _wants_help(words):
        print("usage: halo-forge vlm models [--json]")
        return 0
    if "--json" in words:
        print(json.dumps(known.rows(), indent=1, ensure_ascii=False))
        return 0
    _print_table(known.rows())
    print("\nGB are peaks with the defaults as vlm plan estimates them. Any size of these kinds works, by model_type:")
    for family in FAMILIES:
        kinds = ", ".join(family.model_types) or "any other image-text-to-text model of transformers"
        print(f"  {family.name}: {kinds}")
    return 0


def _rows(card: Any, split: str) -> int | None:
    return card.splits[split].rows if split in card.splits else None


def _print_table(rows: list[dict[str, Any]]) -> None:
    """Rows as an aligned text table; plain, because importing a table library costs more than this command."""
    names = list(rows[0])
    cells = [names, *[["–" if row[n] is None else str(row[n]) for n in names] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _check(words: list[str]) -> int:
    from halo_forge.vlm.check import check

    if _wants_help(words) or len(words) != 1 or words[0].startswith("--"):
        print("usage: halo-forge vlm check RUN", file=sys.stdout if _wants_help(words) else sys.stderr)
        return 0 if _wants_help(words) else 2
    for line in check(words[0]):
        print(line)
    return 0


def _doctor(words: list[str]) -> int:
    from halo_forge import doctor

    if _wants_help(words):
        print("usage: halo-forge vlm doctor [--json]")
        return 0
    unknown = [word for word in words if word != "--json"]
    if unknown:
        raise UserError(f"vlm doctor takes --json only, not '{unknown[0]}'")
    return doctor.main("--json" in words)


def _wants_help(words: list[str]) -> bool:
    return bool({"-h", "--help"} & set(words))


COMMANDS: dict[str, dict[str, Command]] = {
    "vlm": {
        "train": _train,
        "plan": _plan,
        "benchmark": _benchmark,
        "validate": _validate,
        "try": _try,
        "datasets": _datasets,
        "models": _models,
        "check": _check,
        "doctor": _doctor,
    }
}


def dispatch(words: list[str]) -> int:
    """Find the command that `words` start with and run it on the rest."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP)
        return 0
    if words[0] == "--version":
        from halo_forge import __version__

        print(f"halo-forge {__version__}")
        return 0
    group = COMMANDS.get(words[0])
    if group is None:
        raise UserError(f"no command '{words[0]}': {nearest(words[0], COMMANDS)}")
    if len(words) == 1 or words[1] in ("-h", "--help"):
        print(HELP)
        return 0
    if words[1] not in group:
        raise UserError(f"no command '{words[0]} {words[1]}': {nearest(words[1], group)}")
    import fire

    routes = {name: {n: _Bound(fn, words[2:]) for n, fn in commands.items()} for name, commands in COMMANDS.items()}
    return int(fire.Fire(routes, words[:2], "halo-forge", serialize=lambda _: None) or 0)


class _Bound:
    """A command with its own words: fire only finds it, so that no flag is guessed at."""

    def __init__(self, fn: Command, words: list[str]) -> None:
        self.fn, self.words = fn, words

    def __call__(self) -> int:
        return self.fn(self.words)
