"""Checks of images: skipped and resized files, value ranges, and equal images with different targets."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from recommender.dataset.readers.images.file_names import OTHER_SUFFIXES, SUFFIXES
from recommender.profile.characteristic import measured_number
from rules.decision.record import Guardrail
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.formats.arrays import Images, ImageSource
    from recommender.profile.characteristic import Characteristic
    from recommender.roles.roles import Roles

MAX_NAMED: Final = 5  # files in a message


def check_pictures(dataset: Dataset, roles: Roles, measured: Mapping[str, Characteristic]) -> Iterator[Guardrail]:
    """Check how image files were read, and whether equal images have different targets."""
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
                f"Images with more than 8 bits per channel are scaled from the range {low:g} to {high:g} to 0 to 255, "
                "including new images."
            ),
            columns=columns,
            value=high,
        )
    conflicts = round(measured_number(measured, "contradicting_images"))
    yield Guardrail(
        name="contradicting_images",
        status="alerted" if conflicts else "passed",
        message=(
            f"{counted(conflicts, 'image')} {'is' if conflicts == 1 else 'are'} equal to images with another target, "
            "so no model can predict all of them correctly. Correct the labels."
            if conflicts
            else "No equal images have different targets."
        ),
        columns=columns,
        value=conflicts,
        threshold=0,
        unit="images",
    )


def left_out(source: ImageSource) -> str:
    """Message about skipped files, with the reason for the first ones."""
    named = [f"{name!r} ({why})" for name, why in list(source.left_out.items())[:MAX_NAMED]]
    more = len(source.left_out) - len(named)
    verb = "was" if len(source.left_out) == 1 else "were"
    return (
        f"{counted(len(source.left_out), 'unreadable image file')} {verb} skipped (--unreadable-images): "
        f"{', '.join(named)}{f' and {more:,} more' if more else ''}."
    )


def remarks(source: ImageSource) -> Iterator[str]:
    """Messages about image files for prediction."""
    if source.left_out:
        yield f"{left_out(source)} They are not in the predictions."
    if images_in_other_formats(source):
        yield f"{_other_files(source)} They are not in the predictions."
    if source.outside:
        yield _outside(source)


def images_in_other_formats(source: ImageSource) -> tuple[str, ...]:
    """Skipped files with the extension of an unsupported image format."""
    return tuple(name for name in source.other if PurePosixPath(name).suffix.lower() in OTHER_SUFFIXES)


def _of_files(source: ImageSource, columns: tuple[str, ...]) -> Iterator[Guardrail]:
    """Check for skipped files, and for paths that lead outside the dataset's folder."""
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
        message=_outside(source) if source.outside else "All images are in the folder of the dataset.",
        columns=columns,
        value=len(source.outside),
        unit="files",
    )


def _other_files(source: ImageSource) -> str:
    """Message about skipped files: the images among them, or all if there are none."""
    images = images_in_other_formats(source)
    verb = "was" if len(images or source.other) == 1 else "were"
    if images:
        return (
            f"{counted(len(images), 'image file')} of an unsupported format {verb} skipped: {_named(images)}. "
            f"Convert them to one of {', '.join(sorted(SUFFIXES))}."
        )
    return f"{counted(len(source.other), 'file')} other than images {verb} skipped: {_named(source.other)}."


def _outside(source: ImageSource) -> str:
    """Message about images outside the folder of the table with their paths."""
    verb = "is" if len(source.outside) == 1 else "are"
    return (
        f"{counted(len(source.outside), 'image file')} {verb} outside the folder of the table: "
        f"{_named(source.outside)}. Check that these paths are intended."
    )


def _named(files: Sequence[str]) -> str:
    """Names of the first files for a message."""
    more = len(files) - MAX_NAMED
    return f"{', '.join(map(repr, files[:MAX_NAMED]))}{f' and {more:,} more' if more > 0 else ''}"


def _of_sizes(images: Images, source: ImageSource) -> Guardrail:
    """Check whether images were resized."""
    others = sum(count for size, count in source.sizes.items() if size != (images.height, images.width))
    name, columns = "image_sizes", (images.name,)
    if not others:
        message = f"All images are {images.height} x {images.width} pixels and were not resized."
        return Guardrail(name=name, status="passed", message=message, columns=columns, value=0, unit="images")
    why = "given by --image-size" if source.is_size_given else "the median size, at most 64 pixels per side"
    how = {"stretch": "stretched", "crop": "cropped around the centre", "pad": "padded with black"}
    message = (
        f"{counted(others, 'image')} of {counted(len(source.sizes), 'size')} {'was' if others == 1 else 'were'} "
        "resized "
        f"to {images.height} x {images.width} pixels ({why}), {how[source.fit]} (--image-fit {source.fit})."
    )
    return Guardrail(name=name, status="done", message=message, columns=columns, value=others, unit="images")
