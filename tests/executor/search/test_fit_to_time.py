"""The size of the first training: by measured seconds per epoch and the seconds that are left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.networks.tabular import TABULAR
from executor.runtime.clock import Clock
from executor.search.fit_to_time import TrainingOption, can_start_linear, fit_to_time, resized_parts, training_options
from executor.search.records.training_size import TrainingSize, read_size, write_size
from executor.search.runners.speed import Speed, measure_speed
from rules.errors import RunError
from rules.vocabulary.choices import MseLoss, Poisson
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts


@pytest.fixture
def folded(make_parts: MakeParts) -> Parts:
    """30 rows in 3 folds, twice: six networks a trial."""
    rows = np.random.default_rng(0).normal(size=(30, 2))
    parts = make_parts(rows, rows[:, :1], task=Task.REGRESSION)
    fold = np.column_stack([np.arange(len(parts.train)) % 3, 3 + np.arange(len(parts.train)) % 3]).astype(np.int32)
    train = replace(parts.train, fold=fold)
    return replace(parts, train=train, validation=train)


def fitted(
    parts: Parts, seconds: float, *, each: float = 1.0, compiling: float = 0.0, can_start: bool = False
) -> tuple[TrainingSize, list[int]]:
    """The size for a number of seconds, if a network takes `each` seconds per epoch; and which sizes were measured."""
    measured: list[int] = []

    def measure(option: TrainingOption, _epochs: int) -> Speed:
        measured.append(option.parts.fold_count)
        seconds = each * option.parts.fold_count
        return Speed(epoch_seconds=seconds, compile_seconds=compiling, steps_seconds=seconds / 2)

    _, size, _ = fit_to_time(
        training_options(parts, TABULAR, can_start=can_start),
        epochs=10,
        shortest=3,
        slowdown=1.0,
        expected=lambda option: float(option.parts.fold_count),
        measure=measure,
        available=lambda _: seconds / 0.85,
    )
    return size, measured


def test_with_enough_time_the_training_is_as_planned(folded: Parts) -> None:
    size, measured = fitted(folded, 60)
    assert (size.networks, size.repeats, size.epochs, size.seconds) == (6, 2, 10, 60)
    assert size.sentence(100, epochs=10) == ""
    assert measured == [6]


def test_networks_are_left_out_where_three_of_ten_epochs_do_not_fit(folded: Parts) -> None:
    sizes = [fitted(folded, seconds)[0] for seconds in (18, 17, 9, 8, 2)]
    assert [(size.networks, size.epochs) for size in sizes] == [(6, 3), (3, 5), (3, 3), (1, 8), (1, 2)]


def test_a_size_that_is_far_too_slow_is_not_measured(folded: Parts) -> None:
    # Three epochs of six networks take 18 s by the cost model, of three 9 s; 1.5 times 5 s are fewer.
    assert fitted(folded, 5)[1] == [1]


def test_where_the_machine_is_slower_than_known_smaller_sizes_are_measured_as_well(folded: Parts) -> None:
    size, measured = fitted(folded, 59, each=10)
    assert (size.networks, size.epochs, size.slowdown, measured) == (1, 5, 10, [6, 1])


def test_networks_are_left_out_only_if_that_pays_for_compiling_again(folded: Parts) -> None:
    assert fitted(folded, 17, compiling=3)[0].networks == 3
    size, measured = fitted(folded, 17, compiling=16)
    assert (size.networks, size.epochs, measured) == (6, 2, [6])


def test_a_table_starts_at_ridge_regression_where_one_of_fifty_epochs_does_not_fit(folded: Parts) -> None:
    sizes = [fitted(folded, seconds, can_start=True)[0] for seconds in (3, 0.2, 0.1)]
    found = [(size.networks, size.epochs, size.linear_start) for size in sizes]
    assert found == [(1, 3, False), (1, 1, False), (1, 1, True)]
    assert [resized_parts(folded, size).is_started for size in sizes] == [False, False, True]
    expected = "on one split instead of by cross-validation, from the solution of ridge regression and for 1"
    assert expected in sizes[2].sentence(10, epochs=1)


def test_time_for_training_on_all_rows_is_given_up_where_one_of_fifty_epochs_does_not_fit_beside_it(
    folded: Parts,
) -> None:
    def size(seconds: float, reserved: float) -> TrainingSize:
        return fit_to_time(
            training_options(folded.divided(), TABULAR, can_start=True),
            epochs=10,
            shortest=3,
            slowdown=1.0,
            expected=lambda _: 1.0,
            measure=lambda _, __: Speed(epoch_seconds=1.0, compile_seconds=0.0, steps_seconds=1.0),
            available=lambda _: seconds / 0.85,
            most=lambda _: (seconds + reserved) / 0.85,
        )[1]

    found = [size(seconds, reserved=4.2) for seconds in (0.3, 0.19)]
    assert [(one.epochs, one.linear_start, one.reserves_refit) for one in found] == [
        (1, False, True),
        (4, False, False),
    ]


def test_a_table_does_not_start_at_ridge_regression_if_no_time_is_left_to_compile_again(folded: Parts) -> None:
    # Ten epochs are expected to fit, and one network is measured; its graph took as long to compile as is left.
    size, measured = fitted(folded.divided(), 10, each=60, compiling=11, can_start=True)
    assert (size.epochs, size.linear_start, measured) == (1, False, [1])
    size, measured = fitted(folded.divided(), 10, each=60, compiling=9, can_start=True)
    assert (size.epochs, size.linear_start, measured) == (1, True, [1, 1])


def test_networks_start_at_ridge_regression_only_where_they_read_numbers_and_predict_no_logarithm(
    folded: Parts, make_parts: MakeParts, make_bundle: Callable[..., Bundle]
) -> None:
    bundle = make_bundle(loss=MseLoss())
    assert can_start_linear(bundle, folded)
    assert not can_start_linear(bundle, folded.with_linear_start())  # the bundle chose it
    assert not can_start_linear(bundle.model_copy(update={"loss": Poisson()}), folded)
    assert not can_start_linear(bundle, make_parts(np.zeros((9, 0)), np.zeros((9, 1)), task=Task.REGRESSION))


def fitted_network(parts: Parts, seconds: float) -> TrainingSize:
    """The size of a network for images: of its sizes, each takes half as long as the one before."""
    smaller = ({"units": 64}, {"units": 32})
    kind = replace(TABULAR, smaller=smaller)
    costs = {128: 1.0, 64: 0.5, 32: 0.25}

    def seconds_of(option: TrainingOption) -> float:
        return costs[int(option.hyperparameters.get("units", 128))]

    _, size, _ = fit_to_time(
        training_options(parts.divided(), kind, can_start=False),
        epochs=10,
        shortest=3,
        fills_time=True,
        augmented_epochs=8,
        slowdown=1.0,
        expected=seconds_of,
        measure=lambda option, _: Speed(
            epoch_seconds=seconds_of(option), compile_seconds=0.0, steps_seconds=seconds_of(option)
        ),
        available=lambda _: seconds,
    )
    return size


def test_a_network_is_made_smaller_until_enough_epochs_fit_and_fills_the_time(folded: Parts) -> None:
    sizes = [fitted_network(folded, seconds) for seconds in (20, 9.5, 3.6, 3.5, 1.5, 0.1)]
    assert [size.hyperparameters.get("units", 128) for size in sizes] == [128, 128, 128, 64, 32, 32]
    assert [size.epochs for size in sizes] == [10, 10, 4, 7, 6, 1]
    assert [size.is_augmented for size in sizes] == [True, True, False, False, False, False]


def test_a_smaller_network_without_augmentation_is_said(folded: Parts) -> None:
    assert (
        fitted_network(folded, 3.5)
        .sentence(30, epochs=7)
        .startswith("Trained with a smaller network (units 64), without augmentation and for 7 instead of 10 epochs: ")
    )


def test_at_least_one_epoch_is_trained(folded: Parts) -> None:
    assert fitted(folded, 0.001)[0].epochs == 1


def test_what_was_reduced_is_said_with_the_budget_for_the_full_training(folded: Parts) -> None:
    # Six networks of ten epochs need 60 s: of the 30 s of the run 8 are the training's, so 30 + 60 / 0.85 - 8 = 93 s.
    size = fitted(folded, 8)[0]
    assert size.sentence(30, epochs=None) == (
        "Trained on one split instead of by cross-validation: the full training needs about 60 s here. Use --budget 2m."
    )
    shortened = fitted(folded, 17)[0].sentence(30, epochs=6)
    assert shortened.startswith("Trained by cross-validation without repeats and for 6 instead of 10 epochs:")


def test_the_parts_of_a_size_have_its_networks(folded: Parts) -> None:
    for seconds, networks, rows in ((60, 6, 30), (17, 3, 30), (8, 1, 20)):
        parts = resized_parts(folded, fitted(folded, seconds)[0])
        assert (parts.fold_count, len(parts.train)) == (networks, rows * len(folded.train) // 30)


def test_a_size_is_kept_for_a_resumed_run_and_a_damaged_one_refused(folded: Parts, tmp_path: Path) -> None:
    assert read_size(tmp_path) is None
    size = fitted(folded, 8)[0]
    write_size(tmp_path, size)
    assert read_size(tmp_path) == size
    (tmp_path / "training_size.json").write_text("{")
    with pytest.raises(RunError, match=r"training_size\.json is damaged"):
        read_size(tmp_path)


def test_speed_is_measured_after_the_first_step_which_compiles() -> None:
    time = [0.0]

    def take(steps: int) -> None:
        time[0] += 0.1 * steps + (5.0 if time[0] == 2.0 else 0.0)

    def validate() -> None:
        time[0] += 0.25

    time[0] = 2.0
    speed = measure_speed(Clock(now=lambda: time[0]), start=0.0, steps=8, take=take, validate=validate)
    assert speed.compile_seconds == pytest.approx(2.0 + 5.1 + 0.25)
    assert speed.epoch_seconds == pytest.approx(8 * 0.1 + 0.25)
    assert speed.steps_seconds == pytest.approx(8 * 0.1)
