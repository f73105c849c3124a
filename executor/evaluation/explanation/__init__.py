"""SHAP values of single predictions.

- `explain`: Explains the predictions of rows.
- `explanations`: `Explanations`, as a table too.
- `background`: Rows of the training that replace what is masked.
- `masking`: What of a row is masked: columns, words, letters, patches of an image, segments of a sequence.
- `shapley`: SHAP values of a function of masks.
"""
