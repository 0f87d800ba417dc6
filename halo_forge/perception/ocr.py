"""Text readers behind one interface.

- `rapidocr`, `rapidocr:192`: PP-OCR through ONNX on the CPU (Apache-2.0), models in the wheel. The number is
  the side limit: the shorter side is enlarged to at least this before text is looked for (default 736; 192 is
  some ten times faster on images of 84 pixels and reads almost as much).
- `easyocr`, `easyocr:en+fr`, `easyocr:en@FOLDER`: EasyOCR (Apache-2.0); languages joined by +, weights in its
  own folder or the one named after @. It pins its weights by MD5.
- `none`: no reader; recorded as such, so that claims about text abstain.

Bearing identity: name (it holds the settings) and digest. Never: device, batch size.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from halo_forge.errors import UserError, nearest
from halo_forge.perception.detectors import torch_device
from halo_forge.perception.weights import folder_digest, one_line, require
from halo_forge.verifiers.scene import Line

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

SIDE_LIMIT = 736
"""RapidOCR's own default."""

RAPIDOCR_CONFIDENCE = 0.5
EASYOCR_CONFIDENCE = 0.2
"""Lines below are dropped. EasyOCR's figure is a product over characters: lower for the same reading."""

MAX_STRETCH = 8
"""Longest side over shortest: a longer strip is padded, because RapidOCR enlarges by the short side."""


class TextReader(Protocol):
    """Reads lines of text."""

    name: str
    digest: str

    def read(self, images: Sequence[Image.Image]) -> list[list[Line]]:
        """Lines per image in pixels of that image, from top to bottom."""
        ...


@dataclass(frozen=True)
class OcrRef:
    """A text reader that has been found, not loaded."""

    name: str
    """As the user wrote it."""
    kind: str
    """rapidocr, easyocr or none."""
    digest: str
    """Over package version and weights."""
    side_limit: int = SIDE_LIMIT
    languages: tuple[str, ...] = ()
    folder: Path | None = None
    """Where EasyOCR's weights lie; None for its own folder."""

    @property
    def label(self) -> str:
        """The name without a folder: what tables and keys hold."""
        return self.name.partition("@")[0]


def resolve_ocr(name: str) -> OcrRef:
    """Parse a reader's name and find its digest, importing nothing heavy. Raises UserError."""
    kind, _, settings = name.partition(":")
    if name == "none":
        return OcrRef(name, "none", "none")
    if kind == "rapidocr":
        return _resolve_rapidocr(name, settings)
    if kind == "easyocr":
        return _resolve_easyocr(name, settings)
    raise UserError(f"--ocr {name}: unknown, {nearest(kind, ('rapidocr', 'easyocr', 'none'))}")


def load_ocr(name: str, device: str = "cpu") -> TextReader:
    """Find and load a reader; `device` matters to EasyOCR only. Raises UserError."""
    ref = resolve_ocr(name)
    if ref.kind == "none":
        return NoReader()
    return RapidReader(ref) if ref.kind == "rapidocr" else EasyReader(ref, torch_device(device))


class NoReader:
    """Explicitly no text reader."""

    name = "none"
    digest = "none"

    def read(self, images: Sequence[Image.Image]) -> list[list[Line]]:
        """No lines."""
        return [[] for _ in images]


class RapidReader:
    """RapidOCR, one image at a time, on as many threads as OMP_NUM_THREADS says (all when unset)."""

    def __init__(self, ref: OcrRef) -> None:
        from rapidocr import RapidOCR

        self.name, self.digest = ref.label, ref.digest
        threads = os.environ.get("OMP_NUM_THREADS", "")
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": RAPIDOCR_CONFIDENCE,
                "Det.limit_side_len": ref.side_limit,
                "EngineConfig.onnxruntime.intra_op_num_threads": int(threads) if threads.isdigit() else -1,
            }
        )

    def read(self, images: Sequence[Image.Image]) -> list[list[Line]]:
        """See TextReader."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Image.Image) -> list[Line]:
        found: Any = self._engine(_bgr(_padded(image)))
        if getattr(found, "boxes", None) is None or not found.txts:
            return []
        return _lines(zip(found.boxes.tolist(), found.txts, found.scores, strict=True), image)


class EasyReader:
    """EasyOCR with its CRAFT detector, one image at a time, unquantised so that devices agree."""

    def __init__(self, ref: OcrRef, device: str) -> None:
        self.name, self.digest = ref.label, ref.digest
        logging.getLogger("easyocr").setLevel(logging.ERROR)
        self._reader = _easyocr_reader(ref, device)

    def read(self, images: Sequence[Image.Image]) -> list[list[Line]]:
        """See TextReader."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Image.Image) -> list[Line]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about pinned memory on every image without a GPU
            found = self._reader.readtext(_bgr(image))
        kept = [row for row in found if row[1].strip() and float(row[2]) >= EASYOCR_CONFIDENCE]
        return _lines(kept, image)


