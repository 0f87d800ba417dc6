"""`vlm export`: what a cycle was trained on, all its rollouts, or right/wrong pairs, for another trainer.

    halo-forge vlm export models/vlm_raft --to trl            Parquet that TRL's trainers take
    halo-forge vlm export models/vlm_raft --to jsonl          lines, and image files beside them

Which rows is decided by sql/export/*.sql. Images are the bytes that the dataset had, named by their sha256. Rows pass
through a few at a time; the folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge import files, sql
from halo_forge.config import identity, source, target
from halo_forge.datasets.rows import plain
from halo_forge.errors import UserError
from halo_forge.images import FORMATS, image_id
from halo_forge.parts import BEGUN, FINISHED
from halo_forge.store import Table
from halo_forge.vlm import views
from halo_forge.vlm.run_dir import RunDir

TABLES = ("evidence", "completions", "scores", "rewards", "sft", "training")
"""What a finished cycle has finished; one that only trained on given rows has the last two."""
BATCH = 32
"""Rows, and their images, in memory at once; also the rows of a Parquet row group."""
DICTIONARY = 2**26
"""Bytes of distinct images in a row group up to which Parquet stores an image that several rows show once."""
ENDINGS = {"JPEG": "jpg", "TIFF": "tif", "JPEG2000": "jp2"}
Row = dict[str, Any]
Image = tuple[str, bytes]
"""File name, and bytes as they were."""
Batches = Iterator[tuple[list[Row], dict[str, Image]]]
"""Rows, and the images that they show by id."""


@dataclass(frozen=True)
class Config:
    """Which rows of which run, and in which form."""

    run: str = source("sft", help="the run directory")
    to: str = identity("trl", "trl: Parquet for TRL's trainers; jsonl: lines and image files", choices=("trl", "jsonl"))
    cycle: int | None = identity(None, "of this cycle (none: the last)")
    rows: str = identity("kept", "kept: what was trained on; all: every rollout", choices=("kept", "all"))
    pairs: bool = identity(False, "right/wrong pairs of the same prompt; chosen are the kept or all right ones")
    tag: str = identity("", "of a rerun that was kept with this tag")
    output: str = target("", "a folder that is not there yet (default: below RUN/export)")


def run(config: Config) -> int:
    """Export and say what was written; the exit code."""
    folder, rows, images = export(config)
    what = "pairs" if config.pairs else "rows"
    print(f"{rows:,} {what} with {images:,} images in {folder}")
    return 0


def export(config: Config) -> tuple[Path, int, int]:
    """Write the folder; (where it is, rows, distinct images). Raises UserError where the cycle is not finished, the
    folder is there already, or there is no such row."""
    place = views.place_of(config.run, config.tag)
    cycle = finished_cycle(place, config.cycle)
    what = f"cycle_{cycle}_{config.rows}{'_pairs' if config.pairs else ''}_{config.to}"
    folder = Path(config.output or place.root / "export" / (f"{what}_{place.tag}" if place.tag else what))
    if folder.exists() or folder.is_symlink():
        raise UserError(f"{folder} is there already: give another --output or delete it")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    images = Table(place.table("images"), "images").open()
    try:
        temporary.mkdir(parents=True)
        write = _trl if config.to == "trl" else _jsonl
        count, shown = write(temporary, _batches(place, config, cycle, images), config.pairs)
        if not count:
            raise UserError(f"cycle {cycle} of {config.run} has no such row: {_why_none(config)}")
        os.replace(temporary, folder)
    except OSError as exc:
        raise UserError(f"cannot write {folder}: {files.reason(exc)}") from exc
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder, count, shown


def finished_cycle(place: RunDir, cycle: int | None) -> int:
    """The cycle that is asked for, or the last. Raises UserError where there is none or it is not finished."""
    there = sorted({cycle for name in TABLES for cycle in place.cycles(name)})
    if not there:
        raise UserError(f"{place.root} has no cycle: give the folder that vlm train wrote as --output")
    asked = there[-1] if cycle is None else cycle
    if asked not in there:
        raise UserError(f"--cycle {asked}: {place.root} has {', '.join(map(str, there))}")
    table = _unfinished(place, asked)
    if table:
        before = [one for one in there if one < asked and not _unfinished(place, one)]
        other = f", or take --cycle {before[-1]}" if before else ""
        raise UserError(
            f"cycle {asked} of {place.root} is unfinished ({table}): the same vlm train command completes it{other}"
        )
    return asked


def _unfinished(place: RunDir, cycle: int) -> str:
    """The first table of a cycle that is begun and not finished, or that must be there and is not; '' if none."""
    for name in TABLES:
        folder = Path(place.table(name, cycle))
        needed = name in ("sft", "training") or (folder / BEGUN).exists()
        if needed and not (folder / FINISHED).exists():
            return name
    return ""


def _why_none(config: Config) -> str:
    if config.pairs:
        return "no prompt has both a right and a wrong completion" + ("; try --rows all" * (config.rows == "kept"))
    return "nothing was kept; try --rows all" if config.rows == "kept" else "it has no completion"


def _batches(place: RunDir, config: Config, cycle: int, images: Table) -> Iterator[tuple[list[Row], dict[str, Image]]]:
    """The rows, some at a time, with their images by id."""
    statement = sql.text(f"export/{'pairs' if config.pairs else config.rows}")
    with closing(sql.connect({**views.empty(), **views.of_run(place.root, place.tag)})) as connection:
        sql.keep(connection, "exported", statement, {"cycle": cycle, "rows": config.rows})
        for batch in connection.table("exported").to_arrow_reader(BATCH):
            for start in range(0, batch.num_rows, BATCH):
                rows = batch.slice(start, BATCH).to_pylist()
                yield rows, _images(rows, images)


def _images(rows: list[Row], table: Table) -> dict[str, Image]:
    wanted = list(dict.fromkeys(image for row in rows for image in row["image_ids"] or ()))
    found: dict[str, Image] = {}
    for image in table.where("image_id", wanted).to_pylist() if wanted else []:
        data = (image["image"] or {}).get("bytes")
        if data:
            kind = image["format"] if image["format"] in FORMATS else "img"
            found[image["image_id"]] = f"{image_id(data)}.{ENDINGS.get(kind, kind.lower())}", data
    missing = [image for image in wanted if image not in found]
    if missing:
        raise UserError(f"{table.path} holds no bytes for image {missing[0]}: run halo-forge vlm check on the run")
    return found


def _jsonl(folder: Path, batches: Batches, pairs: bool) -> tuple[int, int]:
    """rows.jsonl, and its images below images/; (rows, images)."""
    (folder / "images").mkdir()
    count = 0
    names: set[str] = set()
    with open(folder / "rows.jsonl", "w", encoding="utf-8", newline="\n") as lines:
        for rows, images in batches:
            for name, data in images.values():
                if name not in names:
                    (folder / "images" / name).write_bytes(data)
                    names.add(name)
            for row in rows:
                shown = [f"images/{images[image][0]}" for image in row.pop("image_ids") or ()]
                lines.write(json.dumps(plain({"images": shown, **row}), ensure_ascii=False, allow_nan=False) + "\n")
            count += len(rows)
    return count, len(names)


def _trl(folder: Path, batches: Batches, pairs: bool) -> tuple[int, int]:
    """train.parquet with TRL's columns, and which row of the run each is; (rows, images)."""
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ("chosen", "rejected") if pairs else ("completion",)
    about = {"prompt_id": "string", "sample_index": "int32"} | (
        {} if pairs else {"reward": "float64", "correct": "bool"}
    )
    message = {"role": datasets.Value("string")}
    message["content"] = datasets.List({"type": datasets.Value("string"), "text": datasets.Value("string")})
    schema = datasets.Features(
        {name: datasets.List(dict(message)) for name in ("prompt", *texts)}
        | {"images": datasets.List(datasets.Image())}
        | {name: datasets.Value(kind) for name, kind in about.items()}
    ).arrow_schema
    count = 0
    names: set[str] = set()
    with pq.ParquetWriter(
        folder / "train.parquet", schema, compression="zstd", dictionary_pagesize_limit=DICTIONARY
    ) as writer:
        for rows, images in batches:
            made = [_conversation(row, images, texts) | {name: row[name] for name in about} for row in rows]
            writer.write_table(pa.Table.from_pylist(made, schema=schema), row_group_size=BATCH)
            names.update(name for name, _ in images.values())
            count += len(rows)
    return count, len(names)


def _conversation(row: Row, images: dict[str, Image], texts: tuple[str, ...]) -> Row:
    """A row as messages: images first, in order, then the text, as the model was asked."""
    shown = [images[image] for image in row["image_ids"] or ()]
    asked = [*({"type": "image", "text": None} for _ in shown), {"type": "text", "text": row["prompt"]}]
    said = {name: [{"type": "text", "text": row[name]}] for name in texts}
    return {
        "prompt": [{"role": "user", "content": asked}],
        **{name: [{"role": "assistant", "content": content}] for name, content in said.items()},
        "images": [{"bytes": data, "path": name} for name, data in shown],
    }
