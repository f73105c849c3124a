"""Parameters, training and pickling of all estimators."""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, check_random_state

from executor.model.prediction_columns import prediction_names
from executor.pipeline.estimators.columns import value_errors
from executor.pipeline.train import train
from executor.runs.files import create_numbered_directory
from executor.runs.run import Run
from rules.decision.request import Request
from rules.decision.trace import Pin
from rules.errors import PcwatError, RunError
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Choice, Slot, parse_choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from numpy.random import RandomState

    from recommender.recommendation.search_space import Space
    from rules.decision.record import Record
    from rules.vocabulary.bundle import Bundle

    Seed = int | RandomState | None
    Setting = str | dict[str, Any] | Choice | None
    """A choice, its name, or a mapping with its name and parameters; None leaves it to the rules."""

SLOTS: Final = (
    Slot.ACTIVATION,
    Slot.METRIC,
    Slot.LOSS,
    Slot.INITIALIZER,
    Slot.OPTIMIZER,
    Slot.TUNER,
    Slot.ARCHITECTURE,
    Slot.VALIDATION,
)
"""Slots that are parameters of an estimator."""
SECONDS: Final = 60.0
MAX_SEED: Final = 2**31 - 1
TRIALS: Final = "trials/"  # weights of the search, which predictions do not need


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Parameters, training and pickling of all estimators."""

    _is_flat: bool
    """Whether the targets of `fit` had one dimension."""

    def __init__(
        self,
        *,
        budget: float | None = SECONDS,
        trials: int | None = None,
        activation: Setting = None,
        metric: Setting = None,
        loss: Setting = None,
        initializer: Setting = None,
        optimizer: Setting = None,
        tuner: Setting = None,
        search: Space | None = None,
        architecture: Setting = None,
        validation: Setting = None,
        costs: Mapping[Any, Mapping[Any, float]] | None = None,
        book: Sequence[str | Path] = SHIPPED_LAYERS,
        single: bool = False,
        keep_evaluated: bool = False,
        report: bool = False,
        directory: str | Path | None = None,
        random_state: Seed = 0,
    ) -> None:
        self.budget = budget
        self.trials = trials
        self.activation = activation
        self.metric = metric
        self.loss = loss
        self.initializer = initializer
        self.optimizer = optimizer
        self.tuner = tuner
        self.search = search
        self.architecture = architecture
        self.validation = validation
        self.costs = costs
        self.book = book
        self.single = single
        self.keep_evaluated = keep_evaluated
        self.report = report
        self.directory = directory
        self.random_state = random_state

    @property
    def bundle_(self) -> Bundle:
        """The bundle that was trained."""
        check_is_fitted(self)
        bundle: Bundle = self.run_.bundle
        return bundle

    @property
    def record_(self) -> Record:
        """The audit record of the choices."""
        check_is_fitted(self)
        record: Record = self.run_.record
        return record

    def _fit(self, table: pa.Table, request: Request) -> Self:
        """Train on a table with the columns of a request."""
        state = check_random_state(self.random_state)
        whole = isinstance(self.random_state, int | np.integer)
        seed = int(self.random_state) if whole else int(state.randint(MAX_SEED))  # type: ignore[arg-type]
        parent = Path(tempfile.mkdtemp(prefix="pcwat-") if self.directory is None else self.directory)
        directory = create_numbered_directory(type(self).__name__, parent)
        try:
            self.run_ = train(
                table,
                Request.of(request, {} if self.costs is None else {"costs": self.costs}),
                book=self.book,
                pins=tuple(self._pins()),
                search=self.search or (),
                budget=self.budget,
                trials=self.trials,
                seed=seed,
                directory=directory,
                single=self.single,
                keep_evaluated=self.keep_evaluated,
                report=self.report,
            )
        except PcwatError:
            with suppress(OSError):  # it has files if the training had begun
                directory.rmdir()
                parent.rmdir()
            with value_errors():
                raise
        if self.directory is None:
            _remove_with(self.run_, parent)
        return self

    def _pins(self) -> Iterator[Pin]:
        for slot in SLOTS:
            given = getattr(self, slot.value)
            if given is not None:
                choice = given if isinstance(given, Choice) else parse_choice(slot, given)
                yield Pin(slot=slot, choice=choice, reason=f"parameter {slot.value!r} of {type(self).__name__}")

    def _values(self, predictions: pa.Table, word: str) -> np.ndarray:
        """Columns of numbers, (rows,) or (rows, targets) as `y` was; word: "prediction", "low" or "high"."""
        signature = self.run_.signature
        names = prediction_names(signature, outputs=signature.targets)
        values = np.column_stack([predictions[name].to_numpy() for name in getattr(names, word)]).astype(float)
        return values[:, 0] if self._is_flat else values

    def _intervals(self, predictions: pa.Table) -> np.ndarray:
        """Lower and upper ends. Raises RunError where they were not measured."""
        intervals = self.run_.signature.intervals
        if intervals is None or not intervals.half_widths:
            raise RunError(
                "Prediction intervals were not measured, because too few rows were left for them. Train on more rows, "
                "or use predict."
            )
        return np.stack([self._values(predictions, word) for word in ("low", "high")], axis=-1)

    def _predict(self, table: pa.Table) -> pa.Table:
        with value_errors():
            return self.run_.predict(table)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {**super().__getstate__()}
        run = state.pop("run_", None)
        return state if run is None else state | {"_files": _pack(run.directory)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is not None:
            folder = Path(tempfile.mkdtemp(prefix="pcwat-"))
            with zipfile.ZipFile(io.BytesIO(files)) as archive:
                archive.extractall(folder)
            self.run_ = Run(folder)
            _remove_with(self.run_, folder)


def _remove_with(owner: object, folder: Path) -> None:
    """Remove a temporary folder when its owner is deleted, or the process ends."""
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)


def _pack(directory: Path) -> bytes:
    """The files of a run without the weights of its trials, as a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory).as_posix()
            if path.is_file() and not name.startswith(TRIALS):
                archive.write(path, name)
    return packed.getvalue()
