"""A recipe's hooks on a module: put on before training, taken off after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from taut.engine.torch.plan import Plan, Site
from taut.techniques import L1, L2, UNIT_TECHNIQUES, WEIGHT_TECHNIQUES, MaxNorm
from taut.techniques.base import Hooks, UnitTechnique, WeightTechnique

_MOMENTUM = 0.1
_MASK = (1 << 64) - 1
_soft_threshold: Any = functional.softshrink

#: Techniques on weights that this engine has a form of; a test holds it against the techniques' own.
WEIGHT_FORMS: tuple[type[WeightTechnique], ...] = (L1, L2)
UNIT_FORMS: tuple[type[UnitTechnique], ...] = (MaxNorm,)


def key_of(seed: int, *numbers: int) -> int:
    """A seed below another one by some numbers: a few rounds of SplitMix64 (Steele, Lea & Flood, 2014).

    Cheaper than NumPy's by far, and needed for every mask.
    """
    z = seed & _MASK
    for number in numbers:
        z = (z + 0x9E3779B97F4A7C15 * (number + 1)) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        z ^= z >> 31
    return z & (_MASK >> 1)


def step_weights(weights: Sequence[Tensor], hooks: Hooks, learning_rate: float) -> None:
    """What the recipe does to weights after the optimizer's step, in place.

    Parameters
    ----------
    weights : sequence of tensor, any shape
        Detached: without a gradient of their own.
    hooks : Hooks
    learning_rate : float
        Of this step.
    """
    for kind, strength in zip(WEIGHT_TECHNIQUES, hooks.weight_amounts, strict=True):
        amount = learning_rate * strength
        if not amount:
            continue
        if kind is L1:  # zeros are exact, and a NaN stays one
            for one in weights:
                _soft_threshold(one, amount, out=one)
        elif kind is L2:
            factor = kind.weight_step(1.0, amount)
            for one in weights:
                one.mul_(factor)
        else:
            raise NotImplementedError(f"{kind.__name__} has no form here")


def step_units(weight: Tensor, hooks: Hooks, learning_rate: float) -> None:
    """What the recipe does to the incoming weights of units, in place: shape (n_units, ...), detached."""
    for kind, strength in zip(UNIT_TECHNIQUES, hooks.unit_amounts, strict=True):
        if not strength:
            continue
        if kind is not MaxNorm:
            raise NotImplementedError(f"{kind.__name__} has no form here")
        norms = weight.flatten(1).norm(dim=1)
        factors = 1.0 / (norms * strength).clamp(min=1.0)
        weight.mul_(factors.reshape(-1, *[1] * (weight.dim() - 1)))


@final
class Attached:
    """Dropout and batch norm on one module, by hooks.

    Masks come from a stream of their own by (seed, epoch, step, layer), so that a network's do not depend on
    the networks that it is trained beside.

    Parameters
    ----------
    module : torch.nn.Module
    plan : Plan
    hooks : Hooks
    seed : int

    Attributes
    ----------
    norms : torch.nn.ModuleDict
        The batch norms that were put in, by number; their parameters are to be trained too.
    """

    def __init__(self, module: nn.Module, plan: Plan, hooks: Hooks, seed: int) -> None:
        self.module, self.plan, self.hooks = module, plan, hooks
        self.norms = nn.ModuleDict()
        self._seed, self._key, self._step = seed, seed, 0
        self._generators: dict[torch.device, torch.Generator] = {}
        self._handles: list[Any] = []
        self._rates: list[tuple[nn.Module, str, float]] = []
        layers = dict(module.named_modules())
        for number, site in enumerate(plan.dropout if hooks.drop else ()):
            self._handles.append(
                layers[site.layer].register_forward_pre_hook(
                    lambda m, args, number=number, site=site: self._dropped(m, args, number, site)
                )
            )
        for name in plan.rates if hooks.drop else ():
            self._set_rate(layers[name], hooks.drop)
        for number, site in enumerate(plan.norms if hooks.normalize else ()):
            weight: Any = layers[site.layer].weight
            norm = new_norm(site).to(weight.device, weight.dtype)
            norm.train(module.training)
            self.norms[str(number)] = norm
            self._handles.append(
                layers[site.layer].register_forward_hook(
                    lambda m, _, output, norm=norm: self._normalized(m, output, norm)
                )
            )

    def begin_step(self, epoch: int, step: int, total: int) -> None:
        """Name the random numbers of the next step.

        Parameters
        ----------
        epoch, step : int
        total : int
            Steps taken before, in all epochs: batch norm's first statistics come from few.
        """
        self._key = key_of(self._seed, epoch, step)
        self._step = total

    def strip(self, *, fold: bool = True) -> None:
        """Take the hooks off; batch norm is folded into the layers, so that evaluation gives the same."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for module, name, rate in self._rates:
            setattr(module, name, rate)
        self._rates = []
        if fold and self.hooks.normalize:
            layers = dict(self.module.named_modules())
            for number, site in enumerate(self.plan.norms):
                fold_norm(layers[site.layer], self.norms[str(number)])
        self.norms = nn.ModuleDict()

    def _set_rate(self, module: nn.Module, rate: float) -> None:
        name = rate_name(module)
        self._rates.append((module, name, getattr(module, name)))
        setattr(module, name, rate)

    def _dropped(self, layer: nn.Module, args: tuple[Any, ...], number: int, site: Site) -> Any:
        if not layer.training:
            return None
        stream = seeded(self._generators, args[0].device, key_of(self._key, number))
        return (dropped_before(layer, args[0], site.n_axes, self.hooks.drop, stream), *args[1:])

    def _normalized(self, layer: nn.Module, output: Tensor, norm: nn.Module) -> Tensor:
        if layer.training != norm.training:
            norm.train(layer.training)
        norm.momentum = momentum_at(self._step)  # type: ignore[assignment]
        found: Tensor = norm(output)
        return found


