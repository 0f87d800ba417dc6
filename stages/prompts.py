"""prompts: a dataset → prompts and images. One row per question and prompt style; each distinct image once.

Reads a named set, a card, one's own rows or a hub id; gives every image a role (train, dev, test) that never
changes; fills the prompt templates. A limit takes the first rows of train (nothing beyond them is read) and a
fixed, seeded sample of eval (a sorted file would bias its first rows). Rows that cannot be used are counted
in the record and listed with file, row and reason in `skipped.jsonl`.

    python stages/prompts.py --dataset textvqa --split train --limit 512 --output P
    python stages/prompts.py --dataset owner/name --question-column ask --eval-split validation --split all --output P
    P/images  P/prompts           with --split all also P/eval/prompts (dev and test)
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from halo_forge import executor
from halo_forge.config import execution, identity, target
from halo_forge.datasets.build import Request, styles, vanished
from halo_forge.datasets.build import check as check_request
from halo_forge.datasets.card import Card
from halo_forge.datasets.cards import card_of
from halo_forge.datasets.given import from_dataset
from halo_forge.datasets.identity import identity as sources
from halo_forge.datasets.identity import revisions
from halo_forge.datasets.overrides import NAMES, Overrides
from halo_forge.datasets.tables import FETCHED, make
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.progress import Progress
from halo_forge.store import StaleError, Table, Writer

VERSION = 2


@dataclass(frozen=True)
class Config:
    """Which rows become prompts, and how they are asked."""

    dataset: str = identity(help="a named set, a .yaml card, .jsonl, .parquet, a folder, or a hub id owner/name")
    output: str = target(help="folder for the tables images and prompts (and eval/prompts)")
    split: str = identity("train", "train, eval, all (both), or the set's own name for a split")
    limit: int | None = identity(None, "rows: the first of train, a seeded sample of eval")
    eval_limit: int | None = identity(None, "rows of eval when --split all: a seeded sample")
    seed: int = identity(0, "which sample of eval a limit takes")
    style: str = identity("", "direct, grounded, or mixed (both); left out: the style the card says decides")
    hold_out: float = identity(0.1, "share of images held out for eval, in a set without an eval split")
    data_dir: str = execution("", "a local copy of the hub's Parquet files, instead of the hub")
    question_column: str = identity("", "column of the question ('': question, prompt, query or problem)")
    image_column: str = identity("", "column of the image or images ('': image, images, image_path, file_name, …)")
    answer_column: str = identity("", "column of one or many answers ('': answer, answers, ground_truth, label, …)")
    choices_column: str = identity("", "column of the options ('': choices or options)")
    subset: str = identity("", "config of a hub dataset, or a folder below that of --dataset")
    train_split: str = identity("", "split to train on, of a hub id or folder ('': train)")
    eval_split: str = identity("", "split to evaluate on ('': a share of the images is held out)")
    metric: str = identity("", "metric of the answers ('': the dataset's own, or match)")
    threshold: float = identity(0.0, "score from which an answer is right (0: the dataset's own)")
    allow_urls: bool = identity(False, "fetch images behind URLs, from public hosts")
    url_hosts: tuple[str, ...] = identity((), "with --allow-urls: from these hosts only, which may be local")

    def __post_init__(self) -> None:
        if self.url_hosts and not self.allow_urls:
            raise UserError("--url-hosts says from where --allow-urls may fetch: give both")


@dataclass(frozen=True)
class Prepared:
    """The tables of a run. `prompts` is None for an eval split in a run of both; `evaluation` likewise."""

    card: Card
    images: Table
    train: Table | None
    evaluation: Table | None
    revisions: dict[str, str]
    summary: dict[str, int]
    """Prompts per role (train, dev, test) and `without answers`."""
    reasons: dict[str, int]
    """Rows left out, by reason."""


def run(
    config: Config,
    dataset: Any = None,
    *,
    pinned: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Bring the tables below `config.output` up to date. `dataset`: a `datasets.Dataset` in place of
    `config.dataset`; `pinned`: hub commits to read (`Prepared.revisions` of an earlier run); left out, those in
    the records there. Raises UserError, or StaleError for another key's tables."""
    if dataset is not None:
        config = given(config, dataset)
    show, out = progress or Progress(), Path(config.output)
    identified = payload(config, pinned)
    known = identified["inputs"]
    places = {"images": out / "images"} | {name: out / where for name, where in tables(config).items()}
    writers = _begin(places, identified, show)
    if all(writer.finished for writer in writers.values()):
        show.note(f"prompts: finished before, nothing to do ({out})")
    else:
        make(request_of(config, revisions(known)), writers, out, show)
    record = read_json(out / "images/_stage.json") or {}
    made = {name: Table(str(path), "prompts") for name, path in places.items()}
    return Prepared(
        card_of(config),
        Table(str(places["images"]), "images"),
        made.get("train"),
        made.get("evaluation"),
        revisions(known),
        record.get("summary", {}),
        record.get("skipped", {}),
    )


