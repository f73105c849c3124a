"""Calibration of a model on validation rows.

- `temperature`: Temperature scaling of logits.
- `conformal_intervals`: Split-conformal prediction intervals.
- `conformal_quantiles`: Quantiles of forecasts.
"""
