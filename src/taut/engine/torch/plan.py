"""What regularization can be put into a module, and where: found by one traced forward pass.

Nothing of the module is changed. Each layer's inputs are followed back, so that dropout goes where an
activation enters a layer, and batch norm between a layer and its activation.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode

from taut.engine.torch.examples import Inputs, call
from taut.errors import ParameterError

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_UNITS = (nn.Linear, *_CONVOLUTIONS)
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
_NORMS = (
    nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm,
)  # fmt: skip
_ACTIVATIONS = tuple(
    kind
    for kind in vars(nn.modules.activation).values()
    if isinstance(kind, type) and issubclass(kind, nn.Module)
    and kind not in (nn.Module, nn.MultiheadAttention, nn.Softmax, nn.LogSoftmax, nn.Softmax2d, nn.Softmin)
)  # fmt: skip
_ACTIVATION_FUNCTIONS = {
    "relu", "relu_", "relu6", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "leaky_relu_", "elu", "elu_",
    "selu", "selu_", "celu", "celu_", "hardswish", "hardtanh", "hardsigmoid", "mish", "softplus", "prelu",
    "softsign", "logsigmoid", "rrelu",
}  # fmt: skip
_DROPOUT_FUNCTIONS = {"dropout", "dropout_", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d",
                      "feature_dropout", "feature_alpha_dropout"}  # fmt: skip
_NORM_FUNCTIONS = {"layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm"}
# What moves numbers about or summarizes them, and leaves an activation's output one.
_SHAPE_FUNCTIONS = {
    "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "mean",
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "amax", "boolean_dispatch",
    "__getitem__", "cat", "concat", "stack", "chunk", "split", "movedim", "clone", "unflatten", "max", "sum",
    "to", "float", "swapaxes", "rearrange", "pad", "select", "narrow", "T",
}  # fmt: skip
_SHAPE_MODULES = (
    nn.Flatten, nn.Unflatten, nn.Identity, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d,
    nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d, nn.ZeroPad2d,
)  # fmt: skip

# Reasons that are understood without the parameters' names.
_USUAL = ("biases", "normalization", "embeddings")

Kind = Literal["layer", "rnn", "attention", "activation", "dropout", "norm", "shape", "other"]


@final
@dataclass(frozen=True)
class Site:
    """Where one thing is put.

    Parameters
    ----------
    layer : str
        The layer's name in the module.
    n_units : int
        Of the layer's outputs, for batch norm; of its inputs, for dropout.
    n_axes : int
        Axes behind the units': 2 for the rows and columns of pictures, 0 for a row of numbers.
    """

    layer: str
    n_units: int
    n_axes: int


@final
@dataclass(frozen=True)
class Plan:
    """What regularization does to a module, and where; ``print`` shows it.

    Parameters
    ----------
    dropout : tuple of Site
        Layers before which units (of a convolution: channels) are dropped.
    rates : tuple of str
        The module's own dropout layers, whose rates are set: dropout is replaced, never doubled.
    norms : tuple of Site
        Layers behind which batch norm is put.
    penalized : tuple of str
        Parameters that L1 and L2 act on.
    units : tuple of str
        Those of them whose first axis counts hidden units, for max norm.
    exempt : tuple of (str, str)
        Parameters that they do not act on, and why.
    declined : tuple of str
        What cannot be done, and why: a sentence each.
    steps : tuple of str
        What the module does with a batch, in order, with what can be put in between.
    n_parameters : int
        Numbers that training changes.
    stackable : bool
        Whether nothing was seen that keeps several of them from being trained as one.
    """

    dropout: tuple[Site, ...]
    rates: tuple[str, ...]
    norms: tuple[Site, ...]
    penalized: tuple[str, ...]
    units: tuple[str, ...]
    exempt: tuple[tuple[str, str], ...]
    declined: tuple[str, ...]
    steps: tuple[str, ...]
    n_parameters: int
    stackable: bool = True

    def __str__(self) -> str:
        def listed(names: Sequence[str]) -> str:
            return ", ".join(names) or "nothing"

        lines = []
        if self.steps:
            lines.append(" -> ".join(self.steps))
            lines.append(f"dropout before: {listed([site.layer for site in self.dropout])}")
            if self.rates:
                lines.append(f"dropout of the module's own, whose rate is set: {listed(self.rates)}")
            lines.append(f"batch norm behind: {listed([site.layer for site in self.norms])}")
        lines.append(f"L1 and L2 on: {listed(self.penalized)}")
        by_reason: dict[str, list[str]] = {}
        for name, why in self.exempt:
            by_reason.setdefault(why, []).append(name)
        usual = [why for why in by_reason if why in _USUAL]
        if usual:
            lines.append(f"neither on: {' and '.join(usual)}")
        lines += [
            f"neither on: {listed(names)} ({why})" for why, names in by_reason.items() if why not in _USUAL
        ]
        return "\n".join([*lines, *self.declined])


@dataclass(eq=False)
class _Node:
    """One thing that happened in the forward pass."""

    kind: Kind
    name: str
    inputs: list[_Node]
    consumers: list[_Node] = field(default_factory=list)
    module: nn.Module | None = None
    n_axes: int = 0  # of what enters a layer, less the batch's and the units'
    out_axes: int = 0


class _Recorder(TorchFunctionMode):
    """Follows tensors through modules and functions."""

    def __init__(self, names: dict[nn.Module, str]) -> None:
        super().__init__()
        self.names = names
        self.nodes: list[_Node] = []
        self._made_by: dict[int, tuple[_Node, Tensor]] = {}  # with the tensor, so that its id is not reused
        self._depth = 0
        self._inside: list[tuple[nn.Module, list[_Node], Tensor | None]] = []

    def enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        self._depth += 1
        found = list(_tensors((args, kwargs)))
        self._inside.append((module, self._makers(found), found[0] if found else None))

    def leave(self, module: nn.Module, output: Any) -> None:
        self._depth -= 1
        owner, inputs, first = self._inside.pop()
        if self._depth:
            return
        node = _Node(_kind_of(owner), self.names[owner], inputs, module=owner)
        outputs = list(_tensors(output))
        node.n_axes = 0 if first is None else _axes(owner, first)
        node.out_axes = _axes(owner, outputs[0]) if outputs else 0
        self._add(node, output)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if not self._depth:
            outputs = list(_tensors(output))
            if outputs:
                name = getattr(func, "__name__", "function")
                self._add(
                    _Node(_kind_of_function(name), name, self._makers(_tensors((args, kwargs)))), output
                )
        return output

    def _makers(self, tensors: Any) -> list[_Node]:
        return [self._made_by[id(one)][0] for one in tensors if id(one) in self._made_by]

    def _add(self, node: _Node, output: Any) -> None:
        for one in node.inputs:
            one.consumers.append(node)
        self.nodes.append(node)
        for tensor in _tensors(output):
            self._made_by[id(tensor)] = (node, tensor)


def find_plan(module: nn.Module, inputs: Inputs, where: str | Sequence[str] = "everywhere") -> Plan:
    """Run a module once in training mode, and find what can be put where.

    The module's state, mode and the caller's random stream are as before afterwards.

    Parameters
    ----------
    module : torch.nn.Module
    inputs : tensor, tuple of tensor, or dict of tensor
        A few examples, two at least.
    where : "everywhere", "head", or sequence of str
        Which layers are touched: all, those behind the last one that is not linear, or those whose names
        begin with one of these.
    """
    names = {one: name for name, one in module.named_modules()}
    recorder, handles = _Recorder(names), []
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    mode = {one: one.training for one in module.modules()}
    for one in module.modules():
        if _is_whole(one):
            handles.append(one.register_forward_pre_hook(recorder.enter, with_kwargs=True))
            handles.append(one.register_forward_hook(lambda m, _, output: recorder.leave(m, output)))
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), recorder:
            module.train()
            call(module, inputs)
    finally:
        for handle in handles:
            handle.remove()
        for one, training in mode.items():
            one.training = training
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in buffers:
                    buffer.copy_(buffers[name])
    return _planned(module, recorder.nodes, where)


def check_where(module: nn.Module, where: object) -> None:
    """Refuse names of layers that a module does not have.

    Raises
    ------
    ParameterError
    """
    if where in ("everywhere", "head"):
        return
    asked = [where] if isinstance(where, str) else where
    if not isinstance(asked, Sequence) or not all(isinstance(one, str) for one in asked):
        raise ParameterError(
            f"where must be 'everywhere', 'head' or names of layers, and it is {where!r:.80}."
        )
    names = [name for name, _ in module.named_modules() if name]
    for one in asked:
        if one not in names:
            near = difflib.get_close_matches(one, names, n=3, cutoff=0.0)
            raise ParameterError(
                f"where names {one!r}, and {type(module).__name__} has no such layer; the closest: "
                f"{', '.join(near) or 'none'}."
            )


def find_weights(module: nn.Module, where: str | Sequence[str] = "everywhere") -> Plan:
    """Find what L1 and L2 act on, which takes no forward pass; the plan has nothing else."""
    return replace(_planned(module, [], where), rates=(), declined=())


def _planned(module: nn.Module, nodes: list[_Node], where: str | Sequence[str]) -> Plan:
    times = Counter(node.name for node in nodes if node.kind in ("layer", "rnn", "attention"))
    allowed = _allowed(nodes, where)
    dropout: list[Site] = []
    norms: list[Site] = []
    rates = [name for name, one in module.named_modules() if _has_rate(one) and allowed(name)]
    declined: list[str] = []
    put: dict[_Node, list[str]] = {}
    behind: dict[_Node, list[str]] = {}
    owners = Counter(
        id(p)
        for one in module.modules()
        for _, p in one.named_parameters(recurse=False, remove_duplicate=False)
    )
    shared = {key for key, n in owners.items() if n > 1}
    for node in nodes:
        layer = node.module
        if node.kind == "dropout" and layer is None:
            sentence = (
                f"The rate of a functional {node.name} stays as it is: only that of a layer can be set."
            )
            if sentence not in declined:
                declined.append(sentence)
        if node.kind != "layer" or not isinstance(layer, _UNITS) or not allowed(node.name):
            continue
        if times[node.name] > 1:
            sentence = (
                f"{node.name} is called {times[node.name]} times: it gets neither dropout nor batch norm."
            )
            if sentence not in declined:
                declined.append(sentence)
            continue
        if _enters_active(node):
            n_inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
            dropout.append(Site(node.name, n_inputs, node.n_axes))
            channels = " of channels" if isinstance(layer, _CONVOLUTIONS) else ""
            put.setdefault(node, []).append(f"[dropout{channels}]")
        followers = {id(one): one for one in node.consumers}
        if len(followers) == 1 and next(iter(followers.values())).kind == "activation":
            n_outputs = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
            if isinstance(layer, nn.Linear) and node.out_axes:
                declined.append(
                    f"No batch norm behind {node.name}: its outputs have {node.out_axes + 2} axes, and which "
                    "of them to average over is not clear."
                )
            elif (why := _not_foldable(layer, shared)) is not None:
                declined.append(f"No batch norm behind {node.name}: {why}.")
            else:
                norms.append(Site(node.name, n_outputs, node.out_axes))
                behind.setdefault(node, []).append("[batch norm]")
    if not dropout and not rates:
        declined.append("Dropout finds no place: no activation enters a linear layer or a convolution.")
    if not norms and not any(sentence.startswith("No batch norm") for sentence in declined):
        declined.append(
            "Batch norm finds no place: no activation follows a linear layer or a convolution directly."
        )
    penalized, units, exempt = _parameters(module, nodes, allowed)
    if not penalized:
        declined.append("L1 and L2 find no weights to act on.")
    steps = [
        step
        for node in nodes
        if node.kind not in ("shape", "other")
        for step in (*put.get(node, ()), node.name or type(node.module).__name__, *behind.get(node, ()))
    ]
    rnn = any(isinstance(one, nn.RNNBase) for one in module.modules())
    n_parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return Plan(
        tuple(dropout), tuple(rates), tuple(norms), tuple(penalized), tuple(units), tuple(exempt),
        tuple(declined), tuple(steps), n_parameters, not rnn,
    )  # fmt: skip


def _allowed(nodes: list[_Node], where: str | Sequence[str]) -> Any:
    """Whether a layer of this name may be touched."""
    if where == "everywhere":
        return lambda name: True
    if where == "head":
        head: set[str] = set()
        for node in reversed([one for one in nodes if one.kind in ("layer", "rnn", "attention")]):
            if not isinstance(node.module, nn.Linear):
                break
            head.add(node.name)
        return head.__contains__
    prefixes = (where,) if isinstance(where, str) else tuple(where)
    return lambda name: any(name == one or name.startswith(f"{one}.") for one in prefixes)


def _parameters(
    module: nn.Module, nodes: list[_Node], allowed: Any
) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Which parameters are penalized, which of them by hidden unit, and which not and why."""
    owners: dict[int, list[tuple[str, nn.Module, str]]] = {}
    names: dict[int, str] = {}
    for prefix, owner in module.named_modules():
        for name, parameter in owner.named_parameters(recurse=False, remove_duplicate=False):
            owners.setdefault(id(parameter), []).append((prefix, owner, name))
            names.setdefault(id(parameter), f"{prefix}.{name}" if prefix else name)
    last = next((node.name for node in reversed(nodes) if node.kind == "layer"), None)
    penalized, units, exempt = [], [], []
    for parameter in module.parameters():
        places, name = owners[id(parameter)], names[id(parameter)]
        why = next((found for place in places if (found := _exempt(parameter, *place))), None)
        if why is None and not any(allowed(prefix) for prefix, _, _ in places):
            why = "not where regularization was asked for"
        if why is not None:
            exempt.append((name, why))
            continue
        penalized.append(name)
        prefix, owner, _ = places[0]
        if isinstance(owner, _UNITS) and prefix != last:
            units.append(name)
    return penalized, units, exempt


