"""The scikit-learn faces: no mathematics here."""

from taut.estimators.classifier_cv import TautClassifierCV
from taut.estimators.regressor_cv import TautRegressorCV
from taut.estimators.single import TautClassifier, TautRegressor

__all__ = ["TautClassifier", "TautClassifierCV", "TautRegressor", "TautRegressorCV"]
