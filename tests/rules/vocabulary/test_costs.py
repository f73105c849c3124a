"""Costs of classes: reading, checks and the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.decision.request import Request
from rules.errors import ChoiceError
from rules.vocabulary.costs import cost_matrix, cost_ratio

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("bad", "good")


def test_costs_are_read_from_a_file_or_from_braces(tmp_path: Path) -> None:
    path = tmp_path / "costs.yaml"
    path.write_text('bad: {good: 5}\n"good":\n  bad: 1\n  good: 0\n', encoding="utf-8")
    of_file = Request.of_options({"--costs": str(path)})
    assert of_file.costs == {"bad": {"good": 5.0}, "good": {"bad": 1.0, "good": 0.0}}
    assert Request.of_options({"--costs": "{bad: {good: 5}, good: {bad: 1, good: 0}}"}) == of_file


def test_classes_of_numbers_and_booleans_are_text(tmp_path: Path) -> None:
    assert Request(costs={0: {1: 2}, 1: {0: 3}}).costs == {"0": {"1": 2.0}, "1": {"0": 3.0}}
    assert cost_matrix({"True": {"False": 2}, "False": {"True": 1}}, ("false", "true")) == ((0, 1), (2, 0))
    (tmp_path / "costs.yaml").write_text("0: {1: 5}", encoding="utf-8")
    with pytest.raises(ChoiceError, match=r"a key must be text, but got '0'\. Put it in quotes"):
        Request.of_options({"--costs": str(tmp_path / "costs.yaml")})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("missing.yaml", "--costs must be a YAML file .* there is no file 'missing.yaml'"),
        ("{bad: {good: -1}}", "at least 0, but that of 'good' for the class 'bad' is -1. Correct the costs"),
        ("{bad: {good: free}}", "finite number of at least 0, but that of 'good' for the class 'bad' is 'free'"),
        ("{bad: {good: true}}", "for the class 'bad' is True"),
        ("{bad: 3}", "the costs of the class 'bad' must be a mapping"),
        ("{bad: {good: 1", "--costs:2:1: not valid YAML"),
    ],
)
def test_costs_that_cannot_be_read_are_refused_with_class_and_value(text: str, message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        Request.of_options({"--costs": text})


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"bad": {"good": 5}}, "that of predicting 'bad' for the class 'good' is missing. Add it"),
        ({"bad": {"good": 5}, "good": {"bat": 1}}, "there is no class 'bat'. Did you mean 'bad'"),
        ({"bad": {"good": 0}, "good": {"bad": 1}}, "for the class 'bad' all predictions cost the same"),
        ({"bad": {"good": 5, "bad": 6}, "good": {"bad": 1}}, "for the class 'bad' 'good' costs less"),
    ],
)
def test_costs_that_do_not_fit_the_classes_are_refused(costs: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        cost_matrix(costs, LABELS)


def test_the_ratio_of_costs_ignores_correct_predictions_and_zeros() -> None:
    assert cost_ratio(((0, 2, 0), (8, 1, 4), (3, 4, 0))) == 4
