"""The version of taut: the one place that defines it, and that files are marked with."""

__version__ = "0.1.0"
