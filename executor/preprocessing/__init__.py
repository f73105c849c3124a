"""Preprocessing fitted on training rows, and the encoded arrays."""
