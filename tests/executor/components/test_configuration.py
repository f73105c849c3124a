"""What a search varies: the bundle's hyperparameters, around the bundle's own values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras_tuner
import pytest

from executor.components.configuration import configuration
from executor.networks.text import TEXT_CNN
from executor.search.space import Scope, manual_configurations, search_space
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    Adagrad,
    Adam,
    AdamW,
    Backbone,
    Bayesian,
    Custom,
    Defaults,
    Grid,
    HighAndMedium,
    HighSensitivity,
    Huber,
    Hyperband,
    Manual,
    MostSensitive,
    Random,
    RmsProp,
    Sgd,
    Standard,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.bundle import Bundle


def space_of(bundle: Bundle, *, rows: int = 5_000, width: int = 20, trials: int | None = None) -> dict[str, Any]:
    space = search_space(bundle, Scope(width=width, rows=rows, trials=trials))
    return {item.name: item for item in space.space}


@pytest.mark.parametrize("tuner", [Grid(), Random(), Bayesian(), Hyperband(), Manual()])
def test_only_the_bundles_hyperparameters_are_searched(make_bundle: Callable[..., Bundle], tuner: object) -> None:
    assert set(space_of(make_bundle(tuner=tuner, hyperparameters=MostSensitive()))) == {"learning_rate", "units"}
    assert space_of(make_bundle(tuner=tuner, hyperparameters=Defaults())) == {}
    assert set(space_of(make_bundle(tuner=tuner, hyperparameters=HighAndMedium()))) == {
        "learning_rate", "units", "schedule", "layers", "dropout", "weight_decay",
    }  # fmt: skip


@pytest.mark.parametrize("tuner", [Grid(), Random(), Bayesian(), Hyperband(), Manual()])
def test_the_defaults_are_the_bundles_own_values(make_bundle: Callable[..., Bundle], tuner: object) -> None:
    optimizer = AdamW(learning_rate=0.002, weight_decay=0.03, schedule="one_cycle")
    space = space_of(make_bundle(tuner=tuner, optimizer=optimizer, hyperparameters=HighAndMedium()))
    assert {name: item.default for name, item in space.items()} == {
        "learning_rate": 0.002, "units": 256, "schedule": "one_cycle",
        "layers": 3, "dropout": 0.1, "weight_decay": 0.03,
    }  # fmt: skip


OPTIMIZERS = {
    "adam": (Adam(beta_2=0.95), {"beta_1": [0.9, 0.95, 0.8], "beta_2": [0.95, 0.999, 0.99]}),
    "rmsprop": (RmsProp(), {"rho": [0.9, 0.99, 0.95], "momentum": [0.0, 0.9, 0.95, 0.5]}),
    "adagrad": (Adagrad(epsilon=1e-8), {"epsilon": [1e-8, 1e-7, 1e-5, 1e-3]}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_properties_are_searched_from_the_bundles_own_values(
    make_bundle: Callable[..., Bundle], name: str
) -> None:
    optimizer, wanted = OPTIMIZERS[name]
    bundle = make_bundle(optimizer=optimizer, hyperparameters=Custom(searched=tuple(wanted)), tuner=Grid())
    assert {name: item.values for name, item in space_of(bundle).items()} == wanted


@pytest.mark.parametrize(
    ("rows", "pinned", "values"),
    [
        (1_000, None, [64, 32, 128, 16]),
        (5_000, None, [128, 64, 256, 32]),
        (1_000, 16, [16, 8, 32]),  # 4 rows would be fewer than 8
        (100, 64, [64, 32, 16]),  # 128 rows would be more than there are
    ],
)
def test_batch_sizes_around_the_default_or_the_pinned_one_are_searched(
    make_bundle: Callable[..., Bundle], rows: int, pinned: int | None, values: list[int]
) -> None:
    bundle = make_bundle(optimizer=Adam(batch_size=pinned), hyperparameters=Custom(searched=("batch_size",)))
    assert space_of(bundle, rows=rows)["batch_size"].values == values


def test_embedding_dimensions_are_searched_where_the_network_has_embeddings(
    make_bundle: Callable[..., Bundle],
) -> None:
    bundle = make_bundle(hyperparameters=Custom(searched=("embedding_dimension", "learning_rate")))
    assert space_of(bundle)["embedding_dimension"].values == [8, 16, 4, 32]
    pinned = bundle.model_copy(update={"architecture": Standard(embedding_dimension=3)})
    assert space_of(pinned)["embedding_dimension"].values == [3, 6, 1, 12]
    words = Scope(width=20, rows=5_000, kind=TEXT_CNN)
    (dimension, _) = search_space(bundle, words).space
    assert dimension.values == [64, 128, 32, 256]
    with pytest.raises(ChoiceError, match="no column has enough"):
        search_space(bundle, Scope(width=20, rows=5_000, has_embeddings=False))


def test_a_manual_list_sets_batch_size_and_optimizer_properties(make_bundle: Callable[..., Bundle]) -> None:
    tuner = Manual(configurations=({"batch_size": 16, "beta_1": 0.5},))
    assert manual_configurations(make_bundle(tuner=tuner), Scope(width=20, rows=1_000)) == [
        {"batch_size": 64, "beta_1": 0.9},
        {"batch_size": 16, "beta_1": 0.5},
    ]


def test_a_property_that_the_optimizer_lacks_is_refused(make_bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(ChoiceError, match="The optimizer 'sgd' has no beta_1"):
        configuration(make_bundle(optimizer=Sgd()), {"beta_1": 0.5})


def test_the_learning_rate_is_searched_on_a_log_scale_from_a_tenth_to_ten_times(
    make_bundle: Callable[..., Bundle],
) -> None:
    rate = space_of(make_bundle(optimizer=Sgd(learning_rate=0.05)))["learning_rate"]
    assert (rate.min_value, rate.max_value, rate.sampling) == (pytest.approx(0.005), pytest.approx(0.5), "log")


@pytest.mark.parametrize("trials", [1, 12, None])
@pytest.mark.parametrize("searched", [MostSensitive(), HighSensitivity(), HighAndMedium()])
def test_a_grid_holds_several_values_of_every_searched_hyperparameter(
    make_bundle: Callable[..., Bundle], trials: int | None, searched: Any
) -> None:
    space = space_of(make_bundle(tuner=Grid(), hyperparameters=searched), trials=trials)
    assert all(isinstance(item, keras_tuner.engine.hyperparameters.Choice) for item in space.values())
    assert {name for name, item in space.items() if len(item.values) > 1} == {one.value for one in searched.searched}


def test_wide_layers_are_searched_only_where_many_trials_of_them_fit(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(hyperparameters=HighAndMedium(), tuner=Random())

    def units(seconds: float | None) -> list[int]:
        space = search_space(bundle, Scope(width=20, rows=16_000, seconds=seconds))
        return next(item.values for item in space.space if item.name == "units")

    assert units(None) == units(3_600.0) == [256, 128, 512, 64]
    assert units(60.0) == [256, 128, 64]  # the default, and what is narrower, is always there


def test_a_pretrained_backbone_has_neither_units_nor_layers_to_search(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(hyperparameters=HighAndMedium(), transfer=Backbone(weights="own.h5"))
    assert set(space_of(bundle)) == {"learning_rate", "schedule", "dropout", "weight_decay"}


def test_few_rows_or_many_columns_get_narrower_networks(make_bundle: Callable[..., Bundle]) -> None:
    classes, numbers = make_bundle(), make_bundle(loss=Huber())
    assert space_of(classes, rows=5_000)["units"].values == [256, 128, 512, 64]
    assert space_of(numbers, rows=5_000)["units"].values == [256, 128, 512, 64]
    assert space_of(classes, rows=4_999)["units"].values == [256, 128, 64]
    assert space_of(classes, rows=2_700)["units"].values == [256, 128, 64]
    assert space_of(classes, rows=2_699)["units"].values == [128, 64, 32]
    assert space_of(numbers, rows=2_699)["units"].values == [256, 128, 64]
    assert space_of(classes, rows=5_000, width=5_000)["units"].values == [256, 128, 512, 64]
    assert space_of(classes, rows=5_000, width=5_001)["units"].values == [256, 128, 64, 32]


def test_a_manual_search_tries_the_defaults_then_neighbours_that_differ_in_one_value(
    make_bundle: Callable[..., Bundle],
) -> None:
    listed = manual_configurations(make_bundle(tuner=Manual()), Scope(width=20, rows=5_000))
    assert listed[0] == {"learning_rate": 0.001, "units": 256}
    assert len(listed) == 5
    assert all(sum(item[name] != listed[0][name] for name in item) == 1 for item in listed[1:])


def test_a_manual_search_works_through_its_own_list_after_the_defaults(make_bundle: Callable[..., Bundle]) -> None:
    tuner = Manual(configurations=({"units": 32, "dropout": 0.3}, {"units": 64}, {"units": 32, "dropout": 0.3}))
    bundle = make_bundle(tuner=tuner)
    assert manual_configurations(bundle, Scope(width=20, rows=2_000)) == [
        {"units": 256, "dropout": 0.1},
        {"units": 32, "dropout": 0.3},
        {"units": 64, "dropout": 0.1},
    ]
    assert {name: item.values for name, item in space_of(bundle).items()} == {
        "dropout": [0.1, 0.3],
        "units": [256, 32, 64],
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"unit": 32}, r"but got 'unit'\. Did you mean 'units'\?"),
        ({"units": 0}, "units got the value 0"),
        ({"dropout": 1.0}, "dropout got the value 1.0"),
        ({"schedule": "linear"}, "schedule got the value 'linear'"),
    ],
)
def test_a_bad_value_is_named(make_bundle: Callable[..., Bundle], values: dict[str, Any], message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        configuration(make_bundle(), values)


def test_a_bad_value_in_a_manual_list_is_named(make_bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(ChoiceError, match="layers got the value -1"):
        manual_configurations(make_bundle(tuner=Manual(configurations=({"layers": -1},))), Scope(width=20, rows=2_000))


def test_numeric_targets_are_learned_without_dropout(make_bundle: Callable[..., Bundle]) -> None:
    assert configuration(make_bundle(loss=Huber()), {}).dropout == 0
    assert configuration(make_bundle(), {}).dropout == 0.1
