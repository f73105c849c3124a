from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from executor.pipeline.measurement.corpus import read_corpus
from executor.pipeline.measurement.measure import HANDBOOK, Order, Step, measure
from rules.errors import MeasurementError
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.scorecard.decide_again import Books
from rules.scorecard.results import Settings, read_results, write_parquet
from rules.scorecard.score import score
from rules.vocabulary.choices import Sgd, Slot
from tests.effort import long_test
from tests.executor.search.cluster.conftest import TestPool

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from rules.scorecard.results import Results, TrainingResult

SETTINGS = Settings(seeds=2, rows=100, share=0.02)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables with a linear target, and one that cannot be split."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)
    values = random.standard_normal((160, 4))
    _write(folder / "numbers.csv", values[:, :3], values[:, 0] + 0.1 * values[:, 3])
    _write(folder / "classes.csv", values[:, :3], np.where(values[:, 0] + 0.3 * values[:, 3] > 0, "yes", "no"))
    _write(folder / "tiny.csv", values[:5, :3], values[:5, 0])
    (folder / "catalogue.csv").write_text(
        "name,file,target\nnumbers,numbers.csv,y\nclasses,classes.csv,y\ntiny,tiny.csv,y\n", encoding="utf-8"
    )
    return folder


def _write(path: Path, features: np.ndarray, target: np.ndarray) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", "y"])
        writer.writerows([*row, value] for row, value in zip(features.round(4).tolist(), target.tolist(), strict=True))


def order(output: Path, *slots: Slot, rules: tuple[str, ...] = (), settings: Settings = SETTINGS) -> Order:
    wanted = dict.fromkeys(slots, frozenset(rules))
    return Order(rules=wanted, settings=settings, pins=(), layers=SHIPPED_LAYERS, output=output)


@pytest.fixture(scope="module")
def measured(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, list[Step], Path]:
    """Results for initializer and loss, the steps, and the file."""
    output, steps = tmp_path_factory.mktemp("results") / "results.jsonl", list[Step]()
    entries = read_corpus(corpus, ["numbers", "tiny"])
    results = measure(entries, order(output, Slot.LOSS, Slot.INITIALIZER), progress=steps.append)
    return results, steps, output


def test_each_choice_is_trained_with_each_seed(measured: tuple[Results, list[Step], Path]) -> None:
    results, _, _ = measured
    losses = [one for one in results.trainings if (one.dataset, one.slot) == ("numbers", Slot.LOSS)]

    assert {str(one.parsed) for one in losses} == {"mse", "mae", "huber"}
    assert sorted(one.seed for one in losses) == [0, 0, 0, 1, 1, 1]
    assert all(one.score is not None for one in losses)
    assert len({one.score for one in losses}) == 6


def test_metrics_of_both_halves_are_kept(measured: tuple[Results, list[Step], Path]) -> None:
    results, _, _ = measured
    one = results.trainings[0]

    assert set(one.halves) == {"rmse", "mae"}
    assert one.score is not None
    # Both halves have ten rows, so their mean squared errors have the mean of all rows.
    squares = [value**2 for value in one.halves["rmse"] if value is not None]
    assert sum(squares) / 2 == pytest.approx(one.score**2)
    assert 1 / 20 <= one.top_share["mae"] <= one.top_share["rmse"] <= 1


def test_hold_out_rows_are_left_out(measured: tuple[Results, list[Step], Path]) -> None:
    results, _, _ = measured
    # Of 160 rows, 32 are in the hold-out; of the others at most 100 are taken, 20 of them for tests.
    assert (results.datasets["numbers"].rows, results.datasets["numbers"].test_rows) == (100, 20)


def test_initializer_that_is_trained_in_a_stack_equals_one_that_is_trained_alone(
    measured: tuple[Results, list[Step], Path],
) -> None:
    """The recommended initializer, in a stack with others, gives the scores of the recommended loss, in its own."""
    results, _, _ = measured
    chosen = results.datasets["numbers"].chosen
    by_slot = {
        slot: [
            one.validation_score
            for one in results.trainings
            if (one.dataset, one.slot, str(one.parsed)) == ("numbers", slot, chosen[slot])
        ]
        for slot in (Slot.LOSS, Slot.INITIALIZER)
    }

    assert by_slot[Slot.LOSS] == pytest.approx(by_slot[Slot.INITIALIZER], rel=1e-3)


