import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import datasets

from recommender.dataset.dataset import Dataset
from recommender.profile import characteristic
from recommender.profile.facts import facts
from recommender.profile.measure import measure
from recommender.profile.profile import Profile
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, Interval, Measurement, Modality, Task

Table = Callable[..., Dataset]
BUDGET = Measurement(value=10, source="given")
NOISE = np.random.default_rng(21)


def profiled(dataset: Dataset, *targets: str, **fields: object) -> Profile:
    return measure(dataset, infer_roles(dataset, Request(target=targets, **fields)))


def values(profile: Profile) -> dict[str, object]:
    return {name: one.value for name, one in facts(profile, trial_budget=BUDGET).items()}


def found(profile: Profile) -> dict[str, str]:
    return {one.name: one.message for one in profile.findings}


def test_the_facts_of_a_binary_table_by_hand(table: Table) -> None:
    dataset = table(a=[None, 0, 0, 2.5, *[1.5] * 16], b=["p", "q"] * 10, y=["no"] * 15 + ["yes"] * 5)
    assert values(profiled(dataset, "y")) == {
        "task": "binary",
        "modality": "tabular",
        "rows": 20,
        "effective_row_share": 1.0,
        "cost_ratio": 1.0,
        "features": 2,
        "classes": 2,
        "imbalance_ratio": 3.0,
        "minority_class_rows": 5,
        "outlier_share": NOT_APPLICABLE,
        "squared_deviation_top_share": NOT_APPLICABLE,
        "target_skew": NOT_APPLICABLE,
        "missing_share": 1 / 40,
        "sparsity": 2 / 19,
        "trial_budget": 10,
        "mirror_agreement": 0.0,
        "text_words": 0.0,
        "split": "random",
        "gradient_flow": "unmeasured",
        **{name: NOT_APPLICABLE for name, fact in FACTS.items() if fact.tasks == {Task.FORECASTING}},
    }


def test_every_fact_lies_in_its_domain() -> None:
    iris, diabetes = datasets.load_iris(), datasets.load_diabetes()
    for bunch in (iris, diabetes):
        frame = pl.DataFrame(bunch.data, schema=[f"x{place}" for place in range(bunch.data.shape[1])])
        with Dataset.open(frame.with_columns(y=pl.Series(bunch.target))) as dataset:
            for name, one in facts(profiled(dataset, "y"), trial_budget=BUDGET).items():
                domain = FACTS[name].domain
                if one.value is NOT_APPLICABLE:
                    assert not FACTS[name].applies_to("multiclass" if bunch is iris else "regression")
                elif isinstance(domain, Interval):
                    assert one.value in domain
                else:
                    assert one.value in domain.values
                assert one.source


def test_rows_without_a_target_are_left_out_of_everything(table: Table) -> None:
    dataset = table(a=[0, 0, 0, 1.5, 2.5] * 10, b=[None, 1, 2, 3, 4] * 10, y=[None, 1.5, 2.5, 4.5, 9.5] * 10)
    profile = profiled(dataset, "y")
    assert values(profile) | {"rows": 40, "sparsity": 20 / 80, "missing_share": 0.0} == values(profile)
    assert found(profile)["rows_without_target"].startswith("10 of 50 rows")


def test_the_words_of_all_text_columns_of_a_row_are_counted_together(table: Table) -> None:
    texts = [f"word{row} and three more words" for row in range(200)]
    longer = [f"{text} and word{200 - row}" for row, text in enumerate(texts)]
    alone, combined = (
        profiled(table(a=texts, y=[0, 1] * 100), "y"),
        profiled(table(a=texts, b=longer, y=[0, 1] * 100), "y"),
    )
    assert (alone.modality, combined.modality) == ("text", "text")
    assert [profile.get("text_words").value for profile in (alone, combined)] == [5.0, 12.0]
    assert profiled(table(a=texts, n=NOISE.normal(size=200), y=[0, 1] * 100), "y").modality == "tabular"
    assert profiled(table(n=NOISE.normal(size=20), y=[0, 1] * 10), "y").get("text_words") is None


