"""Manifest of a run: names and digests of its files, to detect later changes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from recommender.dataset.digest import digest_of
from rules.errors import RunError
from rules.text.regular_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RECORD: Final = "record.json"
GUARDRAILS: Final = "guardrails.json"
"""Checks of the data after the split."""
MANIFEST: Final = "manifest.json"
SUMMARY: Final = "summary.json"
SCORES: Final = "scores.json"
"""A run with this file is finished."""
SIGNATURE_FILE: Final = "model.sig"
"""Signature of a run with a key."""
UNSEALED: Final = frozenset({MANIFEST, SIGNATURE_FILE, "log.txt", "search.lock", "search.process"})
"""Files that the manifest does not cover: itself, its signature, the log, which is written after sealing, and lock
files."""


class Manifest(BaseModel):
    """Files of a finished run, with their digests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "pcwat/manifest/1"
    record: str
    """The seal of the audit record."""
    files: dict[str, str]
    """SHA-256 of each file of the run, by name."""
    seal: str = ""
    """SHA-256 of all fields above: the seal of the run."""

    @classmethod
    def of(cls, *, record: str, files: Mapping[str, bytes | Path]) -> Self:
        """Manifest of files, given by contents or path."""
        digests = {
            name: hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else digest_of(content)
            for name, content in files.items()
        }
        return cls(record=record, files={name: f"sha256:{digest}" for name, digest in digests.items()}).sealed()

    def sealed(self) -> Self:
        """Manifest with the seal of its contents."""
        return self.model_copy(update={"seal": self.fingerprint()})

    def fingerprint(self) -> str:
        """SHA-256 of the contents, which the seal must equal."""
        return f"sha256:{hashlib.sha256(self.model_dump_json(exclude={'seal'}).encode()).hexdigest()}"

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """Manifest of a run directory; None if there is none, as for an unfinished run."""
        path = directory / MANIFEST
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}. Restore it from a copy.") from None


def run_files(directory: Path) -> dict[str, Path]:
    """Files of a run that its manifest covers, by path within the run, without temporary files."""
    found = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.startswith((".", "partial."))
    }
    return {name: path for name, path in found.items() if name not in UNSEALED}


def read_own_manifest(directory: Path, *, record: str) -> Manifest | None:
    """Manifest of a run with a given seal of its record; None for an unfinished run.

    Raises RunError if the manifest of a finished run is missing, altered, or of another record.
    """
    manifest = Manifest.read(directory)
    path = directory / MANIFEST
    if manifest is None:
        if not (directory / SCORES).exists():
            return None
        raise RunError(f"{path} of a finished run is missing. Restore it from a copy, or train again.")
    if manifest.seal != manifest.fingerprint():
        raise RunError(f"{path} was altered: its contents do not match its seal. Restore the original file.")
    if manifest.record != record:
        raise RunError(
            f"{directory / RECORD} was altered: it is not the record of this run. Restore the original file."
        )
    return manifest


def read_sealed(directory: Path, name: str, *, record: str) -> bytes | None:
    """Content of a file of a run with a given seal of its record; None if it does not exist.

    Raises RunError if the file cannot be read, or does not match the manifest of a finished run.
    """
    path = directory / name
    if not path.exists():
        return None
    manifest = read_own_manifest(directory, record=record)
    try:
        content = read_regular(path)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. Restore it from a copy.") from None
    if manifest is not None and manifest.files.get(name) != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise RunError(f"{path} was altered: it does not match the run's manifest. Restore the original file.")
    return content


def reseal(directory: Path, name: str, *, content: Path | None = None) -> Manifest | None:
    """Manifest of a run after one of its files was rewritten; None if the run has none.

    content: path of the new file if it is not in place yet. The digests of other files are kept, so that their changes
    are still detected. Raises RunError on an altered manifest.
    """
    manifest = Manifest.read(directory)
    if manifest is None:
        return None
    if manifest.seal != manifest.fingerprint():
        raise RunError(f"{directory / MANIFEST} was altered: its contents do not match its seal. Restore the original.")
    files = {**manifest.files, name: f"sha256:{digest_of(content or directory / name)}"}
    return manifest.model_copy(update={"files": files}).sealed()
