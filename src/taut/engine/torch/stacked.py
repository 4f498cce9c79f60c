"""Small networks of one architecture, trained many at a time.

Their parameters are stacked, and one pass of ``torch.vmap`` serves all of them. On a processor that pays from
some eight networks on: a path over strengths is twice as fast, and a search, which races a few at a time, is
slower (benchmarks/README.md has the figures). So the caller says whether there will be many.

A network's numbers must not depend on those it is stacked with, bit for bit. So whether networks are stacked
follows from what they are, never from how many there are: where they are, one alone is a stack of one. Stacks
come in a few sizes, and a check tries each of them before: two steps, in which every network must end as in a
stack of one, to the last bit, and as in the ordinary way, up to rounding. Where that fails, or PyTorch cannot
stack a module (``.item()``, ``if`` on data, random numbers of its own), networks run one by one.

Masks, orders, learning rates and strengths are each network's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from taut.engine.torch.architecture import Module
from taut.engine.torch.attached import dropped, key_of, momentum_at, new_norm, step_units, step_weights
from taut.engine.torch.examples import Inputs, TensorExamples, call, mapped
from taut.engine.torch.objective import OwnLoss, outputs_of
from taut.engine.torch.training import (
    State,
    Work,
    disturbed,
    epoch_order,
    goes_on,
    module_of,
    new_state,
    noise_seed,
    parts_of_order,
    record,
)
from taut.learning.objective import CrossEntropy, Objective
from taut.learning.problem import Problem
from taut.learning.training import Member

#: How many networks there may be in a stack; places that are left over are trained for nothing.
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
# One place more at the end: what is left over of a loop over vectors is done by other instructions, of which
# silu and gelu differ in the last bit.
_SPARE = 1
# Above so many parameters the products take the time, and not the calls: there is nothing to gain.
_MOST_PARAMETERS = 100_000
_UNSTACKED = (nn.modules.conv._ConvNd, nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase, nn.Bilinear)
_OWN = 1000  # the masks of a module's own dropout layers are counted from here
_DIFFERENT = 8  # networks that the check trains alone
_TOLERANCE = 1e-3
# A bias before a batch norm has a slope of nothing but rounding, which AdamW makes a step of: a small one.
_SMALL_RATE = 1e-5


class _Template(nn.Module):
    """A module whose masks are handed in, and whose batch norms that were put in are a part of it."""

    def __init__(self, architecture: Module, normalize: bool) -> None:
        super().__init__()
        plan = architecture.plan
        self.net = architecture.make()
        self.norms = nn.ModuleDict()
        self.masks: dict[int, Tensor] = {}
        self.shapes: dict[int, tuple[int, ...]] | None = None  # of what is dropped, where they are looked for
        self.own: dict[int, tuple[str, float]] = {}
        self.momentum = 0.1
        layers = dict(self.net.named_modules())
        for number, site in enumerate(plan.dropout):
            layers[site.layer].register_forward_pre_hook(self._masked(number))
        for number, (name, one) in enumerate(layers.items(), _OWN):
            if isinstance(one, nn.Dropout):
                self.own[number] = name, one.p
                one.register_forward_pre_hook(self._masked(number))
        for number, site in enumerate(plan.norms if normalize else ()):
            norm = new_norm(site)
            self.norms[str(number)] = norm
            layers[site.layer].register_forward_hook(self._normalized(norm))
        for one in self.modules():
            if type(one) is nn.BatchNorm1d and one.momentum is not None and one.running_mean is not None:
                one.forward = partial(_normalized, one)  # type: ignore[method-assign]

    def begin(self) -> None:
        """Training mode; its own dropout is done by the masks."""
        self.train()
        for one in self.net.modules():
            if isinstance(one, nn.Dropout):
                one.eval()

    def forward(self, inputs: Inputs) -> Any:
        """As the person's module."""
        return call(self.net, inputs)

    def _masked(self, number: int) -> Any:
        def change(_: nn.Module, args: tuple[Any, ...]) -> Any:
            if self.shapes is not None:
                self.shapes[number] = tuple(args[0].shape)
            mask = self.masks.get(number)
            return None if mask is None else (args[0] * mask, *args[1:])

        return change

    def _normalized(self, norm: nn.Module) -> Any:
        def change(_: nn.Module, args: Any, output: Tensor) -> Any:
            norm.momentum = self.momentum  # type: ignore[assignment]
            return norm(output)

        return change


