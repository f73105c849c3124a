"""The command line `recommend`."""