def test_of_several_labels_the_worst_counts(table: Table) -> None:
    dataset = table(a=[0, 1] * 10, b=[1] * 18 + [0] * 2, x=NOISE.normal(size=20))
    profile = profiled(dataset, "a", "b")
    assert profile.task is Task.MULTILABEL
    assert (values(profile)["imbalance_ratio"], values(profile)["minority_class_rows"]) == (9.0, 2)
    assert values(profile)["classes"] is NOT_APPLICABLE


def test_of_several_numbers_the_furthest_skew_counts(table: Table) -> None:
    right, left = np.exp(NOISE.normal(size=200)), -np.exp(2 * NOISE.normal(size=200))
    profile = profiled(table(a=right, b=left, x=NOISE.normal(size=200)), "a", "b")
    skews = [profile.get("target_skew", target=target).value for target in ("a", "b")]
    assert values(profile)["target_skew"] == min(skews)


def test_a_forecast_learns_from_its_own_past(table: Table) -> None:
    months = [f"{1990 + month // 12}-{month % 12 + 1:02d}-01" for month in range(120)]
    profile = profiled(table(when=months, y=np.cumsum(NOISE.normal(size=120))), "y")
    assert (values(profile)["features"], values(profile)["modality"]) == (1, Modality.SEQUENCE)
    measured = {one.name: one.value for one in profile.characteristics}
    assert measured["time_column"] == "when"
    assert (measured["step"], measured["regular_step_share"], measured["gaps"]) == ("1 months", 1.0, 0)
    assert {"autocorrelation", "ljung_box_p", "season_autocorrelation"} <= set(measured)


def test_a_table_of_text_is_text(table: Table) -> None:
    texts = [f"this is the review number {row} of many" for row in range(60)]
    assert profiled(table(review=texts, y=["bad", "good"] * 30), "y").modality is Modality.TEXT


def test_what_is_estimated_on_a_sample_carries_an_interval_and_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characteristic, "SAMPLE_ROWS", 1_000)
    y = np.concatenate([NOISE.normal(size=9_600), NOISE.normal(size=200) + 30, NOISE.normal(size=200) - 30])
    NOISE.shuffle(y)
    with Dataset.open(pl.DataFrame({"x": NOISE.normal(size=10_000), "y": y})) as dataset:
        share = facts(profiled(dataset, "y"), trial_budget=BUDGET)["outlier_share"]
    assert isinstance(share.value, float)
    assert share.low < 0.04 < share.high
    assert share.low < share.value < share.high
    assert re.fullmatch(r"measured on (99\d|1,00\d) rows evenly spread over 10,000", share.source)


def test_what_is_counted_on_all_rows_has_no_interval(table: Table) -> None:
    one = facts(profiled(table(x=[1.5, 2.5] * 20, y=NOISE.normal(size=40)), "y"), trial_budget=BUDGET)["outlier_share"]
    assert (one.low, one.high) == (None, None)


def test_leaks_are_found_in_numbers_and_in_categories(table: Table) -> None:
    y = NOISE.integers(0, 2, 400)
    profile = profiled(
        table(
            fair=y + NOISE.normal(size=400),
            leak=y * 10 + NOISE.normal(size=400),
            code=[f"{'yn'[label]}{row % 5}" for row, label in enumerate(y)],
            y=y,
        ),
        "y",
    )
    suspects = {one.columns[0]: one for one in profile.findings if one.name == "leakage"}
    assert set(suspects) == {"leak", "code"}
    assert suspects["leak"].threshold == 0.995
    assert "--kind 'leak=identifier'" in suspects["leak"].message


