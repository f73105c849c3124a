"""The plan of a training, by the cost model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from executor.cli.plan import plan as command
from recommender import plan
from recommender.examples import example
from recommender.planning.make_plan import devices_line
from recommender.planning.reductions import LIMITS, duration, reductions
from recommender.planning.show_plan import time_text
from recommender.planning.stages import Situation, figures
from recommender.planning.training_plan import StageName, TrainingPlan
from recommender.recommendation.training_work import Sizes, training_work
from recommender.recommendation.trial_budget import seconds
from recommender.speed.device_speed import DeviceSpeed, StackTime, TrainedSize, remember_speeds
from recommender.speed.machine_speed import remember_slowdown
from recommender.training_cost import batch_size, full_training_seconds, trial_seconds
from rules.errors import ChoiceError
from rules.vocabulary.choices import CrossValidation, Holdout, MiniRocket, Standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.choices import Choice

ROOT = Path(__file__).parents[3]


def situation(
    *,
    rows: int = 1_000,
    columns: int = 20,
    budget: float | None = None,
    trials: int | None = None,
    is_searched: bool = True,
    architecture: Choice | None = None,
    validation: Choice | None = None,
    steps: float = 0.0,
    keeps_evaluated: bool = False,
    workers: int | None = None,
) -> Situation:
    work = training_work(
        Sizes(rows=rows, columns=columns),
        architecture=architecture or Standard(),
        validation=validation or Holdout(),
    )
    return Situation(
        work=work if workers is None else work.on_workers(workers),
        workers=workers,
        rows=rows,
        hold_out=rows // 5,
        columns=columns,
        outputs=1,
        steps=steps,
        is_searched=is_searched,
        budget=budget,
        trials=trials,
        keeps_evaluated=keeps_evaluated,
    )


def test_without_a_limit_the_search_takes_twenty_trials_of_which_the_first_stops_at_half_of_its_epochs() -> None:
    planned = figures(situation(), 2.5)
    full = 2.5 * full_training_seconds(rows=640, width=20)
    assert (planned.trials, planned.size.networks, planned.epochs) == (20, 1, 256)
    compiling = 2.5 * 0.7 + 2.5  # XLA compiles steps that take so long
    expected = compiling + full / 2 + 19 * 2.5 * trial_seconds(rows=640, width=20)
    assert planned.stages[StageName.SEARCH] == pytest.approx(expected)
    assert figures(situation(trials=3), 2.5).trials == 3
    assert figures(situation(trials=3, is_searched=False), 2.5).trials == 1


def test_workers_of_a_cluster_share_the_trials_each_of_which_has_one_core() -> None:
    here, alone, eight = (figures(situation(workers=workers), 2.5) for workers in (None, 1, 8))
    assert eight.seconds_each == alone.seconds_each == 2 * here.seconds_each
    compiling = 2.5 * 0.7 + 2.5
    # Twenty trials on eight workers are three waves; on one worker they are trained one after the other.
    assert eight.stages[StageName.SEARCH] - compiling == pytest.approx(
        max(3 * eight.seconds_each, eight.full_seconds / 2)
    )
    assert alone.stages[StageName.SEARCH] - compiling == pytest.approx(20 * alone.seconds_each)
    assert eight.first_seconds == pytest.approx(1.4 * here.first_seconds)
    assert eight.stages[StageName.START_UP] == here.stages[StageName.START_UP] + 8.0


def test_within_a_limit_more_workers_complete_more_trials_and_none_where_a_trial_does_not_fit() -> None:
    counts = [figures(situation(budget=120.0, workers=workers), 2.5).trials for workers in (1, 2, 8)]
    assert [round((count - 1) / (counts[0] - 1)) for count in counts] == [1, 2, 8]
    short = situation(rows=100_000, columns=100, budget=60.0, workers=64)
    assert figures(short, 2.5).trials == 1


def test_workers_are_counted_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.planning.cluster_address.find_spec", lambda _: object())
    result = CliRunner().invoke(command, [str(example("wine")), "--target", "cultivar", "--cluster", "local:3"])
    assert "on 3 workers of the cluster local:3" in " ".join(result.stdout.split())
    assert "as fast as the cores of this machine" in " ".join(result.stdout.split())
    monkeypatch.setattr("recommender.planning.make_plan.count_workers", lambda _: 0)
    planned = plan(example("wine"), target="cultivar", cluster="auto")
    assert (planned.cluster, planned.workers) == ("auto", 1)
    assert planned.notes[-2] == "The cluster has no worker at the moment; the plan is for one."


def test_where_nothing_is_searched_a_limit_allows_three_seeds_of_the_default_configuration() -> None:
    assert figures(situation(budget=600.0, is_searched=False), 2.5).trials == 3


def test_a_short_limit_leaves_folds_out_and_names_the_smallest_limit_that_keeps_them() -> None:
    at = situation(rows=2_000, columns=100, budget=20.0, validation=CrossValidation())
    planned = figures(at, 2.5)
    assert planned.size.networks == 1
    folds, *others = reductions(at, planned, 2.5)
    needed = 2.5 * full_training_seconds(rows=1_600, width=100, networks=5)
    assert folds.sentence == f"Trains without cross-validation, which needs about {needed:.0f} s here."
    assert folds.budget is not None
    assert folds.remedy == f"--budget {duration(folds.budget)} trains all 5 folds."
    before = LIMITS[LIMITS.index(folds.budget) - 1]
    networks = [
        figures(situation(rows=2_000, columns=100, budget=limit, validation=CrossValidation()), 2.5).size.networks
        for limit in (before, folds.budget)
    ]
    assert networks == [1, 5]
    assert "seed variance and learning curve" in [one.what for one in others]


def test_nothing_is_left_out_without_a_limit() -> None:
    at = situation(validation=CrossValidation(repeats=3))
    assert figures(at, 2.5).size.networks == 15
    assert list(reductions(at, figures(at, 2.5), 2.5)) == []


def test_a_slow_machine_needs_more_seconds_for_every_stage() -> None:
    fast, slow = (figures(situation(trials=4), slowdown) for slowdown in (2.5, 10.0))
    assert fast.stages.keys() == slow.stages.keys()
    assert all(slow.stages[name] > fast.stages[name] for name in fast.stages)


def test_long_sequences_get_fewer_random_features_within_a_short_limit() -> None:
    # 400 rows are encoded 256 + 400 + 2 · 80 times; a row of 4,000 numbers takes 10,000 · 4,000 · 3e-10 = 12 ms.
    at = situation(rows=400, budget=30.0, architecture=MiniRocket(), steps=4_000.0)
    assert figures(at, 2.5).features == int(10_000 * 3.0 / (816 * 0.012))
    left_out = {one.what: one for one in reductions(at, figures(at, 2.5), 2.5)}
    assert left_out["random features"].budget == 100.0  # a tenth of it is 10 s, and 816 encodings take 9.8 s


def test_the_evaluated_model_can_be_kept() -> None:
    assert StageName.ALL_ROWS not in figures(situation(keeps_evaluated=True), 2.5).stages
    again = figures(situation(), 2.5)
    assert again.stages[StageName.ALL_ROWS] > 0
    assert (again.networks, again.seeds, again.all_rows_networks) == (1, 5, 5)


def test_a_duration_is_read_as_it_is_written() -> None:
    assert [seconds(duration(limit)) for limit in LIMITS] == [*LIMITS]


def test_a_time_is_written_in_seconds_minutes_or_hours() -> None:
    assert [time_text(value) for value in (0.5, 119.0, 120.0, 7_200.0)] == ["0.5 s", "119 s", "2 min", "2.0 h"]


def test_a_plan_has_intervals_that_a_measured_speed_narrows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unknown = plan(example("wine"), target="cultivar", budget=60)
    assert not unknown.speed.is_measured
    assert "never measured" in unknown.speed.sentence
    assert unknown.seconds.value == pytest.approx(sum(one.seconds.value for one in unknown.stages), rel=0.01)
    assert (unknown.first.networks, unknown.first.folds, unknown.first.planned_networks) == (5, 5, 5)
    monkeypatch.setenv("PCWAT_CACHE", str(tmp_path))
    remember_slowdown(2.5)
    known = plan(example("wine"), target="cultivar", budget=60)
    assert known.speed.is_measured
    assert known.seconds.value == unknown.seconds.value
    assert unknown.trials.further.high > known.trials.further.high
    assert known.trials.further.low >= unknown.trials.further.low


@pytest.mark.parametrize(("budget", "trials"), [(0.0, None), (float("inf"), None), (None, 0)])
def test_a_limit_that_allows_no_trial_is_refused(budget: float | None, trials: int | None) -> None:
    with pytest.raises(ChoiceError, match=r"positive number of seconds|at least 1 trial"):
        plan(example("wine"), target="cultivar", budget=budget, trials=trials)


def test_the_command_prints_the_plan_and_json_follows_the_published_schema(golden: Callable[[Path, str], None]) -> None:
    runner = CliRunner()
    shown = runner.invoke(command, [str(example("wine")), "--target", "cultivar", "--budget", "15s"], obj=None)
    assert shown.exit_code == 0
    for words in ("First training", "Peak memory", "hold-out and baselines", "--budget 80s measures them"):
        assert words in " ".join(shown.output.split())
    assert "!" not in shown.output
    short = runner.invoke(command, [str(example("wine")), "--target", "cultivar", "--budget", "1s"], obj=None)
    assert "! The training takes longer than 1s: it cannot be made smaller." in short.output
    found = runner.invoke(command, [str(example("wine")), "--target", "cultivar", "--trials", "8", "--format", "json"])
    read = TrainingPlan.model_validate_json(found.output)
    assert (read.budget, read.trials.further.value) == (None, 7.0)
    schema = json.dumps(TrainingPlan.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
    golden(ROOT / "docs" / "deploy" / "plan.schema.json", schema)


def test_the_plan_states_the_devices_that_trainings_of_this_size_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PCWAT_CACHE", str(tmp_path))
    monkeypatch.delenv("PCWAT_DEVICE", raising=False)
    at = situation(trials=100)
    assert devices_line(at, figures(at, 1.0)) == ""
    cpu, gpu = (
        DeviceSpeed(devices=(name,), times=(StackTime(networks=8, step_seconds=each, compile_seconds=1),))
        for name, each in (("CPU:0", 0.008), ("GPU:0", 0.001))
    )
    size = TrainedSize(network="tabular", columns=at.work.width, batch=batch_size(at.work.training_rows))
    remember_speeds(size, [cpu, gpu])
    figure = "network steps a second, measured before: CPU:0 1,000; GPU:0 8,000."
    assert devices_line(at, figures(at, 1.0)) == f"Trains on GPU:0: {figure} The plan has the seconds of the CPU."
    monkeypatch.setenv("PCWAT_DEVICE", "cpu")
    assert devices_line(at, figures(at, 1.0)).startswith("Trains on CPU:0, as PCWAT_DEVICE requests")
    on_cluster = situation(trials=100, workers=2)
    assert devices_line(on_cluster, figures(on_cluster, 1.0)) == ""
