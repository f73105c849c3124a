"""Oracles that propose trials."""