def test_dataset_that_cannot_be_trained_is_reported(measured: tuple[Results, list[Step], Path]) -> None:
    results, steps, _ = measured

    assert "tiny" not in results.datasets
    assert any(step.dataset == "tiny" and "at least 10 rows" in step.says for step in steps)


def test_trainings_of_the_file_are_not_repeated(measured: tuple[Results, list[Step], Path], corpus: Path) -> None:
    results, _, output = measured
    steps = list[Step]()
    again = measure(read_corpus(corpus, ["numbers"]), order(output, Slot.LOSS), progress=steps.append)

    assert (steps, again.trainings) == ([], results.trainings)


def test_trainings_of_an_earlier_file_are_copied_and_not_repeated(
    measured: tuple[Results, list[Step], Path], tmp_path: Path
) -> None:
    results, _, _ = measured
    earlier, output = tmp_path / "earlier.parquet", tmp_path / "results.jsonl"
    write_parquet(results, earlier)
    wanted = replace(order(output, Slot.LOSS), earlier=(earlier,))

    assert measure([], wanted) == results
    assert measure([], wanted) == results
    assert len(output.read_text(encoding="utf-8").splitlines()) == len(results.datasets) + len(results.trainings)
    with pytest.raises(MeasurementError, match=r"earlier\.parquet has results of other settings"):
        measure([], replace(wanted, output=tmp_path / "new.jsonl", settings=Settings(seeds=3, rows=100, share=0.05)))


def test_training_that_was_cut_off_or_failed_is_repeated(
    measured: tuple[Results, list[Step], Path], corpus: Path, tmp_path: Path
) -> None:
    results, _, output = measured
    path = tmp_path / "results.jsonl"
    lines = output.read_text(encoding="utf-8").splitlines()
    failed = results.trainings[0].model_copy(update={"score": None, "message": "out of memory"}).model_dump_json()
    path.write_text("\n".join([lines[0], failed, *lines[2:-1], lines[-1][:30]]), encoding="utf-8")
    again = measure(read_corpus(corpus, ["numbers"]), order(path, Slot.LOSS, Slot.INITIALIZER))

    assert again.keys == results.keys
    assert all(one.message == "" for one in again.trainings)


def test_changed_dataset_is_refused(measured: tuple[Results, list[Step], Path], corpus: Path, tmp_path: Path) -> None:
    _, _, output = measured
    path, steps = tmp_path / "results.jsonl", list[Step]()
    path.write_text(output.read_text(encoding="utf-8").replace('"digest":"', '"digest":"0'), encoding="utf-8")
    measure(read_corpus(corpus, ["numbers"]), order(path, Slot.LOSS), progress=steps.append)

    (step,) = steps
    assert "were measured with another digest" in step.says


def test_other_settings_are_refused(measured: tuple[Results, list[Step], Path], corpus: Path) -> None:
    _, _, output = measured
    other = order(output, Slot.LOSS, settings=Settings(seeds=3, rows=100, share=0.05))

    with pytest.raises(MeasurementError, match="has results of other settings"):
        measure(read_corpus(corpus), other)


def test_on_a_cluster_results_equal_those_of_this_process_and_a_killed_driver_loses_only_running_trainings(
    measured: tuple[Results, list[Step], Path], corpus: Path, tmp_path: Path
) -> None:
    results, _, _ = measured
    entries = read_corpus(corpus, ["tiny", "numbers"])
    wanted = replace(order(tmp_path / "r.jsonl", Slot.LOSS), against=frozenset({"mae"}))
    steps: list[Step] = []
    backwards: dict[str, Any] = {"workers": 2, "order": lambda tasks: [*reversed(tasks)]}
    with pytest.raises(ConnectionError):
        measure(entries, wanted, pool=TestPool(fails_after=1, **backwards), progress=steps.append)
    (finished,) = [step.says for step in steps if step.dataset == "numbers"]
    measure(entries, wanted, pool=TestPool(**backwards), progress=(again := list[Step]()).append)
    after = [step.says for step in again if step.dataset == "numbers"]

    assert [step.dataset for step in steps + again if "at least 10 rows" in step.says] == ["tiny", "tiny"]
    assert [one.partition(",")[0] == finished.partition(",")[0] for one in after] == [False]
    found = read_results([wanted.output])
    assert len(found.trainings) == 4
    assert table(found) == table(results, found.keys)


