"""Signs of trouble in the data: leaks, duplicates, identifiers, order, wrong labels, small classes, shift."""

from taut.evidence.signs.look import look
from taut.evidence.signs.sign import Sign

__all__ = ["Sign", "look"]
