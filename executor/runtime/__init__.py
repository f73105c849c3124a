"""The process: devices, time, log, interrupts and versions.

- `budget`: Time limit and trial limit of a training.
- `clock`: Seconds spent and remaining.
- `stage_timer`: Duration of each stage.
- `devices`: GPUs, their memory and precision.
- `replicas`: Devices that share each batch of a network.
- `cluster`: A Ray cluster that runs tasks.
- `cluster_call`: Functions that workers of a cluster call.
- `interrupt`: Ctrl-C, SIGTERM and SIGHUP during a search.
- `log`: log.txt of a run.
- `prediction_batches`: Batch sizes with which a prediction does not depend on its place in the batch.
- `tensorflow_import`: Imports TensorFlow without its start-up messages.
- `versions`: Package versions that a run records.
"""
