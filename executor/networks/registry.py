"""Registry of the kinds of networks, and the choice between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.networks.cnn import CNN
from executor.networks.custom import CUSTOM_IMAGE, CUSTOM_TABLE
from executor.networks.forecaster import FORECASTER
from executor.networks.pretrained import PRETRAINED
from executor.networks.sequence import INCEPTION, RECURRENT
from executor.networks.tabular import TABULAR
from executor.networks.text import LINEAR_START_BAG, TERM_BAG, TEXT_CNN

if TYPE_CHECKING:
    from executor.components.network_kind import NetworkKind
    from executor.preprocessing.inputs import Inputs
    from rules.vocabulary.bundle import Bundle

NETWORKS: list[NetworkKind] = [
    TABULAR,
    CNN,
    PRETRAINED,
    INCEPTION,
    RECURRENT,
    TERM_BAG,
    LINEAR_START_BAG,
    TEXT_CNN,
    FORECASTER,
    CUSTOM_TABLE,
    CUSTOM_IMAGE,
]
"""All kinds; for each kind of inputs one is the default."""


def network_kind(bundle: Bundle, inputs: Inputs) -> NetworkKind:
    """The kind of network that reads the inputs: the one that the bundle chooses, else the default one."""
    fitting = [kind for kind in NETWORKS if isinstance(inputs, kind.reads)]
    chosen = [kind for kind in fitting if kind.is_chosen is not None and kind.is_chosen(bundle)]
    return next(iter(chosen), None) or next(kind for kind in fitting if kind.is_chosen is None)
