"""Evaluation of the selected model on the hold-out.

- `evaluate`: Scores with intervals, baselines and verdict.
- `scores`: The content of scores.json.
- `verdict`: The verdict in words: whether to use the model.
- `baselines`: Baselines that the model is compared with.
- `diagnostics`: Importance, learning curve, next steps.
- `explanation`: SHAP values of single predictions.
- `bootstrap`: Bootstrap samples of rows, series or groups.
- `calibration`: Calibration of probabilities and coverage of intervals.
- `fairness`: Scores, rates and errors of groups of rows.
- `class_coverage`: Classes that a part of the split lacks.
"""
