"""Columns of letters that are sequences, and those that are none."""

from __future__ import annotations

import pandas as pd
import pytest

from recommender.dataset.dataset import Dataset
from recommender.roles.letter_sequences import are_letters


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["ACGT" * 6, "ACCA" * 8], True),
        (["mkvlaagig" * 3, "ggaavllkm" * 3], True),  # a protein in small letters
        (["ACGT", "CCGT"], False),  # codes are short
        (["ACGT" * 6, "Acgt" * 6], False),
        (["ACGT ACGT" * 6], False),
        (["3f2504e0" * 4], False),  # hexadecimal digits
    ],
)
def test_letters_alone_in_a_long_row_are_a_sequence(cells: list[str], *, expected: bool) -> None:
    with Dataset.open(pd.DataFrame({"gene": cells})) as dataset:
        assert are_letters(dataset.connection, "gene", dataset.storage["gene"]) is expected
