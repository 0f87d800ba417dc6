"""The same base, prompts, images, evidence and reward under TRL's GRPOTrainer, for a number of seconds.

    python data/shapes/grpo.py --output /tmp/compare --seconds 90 --seed 0 --learning-rate 2e-4 --threads 1

- Needs `trl`. Online policy gradient in place of the cycles of `vlm train`; everything around it is that of
  `vlm train --dataset shapes`: prompts, looks at images, the held-out rows, their greedy and sampled completions, the
  benchmark and its paired gain on the test half.
- `--seconds` counts from the first step on: sampling, reward and updates, as TRL does them; loading is not counted.
- Eight completions a prompt at temperature 1, no KL term, no gradient checkpointing, a constant learning rate (when
  the end is a time, no schedule fits), LoRA of the form that `vlm train` gives, or with `--mode full` all weights of
  the language model.
- OUTPUT/grpo.jsonl gets one line for each run; a run that has its line is not made again. OUTPUT/grpo__SEED holds the
  tables; all runs of a seed share prompts, evidence and the base's scores. `compare.py --only grpo` makes the table.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.config import execution, identity, target
from halo_forge.errors import UserError

LINES = "grpo.jsonl"


@dataclass(frozen=True)
class Config:
    """One run of GRPO."""

    output: str = target(help="folder of grpo.jsonl and of the tables")
    seconds: float = identity(90.0, "seconds of sampling, rewards and updates")
    learning_rate: float = identity(2e-4, "constant")
    seed: int = identity(0, "seed of adapter, order, sampling and evaluation")
    batch: int = identity(
        32, "completions of one update, a multiple of 8; of 16 to 128 the one that learned most in 20 s"
    )
    mode: str = identity("lora", "lora or full", choices=("lora", "full"))
    threads: int = execution(0, "CPU threads (0: torch's own choice)")
    limit: int | None = identity(None, "train rows (none: all)")
    eval_limit: int | None = identity(None, "held-out rows (none: all)")

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.learning_rate <= 0 or self.batch < 8 or self.batch % 8:
            raise UserError("--seconds and --learning-rate must be above 0, --batch a multiple of 8")

    @property
    def name(self) -> str:
        """Of this run among those of its seed, as a tag of tables: small letters, digits and _."""
        words = f"grpo_{self.mode}_{self.learning_rate:g}_{self.seconds:g}s_b{self.batch}"
        return re.sub("[^a-z0-9]", "_", words)

    @property
    def asked(self) -> dict[str, Any]:
        """The settings that make two runs the same, as a line has them."""
        named = ("seed", "learning_rate", "mode", "batch", "limit", "eval_limit")
        return {"asked_seconds": self.seconds, **{name: getattr(self, name) for name in named}}


def run(config: Config) -> dict[str, Any]:
    """The line of one run: made before, or now."""
    if importlib.util.find_spec("trl") is None:
        raise UserError("the package trl is not installed: it brings GRPOTrainer")
    for line in lines(config.output):
        if config.asked.items() <= line.items():
            return line
    from halo_forge.cards.shapes.grpo_learn import learn
    from halo_forge.models.folder import record_of
    from halo_forge.progress import Progress
    from halo_forge.vlm.run_dir import RunDir, position
    from halo_forge.vlm.steps import evaluation, steps

    recipes, show = recipes_of(config), Progress()
    with recipes.dir.locked():
        for step in steps(1):
            if step.cycle == 0 or step.name == "perceive":
                step.run(step.config(recipes), progress=show.under(step.title))
        tagged = RunDir(recipes.dir.root, config.name, position("train", 1))
        place = tagged.model(1)
        trained = (record_of(place) or {}).get("trained") or learn(config, recipes, rows(recipes), place, show.note)
        after = dataclasses.replace(recipes, dir=tagged)
        for step in evaluation(1):
            step.run(step.config(after), progress=show.under(f"{config.name}: "))
    made = {**config.asked, **trained, **gains(tagged)}
    with (Path(config.output) / LINES).open("a", encoding="utf-8") as out:
        out.write(json.dumps(made) + "\n")
    return made


def recipes_of(config: Config) -> Any:
    """The configs of the stages around it, as `vlm train` has them."""
    from halo_forge.vlm.config import from_flags
    from halo_forge.vlm.trainer import VLMRAFTTrainer

    folder = Path(config.output) / f"grpo__{config.seed}"
    words = ["--dataset", "shapes", "--output", str(folder), "--device", "cpu", "--engine", "transformers"]
    same = ("seed", "threads", "limit", "eval_limit")
    return VLMRAFTTrainer(
        from_flags([*words, *(f"--{name.replace('_', '-')}={getattr(config, name)}" for name in same)])
    ).checked()


def lines(output: str | Path) -> list[dict[str, Any]]:
    """The runs made so far."""
    file = Path(output) / LINES
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def gains(run: Any) -> dict[str, dict[str, float]]:
    """Points before and after on the test half, by decoding."""
    from halo_forge import sql
    from halo_forge.store import Table

    places = [run.table("eval/benchmark", cycle) for cycle in (0, 1)]
    table = Table(places[0], "benchmark", (places[1],))
    rows = sql.query(sql.text("benchmark/gain"), {"benchmark": table}, cycle=1, baseline=0, split="test").to_pylist()
    return {when: {row["decoding"]: round(100 * row[when], 2) for row in rows} for when in ("before", "after")}


def rows(recipes: Any) -> Any:
    """The training prompts as a `datasets.Dataset` for TRL, with images and what was seen on them."""
    import datasets

    from halo_forge.images import open_image
    from halo_forge.store import Table

    place = recipes.dir.table
    images = {row["image_id"]: row["image"]["bytes"] for row in Table(place("images"), "images").read().to_pylist()}
    seen = {row["image_id"]: row for row in Table(place("evidence", 1), "evidence").read().to_pylist()}
    return datasets.Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": row["prompt"]}],
                "images": [open_image(images[image]) for image in row["image_ids"]],
                "question": row["question"],
                "answers": row["answers"],
                "evidence": json.dumps(seen[row["image_ids"][0]], default=str),
            }
            for row in Table(place("prompts"), "prompts").read().to_pylist()
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    import sys

    from halo_forge.cli import flags, guard

    words = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(words):
        print(flags.usage(Config, "python data/shapes/grpo.py", __doc__ or ""))
        return 0

    def go() -> int:
        print(json.dumps(run(flags.parse(Config, words))))
        return 0

    return guard(go)


if __name__ == "__main__":
    raise SystemExit(main())
