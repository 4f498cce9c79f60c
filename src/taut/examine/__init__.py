"""Examining a network on a table: diagnose, effects."""

from taut.examine.diagnose_function import diagnose
from taut.examine.diagnosis import Diagnosis
from taut.examine.effects_function import effects
from taut.examine.effects_result import Effects
from taut.examine.history import HistoryDiagnosis, diagnose_history
from taut.learning.progress import TrainingProgress as ExamineProgress

__all__ = [
    "Diagnosis",
    "Effects",
    "ExamineProgress",
    "HistoryDiagnosis",
    "diagnose",
    "diagnose_history",
    "effects",
]
