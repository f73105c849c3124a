"""The run directory: what a training leaves behind, how it is read again, and how it predicts."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from executor.evaluation.scores import Importance, Scores, value_of
from executor.model.signature import Signature
from executor.runs.files import BUNDLE, IMPORTANCE, MODEL, SIGNATURE, SUMMARY, read_json
from executor.runs.plan import Plan, read_plan
from executor.runs.summary import Summary
from recommender.run_manifest import GUARDRAILS, RECORD, SCORES, Manifest
from rules.decision.record import Guardrail, Guardrails, Record
from rules.errors import RunError
from rules.text.html import paragraph, table
from rules.text.numbers import number
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import keras
    import pyarrow as pa

    from rules.decision.request import Unreadable


class Run:
    """A finished training. Everything is read from its directory when it is first asked for.

    Raises RunError if the directory does not hold a finished run.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        read_plan(self.directory)
        if not (self.directory / SCORES).exists():
            raise RunError(
                f"{self.directory} holds a run that was not finished. "
                f"'recommend train --resume {self.directory}' continues it."
            )

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r})"

    def _repr_html_(self) -> str:
        return shown(self)

    @cached_property
    def plan(self) -> Plan:
        return read_plan(self.directory)

    @cached_property
    def bundle(self) -> Bundle:
        return Bundle.read(self.directory / BUNDLE)

    @cached_property
    def record(self) -> Record:
        return Record.read_intact(self.directory / RECORD)

    @cached_property
    def seal(self) -> str:
        """SHA-256 of the digests of all files of the run, for 'recommend audit verify RUN --seal'; "" without one."""
        manifest = Manifest.read(self.directory)
        return "" if manifest is None else manifest.seal

    @cached_property
    def signature(self) -> Signature:
        path = self.directory / SIGNATURE
        signature = read_json(path, Signature)
        if reason := signature.contradiction():
            raise RunError(f"{path} was altered: {reason}. Restore the original file, or train again.")
        return signature

    @cached_property
    def scores(self) -> Scores:
        return read_json(self.directory / SCORES, Scores)

    @cached_property
    def summary(self) -> Summary:
        return read_json(self.directory / SUMMARY, Summary)

    @cached_property
    def importance(self) -> Importance | None:
        """How much the model leans on each column; None where that was not measured."""
        path = self.directory / IMPORTANCE
        return read_json(path, Importance) if path.exists() else None

    @cached_property
    def guardrails(self) -> tuple[Guardrail, ...]:
        return read_json(self.directory / GUARDRAILS, Guardrails).guardrails

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model, which takes raw rows: a dict of column name → (rows, 1) array, as signature.json lists."""
        from executor.model.keras_file import load  # noqa: PLC0415  TensorFlow takes seconds

        return load(self.directory / MODEL, self.signature)

    def predict(
        self,
        data: object,
        *,
        delimiter: str | None = None,
        ignore_extra: bool = False,
        key: str | Sequence[str] = (),
        unreadable: Unreadable = "refuse",
    ) -> pa.Table:
        """Predict new rows. data: what `recommend` takes. Returns an Arrow table, one row for each row of data.

        The rows keep their order, and labels have the type that they had in training. key: columns of data that are
        written first, to identify the rows.
        Of a series, data is its past, and the predictions are the steps after its last row, for each series a horizon.
        Of image files, the column `file` says which image each row is; unreadable: "leave_out" passes over those that
        cannot be read. Warns of them, of a past that is shorter than what the model looks back to, and of a column of
        predictions whose name is taken by another one, so that "_2" is appended.
        Raises ColumnError on a missing or retyped column, on a key that is no column, and on an unknown column unless
        ignore_extra.
        """
        from executor.model.predict import predict  # noqa: PLC0415  TensorFlow takes seconds

        return predict(
            lambda: self.model,
            self.signature,
            data,
            delimiter=delimiter,
            ignore_extra=ignore_extra,
            key=key,
            unreadable=unreadable,
        )


def shown(run: Run) -> str:
    """The run as HTML, every name and value from the data escaped."""
    scores = run.scores
    better = "higher" if scores.direction is Direction.MAX else "lower"
    caption = f"{scores.metric} on {scores.rows:,} rows that were never seen ({better} is better)"
    baselines = (
        (name, "undefined" if baseline.value is None else number(baseline.value), baseline.says)
        for name, baseline in scores.baselines.items()
    )
    rows = [("this model", value_of(scores.hold_out), f"in {run.directory}"), *baselines]
    return table(caption, ("Answers of", str(scores.metric), "Which"), rows) + paragraph(scores.verdict)