def table(results: Results, keys: Collection[object] | None = None) -> list[TrainingResult]:
    """Results in one order, without their seconds. keys: of those wanted; None for all."""
    own = [one for one in results.trainings if keys is None or one.key in keys]
    return sorted((one.model_copy(update={"seconds": 0.0}) for one in own), key=lambda one: (one.text, one.seed))


def test_datasets_that_the_time_limit_interrupts_on_a_cluster_are_left_out(corpus: Path, tmp_path: Path) -> None:
    wanted = order(tmp_path / "r.jsonl", Slot.ACTIVATION)
    results = measure(read_corpus(corpus, ["numbers"]), wanted, pool=TestPool(), seconds=0.0)
    assert (results.datasets, results.trainings) == ({}, ())


@long_test
def test_rule_is_measured_only_where_it_decides(corpus: Path, tmp_path: Path) -> None:
    entries, settings = read_corpus(corpus, ["numbers", "classes"]), Settings(seeds=1, rows=60, share=0.01)
    results = measure(entries, order(tmp_path / "r.jsonl", Slot.LOSS, rules=("C004",), settings=settings))

    assert {one.dataset for one in results.trainings} == set(results.datasets) == {"numbers"}
    assert "C004" in results.datasets["numbers"].rules["loss"]


@long_test
def test_a_rule_and_the_handbook_are_trained_on_several_splits(corpus: Path, tmp_path: Path) -> None:
    """The book of this test chooses Huber, the handbook MSE; both are trained on equal splits."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "rules:\n- id: C900\n  name: mine\n  when: {task: regression}\n  then: {loss: huber}\n"
        "  overrides: [C006]\n  because: a reason\n  source: {reason: mine}\n",
        encoding="utf-8",
    )
    settings, steps = Settings(seeds=1, splits=2, rows=60, share=0.01), list[Step]()
    layers = (*SHIPPED_LAYERS, str(mine))
    wanted = replace(
        order(tmp_path / "r.jsonl", Slot.LOSS, settings=settings), against=frozenset({HANDBOOK}), layers=layers
    )
    results = measure(read_corpus(corpus, ["numbers"]), wanted)

    assert sorted((one.text, one.seed) for one in results.trainings) == [
        ("huber", 0), ("huber", 1), ("mse", 0), ("mse", 1),
    ]  # fmt: skip
    assert len({one.score for one in results.trainings}) == 4
    books = Books.of(layers)
    (one,) = score(results, books=books).contested
    assert (one.rule, one.choice, one.effect.datasets) == ("C900", "huber", 1)
    assert measure(read_corpus(corpus, ["numbers"]), wanted, progress=steps.append) == results
    assert steps == []


@long_test
def test_hyperparameters_of_a_rule_are_compared_by_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("executor.pipeline.measurement.searches.spaces", "rules.scorecard.tuners"):
        monkeypatch.setattr(f"{module}.TRIALS", 4)
    days = [f"{start + timedelta(days=n)},{n % 7 + 0.1 * n:.1f}\n" for start in [date(2024, 1, 1)] for n in range(90)]
    (tmp_path / "sales.csv").write_text("day,y\n" + "".join(days), encoding="utf-8")
    (tmp_path / "catalogue.csv").write_text(
        "name,file,target,task,time\nsales,sales.csv,y,forecasting,day\n", encoding="utf-8"
    )
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "rules:\n- id: H900\n  name: mine\n  when: {task: forecasting}\n  then: {hyperparameters: networks}\n"
        "  overrides: [H001, H002, H003, H004]\n  because: a reason\n  source: {reason: mine}\n",
        encoding="utf-8",
    )
    layers = (*SHIPPED_LAYERS, str(mine))
    settings, output = Settings(seeds=1, rows=60, share=0.01), tmp_path / "r.jsonl"
    wanted = replace(order(output, Slot.HYPERPARAMETERS, rules=("H900",), settings=settings), layers=layers)
    entries = read_corpus(tmp_path)
    results = measure(entries, wanted)

    searches = [one for one in results.trainings if one.choice["name"] != "custom"]
    assert [one.text for one in searches] == ["networks", "most_sensitive"]
    assert len(results.trainings) == 2 + 2 * 4
    books = Books.of(layers)
    first, second = (one.score for one in searches)
    assert first is not None
    assert second is not None
    (one,) = score(results, books=books).contested
    assert (one.rule, one.choice, one.effect.ratio) == ("H900", "networks", pytest.approx(second / first))
    assert measure(entries, wanted) == results


@long_test
def test_optimizers_are_trained_at_several_rates(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "executor.pipeline.measurement.measure.alternatives", lambda _, bundle, *__, **___: [bundle.optimizer, Sgd()]
    )
    settings = Settings(seeds=1, rows=60, share=0.01)
    results = measure(read_corpus(corpus, ["numbers"]), order(tmp_path / "r.jsonl", Slot.OPTIMIZER, settings=settings))
    (rule,) = score(results).rules

    assert "sgd at a searched rate" in {one.choice for one in rule.alternatives}
    rates = {one.choice.get("learning_rate", 0.05) for one in results.trainings if one.choice["name"] == "sgd"}
    assert len(rates) >= 3
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "r.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    again = measure(read_corpus(corpus, ["numbers"]), order(tmp_path / "r.jsonl", Slot.OPTIMIZER, settings=settings))
    assert again.keys == results.keys


@long_test
def test_datasets_are_measured_in_other_processes(corpus: Path, tmp_path: Path) -> None:
    settings, steps = Settings(seeds=1, rows=60, share=0.01), list[Step]()
    results = measure(
        read_corpus(corpus, ["numbers", "tiny"]),
        order(tmp_path / "r.jsonl", Slot.ACTIVATION, settings=settings),
        jobs=2,
        progress=steps.append,
    )

    assert {str(one.parsed) for one in results.trainings} == {"relu", "tanh", "selu"}
    assert [step.says[:12] for step in steps if step.dataset == "tiny"] == ["not measured"]
    assert [step.says.partition(",")[0] for step in steps if step.dataset == "numbers"] == [
        "activation: relu",
        "activation: tanh",
        "activation: selu",
    ]


def test_datasets_that_the_time_limit_interrupts_are_left_out(corpus: Path, tmp_path: Path) -> None:
    settings, path = Settings(seeds=1, rows=60, share=0.01), tmp_path / "r.jsonl"
    wanted = order(path, Slot.ACTIVATION, settings=settings)
    results = measure(read_corpus(corpus, ["numbers", "classes"]), wanted, jobs=2, seconds=0.1)
    assert (results.datasets, results.trainings) == ({}, ())


def test_results_without_a_dataset_have_none_of_its_trainings(measured: tuple[Results, list[Step], Path]) -> None:
    results, _, _ = measured
    assert results.without(["other"]) == results
    assert results.without(["numbers"]).trainings == ()


@long_test
def test_random_configurations_are_balanced_and_not_repeated(corpus: Path, tmp_path: Path) -> None:
    wanted = replace(order(tmp_path / "results.jsonl", Slot.HYPERPARAMETERS), configurations=12)
    entries, steps = read_corpus(corpus, ["numbers"]), list[Step]()
    results = measure(entries, wanted)
    drawn = [one.choice["values"] for one in results.trainings]

    assert len({one.text for one in results.trainings}) == 12
    assert all(one.score is not None and len(one.epoch_scores) == one.epochs for one in results.trainings)
    assert sorted(one["loss"][0] for one in drawn) == ["huber"] * 4 + ["mae"] * 4 + ["mse"] * 4
    assert {one["optimizer"][0] for one in drawn if "rho" in one} == {"rmsprop"}
    assert measure(entries, wanted, progress=steps.append) == results
    assert steps == []
    assert {one.kind for one in score(results).sensitivities} == {"All datasets"}


@long_test
def test_searches_of_each_tuner_are_replayed_over_a_table(corpus: Path, tmp_path: Path) -> None:
    results = measure(read_corpus(corpus, ["numbers"]), order(tmp_path / "results.jsonl", Slot.TUNER))
    table = [one for one in results.trainings if one.slot is Slot.HYPERPARAMETERS]
    searches = [one for one in results.trainings if one.slot is Slot.TUNER]

    assert sorted({one.text for one in searches}) == ["bayesian", "grid", "hyperband", "random"]
    assert {len(one.after_trainings) for one in searches} == {len(table)}
    best = min(table, key=lambda one: one.validation_score)
    (grid, *_) = (one for one in searches if one.text == "grid")  # it has tried every configuration
    assert (grid.score, grid.validation_score) == (best.score, best.validation_score)
