"""Classifier and regressor of independent rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from executor.model.prediction_columns import free_name, prediction_names
from executor.pipeline.estimators.columns import (
    array_column,
    arrow_table,
    column_names,
    is_array,
    require_targets,
    target_names,
    value_errors,
)
from executor.pipeline.estimators.estimator import Estimator
from rules.decision.request import Request
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

MIN_CLASSES: Final = 2


class TableEstimator(Estimator):
    """Estimators of independent rows."""

    def _train(
        self,
        features: ArrayLike,
        table: pa.Table,
        truth: dict[str, pa.Array],
        *,
        task: Task,
        groups: ArrayLike | None,
        weight: np.ndarray | None,
    ) -> Self:
        """Train on the table of the features with targets by name.

        groups: (rows,), never divided by a split. weight: (rows,), checked.
        """
        kinds = {}
        if is_array(features):
            kinds = {field.name: Kind.NUMERIC for field in table.schema if not pa.types.is_string(field.type)}
        for name, values in truth.items():
            table = table.append_column(name, values)
        entity = None
        if groups is not None:
            check_consistent_length(features, groups)
            entity = free_name("group", table.column_names)
            table = table.append_column(entity, pa.array(np.asarray(groups)))
        weighted = None
        if weight is not None:
            weighted = free_name("sample_weight", table.column_names)
            table = table.append_column(weighted, pa.array(weight))
        return self._fit(table, Request(target=tuple(truth), task=task, kinds=kinds, entity=entity, weight=weighted))

    def _table(self, features: Any, *, is_fit: bool = False) -> pa.Table:  # noqa: ANN401  any kind of table
        """Check features as scikit-learn does, and convert them; columns of arrays are called x0, x1 and so on."""
        if not is_fit:
            check_is_fitted(self)
        least = 2 if is_fit else 1
        if is_array(features):
            values = validate_data(
                self, features, reset=is_fit, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=least
            )
            return pa.table({f"x{at}": array_column(values[:, at]) for at in range(values.shape[1])})
        _check_feature_names(self, features, reset=is_fit)
        _check_n_features(self, features, reset=is_fit)
        if len(features) < least:
            raise ValueError(
                f"{type(self).__name__} requires a minimum of {least} rows, but got a table with {len(features)} rows."
            )
        with value_errors():
            return arrow_table(features)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags


class PcwatClassifier(ClassifierMixin, TableEstimator):  # type: ignore[misc]  # as above
    """Classifier with the interface of scikit-learn.

    It chooses a strategy by the rules, searches it, and keeps the best network or ensemble. Rows may contain numbers,
    categories, dates, texts and missing values.

    Args:
        budget: Time limit of `fit` in seconds; None for none. Default 60.
        trials: Maximum number of trials. Default None: as many as the budget allows, without one 20.
        activation: Non-linearity: its name, a mapping with its name and parameters, or an object such as `Relu()`.
            Default None: chosen by the rules.
        metric: Metric that is optimized, likewise. `score` is the accuracy, whatever the metric.
        loss: Loss, likewise.
        initializer: Initializer, likewise.
        optimizer: Optimizer, likewise, such as {"name": "adam", "learning_rate": 0.001}.
        tuner: Tuning strategy, likewise.
        search: Hyperparameters to search, with their values, such as {"units": [64, 512], "dropout": "0..0.5"}.
            Default None: chosen by the rules.
        architecture: Architecture, likewise.
        validation: Validation, likewise.
        costs: Cost of a row by its actual and its predicted class, such as {"bad": {"good": 5}, "good": {"bad": 1}}:
            `predict` returns the class with the least expected cost. Default None: the metric decides.
        book: Layers of rules. Default the shipped ones.
        single: Keep the best network even if an average of several is better. Default False.
        keep_evaluated: Keep the evaluated model instead of training it again on all rows. Default False.
        report: Write report.html into the run. Default False.
        directory: Folder in which each `fit` makes a run directory. Default None: a temporary one, which is deleted
            with the estimator.
        random_state: Seed, random state, or None for another seed in each `fit`. Default 0.

    Attributes:
        classes_: Labels, (classes,); for several targets their indices.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns, where the rows have names.
        run_: The `Run`, with scores on a hold-out, signature and model.
        bundle_: The bundle that was trained.
        record_: The audit record of the choices.

    Raises:
        ValueError: If the rows or labels cannot be used.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> from executor import PcwatClassifier
        >>> features, species = load_iris(return_X_y=True, as_frame=True)
        >>> PcwatClassifier(budget=30).fit(features, species).score(features, species)  # doctest: +SKIP
        0.98
    """

    def fit(
        self,
        X: ArrayLike,  # noqa: N803  scikit-learn's name
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Choose a strategy and train.

        Args:
            X: Features: an array, (rows, columns), or a pandas, polars or Arrow table.
            y: Labels, (rows,), or 0 and 1 for each of several targets, (rows, targets).
            groups: Group of each row, (rows,), such as its patient; no group is divided between training and
                validation rows. Default None.
            sample_weight: Weight of each row, (rows,), at least 0, in training, calibration and scores on the hold-out.
                Rows with weight 0 are left out. Default None: each row counts once.

        Returns:
            The fitted estimator.
        """
        require_targets(y, self)
        table = self._table(X, is_fit=True)
        labels = np.asarray(y) if column_names(y) else y
        is_multilabel = type_of_target(labels, input_name="y", raise_unknown=True) == "multilabel-indicator"
        values = _check_y(labels, multi_output=is_multilabel, estimator=self)
        check_classification_targets(values)
        check_consistent_length(X, values)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, values, dtype=np.float64)
        if is_multilabel:
            self.classes_ = np.arange(values.shape[1])
            names = target_names(table, y, values.shape[1])
            truth = {name: pa.array(values[:, at].astype(np.int64)) for at, name in enumerate(names)}
            return self._train(X, table, truth, task=Task.MULTILABEL, groups=groups, weight=weight)
        self.classes_ = np.unique(values if weight is None else values[weight != 0])
        if len(self.classes_) < MIN_CLASSES:
            got = f"only one class, {self._texts()[0]!r}" if len(self.classes_) else "no class"
            raise ValueError(f"y must have at least two classes in rows with a weight, but got {got}.")
        # A class whose rows all have weight 0 is not in classes_; its rows are left out, whatever their label.
        codes = np.minimum(np.searchsorted(self.classes_, values), len(self.classes_) - 1)
        task = Task.BINARY if len(self.classes_) == MIN_CLASSES else Task.MULTICLASS
        (name,) = target_names(table, y, 1)
        truth = {name: pa.array(self._texts()).take(pa.array(codes))}
        return self._train(X, table, truth, task=task, groups=groups, weight=weight)

    def _texts(self) -> list[str]:
        """Labels of the run, which always are text, in the order of `classes_`."""
        return [str(label) for label in self.classes_]

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803  as above
        """Predict labels.

        Args:
            X: Features with the columns of the training.

        Returns:
            Labels, (rows,) or (rows, targets). Costs apply, or decision thresholds that were tuned for the metric.
        """
        table = self._table(X)
        predictions, names = self._predict(table), prediction_names(self.run_.signature).prediction
        if len(names) > 1:
            return np.column_stack([predictions[name].to_numpy() for name in names])
        place = {text: at for at, text in enumerate(self._texts())}
        labels: np.ndarray = self.classes_[[place[label] for label in predictions[names[0]].to_pylist()]]
        return labels

    def predict_proba(self, X: ArrayLike) -> np.ndarray:  # noqa: N803  as above
        """Predict probabilities.

        Args:
            X: Features with the columns of the training.

        Returns:
            Probabilities, (rows, classes) in the order of `classes_`.
        """
        table = self._table(X)
        with value_errors():
            probabilities = self.run_.predict_proba(table)
        labels = self.run_.signature.labels
        return probabilities[:, [labels.index(text) for text in self._texts()]] if labels else probabilities

    def predict_set(
        self,
        X: ArrayLike,  # noqa: N803  as above
        *,
        coverage: float = 0.9,
        by_class: bool = False,
    ) -> np.ndarray:
        """Predict sets of classes that contain the true class with a given probability.

        Args:
            X: Features with the columns of the training.
            coverage: Share of rows whose set is to contain the true class, 0.5 to 0.99. Default 0.9.
            by_class: Whether the rows of each class are covered, not only all rows on average. Default False.

        Returns:
            Whether each class is in the set of a row, (rows, classes) bool in the order of `classes_`.

        Raises:
            RunError: If several labels are predicted, or the coverage is out of range.
        """
        table = self._table(X)
        with value_errors():
            members = self.run_.predict_set(table, coverage=coverage, by_class=by_class)
        return members[:, [self.run_.signature.labels.index(text) for text in self._texts()]]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class PcwatRegressor(RegressorMixin, TableEstimator):  # type: ignore[misc]  # as above
    """Regressor with the interface of scikit-learn; its parameters are those of `PcwatClassifier`.

    Attributes:
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns, where the rows have names.
        run_: The `Run`, with scores on a hold-out, signature and model.
        bundle_: The bundle that was trained.
        record_: The audit record of the choices.

    Raises:
        ValueError: If the rows or targets cannot be used.

    Examples:
        >>> from sklearn.datasets import load_diabetes
        >>> from executor import PcwatRegressor
        >>> features, progression = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = PcwatRegressor(budget=30, loss="huber").fit(features, progression)  # doctest: +SKIP
        >>> model.predict_interval(features[:2])  # doctest: +SKIP
        array([[ 98.1, 276.4],
               [ 20.6, 171.3]])
    """

    def fit(
        self,
        X: ArrayLike,  # noqa: N803  as above
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Choose a strategy and train.

        Args:
            X: Features: an array, (rows, columns), or a pandas, polars or Arrow table.
            y: Numbers, (rows,) or (rows, targets).
            groups: Group of each row, (rows,), as for `PcwatClassifier`. Default None.
            sample_weight: Weight of each row, (rows,), as for `PcwatClassifier`. Default None.

        Returns:
            The fitted estimator.
        """
        require_targets(y, self)
        table = self._table(X, is_fit=True)
        numbers = np.asarray(y) if column_names(y) else y
        values = _check_y(numbers, multi_output=True, y_numeric=True, estimator=self)
        check_consistent_length(X, values)
        columns = values.reshape(len(values), -1)
        names = target_names(table, y, columns.shape[1])
        self._is_flat = values.ndim == 1
        truth = {name: pa.array(columns[:, at].astype(float)) for at, name in enumerate(names)}
        task = Task.REGRESSION if len(names) == 1 else Task.MULTIOUTPUT_REGRESSION
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, values, dtype=np.float64)
        return self._train(X, table, truth, task=task, groups=groups, weight=weight)

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803  as above
        """Predict numbers.

        Args:
            X: Features with the columns of the training.

        Returns:
            Predictions, (rows,) or (rows, targets), as `y` was.
        """
        return self._values(self._predict(self._table(X)), "prediction")

    def predict_interval(self, X: ArrayLike) -> np.ndarray:  # noqa: N803  as above
        """Predict intervals with the coverage of `run_.signature.intervals`, 90 % by default.

        Args:
            X: Features with the columns of the training.

        Returns:
            Lower and upper ends, (rows, 2) for one target, (rows, targets, 2) for several.

        Raises:
            RunError: If too few rows were left to measure intervals.
        """
        return self._intervals(self._predict(self._table(X)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
