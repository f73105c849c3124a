"""Evaluation of the selected model on the hold-out."""
