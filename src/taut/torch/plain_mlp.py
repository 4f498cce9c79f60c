"""A module that is a plain MLP: how it is recognized, and how the compiled engine's network becomes one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from taut.engine.compiled.fitted import FittedMLP
from taut.engine.compiled.layers import VARIANCE_FLOOR
from taut.engine.torch.architecture import Module
from taut.engine.torch.objective import outputs_of
from taut.engine.torch.training import FittedModule
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy, Objective, SquaredError
from taut.network import Activation
from taut.table.examples import TableExamples
from taut.table.matrices import MOST, Matrix

_FUNCTIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"relu": F.relu, "silu": F.silu, "gelu": F.gelu}
_KINDS = (nn.Linear, nn.ReLU, nn.SiLU, nn.GELU, nn.Identity, nn.Flatten)
_TOLERANCE = 1e-5
_CHECKED = 64  # rows of the batch on which a module is compared with the stack of its layers
# Deviations from 0 at which a column may lie: folded into a layer, its center is subtracted in float32.
_FARTHEST = 1000.0


@final
@dataclass(frozen=True)
class PlainMLP:
    """A module that is a stack of linear layers with one activation between them.

    Parameters
    ----------
    layers : tuple of str
        The linear layers' names, from input to output.
    architecture : MLP
    n_outputs : int
        Of its last layer.
    """

    layers: tuple[str, ...]
    architecture: MLP
    n_outputs: int

    def note(self, name: str) -> str:
        """What a person has to know of how it is trained."""
        what = f"{'-'.join(map(str, self.architecture.hidden))}, {self.architecture.activation}"
        return (
            f"{name} is a plain MLP ({what}): it is trained by the compiled engine, which has first weights "
            "of its own, standardizes inputs and target, and folds that into its first and last layer "
            "afterwards; engine='torch' trains it as it is."
        )

    def fitted(self, found: FittedMLP, module: Module, objective: Objective) -> FittedModule:
        """The compiled engine's network as the person's own module.

        Batch norm, the inputs' center and scale, and the target's are folded into the layers in float64.
        """
        weights = {name: array.astype(np.float64) for name, array in found.weights.items()}
        state: dict[str, Tensor] = {}
        last = len(self.layers) - 1
        for i, name in enumerate(self.layers):
            weight, bias = weights[f"layers.{i}.weight"], weights[f"layers.{i}.bias"]
            if found.normalize and i < last:
                factor = weights[f"layers.{i}.gain"] / np.sqrt(
                    weights[f"layers.{i}.variance"] + VARIANCE_FLOOR
                )
                weight, bias = weight * factor, bias - weights[f"layers.{i}.mean"] * factor
            if i == 0:
                weight = weight * found.encoder.scale.astype(np.float64)[:, None]
                bias = bias - found.encoder.center.astype(np.float64) @ weight
            if i == last:
                weight, bias = weight * found.scale, bias * found.scale + found.center
                if self.n_outputs < len(bias):  # one logit for two classes: the log odds of the second
                    weight, bias = weight[:, 1:] - weight[:, :1], bias[1:] - bias[:1]
            state[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(weight.T)).float()
            state[f"{name}.bias"] = torch.from_numpy(bias).float()
        penalized = tuple(
            (f"{self.layers[int(name.split('.')[1])]}.weight", array.T)
            for name, array in found.penalized_weights()
        )
        return FittedModule(module, state, penalized, objective)


def find_plain_mlp(
    make: Callable[[], nn.Module], X: Tensor, objective: Objective, name: str
) -> PlainMLP | None:
    """Recognize a plain MLP; None where a module is anything else.

    It has to be made of linear layers with a bias, of relu, silu or gelu, and to give what a stack of them
    gives: in evaluation and in training mode, with the weights that it has and with others.

    Parameters
    ----------
    make : callable
        Gives a new module with new weights. One that always gives the same weights has been trained before.
    X : tensor, shape (n_rows, ...)
    objective : Objective
    name : str
        The module's class.
    """
    if not isinstance(objective, (CrossEntropy, SquaredError)) or not _is_table(X):
        return None
    net, other = make(), make()
    layers = _layers(net, X[:2])
    if layers is None or any(
        torch.equal(one, two)
        for (key, one), (_, two) in zip(net.state_dict().items(), other.state_dict().items(), strict=True)
        if key.endswith("weight")
    ):
        return None
    linear: list[Any] = [net.get_submodule(one) for one in layers]
    widths = tuple(int(one.out_features) for one in linear)
    if any(one.out_features != two.in_features for one, two in pairwise(linear)):
        return None
    if widths[-1] != objective.n_outputs and not (objective.n_classes == 2 and widths[-1] == 1):
        return None
    for activation in _FUNCTIONS:
        if _is_stack(net, layers, activation, X[:_CHECKED], objective, name):
            return PlainMLP(layers, MLP(widths[:-1], activation), widths[-1])
    return None


def table_of(X: Tensor) -> TableExamples:
    """The rows as a table of numbers, of which an encoder that can be folded is fitted."""
    values: NDArray[np.float32] = np.ascontiguousarray(X.numpy())
    columns = values.shape[1]
    return TableExamples(Matrix(values, tuple(f"x{i}" for i in range(columns)), columns, ()), clips=False)


def _is_table(X: Tensor) -> bool:
    """Whether these are numbers in columns that float32 can center."""
    if X.dim() != 2 or X.dtype != torch.float32 or not X.shape[1] or float(X.abs().max()) > MOST:
        return False
    deviation, center = torch.std_mean(X, dim=0, correction=0)
    varies = X.amin(dim=0) < X.amax(dim=0)
    return bool((center.abs() <= _FARTHEST * deviation)[varies].all())


def _layers(net: nn.Module, rows: Tensor) -> tuple[str, ...] | None:
    """The linear layers in the order in which they are called, if there is nothing else in the module."""
    names = {one: name for name, one in net.named_modules()}
    found: list[str] = []
    handles = []
    n_parameters = 0
    for one in names:
        if type(one).__module__.startswith("torch.nn.modules") and not any(one.children()):
            if type(one) not in _KINDS:
                return None
            if isinstance(one, nn.Linear):
                n_parameters += 2
                handles.append(one.register_forward_pre_hook(lambda m, _: found.append(names[m])))
        if one._forward_hooks or (one._forward_pre_hooks and not isinstance(one, nn.Linear)):
            return None
    try:
        with torch.no_grad():
            net.eval()(rows)
    finally:
        for handle in handles:
            handle.remove()
    if any(one._forward_pre_hooks for one in names):
        return None
    parameters = dict(net.named_parameters())
    own = {f"{name}.{part}" for name in found for part in ("weight", "bias")}
    whole = len(found) > 1 and len(set(found)) == len(found) and n_parameters == len(own)
    if not whole or own != set(parameters) or own != set(net.state_dict()):
        return None
    usual = all(p.requires_grad and p.dtype == torch.float32 for p in parameters.values())
    return tuple(found) if usual else None


def _is_stack(
    net: nn.Module,
    layers: tuple[str, ...],
    activation: Activation,
    X: Tensor,
    objective: Objective,
    name: str,
) -> bool:
    """Whether a module gives what the stack of its layers does."""
    changed = copy.deepcopy(net)
    stream = torch.Generator().manual_seed(0)
    noise = torch.randn(X.shape, generator=stream)
    with torch.no_grad():
        for parameter in changed.parameters():
            size = parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.3
            parameter.copy_(size * torch.randn(parameter.shape, generator=stream))
        for module in (net, changed):
            for training in (False, True):
                module.train(training)
                for rows in (X, noise, 100.0 * noise):
                    wanted = rows
                    for i, one in enumerate(layers):
                        wanted = module.get_submodule(one)(
                            wanted if not i else _FUNCTIONS[activation](wanted)
                        )
                    wanted = outputs_of(wanted, objective, name)
                    try:
                        given = outputs_of(module(rows), objective, name)
                    except Exception:  # it looks at its inputs, and refuses these
                        return False
                    near = _TOLERANCE * (1.0 + float(wanted.abs().max()))
                    if given.shape != wanted.shape or not float((given - wanted).abs().max()) <= near:
                        return False
    return True
