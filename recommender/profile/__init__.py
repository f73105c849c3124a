"""Measured characteristics of a dataset, and checks of them."""
