"""From ranked trials to one network and one .keras file."""
