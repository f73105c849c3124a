from __future__ import annotations

import pytest

from rules.errors import ChoiceError
from rules.vocabulary.choices import Adam, Huber, Hyperparameter, Slot, kinds, names, parse_choice
from rules.vocabulary.facts import FACTS, Categories

NAMED_IN_THE_NOTES = {
    Slot.METRIC: {"accuracy", "roc_auc", "f1", "mse", "rmse", "mae"},
    Slot.LOSS: {"binary_crossentropy", "categorical_crossentropy", "weighted_crossentropy", "mse", "huber"},
    Slot.INITIALIZER: {"xavier", "he", "random_uniform", "random_normal"},
    Slot.OPTIMIZER: {"sgd", "sgd_momentum", "adam", "adamw", "rmsprop", "adagrad"},
    Slot.TUNER: {"grid", "random", "bayesian", "hyperband", "manual"},
}


@pytest.mark.parametrize("slot", NAMED_IN_THE_NOTES)
def test_everything_that_the_notes_name_can_be_chosen(slot: Slot) -> None:
    assert NAMED_IN_THE_NOTES[slot] <= set(names(slot))
    for name in names(slot):
        assert parse_choice(slot, name).model_dump()["name"] == name


@pytest.mark.parametrize("fact", [fact for fact in FACTS.values() if fact.slot in set(Slot)], ids=lambda f: f.name)
def test_a_fact_that_reports_a_slot_knows_all_its_choices(fact) -> None:
    if isinstance(fact.domain, Categories):
        assert set(fact.domain.values) == {kind.model_fields["name"].default for kind in kinds(Slot(fact.slot))}
    else:
        assert fact.domain.high == len(Hyperparameter)  # custom may search all of them


@pytest.mark.parametrize("name", ["zeros", "ones"])
def test_equal_weights_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ChoiceError, match="all units of a layer stay identical"):
        parse_choice(Slot.INITIALIZER, name)


@pytest.mark.parametrize(("name", "parameter"), [("random_uniform", "limit"), ("random_normal", "stddev")])
def test_an_overlarge_scale_is_refused_with_the_reason(name: str, parameter: str) -> None:
    assert parse_choice(Slot.INITIALIZER, {"name": name, parameter: 0.5})
    with pytest.raises(ChoiceError, match="explode from layer to layer"):
        parse_choice(Slot.INITIALIZER, {"name": name, parameter: 0.51})


@pytest.mark.parametrize(
    ("name", "parameter", "least"), [("random_uniform", "limit", 0.02), ("random_normal", "stddev", 0.01)]
)
def test_too_small_a_scale_is_refused_with_the_reason(name: str, parameter: str, least: float) -> None:
    assert parse_choice(Slot.INITIALIZER, {"name": name, parameter: least})
    for refused in (0.99 * least, 1e-12, 0, -1):
        with pytest.raises(ChoiceError, match=f"greater than or equal to {least}: a smaller scale .* vanish"):
            parse_choice(Slot.INITIALIZER, {"name": name, parameter: refused})


def test_an_unknown_choice_gets_the_nearest_one() -> None:
    with pytest.raises(ChoiceError, match=r"Did you mean 'adamw'\?"):
        parse_choice(Slot.OPTIMIZER, "adam_w")


def test_an_unknown_parameter_gets_the_nearest_one() -> None:
    with pytest.raises(ChoiceError, match=r"takes delta, target, but got 'detla'. Did you mean 'delta'\?"):
        parse_choice(Slot.LOSS, {"name": "huber", "detla": 2})


def test_a_parameter_that_is_on_reads_as_a_word() -> None:
    assert str(parse_choice(Slot.OPTIMIZER, {"name": "sgd_momentum", "nesterov": True})) == "sgd_momentum (nesterov)"


def test_a_choice_reads_as_its_name_and_what_differs_from_the_default() -> None:
    assert str(Huber()) == "huber"
    assert str(Huber(delta=1.5)) == "huber (delta 1.5)"


def test_a_limit_of_the_gradient_is_written_only_if_it_is_set_so_that_digests_of_rules_stay() -> None:
    assert "clip_norm" not in Adam().model_dump(mode="json")
    assert Adam(clip_norm=1.0).model_dump(mode="json")["clip_norm"] == 1
    assert parse_choice(Slot.OPTIMIZER, {"name": "adam", "clip_norm": 1}) == Adam(clip_norm=1.0)
