"""Every mode, rotation and defect an image file can have, through the one door."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from halo_forge.images import FORMATS, ImageError, image_id, image_info, open_image


def encode(image: Image.Image, fmt: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, (250, 0, 0))
    image.paste((0, 0, 250), (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


def near(pixel: tuple[int, ...], want: tuple[int, ...], slack: int = 12) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(pixel, want, strict=True))


def test_image_id_is_the_sha256_of_the_bytes() -> None:
    assert image_id(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("fmt", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("JPEG", "RGB", {"quality": 95}),
        ("WEBP", "RGB", {"lossless": True}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("TIFF", "RGB", {}),
        ("PPM", "RGB", {}),
        ("TGA", "RGB", {}),
        ("PNG", "P", {}),
        ("JPEG", "CMYK", {"quality": 95}),
        ("TIFF", "CMYK", {}),
    ],
)
def test_formats_and_modes_come_out_as_the_same_rgb_picture(fmt: str, mode: str, options: dict) -> None:
    data = encode(halves(mode), fmt, **options)
    image = open_image(data)
    assert image.mode == "RGB"
    assert image_info(data) == (40, 20, fmt)
    assert image.size == (40, 20)
    assert near(image.getpixel((5, 10)), (250, 0, 0)) and near(image.getpixel((35, 10)), (0, 0, 250))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "PA"])
def test_other_png_modes_are_rgb(mode: str) -> None:
    source = Image.new("RGBA" if mode == "PA" else mode, (3, 2))
    image = open_image(encode(source))
    assert image.mode == "RGB" and image.size == (3, 2)


def test_transparency_is_laid_on_white() -> None:
    rgba = Image.new("RGBA", (4, 1), (0, 0, 0, 0))
    rgba.putpixel((1, 0), (255, 0, 0, 255))
    rgba.putpixel((2, 0), (0, 0, 0, 128))
    image = open_image(encode(rgba))
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert image.getpixel((1, 0)) == (255, 0, 0)
    assert near(image.getpixel((2, 0)), (127, 127, 127), 1)
    grey = open_image(encode(Image.new("LA", (1, 1), (0, 0))))
    assert grey.getpixel((0, 0)) == (255, 255, 255)


def test_palette_and_rgb_transparency_keys_are_laid_on_white() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 0, 200, 0])
    palette.putpixel((1, 0), 1)
    image = open_image(encode(palette, transparency=0))
    assert image.getpixel((0, 0)) == (255, 255, 255) and image.getpixel((1, 0)) == (0, 200, 0)
    rgb = Image.new("RGB", (1, 1), (9, 9, 9))
    assert open_image(encode(rgb, transparency=(9, 9, 9))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("fmt", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(fmt: str) -> None:
    values = np.array([[0, 16384, 32768, 65535]], dtype=np.uint16)
    image = open_image(encode(Image.fromarray(values), fmt))
    assert [image.getpixel((x, 0))[0] for x in range(4)] == [0, 64, 128, 255]


def test_dark_sixteen_bits_stay_dark() -> None:
    values = np.full((1, 2), 200, dtype=np.uint16)
    assert open_image(encode(Image.fromarray(values))).getpixel((0, 0)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("values", "want"),
    [
        (np.array([[0, 70000]], dtype=np.int32), (0, 255)),
        (np.array([[0, 30000]], dtype=np.int32), (0, 117)),
        (np.array([[0.0, 0.5]], dtype=np.float32), (0, 128)),
        (np.array([[0.0, 200.0]], dtype=np.float32), (0, 200)),
        (np.array([[np.nan, 255.0]], dtype=np.float32), (0, 255)),
    ],
)
def test_wide_and_float_tiffs(values: np.ndarray, want: tuple[int, int]) -> None:
    image = open_image(encode(Image.fromarray(values), "TIFF"))
    assert (image.getpixel((0, 0))[0], image.getpixel((1, 0))[0]) == want


UPRIGHT = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_and_the_info_agrees(fmt: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(halves(), fmt, exif=exif)
    image = open_image(data)
    width, height, name = image_info(data)
    assert (width, height) == image.size == ((40, 20) if orientation < 5 else (20, 40))
    assert name == fmt
    side = {"left": (2, 10), "right": (37, 10), "top": (10, 2), "bottom": (10, 37)}[UPRIGHT[orientation]]
    assert near(image.getpixel(side), (250, 0, 0), 40)


@pytest.mark.parametrize("value", [0, 9, 700])
def test_senseless_orientation_is_ignored(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    data = encode(halves(), "JPEG", exif=exif)
    assert open_image(data).size == (40, 20) and image_info(data)[:2] == (40, 20)


def test_broken_exif_does_not_lose_the_picture() -> None:
    data = encode(halves(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage")
    assert open_image(data).size == (40, 20)


@pytest.mark.parametrize(
    ("size", "frame"),
    [((1, 1), (1, 1)), ((12_000, 120), (12_000, 120)), ((12_000, 4), (12_000, 120)), ((3, 1_201), (13, 1_201))],
)
def test_extreme_shapes_lie_in_a_white_frame(size: tuple[int, int], frame: tuple[int, int]) -> None:
    data = encode(Image.new("RGB", size, (250, 0, 0)))
    image = open_image(data)
    assert image.size == frame == image_info(data)[:2]
    assert image.getpixel((frame[0] // 2, (frame[1] - size[1]) // 2)) == (250, 0, 0)
    assert image.getpixel((0, 0)) == ((250, 0, 0) if size == frame else (255, 255, 255))


def test_a_line_of_a_million_pixels_is_refused() -> None:
    data = encode(Image.new("1", (1_000_000, 1)))
    for read in (open_image, image_info):
        with pytest.raises(ImageError, match="too thin: 1000000 x 1"):
            read(data)


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near(open_image(data).getpixel((0, 0)), (255, 0, 0))


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("read", [open_image, image_info])
@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "no bytes"),
        (b"hello, I am no image", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not an image"),
        (png_header(20_000, 20_000), "too large"),
        (png_header(15_000, 12_000), "too large"),
    ],
)
def test_refusals_are_one_line(read: object, data: bytes, word: str) -> None:
    with pytest.raises(ImageError, match=word) as caught:
        read(data)  # type: ignore[operator]
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 320


def test_the_bound_holds_when_another_library_lifts_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImageError, match="too large: 20000 x 20000"):
        open_image(png_header(20_000, 20_000))


def test_large_but_allowed_image_warns_nobody(recwarn: pytest.WarningsRecorder) -> None:
    assert image_info(png_header(10_000, 10_000))[:2] == (10_000, 10_000)
    assert not recwarn.list


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_truncated_files_are_refused(fmt: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), fmt)
    for read in (open_image, image_info):
        with pytest.raises(ImageError) as caught:
            read(data[: len(data) // 2])
        assert "\n" not in str(caught.value)


def test_no_format_starts_another_program() -> None:
    assert not {"EPS", "PDF", "WMF", "FITS"} & set(FORMATS)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 300), st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP"]))
def test_hostile_bytes_open_or_raise_image_error(noise: bytes, at: int, fmt: str) -> None:
    data = encode(halves(), fmt)
    data = data[:at] + noise + data[at + len(noise) :]
    for read in (open_image, image_info):
        try:
            read(data)
        except ImageError as error:
            assert "\n" not in str(error)
