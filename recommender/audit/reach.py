"""The parts of a network that the choices of a bundle do not reach, or reach in another way than their names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.dataset.split_shares import MIN_FOLDED_ROWS
from recommender.training_cost import MAX_BINNED, MAX_WAVED
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


def reach(slot: Slot, bundle: Bundle, *, task: object, modality: object) -> str:
    """What a choice applies to, or how it is carried out where its name does not say it; empty where that is all of it.

    task, modality: as facts give them.
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
            "It applies to the hidden layers of the perceptron. The cells of the recurrent network keep tanh, and the "
            "linear network has no hidden layer."
        )
    if isinstance(bundle.architecture, Gru):
        return "The recurrent cells keep tanh; it applies only to the layer that joins further columns."
    if _has_backbone(bundle):
        return "The backbone keeps its own activations; it applies only to the layer that joins further columns."
    return ""


def _of_initializer(bundle: Bundle, task: object, modality: object) -> str:
    cells = f"cells of tanh start from {cell_initializer(bundle.initializer)}, and their recurrent kernels orthogonal"
    embeddings = "embeddings of categories start from a normal distribution"
    joined = "the layer that joins further columns and the output layer"
    parameters = parameters_of(bundle.architecture)
    if task == Task.FORECASTING:
        reached = ["the hidden layers of the perceptron"]
        elsewhere = [f"{embeddings}; recurrent {cells}"]
        if parameters.zero_output:
            elsewhere.insert(0, "output layers start at zero")
        else:
            reached.append("the output layers")
        if parameters.ridge_start:
            elsewhere.insert(0, "the linear layer starts at the solution of ridge regression")
        else:
            reached.append("the linear layer")
        return f"It initializes {' and '.join(reached)}; {', '.join(elsewhere)}."
    if isinstance(bundle.architecture, BagOfNgrams):
        return ""
    if isinstance(bundle.architecture, TextCnn):
        said = "the convolutions, the hidden layers and the output layer; embeddings of words start from a normal "
        said += "distribution"
    elif isinstance(bundle.architecture, Gru):
        said = f"{joined}; recurrent {cells}, and {embeddings}"
    elif _has_backbone(bundle):
        said = f"{joined}; the backbone keeps the weights of its file, and {embeddings}"
    elif isinstance(bundle.architecture, InceptionTime) or modality == Modality.IMAGE:
        said = f"the convolutions, {joined}; {embeddings}"
    else:
        kernels = isinstance(bundle.architecture, MiniRocket)
        frozen = "the random convolutions before them are frozen, " if kernels else ""
        said = f"the hidden layers{'' if parameters.zero_output else ' and the output layer'}; {frozen}"
        said += "the output layer starts at zero, " if parameters.zero_output else ""
        said += "the learned scale of the inputs starts at one, " if parameters.input_scale else ""
        drawn = "embeddings and periodic features" if parameters.periodic_features else "embeddings"
        said += f"{drawn} start from their own distributions"
    return f"It initializes {said}."


def _of_optimizer(bundle: Bundle, task: object, modality: object) -> str:
    found, parameters = [], parameters_of(bundle.architecture)
    if _has_backbone(bundle):
        found.append("The weights of the backbone are frozen.")
    elif isinstance(bundle.optimizer, Adam | AdamW | RmsProp | Adagrad) and parameters.layer_rates:
        if task == Task.FORECASTING:
            found.append("The linear layer learns at a tenth of the learning rate.")
        elif _is_tabular(bundle, modality):
            scale = "the learned scale of the inputs at 20 times, " if parameters.input_scale else ""
            waves = "periodic features at 1.6 times, " if parameters.periodic_features else ""
            found.append(
                f"Some layers learn at a multiple of the learning rate: {scale}{waves}and the kernel of the first "
                "hidden layer at √(256 / number of its inputs) times."
            )
    if isinstance(bundle.optimizer, AdamW):
        found.append("Weight decay spares biases, normalizations, the scale of the inputs and phases.")
    return " ".join(found)


def _of_transfer(bundle: Bundle, _task: object, _modality: object) -> str:
    if isinstance(bundle.transfer, Backbone) and not _has_backbone(bundle):
        return "No weights are given, so that there is no backbone: the network is trained from scratch."
    return ""


def _of_architecture(bundle: Bundle, task: object, modality: object) -> str:
    if task == Task.FORECASTING or not _is_tabular(bundle, modality):
        return ""
    found = []
    if isinstance(bundle.architecture, Standard) and bundle.architecture.bins:
        found.append(f"With more than {MAX_BINNED} numeric columns none is read in bins.")
    if parameters_of(bundle.architecture).periodic_features:
        found.append(f"With more than {MAX_WAVED} numeric columns none has periodic features.")
    return " ".join(found)


def _of_validation(bundle: Bundle, _task: object, _modality: object) -> str:
    if isinstance(bundle.validation, CrossValidation):
        return f"Fewer than {MIN_FOLDED_ROWS} rows besides the hold-out are split into training and validation rows."
    return ""


def _has_backbone(bundle: Bundle) -> bool:
    return isinstance(bundle.transfer, Backbone) and bundle.transfer.weights is not None


def _is_tabular(bundle: Bundle, modality: object) -> bool:
    """Whether hidden layers read a row of encoded columns."""
    others = Gru | InceptionTime | BagOfNgrams | TextCnn
    return modality != Modality.IMAGE and not isinstance(bundle.architecture, others)
