"""AdamW over one buffer of all parameters, by the kernel of PyTorch's own fused AdamW.

``torch.optim.AdamW(..., fused=True)`` does the same up to the last bits (a test compares them), but the first
optimizer in a process imports PyTorch's compiler: 4 seconds of processor time in every worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

_BETAS, _EPSILON = (0.9, 0.999), 1e-8


@final
class FlatAdamW:
    """Makes parameters views of one buffer, and steps it.

    Parameters
    ----------
    parameters : sequence of torch.nn.Parameter
        In the order of the buffer, and all of one type.
    learning_rate : float
    """

    def __init__(self, parameters: Sequence[nn.Parameter], learning_rate: float) -> None:
        n, device = sum(p.numel() for p in parameters), parameters[0].device
        self.numbers = torch.zeros(n, device=device, dtype=parameters[0].dtype)
        self.slopes, self._first, self._second = (torch.zeros_like(self.numbers) for _ in range(3))
        self._step = torch.zeros((), device=device)
        self._rate = learning_rate
        at = 0
        for p in parameters:
            end = at + p.numel()
            own = _view(self.numbers[at:end], p.data)
            own.copy_(p.data)
            p.data, p.grad = own, _view(self.slopes[at:end], own)
            at = end

    def zero_grad(self) -> None:
        """Forget the slopes."""
        self.slopes.zero_()

    def step(self) -> None:
        """Move all numbers down their slopes."""
        self._step += 1
        torch._fused_adamw_(
            [self.numbers], [self.slopes], [self._first], [self._second], [], [self._step], lr=self._rate,
            beta1=_BETAS[0], beta2=_BETAS[1], weight_decay=0.0, eps=_EPSILON, amsgrad=False, maximize=False,
        )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Its moments."""
        return {"first": self._first, "second": self._second, "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from moments."""
        self._first.copy_(state["first"])
        self._second.copy_(state["second"])
        self._step.copy_(state["step"])


def _view(part: Tensor, like: Tensor) -> Tensor:
    """A part of a buffer, laid out as another tensor is: channels last where that one's are."""
    if like.dim() == 4 and like.is_contiguous(memory_format=torch.channels_last):
        n, c, h, w = like.shape
        return part.view(n, h, w, c).permute(0, 3, 1, 2)
    return part.view(like.shape)
