"""The parts of a network that the activation and the initializer of a bundle do not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.choices import RandomKernels, Recurrent, Slot, cell_initializer
from rules.facts import Modality, Task

if TYPE_CHECKING:
    from rules.bundle import Bundle


def reach(slot: Slot, bundle: Bundle, *, task: object, modality: object) -> str:
    """What a choice of activation or initializer applies to, in one or two sentences; empty for other slots.

    task, modality: as facts give them.
    """
    if slot is Slot.ACTIVATION:
        return _of_activation(bundle, task=task)
    if slot is Slot.INITIALIZER:
        return _of_initializer(bundle, task=task, modality=modality)
    return ""


def _of_activation(bundle: Bundle, *, task: object) -> str:
    if task == Task.FORECASTING:
        return (
            "It applies to the hidden layers of the perceptron. The cells of the recurrent network keep tanh, and the "
            "linear network has no hidden layer."
        )
    if isinstance(bundle.architecture, Recurrent):
        return "The recurrent cells keep tanh; it applies only to the layer that joins further columns."
    return ""


def _of_initializer(bundle: Bundle, *, task: object, modality: object) -> str:
    cells = f"cells of tanh start from {cell_initializer(bundle.initializer)}, and their recurrent kernels orthogonal"
    if task == Task.FORECASTING:
        return (
            "It initializes the hidden layers of the perceptron. The linear layer starts at the solution of ridge "
            f"regression, and output layers start at zero; recurrent {cells}."
        )
    if isinstance(bundle.architecture, Recurrent):
        return f"It initializes the output layer; recurrent {cells}."
    if isinstance(bundle.architecture, RandomKernels):
        return "It initializes the hidden layers; the random convolutions before them are frozen."
    if modality == Modality.TABULAR:
        return (
            "It initializes the hidden layers; the output layer starts at zero, and embeddings and periodic features "
            "start from their own distributions."
        )
    return ""
