"""A person's own PyTorch network: does it overfit, what fixes it, how good is it really."""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError('taut.torch needs PyTorch: install it with pip install "taut[torch]".') from error

from taut.examine import HistoryDiagnosis, diagnose_history
from taut.torch.attach import Loop, attach
from taut.torch.diagnose import diagnose
from taut.torch.folder import load
from taut.torch.path import regularization_path
from taut.torch.tune import tune
from taut.torch.tuned import Tuned

__all__ = [
    "HistoryDiagnosis",
    "Loop",
    "Tuned",
    "attach",
    "diagnose",
    "diagnose_history",
    "load",
    "regularization_path",
    "tune",
]