def _exempt(parameter: nn.Parameter, prefix: str, owner: nn.Module, name: str) -> str | None:
    """Why a parameter of this owner is not penalized; None where it is."""
    if not parameter.requires_grad:
        return "frozen"
    if isinstance(owner, _NORMS):
        return "normalization"
    if "bias" in name:
        return "biases"
    if isinstance(owner, (nn.Embedding, nn.EmbeddingBag)):
        return "embeddings"
    if isinstance(owner, (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)) and name == "weight":
        return None
    if isinstance(owner, nn.RNNBase) and name.startswith("weight_"):
        return None
    if isinstance(owner, nn.MultiheadAttention) and name.endswith("_weight"):
        return None
    if type(owner).__module__.startswith("torch.nn"):
        return "parametrized or not a weight matrix"
    return "a parameter of your own, of which taut cannot know whether it is a weight"


def _not_foldable(layer: nn.Module, shared: set[int]) -> str | None:
    """Why a batch norm could not be folded into this layer afterwards; None where it could."""
    weight, bias = layer.weight, layer.bias
    if bias is None:
        return "it has no bias that it could be folded into"
    if not isinstance(weight, nn.Parameter) or not isinstance(bias, nn.Parameter):
        return "its weights are computed from others, into which it could not be folded"
    if not weight.requires_grad or not bias.requires_grad:
        return "it is frozen"
    if id(weight) in shared or id(bias) in shared:
        return "its weights are another layer's too"
    return None


