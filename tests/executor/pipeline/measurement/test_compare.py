"""Comparison of the choices of a slot on one dataset."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from executor.cli.compare import compare as command
from executor.pipeline.measurement.alternatives import check_names, check_slot
from executor.pipeline.measurement.compare import _interval, affordable_epochs, compare
from executor.pipeline.measurement.comparison import (
    ComparedChoice,
    ComparedTraining,
    Comparison,
    ScoreInterval,
    length_text,
)
from executor.pipeline.measurement.comparison_page import render_comparison
from recommender.examples import example
from rules.decision.trace import Pin
from rules.errors import MeasurementError, PcwatError
from rules.vocabulary.choices import He, Slot
from rules.vocabulary.direction import Direction


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    """Rows whose class is the sign of a noisy sum."""
    random = np.random.default_rng(0)
    values = random.standard_normal((120, 3)).round(3)
    return {"a": values[:, 0], "b": values[:, 1], "y": np.where(values[:, 0] + 0.3 * values[:, 2] > 0, "yes", "no")}


@pytest.fixture(scope="module")
def found(table) -> Comparison:
    return compare(pa.table(table), target="y", slot="W", choices=["he", "xavier"], seeds=2, epochs=3, budget=600.0)


def test_each_choice_is_trained_with_each_seed_for_the_same_epochs(found) -> None:
    assert {one.name for one in found.choices} == {"he", "xavier"}
    assert [[own.seed for own in one.trainings] for one in found.choices] == [[0, 1], [0, 1]]
    lengths = {own.epochs for one in found.choices for own in one.trainings}
    assert max(lengths) <= found.epochs <= found.full_epochs
    assert all(len(own.epoch_scores) == own.epochs for one in found.choices for own in one.trainings)


def test_the_recommended_choice_is_the_reference_and_scores_are_means_over_seeds(found) -> None:
    reference = next(one for one in found.choices if one.gain is None)
    assert (reference.is_recommended, reference.name) == (True, "he")
    for one in found.choices:
        assert one.score.value == pytest.approx(np.mean([own.score for own in one.trainings]))
    other = next(one for one in found.choices if one.gain is not None)
    assert other.gain.value == pytest.approx(other.score.value - reference.score.value)
    assert other.gain.low <= other.gain.high


def test_a_comparison_is_a_page_without_scripts_and_its_json_reads_back(found) -> None:
    page = render_comparison(found)
    assert page.lstrip().startswith("<!doctype html>")
    assert "<script" not in page
    assert page.count("<svg") == 4
    assert page.count(">xavier</text>") == 4  # in the legends of both curves, and next to score and gain
    assert Comparison.model_validate_json(found.model_dump_json()) == found


# Errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("slot", "says"),
    [
        ("initialiser", "The slot must be one of .*but got 'initialiser'. Did you mean 'initializer'"),
        ("tuner", "The slot 'tuner' cannot be compared by trainings of equal length. Choose one of activation"),
        ("P", "The slot 'metric' cannot be compared"),
    ],
)
def test_a_slot_that_cannot_be_compared_is_refused(slot, says) -> None:
    with pytest.raises(MeasurementError, match=says):
        check_slot(slot)


def test_a_pinned_slot_is_refused() -> None:
    with pytest.raises(MeasurementError, match="cannot be both compared and pinned"):
        check_slot("W", [Pin(slot=Slot.INITIALIZER, choice=He(), reason="a test")])


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["he", "xaver"], "must be a name of the slot 'initializer' .*but got 'xaver'. Did you mean 'xavier'"),
        (["he"], "needs two choices or more, but got only 'he'"),
        (["he", "he"], "needs two choices or more"),
    ],
)
def test_names_of_choices_are_checked(names, says) -> None:
    with pytest.raises(MeasurementError, match=says):
        check_names(names, Slot.INITIALIZER)


def run(*words: object) -> None:
    """Run the command on the example of two classes."""
    table = [str(example("breast_cancer")), "--target", "diagnosis"]
    CliRunner().invoke(command, [*table, *map(str, words)], catch_exceptions=False)


def test_a_choice_that_does_not_fit_the_dataset_is_refused_with_the_reason() -> None:
    with pytest.raises(MeasurementError, match=r"huber cannot be compared here: The bundle combines .* constraint"):
        run("--slot", "loss", "--choices", "huber,binary_crossentropy")


def test_epochs_fill_four_fifths_of_the_time_that_is_left() -> None:
    # 0.8 * 60 s for 3 graphs are 16 s each, of which 4 s are for compiling
    assert affordable_epochs(left=60, graphs=3, compiling=4, per_epoch=0.5) == 24


def test_trainings_have_ten_epochs_even_if_the_time_is_not_enough_for_all_choices() -> None:
    assert affordable_epochs(left=-1, graphs=3, compiling=4, per_epoch=0.5) == 10


def test_an_existing_page_is_not_overwritten(tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(PcwatError, match=r"already exists.*--force"):
        run("--slot", "W", "-o", page)
    assert page.read_text(encoding="utf-8") == "mine"


# The result as text ─────────────────────────────────────────────────────────────────────────────────────────────────


def choice(name: str, score: float | None, gain: tuple[float, float, float] | None) -> ComparedChoice:
    training = ComparedTraining(
        seed=0,
        score=score,
        validation_score=score,
        epochs=3,
        best_epoch=2,
        seconds=1.0,
        epoch_scores=(score,),
        training_loss=(0.5,),
    )
    return ComparedChoice(
        choice=f"{name} (rate 0.1)",
        parameters={"name": name},
        is_recommended=gain is None,
        score=ScoreInterval(value=score, low=None, high=None),
        gain=None if gain is None else ScoreInterval(value=gain[0], low=gain[1], high=gain[2]),
        seconds=1.0,
        trainings=(training,),
    )


def comparison(*choices: ComparedChoice, epochs: int = 3) -> Comparison:
    return Comparison(
        dataset="<b>.csv",
        digest="sha256:0",
        targets=("y",),
        task="binary",
        slot=Slot.OPTIMIZER,
        metric="roc_auc",
        direction=Direction.MAX,
        reference="adam (rate 0.1)",
        rules=("A101",),
        rows=100,
        test_rows=20,
        seeds=1,
        epochs=epochs,
        full_epochs=9,
        seconds=5.0,
        choices=choices,
        left_out={},
        version="0",
    )


@pytest.mark.parametrize(
    ("gains", "says"),
    [
        ({"sgd": (0.1, -0.1, 0.3)}, "no choice differs from adam beyond the noise of 20 test rows."),
        ({"sgd": (0.1, 0.05, 0.3)}, "sgd is better than adam."),
        ({"sgd": (-0.1, -0.2, -0.05), "lion": (-0.2, -0.3, -0.1)}, "sgd and lion are worse than adam."),
        (
            {"sgd": (0.1, 0.05, 0.3), "lion": (-0.2, -0.3, -0.1), "muon": (0.0, -0.1, 0.1)},
            (
                "sgd is better than adam and lion is worse than adam; no other choice differs from adam beyond the "
                "noise of 20 test rows."
            ),
        ),
        ({"sgd": (0.0, 0.0, 0.3)}, "no choice differs from adam beyond the noise of 20 test rows."),
    ],
)
def test_a_difference_is_stated_only_if_its_interval_excludes_zero(gains, says) -> None:
    found = comparison(choice("adam", 0.5, None), *(choice(name, 0.4, gain) for name, gain in gains.items()))
    assert found.result == f"adam has the best mean roc_auc on test rows, 0.5: {says}"


def test_a_comparison_without_scores_says_so() -> None:
    found = comparison(choice("adam", None, None), choice("sgd", None, (0.0, 0.0, 0.0)))
    assert found.result == "No training of the optimizer has a score."


def test_the_length_of_shortened_trainings_is_stated() -> None:
    found = comparison(choice("adam", 0.5, None), choice("sgd", 0.4, (0.0, 0.0, 0.0)))
    assert length_text(found) == "3 epochs of the 9 of a full training, 1 seed"


def test_names_of_a_dataset_are_escaped_on_the_page() -> None:
    found = comparison(choice("adam", 0.5, None), choice("sgd", 0.4, (0.0, -0.1, 0.1)))
    page = render_comparison(found)
    assert "&lt;b&gt;.csv" in page
    assert "<b>.csv" not in page


def test_an_interval_has_the_percentiles_of_its_defined_samples() -> None:
    samples = np.array([*range(101), np.nan], dtype=float)
    assert _interval(50.0, samples, 2.5) == ScoreInterval(value=50.0, low=2.5, high=97.5)
    assert _interval(50.0, None, 2.5) == ScoreInterval(value=50.0, low=None, high=None)
