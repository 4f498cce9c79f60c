"""A fitted table model as a plain PyTorch module, and as an ONNX file."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor, nn

from taut.engine.compiled.fitted import FittedMLP
from taut.engine.compiled.layers import VARIANCE_FLOOR
from taut.errors import DataError
from taut.estimators.model import Model
from taut.table.encoder import SQUASH, Encoder
from taut.table.matrices import MOST
from taut.writing import check, written

if TYPE_CHECKING:
    from taut.estimators.base import TautEstimator

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}
#: Names in the ONNX file.
INPUT, LOG_PROBABILITIES, VALUES = "table", "log_probabilities", "values"


@final
class TableEncoder(nn.Module):
    """A table's matrix -> the inputs of a network, as it was fitted on the rows that trained the network.

    A number v becomes ``u / sqrt(1 + (u / 3)**2)`` with ``u = (v - center) * scale``, and 0 where it is NaN.
    Then comes 1 or 0 for each number that has a missing flag, then the categories one-hot: each value
    that was frequent enough has an input, and rarer ones share "(other)" or have none. Last come the pieces
    of the numbers, each ``min(1, max(0, (v - low) * slope))``.

    Parameters
    ----------
    encoder : Encoder
    n_inputs : int
        Of the network: at least as many as the encoder has features; what is more is 0.

    Attributes
    ----------
    center, scale : float32 buffer, shape (n_numbers,)
    flags : int64 buffer, shape (n_flags,)
        The numbers that have a missing flag.
    code_start : int64 buffer, shape (n_categories,)
        Where the codes of each category begin in ``code_input``.
    code_other : int64 buffer, shape (n_categories,)
        The code for values that training had not seen; the next one is for missing values.
    code_input : int64 buffer, shape (n_codes,)
        The input that a code sets to 1, counted after numbers and flags; ``n_one_hot`` where it sets none.
    piece_column : int64 buffer, shape (n_pieces,)
        The number that a piece is of.
    piece_low, piece_slope : float32 buffer, shape (n_pieces,)
    names : tuple of str, (n_features,)
        What each input is, such as "income", "income missing", "city=Paris", "city=(other)".
    """

    center: Tensor
    scale: Tensor
    flags: Tensor
    code_start: Tensor
    code_other: Tensor
    code_input: Tensor
    piece_column: Tensor
    piece_low: Tensor
    piece_slope: Tensor

    def __init__(self, encoder: Encoder, n_inputs: int) -> None:
        super().__init__()
        self.names = encoder.names
        self.n_numbers = encoder.n_numbers
        before = encoder.n_numbers + len(encoder.flags)
        self.squash = float(SQUASH) if encoder.clips else 0.0
        pieces = encoder.pieces
        self.n_one_hot = n_inputs - before - len(pieces)
        start = encoder.category_start.astype(np.int64)
        found = encoder.category_feature.astype(np.int64)
        self.register_buffer("center", torch.tensor(encoder.center, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(encoder.scale, dtype=torch.float32))
        self.register_buffer("flags", torch.tensor(encoder.flags, dtype=torch.int64))
        self.register_buffer("code_start", torch.tensor(start[:-1]))
        self.register_buffer("code_other", torch.tensor(np.diff(start) - 2))
        self.register_buffer("code_input", torch.tensor(np.where(found >= 0, found - before, self.n_one_hot)))

        self.register_buffer("piece_column", torch.tensor(pieces.column, dtype=torch.int64))
        self.register_buffer("piece_low", torch.tensor(pieces.low, dtype=torch.float32))
        self.register_buffer("piece_slope", torch.tensor(pieces.slope, dtype=torch.float32))

    def forward(self, table: Tensor) -> Tensor:
        """Encode rows: (n_rows, n_columns) -> (n_rows, n_inputs)."""
        numbers = table[:, : self.n_numbers].to(self.center.dtype)
        missing = torch.isnan(numbers)
        u = (torch.clamp(numbers, -MOST, MOST) - self.center) * self.scale
        u = torch.where(missing, torch.zeros_like(u), u)
        parts = [u / torch.sqrt(1.0 + (u * self.squash) ** 2)]
        if len(self.flags):
            parts.append(missing[:, self.flags].to(u.dtype))
        if len(self.code_start):
            parts.append(self._one_hot(table[:, self.n_numbers :], u.dtype))
        elif self.n_one_hot:  # a network without any feature has one input, which is 0
            parts.append(u.new_zeros(u.shape[0], self.n_one_hot))
        if len(self.piece_column):
            kept = torch.clamp(numbers, -MOST, MOST)[:, self.piece_column]
            share = torch.clamp((kept - self.piece_low) * self.piece_slope, 0.0, 1.0)
            parts.append(torch.where(torch.isnan(kept), torch.zeros_like(share), share))
        return torch.cat(parts, dim=1)

    def _one_hot(self, categories: Tensor, dtype: torch.dtype) -> Tensor:
        other = self.code_other
        missing = torch.isnan(categories)
        codes = torch.where(missing, torch.zeros_like(categories), categories)
        known = (codes >= 0) & (codes < (other + 2).to(codes.dtype))
        codes = torch.where(known, codes, torch.zeros_like(codes)).to(torch.int64)
        codes = torch.where(known, codes, other)
        codes = torch.where(missing, other + 1, codes)
        inputs = self.code_input[self.code_start + codes]
        # The last column takes the codes that set no input.
        blank = torch.zeros(inputs.shape[0], self.n_one_hot + 1, dtype=dtype, device=inputs.device)
        hot = blank.scatter(1, inputs, torch.ones_like(inputs, dtype=dtype))
        return hot[:, : self.n_one_hot]


@final
class TableNetwork(nn.Module):
    """One of a model's networks with its own encoder: a table's matrix -> outputs.

    Parameters
    ----------
    fitted : FittedMLP

    Attributes
    ----------
    encoder : TableEncoder
    hidden : Sequential
        Of blocks with ``linear``, with batch norm ``norm``, and ``activation``.
    output : Linear
    center, scale : float64 buffer, shape ()
        Of the outputs: what it predicts is ``output * scale + center`` (0 and 1 for classes).
    """

    center: Tensor
    scale: Tensor

    def __init__(self, fitted: FittedMLP) -> None:
        super().__init__()
        sizes = fitted.network.layer_sizes
        self.encoder = TableEncoder(fitted.encoder, sizes[0])
        blocks = []
        for i, (n_in, n_out) in enumerate(pairwise(sizes)):
            found = {
                name.removeprefix(f"layers.{i}."): torch.tensor(np.asarray(array, dtype=np.float32))
                for name, array in fitted.weights.items()
                if name.startswith(f"layers.{i}.")
            }
            last = i == len(sizes) - 2
            normalize = fitted.normalize and not last
            # On no device, so that nothing is drawn from the caller's random numbers.
            linear = nn.Linear(n_in, n_out, bias=not normalize, device="meta").to_empty(device="cpu")
            state = {"weight": found["weight"].T} | ({} if normalize else {"bias": found["bias"]})
            linear.load_state_dict(state)
            if last:
                break
            block: OrderedDict[str, nn.Module] = OrderedDict(linear=linear)
            if normalize:
                block["norm"] = _batch_norm(found)
            block["activation"] = _ACTIVATIONS[fitted.network.activation]()
            blocks.append(nn.Sequential(block))
        self.hidden, self.output = nn.Sequential(*blocks), linear
        self.register_buffer("center", torch.tensor(fitted.center, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(fitted.scale, dtype=torch.float64))

    def forward(self, table: Tensor) -> Tensor:
        """Raw outputs: (n_rows, n_columns) -> (n_rows, n_outputs)."""
        found: Tensor = self.output(self.hidden(self.encoder(table)))
        return found


@final
class TableModule(nn.Module):
    """A fitted taut model: a table's matrix -> log-probabilities, or values.

    Parameters
    ----------
    model : Model

    Attributes
    ----------
    networks : ModuleList of TableNetwork
        One, or as many as the model averages.
    origin, unit : float64 buffer, shape ()
        Of an amount: the average times ``unit`` plus ``origin`` is in the target's own units.
    columns : tuple of str
        What each column of the matrix is, in order: the numbers first, then the categories.
    units : tuple of (float, float), one for each column of numbers
        Origin and unit: the matrix has (value - origin) / unit. They are 0 and 1 but for numbers that are
        large and close together.
    levels : dict of str to tuple of str
        The values of each category by their codes; the next code is for any other value, and the one after
        it for a missing one.
    classes : tuple, or None
        In the order of the log-probabilities; None for an amount.
    temperature : float
        That the log-probabilities are divided by before they are normalized.
    """

    origin: Tensor
    unit: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        target = model.target
        self.networks = nn.ModuleList(TableNetwork(one) for one in model.networks)
        self.columns = model.schema.matrix_names
        self.units = tuple((part.origin, part.unit) for _, part in model.schema.numbers)
        self.levels = {column.name: column.levels for column in model.schema.categories}
        classes = target.classes
        self.classes: tuple[Any, ...] | None = None if classes is None else tuple(classes.tolist())
        self.register_buffer("origin", torch.tensor(target.origin, dtype=torch.float64))
        self.register_buffer("unit", torch.tensor(target.unit, dtype=torch.float64))
        self.temperature = model.temperature

    def forward(self, table: Tensor) -> Tensor:
        """Predict.

        Parameters
        ----------
        table : float tensor, shape (n_rows, n_columns)
            As ``estimator.to_matrix(X)`` gives it: NaN for a missing number; categories as code numbers, of
            which NaN is a missing value and one that there is not an unknown value.

        Returns
        -------
        float32 tensor, shape (n_rows, n_classes)
            Logarithms of the probabilities; ``exp`` gives the probabilities, and so does ``softmax``.
        float64 tensor, shape (n_rows,)
            Of an amount: values in the target's own units.

        Raises
        ------
        DataError
            If the table has another number of columns.
        """
        if table.ndim != 2 or table.shape[1] != len(self.columns):
            raise DataError(
                f"the table has the shape {tuple(table.shape)}, and this model takes (n_rows, "
                f"{len(self.columns)}): its columns are in module.columns, and estimator.to_matrix(X) makes "
                "it."
            )
        if self.classes is None:
            outputs = [one(table)[:, 0].to(self.unit.dtype) * one.scale + one.center for one in self.networks]
            return torch.stack(outputs).mean(dim=0) * self.unit + self.origin
        logs = torch.stack([torch.log_softmax(one(table), dim=1) for one in self.networks])
        mean = torch.logsumexp(logs, dim=0) - float(np.log(len(self.networks)))
        return mean if self.temperature == 1.0 else torch.log_softmax(mean / self.temperature, dim=1)


def to_torch(estimator: TautEstimator) -> TableModule:
    """A fitted estimator as a module in evaluation mode; see :meth:`TautEstimator.to_torch`."""
    return TableModule(estimator.model_).eval()


def to_onnx(estimator: TautEstimator, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator as an ONNX file; see :meth:`TautEstimator.to_onnx`."""
    check(Path(path))  # before the exporter takes its seconds
    module = to_torch(estimator)
    example = torch.zeros(2, len(module.columns))
    with _quiet():
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[VALUES if module.classes is None else LOG_PROBABILITIES],
            dynamic_shapes=({0: torch.export.Dim("n_rows")},),
        )
    assert program is not None
    proto = program.model_proto
    facts = {name: getattr(module, name) for name in ("columns", "units", "levels", "classes")}
    for name, value in facts.items():
        proto.metadata_props.add(key=f"taut.{name}", value=json.dumps(value, default=str))
    with written(Path(path)) as file:
        file.buffer.write(proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself: deprecations, and that torchvision is not installed."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _batch_norm(found: dict[str, Tensor]) -> nn.BatchNorm1d:
    norm = nn.BatchNorm1d(len(found["gain"]), eps=VARIANCE_FLOOR)
    norm.load_state_dict(
        {
            "weight": found["gain"],
            "bias": found["bias"],
            "running_mean": found["mean"],
            "running_var": found["variance"],
            "num_batches_tracked": torch.tensor(0),
        }
    )
    return norm
