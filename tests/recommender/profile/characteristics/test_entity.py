"""Columns that say of whom a row is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from recommender.profile.characteristic import labelled_rows
from recommender.profile.characteristics.entity import EntityHint, find_entity
from recommender.profile.guardrails.entity import ENTITY_NAME
from recommender.profile.measure import measure
from recommender.roles.infer import infer_roles
from rules.decision.request import Request

Table = Callable[..., Dataset]
NOISE = np.random.default_rng(5)


def hint(dataset: Dataset, **fields: object) -> EntityHint | None:
    roles = infer_roles(dataset, Request(target="y", **fields))
    return find_entity(dataset, roles, labelled_rows(dataset, roles), dataset.summaries)


def visits(patients: int = 40, each: int = 5) -> dict[str, np.ndarray]:
    """Rows of patients in random order, each with an age, a height, and a measurement."""
    who = NOISE.permutation(np.repeat(np.arange(patients), each))
    ages, heights = NOISE.integers(20, 80, patients), NOISE.integers(150, 200, patients)
    noise = NOISE.normal(size=(2, len(who)))
    return {"who": who, "age": ages[who], "height": heights[who], "x": noise[0], "y": noise[1]}


@pytest.mark.parametrize("name", ["patient_id", "Speaker", "customerNo", "id"])
def test_a_repeated_column_with_an_entitys_name_is_found(table: Table, name: str) -> None:
    rows = visits()
    found = hint(table(**{name: rows["who"], "x": rows["x"], "y": rows["y"]}))
    assert found is not None
    assert (found.column, found.values, found.rows_each) == (name, 40, 5.0)


@pytest.mark.parametrize("name", ["customer_age", "category_id", "score", "year_id"])
def test_a_repeated_number_with_another_name_is_not(table: Table, name: str) -> None:
    rows = visits()
    assert hint(table(**{name: rows["who"], "x": rows["x"], "y": rows["y"]})) is None


def test_words_that_fix_two_other_columns_are_found_whatever_their_name(table: Table) -> None:
    rows = visits()
    names = [f"n{number:03}" for number in rows.pop("who")]
    found = hint(table(qui=names, **rows))
    assert found is not None
    assert (found.column, found.why) == ("qui", "determines 'age' and 'height', as a patient determines age and sex")
    rows["age"][3] += 1
    assert hint(table(qui=names, **rows)) is None


def test_another_name_of_the_same_thing_is_not_fixed_by_it(table: Table) -> None:
    rows = visits()
    names = [f"n{number:03}" for number in rows["who"]]
    numbers = rows["who"] + 7
    assert hint(table(qui=names, also=numbers, x=rows["x"], y=rows["y"])) is None


def test_equal_runs_of_rows_that_are_alike_are_found(table: Table) -> None:
    who = np.repeat(np.arange(15), 20)
    own = NOISE.normal(size=15)[who]
    rows = {"a": own + NOISE.normal(size=300), "b": -own + NOISE.normal(size=300), "y": NOISE.integers(0, 3, 300)}
    found = hint(table(V1=who, **rows))
    assert found is not None
    assert found.column == "V1"
    assert hint(table(year=who, **rows)) is None
    order = NOISE.permutation(300)
    assert hint(table(V1=who[order], **{name: values[order] for name, values in rows.items()})) is None


def test_the_factors_of_a_full_factorial_design_are_no_entities(table: Table) -> None:
    one, two = (part.ravel() for part in np.meshgrid(np.arange(12), np.arange(25), indexing="ij"))
    assert hint(table(one=one, two=two + 0.5, y=NOISE.normal(size=300))) is None


def test_a_named_entity_has_no_hint(table: Table) -> None:
    rows = visits()
    dataset = table(patient=rows["who"], x=rows["x"], y=rows["y"])
    assert hint(dataset, entity_column="patient") is None
    (one,) = (
        one
        for one in measure(dataset, infer_roles(dataset, Request(target="y", entity="patient"))).guardrails
        if one.name == ENTITY_NAME
    )
    assert (one.status, one.columns) == ("done", ("patient",))


def test_the_alert_names_the_option_as_a_shell_reads_it(table: Table) -> None:
    rows = visits()
    dataset = table(**{"patient [no]": rows["who"], "x": rows["x"], "y": rows["y"]})
    (one,) = (
        one for one in measure(dataset, infer_roles(dataset, Request(target="y"))).guardrails if one.name == ENTITY_NAME
    )
    assert one.status == "alerted"
    assert one.message.endswith("train with --entity 'patient [no]'.")
