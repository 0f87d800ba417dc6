"""Images as thumbnails inside the page: each distinct one once, small, and only as many bytes as there is room for."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from halo_forge.images import ImageError, open_image

if TYPE_CHECKING:
    from PIL import Image

SIDE = 448
"""Pixels of a thumbnail's long side, at most."""
QUALITY = 72


def thumbnail(data: bytes) -> str:
    """The image as a data URI: WebP, not larger than `SIDE`. Raises ImageError."""
    image = open_image(data)
    small = max(image.size) <= 128
    image.thumbnail((SIDE, SIDE))
    return "data:image/webp;base64," + base64.b64encode(_webp(image, small)).decode("ascii")


def _webp(image: Image.Image, lossless: bool) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=lossless, quality=QUALITY, method=4)
    return out.getvalue()


__all__ = ["ImageError", "thumbnail"]
