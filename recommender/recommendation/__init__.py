"""From a profile and a rulebook to a recommended bundle."""