def rate_name(module: nn.Module) -> str:
    """What the rate of a module's own dropout is called in it."""
    return "dropout" if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)) else "p"


def seeded(
    generators: dict[torch.device, torch.Generator], device: torch.device, key: int
) -> torch.Generator:
    """The generator of a device, made once, at the beginning of a key's random numbers."""
    generator = generators.get(device)
    if generator is None:
        generator = generators[device] = torch.Generator(device)
    return generator.manual_seed(key)


def dropped_before(layer: nn.Module, x: Tensor, n_axes: int, rate: float, stream: torch.Generator) -> Tensor:
    """Drop what enters a layer: units, and of a convolution channels as a whole.

    Neighbours in a picture say the same (Tompson et al., 2015).
    """
    whole = isinstance(layer, nn.modules.conv._ConvNd)
    shape = (*x.shape[: x.dim() - n_axes], *[1] * n_axes) if whole else x.shape
    return dropped(x, shape, rate, stream)


def dropped(x: Tensor, shape: Sequence[int], rate: float, stream: torch.Generator) -> Tensor:
    """Drop units and scale the others up; one random number for each of ``shape``, which broadcasts."""
    keep = 1.0 - rate
    mask = torch.empty(tuple(shape), device=x.device, dtype=x.dtype)
    return x * mask.bernoulli_(keep, generator=stream).div_(keep)


def momentum_at(step: int) -> float:
    """Batch norm's momentum after so many steps: its first statistics come from few."""
    return max(_MOMENTUM, 1.0 / (step + 1))


def new_norm(site: Site) -> nn.Module:
    """A batch norm for what leaves a layer."""
    kind = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[site.n_axes]
    return kind(site.n_units)


@torch.no_grad()
def fold_norm(layer: nn.Module, norm: nn.Module) -> None:
    """Put a batch norm into the layer before it: evaluation gives the same up to rounding."""
    variance, eps = norm.running_var, norm.eps
    factor = norm.weight * torch.rsqrt(variance + eps)  # type: ignore[operator]
    weight, bias = layer.weight, layer.bias
    weight.mul_(factor.reshape(-1, *[1] * (weight.dim() - 1)))  # type: ignore[operator]
    bias.sub_(norm.running_mean).mul_(factor).add_(norm.bias)  # type: ignore[operator,arg-type]
