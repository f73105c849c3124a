"""One image file: header and pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from recommender.dataset.readers.images import pixels as pictures
from recommender.dataset.readers.images.pixels import UnreadableImageError, header_of, pixels_of, value_range_of


def written(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def test_what_is_transparent_lies_on_white() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    found = pixels_of(written(image), size=(1, 2), channels=3, fit="stretch")
    assert found.tolist() == [[[255, 255, 255], [10, 20, 30]]]


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_half_transparent_black_is_grey_in_every_mode(mode: str, channels: int) -> None:
    image = Image.new("RGBA", (1, 1), (0, 0, 0, 51)).convert(mode)
    found = pixels_of(written(image, "TIFF" if mode == "PA" else "PNG"), size=(1, 1), channels=channels, fit="stretch")
    assert found.tolist() == [[[204] * channels]]  # 255 · (1 - 51 / 255)


def test_one_range_scales_every_image_of_more_than_eight_bits() -> None:
    dark = written(Image.fromarray(np.array([[0, 200, 255]], np.uint16)))
    bright = written(Image.fromarray(np.array([[0, 256, 510]], np.uint16)))
    assert header_of(dark).is_grey
    assert (value_range_of(dark), value_range_of(bright)) == ((0, 255), (0, 510))
    found = [
        pixels_of(data, size=(1, 3), channels=1, fit="stretch", value_range=(0, 510))[0, :, 0].tolist()
        for data in (dark, bright)
    ]
    assert found == [[0, 100, 128], [0, 128, 255]]  # half of 200 and of 255, rounded to even


def test_floats_between_0_and_1_are_shares_of_the_brightest() -> None:
    data = written(Image.fromarray(np.array([[0, 0.2, 1]], np.float32)), "TIFF")
    assert value_range_of(data) == (0, 1)
    assert pixels_of(data, size=(1, 3), channels=1, fit="stretch", value_range=(0, 1))[0, :, 0].tolist() == [0, 51, 255]


def test_eight_bits_are_never_scaled() -> None:
    data = written(Image.fromarray(np.array([[0, 7, 9]], np.uint8)))
    assert not header_of(data).is_deep
    assert pixels_of(data, size=(1, 3), channels=1, fit="stretch", value_range=(0, 9))[0, :, 0].tolist() == [0, 7, 9]


def test_a_photograph_that_lies_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = written(Image.new("RGB", (6, 2)), "JPEG", exif=exif)
    assert header_of(data).size == (6, 2)
    assert pixels_of(data, size=(6, 2), channels=3, fit="stretch").shape == (6, 2, 3)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"GIF89a", "image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a supported image format"),
    ],
)
def test_what_is_no_picture_is_not_opened(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableImageError, match=why):
        header_of(data)


def test_more_pixels_than_memory_holds_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 8)
    with pytest.raises(UnreadableImageError, match="3 x 3 pixels are more than 8"):
        header_of(written(Image.new("L", (3, 3))))
