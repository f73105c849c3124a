"""Rules and constraints, read from YAML files."""
