"""Random configurations of a dataset, whose scores show to which hyperparameters a network is sensitive."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.training_length import whole_epochs
from executor.networks.registry import network_kind
from executor.pipeline.measurement.alternatives import STEP, alternatives
from executor.pipeline.measurement.train import PlannedTraining, TrainingTask, encoded
from executor.search.records.proposal import Proposal
from executor.search.space import PROPERTIES_TRIED, Scope, search_space
from rules.vocabulary.choices import MAX_RATE, SEARCHED_SLOTS, Custom, Hyperparameter, Random, Slot, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from executor.components.configuration import Value
    from executor.pipeline.measurement.prepare import Subject
    from executor.pipeline.measurement.train import EncodedSubject, Work
    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.bundle import Bundle

RATE_STEPS: Final = (-2, -1, 0, 1, 2)
"""Learning rates that are drawn, as steps from the default rate of the drawn optimizer."""
OF_ONE_WORKSPACE: Final = (Hyperparameter.LOSS, Hyperparameter.OPTIMIZER, Hyperparameter.ACTIVATION)
"""Choices with which all trainings of a workspace are made."""
LISTED: Final = (
    Hyperparameter.SCHEDULE,
    Hyperparameter.UNITS,
    Hyperparameter.LAYERS,
    Hyperparameter.DROPOUT,
    Hyperparameter.WEIGHT_DECAY,
    Hyperparameter.BATCH_SIZE,
    Hyperparameter.EMBEDDING_DIMENSION,
)
"""Hyperparameters of which the values of a search are drawn, where the network has them."""


@dataclass(frozen=True, kw_only=True)
class DrawnConfiguration:
    """A configuration that was drawn at random."""

    number: int
    values: Mapping[str, Value]
    """One value of each hyperparameter of the strategy notes; choices of slots by name."""

    @property
    def choice(self) -> Custom:
        """The configuration as a choice of the slot of hyperparameters, with one value each."""
        return Custom(
            searched=tuple(map(Hyperparameter, self.values)),
            values={Hyperparameter(name): (value,) for name, value in self.values.items()},
        )


def draw_configurations(
    subject: Subject, default: EncodedSubject, book: Rulebook, *, count: int
) -> list[DrawnConfiguration]:
    """Draw a random sample of configurations, in which the values of each hyperparameter are equally frequent.

    All hyperparameters of the table of sensitivities in the strategy notes are drawn, with the values that a search
    tries: learning rate, schedule, loss, units, initializer, layers, dropout, weight decay, optimizer with its
    properties, batch size, activation, and the dimension of embeddings. The sample depends only on the dataset.
    """
    random = np.random.default_rng([0, zlib.crc32(subject.measured.digest.encode())])
    columns = {name: _balanced(values, count, random) for name, values in _levels(subject, default, book).items()}
    drawn = []
    for number in range(count):
        values = {name: column[number] for name, column in columns.items()}
        optimizer = names(Slot.OPTIMIZER)[str(values[Hyperparameter.OPTIMIZER])]()
        rate: float = optimizer.learning_rate  # type: ignore[attr-defined]  # every optimizer has it
        step = float(values[Hyperparameter.LEARNING_RATE])
        values[Hyperparameter.LEARNING_RATE] = min(MAX_RATE, float(f"{rate * STEP**step:.3g}"))
        kept = {
            name.value: value
            for name, value in values.items()
            if name not in PROPERTIES_TRIED or name in type(optimizer).model_fields
        }
        drawn.append(DrawnConfiguration(number=number, values=kept))
    return drawn


def _levels(subject: Subject, default: EncodedSubject, book: Rulebook) -> dict[Hyperparameter, list[Value]]:
    """Values of each hyperparameter that are drawn; of the learning rate, steps from the default rate."""
    bundle = default.bundle
    scope = scope_of(default)
    listed = tuple(name for name in LISTED if scope.has_embeddings or name is not Hyperparameter.EMBEDDING_DIMENSION)
    space = search_space(
        bundle.model_copy(update={"tuner": Random(), "hyperparameters": Custom(searched=listed)}), scope
    )
    found: dict[Hyperparameter, list[Value]] = {Hyperparameter.LEARNING_RATE: [*RATE_STEPS]}
    found |= {Hyperparameter(item.name): list(item.values) for item in space.space}
    for name, slot in SEARCHED_SLOTS.items():
        if name is not Hyperparameter.AUGMENTATION:
            choices = alternatives(slot, bundle, book, subject.facts)
            found[name] = list(dict.fromkeys(choice.model_dump()["name"] for choice in choices))
    return found | {name: list(values) for name, values in PROPERTIES_TRIED.items()}


def scope_of(default: EncodedSubject) -> Scope:
    """The scope of a search on these rows, without a limit."""
    parts = default.parts
    kind = network_kind(default.bundle, parts.inputs)
    rows, width = parts.train.dense.shape[0], parts.train.dense.shape[-1]
    return Scope(width=width, rows=rows, kind=kind, has_embeddings=parts.vocabulary > 0 and kind.has_embeddings)


def planned_epochs(subject: Subject, default: EncodedSubject) -> int:
    """Epochs of each training."""
    kind = network_kind(default.bundle, default.parts.inputs)
    whole = whole_epochs(default.bundle, kind, rows=len(default.parts.train))
    return max(1, round(subject.measured.settings.share * whole))


def _balanced(values: Sequence[Value], count: int, random: np.random.Generator) -> list[Value]:
    """Values in random order, each equally often."""
    order = random.permutation(count)
    first = int(random.integers(len(values)))  # which values occur once more
    return [values[(first + int(place)) % len(values)] for place in order]


def configuration_tasks(
    subject: Subject, default: EncodedSubject, drawn: Sequence[DrawnConfiguration]
) -> Iterator[Work]:
    """Tasks that train each configuration once, for the same number of epochs: one for each workspace."""
    epochs = planned_epochs(subject, default)
    by_loss: dict[str, EncodedSubject] = {}
    for bundle, group in _workspaces(default, drawn):
        loss = str(bundle.loss)
        by_loss[loss] = by_loss.get(loss) or encoded(subject, bundle)
        planned = tuple(_planned(one, bundle, epochs=epochs) for one in group)
        name = subject.measured.name
        yield (
            by_loss[loss],
            TrainingTask(slot=Slot.HYPERPARAMETERS, dataset=name, bundle=bundle, planned=planned),
        )


def _workspaces(
    default: EncodedSubject, drawn: Sequence[DrawnConfiguration]
) -> Iterator[tuple[Bundle, list[DrawnConfiguration]]]:
    """Configurations with the same loss, optimizer and activation, and the bundle of these."""
    groups: dict[tuple[Value, ...], list[DrawnConfiguration]] = defaultdict(list)
    for one in drawn:
        groups[tuple(one.values.get(name, "") for name in OF_ONE_WORKSPACE)].append(one)
    for group in groups.values():
        yield bundle_of(default.bundle, group[0]), group


def bundle_of(bundle: Bundle, drawn: DrawnConfiguration) -> Bundle:
    """The bundle with the choices of a configuration."""
    return bundle.model_copy(update={"hyperparameters": drawn.choice}).of_trial(drawn.values)


def _planned(one: DrawnConfiguration, bundle: Bundle, *, epochs: int) -> PlannedTraining:
    """The training of a configuration, whose number is its seed."""
    proposal = Proposal(
        number=one.number,
        hyperparameters={name: value for name, value in one.values.items() if name not in SEARCHED_SLOTS},
        epochs=epochs,
        initializer=bundle_of(bundle, one).initializer,
    )
    return PlannedTraining(proposal=proposal, choice=one.choice, seed=one.number)
