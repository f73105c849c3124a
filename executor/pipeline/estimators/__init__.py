"""Estimators with the interface of scikit-learn.

- `estimator`: The parameters, training and pickling of all estimators.
- `tabular`: `PcwatClassifier` and `PcwatRegressor`.
- `forecaster`: `PcwatForecaster`.
- `columns`: Arrays, frames and targets as columns of an Arrow table.
"""
