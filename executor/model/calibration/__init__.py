"""Calibration of predictions on validation rows: temperatures of probabilities, and prediction intervals."""
