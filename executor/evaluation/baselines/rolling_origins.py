"""Forecasts of a fitted model from every origin of the hold-out, for each series and target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from executor.data.series.lag_table import forward_fill, require_values, series_starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.data.raw_table import RawTable
    from executor.data.series.lag_table import Windows

MAX_FITTED: Final = 2_000  # last steps before the hold-out that are fitted; half a second per model of ETS
SEASONS_NEEDED: Final = 2  # minimum length of a series for a seasonal model (statsmodels)
MAX_SERIES: Final = 100  # series times targets; more fits take minutes


class FittedForecaster(Protocol):
    """A model whose states after each step are known."""

    def forecast(self, at: np.ndarray, horizon: int) -> np.ndarray:
        """Compute point forecasts after some steps, (len(at), horizon)."""
        ...


def forecast_origins(
    rows: RawTable,
    series: RawTable,
    windows: Windows,
    fit: Callable[[np.ndarray, int], tuple[FittedForecaster, str] | None],
    *,
    before: RawTable | None = None,
) -> tuple[np.ndarray, str] | None:
    """Forecast from every origin of the hold-out; return (rows, targets · horizon) values and the models' names.

    rows: the hold-out's rows of the lag table; series: the rows that it was made of. fit: estimates a model on the
    values of a series before an index, and filters all of its values; returns it with its name, or None. before: rows
    of the lag table before which it is fitted; by default the rows themselves. Series without such rows have no
    forecast, NaN.
    None where there are too many series, or one of them is not fitted.
    """
    starts = series_starts(series)
    values = forward_fill(require_values(series.truth), starts)
    pieces = np.split(np.arange(len(series)), np.flatnonzero(starts)[1:])
    if len(pieces) * len(windows.targets) > MAX_SERIES:
        return None
    place = {int(row): at for at, row in enumerate(series.rows) if row >= 0}
    first = np.array([place[int(row)] for row in rows.rows])  # the first step ahead of each row
    fitted_before = first if before is None else np.array([place[int(row)] for row in before.rows])
    outcome = np.full((len(rows), len(windows.targets), windows.horizon), np.nan)
    chosen = []
    for piece in pieces:
        here = np.flatnonzero((first >= piece[0]) & (first <= piece[-1]))
        limits = fitted_before[(fitted_before >= piece[0]) & (fitted_before <= piece[-1])]
        if not len(here) or not len(limits):
            continue
        for target in range(len(windows.targets)):
            own = values[piece, target]
            begin = int(np.argmax(np.isfinite(own)))
            evaluated = first[here] - piece[0] - begin
            found = fit(own[begin:], int(limits.min()) - int(piece[0]) - begin)
            if found is None:
                return None
            fitted, name = found
            chosen.append(name)
            outcome[here, target] = fitted.forecast(evaluated - 1, windows.horizon)
    return outcome.reshape(len(rows), -1), ", ".join(dict.fromkeys(chosen))
