"""From ranked trials to one network in a .keras file, and its predictions.

- `rebuild`: A Keras network from the weights of a trial.
- `ensemble`: Greedy ensemble of trials.
- `refit`: Trains the selected networks again on training and validation rows, and averages those of a forecast.
- `all_rows`: Trains the selected configurations of tables on all rows.
- `calibration`: Temperature of probabilities, and prediction intervals.
- `assemble`: One Keras model from raw rows to predictions.
- `compile`: Loss, metric and optimizer of the saved model.
- `keras_file`: Saves and loads model.keras, with checks.
- `compiled`: A saved model, compiled if that changes no bit.
- `signature`: Inputs and outputs of a model: signature.json.
- `validate_rows`: Reads new rows and checks them against the signature.
- `predict`: Predictions for new rows.
- `prediction_columns`: Names and content of the columns of predictions.
"""
