from collections.abc import Callable

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from recommender.profile.guardrails.status import sort_by_status
from recommender.profile.measure import measure
from recommender.recommendation.recommend import advise
from recommender.roles.infer import infer_roles
from rules.decision.record import Guardrail
from rules.decision.request import Request
from rules.proof.proved_book import ProvedBook, load_book
from rules.vocabulary.facts import Task

Table = Callable[..., Dataset]
NOISE = np.random.default_rng(33)


@pytest.fixture(scope="module")
def book() -> ProvedBook:
    return load_book()


def checked(dataset: Dataset, *targets: str, **fields: object) -> dict[str, Guardrail]:
    """The guardrails by name; of several with one name, the last."""
    return {
        one.name: one for one in measure(dataset, infer_roles(dataset, Request(target=targets, **fields))).guardrails
    }


def plain(rows: int = 300, **columns: object) -> dict[str, object]:
    return {"x": NOISE.normal(size=rows), "w": NOISE.choice(["a", "b", "c"], rows), **columns}


def test_a_table_without_faults_passes_every_check_with_its_number_and_bound(table: Table) -> None:
    found = checked(table(**plain(y=NOISE.normal(size=300))), "y")
    assert {name: (one.status, one.threshold) for name, one in found.items()} == {
        "leakage": ("passed", 0.95),
        "few_rows": ("passed", 200),
        "duplicate_rows": ("passed", 0.01),
        "target_outliers": ("passed", 0.01),
        "skewed_target": ("passed", 1.0),
        "sorted_rows": ("passed", 0.3),
        "entity": ("passed", None),
        "identifiers": ("passed", 0.99),
        "constants": ("passed", 2),
        "missing_cells": ("passed", 0.2),
        "drift": ("passed", None),
    }
    assert (found["few_rows"].value, found["constants"].value, found["constants"].columns) == (300, 3, ("w",))
    assert found["identifiers"].value == 3 / 300
    assert found["drift"].message.startswith("Hold-out rows are selected at random")


def test_a_classification_also_passes_on_its_rarest_class(table: Table) -> None:
    found = checked(table(**plain(y=NOISE.permutation(["no"] * 270 + ["yes"] * 30))), "y")
    assert (found["tiny_class"].status, found["tiny_class"].value) == ("passed", 30)
    found = checked(table(**plain(y=NOISE.permutation(["no"] * 271 + ["yes"] * 29))), "y")
    assert (found["tiny_class"].status, found["tiny_class"].value) == ("alerted", 29)


def test_the_closest_column_to_a_leak_is_named_where_none_leaks(table: Table) -> None:
    y = NOISE.normal(size=300)
    near = y + NOISE.normal(size=300)
    one = checked(table(**plain(y=y, near=near)), "y")["leakage"]
    correlation = float(np.corrcoef(near, y)[0, 1])
    assert (one.status, one.columns, one.value) == ("passed", ("near",), pytest.approx(correlation))
    assert one.message == (
        f"No single column determines 'y': 'near' is closest (correlation {correlation:.3f}, below 0.95)."
    )


def test_the_closest_feature_is_the_nearest_to_its_bound(table: Table) -> None:
    y = NOISE.permutation([0, 1] * 150)
    code = [f"{label}{row % 3}" if row % 10 else "u" for row, label in enumerate(y)]
    one = checked(table(**plain(y=y, code=code)), "y")["leakage"]
    assert (one.columns, one.unit) == (("code",), "determined share")
    assert one.value == pytest.approx(0.9, abs=0.03)


def test_a_forecast_has_no_leak_of_the_future(table: Table) -> None:
    y = np.cumsum(NOISE.normal(size=300))
    one = checked(table(y=y, same=y), "y", task=Task.FORECASTING)["leakage"]
    assert (one.status, one.value) == ("passed", None)


def test_completed_guardrails_have_the_status_done(table: Table) -> None:
    dataset = table(
        **plain(
            id=range(1, 301),
            flat=["k"] * 300,
            bare=[None] * 290 + list(range(10)),
            gappy=[None, 1.5, 2.5] * 100,
            city=[f"c{row % 60}" for row in range(300)],
            y=[None, *NOISE.normal(size=299)],
        )
    )
    found = checked(dataset, "y")
    done = {name for name, one in found.items() if one.status == "done"}
    assert done == {"rows_without_target", "identifiers", "constants", "mostly_empty", "missing_cells", "many_levels"}
    assert found["rows_without_target"].message == "1 of 300 rows has no target and was excluded."
    assert "with a missing-value indicator" in found["missing_cells"].message


def test_alerts_come_first_and_passed_guardrails_last() -> None:
    statuses = ("passed", "done", "alerted", "done", "alerted")
    mixed = [Guardrail(name=str(at), status=status, message="") for at, status in enumerate(statuses)]
    assert [one.name for one in sort_by_status(mixed)] == ["2", "4", "1", "3", "0"]


def test_the_findings_are_the_guardrails_that_did_not_pass(table: Table) -> None:
    dataset = table(**plain(rows=100, id=range(100), y=NOISE.normal(size=100)))
    profile = measure(dataset, infer_roles(dataset, Request(target="y")))
    assert [(one.name, one.status) for one in profile.findings] == [("few_rows", "alerted"), ("identifiers", "done")]


