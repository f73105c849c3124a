import pytest

from recommender.profile.characteristic import Characteristic
from recommender.profile.profile import Profile
from recommender.recommendation.bundle_guardrails import check_choices
from rules.decision.record import Guardrail
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.facts import Modality, Task

PLAIN = {
    Slot.ACTIVATION: "relu",
    Slot.METRIC: "roc_auc",
    Slot.LOSS: "binary_crossentropy",
    Slot.INITIALIZER: "he",
    Slot.OPTIMIZER: "adam",
    Slot.HYPERPARAMETERS: "most_sensitive",
    Slot.TUNER: "random",
}


def bundle(**chosen: object) -> Bundle:
    names = PLAIN | {Slot(slot): choice for slot, choice in chosen.items()}
    return Bundle.of({slot: parse_choice(slot, choice) for slot, choice in names.items()})


def one(name: str, value: float | str) -> Characteristic:
    return Characteristic(name=name, value=value, unit="", how="")


def profile(*, rows: int, features: int = 5, task: Task = Task.BINARY, **rare: int) -> Profile:
    return Profile(
        dataset="t.csv",
        task=task,
        modality=Modality.TABULAR,
        characteristics=(one("rows", rows), one("features", features)),
        targets={
            target: (one("minority_class_rows", count), one("rarest_class", f"rare {target}"))
            for target, count in rare.items()
        },
        columns=(),
        guardrails=(),
    )


def checks(chosen: Bundle, of: Profile) -> dict[str, Guardrail]:
    return {guardrail.name: guardrail for guardrail in check_choices(chosen, of)}


@pytest.mark.parametrize(
    ("rows", "rare", "status", "unit"),
    [
        (3_000, 190, "passed", "validation rows of the rare class"),  # 0.16 · 190 = 30.4
        (3_000, 187, "alerted", "validation rows of the rare class"),  # 29.92
        (1_000, 38, "passed", "validation rows of the rare class"),  # in folds: 0.8 · 38 = 30.4
        (1_000, 37, "alerted", "validation rows of the rare class"),  # 29.6
        (63, 45, "passed", "validation rows of the rare class"),  # 63 - 13 = 50
        (61, 45, "alerted", "validation rows"),  # 61 - 12 = 49
    ],
)
def test_a_tuned_threshold_needs_50_validation_rows_and_30_of_the_rare_class(
    rows: int, rare: int, status: str, unit: str
) -> None:
    f1 = {"name": "f1", "average": "binary"}
    by = "cross_validation" if rows < 2_500 else "holdout"  # as rule V101 has it
    found = checks(bundle(metric=f1, validation=by), profile(rows=rows, y=rare))["rows_for_threshold"]
    assert (found.status, found.unit) == (status, unit)


def test_only_f1_with_a_tuned_threshold_asks_for_rows_to_tune_it() -> None:
    few = profile(rows=300, y=20)
    assert "rows_for_threshold" not in checks(bundle(), few)
    assert "rows_for_threshold" not in checks(bundle(metric={"name": "f1", "threshold": "fixed"}), few)
    several = profile(rows=300, task=Task.MULTICLASS, y=20)
    assert "rows_for_threshold" not in checks(bundle(metric="f1"), several)  # the most probable class needs none


def test_of_several_labels_the_rarest_one_is_named() -> None:
    labels = profile(rows=3_000, task=Task.MULTILABEL, a=500, b=100)
    found = checks(bundle(metric="f1"), labels)["rows_for_threshold"]
    assert (found.value, found.columns) == (pytest.approx(16), ("b",))
    assert "about 16 validation rows whose 'b' is 'rare b' (fewer than 30)" in found.message
    assert "--pin metric=roc_auc" in found.message


@pytest.mark.parametrize(("rows", "status"), [(6_250, "passed"), (6_245, "done")])  # 0.16 · 6,250 = 1,000
def test_accuracy_ties_under_1000_validation_rows(rows: int, status: str) -> None:
    assert checks(bundle(metric="accuracy"), profile(rows=rows, y=900))["rows_for_accuracy"].status == status
    assert "rows_for_accuracy" not in checks(bundle(), profile(rows=rows, y=900))


@pytest.mark.parametrize(("rows", "status"), [(200, "passed"), (199, "alerted")])
@pytest.mark.parametrize("tuner", ["bayesian", "hyperband"])
def test_a_search_that_learns_from_its_trials_needs_200_rows(tuner: str, rows: int, status: str) -> None:
    found = checks(bundle(tuner=tuner), profile(rows=rows, y=90))["rows_for_search"]
    assert (found.status, found.value, found.threshold) == (status, rows, 200)
    assert "rows_for_search" not in checks(bundle(), profile(rows=rows, y=90))


@pytest.mark.parametrize(("features", "status"), [(300, "passed"), (301, "alerted")])
def test_more_columns_than_rows_are_an_alert(features: int, status: str) -> None:
    found = checks(bundle(), profile(rows=300, features=features, y=90))["more_columns_than_rows"]
    assert (found.status, found.value, found.threshold) == (status, features, 300)


@pytest.mark.parametrize(
    ("initializer", "status"),
    [
        ({"name": "random_normal", "stddev": 0.0441}, "alerted"),  # Xavier of 512 units: 1 / sqrt(512) = 0.0442
        ({"name": "random_normal", "stddev": 0.0443}, "passed"),
        ({"name": "random_normal", "stddev": 0.1767}, "passed"),  # He of 64 units: sqrt(2 / 64) = 0.1768
        ({"name": "random_normal", "stddev": 0.1769}, "alerted"),
        ({"name": "random_uniform", "limit": 0.0765}, "alerted"),  # standard deviation 0.0765 / sqrt(3) = 0.0442
        ({"name": "random_uniform", "limit": 0.0766}, "passed"),
    ],
)
def test_one_scale_of_random_weights_is_alerted_outside_xaviers_and_hes(initializer: object, status: str) -> None:
    found = checks(bundle(initializer=initializer), profile(rows=1_000))["scale_of_random_weights"]
    assert found.status == status
    assert "scale_of_random_weights" not in checks(bundle(initializer="he"), profile(rows=1_000))


def test_vanishing_and_exploding_random_weights_are_reported() -> None:
    for stddev, effect in ((0.02, "vanish"), (0.4, "explode")):
        chosen = bundle(initializer={"name": "random_normal", "stddev": stddev})
        assert f"may {effect} from" in checks(chosen, profile(rows=9))["scale_of_random_weights"].message
