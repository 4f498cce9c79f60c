"""What a recipe does to weights before and after each step of somebody's optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
        Called at the first step, once there are gradients.
    """

    def __init__(self, optimizer: Optimizer, hooks: Hooks, clock: Clock, check: Callable[[], object]) -> None:
        self.optimizer, self._penalized, self._units = optimizer, set[int](), set[int]()
        self._sizes: list[int] = []  # of the groups when the targets were found
        self._targets: list[list[tuple[Tensor, Tensor]]] = []
        self._clock, self._check, self._checked = clock, check, False
        zeros = [kind.makes_zeros for kind in WEIGHT_TECHNIQUES]
        amounts = list(zip(zeros, hooks.weight_amounts, strict=True))
        before = tuple(0.0 if zero else amount for zero, amount in amounts)
        after = tuple(amount if zero else 0.0 for zero, amount in amounts)
        self._before = replace(hooks, weight_amounts=before, unit_amounts=())
        self._after = replace(hooks, weight_amounts=after)
        self._shrinks, self._follows = any(before), any((*after, *hooks.unit_amounts))
        self._handles = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]

    def act_on(self, penalized: Iterable[Tensor], units: Iterable[Tensor]) -> None:
        """Name the parameters that are acted on, and those whose first axis counts hidden units."""
        self._penalized, self._units = {id(p) for p in penalized}, {id(p) for p in units}
        self._sizes = []

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
        closure = kwargs.get("closure") or (args[1] if len(args) > 1 else None)
        if not callable(closure):
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

        if "closure" in kwargs:
            return args, kwargs | {"closure": shrinking}
        return (args[0], shrinking, *args[2:]), kwargs

    def _shrink(self, has_gradients: bool = True) -> None:
        if has_gradients and not self._checked:
            self._check_once()
        if self._shrinks and not _is_skipped(self.optimizer):
            self._act(self._before, has_gradients)

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not self._checked:
            self._check_once()
        self._clock.steps += 1
        if self._follows and not _is_skipped(optimizer):
            self._act(self._after)

    def _check_once(self) -> None:
        self._check()
        self._checked = True

    def _act(self, hooks: Hooks, has_gradients: bool = True) -> None:
        groups = self.optimizer.param_groups
        if self._sizes != [len(group["params"]) for group in groups]:
            self._find_targets()
        for group, targets in zip(groups, self._targets, strict=True):
            due = []
            for i, (p, weights) in enumerate(targets):
                if weights.data_ptr() != p.data_ptr():  # the module was moved
                    weights = p.detach()
                    targets[i] = p, weights
                # As the optimizer itself: what has no gradient is left alone.
                if p.requires_grad and (p.grad is not None or not has_gradients):
                    due.append(weights)
            rate = float(group["lr"])
            step_weights(due, hooks, rate)
            if any(hooks.unit_amounts):
                for p, weights in targets:
                    if id(p) in self._units and p.requires_grad and p.grad is not None:
                        step_units(weights, hooks, rate)

    def _find_targets(self) -> None:
        """What is acted on, by group, each with its numbers apart from its gradient: a step is short."""
        groups = self.optimizer.param_groups
        self._sizes = [len(group["params"]) for group in groups]
        self._targets = [
            [(p, p.detach()) for p in group["params"] if id(p) in self._penalized] for group in groups
        ]


def _is_skipped(optimizer: Optimizer) -> bool:
    """Whether a GradScaler has told a fused optimizer to leave the weights as they are."""
    found = getattr(optimizer, "found_inf", None)
    return isinstance(found, Tensor) and bool(found)
