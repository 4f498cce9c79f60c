"""A recipe in skorch's training loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch

try:
    from skorch.callbacks import Callback
    from skorch.dataset import unpack_data
    from skorch.utils import to_tensor
except ImportError as error:
    raise ImportError(
        "taut.torch.SkorchRegularization needs skorch: install it with pip install skorch."
    ) from error

from taut.errors import ParameterError
from taut.recipe import Recipe
from taut.torch.attach import Loop


@final
class SkorchRegularization(Callback):
    """:func:`taut.torch.attach` for skorch: the best weights come back, whatever ends training.

    When ``fit`` ends, also by Ctrl+C, batch norm is folded in and the module has its own keys.

    Parameters
    ----------
    recipe : Recipe
    monitor : str, default="valid_loss"
        The loss in the history that early stopping goes by; lower is better.
    where, random_state, verbose
        See :func:`taut.torch.attach`.

    Attributes
    ----------
    loop_ : Loop
        Of the last ``fit``: its plan, and the best epoch and loss.
    """

    def __init__(
        self,
        recipe: Recipe,
        monitor: str = "valid_loss",
        *,
        where: str | Sequence[str] = "everywhere",
        random_state: int = 0,
        verbose: int = 1,
    ) -> None:
        self.recipe, self.monitor, self.where = recipe, monitor, where
        self.random_state, self.verbose = random_state, verbose

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Attach to the module and its optimizer, by a first batch of what is trained on."""
        with torch.random.fork_rng(devices=[]):  # a DataLoader draws a seed
            batch = next(iter(net.get_iterator(net.get_dataset(X, y), training=False)))
        inputs = to_tensor(unpack_data(batch)[0], device=net.device)
        self.loop_ = Loop(
            self.recipe,
            net.module_,
            inputs,
            where=self.where,
            random_state=self.random_state,
            verbose=self.verbose,
        )
        self.loop_.ride_on(getattr(net, f"{name}_") for name in net._optimizers)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the best weights, and stop when patience is over."""
        row = net.history[-1]
        if self.monitor not in row:
            if self.recipe.hooks().patience is None:
                return
            raise ParameterError(
                f"{self.monitor} is not in the history, and early stopping goes by it: give the net a "
                "train_split, or name another monitor."
            )
        if self.loop_.update(row[self.monitor]):
            raise KeyboardInterrupt  # skorch's way to end training

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Bring the best weights back, and leave the module as it was."""
        self.loop_.restore()
        self.loop_.strip()
