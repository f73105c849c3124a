"""The files of a run: their names, and their digests once it is finished, so that a later change shows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from rules.errors import RunError
from rules.regular_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RECORD: Final = "record.json"
GUARDRAILS: Final = "guardrails.json"
"""The checks of the data once the split is known."""
MANIFEST: Final = "manifest.json"


class Manifest(BaseModel):
    """What a finished run consisted of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "pcwat/manifest/1"
    record: str
    """The seal of the audit record."""
    files: dict[str, str]
    """SHA-256 of each file of the run, by its name."""
    seal: str = ""
    """SHA-256 of all of the above."""

    @classmethod
    def of(cls, *, record: str, files: Mapping[str, bytes | Path]) -> Self:
        """The manifest of some files, given by their contents or their paths."""
        digests = {
            name: hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else digest_of(content)
            for name, content in files.items()
        }
        manifest = cls(record=record, files={name: f"sha256:{digest}" for name, digest in digests.items()})
        return manifest.model_copy(update={"seal": manifest.fingerprint()})

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


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits. Raises NotRegularError on a pipe or device."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