def test_a_copy_of_a_numeric_target_is_to_be_left_out_and_a_near_copy_to_be_checked(table: Table) -> None:
    y = NOISE.normal(size=400)
    profile = profiled(
        table(copy=2 * y, near=y + 0.2 * NOISE.normal(size=400), fair=y + 0.5 * NOISE.normal(size=400), y=y), "y"
    )
    suspects = {one.columns[0]: one.threshold for one in profile.findings if one.name == "leakage"}
    assert suspects == {"copy": 0.99, "near": 0.95}


def test_a_column_that_is_rarely_known_is_not_suspected(table: Table) -> None:
    y = [0, 1] * 50
    rare = [label if row < 10 else None for row, label in enumerate(y)]
    assert "leakage" not in found(profiled(table(rare=rare, x=NOISE.normal(size=100), y=y), "y"))


def test_findings_name_what_was_done(table: Table) -> None:
    rows = 120
    profile = profiled(
        table(
            id=range(1, rows + 1),
            same=["k"] * rows,
            bare=[None] * 118 + [1, 2],
            gappy=[None, 1.5, 2.5] * 40,
            city=[f"c{row % 60}" for row in range(rows)],
            digits=["1", "2", "3", "x", "5"] * 24,
            y=["a"] * 110 + ["b"] * 10,
        ),
        "y",
    )
    messages = found(profile)
    assert set(messages) == {
        "few_rows", "duplicate_rows", "tiny_class", "sorted_rows", "identifiers", "constants", "mostly_empty",
        "missing_cells", "many_levels", "numbers_as_words", "entity",
    }  # fmt: skip
    assert "'id'" in messages["identifiers"]
    assert "'bare'" in messages["mostly_empty"]
    assert "10 rows (fewer than 30)" in messages["tiny_class"]


def test_copies_are_counted_without_their_identifiers(table: Table) -> None:
    dataset = table(id=range(1, 101), x=[1, 2, 3, 4] * 25, w=["a", "b", "c", "d"] * 25, y=[0, 1, 0, 1] * 25)
    one = profiled(dataset, "y").get("duplicate_share")
    assert one is not None
    assert one.value == 96 / 100


def test_skew_and_outliers_are_distinguished(table: Table) -> None:
    x = NOISE.normal(size=1_000)
    normal = np.random.default_rng(3).normal(size=1_000)
    skewed = found(profiled(table(x=x, y=np.exp(0.6 * normal)), "y"))
    assert "skewed_target" in skewed
    assert "target_outliers" not in skewed
    assert "outliers. If it is never negative" in skewed["skewed_target"]
    tail = found(profiled(table(x=x, y=np.exp(2 * normal)), "y"))["skewed_target"]
    assert "of the squared deviations (at least 30%). The rules may choose MAE and a robust loss" in tail
    y = np.concatenate([NOISE.normal(size=960), np.full(20, 40.0), np.full(20, -40.0)])
    assert "target_outliers" in found(profiled(table(x=x, y=NOISE.permutation(y)), "y"))


def test_hostile_names_and_values_are_measured_as_any_others(table: Table) -> None:
    names = [
        'a"b',
        "a'b",
        "a/b",
        "é y",
        "value",
        "name",
        "position",
        "entity",
        "t",
        "first",
        "y",
        "sample",
        "__class__",
    ]
    columns = {name: NOISE.normal(size=60) for name in names}
    dataset = table(**columns, **{"'; DROP TABLE dataset; --": ["it's", 'q"', "%s"] * 20, "goal": ["b'x", 'b"x'] * 30})
    profile = profiled(dataset, "goal")
    assert values(profile)["rows"] == 60
    assert {one.column for one in profile.columns} == set(dataset.columns)
    assert profiled(dataset, "first").get("target_skew", target="first") is not None


def test_a_profile_is_written_and_read_again(table: Table) -> None:
    profile = profiled(table(a=NOISE.normal(size=40), b=["x", "y"] * 20), "b")
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_each_column_is_listed_with_its_part(table: Table) -> None:
    dataset = table(id=range(1, 41), x=NOISE.normal(size=40), who=["a", "b"] * 20, y=NOISE.normal(size=40))
    profile = profiled(dataset, "y", entity_column="who")
    assert [(one.column, one.part) for one in profile.columns] == [
        ("id", "unused"), ("x", "feature"), ("who", "entity"), ("y", "target"),
    ]  # fmt: skip
    assert profile.columns[0].kind is Kind.IDENTIFIER


