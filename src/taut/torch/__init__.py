"""A person's own PyTorch network: does it overfit, what fixes it, how good is it really."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from taut.torch.lightning_callback import LightningRegularization as LightningRegularization
    from taut.torch.skorch_callback import SkorchRegularization as SkorchRegularization

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


def __getattr__(name: str) -> Any:
    """Import Lightning and skorch only where their callbacks are used."""
    if name == "LightningRegularization":
        from taut.torch.lightning_callback import LightningRegularization

        return LightningRegularization
    if name == "SkorchRegularization":
        from taut.torch.skorch_callback import SkorchRegularization

        return SkorchRegularization
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
