"""Plots of the report, drawn as static SVG.

- `classification`: ROC curve, precision-recall curve, calibration and lift.
- `confusion`: Confusion matrix.
- `regression`: Predicted against actual values, residuals, coverage of intervals.
- `forecasts`: Forecasts of each series, and errors by step.
- `mistaken_images`: Misclassified images.
- `comparison`: Gains over baselines, runs compared, groups of rows, importance of columns.
- `dependence`: Partial dependence on columns.
- `explanations`: Contributions to predictions.
- `search`: Trials, learning curves of trials, hyperparameter importance, time.
- `drawing`: A chart as SVG with a caption.
- `svg`: Converts charts to SVG in a separate process.
- `svg_worker`: The program of that process.
- `altair_import`: Imports Altair with its docstrings, which it needs, also under PYTHONOPTIMIZE=2.
"""
