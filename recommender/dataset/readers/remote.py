"""Files of web servers and stores, downloaded to a temporary folder while they are read."""

from __future__ import annotations

import glob
import logging
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Self

from recommender.dataset.address import WEB, LocalPath, RemoteFile, without_secrets
from recommender.dataset.readers.bounds import check_count
from recommender.dataset.readers.table import ARCHIVES, FORMATS
from rules.errors import DatasetError, PcwatError
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_DOWNLOAD: Final = 2**35
"""Bytes of all files of a dataset (32 GiB): those of larger ones are downloaded by the user."""
MIN_SHOWN: Final = 2**23  # bytes (8 MiB) from which progress is shown; a smaller download takes about a second
CONNECT_SECONDS: Final = 15
READ_SECONDS: Final = 60  # without any byte
PACKAGES: Final[Mapping[str, str]] = {
    "https": "fsspec and aiohttp",
    "http": "fsspec and aiohttp",
    "s3": "s3fs",
    "gs": "gcsfs",
    "hf": "fsspec and huggingface_hub",
}
CREDENTIALS: Final[Mapping[str, str]] = {
    "https": "Use a URL whose signature or token is valid, or write user and password into ~/.netrc.",
    "http": "Use a URL whose signature or token is valid, or write user and password into ~/.netrc.",
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for public files, set FSSPEC_S3_ANON=true.",
    "gs": "Run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS; for public "
    "files, set FSSPEC_GS_TOKEN=anon.",
    "hf": "Set HF_TOKEN to a token with access to the dataset.",
}
EXTENSIONS: Final[Mapping[str, str]] = {
    "text/csv": ".csv",
    "application/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/zip": ".zip",
}
"""Extensions of media types (IANA), for URLs that end in none."""
HTML: Final = (b"<!doctype html", b"<html")  # starts of a page, in lower case
HTML_BYTES: Final = 512
DENIED: Final = (
    *("PermissionError", "NoCredentialsError", "PartialCredentialsError", "GatedRepoError", "RefreshError"),
    *("DefaultCredentialsError", "ProfileNotFound"),
)
ABSENT: Final = ("FileNotFoundError", "RepositoryNotFoundError", "EntryNotFoundError", "RevisionNotFoundError")
OFFLINE: Final = ("Connection", "Connect", "gaierror", "DNS")
LOGGERS: Final = ("fsspec", "gcsfs", "huggingface_hub", "s3fs")
STATUS_DENIED: Final = (401, 403, 407)
STATUS_ABSENT: Final = (404, 410)


@contextmanager
def local_copy(address: LocalPath | RemoteFile, *, most: int = MAX_DOWNLOAD) -> Iterator[Path]:
    """Path of a dataset on this machine: its own, or that of a copy, which is removed when the block ends.

    A pattern is a pattern of the copies. Errors name the address in place of the copy. most: bytes of all files.
    Raises DatasetError, without secrets, if the files cannot be downloaded.
    """
    if isinstance(address, LocalPath):
        yield address.path
        return
    if address.omitted:
        raise DatasetError(
            f"{address} was recorded without its secrets, which are written as ***. Give the complete URL: with --data "
            "for 'audit', and as the DATASET of 'train --resume'."
        )
    with working_folder() as folder:
        before, path = _download(address, folder, most=most)
        try:
            yield path
        except PcwatError as error:
            error.args = (str(error).replace(*before), *error.args[1:])
            raise


def _download(address: RemoteFile, folder: Path, *, most: int) -> tuple[tuple[str, str], Path]:
    """Download a file or the files of a pattern.

    Returns a local path with the address that replaces it in messages, and the path to read.
    """
    read = _download_pattern if address.is_pattern else _download_file
    try:
        with _without_log():
            return read(_open_store(address.scheme), address, folder, most=most)
    except PcwatError:
        raise
    except Exception as error:  # noqa: BLE001  each of five libraries has errors of its own
        raise _unreadable(address, error) from None