def given(config: Config, dataset: Any) -> Config:
    """The config that reads `dataset` (a `datasets.Dataset`), which is written below the output."""
    path = from_dataset(dataset, Path(config.output) / "dataset", image_column=config.image_column)
    return replace(config, dataset=path)


def check(config: Config) -> None:
    """Everything that can be refused without reading a row. Raises UserError."""
    gone = vanished(card_of(config, must_exist=False))
    if gone and (Path(config.output) / "images/_stage.json").exists():
        raise UserError(
            f"{gone} is gone, and the prompts in {config.output} were made from it: put it back, or go on from the "
            "finished tables with vlm train --from perceive"
        )
    check_request(request_of(config, {}))


def payload(config: Config, pinned: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the tables are known by: the settings, and the rows they are made from."""
    check(config)
    request = request_of(config, _pinned(Path(config.output)) if pinned is None else pinned)
    return {"stage": "prompts", "version": VERSION, "params": params(config), "inputs": sources(request)}


def _begin(places: dict[str, Path], identified: dict[str, Any], show: Progress) -> dict[str, Writer]:
    """A writer for each table; where image files are missing that were there before, the error says so."""
    try:
        images = executor.begin(run, show, places["images"], "images", identified)
        rest = {name: path for name, path in places.items() if name != "images"}
        return {"images": images} | {name: Writer.begin(path, "prompts", identified) for name, path in rest.items()}
    except StaleError as stale:
        changes = [_plainly(change) for change in stale.changes]
        if changes == list(stale.changes):
            raise
        raise StaleError(
            f"{places['images']} was made with other rows: {'; '.join(changes)}. Continue with --force-from prompts "
            "to make it of what is there, or give another --output",
            changes,
        ) from stale


def _plainly(change: str) -> str:
    """A line of what differs; of the number of missing images in words."""
    name, _, numbers = change.partition(": ")
    if not name.endswith(".missing"):
        return change
    before, after = (int(text) if text.isdigit() else 0 for text in numbers.split(" -> "))
    if after > before:
        return f"{after - before} image files beside the rows are gone (put them back)"
    return f"{before - after} image files that were missing are there now"


def tables(config: Config) -> dict[str, str]:
    """Role (`train`, `evaluation`) to folder below the output, for the split asked for."""
    if config.split == "all":
        return {"train": "prompts", "evaluation": "eval/prompts"}
    card = card_of(config)
    held_out = config.split == "eval" and "eval" not in card.splits
    train = not held_out and card.split(config.split).name == "train"
    return {"train" if train else "evaluation": "prompts"}


def params(config: Config) -> dict[str, Any]:
    """Identity parameters for the key; the dataset goes in by its content, so that a file may move, and the
    columns by what the card then says, so that a flag which names the usual column changes nothing."""
    found = {name: value for name, value in executor.identity_of(config).items() if name not in ("dataset", *NAMES)}
    return found | {"style": styles(card_of(config), config.style)}


def request_of(config: Config, pinned: Mapping[str, str]) -> Request:
    """What to build for a config."""
    fetch = None
    if config.allow_urls:
        from halo_forge.datasets.urls import Fetcher

        fetch = Fetcher(Path(config.output) / FETCHED, config.url_hosts)
    return Request(
        config.dataset, config.split, config.limit, config.eval_limit, config.seed, config.style,
        config.data_dir or None, config.hold_out, dict(pinned), Overrides.of(config), fetch,
    )  # fmt: skip


def _pinned(out: Path) -> dict[str, str]:
    """Hub commits that the tables there were begun with."""
    begun = read_json(out / "images/_begin.json")
    return revisions(begun["payload"]["inputs"]) if begun else {}


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    from halo_forge.cli import stage_main

    def prompts(config: Config) -> Table | None:
        made = run(config)
        return made.train or made.evaluation

    return stage_main(Config, prompts, argv, prog="stages/prompts.py", doc=__doc__ or "")
