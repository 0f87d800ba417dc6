"""`vlm benchmark`: score models on a dataset's held-out rows, greedy, with the published metric."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

from halo_forge.config import execution, identity, target, weights
from halo_forge.datasets.cards import card_of
from halo_forge.datasets.overrides import NAMES
from halo_forge.engines import choose
from halo_forge.engines.isolated import isolated
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.store import Table, Writer
from halo_forge.vlm import benchmark_page as shown
from halo_forge.vlm.run_dir import RunDir

ENGINE = ("engine", "quantization", "batch_invariant", "tensor_parallel", "base_url", "concurrency", "timeout")


@dataclass(frozen=True)
class Config:
    """Which models are scored on what."""

    model: tuple[str, ...] = weights(help="hub id, folder, cycle_N, bundled:shapes/base; several: comma separated")
    dataset: str = identity(help="a named set (vlm datasets), a card .yaml, .jsonl, .parquet, a folder, or a hub id")
    baseline: str = weights("", "a model that the others are compared with, paired by prompt")
    guard: tuple[str, ...] = identity((), "further datasets that must not get worse, comma separated")
    blind: bool = identity(False, "also ask without the images: what the words alone are worth")
    output: str = target("", "folder of the tables (default: benchmarks/<model>__<dataset>, for several: benchmarks)")
    limit: int | None = identity(None, "held-out rows, a fixed seeded sample (none: all)")
    style: str = identity("", "prompt style: direct, grounded or mixed ('': the one that decides)")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    batch_size: int = execution(16, "prompts per generation batch (transformers)")
    engine: str = execution("auto", "what generates: auto, vllm, transformers or openai", choices=choose.ENGINES)
    quantization: str = identity("", "nf4: the base in 4 bits", choices=choose.QUANTIZATIONS)
    batch_invariant: bool = identity(False, "vLLM: the same to the bit whatever else is in the batch (slower)")
    tensor_parallel: int = execution(1, "vLLM: devices that share the model")
    base_url: str = execution("", "openai: address of the server, such as http://localhost:8000/v1")
    concurrency: int = execution(32, "openai: prompts asked at the same time")
    timeout: float = execution(600.0, "openai: seconds to wait for an answer")
    data_dir: str = execution("", "local copy of the dataset's Parquet files")
    question_column: str = identity("", "column of the question ('': question, prompt, query or problem)")
    image_column: str = identity("", "column of the image or images ('': image, images, image_path, file_name, …)")
    answer_column: str = identity("", "column of one or many answers ('': answer, answers, ground_truth, label, …)")
    choices_column: str = identity("", "column of the options ('': choices or options)")
    subset: str = identity("", "config of a hub dataset, or a folder below that of --dataset")
    train_split: str = identity("", "split to hold rows out from, without --eval-split ('': train)")
    eval_split: str = identity("", "split to evaluate on ('': a share of the images is held out)")
    hold_out: float = identity(0.1, "share of images held out where a set has no eval split, as in vlm train")
    metric: str = identity("", "metric of the answers ('': the dataset's own, or match)")
    threshold: float = identity(0.0, "score from which an answer is right (0: the dataset's own)")
    allow_urls: bool = identity(False, "fetch images behind URLs, from public hosts")
    url_hosts: tuple[str, ...] = identity((), "with --allow-urls: from these hosts only, which may be local")
    seed: int = identity(0, "which rows a limit takes")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    trust_remote_code: bool = execution(False, "run code that a model brings along")
    json: str = target("", "a file that gets the figures")
    quiet: bool = execution(False, "no progress lines")

    def __post_init__(self) -> None:
        if not self.model:
            raise UserError("--model is missing: name one or several, comma separated")
        same = ("device", "base_url", "quantization", "tensor_parallel", "batch_invariant")
        choose.check(self.engine, **{name: getattr(self, name) for name in same})

    @property
    def models(self) -> tuple[str, ...]:
        """All that are asked, the baseline first."""
        named = (self.baseline, *self.model) if self.baseline else self.model
        return tuple(dict.fromkeys(named))


def folder_of(config: Config, model: str, dataset: str) -> Path:
    """Where the tables of one model on one dataset go."""
    words = [re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("_") for text in (model, dataset)]
    alone = len(config.models) == 1 and not config.guard
    if config.output and alone:
        return Path(config.output)
    return Path(config.output or "benchmarks") / "__".join(words)


def run(config: Config) -> int:
    """Make the tables and print the scores; the exit code. Raises UserError before a model loads."""
    from halo_forge.models.resolve import resolve

    for dataset in (config.dataset, *config.guard):
        card_of(replace(config, dataset=dataset))
    bases = {}
    for model in config.models:
        served = model.startswith(choose.SERVED)
        bases[model] = model.removeprefix(choose.SERVED) if served else resolve(model).base_given
    found: list[shown.Scored] = []
    for dataset in (config.dataset, *config.guard):
        asked = replace(config, dataset=dataset)
        for model in config.models:
            for blind in (False, True) if config.blind else (False,):
                found.append(_scored(asked, model, bases[model], blind))
    figures = shown.figures(found, config.baseline)
    print("\n".join(shown.page(figures)))
    if config.json:
        Path(config.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _scored(config: Config, model: str, base: str, blind: bool) -> shown.Scored:
    """One model on one dataset: its finished tables."""
    from halo_forge.stages import benchmark, generate, prompts

    card = card_of(config)
    out = RunDir(folder_of(config, model, config.dataset))
    show = Progress(config.quiet).under(f"{model} on {config.dataset}{', blind' if blind else ''}: ")
    with out.locked():
        names = ("allow_urls", "url_hosts", "limit", "seed", "style", "hold_out", "data_dir", "dataset", *NAMES)
        asked = {name: getattr(config, name) for name in names}
        prepared = prompts.run(prompts.Config(output=str(out.root), split="eval", **asked), progress=show)
        if prepared.evaluation is None or not prepared.evaluation.rows:
            raise UserError(f"--dataset {config.dataset} has no held-out rows to score on")
        if prepared.summary.get("without answers", 0) >= prepared.evaluation.rows:
            raise UserError(f"--dataset {config.dataset}: its held-out rows have no answers to score against; name a "
                            "split that has with --eval-split, or their column with --answer-column")  # fmt: skip
        end = "_blind" if blind else ""
        known = {field.name for field in fields(generate.Config)}
        engine = {name: getattr(config, name) for name in (*ENGINE, "device", "trust_remote_code") if name in known}
        answers = generate.Config(
            prompts=_without_images(out) if blind else out.table("prompts"),
            images=out.table("images"),
            model=model,
            output=out.table(f"completions{end}"),
            samples=1,
            temperature=0.0,
            cycle=0,
            max_new_tokens=config.max_new_tokens,
            batch_size=config.batch_size,
            min_pixels=card.min_pixels or 0,
            max_pixels=card.max_pixels or 0,
            **engine,
        )
        isolated("generate", generate.STAGE.run, answers, progress=show)
        scored = benchmark.Config(
            completions=answers.output,
            prompts=out.table("prompts"),
            output=out.table(f"benchmark{end}"),
            threshold=card.threshold,
        )
        table = benchmark.STAGE.run(scored, progress=show)
    total = card.splits["eval"].rows if "eval" in card.splits else None
    return shown.Scored(config.dataset, model, base, blind, table, answers.output, card, total, str(out.root))


def _without_images(out: RunDir) -> str:
    """The same prompts with no image in them."""
    import pyarrow as pa

    prompts = Table(out.table("prompts"), "prompts").open()
    payload = {"stage": "blind", "version": 1, "inputs": {"prompts": prompts.digest}}
    writer = Writer.begin(out.table("prompts_blind"), "prompts", payload)
    if not writer.finished:
        rows = prompts.read()
        place = rows.schema.get_field_index("image_ids")
        none = pa.array([[]] * rows.num_rows, rows.schema.field(place).type)
        writer.write(0, rows.set_column(place, rows.schema.field(place), none))
        writer.finish()
    return out.table("prompts_blind")
