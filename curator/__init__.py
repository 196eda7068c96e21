"""Pool what several stakeholders think, curate it with every perspective kept, and train a small model on it."""

__version__ = "0.1.0"
