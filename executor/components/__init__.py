"""Choices of a bundle as Keras objects, one slot per module.

- `activation`: Activation of hidden layers.
- `metric`: Metric on validation rows and on final predictions.
- `metric_functions`: Metrics as pure functions of arrays.
- `threshold`: Decision threshold, tuned on validation rows or 0.5.
- `loss`: Loss on logits or on standardized targets, with class weights.
- `custom`: Metrics of other packages, or of the program that calls.
- `initializer`: Weight initializer.
- `optimizer`: Optimizer and learning-rate schedule.
- `stacked_optimizer`: The same optimizers for many trials in one graph.
- `augmentation`: Augmentation of image batches.
- `training_length`: Batch size and epochs of a training.
- `configuration`: Default hyperparameters of a network, and the hyperparameters of a trial.
- `network_kind`: Base class of a kind of network: defaults, search space and training.
"""
