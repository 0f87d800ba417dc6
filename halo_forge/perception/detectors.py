"""Object detectors behind one interface.

- `yolov8n.pt` and its relatives, a path to a `.pt`, `bundled:shapes/detector/shapes.pt`: Ultralytics (AGPL).
- `transformers:ustc-community/dfine-medium-coco` or `transformers:FOLDER`: D-FINE, RT-DETR and other
  detection models of transformers (those two are Apache-2.0), safetensors only.
- `none`: no detector; the vocabulary is empty, so every claim about objects abstains.

Boxes come back from a low threshold on, so that the verifiers can set two of their own and abstain between.
An image's boxes depend on that image alone: each is brought to one fixed input size, whatever is beside it.
Pickled weights load only from the bundle, from Ultralytics' own download, or from a path the user names, and
through its restricted loader. Bearing identity: name and digest. Never: device, batch size.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from halo_forge.errors import UserError
from halo_forge.keys import sha256_file
from halo_forge.perception.weights import cache_dir, folder_digest, require
from halo_forge.verifiers.scene import Box

if TYPE_CHECKING:
    from PIL import Image

THRESHOLD = 0.05
"""Lowest confidence that is kept."""

_DOWNLOADABLE = re.compile(r"yolov8[nsmlx]\.pt|yolo(11|12|26)[nsmlx]\.pt|yolov10[nsmblx]\.pt|yolov9[tsmce]\.pt")
_HUB_FILES = ("*.json", "*.safetensors")


class Detector(Protocol):
    """Finds objects. `vocabulary` is all it could ever say; None if it has no closed list."""

    name: str
    digest: str
    vocabulary: tuple[str, ...] | None

    def detect(self, images: Sequence[Image.Image]) -> list[list[Box]]:
        """Boxes per image in pixels of that image, strongest first, confidence from THRESHOLD on."""
        ...


@dataclass(frozen=True)
class DetectorRef:
    """A detector that has been found, not loaded."""

    name: str
    """As the user wrote it."""
    kind: str
    """ultralytics, transformers or none."""
    path: Path | None
    """Weights file or model folder; None for `none`, and for weights not downloaded yet."""
    digest: str | None
    """sha256 of the weights, the hub commit, "none"; None while the weights are not here."""

    @property
    def label(self) -> str:
        """The name without the path of a file or folder: what tables and keys hold."""
        if self.kind == "none" or self.name.startswith("bundled:"):
            return self.name
        if self.kind == "ultralytics":
            return Path(self.name).name
        source = self.name.removeprefix("transformers:")
        return f"transformers:{Path(source).name if Path(source).expanduser().is_dir() else source}"


def resolve_detector(name: str, fetch: bool = True) -> DetectorRef:
    """Find a detector's weights and digest without importing torch (downloading YOLO weights does import it).

    With `fetch=False` nothing is downloaded and `digest` is None where the weights are not here yet.
    Raises UserError for an unknown name, a missing package or weights that cannot be had.
    """
    if name == "none":
        return DetectorRef(name, "none", None, "none")
    if name.startswith("transformers:"):
        return _resolve_transformers(name, fetch)
    require("ultralytics", f"--detector {name}")
    if name.startswith("bundled:"):
        path = _bundled(name.removeprefix("bundled:"))
    elif _DOWNLOADABLE.fullmatch(name):
        path = cache_dir() / "detectors" / name
        if not path.is_file():
            if not fetch:
                return DetectorRef(name, "ultralytics", None, None)
            _download_yolo(name, path)
    elif name.endswith(".pt"):
        path = Path(name).expanduser()
    else:
        raise UserError(
            f"--detector {name}: unknown; use yolov8n.pt, a path ending in .pt, "
            "bundled:shapes/detector/shapes.pt, transformers:HUB_ID_OR_FOLDER, or none"
        )
    if not path.is_file():
        raise UserError(f"--detector {name}: there is no file {path}; give --detector PATH_TO_WEIGHTS.pt, or none")
    return DetectorRef(name, "ultralytics", path, sha256_file(path))


def load_detector(name: str, device: str = "cpu") -> Detector:
    """Find and load a detector on `device` ("cpu", "cuda", "cuda:1", "auto"). Raises UserError."""
    ref = resolve_detector(name)
    if ref.kind == "none":
        return NoDetector()
    from halo_forge.perception.networks import TransformersDetector, UltralyticsDetector

    if ref.kind == "transformers":
        return TransformersDetector(ref, torch_device(device))
    return UltralyticsDetector(ref, torch_device(device))


def torch_device(device: str) -> str:
    """ "auto" as what torch finds (ROCm answers to "cuda" too); anything else as given."""
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


class NoDetector:
    """Explicitly no detector: nothing seen, nothing that could have been seen."""

    name = "none"
    digest = "none"
    vocabulary: tuple[str, ...] | None = ()

    def detect(self, images: Sequence[Image.Image]) -> list[list[Box]]:
        """No boxes."""
        return [[] for _ in images]


def import_ultralytics() -> None:
    """Import Ultralytics tamed: no installing, no phoning home, no chatter, restricted unpickling, its
    settings file in our cache. What the user has set in the environment stays.

    Pillow is left as it was: Ultralytics replaces `Image.open` by one that installs a HEIF reader on meeting
    bytes that are no image.
    """
    for key, value in {
        "YOLO_AUTOINSTALL": "false",
        "YOLO_VERBOSE": "false",
        "YOLO_OFFLINE": "true",
        "ULTRALYTICS_SAFE_LOAD": "true",
        "YOLO_CONFIG_DIR": str(cache_dir()),
    }.items():
        os.environ.setdefault(key, value)
    cache_dir().mkdir(parents=True, exist_ok=True)
    from PIL import Image

    pillows_own = Image.open
    import ultralytics.utils.patches  # noqa: F401

    Image.open = pillows_own


def _bundled(relative: str) -> Path:
    """A weights file inside the package's data; never outside it."""
    root = Path(str(files("halo_forge.cards"))).resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise UserError(f"--detector bundled:{relative}: the package carries no such file; give --detector PATH")
    return path


def _download_yolo(name: str, path: Path) -> None:
    """Ultralytics' own pinned release asset, into our cache."""
    import_ultralytics()
    from ultralytics.utils.downloads import attempt_download_asset

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        attempt_download_asset(path)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"--detector {name}: the weights are not in {path.parent} and cannot be downloaded: "
            f"put {name} there, or give --detector PATH_TO_WEIGHTS.pt "
            "(./NAME.pt for this folder), or --detector none"
        ) from error


def _resolve_transformers(name: str, fetch: bool) -> DetectorRef:
    """A folder by its files, a hub model by its commit; only configuration and safetensors are fetched."""
    source = name.removeprefix("transformers:")
    folder = Path(source).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
            raise UserError(f"--detector {name}: {folder} needs config.json and *.safetensors")
        return DetectorRef(name, "transformers", folder, folder_digest(folder, _HUB_FILES))
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        raise UserError(f"--detector {name}: neither a folder nor a hub id like ustc-community/dfine-medium-coco")
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(source, allow_patterns=list(_HUB_FILES), local_files_only=not fetch)
    except (OSError, ValueError, RuntimeError) as error:
        if not fetch:
            return DetectorRef(name, "transformers", None, None)
        raise UserError(
            f"--detector {name}: not in the hub cache and cannot be downloaded ({type(error).__name__}): run "
            f"hf download {source} where there is a network, or give --detector transformers:FOLDER, or none"
        ) from error
    return DetectorRef(name, "transformers", Path(found), Path(found).name)  # snapshots/<commit>
