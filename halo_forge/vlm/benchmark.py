"""`vlm benchmark`: score a model on a dataset's held-out rows, greedy, with the published metric."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from halo_forge import sql
from halo_forge.config import execution, identity, target, weights
from halo_forge.datasets.cards import card_of
from halo_forge.datasets.overrides import NAMES
from halo_forge.errors import UserError
from halo_forge.progress import Progress


@dataclass(frozen=True)
class Config:
    """Which model is scored on what."""

    model: str = weights(help="hub id, folder, cycle_N, or bundled:shapes/base")
    dataset: str = identity(help="a named set (vlm datasets), a card .yaml, .jsonl, .parquet, or a folder")
    output: str = target("", "folder of the tables (default: benchmarks/<model>__<dataset>)")
    limit: int | None = identity(None, "held-out rows, a fixed seeded sample (none: all)")
    style: str = identity("", "prompt style: direct, grounded or mixed ('': the one that decides)")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    batch_size: int = execution(16, "prompts per generation batch")
    data_dir: str = execution("", "local copy of the dataset's Parquet files")
    question_column: str = identity("", "column of the question ('': question, prompt, query or problem)")
    image_column: str = identity("", "column of the image or images ('': image, images, image_path, file_name, …)")
    answer_column: str = identity("", "column of one or many answers ('': answer, answers, ground_truth, label, …)")
    choices_column: str = identity("", "column of the options ('': choices or options)")
    subset: str = identity("", "config of a hub dataset, or a folder below that of --dataset")
    train_split: str = identity("", "split to hold rows out from, without --eval-split ('': train)")
    eval_split: str = identity("", "split to evaluate on ('': a share of the images is held out)")
    metric: str = identity("", "metric of the answers ('': the dataset's own, or match)")
    threshold: float = identity(0.0, "score from which an answer is right (0: the dataset's own)")
    allow_urls: bool = identity(False, "fetch images behind URLs, from public hosts")
    url_hosts: tuple[str, ...] = identity((), "with --allow-urls: from these hosts only, which may be local")
    seed: int = identity(0, "which rows a limit takes")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    trust_remote_code: bool = execution(False, "run code that a model brings along")
    quiet: bool = execution(False, "no progress lines")


def folder_of(config: Config) -> Path:
    """Where the tables go: named after model and dataset unless --output says otherwise."""
    if config.output:
        return Path(config.output)
    words = [re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("_") for text in (config.model, config.dataset)]
    return Path("benchmarks") / "__".join(words)


def run(config: Config) -> int:
    """Make the tables and print the score; the exit code."""
    from halo_forge.models.resolve import resolve
    from halo_forge.stages import benchmark, generate, prompts
    from halo_forge.vlm.run_dir import RunDir

    card = card_of(config)
    resolve(config.model)
    out, show = RunDir(folder_of(config)), Progress(config.quiet)
    with out.locked():
        asked = prompts.Config(
            dataset=config.dataset,
            output=str(out.root),
            split="eval",
            limit=config.limit,
            seed=config.seed,
            style=config.style,
            data_dir=config.data_dir,
            **{name: getattr(config, name) for name in ("allow_urls", "url_hosts", *NAMES)},
        )
        prepared = prompts.run(asked, progress=show)
        if prepared.evaluation is None or not prepared.evaluation.rows:
            raise UserError(f"--dataset {config.dataset} has no held-out rows to score on")
        answers = generate.Config(
            prompts=out.table("prompts"),
            images=out.table("images"),
            model=config.model,
            output=out.table("completions"),
            samples=1,
            temperature=0.0,
            cycle=0,
            max_new_tokens=config.max_new_tokens,
            batch_size=config.batch_size,
            min_pixels=card.min_pixels or 0,
            max_pixels=card.max_pixels or 0,
            device=config.device,
            trust_remote_code=config.trust_remote_code,
        )
        generate.STAGE.run(answers, progress=show)
        scored = benchmark.Config(
            completions=answers.output,
            prompts=answers.prompts,
            output=out.table("benchmark"),
            threshold=card.threshold,
        )
        table = benchmark.STAGE.run(scored, progress=show)
    for row in sql.query(sql.text("benchmark/overall"), {"benchmark": table}).to_pylist():
        print(
            f"{config.dataset} {row['style']}: {row['metric']} {100 * row['score']:.1f} "
            f"({100 * row['low']:.1f} – {100 * row['high']:.1f}, 95 %), n = {row['n']}, "
            f"{row['unextracted']} without an answer, {row['truncated']} truncated, {row['errors']} errors"
        )
    print(f"tables: {out.root}")
    return 0
