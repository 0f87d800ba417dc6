"""Encoded image bytes for prompts: where the images table is, and its bytes by image id.

Nothing is decoded here; `halo_forge.images.open_image` does that for everyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from halo_forge.engines.engine import describe
from halo_forge.errors import UserError
from halo_forge.store import Table

__all__ = ["BUDGET", "Pictures", "describe", "images_beside", "images_of"]

BUDGET = 256 * 2**20
"""Bytes of encoded images that `Pictures` keeps at hand."""

_CHUNK = 64


def images_beside(prompts: str, images: str) -> str:
    """`images` when given, else the images table that lies beside the prompts table, else ''."""
    if images or not prompts:
        return images
    beside = Path(prompts).parent / "images"
    return str(beside) if beside.is_dir() else ""


def images_of(table: pa.Table) -> dict[str, bytes | str]:
    """image_id to its encoded bytes, or to the reason why there are none."""
    found: dict[str, bytes | str] = {}
    for row in table.select(["image_id", "image", "error"]).to_pylist():
        data = (row["image"] or {}).get("bytes")
        found[row["image_id"]] = data if data else (row["error"] or "the images table holds no bytes for it")
    return found


class Pictures:
    """Bytes of images by id, read from an images table a few at a time and kept within `BUDGET`."""

    def __init__(self, table: Table | None, wanted: Iterable[str], budget: int = BUDGET) -> None:
        self.table, self.budget = table, budget
        self.kept: dict[str, bytes | str] = {}
        self.size = 0
        self._fill(list(dict.fromkeys(wanted)))

    def _fill(self, wanted: list[str]) -> None:
        for start in range(0, len(wanted), _CHUNK):
            if self.table is None or self.size >= self.budget:
                return
            self._keep(images_of(self.table.where("image_id", wanted[start : start + _CHUNK])))

    def _keep(self, found: Mapping[str, bytes | str]) -> None:
        self.kept.update(found)
        self.size = sum(len(data) for data in self.kept.values())

    def __call__(self, image_id: str) -> bytes:
        """The image's encoded bytes. Raises KeyError with the reason when there are none."""
        data = self.kept.get(image_id)
        if data is None:
            if self.table is None:
                raise UserError("the prompts have images but there is no images table: pass --images")
            found = images_of(self.table.where("image_id", [image_id]))
            data = found.get(image_id, "it is not in the images table")
            while self.kept and self.size >= self.budget:  # oldest first
                self.size -= len(self.kept.pop(next(iter(self.kept))))
            self.kept[image_id] = data
            self.size += len(data)
        if isinstance(data, str):
            raise KeyError(f"image {image_id[:12]}…: {data}")
        return data
