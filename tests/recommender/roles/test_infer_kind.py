from dataclasses import replace

import pytest

from recommender.dataset.column_names import is_identifier_name
from recommender.dataset.column_summary import ColumnSummary
from recommender.roles.infer_kind import grade, infer_kind
from rules.vocabulary.column_kind import Kind

NUMBERS = ColumnSummary(
    name="x", storage="BIGINT", rows=1_000, count=1_000, distinct=50, exact=True, minimum=1, maximum=50, whole=True
)
WORDS = ColumnSummary(name="x", storage="VARCHAR", rows=1_000, count=1_000, distinct=50, exact=True, words=1.0)


def kind_of(summary: ColumnSummary, **changes: object) -> Kind:
    return infer_kind(replace(summary, **changes)).kind


def test_the_kind_of_a_number_follows_from_its_values() -> None:
    assert kind_of(NUMBERS) is Kind.NUMERIC
    assert kind_of(NUMBERS, whole=False, distinct=3) is Kind.NUMERIC
    assert kind_of(NUMBERS, distinct=2, minimum=0, maximum=1) is Kind.BOOLEAN
    assert kind_of(NUMBERS, distinct=2, minimum=1, maximum=2) is Kind.ORDINAL


def test_up_to_20_whole_numbers_look_ordinal() -> None:
    assert kind_of(NUMBERS, distinct=20) is Kind.ORDINAL
    assert kind_of(NUMBERS, distinct=21) is Kind.NUMERIC


def test_whole_numbers_under_the_name_of_a_code_are_codes() -> None:
    assert kind_of(NUMBERS, name="zip_code", distinct=900) is Kind.INTEGER_CODE
    assert kind_of(NUMBERS, name="MSSubClass", distinct=15) is Kind.INTEGER_CODE
    assert kind_of(NUMBERS, name="encoded", distinct=15) is Kind.ORDINAL


def test_numbers_that_count_the_rows_identify_them() -> None:
    assert kind_of(NUMBERS, counts_rows=True, distinct=1_000) is Kind.IDENTIFIER


def test_distinct_whole_numbers_identify_rows_only_under_an_identifiers_name() -> None:
    assert kind_of(NUMBERS, distinct=1_000) is Kind.NUMERIC
    assert kind_of(NUMBERS, distinct=1_000, name="PassengerId") is Kind.IDENTIFIER
    assert kind_of(NUMBERS, distinct=999, name="PassengerId") is not Kind.IDENTIFIER


@pytest.mark.parametrize(
    ("name", "is_identifier"),
    [
        ("id", True),
        ("user_id", True),
        ("ID_code", True),
        ("Unnamed: 0", True),
        ("", True),
        ("humid", False),
        ("y", False),
    ],
)
def test_a_name_says_identifier_by_its_first_or_last_word(name: str, is_identifier: bool) -> None:
    assert is_identifier_name(name) is is_identifier


def test_words_above_99_percent_distinct_identify_rows() -> None:
    assert kind_of(WORDS, distinct=990) is Kind.CATEGORICAL
    assert kind_of(WORDS, distinct=991) is Kind.IDENTIFIER


def test_three_words_a_value_are_text_and_five_where_it_is_the_only_column() -> None:
    assert kind_of(WORDS, distinct=900, words=2.9) is Kind.CATEGORICAL
    assert kind_of(WORDS, distinct=900, words=3.0) is Kind.TEXT
    lone = replace(WORDS, distinct=900, words=4.9)
    assert infer_kind(lone, alone=True).kind is Kind.CATEGORICAL
    assert infer_kind(replace(lone, words=5.0), alone=True).kind is Kind.TEXT


def test_long_names_of_few_categories_are_not_text() -> None:
    assert kind_of(WORDS, rows=10_000, count=10_000, distinct=100, words=4.0) is Kind.CATEGORICAL
    assert kind_of(WORDS, rows=10_000, count=10_000, distinct=101, words=4.0) is Kind.TEXT


def test_words_are_no_time_stamps_though_most_of_them_parse() -> None:
    assert kind_of(WORDS, times=0.99) is Kind.CATEGORICAL
    assert kind_of(WORDS, times=0.79) is Kind.CATEGORICAL


def test_a_column_is_left_out_above_95_percent_of_empty_cells() -> None:
    assert kind_of(NUMBERS, count=50) is Kind.NUMERIC
    assert kind_of(NUMBERS, count=49) is Kind.CONSTANT
    assert kind_of(NUMBERS, count=0, distinct=0) is Kind.CONSTANT


def test_one_value_is_constant_unless_cells_are_missing() -> None:
    assert kind_of(WORDS, distinct=1) is Kind.CONSTANT
    assert kind_of(WORDS, distinct=1, count=900) is Kind.CATEGORICAL


@pytest.mark.parametrize(
    ("storage", "kind"), [("BOOLEAN", Kind.BOOLEAN), ("TIMESTAMP", Kind.DATETIME), ("TIME", Kind.CATEGORICAL)]
)
def test_other_storage_says_the_kind(storage: str, kind: Kind) -> None:
    assert kind_of(WORDS, storage=storage) is kind


def test_every_kind_comes_with_the_measured_value() -> None:
    assert "50 distinct values" in infer_kind(NUMBERS).reason
    assert "about 50 distinct values" in infer_kind(replace(NUMBERS, exact=False)).reason


def test_graded_words_are_put_in_order() -> None:
    assert grade(["Good", "Fair", "Very Good"]) == "ordinal categories: Fair < Good < Very Good"
    assert grade(["high", "low"]) is None
    assert grade(["high", "low", "red"]) is None
