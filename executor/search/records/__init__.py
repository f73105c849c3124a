"""The journal of trials and the lock of a run directory."""
