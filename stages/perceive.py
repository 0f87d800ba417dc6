"""perceive: images → evidence. One row out for every image a prompt shows and no earlier cycle perceived.

Finds the objects (a detector) and reads the text (OCR) of each image once; verifiers judge claims against it.
An image that cannot be opened is a row with `error` and `error_kind` "data"; one on which detector or OCR
fails is "transient": owed, tried again later. A row with an error has an empty vocabulary: nothing can
be called absent from an image nobody saw.

    python stages/perceive.py --prompts P/prompts --detector yolov8n.pt --ocr rapidocr --output E
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from halo_forge import schema
from halo_forge.config import execution, identity, source, target, weights
from halo_forge.datasets.cycles import asked_in
from halo_forge.errors import UserError
from halo_forge.images import ImageError, image_info, open_image
from halo_forge.stage import Stage
from halo_forge.store import Table

if TYPE_CHECKING:
    from PIL import Image

    from halo_forge.perception.detectors import Detector
    from halo_forge.perception.ocr import TextReader

VERSION = 1
PIXELS_AT_ONCE = 64_000_000
"""Most pixels decoded at a time (about 200 MB), whatever the batch size."""


@dataclass(frozen=True)
class Config:
    """Which images are looked at, and with what."""

    output: str = target(help="where the evidence table goes")
    prompts: str = source("prompts", "", "prompts whose images are perceived; none: every image of --images")
    images: str = source("images", "", "the images table; found beside the prompts when not given")
    known: tuple[str, ...] = source("evidence", (), "evidence of earlier cycles: its images are not perceived again")
    detector: str = weights("yolov8n.pt", "yolov8n.pt, PATH.pt, bundled:PATH, transformers:ID_OR_FOLDER, none")
    ocr: str = weights("rapidocr", "rapidocr, rapidocr:192 (side limit), easyocr, easyocr:en+fr@FOLDER, none")
    cycle: int = identity(1, "cycle written in the rows")
    per_cycle: int = identity(0, "with --prompts: prompts of one cycle, as in generate (0: all)")
    seed: int = identity(0, "with --per-cycle: seed of the run")
    device: str = execution("auto", "cpu, cuda, cuda:N, auto")
    batch_size: int = execution(16, "images given to the detector at once")

    def __post_init__(self) -> None:
        if not self.images:
            object.__setattr__(self, "images", _beside(self.prompts))
        if self.batch_size < 1:
            raise UserError(f"--batch-size takes a number from 1 on, not {self.batch_size}")


@dataclass(frozen=True)
class Eyes:
    """What `load` makes: a detector and a text reader."""

    detector: Detector
    reader: TextReader


def load(config: Config) -> Eyes:
    """Load detector and OCR. Raises UserError naming the command that installs or fetches what is missing."""
    from halo_forge.perception.detectors import load_detector, resolve_detector
    from halo_forge.perception.ocr import load_ocr, resolve_ocr

    resolve_ocr(config.ocr), resolve_detector(config.detector)  # both answer before either loads
    return Eyes(load_detector(config.detector, config.device), load_ocr(config.ocr, config.device))


def digests(config: Config) -> dict[str, Any]:
    """Names and digests of detector and OCR, for the key."""
    from halo_forge.perception.detectors import resolve_detector
    from halo_forge.perception.ocr import resolve_ocr

    detector, ocr = resolve_detector(config.detector), resolve_ocr(config.ocr)
    return {
        "detector": {"name": detector.label, "digest": detector.digest},
        "ocr": {"name": ocr.label, "digest": ocr.digest},
    }


def select(config: Config, tables: dict[str, Table]) -> Any:
    """Positions of the images that the cycle's prompts show and no earlier cycle has looked at."""
    held = tables["images"].read(["image_id"])["image_id"].to_pylist()
    wanted = set(held)
    if "prompts" in tables:
        asked = asked_in(tables["prompts"], config.per_cycle, config.cycle, config.seed)
        lists = tables["prompts"].read(["image_ids"])["image_ids"]
        shown = lists if asked is None else lists.take(pa.array(asked))
        wanted &= set(pc.unique(pc.list_flatten(shown)).to_pylist())
    if "known" in tables:
        wanted -= _perceived(tables["known"])
    return np.flatnonzero([name in wanted for name in held])


