"""Diagnostics that explain a result, one per module.

- `permutation_importance`: Importance of columns.
- `partial_dependence`: Predictions by the value of a column.
- `hyperparameter_importance`: Importance of hyperparameters, and best values at the edge of their range.
- `retraining`: Trains the best configuration again, with other seeds and fewer rows.
- `learning_curve`: Score by number of training rows, and its spread over seeds.
- `class_imbalance`: How rare classes were handled: metric, loss weights and threshold.
- `gradients`: Vanishing and exploding gradients of trials.
- `unfinished_training`: Networks that did not finish their planned epochs.
- `next_steps`: What to try next.
"""
