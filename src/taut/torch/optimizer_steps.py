"""What a recipe does to weights before and after each step of somebody's optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, final

from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer

from taut.engine.torch.attached import step_units, step_weights
from taut.techniques import WEIGHT_TECHNIQUES
from taut.techniques.base import Hooks
from taut.torch.placed import Clock


@final
class OptimizerSteps:
    """Hooks on one optimizer, by the learning rate that each of its groups has at that step.

    Shrinking comes before the step, where AdamW has its own decay; what makes exact zeros and what bounds a
    unit's weights comes after it.

    Parameters
    ----------
    optimizer : Optimizer
    hooks : Hooks
    clock : Clock
        Steps are counted there.
    check : callable
        Called at each step, once there has been a forward pass.

    Attributes
    ----------
    penalized, units : set of int
        The ``id`` of the parameters that are acted on.
    """

    def __init__(self, optimizer: Optimizer, hooks: Hooks, clock: Clock, check: Callable[[], object]) -> None:
        self.optimizer, self.penalized, self.units = optimizer, set[int](), set[int]()
        self._clock, self._check = clock, check
        zeros = [kind.makes_zeros for kind in WEIGHT_TECHNIQUES]
        amounts = list(zip(zeros, hooks.weight_amounts, strict=True))
        before = tuple(0.0 if zero else amount for zero, amount in amounts)
        after = tuple(amount if zero else 0.0 for zero, amount in amounts)
        self._before, self._after = (replace(hooks, weight_amounts=one) for one in (before, after))
        self._handles = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]

    def remove(self, parameters: list[nn.Parameter]) -> None:
        """Take the hooks off, and these parameters out of the optimizer."""
        for handle in self._handles:
            handle.remove()
        gone = {id(p) for p in parameters}
        for group in self.optimizer.param_groups:
            kept = [i for i, p in enumerate(group["params"]) if id(p) not in gone]
            for name in ("params", "param_names"):
                if name in group:
                    group[name][:] = [group[name][i] for i in kept]
        for p in parameters:
            self.optimizer.state.pop(p, None)

    def parameters(self) -> Iterator[Tensor]:
        """All that the optimizer holds."""
        for group in self.optimizer.param_groups:
            yield from group["params"]

    def group_of(self, parameter: Tensor) -> dict[str, Any] | None:
        """The group that a parameter is in."""
        groups = self.optimizer.param_groups
        return next((one for one in groups if any(p is parameter for p in one["params"])), None)

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> Any:
        where = "closure" if kwargs.get("closure") is not None else 1 if len(args) > 1 else None
        closure = None if where is None else kwargs["closure"] if where == "closure" else args[1]
        if not callable(closure):
            self._check()
            self._shrink()
            return None
        if isinstance(optimizer, LBFGS):  # its line search goes on from where the first gradient was made
            self._shrink(has_gradients=False)
            return None
        due = True

        def shrinking() -> Any:
            """Make gradients, then shrink, as the optimizers themselves do."""
            nonlocal due
            found = closure()
            if due:
                due = False
                self._shrink()
            return found

        if where == "closure":
            return args, kwargs | {"closure": shrinking}
        return (args[0], shrinking, *args[2:]), kwargs

    def _shrink(self, has_gradients: bool = True) -> None:
        if any(self._before.weight_amounts) and not _is_skipped(self.optimizer):
            self._act(self._before, has_gradients)

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._check()
        self._clock.steps += 1
        after = self._after
        if (any(after.weight_amounts) or any(after.unit_amounts)) and not _is_skipped(optimizer):
            self._act(after, units=True)

    def _act(self, hooks: Hooks, has_gradients: bool = True, units: bool = False) -> None:
        for group in self.optimizer.param_groups:
            rate = float(group["lr"])
            for p in group["params"]:
                # As the optimizer itself: what has no gradient is left alone.
                if id(p) not in self.penalized or not p.requires_grad or (p.grad is None and has_gradients):
                    continue
                step_weights(p.detach(), hooks, rate)
                if units and id(p) in self.units:
                    step_units(p.detach(), hooks, rate)


def _is_skipped(optimizer: Optimizer) -> bool:
    """Whether a GradScaler has told a fused optimizer to leave the weights as they are."""
    found = getattr(optimizer, "found_inf", None)
    return isinstance(found, Tensor) and bool(found)
