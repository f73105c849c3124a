"""Runners that train trials sequentially, stacked in one graph, or in parallel.

- `sequential`: One trial after the other, for any network.
- `stacked`: Many trials at once in one graph.
- `stacked_graph`: The training step of a stack.
- `stack`: The weights and optimizer state of a stack.
- `stack_planning`: Which trials share a stack.
- `parallel`: One stack or trial per device.
- `workspace`: What all trials share: rows on the device, loss, metric and results.
- `feeds`: Rows for training steps, from memory or from a file.
- `speed`: Measurement of the speed of a training.
- `training_state`: Scores, best epoch and end of a trial.
- `schedule_clock`: Progress of a training, for its learning-rate schedule.
- `outcomes`: The outcome of a trial that ends, and its seed.
- `compiled`: Functions of tensors as graphs.
"""
