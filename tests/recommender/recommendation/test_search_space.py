"""The search space of the user: its grammar, its errors, and the choices of trials."""

from __future__ import annotations

import pytest

from recommender.recommendation.search_space import parse_space, with_search
from rules import (
    R2,
    Adam,
    Bundle,
    CategoricalCrossentropy,
    ChoiceError,
    Custom,
    He,
    Hyperband,
    Hyperparameter,
    LogLoss,
    Manual,
    MseLoss,
    Pin,
    Random,
    Range,
    Relu,
    SgdMomentum,
    Slot,
)
from rules.decision.engine import alternatives, check_bundle, complete_facts
from rules.proof.proved_book import load_book
from rules.vocabulary.facts import Measurement


def bundle_of(space: object, **choices: object) -> Bundle:
    own = {"metric": LogLoss(), "loss": CategoricalCrossentropy(), "tuner": Random()} | choices
    optimizer = Adam(schedule="cosine", learning_rate=0.002)
    return Bundle(activation=Relu(), initializer=He(), optimizer=optimizer, hyperparameters=parse_space(space), **own)


def test_texts_and_a_mapping_give_the_same_space() -> None:
    texts = ["units=[64,512]", "dropout=0..0.5", "learning_rate=1e-4..1e-2:log", "optimizer=[adam,{name: sgd}]"]
    mapping = {"units": [64, 512], "dropout": Range(low=0, high=0.5), "learning_rate": "1e-4..1e-2:log"}
    space = parse_space(texts)
    assert space == parse_space({**mapping, "optimizer": ["adam", {"name": "sgd"}]})
    assert space.varied == (
        "learning_rate=0.0001..0.01:log",
        "units=[64,512]",
        "dropout=0..0.5",
        "optimizer=[adam,{name: sgd}]",
    )
    assert parse_space(space.varied) == space
    assert Custom.model_validate_json(space.model_dump_json()) == space


def test_ranges_of_factors_are_logarithmic_unless_they_start_at_zero() -> None:
    ten, zero = Range(low=1, high=10), Range(low=0, high=10)
    kinds = {name: ten.is_log(Hyperparameter(name)) for name in ("units", "learning_rate", "layers", "dropout")}
    assert kinds == {"units": True, "learning_rate": True, "layers": False, "dropout": False}
    assert not zero.is_log(Hyperparameter.WEIGHT_DECAY)
    assert not Range(low=1, high=10, scale="linear").is_log(Hyperparameter.UNITS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unit=[1]", "no hyperparameter 'unit'. Did you mean 'units'"),
        ("units", "must be NAME="),
        ("units=5", "must be NAME="),
        ("units=[]", "at least one value"),
        ("units=[64,64]", "lists a value twice"),
        ("units=['64']", "units got the value '64': input should be a valid integer"),
        ("units=[true]", "valid integer"),
        ("units=1..2.5", "whole numbers"),
        ("dropout=0.5..0.1", "range 0.5..0.1 is empty"),
        ("dropout=0..1", "less than 1"),
        ("learning_rate=0..1:log", "greater than 0"),
        ("learning_rate=1e-4..1:loq", "linear or log"),
        ("learning_rate=a..1", "ends of a range are numbers"),
        ("schedule=0..1", "no range, because its values are words"),
        ("schedule=[cosin]", "'cosine'"),
        ("optimizer=[adm]", "Did you mean 'adam'"),
        ("initializer=[zeros]", "not allowed"),
        ("loss=[3]", "takes names of choices"),
        ("units=[1", "not valid YAML"),
    ],
)
def test_an_error_of_a_space_is_one_sentence_with_the_remedy(text: str, message: str) -> None:
    with pytest.raises(ChoiceError) as caught:
        parse_space([text])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_slot_is_pinned_or_searched_and_not_both() -> None:
    def pin(choice: object, slot: Slot) -> list[Pin]:
        return [Pin(slot=slot, choice=choice, reason="test")]

    with pytest.raises(ChoiceError, match="optimizer is pinned and searched"):
        with_search(pin(Adam(), Slot.OPTIMIZER), ["optimizer=[adam]"])
    with pytest.raises(ChoiceError, match="which are pinned, too"):
        with_search(pin(Custom(), Slot.HYPERPARAMETERS), ["units=[1]"])
    with pytest.raises(ChoiceError, match="list of configurations"):
        with_search(pin(Manual(configurations=({"units": 1},)), Slot.TUNER), ["units=[1]"])
    with pytest.raises(ChoiceError, match="units has two"):
        with_search([], ["units=[1]", "units=[2]"])
    assert with_search(pin(Adam(), Slot.OPTIMIZER), ()) == tuple(pin(Adam(), Slot.OPTIMIZER))
    assert [one.slot for one in with_search([], ["beta_1=[0.8]"])] == [Slot.HYPERPARAMETERS]


def test_a_name_keeps_the_bundles_own_choice_and_another_optimizer_its_schedule() -> None:
    bundle = bundle_of(["optimizer=[adam,sgd,{name: sgd_momentum, nesterov: true}]"])
    assert bundle.of_trial({"optimizer": "adam"}).optimizer == bundle.optimizer
    sgd = bundle.of_trial({"optimizer": "sgd", "units": 3}).optimizer
    assert (sgd.learning_rate, sgd.schedule) == (0.05, "cosine")
    assert bundle.of_trial({"optimizer": "sgd_momentum (nesterov)"}).optimizer == SgdMomentum(nesterov=True)
    assert bundle.of_trial({"units": 3}) is bundle
    assert [str(one.optimizer) for one in alternatives(bundle)][2:] == [str(sgd), "sgd_momentum (nesterov)"]


@pytest.mark.parametrize(
    ("space", "task", "message"),
    [
        (["loss=[categorical_crossentropy,mse]"], "multiclass", "constraint B004 forbids"),
        (["augmentation=[random_translation]"], "multiclass", "constraint B010 forbids"),
        (["rho=[0.9]"], "multiclass", "has no rho"),
        (["network=[mlp]"], "multiclass", "Only forecasts"),
        (["loss=[mse,{name: mse, target: log1p}]"], "regression", "on one scale"),
    ],
)
def test_each_value_satisfies_the_constraints_of_the_rulebook(space: list[str], task: str, message: str) -> None:
    facts = complete_facts({"task": Measurement(value=task), "modality": Measurement(value="tabular")})
    own = {"metric": R2(), "loss": MseLoss()} if task == "regression" else {}
    with pytest.raises(ChoiceError, match=message):
        check_bundle(bundle_of(space, **own), load_book().book, facts)
    with pytest.raises(ChoiceError, match="Hyperband chooses the epochs"):
        check_bundle(bundle_of(["epochs=[1,2]"], **own | {"tuner": Hyperband()}), load_book().book, facts)
    check_bundle(bundle_of(["rho=[0.9]", "optimizer=[adam,rmsprop]"], **own), load_book().book, facts)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"searched": ["loss"]}, "loss has no shipped values"),
        ({"searched": ["units"], "values": {"dropout": [0.1]}}, "is not searched"),
    ],
)
def test_a_choice_with_values_is_complete(choice: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Custom.model_validate(choice)
    with pytest.raises(ValueError, match="cannot set optimizer"):
        Manual.model_validate({"configurations": [{"optimizer": "sgd"}]})