def _enters_active(node: _Node) -> bool:
    """Whether what enters a layer is an activation's output, or an RNN's, without dropout behind it."""
    queue, seen, active = list(node.inputs[:1]), set(), False
    while queue:
        one = queue.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.kind == "dropout":
            return False
        if one.kind in ("activation", "rnn"):
            active = True
        elif one.kind in ("shape", "norm"):
            queue += one.inputs
    return active


def _has_rate(module: nn.Module) -> bool:
    """Whether it drops units at a rate that can be set."""
    if isinstance(module, nn.RNNBase):
        return module.num_layers > 1
    return isinstance(module, (*_DROPOUTS, nn.MultiheadAttention))


def _is_whole(module: nn.Module) -> bool:
    """Whether it is one of PyTorch's own layers, which is followed as a whole."""
    if isinstance(module, (nn.MultiheadAttention, nn.RNNBase)):
        return True
    kind, children = type(module), dict(module.named_children())
    if is_parametrized(module):  # a class of its own then, below the one it was
        kind = kind.__bases__[0]
        del children["parametrizations"]
    return kind.__module__.startswith("torch.nn.modules") and not children


def _kind_of(module: nn.Module) -> Kind:
    if isinstance(module, (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)):
        return "layer"
    kinds: tuple[tuple[Any, Kind], ...] = (
        (nn.RNNBase, "rnn"), (nn.MultiheadAttention, "attention"), (_ACTIVATIONS, "activation"),
        (_DROPOUTS, "dropout"), (_NORMS, "norm"), (_SHAPE_MODULES, "shape"),
    )  # fmt: skip
    return next((kind for types, kind in kinds if isinstance(module, types)), "other")


def _kind_of_function(name: str) -> Kind:
    if name in _ACTIVATION_FUNCTIONS:
        return "activation"
    if name in _DROPOUT_FUNCTIONS:
        return "dropout"
    if name in _NORM_FUNCTIONS:
        return "norm"
    return "shape" if name in _SHAPE_FUNCTIONS or "pool" in name else "other"


def _axes(module: nn.Module, tensor: Tensor) -> int:
    """Axes beside the batch's and the units'."""
    if isinstance(module, nn.modules.conv._ConvNd):
        return len(module.kernel_size)
    return max(0, tensor.dim() - 2)


def _tensors(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict):
        for one in tree.values():
            yield from _tensors(one)
    elif isinstance(tree, (list, tuple)):
        for one in tree:
            yield from _tensors(one)
