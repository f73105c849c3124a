"""The run directory: its files, and predictions with its model."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.data.frames import frame_like
from executor.evaluation.scores import Importance, Scores, format_estimate
from executor.evaluation.verdict import reach_verdict
from executor.model.signature import Signature
from executor.runs.drift.reference import Reference
from executor.runs.feature_plan import FeaturePlan
from executor.runs.files import BUNDLE, FEATURES, IMPORTANCE, MODEL, PREDICTIONS, REFERENCE, SIGNATURE, read_json
from executor.runs.plan import Plan, read_plan, reopen_dataset
from executor.runs.summary import Summary
from executor.runtime.prediction_batches import MAX_ROWS
from executor.runtime.tensorflow_import import check_tensorflow, quiet_tensorflow
from recommender.dataset.digest import digest_of
from recommender.run_manifest import GUARDRAILS, RECORD, SCORES, SUMMARY, Manifest
from rules.decision.record import Guardrail, Guardrails, Record
from rules.errors import RunError
from rules.text.html import html_paragraph, html_table
from rules.text.numbers import number
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    import keras

    from executor.data.raw_table import RawTable
    from executor.evaluation.explanation.explanations import Explanations
    from executor.model.compiled import KerasBackend
    from executor.runs.drift.new_rows import DriftReport
    from executor.runs.export.export import Exported, ExportFormat
    from executor.runs.prediction_file import Stream
    from rules.decision.request import Unreadable


MIN_COMPILED: Final = 10_000  # rows from which a compiled model saves more time than compiling takes


class Run:
    """A finished run, read from its directory when needed.

    Args:
        directory: Directory of the run, below runs/ by default.

    Attributes:
        directory: Directory of the run.

    Raises:
        RunError: If the directory does not contain a finished run.

    Examples:
        >>> from executor import Run
        >>> run = Run("runs/wine-1")  # doctest: +SKIP
        >>> run.scores.hold_out.value  # doctest: +SKIP
        0.973
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

    def __fspath__(self) -> str:
        """The directory, so that functions that take the directory of a run also take the run."""
        return str(self.directory)

    def _repr_html_(self) -> str:
        return run_html(self)

    @cached_property
    def plan(self) -> Plan:
        """The request and the settings of the run: plan.json."""
        return read_plan(self.directory)

    @cached_property
    def bundle(self) -> Bundle:
        """The bundle that was trained: bundle.yaml."""
        return Bundle.read(self.directory / BUNDLE)

    @cached_property
    def record(self) -> Record:
        """The audit record: record.json. Raises RunError if it was altered."""
        return Record.read_intact(self.directory / RECORD)

    @cached_property
    def seal(self) -> str:
        """SHA-256 of the digests of all files, for `recommend audit verify RUN --seal`; "" if the run is not sealed."""
        manifest = Manifest.read(self.directory)
        return "" if manifest is None else manifest.seal

    @cached_property
    def signature(self) -> Signature:
        """Inputs and outputs of the model: signature.json."""
        path = self.directory / SIGNATURE
        signature = read_json(path, Signature)
        if reason := signature.contradiction():
            raise RunError(f"{path} was altered: {reason}. Restore the original file, or train again.")
        return signature

    @cached_property
    def scores(self) -> Scores:
        """Scores on the hold-out with intervals, baselines and the verdict: scores.json."""
        return read_json(self.directory / SCORES, Scores)

    @cached_property
    def summary(self) -> Summary:
        """The search in numbers: summary.json."""
        return read_json(self.directory / SUMMARY, Summary)

    @cached_property
    def importance(self) -> Importance | None:
        """Permutation importance of the columns: importance.json. None if it was not measured."""
        path = self.directory / IMPORTANCE
        return read_json(path, Importance) if path.exists() else None

    @cached_property
    def reference(self) -> Reference | None:
        """Distributions of training rows and predictions: reference.json. None for forecasts and in older runs."""
        path = self.directory / REFERENCE
        return read_json(path, Reference) if path.exists() else None

    @cached_property
    def features(self) -> FeaturePlan | None:
        """Number of random features of sequences: features.json. None for other networks."""
        path = self.directory / FEATURES
        return read_json(path, FeaturePlan) if path.exists() else None

    @cached_property
    def guardrails(self) -> tuple[Guardrail, ...]:
        """All checks of the data: guardrails.json."""
        return read_json(self.directory / GUARDRAILS, Guardrails).guardrails

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model.

        It takes raw rows: a dict that maps each name under `inputs` in signature.json to an array of shape (rows, 1).
        """
        check_tensorflow()
        from executor.model.keras_file import load_model  # noqa: PLC0415  TensorFlow takes seconds

        return load_model(self.directory / MODEL, self.signature)

    def outcome_of(self, rows: RawTable) -> np.ndarray:
        """Outputs of the model for validated rows, (rows, outputs): probabilities, or values."""
        model = self.model
        from executor.model.keras_file import predict_rows  # noqa: PLC0415  TensorFlow takes seconds

        return predict_rows(model, self.signature, rows)

    @cached_property
    def _graph(self) -> Callable[..., Any]:
        """The model, compiled for the predictions of many rows."""
        model = self.model
        from executor.model.keras_file import compile_predictions  # noqa: PLC0415  TensorFlow takes seconds

        return compile_predictions(model)

    def _outcome_of_many(self, rows: RawTable) -> np.ndarray:
        """Outputs of the model as `outcome_of`, faster for many rows, but not equal in the last bits."""
        if len(rows) < MIN_COMPILED:
            return self.outcome_of(rows)
        graph = self._graph
        from executor.model.keras_file import predict_rows  # noqa: PLC0415  TensorFlow takes seconds

        return predict_rows(graph, self.signature, rows)

    @contextmanager
    def stream(self) -> Iterator[Stream]:
        """Yield the function that computes the outputs of many parts of rows, equal to `outcome_of` to the bit.

        The model is compiled for it, unless the first part is short.
        """
        from executor.runs.prediction_file import Stream  # noqa: PLC0415  as in predict

        backend: KerasBackend | None = None

        def outcome_of(rows: RawTable) -> np.ndarray:
            nonlocal backend
            if backend is None:
                quiet_tensorflow()
                if len(rows) < MIN_COMPILED:
                    return self.outcome_of(rows)
                model = self.model
                from executor.model.compiled import (  # noqa: PLC0415  TensorFlow takes seconds
                    KerasBackend,
                    operations_kept,
                )

                during.enter_context(operations_kept())
                backend = KerasBackend(model, self.signature, compiles=True)
            return backend.outcome_of(rows)

        with ExitStack() as during:
            yield Stream(outcome_of=outcome_of, batch=MAX_ROWS)

    def predict_file(
        self,
        source: str | os.PathLike[str],
        output: str | os.PathLike[str],
        *,
        delimiter: str | None = None,
        table: str | None = None,
        ignore_extra: bool = False,
        key: str | Sequence[str] = (),
        coverage: float | None = None,
        by_class: bool = False,
        rows: int | None = None,
        progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    ) -> int:
        """Predict the rows of files of any size, and write the predictions part by part.

        The predictions are those of `predict`, to the bit. Rows of Parquet, CSV and TSV files are read in parts, except
        for forecasts, images and sequences; other data is read whole. The output replaces an existing file at the end.

        Args:
            source: File with new rows, or a pattern of files.
            output: The .parquet, .csv or .tsv file that is written.
            delimiter: Column delimiter of a text file. None for that of its extension. Default None.
            table: Sheet of a workbook, or table of a database. None for the only one. Default None.
            ignore_extra: Whether to ignore columns that the model does not know. Default False.
            key: Columns of source that are copied to the left of the predictions. Default none.
            coverage: Coverage of the prediction sets in the column "set". None for no sets. Default None.
            by_class: Whether the sets cover each class. Default False.
            rows: Rows that are in memory at once, rounded up to whole batches. None chooses it by the columns. Default
                None.
            progress: Called with the number of predictions, and of all rows if it is known.

        Returns:
            The number of predictions.

        Raises:
            ColumnError: As `predict`.
            RunError: As `predict`, and if the output cannot be written or has another extension.

        Examples:
            >>> run.predict_file("new.parquet", "out.parquet", key="id")  # doctest: +SKIP
        """
        from executor.runs.prediction_file import predict_file  # noqa: PLC0415  only predictions need its imports

        return predict_file(
            self,
            source,
            Path(output),
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            key=key,
            coverage=coverage,
            by_class=by_class,
            rows=rows,
            progress=progress,
        )

    def predict(
        self,
        data: object,
        *,
        delimiter: str | None = None,
        table: str | None = None,
        ignore_extra: bool = False,
        key: str | Sequence[str] = (),
        unreadable: Unreadable = "refuse",
        quantiles: bool = False,
        coverage: float | None = None,
        by_class: bool = False,
    ) -> Any:  # noqa: ANN401  pandas and polars are optional
        """Predict new rows.

        Args:
            data: New rows: any data that `recommend` takes. For a forecast, the past of the series; the predictions
                are the steps after its last row.
            delimiter: Column delimiter of a text file. None detects it. Default None.
            table: Sheet of a workbook, or table of a database. None for the only one. Default None.
            ignore_extra: Whether to ignore columns that the model does not know. Default False.
            key: Columns of data that are copied to the left of the predictions, to identify the rows. Default none.
            unreadable: Image files that are missing or damaged: "refuse" raises an error, "leave_out" skips them with a
                warning. Default "refuse".
            quantiles: Whether a forecast has the columns "quantile 0.1" to "quantile 0.9". Default False.
            coverage: Coverage of the prediction sets of classes in the column "set", 0.5 to 0.99. None for no sets.
                Default None.
            by_class: Whether the sets cover each class, not only all rows on average. Default False.

        Returns:
            A table with one row per row of data, in the same order; for a forecast, one row per series and step. It is
            a pandas frame with the index of data, or a polars frame, if data is one; otherwise an Arrow table. Labels
            have the type that they have in the training data. For image files, the column `file` names the image.

        Raises:
            ColumnError: If a column is missing, has another type, or is unknown (unless ignore_extra), or if a key
                is not a column.
            RunError: If quantiles or sets are requested of a model that has none.

        Warns:
            UserWarning: If image files are skipped, if the past is shorter than the lags of the model, or if a
                column of predictions gets the suffix "_2" because its name is taken.

        Examples:
            >>> run.predict("new.csv", key="id").to_pandas()  # doctest: +SKIP
        """
        from executor.model.predict import predict  # noqa: PLC0415  only predictions need its imports

        table = predict(
            self.outcome_of,
            self.signature,
            data,
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            key=key,
            unreadable=unreadable,
            quantiles=quantiles,
            coverage=coverage,
            by_class=by_class,
        )
        return frame_like(data, table)

    def predict_proba(self, data: object, **options: Any) -> np.ndarray:  # noqa: ANN401  those of predict
        """Predict the probabilities of the classes of new rows.

        Args:
            data: New rows, as for `predict`.
            **options: Options of `predict`, such as `ignore_extra`.

        Returns:
            Probabilities, (rows, classes) in the order of `signature.labels`, or (rows, targets) of several labels.

        Raises:
            ColumnError: As `predict`.
            RunError: If the task has no classes.

        Examples:
            >>> run.predict_proba("new.csv").argmax(axis=1)  # doctest: +SKIP
        """
        from executor.model.predict import predict  # noqa: PLC0415  TensorFlow takes seconds
        from executor.model.prediction_columns import prediction_names  # noqa: PLC0415  likewise

        names = prediction_names(self.signature).probability
        if not names:
            raise RunError(
                f"Probabilities need a model that predicts classes, but the task of {self.directory} is "
                f"{self.signature.task}. Use predict."
            )
        table = predict(self.outcome_of, self.signature, data, **options)
        return np.column_stack([column.to_numpy() for column in table.columns[-len(names) :]])

    def predict_set(
        self,
        data: object,
        *,
        coverage: float = 0.9,
        by_class: bool = False,
        **options: Any,  # noqa: ANN401  those of predict
    ) -> np.ndarray:
        """Predict sets of classes that contain the true class with a given probability (conformal prediction).

        Args:
            data: New rows, as for `predict`.
            coverage: Share of rows whose set is to contain the true class, 0.5 to 0.99. Default 0.9.
            by_class: Whether the rows of each class are covered, not only all rows on average. Default False.
            **options: Options of `predict`, such as `ignore_extra`.

        Returns:
            Whether each class is in the set of a row, (rows, classes) bool in the order of `signature.labels`.

        Raises:
            ColumnError: As `predict`.
            RunError: If the model has no sets, or the coverage is out of range.

        Examples:
            >>> run.predict_set("new.csv").sum(axis=1)  # doctest: +SKIP
        """
        from executor.model.predict import class_sets  # noqa: PLC0415  TensorFlow takes seconds

        members_of = class_sets(self.signature, coverage, by_class=by_class)
        return members_of(self.predict_proba(data, **options))

    def explain(
        self,
        data: object,
        *,
        rows: int | None = 10,
        label: str | None = None,
        background: object = None,
        seed: int = 0,
        delimiter: str | None = None,
        table: str | None = None,
        ignore_extra: bool = False,
        unreadable: Unreadable = "refuse",
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Explanations:
        """Explain predictions by SHAP values: the contribution of each column to the prediction of a row.

        The contributions of a row add up to its prediction minus the expected value: the mean prediction for training
        rows. They are those of the words of a text, of the patches of an image, and of the segments of a sequence, if
        the model reads only one such column.

        Args:
            data: Rows, as for `predict`.
            rows: Number of rows to explain, the first ones. None explains all. Default 10.
            label: Class whose probability is explained. None explains the predicted class; of two classes the positive
                one. Default None.
            background: Rows like those of the training, of which 100 are drawn. None draws them from the dataset of the
                run, without the hold-out. Default None.
            seed: Seed of the drawn rows and of the masks. Default 0.
            delimiter: Column delimiter of a text file. None detects it. Default None.
            table: Sheet of a workbook, or table of a database. None takes the only one. Default None.
            ignore_extra: Whether to ignore columns that the model does not know. Default False.
            unreadable: Image files that are missing or damaged: "refuse" or "leave_out". Default "refuse".
            progress: Called with the numbers of rows that are explained and that are to be explained.

        Returns:
            The explanations; their `table()` is an Arrow table with a line per row and column.

        Raises:
            RunError: If the dataset of the run is gone and no background is given, shap is not installed, or the task
                is forecasting.
            ChoiceError: If label is not a class.
            ColumnError: As `predict`.

        Examples:
            >>> run.explain("new.csv", rows=5).table().to_pandas()  # doctest: +SKIP
        """
        from executor.evaluation.explanation.explain import explain  # noqa: PLC0415  only explanations need it

        return explain(
            self.outcome_of,
            self.signature,
            data,
            compute_many=self._outcome_of_many,
            background=lambda: self._background(background, seed),
            rows=rows,
            label=label,
            seed=seed,
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            unreadable=unreadable,
            progress=progress,
        )

    def _background(self, data: object, seed: int) -> RawTable:
        """Background rows of explanations, from data or from the dataset of the run."""
        from executor.evaluation.explanation.background import (  # noqa: PLC0415  as in explain
            read_background,
            sample_background,
        )

        if data is not None:
            return read_background(self.signature, data, seed=seed)
        dataset, reason = reopen_dataset(self.plan, must=False)
        if dataset is None:
            raise RunError(
                f"An explanation compares a row with rows of the training, but {reason}. Give a file with such rows: "
                "--background FILE, in Python background=…"
            )
        with dataset:
            hold_out = _hold_out_rows(self.directory / PREDICTIONS)
            return sample_background(self.signature, dataset, hold_out=hold_out, seed=seed)

    def drift(self, data: object, **options: Any) -> DriftReport:  # noqa: ANN401  those of predict
        """Measure how new rows and their predictions differ from the training rows and the hold-out.

        Args:
            data: New rows, as for `predict`.
            **options: Options of `predict`, such as `ignore_extra`.

        Returns:
            The distance of each column with its bound, and whether it drifts.

        Raises:
            ColumnError: As `predict`.
            RunError: If the model is a forecast.

        Examples:
            >>> run.drift("new.csv").has_drift  # doctest: +SKIP
        """
        from executor.model.predict import predict  # noqa: PLC0415  TensorFlow takes seconds
        from executor.runs.drift.new_rows import check_comparable  # noqa: PLC0415  likewise

        check_comparable(self.signature)
        found: list[DriftReport] = []
        predict(lambda rows: self.outcome_with_drift(rows, found.append), self.signature, data, **options)
        return found[0]

    def outcome_with_drift(self, rows: RawTable, report: Callable[[DriftReport], object]) -> np.ndarray:
        """Outputs of the model for validated rows, as `outcome_of`; report receives their drift."""
        outcome = self.outcome_of(rows)
        from executor.layers.words import CategoryLayer  # noqa: PLC0415  TensorFlow takes seconds
        from executor.model.keras_file import column_layers  # noqa: PLC0415  likewise
        from executor.runs.drift.new_rows import measure_drift  # noqa: PLC0415  likewise

        known = {
            name: own
            for layer, columns in column_layers(self.signature, self.model)
            if isinstance(layer, CategoryLayer)
            for name, own in zip(columns, layer.levels, strict=False)
        }
        report(
            measure_drift(
                rows,
                outcome,
                signature=self.signature,
                reference=self.reference,
                known=known,
                run=self.directory.name,
                seal=self.seal,
            )
        )
        return outcome

    def export(self, *, to: ExportFormat, directory: str | os.PathLike[str], force: bool = False) -> Exported:
        """Export the model to a format that runs without pcwat's training stack.

        The export is checked against the model on at most a thousand rows: those of the hold-out, or random ones where
        the dataset is gone.

        Args:
            to: Format: "numpy", "onnx", "saved-model" or "litert".
            directory: Directory that is written.
            force: Whether an earlier export there is replaced. Default False.

        Returns:
            The directory, and on what it was checked.

        Raises:
            RunError: If the run was altered, the directory has other files, a package is missing, the network has no
                equivalent in the format, or the export predicts differently.

        Examples:
            >>> run.export(to="onnx", directory="exported").sentence  # doctest: +SKIP
        """
        from executor.runs.export.export import check_request, export_model  # noqa: PLC0415  only an export needs it

        output = Path(directory)
        check_request(to, output, force=force)
        if output.resolve().is_relative_to(self.directory.resolve()):
            raise RunError(f"The files of a run are sealed, so {output} cannot be in it. Choose another directory.")
        self.check_unaltered(MODEL, SIGNATURE)
        return export_model(
            self.model,
            self.signature,
            output,
            to=to,
            outcome_of=self.outcome_of,
            sample=self._sample,
            run=self.directory.name,
        )

    def check_unaltered(self, *names: str) -> None:
        """Check files against the manifest, which an unfinished run lacks. Raises RunError if one was altered."""
        manifest = Manifest.read(self.directory)
        if manifest is None:
            return
        for name in names:
            path = self.directory / name
            if path.exists() and manifest.files.get(name) != f"sha256:{digest_of(path)}":
                raise RunError(
                    f"{path} was altered: it does not match the run's manifest. Restore the original file, or train "
                    "again."
                )

    def hold_out_rows(self) -> np.ndarray | None:
        """Numbers of the rows of the hold-out in the dataset; None where they are not known."""
        return _hold_out_rows(self.directory / PREDICTIONS)

    def _sample(self, encoders: list[dict[str, Any]]) -> tuple[RawTable, str]:
        """Rows on which an export is checked, and what they are; encoders: as in encoding.json."""
        from executor.runs.export.sample_rows import dataset_rows, random_rows  # noqa: PLC0415  as in export

        dataset, reason = reopen_dataset(self.plan, must=False)
        if dataset is None:
            return random_rows(self.signature, encoders, seed=self.plan.seed), f"random rows, because {reason}"
        with dataset:
            return dataset_rows(self.signature, dataset, self.hold_out_rows())


def run_html(run: Run) -> str:
    """The run as HTML for notebooks, every name and value from the data escaped."""
    scores = run.scores
    better = "higher" if scores.direction is Direction.MAX else "lower"
    caption = f"{scores.metric} on {scores.rows:,} rows of the hold-out ({better} is better)"
    baselines = (
        (name, "undefined" if baseline.value is None else number(baseline.value), baseline.says)
        for name, baseline in scores.baselines.items()
    )
    rows = [("this model", format_estimate(scores.hold_out), f"in {run.directory}"), *baselines]
    return html_table(caption, ("Model", str(scores.metric), "Description"), rows) + html_paragraph(
        reach_verdict(scores).text
    )


def _hold_out_rows(path: Path) -> np.ndarray | None:
    """Numbers of the rows of the hold-out in the dataset; None where they are not known."""
    from pyarrow import ArrowException, csv  # noqa: PLC0415  as in export

    try:
        options = csv.ConvertOptions(include_columns=["row"])
        return np.asarray(csv.read_csv(path, convert_options=options)["row"])
    except (OSError, ArrowException):
        return None
