"""Metrics and losses of other packages, and registered ones."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from recommender import example, recommend
from recommender.cli.options import read_pins
from rules import (
    ChoiceError,
    CustomMetric,
    LossFunction,
    MetricFunction,
    Pin,
    Slot,
    Task,
    register_loss,
    register_metric,
)
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import load_function, parse_choice
from tests.packages import METRIC, write_package

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package with a metric and a loss."""
    return write_package(tmp_path / "site", monkeypatch)


def test_a_metric_of_a_package_is_a_choice_with_distribution_version_and_digest(package: Path) -> None:
    (pin,) = read_pins(["metric=my_brier"], ["as agreed"])
    digest = hashlib.sha256((package / "my_package.py").read_bytes()).hexdigest()
    assert pin.choice == CustomMetric(
        function="my_brier",
        direction="min",
        reads="probabilities",
        tasks=(Task.BINARY,),
        distribution="my-package",
        version="1.2",
        digest=f"sha256:{digest}",
    )
    assert str(pin.choice) == "my_brier (my-package 1.2)"
    assert load_function(pin.choice).function.__name__ == "brier"


def test_a_bundle_with_a_metric_of_a_package_is_read_without_it_and_a_training_names_it(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = Pin(slot=Slot.METRIC, choice=parse_choice(Slot.METRIC, "my_brier"), reason="as agreed")
    advice = recommend(example("breast_cancer"), target="diagnosis", pins=[pin])
    assert advice.record.bundle["metric"]["version"] == "1.2"
    file = tmp_path / "bundle.yaml"
    file.write_text(advice.bundle.to_yaml(), encoding="utf-8")
    monkeypatch.undo()  # uninstalls the package
    bundle = Bundle.read(file)
    assert bundle == advice.bundle
    with pytest.raises(ChoiceError, match=r"is not installed, but its function is needed. Install my-package 1.2."):
        load_function(bundle.metric)
    with pytest.raises(ChoiceError, match=r"must be one of accuracy, .*, but got 'my_brier'"):
        parse_choice(Slot.METRIC, "my_brier")
    assert (package / "my_package.py").exists()


def test_a_metric_whose_source_file_has_changed_is_refused(package: Path) -> None:
    before = parse_choice(Slot.METRIC, "my_brier")
    with (package / "my_package.py").open("a", encoding="utf-8") as module:
        module.write("# changed\n")
    with pytest.raises(ChoiceError, match=r"'my_brier' has changed: .* start a new run with --pin metric=my_brier"):
        load_function(before)


def test_a_choice_of_a_package_is_refused_for_another_task(package: Path) -> None:  # noqa: ARG001
    pin = Pin(slot=Slot.METRIC, choice=parse_choice(Slot.METRIC, "my_brier"), reason="as agreed")
    with pytest.raises(ChoiceError, match="metric 'my_brier' is defined for binary, but the task is multiclass"):
        recommend(example("wine"), target="cultivar", pins=[pin])


@pytest.mark.parametrize(
    ("module", "pinned", "message"),
    [
        ("my_brier = lambda true, predicted: 0.0", "my_brier", "must be a MetricFunction, but is a function. Wrap the"),
        ("import no_such_module", "my_brier", "my-package cannot be imported: ModuleNotFoundError: No module named"),
        (METRIC, "accuracy", "'accuracy' of the package my-package has the name of a shipped one"),
        (METRIC, "{name: my_brier, level: 1}", "'my_brier' takes no parameters, but got 'level'"),
        (METRIC, "my_bier", r"but got 'my_bier'. Did you mean 'my_brier'\?"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, pinned: str, message: str
) -> None:
    write_package(tmp_path / "site", monkeypatch, module=module, names=["accuracy"])
    with pytest.raises(ChoiceError, match=message):
        read_pins([f"metric={pinned}"], ["as agreed"])


def test_two_packages_with_the_same_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("my-package", "your-package"):
        write_package(tmp_path / name, monkeypatch, name=name)
    with pytest.raises(ChoiceError, match=r"'my_brier' is in several packages: your-package, my-package"):
        parse_choice(Slot.METRIC, "my_brier")


def error(true: object, predicted: object) -> float:
    return float(true != predicted)


def test_a_registered_function_is_a_choice_in_this_process() -> None:
    own = MetricFunction(error, direction="max")
    choice = register_metric("my_error", own)
    assert parse_choice(Slot.METRIC, "my_error") == choice
    assert (choice.direction, choice.distribution, choice.version) == ("max", None, None)
    assert choice.digest is not None
    assert load_function(choice) is own
    register_metric("my_error", MetricFunction(max, direction="max"))
    with pytest.raises(ChoiceError, match="the bundle has that of this program"):
        load_function(choice)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("accuracy", "has the name of a shipped one"),
        ("custom", "has the name of a shipped one"),
        ("My cost", "must consist of lower-case letters, digits and _, but got 'My cost'"),
    ],
)
def test_a_name_that_is_taken_or_cannot_be_written_is_refused(name: str, message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        register_metric(name, MetricFunction(error, direction="min"))


def test_a_function_needs_a_direction_and_tasks_that_exist() -> None:
    with pytest.raises(ChoiceError, match="must be max or min, but got 'down'"):
        MetricFunction(error, direction="down")
    with pytest.raises(ChoiceError, match="tasks must be some of binary"):
        MetricFunction(error, direction="min", tasks=["ranking"])
    with pytest.raises(ChoiceError, match="must be of classes or of numbers, but got binary, regression"):
        LossFunction(error, tasks=["binary", "regression"])
    with pytest.raises(ChoiceError, match="must be a LossFunction, but is a MetricFunction"):
        register_loss("my_loss", MetricFunction(error, direction="min"))
