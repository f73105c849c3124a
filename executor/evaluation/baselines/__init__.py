"""Baselines that a model is compared with, one per module.

- `baseline`: A baseline's predictions and name.
- `constant`: Most frequent class, mean or median, last value, seasonal naive.
- `linear`: Linear and logistic regression on the same features.
- `gradient_boosting`: Gradient-boosted trees on the raw columns.
- `exponential_smoothing`: Exponential smoothing of series.
- `nearest_neighbours`: Nearest neighbours for images.
- `tf_idf`: Logistic regression on TF-IDF for texts.
"""
