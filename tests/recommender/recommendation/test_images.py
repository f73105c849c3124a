"""What is recommended for images, and which part they may play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.formats.arrays import Images
from recommender.profile.measure import measure
from recommender.recommendation.recommend import recommend
from recommender.recommendation.training_work import Sizes
from recommender.recommendation.trial_budget import trial_budget
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.errors import ColumnError, TargetError
from rules.vocabulary.choices import Holdout, Standard
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Modality, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 60


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., Path]:
    """Writes sixty noisy images of two classes, and further arrays."""

    def write(**arrays: Any) -> Path:
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (ROWS, 8, 8), dtype=np.uint8)
        path = tmp_path / "images.npz"
        np.savez(path, **{"X": pixels, "y": np.repeat(["cat", "dog"], ROWS // 2), **arrays})
        return path

    return write


def test_images_are_recommended_what_the_rules_for_images_say(images: Callable[..., Path]) -> None:
    advice = recommend(images(), target="y", trials=20)
    assert advice.profile.modality is Modality.IMAGE
    assert advice.roles.columns["X"].reason == "an array of images, 8 x 8 pixels, grey"
    rules = {slot.value: decision.rules for slot, decision in advice.strategy.decisions.items()}
    assert (rules["initializer"], rules["optimizer"]) == (("W006",), ("A103",))
    assert "T004" in rules["tuner"]
    assert advice.record.dataset.kinds == {"X": "image", "y": "categorical"}


def test_other_columns_of_images_are_features(images: Callable[..., Path]) -> None:
    with Dataset.open(images(size=np.arange(ROWS) % 7, number=np.arange(ROWS))) as dataset:
        roles = infer_roles(dataset, Request(target="y"))
        assert roles.features == ("X", "size")
        assert measure(dataset, roles).modality is Modality.IMAGE


def test_images_that_are_left_out_leave_a_table(images: Callable[..., Path]) -> None:
    with Dataset.open(images(size=np.arange(ROWS) % 7)) as dataset:
        roles = infer_roles(dataset, Request(target="y", kinds={"X": Kind.IDENTIFIER}))
        assert roles.features == ("size",)
        assert measure(dataset, roles).modality is Modality.TABULAR


def test_an_array_of_split_values_divides_the_images(images: Callable[..., Path]) -> None:
    with Dataset.open(images(split=np.tile(["train", "train", "test"], ROWS // 3))) as dataset:
        roles = infer_roles(dataset, Request(target="y"))
        assert (roles.split_column, roles.features) == ("split", ("X",))
        drift = next(one for one in measure(dataset, roles).guardrails if one.name == "drift")
    assert drift.message.startswith("No drift between the hold-out and training rows of 'split'")


def test_darker_images_in_the_hold_out_set_are_reported(images: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (ROWS * 10, 8, 8), dtype=np.uint8)
    part = np.tile(["train", "test"], ROWS * 5)
    pixels[part == "test"] //= 2
    path = images(X=pixels, y=np.repeat(["cat", "dog"], ROWS * 5), split=part)
    with Dataset.open(path) as dataset:
        roles = infer_roles(dataset, Request(target="y"))
        drift = next(one for one in measure(dataset, roles).guardrails if one.name == "drift")
    assert drift.status == "alerted"
    assert "differ between the hold-out and training rows of 'split'" in drift.message
    assert drift.message.endswith("Check the source of these images.")


def test_copies_of_images_are_counted(images: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (ROWS, 8, 8), dtype=np.uint8)
    pixels[:3] = pixels[3:6]
    with Dataset.open(images(X=pixels)) as dataset:
        share = measure(dataset, infer_roles(dataset, Request(target="y"))).get("duplicate_share")
    assert share is not None
    assert share.value == 3 / ROWS


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"targets": ("X",)}, TargetError, r"target must be a column of plain values, but 'X' .* contains images"),
        ({"targets": ("z",)}, TargetError, r"target must be a column of images\.npz, but got 'z'\. Columns: X, y"),
        ({"targets": ("y",), "entity_column": "X"}, ColumnError, r"entity column must be a column of plain values"),
        ({"targets": ("y",), "kinds": {"X": Kind.NUMERIC}}, ColumnError, r"its kind cannot be numeric\. Remove --kind"),
        ({"targets": ("y",), "kinds": {"y": Kind.IMAGE}}, ColumnError, r"'y' has the type VARCHAR\. Choose another"),
        ({"targets": ("size",), "task": Task.FORECASTING}, TargetError, r"but the dataset contains images"),
    ],
)
def test_a_part_that_images_cannot_play_is_refused(
    images: Callable[..., Path], fields: dict[str, Any], error: type[Exception], says: str
) -> None:
    with Dataset.open(images(size=np.arange(ROWS) * 1.5)) as dataset, pytest.raises(error, match=says):
        infer_roles(dataset, Request(**fields))


def test_the_images_are_not_proposed_as_a_target(images: Callable[..., Path]) -> None:
    with Dataset.open(images()) as dataset:
        assert infer_roles(dataset).targets == ("y",)


@pytest.mark.parametrize(
    ("side", "rows", "budget", "trials"),
    [
        (32, 1_000, 200.0, 1 + 4),  # 640 rows train for 90 epochs, 505.7 µs a row: 29.1 s of 200 - 6 - 4 - 30 s
        (64, 1_000, 200.0, 1 + 3),  # 690.0 µs, since the first convolution halves the image: 39.7 s
        (28, 70_000, 60.0, 1),  # a smaller network for fewer epochs takes all the time
    ],
)
def test_a_trial_on_images_takes_time_by_their_size(side: int, rows: int, budget: float, trials: int) -> None:
    images = Images(name="X", height=side, width=side, channels=3)
    sizes = Sizes(rows=rows, columns=1, images=images)
    measured = trial_budget(sizes, architecture=Standard(), validation=Holdout(), budget=budget, trials=None)
    assert measured.value == trials
