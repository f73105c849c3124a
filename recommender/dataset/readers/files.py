"""Files of a folder or archive, read into memory by name; archive members are never written under their own names."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from recommender.dataset.readers.bounds import check_count, check_unpacked, max_unpacked
from recommender.dataset.readers.formats.gzipped import copy_bounded
from rules.errors import DatasetError
from rules.text.regular_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MAX_BYTES: Final = 2**28
"""Bytes of one file (256 MiB): enough for 8192 x 8192 pixels in colour, and a limit for archive members."""
COMPRESSIONS: Final[Mapping[bytes, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
BROKEN: Final = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)


class Files(Protocol):
    """Files by name: relative, with "/" between folders, sorted."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def packed(self) -> int | None:
        """Bytes of the archive; None for a folder."""
        ...

    def read(self, name: str) -> bytes:
        """Content of a file. Raises KeyError if there is none of that name, OSError if it cannot be read."""
        ...


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """Open a folder or archive. Raises DatasetError if an archive cannot be read."""
    if path.is_dir():
        yield Folder(path)
        return
    with ExitStack() as stack:
        try:
            files: Files
            if path.name.lower().endswith(".zip"):
                files = Zip(stack.enter_context(zipfile.ZipFile(path)), path)
            else:
                plain = stack.enter_context(_uncompressed(path))
                files = Tar(stack.enter_context(tarfile.open(fileobj=plain, mode="r:")), path)
        except BROKEN as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise DatasetError(
                f"{path} is damaged or not an archive: {reason}. Copy it again, or unpack it and give the folder."
            ) from None
        yield files


class Folder:
    """Files below a folder; links to folders are not followed, to avoid cycles."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def names(self) -> Sequence[str]:
        found: list[str] = []
        seen = 0
        for folder, below, files in os.walk(self._root):
            below[:] = [name for name in below if is_visible(name)]
            found += [(Path(folder) / name).relative_to(self._root).as_posix() for name in files if is_visible(name)]
            check_count(self._root, seen := seen + len(files) + len(below))
        return sorted(found)

    @property
    def packed(self) -> int | None:
        return None

    def read(self, name: str) -> bytes:
        try:
            with open_regular(self._root / name) as file:
                return _bounded(file, name)
        except FileNotFoundError:
            raise KeyError(name) from None

    def outside(self, names: Iterable[str]) -> Sequence[str]:
        """Names that resolve to files outside the folder."""
        root = self._root.resolve()
        return [name for name in names if not (self._root / name).resolve().is_relative_to(root)]


class Zip:
    """Files of a zip archive."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self.packed: int | None = path.stat().st_size
        members = archive.infolist()
        check_count(path, len(members))
        check_unpacked(path, sum(one.file_size for one in members), sum(one.compress_size for one in members))
        self._members = {clean(one.filename): one for one in members if one.filename and not one.is_dir()}

    @property
    def names(self) -> Sequence[str]:
        return sorted(name for name in self._members if all(map(is_visible, PurePosixPath(name).parts)))

    def read(self, name: str) -> bytes:
        with self._archive.open(self._members[clean(name)]) as file:
            return _bounded(file, name)


class Tar:
    """Regular files of a tar archive."""

    def __init__(self, archive: tarfile.TarFile, path: Path) -> None:
        self._archive = archive
        self.packed: int | None = path.stat().st_size
        self._members: dict[str, tarfile.TarInfo] = {}
        for count, one in enumerate(archive, start=1):
            check_count(path, count)
            if one.isreg():
                self._members[clean(one.name)] = one

    @property
    def names(self) -> Sequence[str]:
        return sorted(name for name in self._members if all(map(is_visible, PurePosixPath(name).parts)))

    def read(self, name: str) -> bytes:
        file = self._archive.extractfile(self._members[clean(name)])
        if file is None:
            raise KeyError(name)
        with file:
            return _bounded(file, name)


def clean(name: str) -> str:
    r"""Normalised name of an archive member.

    >>> clean("./cats/./1.png"), clean("cats\\1.png")
    ('cats/1.png', 'cats/1.png')
    """
    return PurePosixPath(name.replace("\\", "/")).as_posix()


def is_visible(name: str) -> bool:
    """Whether a file or folder is neither hidden nor created by the operating system."""
    return not name.startswith(".") and name not in {"__MACOSX", "Thumbs.db", "desktop.ini"}


def _bounded(file: IO[bytes], name: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(f"{name} is larger than {MAX_BYTES:,} bytes")
    return data


@contextmanager
def _uncompressed(path: Path) -> Iterator[IO[bytes]]:
    """Uncompressed stream of a tar archive."""
    with open_regular(path) as file:
        start = file.read(len(max(COMPRESSIONS, key=len)))
        file.seek(0)
        unpack = next((opener for magic, opener in COMPRESSIONS.items() if start.startswith(magic)), None)
        if unpack is None:
            yield file
            return
        with unpack(file) as inside, tempfile.TemporaryFile() as whole:
            copy_bounded(inside, whole, path, most=max_unpacked(path.stat().st_size))
            whole.seek(0)
            yield whole
