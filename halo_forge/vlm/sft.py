"""`vlm sft`: a cold start on human answers, with the trainer that `vlm train` uses.

    halo-forge vlm sft   --dataset chartqa --model Qwen/Qwen2-VL-2B-Instruct --output models/vlm_sft
    halo-forge vlm train --dataset chartqa --model models/vlm_sft/model

prompts ─ answers ─ train: the dataset's train rows, of each the answer that its own metric scores best (of ten
annotators what most of them said), and one training. `OUTPUT/model` is an adapter, or with `--mode full` a model;
`vlm train` trains it further. An answer is all that people wrote down, so the completions have no evidence in them:
in the style `grounded` this teaches a model to leave it out.

The same command continues what was stopped, and does nothing when all is done.
"""

from __future__ import annotations

import dataclasses
import typing
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from halo_forge import executor, schema
from halo_forge.config import target
from halo_forge.datasets.cards import card_of
from halo_forge.engines.isolated import isolated
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.stages import prompts, train
from halo_forge.store import StaleError, Table
from halo_forge.vlm.config import VLMRAFTConfig, defaults_of, settings_in, without
from halo_forge.vlm.controls import TEMPLATES
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.validate import examine

VERSION = 1
OUTPUT = "models/vlm_sft"
MODEL = "model"
CYCLE = 0
"""It comes before the first cycle."""
BATCH = 4096
FIELDS = (
    *("dataset", "model_name", "output_dir", "limit", "eval_limit", "style", "hold_out", "data_dir"),
    *("question_column", "image_column", "answer_column", "choices_column", "subset", "train_split", "eval_split"),
    *("metric", "threshold", "allow_urls", "url_hosts", "mode", "train_vision", "learning_rate", "rank", "alpha"),
    *("dropout", "epochs", "max_steps", "batch_size", "micro_batch_size", "warmup_ratio", "patience"),
    *("num_processes", "gradient_checkpointing", "merge", "min_pixels", "max_pixels", "seed", "device", "threads"),
    *("quiet", "trust_remote_code"),
)
"""Settings of `vlm train` that a cold start has as well."""


def flags_class() -> type:
    """The flags of `vlm sft`, for the command line: those of `FIELDS`, with their names and help."""
    kinds = typing.get_type_hints(VLMRAFTConfig)
    known = {field.name: field for field in dataclasses.fields(VLMRAFTConfig)}
    own = {
        "output_dir": target(OUTPUT, f"folder of the tables; the model is OUTPUT/{MODEL}", flag="output"),
        "style": dataclasses.field(default="", metadata={"help": "direct, grounded or mixed ('': the card's)"}),
    }
    fields = []
    for name in FIELDS:
        one = own.get(name) or dataclasses.field(default=known[name].default, metadata=known[name].metadata)
        fields.append((name, kinds[name], one))
    return dataclasses.make_dataclass("Flags", fields, frozen=True)


def from_flags(words: list[str]) -> VLMRAFTConfig:
    """Settings from a command line, a `--config` file and the card, in this order; of a file or card that is for
    `vlm train` what a cold start has as well, without its output. Raises UserError."""
    from halo_forge.cli import flags

    rest, file = without(list(words), "--config")
    given = flags.read(flags_class(), rest)
    filed = defaults_of(settings_in(file), file) if file else {}
    dataset = given.get("dataset", filed.get("dataset", ""))
    if not dataset:
        raise UserError(
            "--dataset is missing: name one (see halo-forge vlm datasets), or give a .yaml, .jsonl or .parquet"
        )
    card = card_of(VLMRAFTConfig(dataset=dataset), must_exist=False)
    usual = {**defaults_of(card.defaults, f"card {card.name}"), **filed}
    shared = {name: value for name, value in usual.items() if name in FIELDS and name != "output_dir"}
    return VLMRAFTConfig(**{"output_dir": OUTPUT, "style": "", **shared, **given})


def sft(config: VLMRAFTConfig) -> Path:
    """Train `config.model_name` on the answers of `config.dataset`; the folder of the model.

    Raises UserError before a model loads: a set that may not be trained on, no such model or dataset; StaleError
    where the output was made with other settings.
    """
    from halo_forge.models.resolve import resolve

    out = RunDir(Path(config.output_dir))
    make = Recipes(config, out, card_of(config, must_exist=False))
    show = Progress(config.quiet)
    prompts.check(make.prompts())
    resolve(config.model_name)
    with out.locked():
        try:
            return _made(make, show)
        except StaleError as stale:
            changes = "; ".join(stale.changes) or str(stale)
            raise StaleError(
                f"{out.root} was made with other settings: {changes}; give another --output, or remove that folder",
                stale.changes,
            ) from stale


def _made(make: Recipes, show: Progress) -> Path:
    prepared = prompts.run(make.prompts(), progress=show)
    if not make.dir.about.exists():
        make.dir.record(make.config, prepared.revisions)
    assert prepared.train is not None
    rows = answers(prepared.train, make.dir.table("sft", CYCLE), make.card.threshold, show)
    output, rate = make.dir.root / MODEL, make.config.learning_rate
    lesson = make.lesson(rows.path, make.config.model_name, output, make.dir.table("training", CYCLE), CYCLE, rate)
    lesson = dataclasses.replace(lesson, patience=make.config.patience, merge=make.config.merge)
    isolated("train", train.run, lesson, progress=show)
    return output


def answers(prompts_table: Table, output: str, threshold: float, show: Progress) -> Table:
    """An sft table of the dataset's own answers at `output`: one row per prompt, kept where an answer counts as right.

    `threshold`: score from which it does. Raises UserError when none does.
    """
    table = prompts_table.open()
    params = {"templates": TEMPLATES, "threshold": threshold}
    payload = {"stage": "answers", "version": VERSION, "params": params, "inputs": {"prompts": table.digest}}
    writer = executor.begin(answers, show, output, "sft", payload)
    if not writer.finished:
        rows = list(_rows(table, threshold))
        dropped = Counter(row["reason"] for row in rows if not row["keep"])
        if dropped.total() == len(rows):
            raise UserError(
                f"no row has an answer to train on: {dropped.most_common(1)[0][0]}; see halo-forge vlm validate"
            )
        for reason, count in dropped.most_common():
            show.note(f"answers: {count} of {len(rows)} rows left out: {reason}")
        writer.write(0, schema.from_rows(rows, "sft"))
        writer.finish()
    return Table(output, "sft")


def _rows(table: Table, threshold: float) -> Iterator[dict[str, Any]]:
    """Rows of the sft table, in the order of the prompts."""
    for start in range(0, table.rows, BATCH):
        for row in table.slice(start, min(table.rows, start + BATCH)).to_pylist():
            yield _row(row, threshold)


def _row(row: dict[str, Any], threshold: float) -> dict[str, Any]:
    found = examine(row, threshold)
    keep = found.status in ("full", "partial")
    said = found.best or next(iter(found.answers), "")
    style = "direct" if row.get("style") == "direct" else "grounded"
    return {
        "prompt_id": row["prompt_id"],
        "sample_index": 0,
        "cycle": CYCLE,
        "keep": keep,
        "reason": "human answer" if keep else _why(found.status, found.answers),
        "origin": "human",
        "from_cycle": CYCLE,
        "prompt": row["prompt"],
        "completion": TEMPLATES[style].replace("{answer}", said),
    }


def _why(status: str, given: Sequence[str]) -> str:
    if status == "null":
        return "no readable ground truth"
    return "no answer counts as right" + (": annotators disagree" if len(set(given)) > 1 else "")