def test_duplicates_are_reported_with_their_treatment_by_the_split(table: Table) -> None:
    rare = {name: np.repeat(values, 2) for name, values in plain(rows=150, y=NOISE.normal(size=150)).items()}
    one = checked(table(**rare), "y")["duplicate_rows"]
    assert (one.status, one.value) == ("done", 0.5)
    assert one.message.startswith(
        "50.0% of the rows have the same features as an earlier row. Duplicates are in the same part"
    )

    alike = checked(table(**(rare | {"y": NOISE.normal(size=300)})), "y")["duplicate_rows"]
    assert alike.status == "done"
    assert "100% of such groups differ in the target, so they are treated as different records" in alike.message

    common = {"x": [1.5] * 20 + [*NOISE.normal(size=280)], "y": [2.5] * 20 + [*NOISE.normal(size=280)]}
    one = checked(table(**common), "y")["duplicate_rows"]
    assert (one.status, one.value) == ("alerted", pytest.approx(19 / 300))
    assert "the most frequent one in 6.7% of all" in one.message

    parts = checked(table(**rare, part=["train", "test"] * 150), "y", split_column="part")["duplicate_rows"]
    assert parts.status == "alerted"
    assert "'part' may separate duplicates" in parts.message

    groups = [*NOISE.choice(["p", "q", "r"], 150).repeat(2)]
    assert checked(table(**rare, who=groups), "y", entity_column="who")["duplicate_rows"].status == "done"


def test_sorted_rows_are_reported_with_the_split(table: Table) -> None:
    y = np.sort(NOISE.normal(size=300))
    assert checked(table(**plain(y=y)), "y")["sorted_rows"].status == "alerted"
    who = [f"g{row % 9}" for row in range(300)]
    one = checked(table(**plain(y=y, who=who)), "y", entity_column="who", task=Task.REGRESSION)
    assert "rows with the same 'who' are in the same part" in one["sorted_rows"].message
    assert one["drift"].message.startswith("Hold-out rows are selected at random by 'who'")


def test_late_rows_that_differ_are_an_alert_before_anything_is_trained(table: Table) -> None:
    late = np.arange(600) >= 480
    dataset = table(
        when=range(600), calm=NOISE.normal(size=600), moved=NOISE.normal(size=600) + late, y=NOISE.normal(size=600)
    )
    one = checked(dataset, "y", time_column="when", task=Task.REGRESSION)["drift"]
    assert (one.status, one.columns, one.threshold) == ("alerted", ("moved",), 0.1)
    assert one.message.startswith("'moved' differs between the last 20% of the rows by 'when' and the earlier ones")
    assert "--kind 'moved=identifier'" in one.message


def test_parts_of_a_split_column_that_are_alike_pass_with_the_greatest_distance(table: Table) -> None:
    dataset = table(x=np.tile(NOISE.normal(size=300), 2), part=["train"] * 300 + ["test"] * 300, y=range(600))
    one = checked(dataset, "y", split_column="part")["drift"]
    assert (one.status, one.value, one.columns) == ("passed", 0.0, ("x",))
    assert "the hold-out and training rows of 'part'" in one.message


def test_a_series_alone_has_no_column_that_drifts(table: Table) -> None:
    one = checked(table(y=np.cumsum(NOISE.normal(size=300))), "y", task=Task.FORECASTING)["drift"]
    assert (one.status, one.value) == ("passed", None)


def test_the_record_holds_every_guardrail_of_the_data_and_of_the_choice(table: Table, book: ProvedBook) -> None:
    advice = advise(table(**plain(y=NOISE.normal(size=300))), Request(target="y"), book=book)
    names = {one.name for one in advice.record.guardrails}
    assert names > {one.name for one in advice.profile.guardrails}
    assert "more_columns_than_rows" in names
    assert advice.record.altered() == []


def test_a_record_holds_class_names_but_no_other_cell(table: Table, book: ProvedBook) -> None:
    rows = 120
    cells = {
        "name": [f"Xanthe Quimby {row}" for row in range(rows)],
        "address": [f"{row} Fnord Lane, Plonkville, third door to the left" for row in range(rows)],
        "town": [f"Zaptown {row % 60}" for row in range(rows)],
        "grade": [f"{('low', 'medium', 'high')[row % 3]} zeal" for row in range(rows)],
        "born": [f"1987-03-{1 + row % 28:02d}" if row % 20 else "brokendate" for row in range(rows)],
        "wage": [f"{row % 9 + 1},{100 + row}.75" for row in range(rows)],
        "mixed": [row % 50 if row % 9 else "brokenvalue" for row in range(rows)],
        "empty": ["lonelyvalue", *[None] * (rows - 1)],
        "health": ["sick", "well"] * (rows // 2),
    }
    record = advise(table(**cells), Request(target="health"), book=book).record.to_json()
    revealed = {
        str(value) for values in cells.values() for value in values if len(str(value)) > 3 and str(value) in record
    }
    assert revealed - {"None"} == {"sick", "well"}


def test_classes_of_a_single_row_are_kept_and_reported(table: Table) -> None:
    one = checked(table(**plain(y=NOISE.permutation(["a"] * 150 + ["b"] * 149 + ["c"]))), "y")["tiny_class"]
    assert (one.status, one.value) == ("alerted", 1)
    assert one.message.startswith(
        "1 class of 'y' has only one row, which is used for training, so the model cannot be evaluated"
    )
    two = checked(table(**plain(y=NOISE.permutation(["a"] * 150 + ["b"] * 148 + ["c", "d"]))), "y")["tiny_class"]
    assert two.message.startswith("2 classes of 'y' have only one row each")
