"""The network: its widths and its activation, without regularization."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from typing import Any, Literal, cast, final, get_args

from taut.errors import ParameterError
from taut.parameters import json_fields, whole

Activation = Literal["relu", "silu", "gelu"]

FORMAT = 1  # of the JSON form

_MOST_LAYERS = 1000


@final
@dataclass(frozen=True)
class Network:
    """A feed-forward network: dense layers, with an activation after each hidden one.

    Parameters
    ----------
    n_inputs : int
        Features that enter it, 1 or more.
    hidden : tuple of int
        The widths of its hidden layers, from the input on; ``()`` is a linear model.
    n_outputs : int
        Numbers that leave it, 1 or more: one a class, or one for regression.
    activation : {"relu", "silu", "gelu"}, default="relu"
        After each hidden layer.

    Raises
    ------
    ParameterError
        If a width is not a whole number of 1 or more, or the activation is unknown.

    Examples
    --------
    >>> network = Network(n_inputs=30, hidden=(128, 128), n_outputs=2)
    >>> network.layer_sizes
    (30, 128, 128, 2)
    >>> network.n_parameters(batch_norm=False)
    20738
    """

    n_inputs: int
    hidden: tuple[int, ...]
    n_outputs: int
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_inputs", whole("A network's n_inputs", self.n_inputs))
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))
        object.__setattr__(self, "n_outputs", whole("A network's n_outputs", self.n_outputs))
        if self.activation not in get_args(Activation):
            raise ParameterError(
                f"activation must be one of {', '.join(get_args(Activation))}, and it is {self.activation!r}."
            )

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """The widths from input to output, ``(n_inputs, *hidden, n_outputs)``."""
        return (self.n_inputs, *self.hidden, self.n_outputs)

    def n_parameters(self, batch_norm: bool) -> int:
        """Count the numbers that training changes.

        A dense layer has a weight for each pair of an input and an output, and a bias for each output. Batch
        normalization adds a scale and a shift for each hidden unit; running statistics are not trained and
        not counted.

        Parameters
        ----------
        batch_norm : bool
            Whether the recipe has batch normalization.
        """
        dense = sum((before + 1) * after for before, after in pairwise(self.layer_sizes))
        return dense + (2 * sum(self.hidden) if batch_norm else 0)

    def to_json(self) -> dict[str, Any]:
        """Give the network as an object for JSON."""
        return {"format": FORMAT, **asdict(self), "hidden": list(self.hidden)}

    @classmethod
    def from_json(cls, data: object) -> Network:
        """Make the network that :meth:`to_json` described.

        Raises
        ------
        ParameterError
            If the format is another one, or a field is unknown, missing or out of its range.
        """
        known = ("n_inputs", "hidden", "n_outputs", "activation")
        found = cast(Any, json_fields("network", data, format=FORMAT, known=known))
        return cls(**found)


def hidden_widths(hidden: object) -> tuple[int, ...]:
    """Check the widths of the hidden layers.

    Parameters
    ----------
    hidden : iterable of int
        Such as ``(128, 128)``.

    Returns
    -------
    tuple of int

    Raises
    ------
    ParameterError
        If it is not a sequence of whole numbers of 1 or more.
    """
    if isinstance(hidden, (str, bytes)) or not isinstance(hidden, Iterable):
        raise ParameterError(
            f"hidden must be a tuple of widths such as (128, 128), or (128,) for one layer; it is {hidden!r}."
        )
    widths = tuple(whole("Each width in hidden", width) for width in islice(hidden, _MOST_LAYERS + 1))
    if len(widths) > _MOST_LAYERS:
        raise ParameterError(f"hidden has more than {_MOST_LAYERS:,} layers: take fewer.")
    return widths
