"""Decoding of one image file: size and colours from its header, and pixels at a given size."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from recommender.dataset.readers.bounds import MAX_PIXELS, MAX_PIXELS_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.decision.request import ImageFit

FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""Formats that Pillow may decode. Its other readers may start programs (EPS) or open other files."""
GREY_MODES: Final = frozenset({"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
BAND: Final = 2**20  # pixels converted at a time
SHORTS: Final = 2**16  # number of 16-bit values
BACKGROUND: Final = 255  # white, for transparent pixels
BYTE_RANGE: Final = (0.0, 255.0)  # range of 8-bit values

Size = tuple[int, int]
"""Height and width in pixels."""


class UnreadableImageError(Exception):
    """Short reason why an image file cannot be read, used as part of other messages."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """Properties of an image file from its header."""

    size: Size
    is_grey: bool
    is_deep: bool
    """Whether a channel has more than 8 bits."""


def header_of(data: bytes) -> Header:
    """Size and colours of an image file after EXIF rotation, without decoding pixels. Raises UnreadableImageError."""
    with _opened(data) as image:
        width, height = image.size
        turned = _orientation(image) in SIDEWAYS
        return Header(
            size=(width, height) if turned else (height, width),
            is_grey=image.mode in GREY_MODES,
            is_deep=image.mode in DEEP_MODES,
        )


def value_range_of(data: bytes) -> tuple[float, float]:
    """Smallest and largest finite value of an image file. Raises UnreadableImageError."""
    with _opened(data) as image, _AT_ONCE.acquire(image.width * image.height):
        try:
            values = np.asarray(image)
        except Exception as error:  # noqa: BLE001  as in pixels_of
            raise UnreadableImageError(_reason(error)) from None
        if values.dtype.kind in "iu":
            return float(values.min()), float(values.max())
        low, high = np.inf, -np.inf
        for rows in _bands(image):
            some = values[rows].astype(np.float64)
            low = np.min(some, initial=low, where=np.isfinite(some))
            high = np.max(some, initial=high, where=np.isfinite(some))
    if low > high:
        raise UnreadableImageError("it has no finite value")
    return float(low), float(high)


ORIENTATION: Final = 0x0112  # the EXIF tag
ORIENTED: Final = frozenset({"JPEG", "MPO", "TIFF", "WEBP"})  # formats of cameras; a PNG would be decoded to read it
SIDEWAYS: Final = frozenset({5, 6, 7, 8})  # its values for images rotated by 90 degrees


def pixels_of(
    data: bytes, *, size: Size, channels: int, fit: ImageFit, value_range: tuple[float, float] = BYTE_RANGE
) -> np.ndarray:
    """Pixels of an image file, (height, width, channels) uint8. Raises UnreadableImageError.

    The first frame of an animation is used, and transparent pixels become white.
    value_range: values scaled to 0 and 255 in images with more than 8 bits per channel; others are not scaled.
    fit: how other shapes are resized: "stretch" changes the aspect ratio, "crop" cuts the longer side around the
    centre, "pad" fills the shorter side with black. Downscaling averages areas, which preserves fine lines.
    """
    with _opened(data) as image, _AT_ONCE.acquire(image.width * image.height):
        try:
            upright = ImageOps.exif_transpose(image) if _orientation(image) > 1 else image
            plain = _flat(upright, value_range, mode="L" if channels == 1 else "RGB")
        except Exception as error:  # noqa: BLE001  Pillow raises many types of errors on damaged files
            raise UnreadableImageError(_reason(error)) from None
        return _at_size(plain, size, channels, fit)


def _at_size(plain: Image.Image, size: Size, channels: int, fit: ImageFit) -> np.ndarray:
    """Pixels of an 8-bit image, resized."""
    height, width = size
    if plain.size != (width, height):
        box = (width, height)
        if fit == "crop":
            plain = ImageOps.fit(plain, box, method=Image.Resampling.BILINEAR)
        elif fit == "pad":
            plain = ImageOps.pad(plain, box, method=Image.Resampling.BILINEAR)
        else:
            plain = plain.resize(box, Image.Resampling.BILINEAR)
    return np.asarray(plain, np.uint8).reshape(height, width, channels)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation of an image; 1 for upright."""
    if image.format not in ORIENTED:
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001  metadata may be invalid
        return 1


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise UnreadableImageError("the file is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadableImageError("not a supported image format") from None
    except Exception as error:  # noqa: BLE001  as above
        raise UnreadableImageError(_reason(error)) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"{width:,} x {height:,} pixels are more than {MAX_PIXELS:,}")
    return image


def common_range(low: float, high: float) -> tuple[float, float]:
    """Values scaled to 0 and 255 in a dataset whose images with more than 8 bits range from `low` to `high`.

    Values within 0 to 1 or 0 to 255 keep these ranges; others use their own range.

    >>> common_range(0.0, 0.5), common_range(3.0, 200.0), common_range(348.0, 442.0)
    ((0.0, 1.0), (0.0, 255.0), (0.0, 442.0))
    """
    if low >= 0:
        low, high = 0.0, next((usual for usual in (1.0, float(BACKGROUND)) if high <= usual), high)
    return low, high


def _flat(image: Image.Image, value_range: tuple[float, float], *, mode: str) -> Image.Image:
    """8-bit image without transparency, in Pillow's mode "L" or "RGB".

    Conversions that copy pixels are done in bands of rows to bound the memory.
    """
    if image.mode in DEEP_MODES:
        values = np.asarray(image)
        flat = np.empty(values.shape, np.uint8)
        is_short = values.dtype.kind == "u" and values.dtype.itemsize == np.dtype(np.uint16).itemsize
        byte_of_each = _as_bytes(np.arange(SHORTS), value_range) if is_short else None
        for rows in _bands(image):
            flat[rows] = _as_bytes(values[rows], value_range) if byte_of_each is None else byte_of_each[values[rows]]
        return Image.fromarray(flat).convert(mode)
    if image.has_transparency_data:
        whole = Image.new("RGB", image.size, (BACKGROUND,) * 3)
        if image.mode == "RGBA":
            whole.paste(image, (0, 0), image)
        else:
            for rows in _bands(image):
                above = image.crop((0, rows.start, image.width, rows.stop)).convert("RGBA")
                whole.paste(above, (0, rows.start), above)
        return whole if mode == "RGB" else whole.convert(mode)
    return image.convert(mode)


def _as_bytes(values: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    """Values as bytes, scaled so that a range becomes 0 to 255."""
    low, high = value_range
    factor = BACKGROUND / max(high - low, np.finfo(np.float64).tiny)
    finite = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.clip(np.rint((finite - low) * factor), 0, BACKGROUND).astype(np.uint8)


def _bands(image: Image.Image) -> Iterator[slice]:
    """Yield the rows of an image in bands of about BAND pixels."""
    at_once = max(1, BAND // max(1, image.width))
    for start in range(0, image.height, at_once):
        yield slice(start, min(start + at_once, image.height))


class _PixelLimit:
    """Limit on the pixels of images that are decoded at the same time in several threads."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._changed = Condition()

    @contextmanager
    def acquire(self, pixels: int) -> Iterator[None]:
        """Wait until a number of pixels, at most the limit, is available, and reserve them during the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._left >= pixels)
            self._left -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._left += pixels
                self._changed.notify_all()


_AT_ONCE: Final = _PixelLimit(MAX_PIXELS_AT_ONCE)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:MAX_REASON_LENGTH]


MAX_REASON_LENGTH: Final = 120  # characters
