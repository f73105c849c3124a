"""Digest of a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rules.text.regular_file import open_regular

if TYPE_CHECKING:
    from pathlib import Path


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises NotRegularError on a pipe or device."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
