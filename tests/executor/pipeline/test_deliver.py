"""The delivered model is trained on all rows; the scores stay those of the evaluated one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.model.ensemble import Length
from executor.model.keras_file import load_model, predict_rows
from executor.pipeline import deliver as module
from executor.pipeline.deliver import deliver
from executor.pipeline.finalize import finalize
from executor.runs.delivery import Delivery
from executor.runs.files import MODEL, SIGNATURE
from executor.runtime.clock import Clock
from executor.search.runners.workspace import create_workspace
from recommender.time_plan import TimePlan
from tests.executor.model.untrained import KINDS, UNTRAINED, open_untrained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.finalize import SavedModel

TRAINED = {"epochs": 2, "best_epoch": 1, "planned_epochs": 2, "configuration": {"batch_size": 48}}
TRIALS = replace(UNTRAINED, ranked=(UNTRAINED.best.model_copy(update=TRAINED),))


@pytest.fixture
def evaluated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[EncodedData, SavedModel]]:
    """A run up to its evaluation, of 96 rows to train and 24 in the hold-out."""
    with open_untrained(KINDS[request.param], tmp_path) as (data, selected):
        yield data, finalize(data, TRIALS, replace(selected, score=None))


def signature_text(data: EncodedData) -> str:
    return (data.run.directory / SIGNATURE).read_text(encoding="utf-8")


@pytest.mark.parametrize("evaluated", ["binary table in folds"], indirect=True)
def test_the_model_of_all_rows_replaces_the_evaluated_one(
    evaluated: tuple[EncodedData, SavedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEEDS", (2,))
    data, saved = evaluated
    rows = data.run.data.table.take(np.arange(5))
    before, old = predict_rows(saved.model, saved.signature, rows), signature_text(data)
    delivery = deliver(data, TRIALS, saved, Clock())
    assert delivery.is_refitted
    assert (delivery.rows, delivery.seeds, delivery.epochs, delivery.is_averaged) == (120, 2, {0: 1}, True)
    after = predict_rows(load_model(data.run.directory / MODEL, saved.signature), saved.signature, rows)
    assert not np.allclose(after, before)
    assert signature_text(data) == old.replace('"trained_on": ""', '"trained_on": "all_rows"')
    again = deliver(data, TRIALS, saved, Clock())
    assert again.model_copy(update={"seconds": delivery.seconds}) == delivery
    same = predict_rows(load_model(data.run.directory / MODEL, saved.signature), saved.signature, rows)
    np.testing.assert_allclose(same, after, atol=1e-6)


def unchanged(data: EncodedData, saved: SavedModel, clock: Clock | None = None) -> str:
    """Why the evaluated model is delivered, whose files must not have changed."""
    files = [data.run.directory / MODEL, data.run.directory / SIGNATURE]
    before = [path.read_bytes() for path in files]
    delivery = deliver(data, TRIALS, saved, clock or Clock())
    assert [path.read_bytes() for path in files] == before
    assert (delivery.is_refitted, delivery.rows) == (False, len(data.run.data.rows.train))
    return delivery.why


@pytest.mark.parametrize("evaluated", ["regression of two"], indirect=True)
def test_the_evaluated_model_stays_where_nothing_else_is_possible(
    evaluated: tuple[EncodedData, SavedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, saved = evaluated
    kept = replace(data, run=replace(data.run, plan=data.run.plan.model_copy(update={"keep_evaluated": True})))
    assert unchanged(kept, saved) == "it was requested by --keep-evaluated"
    late = Clock(TimePlan(limit=10.0), now=lambda: 9.0, start=0.0)
    assert unchanged(data, saved, late).endswith("and the time limit leaves 1 s")
    monkeypatch.setattr(module, "SEEDS", (1,))
    perfect = replace(saved, selected=replace(saved.selected, score=0.0))
    assert "without them" in unchanged(data, perfect)

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "train_networks", fail)
    assert unchanged(data, saved) == "training on all rows failed (MemoryError)"


@pytest.mark.parametrize("kind", ["bag of terms", "forecast"])
def test_texts_and_forecasts_are_trained_for_the_same_epochs_with_the_hold_out(kind: str, tmp_path: Path) -> None:
    with open_untrained(KINDS[kind], tmp_path) as (data, selected):
        saved = finalize(data, TRIALS, replace(selected, score=None, retrained={0: Length(epochs=1, planned=2)}))
        before = (data.run.directory / MODEL).read_bytes()
        delivery = deliver(data, TRIALS, saved, Clock())
        rows = data.run.data.rows
        seen = len(rows.train) + len(rows.validation)
        assert (delivery.evaluated_rows, delivery.rows) == (seen, seen + len(rows.hold_out))
        assert (delivery.seeds, delivery.epochs) == (1, {0: 1})
        assert (data.run.directory / MODEL).read_bytes() != before
        kept = replace(saved, selected=replace(saved.selected, retrained={}))
        assert deliver(data, TRIALS, kept, Clock()).why == "no time was left to retrain with validation rows"


def test_the_sentence_names_both_models() -> None:
    own = Delivery(is_refitted=True, rows=1_000, evaluated_rows=800, seeds=3, is_averaged=True, epochs={0: 12, 4: 9})
    assert own.sentence == (
        "The model has 6 networks trained again on all 1,000 rows, including the hold-out; the other half of its mean "
        "is the evaluated one, trained on 800 rows. The scores are those of the evaluated model; --keep-evaluated "
        "keeps that one."
    )
    kept = Delivery(is_refitted=False, rows=800, evaluated_rows=800, why="the bundle does not retrain")
    assert kept.sentence == "The model is the evaluated one: the bundle does not retrain."


def test_the_sentence_says_that_a_schedule_was_shortened() -> None:
    own = Delivery(is_refitted=True, rows=1_000, evaluated_rows=800, seeds=1, epochs={0: 12}, is_shortened=True)
    assert own.sentence.startswith(
        "The model has 1 network trained again on all 1,000 rows, including the hold-out, for fewer epochs than were "
        "selected, because time was short. The scores"
    )


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network takes 1 s to compile and 2 s per epoch, and what follows 1 s."""
    monkeypatch.setattr(module, "SEEDS", (3, 1))
    monkeypatch.setattr(
        module,
        "training_seconds",
        lambda courses, *_, seeds: 1.0 + 2.0 * seeds * sum(course.epochs for course in courses),
    )
    monkeypatch.setattr(module, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(module, "SAVE_SECONDS", 1.0)
    monkeypatch.setattr(module, "SECONDS_PER_NETWORK", 0.0)


@pytest.mark.usefixtures("costs")
@pytest.mark.parametrize("evaluated", ["binary table in folds"], indirect=True)
@pytest.mark.parametrize(
    ("seconds", "seeds", "epochs"),
    [(27.5, 3, 4), (27.0, 1, 4), (10.6, 1, 4), (10.4, 1, 3), (6.4, 1, 2), (6.2, 0, 0)],
)
def test_the_schedule_of_one_network_is_shortened_to_half_before_none_is_trained(
    evaluated: tuple[EncodedData, SavedModel], seconds: float, seeds: int, epochs: int
) -> None:
    """Three seeds of four epochs take 26 s with what follows, one takes 10 s, of 0.95 of the time that is left."""
    data, saved = evaluated
    own = TRIALS.best.model_copy(update={"epochs": 5, "best_epoch": 4, "planned_epochs": 5})
    clock = Clock(TimePlan(limit=seconds), now=lambda: 0.0, start=0.0)
    delivery = deliver(data, replace(TRIALS, ranked=(own,)), saved, clock)
    assert (delivery.seeds, delivery.epochs) == (seeds, {0: epochs} if seeds else {})
    assert delivery.is_shortened is (0 < epochs < 4)


@pytest.mark.usefixtures("costs")
@pytest.mark.parametrize("evaluated", ["binary table in folds"], indirect=True)
def test_the_reserve_of_a_search_is_what_training_on_all_rows_takes(
    evaluated: tuple[EncodedData, SavedModel],
) -> None:
    """1.25 times as many rows as a search has; at most 15 % of the time limit, unless a single seed takes more."""
    data, _ = evaluated
    own = TRIALS.best.model_copy(update={"epochs": 5, "best_epoch": 4, "planned_epochs": 5})
    reserved = []
    for limit in (1_000.0, 100.0, 50.0):
        at = create_workspace(
            data.run.bundle,
            data.parts,
            metric=create_metric(data.run.bundle.metric),
            seed=0,
            directory=data.run.directory,
            clock=Clock(TimePlan(limit=limit), now=lambda: 0.0, start=0.0),
        )
        reserved.append(module.refit_seconds(data, [own], at, None))
    more = 120 / len(at.train)
    assert reserved == pytest.approx([(more * 25 + 1) / 0.95, 15, (more * 9 + 1) / 0.95])


@pytest.mark.parametrize("evaluated", ["binary table in folds"], indirect=True)
@pytest.mark.parametrize(("seconds", "courses"), [(100.0, 3), (25.0, 2), (15.0, 1), (9.0, 0)])
def test_fewer_configurations_are_trained_where_time_is_short(
    evaluated: tuple[EncodedData, SavedModel], monkeypatch: pytest.MonkeyPatch, seconds: float, courses: int
) -> None:
    """A network takes 8 s, and what follows 1 s, of 0.95 of the time that is left."""
    monkeypatch.setattr(module, "SEEDS", (1,))
    monkeypatch.setattr(module, "training_seconds", lambda courses, *_, seeds: 8.0 * seeds * len(courses))
    monkeypatch.setattr(module, "REPORT_SECONDS", 1.0)
    monkeypatch.setattr(module, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(module, "SECONDS_PER_NETWORK", 0.0)
    data, saved = evaluated
    ranked = tuple(TRIALS.best.model_copy(update={"number": number}) for number in range(3))
    trials = replace(TRIALS, ranked=ranked)
    members = {0: 2, 1: 1, 2: 1}
    selected = replace(saved, selected=replace(saved.selected, members=members))
    clock = Clock(TimePlan(limit=seconds), now=lambda: 0.0, start=0.0)
    delivery = deliver(data, trials, selected, clock)
    assert list(delivery.epochs) == [*range(courses)]
    assert delivery.is_refitted is (courses > 0)