def _normalized(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """Batch norm by sums over the rows.

    PyTorch's own kernel takes the networks of a stack for more channels, and its last bits depend on how many
    there are.
    """
    if not norm.training or x.dim() != 2:
        return nn.BatchNorm1d.forward(norm, x)
    mean = x.sum(dim=0) / len(x)
    centered = x - mean
    variance = (centered * centered).sum(dim=0) / len(x)
    with torch.no_grad():
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        assert norm.momentum is not None
        norm.num_batches_tracked.add_(1)
        unbiased = variance * (len(x) / (len(x) - 1))
        for buffer, found in ((norm.running_mean, mean), (norm.running_var, unbiased)):
            buffer.mul_(1.0 - norm.momentum).add_(found * norm.momentum)
    found = centered / torch.sqrt(variance + norm.eps)
    return found * norm.weight + norm.bias if norm.affine else found


def stack_key(problem: Problem, member: Member) -> tuple[Any, ...]:
    """What networks that are stacked have in common."""
    hooks = member.hooks
    rows = _batch_rows(len(member.fold.train), member.batch_size)
    return id(member.architecture), id(problem), hooks.normalize, bool(hooks.smoothing), rows


@cache
def _batch_rows(n: int, size: int) -> tuple[int, ...]:
    """How many rows the batches of an epoch have."""
    return tuple(len(part) for part in parts_of_order(torch.empty(n), size))


_CHECKED: dict[tuple[Any, ...], tuple[Any, str | None]] = {}
_KEPT = 64  # answers


def why_not(problem: Problem, member: Member, device: torch.device) -> str | None:
    """None where networks like this are trained stacked, or why not.

    It follows from the problem, the architecture, the size of the batches and what is in the recipe, and from
    nothing else.
    """
    architecture = member.architecture
    if not isinstance(architecture, Module) or not isinstance(problem.examples, TensorExamples):
        return "only modules on tensors in memory are stacked"
    if architecture.optimizer is not None:
        return "it has an optimizer of its own"
    if not architecture.plan.stackable or not 0 < architecture.plan.n_parameters <= _MOST_PARAMETERS:
        return "it is too large to gain by it" if architecture.plan.stackable else "it is recurrent"
    key = (*stack_key(problem, member), device)
    known = _CHECKED.get(key)
    if known is None:
        if len(_CHECKED) >= _KEPT:
            _CHECKED.clear()
        # With what the key names by its id, so that no other thing gets the same.
        known = _CHECKED[key] = (architecture, problem), _checked(problem, member, device)
    return known[1]


def _checked(problem: Problem, member: Member, device: torch.device) -> str | None:
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        net = module_of(member).make()
        for one in net.modules():
            if isinstance(one, _UNSTACKED):
                return f"{type(one).__name__} is not faster stacked"
            if isinstance(one, nn.modules.dropout._DropoutNd) and type(one) is not nn.Dropout:
                return f"its {type(one).__name__} cannot be stacked"
            if isinstance(one, nn.Dropout) and one.p >= 1.0:
                return "it drops everything"
        try:
            return _differs(problem, member, device)
        except Exception as error:  # whatever PyTorch or the module says
            return f"PyTorch cannot stack it: {str(error).splitlines()[0] if str(error) else error!r}"


def _differs(problem: Problem, member: Member, device: torch.device) -> str | None:
    """Two steps in stacks of every size, beside a stack of one and the ordinary way."""
    rows = set(stack_key(problem, member)[-1])
    hooks = replace(member.hooks, drop=0.25, input_drop=0.0, input_noise=0.0)
    members = [
        replace(member, seed=seed, hooks=hooks, learning_rate=0.01) for seed in range(1, _DIFFERENT + 1)
    ]
    states = [new_state(one) for one in members]
    for n in sorted(rows):
        order = torch.arange(n)
        alone = []
        for one, state in zip(members, states, strict=True):
            stack = Stack(problem, [one], [state], device)
            for step in range(2):
                stack.step(order[None], 0, step)
            alone.append(stack.copied(0))
        for size in SIZES[1:]:
            chosen = [i % _DIFFERENT for i in range(size)]
            stack = Stack(problem, [members[i] for i in chosen], [states[i] for i in chosen], device)
            for step in range(2):
                stack.step(order.expand(size, -1), 0, step)
            for place, i in enumerate(chosen):
                found = stack.copied(place)
                if not all(torch.equal(found[name], alone[i][name]) for name in found):
                    return f"a stack of {size} ends otherwise than one alone"
        plain = [replace(one, hooks=replace(hooks, drop=0.0), learning_rate=_SMALL_RATE) for one in members]
        if not _near_the_ordinary_way(problem, plain, states, order, device):
            return "it ends otherwise than in the ordinary way"
    return None


def _near_the_ordinary_way(
    problem: Problem, members: Sequence[Member], states: Sequence[State], order: Tensor, device: torch.device
) -> bool:
    """Compare slopes, buffers and parameters of two steps, without dropout of any kind."""
    stack = Stack(problem, members, states, device, own_dropout=False)
    works = [Work(problem, one, state, device) for one, state in zip(members, states, strict=True)]
    near = True
    for step in range(2):
        stack.step(order.expand(len(members), -1), 0, step)
        for place, work in enumerate(works):
            work.module.train()
            for one in work.module.modules():
                if isinstance(one, nn.Dropout):
                    one.eval()
            work.step(order, 0, step)
            pairs = [(stack.slopes[place, : stack.n], work.optimizer.slopes)]
            found = dict(stack.statics)
            own = dict(work.module.named_buffers(prefix="net"))
            own |= dict(work.attached.norms.named_buffers(prefix="norms"))
            pairs += [(found[name][place], one) for name, one in own.items()]
            for a, b in pairs:
                size = 1e-6 + float(b.detach().abs().max()) if b.numel() else 1.0
                # A relu's kink may lie between two roundings: nearly all have to agree.
                far = ((a - b).abs() > _TOLERANCE * size).double().mean() if b.numel() else torch.zeros(())
                near = near and float(far) <= 0.01
    return near


@final
class Stack:
    """Live networks whose parameters are the rows of one matrix.

    Parameters
    ----------
    problem : Problem
    members : sequence of Member
        With the same :func:`stack_key`, after the same number of epochs.
    states : sequence of State
    device : torch.device
    own_dropout : bool
        Whether a module's own dropout acts.
    """

    def __init__(
        self,
        problem: Problem,
        members: Sequence[Member],
        states: Sequence[State],
        device: torch.device,
        own_dropout: bool = True,
    ) -> None:
        self.problem, self.members, self.device, self.own_dropout = problem, members, device, own_dropout
        first = members[0]
        self.architecture = module_of(first)
        self.work = Work(problem, first, states[0], device)
        self.template = _Template(self.architecture, first.hooks.normalize).to(device)
        self.template.begin()
        # Places that are left over repeat the first network.
        size = next(one for one in SIZES if one >= len(members)) + _SPARE
        self.places = [*range(len(members)), *[0] * (size - len(members))]
        self.total = states[0].total
        named = {f"net.{name}": p for name, p in self.work.module.named_parameters() if p.requires_grad} | {
            f"norms.{name}": p for name, p in self.work.attached.norms.named_parameters()
        }
        by_id = {id(p): name for name, p in named.items()}
        self.n = self.work.optimizer.numbers.numel()
        width = -(-self.n // 64) * 64
        self.numbers = torch.zeros(size, width, device=device)
        self.slopes, self.first, self.second = (torch.zeros_like(self.numbers) for _ in range(3))
        self.steps = torch.zeros(size, device=device)
        buffers = (self.numbers, self.slopes, self.first, self.second)
        self.rows = [list(buffer.unbind()) for buffer in buffers]
        self.counts = list(self.steps.unbind())
        self.parameters: dict[str, Tensor] = {}
        self.slope_views: list[Tensor] = []
        self.spans: dict[str, slice] = {}
        at = 0
        for p in self.work.flat:
            name, span = by_id[id(p)], slice(at, at + p.numel())
            view = self.numbers[:, span].view(size, *p.shape).detach().requires_grad_()
            self.slope_views.append(self.slopes[:, span].view(size, *p.shape))
            self.parameters[name], self.spans[name], at = view, span, span.stop
        fixed = {
            name: one
            for name, one in (*self.template.named_parameters(), *self.template.named_buffers())
            if name not in self.parameters
        }
        self.statics = {
            name: torch.empty(size, *one.shape, dtype=one.dtype, device=device) for name, one in fixed.items()
        }
        for place, i in enumerate(self.places):
            self._place(place, states[i])
        own: dict[str, Tensor] = dict(self.work.module.named_parameters(prefix="net"))
        own |= dict(self.work.module.named_buffers(prefix="net"))
        own |= dict(self.work.attached.norms.named_buffers(prefix="norms"))
        self.taken = {name: own[name] for name in self.statics if name in own}
        self.n_penalized = sum(p.numel() for p in self.work.penalized)
        self.factors = [Work.factor_of(problem, one) for one in members]
        self.shapes: dict[int, dict[int, tuple[int, ...]]] = {}

    def _place(self, place: int, state: State) -> None:
        """Put a network's state into a row."""
        for name, span in self.spans.items():
            self.numbers[place, span] = state.net[_key(name)].flatten().to(self.device)
        for name, one in self.statics.items():
            one[place].copy_(state.net[_key(name)])
        if state.optimizer:
            self.first[place, : self.n] = state.optimizer["first"].to(self.device)
            self.second[place, : self.n] = state.optimizer["second"].to(self.device)
            self.steps[place].copy_(state.optimizer["step"])

    def copied(self, place: int) -> dict[str, Tensor]:
        """A network's numbers, slopes, moments and buffers."""
        rows = {"slopes": self.slopes, "numbers": self.numbers, "first": self.first, "second": self.second}
        found = {name: one[place, : self.n].clone() for name, one in rows.items()}
        return found | {name: one[place].clone() for name, one in self.statics.items()}

    def take_out(self, place: int) -> Work:
        """The ordinary network at a place, to be scored and kept."""
        work, member = self.work, self.members[place]
        work.member, work.attached.hooks, work.total = member, member.hooks, self.total
        with torch.no_grad():
            work.optimizer.numbers.copy_(self.numbers[place, : self.n])
            for name, one in self.taken.items():
                one.copy_(self.statics[name][place])
        work.optimizer.load_state_dict(
            {
                "first": self.first[place, : self.n],
                "second": self.second[place, : self.n],
                "step": self.steps[place],
            }
        )
        return work

    def epoch(self, number: int, should_stop: Callable[[], bool]) -> bool:
        """Train one epoch (from 0); says whether it was trained to its end."""
        together, at = torch.stack([epoch_order(member, number) for member in self.members]), 0
        for step, n in enumerate(_batch_rows(together.shape[1], self.members[0].batch_size)):
            if should_stop():
                return False
            self.step(together[:, at : at + n], number, step)
            at += n
        return True

    def step(self, orders: Tensor, epoch: int, step: int) -> None:
        """One step of every network on its own rows: shape (n_networks, n)."""
        self.template.momentum = momentum_at(self.total)
        rows = orders[self.places]
        inputs = self._inputs(rows, epoch, step)
        masks = self._masks(rows.shape[1], epoch, step)

        def one(own: dict[str, Tensor], x: Inputs, masks: dict[int, Tensor]) -> Tensor:
            self.template.masks = masks
            found = functional_call(self.template, own, (x,))
            return outputs_of(found, self.problem.objective, self.architecture.name)

        outputs = torch.vmap(one)({**self.parameters, **self.statics}, inputs, masks)
        loss = self._loss(outputs, rows)
        slopes = torch.autograd.grad(loss, list(self.parameters.values()), allow_unused=True)
        for view, slope in zip(self.slope_views, slopes, strict=True):
            if slope is not None:
                view.copy_(slope)
        self._descend()
        self.total += 1

    def _inputs(self, rows: Tensor, epoch: int, step: int) -> Inputs:
        examples: Any = self.problem.examples
        found: Inputs = mapped(examples.inputs, lambda part: part[rows].to(self.device))
        if not any(one.hooks.input_noise or one.hooks.input_drop for one in self.members):
            return found
        found = mapped(found, torch.clone)
        for place, i in enumerate(self.places):
            member = self.members[i]
            if member.hooks.input_noise or member.hooks.input_drop:
                own = mapped(found, lambda part, place=place: part[place])  # type: ignore[misc]
                changed = disturbed(own, member.hooks, key_of(noise_seed(member, epoch), step), self.device)
                pairs: dict[int, Tensor] = {}
                mapped(own, lambda part, pairs=pairs: pairs.setdefault(len(pairs), part))  # type: ignore[misc]
                queue = iter(pairs.values())
                mapped(changed, lambda part, queue=queue: next(queue).copy_(part))  # type: ignore[misc]
        return found

    def _masks(self, n_rows: int, epoch: int, step: int) -> dict[int, Tensor]:
        """What drops units, of every network and layer: shape (n_places, ...)."""
        own = self.template.own
        rates = {number: [self._rate(member, number) for member in self.members] for number in self._sites()}
        rates = {number: found for number, found in rates.items() if any(found)}
        if not rates or (not self.own_dropout and set(rates) <= set(own)):
            return {}
        shapes = self._shapes(n_rows)
        found = {}
        stream = torch.Generator(self.device)
        for number, by_member in rates.items():
            shape = shapes[number]
            masks = torch.ones(len(self.places), *shape, device=self.device)
            ones = torch.ones(shape, device=self.device)
            for place, i in enumerate(self.places):
                if by_member[i]:
                    stream.manual_seed(key_of(key_of(self.members[i].seed, epoch, step), number))
                    masks[place] = dropped(ones, shape, by_member[i], stream)
            found[number] = masks
        return found

    def _sites(self) -> list[int]:
        return [*range(len(self.architecture.plan.dropout)), *self.template.own]

    def _rate(self, member: Member, number: int) -> float:
        if number < _OWN:
            return member.hooks.drop
        name, rate = self.template.own[number]
        if not self.own_dropout:
            return 0.0
        return member.hooks.drop if member.hooks.drop and name in self.architecture.plan.rates else rate

    def _shapes(self, n_rows: int) -> dict[int, tuple[int, ...]]:
        """Of what is dropped in a batch of so many rows."""
        known = self.shapes.get(n_rows)
        if known is None:
            examples: Any = self.problem.examples
            inputs = examples.batch(torch.arange(n_rows), self.device, training=False)
            self.template.masks, self.template.shapes = {}, {}
            with torch.no_grad():
                call(self.template.net.eval(), inputs)
            known = self.shapes[n_rows] = self.template.shapes
            self.template.shapes = None
            self.template.begin()
        return known

    def _loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """The networks' mean losses together: no network's slopes depend on another's."""
        objective, n = self.problem.objective, rows.shape[1]
        target = self.work.target[rows.to(self.device)]
        losses = _row_losses(outputs, target, objective, [self.members[i] for i in self.places])
        if self.work.weight is not None:
            factors = torch.tensor([self.factors[i] for i in self.places], dtype=losses.dtype)
            losses = losses * (self.work.weight[rows.to(self.device)] * factors.to(self.device)[:, None])
        return losses.div(n).sum()

    @torch.no_grad()
    def _descend(self) -> None:
        """AdamW, and what acts on weights after a step, by each network's own numbers."""
        self.steps += 1
        by_rate: dict[float, list[int]] = {}
        for place, i in enumerate(self.places):
            by_rate.setdefault(self.members[i].learning_rate, []).append(place)
        for rate, places in by_rate.items():
            chosen = (*([rows[place] for place in places] for rows in self.rows),)
            torch._fused_adamw_(  # type: ignore[call-overload]
                *chosen, [], [self.counts[place] for place in places], lr=rate, beta1=0.9, beta2=0.999,
                weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
            )  # fmt: skip
        for place, i in enumerate(self.places):
            member = self.members[i]
            if any(member.hooks.weight_amounts):
                step_weights([self.numbers[place, : self.n_penalized]], member.hooks, member.learning_rate)
            if any(member.hooks.unit_amounts):
                for name in self.architecture.plan.units:
                    weight = self.parameters[f"net.{name}"][place].detach()
                    step_units(weight, member.hooks, member.learning_rate)


def _row_losses(outputs: Tensor, target: Tensor, objective: Objective, members: Sequence[Member]) -> Tensor:
    """The loss of every row of every network: shape (n_networks, n_rows)."""
    if isinstance(objective, CrossEntropy):
        logs = torch.log_softmax(outputs, dim=2)
        losses = -logs.gather(2, target[:, :, None])[:, :, 0]
        if any(one.hooks.smoothing for one in members):
            shares = torch.tensor([one.hooks.smoothing for one in members]).to(losses)[:, None]
            losses = losses * (1.0 - shares) - logs.mean(dim=2) * shares
        return losses
    if isinstance(objective, OwnLoss):
        return torch.stack([objective.row_loss(z, y) for z, y in zip(outputs, target, strict=True)])
    return (outputs - target[:, :, None]).square().mean(dim=2)


def _key(name: str) -> str:
    """The name in a state of a parameter or a buffer of the template."""
    place, _, rest = name.partition(".")
    return rest if place == "net" else f"taut.{rest}"


def advance_together(
    problem: Problem,
    members: Sequence[Member],
    states: Sequence[State],
    goals: Sequence[int],
    patient: Sequence[bool],
    device: torch.device,
    should_stop: Callable[[], bool],
) -> None:
    """Take networks to their epochs, to their own stops, or as far as they are let; states change in place.

    Parameters
    ----------
    problem : Problem
    members : sequence of Member
        With the same :func:`stack_key`.
    states : sequence of State
    goals : sequence of int
        Epochs.
    patient : sequence of bool
        Whether their own patience may end them before.
    device : torch.device
    should_stop : callable
        Asked before every step; an epoch that was begun then is thrown away.
    """
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        while not should_stop():
            live = [i for i in range(len(members)) if goes_on(members[i], states[i], goals[i], patient[i])]
            if not live:
                return
            # Those that are behind first: batch norm's momentum goes by the step.
            epoch = min(states[i].epoch for i in live)
            live = [i for i in live if states[i].epoch == epoch][: SIZES[-1]]
            begun = time.perf_counter()
            stack = Stack(problem, [members[i] for i in live], [states[i] for i in live], device)
            same = True
            while same and stack.epoch(epoch, should_stop):
                epoch += 1
                for place, i in enumerate(live):
                    record(stack.take_out(place), states[i], patient[i])
                same = all(goes_on(members[i], states[i], goals[i], patient[i]) for i in live)
            for i in live:
                states[i].seconds += (time.perf_counter() - begun) / len(live)
