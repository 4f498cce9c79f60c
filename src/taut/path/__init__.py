"""Regularization paths: one technique over a grid of strengths, cross-validated."""

from taut.path.display import RegularizationPathDisplay
from taut.path.function import regularization_path
from taut.path.progress import PathProgress
from taut.path.result import Gain, PathPoint, RegularizationPath

__all__ = [
    "Gain",
    "PathPoint",
    "PathProgress",
    "RegularizationPath",
    "RegularizationPathDisplay",
    "regularization_path",
]
