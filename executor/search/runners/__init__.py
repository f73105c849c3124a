"""Runners that train trials one by one, stacked in one graph, or in parallel."""
