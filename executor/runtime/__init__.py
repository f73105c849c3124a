"""Devices, budget, log, interrupts and versions of a process."""
