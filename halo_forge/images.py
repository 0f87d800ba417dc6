"""The one door for image bytes: every consumer (generate, perceive, train, report) opens images here.

- An opened image is RGB, upright (EXIF rotation applied), without alpha (transparent parts are white).
- A strip more than `MAX_RATIO` times as long as it is wide lies on a white one of that ratio: processors refuse
  longer ones (Qwen2-VL from 200 on), and every consumer has to see the same frame.
- `image_info` answers from the header; its width and height always equal those of the opened image.
- Only raster formats are tried (no EPS, no PDF: Pillow would start other programs for them).
- Whatever a decoder does with hostile bytes comes back as one `ImageError` with a one-line reason.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA", "ICO", "JPEG2000", "AVIF")
"""Pillow's names of the formats that are tried; those a build of Pillow lacks are left out."""

MAX_PIXELS = 178_956_970
"""Largest width x height that is decoded: where Pillow itself refuses, about 0.5 GB as RGB."""

MAX_RATIO = 100
"""Long side to short side, at most; what is missing on the short side is white."""

_TRANSPOSE = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF orientation -> `PIL.Image.Transpose` value that puts the image upright."""

_PNG_ORIENTATION_MARKS = (b"eXIf", b"Raw profile type", b"com.adobe.xmp")


class ImageError(ValueError):
    """These bytes cannot be opened as an image; the message is one line saying why."""


def image_id(data: bytes) -> str:
    """Identity of an image: sha256 (hex) of its encoded bytes."""
    return hashlib.sha256(data).hexdigest()


def image_info(data: bytes) -> tuple[int, int, str]:
    """Width and height in pixels of the opened image, and Pillow's format name, without decoding pixels.

    A PNG that mentions EXIF or XMP is decoded, because those chunks may follow the pixels, and so is a file that
    does not end as its format ends: most are cut off. Raises ImageError. A file damaged in the middle may pass
    here and fail in `open_image`.
    """
    with _reading(data) as image:
        try:
            width, height = image.size
            kind = str(image.format)
            if _orientation(image, data) >= 5:
                width, height = height, width
            if not _ends_well(kind, data):
                image.load()
            return *_frame(width, height), kind
        except MemoryError:
            raise
        except Exception as error:  # decoders raise anything on hostile bytes
            raise ImageError(_reason(error)) from error


def open_image(data: bytes) -> Image.Image:
    """Decode to an upright RGB image on white, 8 bits a channel, in its frame. Raises ImageError."""
    with _reading(data) as image:
        try:
            orientation = _orientation(image, data)
            image.load()
            upright = _rgb(image)
            if orientation in _TRANSPOSE:
                from PIL import Image

                upright = upright.transpose(Image.Transpose(_TRANSPOSE[orientation]))
            upright = _framed(upright)
        except MemoryError:
            raise
        except Exception as error:  # decoders raise anything on hostile bytes: all means "cannot be read"
            raise ImageError(_reason(error)) from error
    return upright


def _reading(data: bytes) -> Image.Image:
    """The image with its header read, its size within bounds, its pixels not yet decoded."""
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise ImageError("no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns from half its limit on; ours is the limit itself
            Image.init()
            image = Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])
    except UnidentifiedImageError as error:
        raise ImageError(f"not an image in a format that is read here ({len(data):,} bytes)") from error
    except MemoryError:
        raise
    except Exception as error:  # ImportError: what a plain "import ultralytics" makes of an unidentified image
        if isinstance(error.__context__, UnidentifiedImageError):
            raise ImageError("not an image in a format that is read here") from error
        raise ImageError(_reason(error)) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"too large: {width} x {height} pixels (limit {MAX_PIXELS / 1e6:.0f} megapixels)")
    if width * height == 0:
        raise ImageError(f"no pixels: {width} x {height}")
    frame = _frame(width, height)
    if frame[0] * frame[1] > MAX_PIXELS:
        raise ImageError(f"too thin: {width} x {height} pixels (one side at most {MAX_RATIO} times the other)")
    return image


def _frame(width: int, height: int) -> tuple[int, int]:
    """Width and height of the frame in which an image of this size is shown."""
    least = -(-max(width, height) // MAX_RATIO)
    return max(width, least), max(height, least)


def _framed(image: Image.Image) -> Image.Image:
    """The image in the middle of a white frame, where it is too long and thin to go without."""
    size = _frame(*image.size)
    if size == image.size:
        return image
    from PIL import Image

    frame = Image.new("RGB", size, (255, 255, 255))
    frame.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return frame


def _ends_well(kind: str, data: bytes) -> bool:
    """Whether the bytes end as a whole file of this format does. False where that cannot be seen cheaply."""
    if kind == "JPEG":
        return b"\xff\xd9" in data[-64:]
    if kind == "PNG":
        return b"IEND" in data[-64:]
    if kind == "GIF":
        return b";" in data[-64:]
    if kind == "WEBP":
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    if kind == "BMP":
        return len(data) >= int.from_bytes(data[2:6], "little")
    return False


def _orientation(image: Image.Image, data: bytes) -> int:
    """EXIF orientation still to be applied, 1 to 8; 1 when absent, broken, or applied by Pillow (TIFF)."""
    if image.format == "TIFF":
        return 1
    if image.format == "PNG" and not any(mark in data for mark in _PNG_ORIENTATION_MARKS):
        return 1
    try:
        value = image.getexif().get(0x0112, 1)
    except MemoryError:
        raise
    except Exception:  # a broken EXIF block says nothing about the pixels: the image is taken as it lies
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _rgb(image: Image.Image) -> Image.Image:
    """Any decoded mode as RGB: wide pixels scaled to 8 bits, transparency laid on white."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(image)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> np.ndarray:
    """Grey pixels of more than 8 bits on 0..255: by the width of the format where it is known (16 bits),
    else by the range the values really use, so that no picture comes out black or white."""
    import numpy as np

    grey = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(grey.max())
    if image.mode.startswith("I;16"):
        scale = 65535.0
    elif image.mode == "F" and top <= 1.0:
        scale = 1.0
    elif top <= 255.0:
        scale = 255.0
    else:
        scale = 65535.0 if top <= 65535.0 else top
    return np.clip(np.rint(grey * (255.0 / scale)), 0, 255).astype(np.uint8)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"truncated image: {text}"
    if type(error).__name__ == "DecompressionBombError":
        return f"too large: over {MAX_PIXELS / 1e6:.0f} megapixels"
    return f"unreadable image: {text}"[:300]
