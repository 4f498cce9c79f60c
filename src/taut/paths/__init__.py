"""Regularization paths: one technique over a grid of strengths, cross-validated."""

from taut.learning.progress import TrainingProgress as PathProgress
from taut.paths.display import RegularizationPathDisplay
from taut.paths.function import regularization_path
from taut.paths.result import Gain, PathPoint, RegularizationPath

__all__ = [
    "Gain",
    "PathPoint",
    "PathProgress",
    "RegularizationPath",
    "RegularizationPathDisplay",
    "regularization_path",
]
