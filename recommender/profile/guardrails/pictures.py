"""Checks of images: what was left out, resized, and what is there more than once."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from recommender.dataset.readers.images.picture_names import OTHER_SUFFIXES, SUFFIXES
from recommender.profile.characteristic import measured_number
from rules.decision.record import Guardrail
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.formats.arrays import Images, ImageSource
    from recommender.profile.characteristic import Characteristic
    from recommender.roles.roles import Roles

MAX_NAMED: Final = 5  # files that a sentence names


def check_pictures(dataset: Dataset, roles: Roles, measured: Mapping[str, Characteristic]) -> Iterator[Guardrail]:
    """What was done to image files, and whether equal images have different classes."""
    images = dataset.images
    if images is None or not roles.has_images:
        return
    columns = (images.name,)
    if images.source is not None:
        message = left_out(images.source) if images.source.left_out else "Every image file could be read."
        yield Guardrail(
            name="unreadable_images",
            status="done" if images.source.left_out else "passed",
            message=message,
            columns=columns,
            value=len(images.source.left_out),
            unit="files",
        )
        yield from _of_files(images.source, columns)
        yield _of_sizes(images, images.source)
    if images.value_range is not None:
        low, high = images.value_range
        yield Guardrail(
            name="image_values",
            status="done",
            message=(
                f"Images of more than 8 bits a channel are scaled by one range: {low:g} becomes 0, {high:g} becomes "
                "255, in every image and in those to predict."
            ),
            columns=columns,
            value=high,
        )
    conflicts = round(measured_number(measured, "contradicting_images"))
    yield Guardrail(
        name="contradicting_images",
        status="alerted" if conflicts else "passed",
        message=(
            f"{counted(conflicts, 'image')} equal others that have another target: no model can answer both rightly. "
            "Find out which label is true."
            if conflicts
            else "No image has two different targets."
        ),
        columns=columns,
        value=conflicts,
        threshold=0,
        unit="images",
    )


def left_out(source: ImageSource) -> str:
    """Which files were left out, and why the first of them were."""
    named = [f"{name!r} ({why})" for name, why in list(source.left_out.items())[:MAX_NAMED]]
    more = len(source.left_out) - len(named)
    verb = "was" if len(source.left_out) == 1 else "were"
    return (
        f"{counted(len(source.left_out), 'image file')} that cannot be read {verb} left out, as --unreadable-images "
        f"says: {', '.join(named)}{f' and {more:,} more' if more else ''}."
    )


def remarks(source: ImageSource) -> Iterator[str]:
    """What is worth reporting about image files that are to be predicted."""
    if source.left_out:
        yield f"{left_out(source)} They are not in the predictions."
    if images_in_other_formats(source):
        yield f"{_other_files(source)} They are not in the predictions."
    if source.outside:
        yield _outside(source)


def images_in_other_formats(source: ImageSource) -> tuple[str, ...]:
    """The files that were passed over and that are images by the ends of their names."""
    return tuple(name for name in source.other if PurePosixPath(name).suffix.lower() in OTHER_SUFFIXES)


def _of_files(source: ImageSource, columns: tuple[str, ...]) -> Iterator[Guardrail]:
    """Whether files were passed over, and whether a table of paths leads outside its folder."""
    other = "Every file of the folder or archive is an image." if not source.other else _other_files(source)
    alerted = bool(images_in_other_formats(source))
    yield Guardrail(
        name="other_files",
        status="alerted" if alerted else "done" if source.other else "passed",
        message=other,
        columns=columns,
        value=len(source.other),
        unit="files",
    )
    yield Guardrail(
        name="images_outside",
        status="alerted" if source.outside else "passed",
        message=_outside(source) if source.outside else "Every image lies in the folder of the dataset.",
        columns=columns,
        value=len(source.outside),
        unit="files",
    )


def _other_files(source: ImageSource) -> str:
    """Which files were passed over: the images among them, or all where there is no image."""
    images = images_in_other_formats(source)
    verb = "was" if len(images or source.other) == 1 else "were"
    if images:
        return (
            f"{counted(len(images), 'image file')} in a format that is not read {verb} left out: {_named(images)}. "
            f"Convert them to one of {', '.join(sorted(SUFFIXES))}."
        )
    is_no = "is" if verb == "was" else "are"
    return f"{counted(len(source.other), 'file')} that {is_no} no image {verb} left out: {_named(source.other)}."


def _outside(source: ImageSource) -> str:
    """Which images lie outside the folder of the table that names them."""
    verb = "lies" if len(source.outside) == 1 else "lie"
    return (
        f"{counted(len(source.outside), 'image file')} {verb} outside the folder of the table, because its paths lead "
        f"there: {_named(source.outside)}. Check that these files may be read."
    )


def _named(files: Sequence[str]) -> str:
    """Some files of many."""
    more = len(files) - MAX_NAMED
    return f"{', '.join(map(repr, files[:MAX_NAMED]))}{f' and {more:,} more' if more > 0 else ''}"


def _of_sizes(images: Images, source: ImageSource) -> Guardrail:
    """Whether files were brought to another size, and how."""
    others = sum(count for size, count in source.sizes.items() if size != (images.height, images.width))
    name, columns = "image_sizes", (images.name,)
    if not others:
        message = f"All images are {images.height} x {images.width} pixels and are read as they are."
        return Guardrail(name=name, status="passed", message=message, columns=columns, value=0, unit="images")
    why = "given by --image-size" if source.is_size_given else "the median size, 64 pixels at most a side"
    how = {"stretch": "whatever their proportions", "crop": "cut around the middle", "pad": "with black at the edges"}
    message = (
        f"{counted(others, 'image')} of {counted(len(source.sizes), 'size')} brought to {images.height} x "
        f"{images.width} pixels ({why}), {how[source.fit]} (--image-fit {source.fit})."
    )
    return Guardrail(name=name, status="done", message=message, columns=columns, value=others, unit="images")
