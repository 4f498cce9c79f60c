"""The scikit-learn faces: no mathematics here."""

from taut.estimators.crossvalidated import TautClassifierCV, TautRegressorCV
from taut.estimators.single import TautClassifier, TautRegressor

__all__ = ["TautClassifier", "TautClassifierCV", "TautRegressor", "TautRegressorCV"]
