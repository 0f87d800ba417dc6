"""The commands: where each one is. A command's module is imported when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from halo_forge.errors import UserError, nearest

Command = Callable[[list[str]], int]

HELP = """halo-forge: teach a vision-language model with verifiable rewards (RAFT)

  halo-forge vlm train     --dataset NAME   sample, verify, keep, fine-tune, repeat; before and after
  halo-forge vlm plan      ...same flags...   what train would do: cached, to run, changed; rows, tokens, hours, memory
  halo-forge vlm benchmark --model M --dataset NAME   score a model with the dataset's published metric
  halo-forge vlm datasets  [--json]         the datasets it knows
  halo-forge vlm try       MODEL IMAGE QUESTION   what it says, which claims are true, and the reward
  halo-forge vlm validate  --dataset NAME   does every gold answer score full output marks? no model needed
  halo-forge vlm models    [--json]         models people use, with memory by mode and licence
  halo-forge vlm sft       --dataset NAME   cold start: fine-tune on human answers; vlm train takes it further
  halo-forge vlm merge     MODEL [--output DIR]   base and adapter as one model
  halo-forge vlm report    RUN              one HTML file: did it get better, why, and what it said
  halo-forge vlm sql       RUN… [QUESTION]  SQL or a named query over runs; RUN alone lists the queries
  halo-forge vlm whatif    RUN              what other weights, thresholds and filters would have kept; no model
  halo-forge vlm why       RUN PROMPT_ID    one prompt's whole story: asked, seen, said, rewarded, kept or not
  halo-forge vlm export    RUN              kept rows, rollouts or right/wrong pairs for TRL or as JSON lines
  halo-forge vlm push      RUN --to OWNER/NAME   a model on the hub, with a card of the run's own numbers
  halo-forge vlm check     RUN              verify digests and invariants of a run
  halo-forge vlm doctor    [--json]         what this machine has, and what would be used

Each command explains its flags with --help. Single stages: python stages/verify.py --help, and so on."""

COMMANDS: dict[str, dict[str, str]] = {
    "vlm": {
        "train": "loop:train",
        "plan": "loop:plan",
        "benchmark": "scoring:benchmark",
        "validate": "scoring:validate",
        "try": "scoring:attempt",
        "datasets": "lists:datasets",
        "models": "lists:models",
        "check": "upkeep:check",
        "doctor": "upkeep:doctor",
        "sft": "loop:sft",
        "merge": "loop:merge",
        "sql": "tables:sql",
        "whatif": "tables:whatif",
        "why": "tables:why",
        "report": "showing:report",
        "export": "giving:export",
        "push": "giving:push",
    }
}
"""Group, name, and module:function below halo_forge.cli; the function takes the words after the name."""


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

    routes = {name: {n: _Bound(at, words[2:]) for n, at in commands.items()} for name, commands in COMMANDS.items()}
    return int(fire.Fire(routes, words[:2], "halo-forge", serialize=lambda _: None) or 0)


class _Bound:
    """A command with its own words: fire only finds it, so that no flag is guessed at."""

    def __init__(self, at: str, words: list[str]) -> None:
        self.at, self.words = at, words

    def __call__(self) -> int:
        module, _, function = self.at.partition(":")
        command: Command = getattr(importlib.import_module(f"halo_forge.cli.{module}"), function)
        return command(self.words)