def _perceived(evidence: Table) -> set[str]:
    """Images that an evidence table answers for; rows owed to a passing failure are no answers."""
    table = evidence.read(["image_id", "error_kind"])
    owed = pc.fill_null(pc.equal(table["error_kind"], "transient"), False)
    return set(table.filter(pc.invert(owed))["image_id"].to_pylist())


def perceive(images: pa.Table, config: Config, eyes: Eyes) -> pa.Table:
    """The evidence of `images` (images → evidence, in the same order, each distinct image once).

    Boxes are in pixels of the upright image.
    Raises what detector or OCR raised when every image of the batch failed: then it is not the images.
    """
    rows: dict[str, dict[str, Any]] = {}
    failures: list[Exception] = []
    for batch in _opened(images, config, eyes, rows):
        _look(batch, eyes, rows, failures)
    if failures and all(row["error_kind"] == "transient" for row in rows.values()) and len(rows) > 1:
        raise failures[-1]
    return schema.from_rows(list(rows.values()), "evidence")


def _opened(
    images: pa.Table, config: Config, eyes: Eyes, rows: dict[str, dict[str, Any]]
) -> Iterator[list[tuple[str, Image.Image]]]:
    """Batches of opened images by id; every image gets its row in `rows` here, in order, the unreadable ones
    with their error."""
    batch: list[tuple[str, Image.Image]] = []
    pixels = 0
    for record in images.select([c for c in ("image_id", "image", "error") if c in images.column_names]).to_pylist():
        name = record["image_id"]
        if name in rows:
            continue
        row = rows[name] = _blank(name, config, eyes)
        data = (record["image"] or {}).get("bytes") or b""
        try:
            if not data:
                raise ImageError(record.get("error") or "the images table holds no bytes for it")
            image = open_image(data)
        except ImageError as error:
            row.update(error=str(error), error_kind="data", vocabulary=[], **_header_size(data))
            continue
        row.update(width=image.width, height=image.height)
        if batch and (len(batch) == config.batch_size or pixels + image.width * image.height > PIXELS_AT_ONCE):
            yield batch
            batch, pixels = [], 0
        batch.append((name, image))
        pixels += image.width * image.height
    if batch:
        yield batch


def _look(
    batch: list[tuple[str, Image.Image]],
    eyes: Eyes,
    rows: dict[str, dict[str, Any]],
    failures: list[Exception],
) -> None:
    """Fill the rows of a batch; where it fails as a whole, one image at a time."""
    images = [image for _, image in batch]
    try:
        objects, texts = eyes.detector.detect(images), eyes.reader.read(images)
    except Exception as error:
        if len(batch) > 1:
            for single in batch:
                _look([single], eyes, rows, failures)
            return
        failures.append(error)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        rows[batch[0][0]].update(error=reason, error_kind="transient", vocabulary=[])
        return
    for (name, _), boxes, lines in zip(batch, objects, texts, strict=True):
        rows[name].update(objects=[asdict(box) for box in boxes], texts=[asdict(line) for line in lines])


def _blank(image_id: str, config: Config, eyes: Eyes) -> dict[str, Any]:
    vocabulary = eyes.detector.vocabulary
    return {
        "image_id": image_id,
        "cycle": config.cycle,
        "width": 0,
        "height": 0,
        "detector": eyes.detector.name,
        "vocabulary": None if vocabulary is None else list(vocabulary),
        "objects": [],
        "ocr": eyes.reader.name,
        "texts": [],
        "error": None,
        "error_kind": None,
    }


def _header_size(data: bytes) -> dict[str, int]:
    """Width and height where at least the header is sound."""
    try:
        width, height, _ = image_info(data)
    except ImageError:
        return {}
    return {"width": width, "height": height}


def _beside(prompts: str) -> str:
    """The images table beside a prompts table: P/images for P/prompts, or one level further up."""
    if not prompts:
        raise UserError("perceive needs --prompts (with its images beside it) or --images")
    above = [folder for folder in Path(prompts).absolute().parents if "*" not in str(folder)][:2]
    for folder in above:
        if (folder / "images").is_dir():
            return str(folder / "images")
    raise UserError(f"no images table beside {prompts}: give --images")


STAGE = Stage(
    "perceive",
    VERSION,
    Config,
    perceive,
    rows="images",
    output="evidence",
    part_rows=128,
    load=load,
    select=select,
    digests=digests,
)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
