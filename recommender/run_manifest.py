"""The files of a run: their names, and their digests once it is finished, so that a later change shows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from recommender.dataset.digest import digest_of
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RECORD: Final = "record.json"
GUARDRAILS: Final = "guardrails.json"
"""The checks of the data once the split is known."""
MANIFEST: Final = "manifest.json"
SCORES: Final = "scores.json"
"""A run is finished once it has this file."""
UNSEALED: Final = frozenset({MANIFEST, "log.txt", "search.lock", "search.process"})
"""Files that no manifest covers: itself, the log, which goes on after the seal and quotes it, and those of the lock."""


class Manifest(BaseModel):
    """What a finished run consisted of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "pcwat/manifest/1"
    record: str
    """The seal of the audit record."""
    files: dict[str, str]
    """SHA-256 of each file of the run, by its name."""
    seal: str = ""
    """SHA-256 of all of the above: the seal of the run."""

    @classmethod
    def of(cls, *, record: str, files: Mapping[str, bytes | Path]) -> Self:
        """The manifest of some files, given by their contents or their paths."""
        digests = {
            name: hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else digest_of(content)
            for name, content in files.items()
        }
        return cls(record=record, files={name: f"sha256:{digest}" for name, digest in digests.items()}).sealed()

    def sealed(self) -> Self:
        """The manifest with the seal that fits its contents."""
        return self.model_copy(update={"seal": self.fingerprint()})

    def fingerprint(self) -> str:
        """What the seal must equal."""
        return f"sha256:{hashlib.sha256(self.model_dump_json(exclude={'seal'}).encode()).hexdigest()}"

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """The manifest of a run directory; None where there is none, as for a run that was not finished."""
        path = directory / MANIFEST
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}. Restore it from a copy.") from None


def run_files(directory: Path) -> dict[str, Path]:
    """Every file of a run that its manifest covers, by its path within the run; temporary files have a dot before."""
    found = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.startswith((".", "partial."))
    }
    return {name: path for name, path in found.items() if name not in UNSEALED}


def read_own_manifest(directory: Path, *, record: str) -> Manifest | None:
    """The manifest of a run whose record has a seal; None for a run that was not finished.

    Raises RunError where the manifest of a finished run is missing, was altered, or names another record.
    """
    manifest = Manifest.read(directory)
    path = directory / MANIFEST
    if manifest is None:
        if not (directory / SCORES).exists():
            return None
        raise RunError(f"{path} is missing, although the run is finished. Restore it from a copy, or train again.")
    if manifest.seal != manifest.fingerprint():
        raise RunError(f"{path} was altered: its contents do not match its seal. Restore the original file.")
    if manifest.record != record:
        raise RunError(
            f"{directory / RECORD} was altered: it is not the record under which the run was finished. Restore the "
            "original file."
        )
    return manifest


def reseal(directory: Path, name: str, *, content: Path | None = None) -> Manifest | None:
    """The manifest of a run after one of its files was written anew; None where the run has none.

    content: the new file, where it is not in its place yet. The other digests stay, so that a change of another file is
    still found. Raises RunError on an altered manifest.
    """
    manifest = Manifest.read(directory)
    if manifest is None:
        return None
    if manifest.seal != manifest.fingerprint():
        raise RunError(f"{directory / MANIFEST} was altered: its contents do not match its seal. Restore the original.")
    files = {**manifest.files, name: f"sha256:{digest_of(content or directory / name)}"}
    return manifest.model_copy(update={"files": files}).sealed()
