"""The verbs `recommend train` and `recommend predict`."""
