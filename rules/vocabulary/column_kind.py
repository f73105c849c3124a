"""Kinds of columns."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How a column is read.

    Attributes:
        NUMERIC: Numbers.
        INTEGER_CODE: Whole numbers that identify things; read as categories.
        CATEGORICAL: Categories.
        ORDINAL: Whole numbers or graded words whose order may matter; whole numbers are read as numbers, words as
            categories.
        BOOLEAN: True and false.
        DATETIME: Dates or times.
        TEXT: Texts.
        IMAGE: Images.
        SEQUENCE: Steps with numbers, or sequences of letters.
        IDENTIFIER: A different value in each row; left out.
        CONSTANT: One value in all rows; left out.

    Examples:
        >>> Kind("numeric")
        <Kind.NUMERIC: 'numeric'>
    """

    NUMERIC = "numeric"
    INTEGER_CODE = "integer_code"
    CATEGORICAL = "categorical"
    ORDINAL = "ordinal"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IMAGE = "image"
    SEQUENCE = "sequence"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
