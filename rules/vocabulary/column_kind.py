"""Kinds of columns."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How a column is read."""

    NUMERIC = "numeric"
    INTEGER_CODE = "integer_code"
    """Whole numbers that name things: read as categories."""
    CATEGORICAL = "categorical"
    ORDINAL = "ordinal"
    """Whole numbers or graded words whose order may matter: whole numbers are read as numbers, words as categories."""
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IMAGE = "image"
    SEQUENCE = "sequence"
    """Steps with numbers, or letters one after the other."""
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
