"""Baselines that a model is compared with, one per module.

- `baseline`: A baseline's predictions and name.
- `fit`: Those that read raw rows or images, fitted here or on workers of a cluster.
- `constant`: Most frequent class, mean or median, last value, seasonal naive.
- `linear`: Linear and logistic regression on the same features.
- `gradient_boosting`: Gradient-boosted trees on the raw columns.
- `rolling_origins`: Forecasts of a fitted model from every origin of the hold-out.
- `exponential_smoothing`: Exponential smoothing of series.
- `theta`: The Theta model of series.
- `mean_forecast`: Mean of Theta, exponential smoothing and the seasonal naive forecast.
- `nearest_neighbours`: Nearest neighbours for images.
- `tf_idf`: Logistic regression on TF-IDF for texts.
"""
