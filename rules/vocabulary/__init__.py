"""What rules may read (facts) and write (choices, as a bundle)."""
