"""Which taut this is: the one place where it stands, with which files are marked."""

__version__ = "0.1.0"
