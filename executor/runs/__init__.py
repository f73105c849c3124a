"""The run directory, and what is shown of it."""
