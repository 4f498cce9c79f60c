"""A recipe in Lightning's training loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError(
        "taut.torch.LightningRegularization needs Lightning: install it with pip install lightning."
    ) from error

from taut.errors import ParameterError
from taut.recipe import Recipe
from taut.torch.attach import Loop


@final
class LightningRegularization(Callback):
    """:func:`taut.torch.attach` for Lightning: the best weights come back, whatever ends training.

    Batch norm is folded in when ``fit`` ends, so that the module then has its own keys; checkpoints that are
    written before hold batch norm apart, and ``fit(ckpt_path=...)`` continues from them.

    Parameters
    ----------
    recipe : Recipe
    monitor : str, default="val_loss"
        The logged loss that early stopping goes by; lower is better. Patience counts validations.
    inputs : tensor, tuple of tensor, or dict of tensor, optional
        An example batch for the module's ``forward``; its ``example_input_array`` without it.
    where, random_state, verbose
        See :func:`taut.torch.attach`.

    Attributes
    ----------
    loop : Loop or None
        Of the last ``fit``: its plan, and the best epoch and loss.
    """

    def __init__(
        self,
        recipe: Recipe,
        monitor: str = "val_loss",
        inputs: Any = None,
        *,
        where: str | Sequence[str] = "everywhere",
        random_state: int = 0,
        verbose: int = 1,
    ) -> None:
        self.recipe, self.monitor, self.inputs = recipe, monitor, inputs
        self.where, self.random_state, self.verbose = where, random_state, verbose
        self.loop: Loop | None = None
        self._live: Loop | None = None  # until it is stripped

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Put batch norm in before a checkpoint is loaded."""
        if stage != "fit":
            return
        inputs = self.inputs if self.inputs is not None else pl_module.example_input_array
        if inputs is None and self.recipe.hooks().normalize:
            raise ParameterError(
                "LightningRegularization needs an example batch to know where batch norm goes: set "
                f"example_input_array in {type(pl_module).__name__}, or give inputs."
            )
        self.loop = self._live = Loop(
            self.recipe,
            pl_module,
            inputs,
            where=self.where,
            random_state=self.random_state,
            verbose=self.verbose if trainer.is_global_zero else 0,
        )

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ride on the optimizers, which are made by now."""
        if self._live is not None:
            self._live.ride_on(trainer.optimizers)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Other masks for this batch, also where ``training_step`` does not call ``forward``."""
        if self._live is not None:
            self._live.begin_batch()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the best weights, and stop when patience is over."""
        if self._live is not None and not trainer.sanity_checking:
            self._update(trainer, self._live)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same where there are no validation batches."""
        if self._live is not None and not trainer.enable_validation:
            self._update(trainer, self._live)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Bring the best weights back, and leave the module as it was."""
        self._finish()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """The same, whatever ended training."""
        self._finish()

    def state_dict(self) -> dict[str, Any]:
        """What Lightning puts into a checkpoint."""
        return {} if self._live is None else self._live.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        if self._live is not None and state_dict:
            self._live.load_state_dict(state_dict)

    def _update(self, trainer: Trainer, loop: Loop) -> None:
        loss = trainer.callback_metrics.get(self.monitor)
        if loss is None:
            if self.recipe.hooks().patience is None:
                return
            logged = ", ".join(trainer.callback_metrics) or "nothing"
            raise ParameterError(
                f"{self.monitor} is not logged, and early stopping goes by it; what is logged: {logged}. "
                "Name another monitor."
            )
        ends = trainer.strategy.reduce_boolean_decision(loop.update(loss), all=False)
        trainer.should_stop = trainer.should_stop or ends

    def _finish(self) -> None:
        loop, self._live = self._live, None
        if loop is not None:
            loop.restore()
            loop.strip()
