"""Signs of trouble in the data: leaks, duplicates, identifiers, order, wrong labels, small classes, shift."""

from taut.evidence.signs.find import find_signs
from taut.evidence.signs.sign import Sign

__all__ = ["Sign", "find_signs"]
