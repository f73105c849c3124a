"""One network architecture a module."""