@contextmanager
def _without_log() -> Iterator[None]:
    """Suppress messages of the libraries, which print tracebacks and URLs with secrets; errors say what failed."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _download_file(store: Any, address: RemoteFile, folder: Path, *, most: int) -> tuple[tuple[str, str], Path]:  # noqa: ANN401  fsspec has no types
    source = address.url if address.scheme in WEB else address.url.partition("://")[2]
    path = folder / address.name
    if address.scheme in WEB and Path(path.name.lower().removesuffix(".gz")).suffix not in {*FORMATS, *ARCHIVES}:
        kind = store.info(source).get("mimetype", "").lower()
        path = path.with_name(path.name + EXTENSIONS.get(kind, ""))
    with _Progress(address, folder, most=most) as progress:
        store.get_file(source, str(path), callback=progress.callback)
    if not path.is_file():  # a folder
        raise FileNotFoundError
    with path.open("rb") as file:
        if file.read(HTML_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML):
            raise DatasetError(
                f"{address} is an HTML page, not a dataset. Use the URL of the file itself, to which a link for a "
                "download leads; a page also comes in place of a file that needs a login."
            )
    return (str(path), str(address)), path


def _download_pattern(store: Any, address: RemoteFile, folder: Path, *, most: int) -> tuple[tuple[str, str], Path]:  # noqa: ANN401  fsspec has no types
    parts = PurePosixPath(address.url.partition("://")[2]).parts
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    above, root = "/".join(parts[:first]), folder / parts[first - 1]
    found = store.glob("/".join(parts), detail=True)
    for name, own in [*found.items()]:
        if own["type"] == "directory":
            found |= store.find(name, detail=True)
    files = {name: own["size"] or 0 for name, own in sorted(found.items()) if own["type"] == "file"}
    if not files:
        raise DatasetError(f"A pattern must match at least one file, but {address} matches none. Correct it.")
    check_count(Path(address.text), len(files))
    with _Progress(address, folder, most=most, size=sum(files.values())) as progress:
        for name in files:
            inside = name.removeprefix(above + "/")
            copy = root / inside
            if inside == name or not copy.resolve().is_relative_to(root.resolve()):
                raise DatasetError(f"The files of {address} must be below {above}, but one is {name!r}. Rename it.")
            copy.parent.mkdir(parents=True, exist_ok=True)
            store.get_file(name, str(copy), callback=progress.callback)
    return (str(root), f"{address.scheme}://{above}"), root / Path(*parts[first:])


def _open_store(scheme: str) -> Any:  # noqa: ANN401  fsspec has no types
    """The file system of a scheme. Raises DatasetError if a package is missing."""
    try:
        import fsspec  # noqa: PLC0415  an extra

        options: dict[str, object] = {}
        if scheme in WEB:
            import aiohttp  # noqa: PLC0415  an extra

            limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
            options = {"encoded": True, "client_kwargs": {"timeout": limits, "trust_env": True}}
        elif scheme == "s3":
            waits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"max_attempts": 2}}
            options = {"config_kwargs": waits}
        elif scheme == "gs":
            # The default of gcsfs tries other credentials for minutes, and asks the server for the type of the bucket.
            from gcsfs.core import GCSFileSystem  # noqa: PLC0415  an extra

            token = fsspec.config.conf.get("gs", {}).get("token", "google_default")
            return GCSFileSystem(token=token, skip_instance_cache=True, use_listings_cache=False)
        return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False, **options)
    except ImportError:
        raise DatasetError(
            f"A URL that starts with {scheme}:// needs {PACKAGES[scheme]}, but a package is missing. Install it with "
            "pip install 'pcwat[remote]'."
        ) from None


class _Progress:
    """Checks the size of a download, and shows its progress if standard error is a terminal."""

    def __init__(self, address: RemoteFile, folder: Path, *, most: int, size: int | None = None) -> None:
        import fsspec  # noqa: PLC0415  an extra

        self._address = address
        self._free = shutil.disk_usage(folder).free
        self._most = most
        self._total = size
        self._got = 0
        self._shown: Any = None
        self._task: Any = None
        self.callback = fsspec.callbacks.Callback()
        if size is None:
            self.callback.set_size = self._set_total
        self.callback.relative_update = self._add
        self._check(size or 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._shown.stop()

    def _set_total(self, size: int | None) -> None:
        self._total = size
        self._check(size or 0)

    def _add(self, inc: int = 1) -> None:
        self._got += inc
        self._check(self._got)
        if self._shown is None and sys.stderr.isatty() and max(self._got, self._total or 0) >= MIN_SHOWN:
            self._show()
        if self._shown is not None:
            self._shown.update(self._task, completed=self._got, total=self._total)

    def _show(self) -> None:
        from rich.console import Console  # noqa: PLC0415  long downloads only
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = (TextColumn("Downloading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._shown = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._shown.add_task("", total=self._total)
        self._shown.start()

    def _check(self, size: int) -> None:
        if size > self._most:
            raise DatasetError(
                f"A remote dataset may have at most {self._most:,} bytes, but {self._address} has {size:,} or more. "
                "Download it, and give the path of the file."
            )
        if size > self._free:
            raise DatasetError(
                f"A remote dataset must fit into the temporary folder, which has {self._free:,} free bytes, but "
                f"{self._address} has {size:,} or more. Free disk space, or set TMPDIR to another folder."
            )


def _unreadable(address: RemoteFile, error: BaseException) -> DatasetError:
    """Error for any error of a library, without secrets."""
    chain = [error]
    while (following := chain[-1].__cause__ or chain[-1].__context__) is not None and following not in chain:
        chain.append(following)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    response = getattr(error, "response", None)
    status = getattr(error, "status", None) or getattr(response, "status_code", None)
    if names.intersection(DENIED) or status in STATUS_DENIED:
        message = f"Access to {address} was denied. {CREDENTIALS[address.scheme]}"
    elif names.intersection(ABSENT) or status in STATUS_ABSENT:
        message = f"There is no file {address}. {_correction(address)}"
    elif status is not None:
        message = f"The server of {address} answered with status {status}. Try again later."
    elif any("Timeout" in name for name in names):
        message = f"The server of {address} did not answer in time. Try again, or download the file."
    elif any(own in name for name in names for own in OFFLINE):
        message = f"The server of {address} cannot be reached. Check the host, the network and the proxy (HTTPS_PROXY)."
    elif any("Payload" in name or "Disconnected" in name for name in names):
        message = f"The connection ended before all bytes of {address} had arrived. Try again."
    else:
        reason = (str(error).splitlines() or [type(error).__name__])[0].replace(address.url, address.text).rstrip(".")
        message = f"{address} cannot be downloaded: {without_secrets(reason)}. Download it with another program."
    return DatasetError(message)


def _correction(address: RemoteFile) -> str:
    if address.scheme in WEB and "*" in address.url:
        return "Web servers do not list their files, so a pattern is not possible. Give one file."
    if address.scheme in WEB or address.is_pattern:
        return "Correct the URL."
    private = " For a private dataset, set HF_TOKEN." if address.scheme == "hf" else ""
    return f"Correct it; a folder is given as a pattern, such as {str(address).rstrip('/')}/*.parquet.{private}"
