"""Forecaster of one or several series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from sklearn.utils.validation import _check_y, check_consistent_length, check_is_fitted

from executor.data.frames import frame_like
from executor.pipeline.estimators.columns import arrow_table, require_targets, target_names
from executor.pipeline.estimators.estimator import SECONDS, Estimator
from rules.decision.request import Request
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

    from executor.pipeline.estimators.estimator import Seed, Setting
    from recommender.recommendation.search_space import Space


class PcwatForecaster(Estimator):
    """Forecaster of one or several series; its other parameters are those of `PcwatClassifier`.

    Args:
        horizon: Number of steps to forecast. Default None: inferred from the series.
        time: Column of X with the times of the rows. Default None: rows are in the order of time.
        series: Column of X with the name of each series. Default None: one series.
        season: Number of steps of a season; 1 for none. Default None: measured.
        known: Columns of X whose future values are known. Default ().

    Attributes:
        history_: The rows that were trained on, as an Arrow table.
        run_: The `Run`, with scores on a hold-out, signature and model.
        bundle_: The bundle that was trained.
        record_: The audit record of the choices.

    Raises:
        ValueError: If the rows or targets cannot be used.

    Examples:
        >>> import pandas as pd
        >>> from executor import PcwatForecaster
        >>> months = pd.DataFrame({"month": pd.date_range("2010-01", periods=120, freq="MS").astype(str)})
        >>> sales = pd.Series(range(120), name="sales", dtype=float)
        >>> model = PcwatForecaster(horizon=12, time="month", budget=30).fit(months, sales)  # doctest: +SKIP
        >>> model.predict().shape  # doctest: +SKIP
        (12,)
    """

    def __init__(
        self,
        *,
        horizon: int | None = None,
        time: str | None = None,
        series: str | None = None,
        season: int | None = None,
        known: Sequence[str] = (),
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
        book: Sequence[str | Path] = SHIPPED_LAYERS,
        single: bool = False,
        keep_evaluated: bool = False,
        report: bool = False,
        directory: str | Path | None = None,
        random_state: Seed = 0,
    ) -> None:
        self.horizon = horizon
        self.time = time
        self.series = series
        self.season = season
        self.known = known
        super().__init__(
            budget=budget,
            trials=trials,
            activation=activation,
            metric=metric,
            loss=loss,
            initializer=initializer,
            optimizer=optimizer,
            tuner=tuner,
            search=search,
            architecture=architecture,
            validation=validation,
            book=book,
            single=single,
            keep_evaluated=keep_evaluated,
            report=report,
            directory=directory,
            random_state=random_state,
        )

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: ANN401, N803  any kind of table
        """Choose a strategy and train.

        Args:
            X: Pandas, polars or Arrow table with the columns `time`, `series` and `known` and other features; None
                where there are none.
            y: Values of the series, (rows,) or (rows, targets).

        Returns:
            The fitted forecaster.
        """
        require_targets(y, self)
        values = _check_y(np.asarray(y), multi_output=True, y_numeric=True, estimator=self)
        columns = values.reshape(len(values), -1)
        self._is_flat = values.ndim == 1
        features = pa.table({}) if X is None else arrow_table(X)
        self._targets = target_names(features, y, columns.shape[1])
        self.history_ = self._rows(features, columns)
        request = Request(
            target=tuple(self._targets),
            task=Task.FORECASTING,
            time=self.time,
            entity=self.series,
            horizon=self.horizon,
            season=self.season,
            known=tuple(self.known),
        )
        return self._fit(self.history_, request)

    def _rows(self, table: pa.Table, targets: np.ndarray) -> pa.Table:
        """The columns of a series: features, if any, and targets."""
        if table.num_columns:
            check_consistent_length(table, targets)
        for at, name in enumerate(self._targets):
            table = table.append_column(name, pa.array(targets[:, at].astype(float), from_pandas=True))
        return table

    def predict_table(self, X: Any = None, y: ArrayLike | None = None) -> Any:  # noqa: ANN401, N803  as above
        """Forecast the steps after the last row.

        Args:
            X: Columns of the history as in `fit`, and rows of `known` columns ahead. Default None: those of the
                training.
            y: Values of the history; missing (NaN) in rows ahead. Default None: those of the training.

        Returns:
            Table with the time or number of each step, its prediction and its interval: of pandas or polars if X is
            one, otherwise an Arrow table.
        """
        return frame_like(X, self._forecast(X, y))

    def _forecast(self, features: Any, truth: ArrayLike | None) -> pa.Table:  # noqa: ANN401  as above
        check_is_fitted(self)
        if truth is None:
            if features is not None:
                raise ValueError("X needs the values of the series for its rows, but y is None. Give both or neither.")
            return self._predict(self.history_)
        values = np.asarray(truth, dtype=float)
        table = pa.table({}) if features is None else arrow_table(features)
        return self._predict(self._rows(table, values.reshape(len(values), -1)))

    def predict(self, X: Any = None, y: ArrayLike | None = None) -> np.ndarray:  # noqa: ANN401, N803  as above
        """Forecast the steps after the last row; arguments as of `predict_table`.

        Returns:
            Predictions, (steps,), or (steps, targets) if `y` had several columns in `fit`; for several series, those of
            the first series come first.
        """
        return self._values(self._forecast(X, y), "prediction")

    def predict_interval(self, X: Any = None, y: ArrayLike | None = None) -> np.ndarray:  # noqa: ANN401, N803  as above
        """Forecast intervals; arguments as of `predict_table`.

        Returns:
            Lower and upper ends, (steps, 2), or (steps, targets, 2) if `y` had several columns in `fit`.

        Raises:
            RunError: If too few rows were left to measure intervals.
        """
        return self._intervals(self._forecast(X, y))
