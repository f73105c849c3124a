"""File name extensions of supported and unsupported image formats."""

from __future__ import annotations

from typing import Final

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"})
OTHER_SUFFIXES: Final = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".jfif", ".jpe", ".tga", ".ico", ".exr", ".hdr", ".psd", ".svg"}
    | {".eps", ".dcm", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".pbm", ".pnm"}
)
"""Extensions of unsupported image formats."""
