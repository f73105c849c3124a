"""Scope of choices in a network: parts to which they do not apply, or apply differently than their name suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.split_shares import MIN_FOLDED_ROWS
from recommender.training_cost import MAX_BINNED_COLUMNS, MAX_PERIODIC_COLUMNS
from rules.vocabulary.choices import (
    Adagrad,
    Adam,
    AdamW,
    Backbone,
    BagOfNgrams,
    CrossValidation,
    Gru,
    InceptionTime,
    MiniRocket,
    RmsProp,
    Slot,
    Standard,
    TextCnn,
    cell_initializer,
    parameters_of,
)
from rules.vocabulary.facts import Modality, Task

if TYPE_CHECKING:
    from rules.vocabulary.bundle import Bundle

KEEPS_LINEAR_START: Final = (
    "It initializes the hidden layers; the output layer is initialized with zeros, and the linear layer keeps the "
    "solution of logistic or ridge regression on the terms."
)


def choice_scope(slot: Slot, bundle: Bundle, *, task: object, modality: object) -> str:
    """Text about the parts of the network to which a choice applies; empty if it applies to all of them.

    task, modality: values of these facts.
    """
    found = {
        Slot.ACTIVATION: _of_activation,
        Slot.INITIALIZER: _of_initializer,
        Slot.OPTIMIZER: _of_optimizer,
        Slot.TRANSFER: _of_transfer,
        Slot.ARCHITECTURE: _of_architecture,
        Slot.VALIDATION: _of_validation,
    }.get(slot)
    return "" if found is None else found(bundle, task, modality)


def _of_activation(bundle: Bundle, task: object, _modality: object) -> str:
    if task == Task.FORECASTING:
        return (
            "It applies to the hidden layers of the MLP. Recurrent cells always use tanh, and the linear network has "
            "no hidden layers."
        )
    if isinstance(bundle.architecture, Gru):
        return "Recurrent cells always use tanh; it applies only to the layer that combines them with other columns."
    if _has_backbone(bundle):
        return "The backbone has its own activations; it applies only to the layer that combines it with other columns."
    return ""


def _of_initializer(bundle: Bundle, task: object, modality: object) -> str:
    cells = f"cells use {cell_initializer(bundle.initializer)} with orthogonal recurrent kernels"
    embeddings = "embeddings of categories use a normal distribution"
    joined = "the layer that combines other columns and the output layer"
    parameters = parameters_of(bundle.architecture)
    if task == Task.FORECASTING:
        reached = ["the hidden layers of the MLP"]
        elsewhere = [f"{embeddings}; recurrent {cells}"]
        if parameters.zero_output:
            elsewhere.insert(0, "output layers are initialized with zeros")
        else:
            reached.append("the output layers")
        if parameters.ridge_start:
            elsewhere.insert(0, "the linear layer is initialized with the solution of ridge regression")
        else:
            reached.append("the linear layer")
        return f"It initializes {' and '.join(reached)}; {', '.join(elsewhere)}."
    if isinstance(bundle.architecture, BagOfNgrams):
        return KEEPS_LINEAR_START if bundle.architecture.linear_start else ""
    if isinstance(bundle.architecture, TextCnn):
        scope = "the convolutions, the hidden layers and the output layer; embeddings of words use a normal "
        scope += "distribution"
    elif isinstance(bundle.architecture, Gru):
        scope = f"{joined}; recurrent {cells}, and {embeddings}"
    elif _has_backbone(bundle):
        scope = f"{joined}; the backbone has the pretrained weights, and {embeddings}"
    elif isinstance(bundle.architecture, InceptionTime) or modality == Modality.IMAGE:
        scope = f"the convolutions, {joined}; {embeddings}"
    else:
        frozen = "the random convolutions are frozen, " if isinstance(bundle.architecture, MiniRocket) else ""
        if _has_linear_layer(bundle):
            frozen += "the linear layer is initialized with the solution of ridge regression, "
        scope = f"the hidden layers{'' if parameters.zero_output else ' and the output layer'}; {frozen}"
        scope += "the output layer is initialized with zeros, " if parameters.zero_output else ""
        scope += "the learned input scale with ones, " if parameters.input_scale else ""
        others = "embeddings and periodic features" if parameters.periodic_features else "embeddings"
        scope += f"{others} have their own distributions"
    return f"It initializes {scope}."


def _of_optimizer(bundle: Bundle, task: object, modality: object) -> str:
    found, parameters = [], parameters_of(bundle.architecture)
    if _has_backbone(bundle):
        found.append("The weights of the backbone are frozen.")
    elif isinstance(bundle.optimizer, Adam | AdamW | RmsProp | Adagrad) and parameters.layer_rates:
        if task == Task.FORECASTING:
            found.append("The linear layer uses a tenth of the learning rate.")
        elif _is_tabular(bundle, modality):
            scale = "20 for the learned input scale, " if parameters.input_scale else ""
            waves = "1.6 for periodic features, " if parameters.periodic_features else ""
            linear = ""
            if _has_linear_layer(bundle):
                linear = "0.1 · 256 / number of inputs, at most 0.1, for the linear layer, "
            found.append(
                f"Some layers have a learning-rate multiplier: {scale}{waves}{linear}and √(256 / number of inputs) "
                "for the kernel of the first hidden layer."
            )
    if isinstance(bundle.optimizer, AdamW):
        found.append("Biases, normalization layers, the input scale and phases are excluded from weight decay.")
    return " ".join(found)


def _of_transfer(bundle: Bundle, _task: object, _modality: object) -> str:
    if isinstance(bundle.transfer, Backbone) and not _has_backbone(bundle):
        return "No weights file is given, so the network is trained from scratch without a backbone."
    return ""


def _of_architecture(bundle: Bundle, task: object, modality: object) -> str:
    if task == Task.FORECASTING or not _is_tabular(bundle, modality):
        return ""
    found = []
    if isinstance(bundle.architecture, Standard) and bundle.architecture.bins:
        found.append(f"Tables with more than {MAX_BINNED_COLUMNS} numeric columns are not binned.")
    if parameters_of(bundle.architecture).periodic_features:
        found.append(f"Tables with more than {MAX_PERIODIC_COLUMNS} numeric columns have no periodic features.")
    return " ".join(found)


def _of_validation(bundle: Bundle, _task: object, _modality: object) -> str:
    if isinstance(bundle.validation, CrossValidation):
        return (
            f"With fewer than {MIN_FOLDED_ROWS} rows outside the hold-out set, or if a split column names validation "
            "rows, a single validation set is used instead."
        )
    return ""


def _has_linear_layer(bundle: Bundle) -> bool:
    """Whether an MLP over encoded columns has a linear layer that starts at ridge regression."""
    if isinstance(bundle.architecture, MiniRocket):
        return bundle.architecture.ridge_start
    return parameters_of(bundle.architecture).linear_start


def _has_backbone(bundle: Bundle) -> bool:
    return isinstance(bundle.transfer, Backbone) and bundle.transfer.weights is not None


def _is_tabular(bundle: Bundle, modality: object) -> bool:
    """Whether the network is an MLP over encoded columns."""
    others = Gru | InceptionTime | BagOfNgrams | TextCnn
    return modality != Modality.IMAGE and not isinstance(bundle.architecture, others)
