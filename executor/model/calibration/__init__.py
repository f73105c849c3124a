"""Calibration of a model on validation rows.

- `temperature`: Temperature scaling of logits.
- `conformal_intervals`: Split-conformal prediction intervals.
- `conformal_sets`: Split-conformal prediction sets of classes.
- `conformal_quantiles`: Quantiles of forecasts.
"""
