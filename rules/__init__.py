"""Knowledge: what rules may read (facts), what they may write (choices), and the proof that they always decide.

This package reads no dataset and imports no framework.
"""

__version__ = "0.2.0"