def test_a_profile_needs_neither_frameworks_nor_numpy(tmp_path: object) -> None:
    path = f"{tmp_path}/t.csv"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123  tmp_path is only text here
        file.write("x,y\n" + "".join(f"{row % 7 + 0.5},{row % 2}\n" for row in range(60)))
    script = (
        "import sys\n"
        "from recommender.dataset.dataset import Dataset\n"
        "from recommender.profile.measure import measure\n"
        "from recommender.roles.infer import infer_roles\n"
        f"with Dataset.open({path!r}) as dataset:\n"
        "    measure(dataset, infer_roles(dataset))\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'pyarrow', 'tensorflow', 'keras', 'keras_tuner'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_declared_time_that_repeats_is_reported(table: Table) -> None:
    dataset = table(day=[row // 4 for row in range(120)], y=np.cumsum(NOISE.normal(size=120)))
    profile = profiled(dataset, "y", time_column="day")
    assert profile.task is Task.FORECASTING
    assert found(profile)["repeated_times"].startswith("90 rows have the same 'day' as the previous row")
    assert "sorted_rows" not in found(profile)


def test_numbers_among_the_names_of_a_text_file_are_reported(tmp_path: Path) -> None:
    rows = "".join(f"{row % 7}.5,{row % 3},{'pq'[row % 2]}\n" for row in range(60))
    for names, quoted in {
        "1.288,1.449,a": "'1.288', '1.449'",
        "1,b,c": "'1'",
        "a,b,c": None,
        "a1,inf,nan": None,
    }.items():
        path = tmp_path / "table.csv"
        path.write_text(f"{names}\n{rows}", encoding="utf-8")
        with Dataset.open(path) as dataset:
            message = found(profiled(dataset, dataset.columns[-1])).get("numbers_as_names")
        assert (
            message is None
            if quoted is None
            else f"but contains numbers: {quoted}. If it is a data row" in str(message)
        )


@pytest.mark.parametrize(
    ("values", "use"),
    [
        ([f"{row},037.5" for row in range(1, 61)], None),
        ([f"{row},5" for row in range(60)], "decimal commas"),
        ([f"{row},125" for row in range(1, 61)], "thousands separators or decimal commas"),
        ([f"{row},{row},5" for row in range(60)], None),
        ([f"{row}.5" for row in range(60)], None),
    ],
)
def test_numbers_that_are_text_because_of_commas_are_reported(table: Table, values: list[str], use: str | None) -> None:
    dataset = table(a=values, x=np.round(NOISE.normal(size=60), 6), y=["p", "q"] * 30)
    message = found(profiled(dataset, "y")).get("numbers_with_commas")
    assert message is None if use is None else str(message).startswith(f"'a' has numbers with {use} and is read")


def test_rows_of_weight_0_are_left_out_and_the_effective_rows_are_kishs(table: Table) -> None:
    dataset = table(a=NOISE.normal(size=40), w=[0, 1, 1, 2] * 10, y=["no", "yes"] * 20)
    profile = profiled(dataset, "y", weight="w")
    measured = values(profile)
    assert (measured["rows"], measured["minority_class_rows"]) == (30, 10)
    assert measured["effective_row_share"] == pytest.approx((1 + 1 + 2) ** 2 / 3 / (1 + 1 + 4))  # 40² / (30 · 60)
    assert profile.get("unlabelled_rows").value == 0  # type: ignore[union-attr]  # it is measured
    assert {one.column: one.part for one in profile.columns}["w"] == "weight"
    assert found(profile)["weights"] == (
        "'w' weights the rows and is not a feature. The 30 rows make scores as certain as 27 rows of equal weight. "
        "10 rows with weight 0 were left out."
    )
