"""Profiles of samples of large Parquet files: exact facts, intervals, and exact measurements where a choice depends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from recommender.audit.replay import replay
from recommender.audit.subject import Subject
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers import row_parts
from recommender.profile import whole
from recommender.recommendation.recommend import open_dataset, open_to_profile, recommend
from recommender.roles.infer import infer_roles
from rules.decision.request import Request

if TYPE_CHECKING:
    from pathlib import Path

    from recommender.profile.profile import Profile

ROWS = 4_000


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_parts, "MAX_EXACT_ROWS", 1_000)
    monkeypatch.setattr(row_parts, "DRAWN_ROWS", 800)
    monkeypatch.setattr(whole, "DRAWN_ROWS", 800)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two Parquet files of 4,000 rows: a number with 10 % missing values, single floats, words, two targets."""
    random = np.random.default_rng(5)
    number = random.normal(size=ROWS)
    price = random.normal(size=ROWS)
    price[: ROWS // 100 + 1] = 5.0  # 1 % outliers: at the threshold of a rule
    table = pa.table(
        {
            "number": pa.array(number, mask=random.random(ROWS) < 0.1),
            "single": pa.array(np.round(number, 1), pa.float32()),
            "word": random.choice(["red", "blue", ""], ROWS),
            "row": np.arange(ROWS),
            "price": random.permutation(price),
            "label": random.choice(["yes", "no"], ROWS, p=[0.2, 0.8]),
        }
    )
    parquet.write_table(table.slice(0, 1_500), tmp_path / "1.parquet", row_group_size=400)
    parquet.write_table(table.slice(1_500), tmp_path / "2.parquet")
    return tmp_path / "*.parquet"


def whole_profile(files: Path, target: str) -> Profile:
    with open_dataset(str(files), Request(target=target)) as dataset:
        return recommend(dataset, target=target).profile


def test_facts_of_the_target_are_exact_and_others_have_an_interval(files: Path) -> None:
    advice, exact = recommend(files, target="label"), whole_profile(files, "label")
    assert advice.record.dataset.rows == ROWS
    assert advice.record.dataset.digest == recommend(files, target="label").record.dataset.digest
    with open_dataset(str(files), Request()) as dataset:
        assert advice.record.dataset.digest == dataset.digest
    for name in ("classes", "imbalance_ratio", "minority_class_rows", "rows of yes"):
        found = advice.profile.get(name, target="label")
        assert found == exact.get(name, target="label")
    missing, true = advice.profile.get("missing_share"), exact.get("missing_share")
    assert missing is not None
    assert true is not None
    assert true.low is None
    assert missing.low < true.value < missing.high
    assert missing.sample is not None
    assert 600 < missing.sample < 1_000
    fact = advice.strategy.facts["missing_share"]
    assert (fact.low, fact.high) == (missing.low, missing.high)
    assert fact.source == f"counted on {missing.sample:,} rows, drawn at random from 4,000"
    said = next(one.message for one in advice.record.guardrails if one.name == "sample")
    assert said == (
        f"The profile is measured on {missing.sample:,} of 4,000 rows, drawn at random (seed 0). Counted on all rows: "
        "rows, classes, imbalance_ratio, minority_class_rows."
    )
    assert advice.roles.columns["row"].kind == "identifier"  # it counts the rows of the files, not of the sample


def test_a_fact_on_which_a_choice_depends_is_measured_on_all_rows(files: Path) -> None:
    advice, exact = recommend(files, target="price"), whole_profile(files, "price")
    fact = advice.strategy.facts["outlier_share"]
    assert fact.low is None
    assert fact.value == pytest.approx(0.01025, abs=0.001)
    assert fact.source.startswith("counted on 4,000 rows, median and deviation of ")
    fragile = {one.fact for decision in advice.strategy.decisions.values() for one in decision.fragile}
    assert fragile <= {"trial_budget"}
    assert str(advice.bundle.metric) == str(recommend_whole(files, "price"))
    for name in ("target_skew", "squared_deviation_top_share", "minimum", "zero_share"):
        found, true = advice.profile.get(name, target="price"), exact.get(name, target="price")
        assert found is not None
        assert true is not None
        assert found.value == pytest.approx(true.value)
        assert found.how == true.how


def recommend_whole(files: Path, target: str) -> object:
    with open_dataset(str(files), Request(target=target)) as dataset:
        return recommend(dataset, target=target).bundle.metric


def test_the_same_seed_draws_the_same_rows_of_equal_probability(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = (recommend(files, target="label") for _ in range(2))
    assert first.profile == again.profile
    layers = tuple(first.record.book.layers)
    again_measured = replay(Subject(record=first.record, path=None, layers=layers))
    assert again_measured.facts == ()
    assert "which is unchanged" in again_measured.measured
    monkeypatch.setattr(row_parts, "SAMPLE_SEED", 1)
    other = recommend(files, target="label").profile
    assert other.get("missing_share") != first.profile.get("missing_share")
    drawn = np.zeros(ROWS, int)
    for seed in range(40):
        monkeypatch.setattr(row_parts, "SAMPLE_SEED", seed)
        sample = row_parts.find_row_sample(files)
        assert sample is not None
        with Dataset.open(sample) as dataset:
            drawn[dataset.connection.execute("SELECT row FROM dataset").fetchnumpy()["row"]] += 1
    assert drawn.mean() == pytest.approx(8, abs=0.2)
    assert drawn.var() == pytest.approx(40 * 0.2 * 0.8, rel=0.1)  # binomial, so rows are independent


def test_rows_that_belong_together_are_read_whole(files: Path, tmp_path: Path) -> None:
    def is_sampled(path: Path, request: Request) -> bool:
        with open_to_profile(path, request) as dataset:
            infer_roles(dataset, request)
            return dataset.drawn is not None

    assert is_sampled(files, Request(target="label"))
    assert not is_sampled(files, Request(target="label", time="row"))
    assert not is_sampled(files, Request(target="label", missing=("red",)))
    table = parquet.read_table(tmp_path / "2.parquet")
    parquet.write_table(table.slice(0, 900), tmp_path / "small.parquet")
    assert not is_sampled(tmp_path / "small.parquet", Request(target="label"))


def test_repeated_rows_are_counted_among_all_rows(tmp_path: Path) -> None:
    number = np.random.default_rng(1).normal(size=2_000)
    table = pa.table({"number": number, "label": np.where(number > 0, "yes", "no")})
    parquet.write_table(pa.concat_tables([table] * 2), tmp_path / "twice.parquet")
    found = recommend(tmp_path / "twice.parquet", target="label").profile.get("duplicate_share")
    assert found is not None
    assert found.value == 0.5  # one in five rows of a sample has its copy there, too
    assert found.low is not None
