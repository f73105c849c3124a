"""One image file: header and pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from recommender.readers import pictures
from recommender.readers.pictures import UnreadableImageError, header_of, pixels_of


def written(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def test_what_is_transparent_lies_on_white() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    found = pixels_of(written(image), size=(1, 2), channels=3, fit="stretch")
    assert found.tolist() == [[[255, 255, 255], [10, 20, 30]]]


def test_sixteen_bits_become_eight() -> None:
    image = Image.fromarray(np.array([[0, 65_535, 32_768]], np.uint16))
    data = written(image)
    assert header_of(data).is_grey
    assert pixels_of(data, size=(1, 3), channels=1, fit="stretch")[0, :, 0].tolist() == [0, 255, 128]


def test_a_photograph_that_lies_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = written(Image.new("RGB", (6, 2)), "JPEG", exif=exif)
    assert header_of(data).size == (6, 2)
    assert pixels_of(data, size=(6, 2), channels=3, fit="stretch").shape == (6, 2, 3)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty"), (b"GIF89a", "image"), (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image")],
)
def test_what_is_no_picture_is_not_opened(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableImageError, match=why):
        header_of(data)


def test_more_pixels_than_memory_holds_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 8)
    with pytest.raises(UnreadableImageError, match="3 x 3 pixels are more than 8"):
        header_of(written(Image.new("L", (3, 3))))
