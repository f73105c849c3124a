"""The pipeline of a training: prepare, execute, finalize."""