def _resolve_rapidocr(name: str, settings: str) -> OcrRef:
    folder = require("rapidocr", f"--ocr {name}", "pip install rapidocr onnxruntime")
    require("onnxruntime", f"--ocr {name}", "pip install onnxruntime")
    limit = int(settings) if settings.isdecimal() else SIDE_LIMIT
    if (settings or name.endswith(":")) and (not settings.isdecimal() or not 32 <= limit <= 4096):
        raise UserError(f"--ocr {name}: the side limit is a whole number from 32 to 4096, as in rapidocr:192")
    weights = folder_digest(folder / "models", ("*.onnx",))
    return OcrRef(name, "rapidocr", _digest("rapidocr", weights), side_limit=limit)


def _resolve_easyocr(name: str, settings: str) -> OcrRef:
    package = require("easyocr", f"--ocr {name}")
    spoken, at, where = settings.partition("@")
    languages = tuple(part for part in spoken.split("+") if part) or ("en",)
    known = sorted(path.stem.removesuffix("_char") for path in (package / "character").glob("*_char.txt"))
    for language in languages:
        if language not in known:
            raise UserError(f"--ocr {name}: EasyOCR has no language {language!r}, {nearest(language, known)}")
    folder = Path(where).expanduser() if at else None
    if folder is not None and not folder.is_dir():
        raise UserError(f"--ocr {name}: there is no folder {folder}; name the one with EasyOCR's .pth files")
    return OcrRef(name, "easyocr", _digest("easyocr", "+".join(languages)), languages=languages, folder=folder)


def _easyocr_reader(ref: OcrRef, device: str) -> Any:
    """EasyOCR's Reader on weights that are here, else after its own pinned download, else a UserError.

    Downloads stay off where a file is present: EasyOCR would delete one whose MD5 it does not know.
    """
    import easyocr

    options: dict[str, Any] = {
        "gpu": False if device == "cpu" else device,
        "verbose": False,
        "quantize": False,
    }
    if ref.folder is not None:
        options |= {"model_storage_directory": str(ref.folder), "user_network_directory": str(ref.folder)}
    path = list(sys.path)
    try:
        try:
            return easyocr.Reader(list(ref.languages), download_enabled=False, **options)
        except FileNotFoundError as missing:
            if not str(missing).startswith("Missing") or ref.folder is not None:
                raise
        return easyocr.Reader(list(ref.languages), download_enabled=True, **options)
    except (OSError, AssertionError) as error:  # FileNotFoundError and URLError are OSErrors
        raise UserError(
            f"--ocr {ref.name}: EasyOCR's weights cannot be had ({one_line(error)}): download "
            "craft_mlt_25k.pth and the language model where there is a network and give "
            "--ocr easyocr:en@FOLDER, or use --ocr rapidocr"
        ) from error
    except ValueError as error:  # languages that do not go together
        raise UserError(f"--ocr {ref.name}: {one_line(error)}") from error
    finally:
        sys.path[:] = path  # Reader appends its folder for networks of one's own, which are not used here


def _digest(package: str, weights: str) -> str:
    return hashlib.sha256(f"{package} {version(package)} {weights}".encode()).hexdigest()


def _bgr(image: Image.Image) -> np.ndarray:
    """Both engines take arrays in OpenCV's channel order."""
    import numpy as np

    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def _padded(image: Image.Image) -> Image.Image:
    """A strip longer than MAX_STRETCH to one gets white below or at its right."""
    from PIL import Image

    width, height = image.size
    wanted = (max(width, -(-height // MAX_STRETCH)), max(height, -(-width // MAX_STRETCH)))
    if wanted == image.size:
        return image
    canvas = Image.new("RGB", wanted, (255, 255, 255))
    canvas.paste(image, (0, 0))
    return canvas


def _lines(rows: Any, image: Image.Image) -> list[Line]:
    """Rows of (four corner points, text, confidence) as upright boxes clipped to the image, top to bottom."""
    lines = []
    for corners, text, confidence in rows:
        xs = [round(min(max(float(x), 0.0), float(image.width)), 2) for x, _ in corners]
        ys = [round(min(max(float(y), 0.0), float(image.height)), 2) for _, y in corners]
        lines.append(Line(str(text), round(float(confidence), 4), min(xs), min(ys), max(xs), max(ys)))
    return sorted(lines, key=lambda line: (line.y1, line.x1, line.text))
