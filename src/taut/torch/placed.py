"""Dropout, batch norm and noise on a module that somebody else trains.

Every hook is an object with all that it needs, and a batch norm is a child of the layer before it. So a copy
of the module has its own, and whatever goes over a module's parameters (devices, gradients set to zero,
clipping, averages of weights, several processes) finds them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from taut.engine.torch.attached import (
    dropped,
    dropped_before,
    fold_norm,
    key_of,
    momentum_at,
    new_norm,
    rate_name,
    seeded,
)
from taut.engine.torch.plan import Plan, Site
from taut.errors import TrainingError
from taut.techniques.base import Hooks

#: A batch norm's name in its layer.
NORM = "taut_norm"

_INPUTS = 0  # the number of the inputs' random numbers; layers count from 1


@final
@dataclass(eq=False)
class Clock:
    """Where in training a module is: its random numbers have a name by it, and so need no state.

    Parameters
    ----------
    seed : int
    steps : int
        Of the optimizer, so far.
    passes : int
        Forward passes in training mode, so far: several a step where gradients are accumulated.
    """

    seed: int
    steps: int = 0
    passes: int = 0
    _generators: dict[torch.device, torch.Generator] = field(default_factory=dict, repr=False)

    def masks(self, device: torch.device, number: int) -> torch.Generator:
        """The random numbers of one layer in this pass."""
        return seeded(self._generators, device, key_of(self.seed, self.steps, self.passes, number))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_generators": {}}


class _Hook:
    """What :func:`take_off` knows a hook of ours by."""

    eager: ClassVar[bool] = False


def _keep_out_of_graphs() -> None:
    """Let ``torch.compile`` leave hooks as they are: they count, and draw from generators of their own.

    Not at import, since it takes seconds to import what that needs; an optimizer has done so.
    """
    disable: Any = torch.compiler.disable
    for kind in () if _Hook.eager else _Hook.__subclasses__():
        setattr(kind, "__call__", disable(kind.__call__))  # noqa: B010
    _Hook.eager = True


@final
@dataclass(eq=False)
class OnInputs(_Hook):
    """Before the module: counts passes, disturbs the inputs, and finds the plan where there was none."""

    clock: Clock
    noise: float
    drop: float
    find_plan: Any = None

    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """What the module is called with in place of its inputs; None leaves them."""
        if not module.training:
            return None
        if self.find_plan is not None:
            find, self.find_plan = self.find_plan, None
            passes = self.clock.passes
            try:
                find(args, kwargs)
            except Exception:
                self.find_plan = find  # for the next batch, where the loop goes on
                raise
            finally:
                self.clock.passes = passes
        self.clock.passes += 1
        if not (self.noise or self.drop):
            return None
        return tuple(self._disturbed(one) for one in args), {k: self._disturbed(v) for k, v in kwargs.items()}

    def _disturbed(self, tree: Any) -> Any:
        if isinstance(tree, (list, tuple)):
            return type(tree)(self._disturbed(one) for one in tree)
        if isinstance(tree, dict):
            return {name: self._disturbed(one) for name, one in tree.items()}
        if not isinstance(tree, Tensor) or not tree.is_floating_point():
            return tree
        stream = self.clock.masks(tree.device, _INPUTS)
        if self.noise:
            tree = tree + self.noise * torch.empty_like(tree).normal_(generator=stream)
        return dropped(tree, tree.shape, self.drop, stream) if self.drop else tree

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"find_plan": None}


@final
@dataclass(eq=False)
class _BeforeLayer(_Hook):
    """Drops what enters a layer: units, or channels of pictures."""

    clock: Clock
    number: int
    rate: float
    n_axes: int

    def __call__(self, layer: nn.Module, args: Any, kwargs: Any) -> Any:
        if not layer.training:
            return None
        x = args[0] if args else kwargs["input"]
        x = dropped_before(layer, x, self.n_axes, self.rate, self.clock.masks(x.device, self.number))
        return ((x, *args[1:]), kwargs) if args else (args, kwargs | {"input": x})


@final
@dataclass(eq=False)
class _BehindLayer(_Hook):
    """Batch norm on what leaves a layer."""

    clock: Clock
    name: str

    def __call__(self, layer: nn.Module, args: Any, output: Tensor) -> Tensor:
        norm: Any = getattr(layer, NORM)
        if norm.training and output.numel() == norm.num_features:
            raise TrainingError(
                f"Batch norm behind {self.name} needs at least two examples in a batch, and this one has "
                "one: give drop_last=True to the DataLoader, or another batch_size."
            )
        norm.momentum = momentum_at(max(self.clock.steps, self.clock.passes - 1))
        found: Tensor = norm(output)
        return found


def put_on_inputs(module: nn.Module, hook: OnInputs) -> None:
    """Let a hook see every forward pass of the module."""
    _keep_out_of_graphs()
    module.register_forward_pre_hook(hook, with_kwargs=True, prepend=True)


def put_on_layers(module: nn.Module, plan: Plan, hooks: Hooks, clock: Clock) -> list[tuple[str, str, float]]:
    """Put dropout and batch norm where the plan says.

    Returns
    -------
    list of (str, str, float)
        The rates of the module's own dropout that were set: layer, attribute, what it was before.
    """
    layers = dict(module.named_modules())
    rates = []
    for number, site in enumerate(plan.dropout if hooks.drop else (), start=1):
        hook = _BeforeLayer(clock, number, hooks.drop, site.n_axes)
        layers[site.layer].register_forward_pre_hook(hook, with_kwargs=True)
    for name in plan.rates if hooks.drop else ():
        layer = layers[name]
        attribute = rate_name(layer)
        rates.append((name, attribute, float(getattr(layer, attribute))))
        setattr(layer, attribute, hooks.drop)
    for site in plan.norms if hooks.normalize else ():
        layer = layers[site.layer]
        weight: Any = layer.weight
        layer.add_module(NORM, new_norm(site).to(weight.device, weight.dtype).train(layer.training))
        layer.register_forward_hook(_BehindLayer(clock, site.layer))
    return rates


def norms_of(module: nn.Module, sites: tuple[Site, ...]) -> dict[str, nn.Module]:
    """The batch norms that were put in, by their layers' names."""
    layers = dict(module.named_modules())
    found = {site.layer: getattr(layers[site.layer], NORM, None) for site in sites}
    return {name: norm for name, norm in found.items() if norm is not None}


def take_off(module: nn.Module, sites: tuple[Site, ...], rates: list[tuple[str, str, float]]) -> None:
    """Take everything off again; batch norm is folded into the layers, so that evaluation gives the same."""
    layers = dict(module.named_modules())
    for one in layers.values():
        for hooks, flags in (
            (one._forward_pre_hooks, (one._forward_pre_hooks_with_kwargs,)),
            (one._forward_hooks, (one._forward_hooks_with_kwargs, one._forward_hooks_always_called)),
        ):
            for number in [number for number, hook in hooks.items() if isinstance(hook, _Hook)]:
                for table in (hooks, *flags):
                    table.pop(number, None)
    for name, norm in norms_of(module, sites).items():
        fold_norm(layers[name], norm)
        delattr(layers[name], NORM)
    for name, attribute, rate in rates:
        setattr(layers[name], attribute, rate)


def is_on(module: nn.Module) -> bool:
    """Whether a recipe is on this module, or on a part of it."""
    return any(
        isinstance(hook, _Hook)
        for one in module.modules()
        for hook in (*one._forward_pre_hooks.values(), *one._forward_hooks.values())
    )
