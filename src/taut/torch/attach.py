"""A recipe in a training loop of one's own: what acts on weights rides on the optimizer's hooks."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from taut.engine.torch.examples import mapped
from taut.engine.torch.plan import Plan, check_where, find_plan, find_weights
from taut.errors import ParameterError, TrainingError, TrainingWarning
from taut.parameters import whole
from taut.recipe import Recipe
from taut.techniques import L2, WEIGHT_TECHNIQUES, LabelSmoothing
from taut.techniques.base import Hooks
from taut.torch.optimizer_steps import OptimizerSteps
from taut.torch.placed import NORM, Clock, OnInputs, is_on, norms_of, put_on_inputs, put_on_layers, take_off
from taut.warned import warn

_FORMAT = 1  # of a loop's state


def attach(
    recipe: Recipe,
    module: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    inputs: Any = None,
    *,
    where: str | Sequence[str] = "everywhere",
    random_state: int = 0,
    verbose: int = 1,
) -> Loop:
    """Put a recipe on a module and its optimizer, for a training loop of your own.

    L2 shrinks weights just before each of the optimizer's steps, as AdamW's own decay does; L1 and max norm
    act just after it. L1 and L2 go by strength times the learning rate that the parameter's group then has,
    so that a scheduler scales them too. Steps that a ``GradScaler`` skips are skipped.

    Parameters
    ----------
    recipe : Recipe
    module : torch.nn.Module
        Before ``torch.compile`` and before it is wrapped for several devices.
    optimizer : torch.optim.Optimizer, or sequence of them
        Batch norm's parameters join the group that their layer's weight is in, with its options.
    inputs : tensor, tuple of tensor, or dict of tensor, optional
        An example batch of two rows or more, for the forward pass that finds where dropout and batch norm go.
        Without it the first batch in training does.
    where : "everywhere", "head", or sequence of str, default="everywhere"
        Which layers are touched: all, those behind the last one that is not linear, or those whose names
        begin with one of these.
    random_state : int, default=0
        Of dropout's masks, which have random numbers of their own.
    verbose : int, default=1
        0 prints nothing; 1 the plan, to standard error.

    Returns
    -------
    Loop

    Raises
    ------
    ParameterError
        Where a parameter cannot be used, or a technique cannot act from here.
    TrainingError
        Where the module fails on the inputs.

    Examples
    --------
    >>> import torch, taut.torch
    >>> from taut import EarlyStopping, L1, L2, Recipe
    >>> net = torch.nn.Linear(3, 1)
    >>> optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.0)
    >>> recipe = Recipe(L2(0.1), L1(0.01), EarlyStopping(patience=5))
    >>> loop = taut.torch.attach(recipe, net, optimizer, verbose=0)
    >>> for epoch in range(100):
    ...     optimizer.zero_grad()
    ...     net(torch.ones(8, 3)).square().mean().backward()
    ...     optimizer.step()
    ...     if loop.update(valid_loss=1.0):
    ...         break
    >>> loop.restore()
    >>> net = loop.strip()
    >>> loop.epoch, loop.best_epoch
    (6, 1)
    """
    optimizers = _optimizers(optimizer)  # refused before anything is put on the module
    loop = Loop(recipe, module, inputs, where=where, random_state=random_state, verbose=verbose)
    loop.ride_on(optimizers)
    return loop


@final
class Loop:
    """A recipe on a module in training; :func:`attach` makes it.

    Attributes
    ----------
    plan : Plan
        What is put where; ``print`` shows it. Before the first batch it may lack dropout and batch norm.
    epoch : int
        How often :meth:`update` was called.
    best_epoch : int
        The epoch of the lowest validation loss, from 1; 0 is none yet.
    best_loss : float
    """

    def __init__(
        self,
        recipe: Recipe,
        module: nn.Module,
        inputs: Any = None,
        *,
        where: str | Sequence[str] = "everywhere",
        random_state: int = 0,
        verbose: int = 1,
    ) -> None:
        _check(recipe, module)
        check_where(module, where)
        self.recipe, self.module = recipe, module
        self.epoch, self.best_epoch, self.best_loss = 0, 0, math.inf
        self._hooks, self._where, self._verbose = recipe.hooks(), where, verbose
        self._clock = Clock(whole("random_state", random_state, low=0, high=2**31 - 1))
        self._best: dict[str, Any] | None = None
        self._rates: list[tuple[str, str, float]] = []
        self._steps: list[OptimizerSteps] = []
        self._seen = (0, 0)  # steps and passes at the last update
        self._batch = -1  # passes at the last batch's beginning
        self._said: set[str] = set()
        self._stripped = False
        on_inputs = OnInputs(self._clock, self._hooks.input_noise, self._hooks.input_drop)
        self.plan = _asked(_weights_alone(module, where), self._hooks)
        self._planned = False
        if inputs is not None:
            self._find(inputs)
        elif self._needs_pass():
            on_inputs.find_plan = self._first_pass
        else:
            self._planned = True
            self._show()
        put_on_inputs(module, on_inputs)

    def ride_on(self, optimizers: Iterable[Optimizer]) -> None:
        """Act on the steps of these optimizers; :func:`attach` has done so.

        Raises
        ------
        ParameterError
            Where one is not an optimizer of PyTorch's.
        """
        found = _optimizers(optimizers)
        self._steps = [OptimizerSteps(one, self._hooks, self._clock, self._ready) for one in found]
        self._hand_over()
        self._tell_of(found)

    def begin_batch(self) -> None:
        """Give the next batch masks of its own where only parts of the module are called, and not itself.

        Not needed otherwise: each step has its own, and each call of the module.
        """
        if self._clock.passes == self._batch:
            self._clock.passes += 1
        self._batch = self._clock.passes

    # --- during training ----------------------------------------------------------------------------------

    def update(self, valid_loss: float | Tensor) -> bool:
        """Count an epoch, and keep its weights if they are the best so far.

        Parameters
        ----------
        valid_loss : float or tensor of one number
            On the validation rows, in evaluation mode. One that is not finite never becomes the best.

        Returns
        -------
        bool
            Whether the recipe's patience is over; always False without early stopping.
        """
        self._refuse_stripped("update")
        self._look_for_steps()
        self.epoch += 1
        loss = float(valid_loss.detach() if isinstance(valid_loss, Tensor) else valid_loss)
        patience = self._hooks.patience
        if not math.isfinite(loss):
            self._say(f"The validation loss of epoch {self.epoch} is {loss}: it never becomes the best.")
        elif loss < self.best_loss - self._hooks.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            if patience is not None:
                self._best = _copied(self.module.state_dict())
        return patience is not None and self.epoch - self.best_epoch >= patience

    def restore(self) -> None:
        """Bring the best epoch's weights back, whatever ended training.

        Without early stopping in the recipe the last ones stay.
        """
        self._refuse_stripped("restore")
        if self._best is not None:
            self.module.load_state_dict(self._best)
        elif self._hooks.patience is not None and self.epoch:
            self._say("No epoch had a finite validation loss: the last weights stay.")

    def strip(self, module: nn.Module | None = None) -> nn.Module:
        """Take all hooks off and fold batch norm in, so that evaluation gives the same up to rounding.

        Parameters
        ----------
        module : torch.nn.Module, optional
            A copy of the module, such as an average of its weights, in its place; the loop then continues.

        Returns
        -------
        torch.nn.Module
            The same module, of its own class and with its own keys.
        """
        if module is not None:
            take_off(module, self.plan.norms, self._rates)
            return module
        if not self._stripped:
            for one in self._steps:
                one.remove(self._norm_parameters())
            take_off(self.module, self.plan.norms, self._rates)
            self._stripped = True
        return self.module

    # --- checkpoints --------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs beside the module's and the optimizer's own: copies, nothing shared."""
        self._refuse_stripped("state_dict")
        norms = norms_of(self.module, self.plan.norms)
        return {
            "format": _FORMAT,
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "best": None if self._best is None else _copied(self._best),
            "seed": self._clock.seed,
            "steps": self._clock.steps,
            "passes": self._clock.passes,
            "batch": self._batch,
            "norms": {name: _copied(norm.state_dict()) for name, norm in norms.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a checkpoint, bit for bit.

        Attach first, then load the module's, the optimizer's and this state, in any order.

        Raises
        ------
        ParameterError
            Where it is of another module or recipe.
        """
        self._refuse_stripped("load_state_dict")
        if state.get("format") != _FORMAT:
            raise ParameterError("This is not the state of a loop that this version of taut knows.")
        norms = norms_of(self.module, self.plan.norms)
        if set(state["norms"]) != set(norms):
            theirs, ours = (", ".join(sorted(names)) or "no layer" for names in (state["norms"], norms))
            hint = "" if self._planned else " Give attach an example batch as inputs."
            raise ParameterError(
                f"This state has batch norm behind {theirs}, and the module behind {ours}: attach the recipe "
                f"that it was saved with.{hint}"
            )
        for name, norm in norms.items():
            norm.load_state_dict(state["norms"][name])
        self.epoch, self.best_epoch, self.best_loss = state["epoch"], state["best_epoch"], state["best_loss"]
        self._best = None if state["best"] is None else _copied(state["best"])
        self._clock.seed, self._batch = state["seed"], state["batch"]
        self._clock.steps, self._clock.passes = self._seen = state["steps"], state["passes"]

    # --- inside -------------------------------------------------------------------------------------------

    def _needs_pass(self) -> bool:
        hooks = self._hooks
        return bool(hooks.drop or hooks.normalize or any(hooks.unit_amounts) or self._where == "head")

    def _first_pass(self, args: Any, kwargs: Any) -> None:
        if args and kwargs:
            raise ParameterError(
                f"{type(self.module).__name__} is called with inputs in order and by name: give attach an "
                "example batch as inputs, a dict by name."
            )
        self._find(args or kwargs)
        self._hand_over()

    def _find(self, inputs: Any) -> None:
        module = self.module
        device = next((p.device for p in module.parameters()), torch.device("cpu"))
        inputs = tuple(inputs) if isinstance(inputs, list) else inputs
        inputs = mapped(inputs, lambda x: _moved(x, device))
        devices = [] if device.type == "cpu" else [device]
        with torch.random.fork_rng(devices=devices, device_type="cuda" if not devices else device.type):
            try:
                found = find_plan(module, inputs, self._where)
            except Exception as error:
                shapes = mapped(inputs, lambda x: getattr(x, "shape", type(x)))  # type: ignore[arg-type]
                raise TrainingError(
                    f"{type(module).__name__} failed on the example inputs, of shape {shapes}: {error}"
                ) from error
        self.plan, self._planned = _asked(found, self._hooks), True
        for name, asked, sites in (
            ("Dropout", self._hooks.drop, self.plan.dropout or self.plan.rates),
            ("Batch norm", self._hooks.normalize, self.plan.norms),
        ):
            if asked and not sites:
                why = " ".join(one for one in self.plan.declined if name.lower() in one.lower())
                self._say(f"{name} has no effect on {type(module).__name__}. {why}")
        self._show()
        self._rates = put_on_layers(module, self.plan, self._hooks, self._clock)

    def _show(self) -> None:
        if self._verbose:
            self._print(f"{self.recipe.describe()} on {type(self.module).__name__}\n{self.plan}")

    def _print(self, line: str) -> None:
        print(f"taut: {line}", file=sys.stderr, flush=True)

    def _ready(self) -> bool:
        """Whether there is a plan; asked after each step."""
        if not self._planned:
            raise ParameterError(
                f"No forward pass of {type(self.module).__name__} in training mode was seen before the "
                "optimizer's step, so that taut does not know where the recipe goes: give attach an example "
                "batch as inputs."
            )
        return True

    def _norm_parameters(self) -> list[nn.Parameter]:
        return [p for one in norms_of(self.module, self.plan.norms).values() for p in one.parameters()]

    def _hand_over(self) -> None:
        """Tell the optimizers' hooks which parameters they act on, and let batch norm's train."""
        named = dict(self.module.named_parameters())
        for one in self._steps:
            one.act_on(
                (named[name] for name in self.plan.penalized), (named[name] for name in self.plan.units)
            )
        if not self._steps:
            return
        layers = dict(self.module.named_modules())
        held = {id(p) for one in self._steps for p in one.parameters()}
        for name, norm in norms_of(self.module, self.plan.norms).items():
            weight: Any = layers[name].weight
            group = next(
                (found for one in self._steps if (found := one.group_of(weight)) is not None),
                self._steps[0].optimizer.param_groups[0],
            )
            new = {f"{name}.{NORM}.{key}": p for key, p in norm.named_parameters() if id(p) not in held}
            group["params"] += new.values()
            if "param_names" in group:
                group["param_names"] += new

    def _tell_of(self, optimizers: list[Optimizer]) -> None:
        """What a person may not expect of their optimizers."""
        held = {id(p) for one in self._steps for p in one.parameters()}
        named = dict(self.module.named_parameters())
        without = [name for name in self.plan.penalized if id(named[name]) not in held]
        if self._verbose and without and any((*self._hooks.weight_amounts, *self._hooks.unit_amounts)):
            self._print(f"no optimizer holds {', '.join(without)}: nothing acts on them")
        own = {group.get("weight_decay", 0.0) for one in optimizers for group in one.param_groups} - {0}
        if self._verbose and own and self._hooks.weight_amounts[WEIGHT_TECHNIQUES.index(L2)]:
            amounts = " and ".join(f"{one:g}" for one in sorted(own))
            self._print(
                f"the optimizer's own weight_decay of {amounts} acts beside L2: set it to 0 for L2 alone"
            )

    def _look_for_steps(self) -> None:
        steps, passes = self._clock.steps, self._clock.passes
        if passes > self._seen[1] and steps == self._seen[0]:
            self._say(
                "The module was trained, and no step of the optimizer was seen since the last update: an "
                "optimizer that was copied or unpickled has lost its hooks, so that neither L1 nor L2 act. "
                "Attach to the one that takes the steps."
            )
        self._seen = steps, passes

    def _say(self, sentence: str) -> None:
        """Warn once of each kind of thing."""
        kind = sentence.split(" of epoch ")[0]
        if kind not in self._said:
            self._said.add(kind)
            warn(sentence, TrainingWarning)

    def _refuse_stripped(self, what: str) -> None:
        if self._stripped:
            raise TrainingError(f"The loop was stripped from its module: call {what}() before strip().")


def _moved(part: Any, device: torch.device) -> Any:
    """A tensor on a device; anything else that a module is called with as it is."""
    return part.detach().to(device) if isinstance(part, Tensor) else part


def _optimizers(given: object) -> list[Optimizer]:
    found: list[Any] = list(given) if isinstance(given, Iterable) else [given]
    for one in found:
        if not isinstance(one, Optimizer):
            raise ParameterError(
                f"optimizer must be a torch.optim.Optimizer or several, and one is {one!r:.80}: give the one "
                "that is wrapped."
            )
    return found


def _check(recipe: Recipe, module: nn.Module) -> None:
    if not isinstance(recipe, Recipe):
        raise ParameterError(f"recipe must be a taut.Recipe, and it is {recipe!r:.80}.")
    smoothing = recipe.get(LabelSmoothing)
    if smoothing is not None and not smoothing.is_off:
        raise ParameterError(
            "LabelSmoothing acts on the target, which attach does not see: give CrossEntropyLoss its "
            f"label_smoothing={smoothing.rate!r}, and attach recipe.without(LabelSmoothing)."
        )
    name = type(module).__name__
    if not isinstance(module, nn.Module):
        raise ParameterError(f"module must be a torch.nn.Module, and it is {module!r:.80}.")
    if isinstance(module, torch.jit.ScriptModule):
        raise ParameterError(
            f"{name} is a ScriptModule, into which nothing can be put: give the module it was."
        )
    if hasattr(module, "_orig_mod"):
        raise ParameterError("The module is compiled already: attach first, then torch.compile.")
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        raise ParameterError(f"The module is in a {name} already: attach first, then wrap it.")
    if any(is_lazy(p) for p in module.parameters()):
        raise ParameterError(
            f"{name} has lazy layers: call it with a batch, then make the optimizer and attach."
        )
    if is_on(module):
        raise ParameterError(f"A recipe is attached to this {name} already: strip() its loop first.")


def _weights_alone(module: nn.Module, where: str | Sequence[str]) -> Plan:
    """The plan as far as it is known without a forward pass."""
    plan = find_weights(module, "everywhere" if where == "head" else where)
    return replace(plan, units=(), penalized=() if where == "head" else plan.penalized)


def _asked(plan: Plan, hooks: Hooks) -> Plan:
    """The plan less what the recipe does not have."""
    if not hooks.drop:
        steps = tuple(one for one in plan.steps if not one.startswith("[dropout"))
        plan = replace(plan, dropout=(), rates=(), steps=steps)
    if not hooks.normalize:
        plan = replace(plan, norms=(), steps=tuple(one for one in plan.steps if one != "[batch norm]"))
    if not any((*hooks.weight_amounts, *hooks.unit_amounts)):
        plan = replace(plan, penalized=(), units=(), exempt=())
    return plan


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that training does not change."""
    return {
        name: one.detach().clone() if isinstance(one, Tensor) else copy.deepcopy(one)
        for name, one in state.items()
    }
