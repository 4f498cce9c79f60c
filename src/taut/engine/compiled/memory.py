"""What networks cost in memory, known before any of it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from taut.engine.compiled.layout import padded, stride
from taut.engine.compiled.matmul import INNER_AT_MOST, WIDE
from taut.engine.compiled.records import BLOCK
from taut.errors import TrainingError
from taut.learning.architecture import MLP
from taut.learning.training import Member
from taut.network import Network
from taut.table.memory import available_memory, size_text

# Less is not worth asking the system for what is free.
_NOTHING = 64 * 2**20
# Not all that is free can be had: there are other processes, and pieces.
_SHARE = 0.9
_CURVE_LINE = 24  # bytes an epoch
_USUAL_EPOCHS = 1000  # a curve of more is as long as training goes on, and then it is a small part


class Cost(NamedTuple):
    """Bytes of one member: what it keeps; what it takes to begin; what a thread needs to train it."""

    kept: int
    begun: int
    scratch: int


@lru_cache(maxsize=1024)
def _sizes(widths: tuple[int, ...], normalize: bool) -> tuple[int, int, int, int]:
    """Parameters, statistics, numbers of the largest matrix, and of the strides of all layers.

    In Python's whole numbers: those of the engine's own tables overflow where it matters.
    """
    wide = [padded(width) for width in widths]
    matrices = [before * after for before, after in pairwise(wide)]
    inner = sum(wide[1:-1])
    n = sum(matrices) + sum(wide[1:]) + (inner if normalize else 0)
    return n, 2 * inner if normalize else 0, max(matrices), sum(stride(width) for width in wide)


def cost_of(member: Member, network: Network, itemsize: int) -> Cost:
    """What a member costs."""
    normalize = member.hooks.normalize
    n, statistics, largest, strides = _sizes(network.layer_sizes, normalize)
    best = member.hooks.patience is not None
    each = int(member.keep_losses) + (network.n_outputs if member.keep_outputs else 0)
    losses = 4 * len(member.fold.validation) * member.max_epochs * each
    average = member.average > 0.0
    kept = itemsize * ((3 + best + average) * n + (1 + best + average) * statistics)
    kept += itemsize * (n + statistics) * min(2 * member.keep_networks, member.max_epochs)
    kept += losses + _CURVE_LINE * min(member.max_epochs, _USUAL_EPOCHS)
    rows = max(BLOCK, min(member.batch_size, len(member.fold.train)) + 1)
    layers = 1 + normalize + (network.activation != "relu")
    floats = n + largest + rows * (3 * max(map(stride, map(padded, network.layer_sizes))) + layers * strides)
    if isinstance(member.architecture, MLP) and member.architecture.n_bins:
        # Sums over pieces, and where rows fall: a number in pieces has itself and two more inputs at least.
        n_in, wide = network.layer_sizes[:2]
        floats += n_in * padded(wide) + 2 * rows * (n_in // 3)
    return Cost(kept, 8 * n, itemsize * (floats + INNER_AT_MOST * WIDE))


def needed(costs: Sequence[Cost], threads: int) -> int:
    """Bytes that members need who are trained side by side."""
    scratch = max((cost.scratch for cost in costs), default=0)
    begun = max((cost.begun for cost in costs), default=0)
    return sum(cost.kept for cost in costs) + max(begun, min(threads, len(costs)) * scratch)


def free_memory() -> float:
    """Bytes that may be taken; infinite where the system does not tell."""
    available = available_memory()
    return float("inf") if available is None else _SHARE * available


def affordable(costs: Sequence[Cost]) -> int:
    """How many members, the first ones, there is room for, with one thread at the least."""
    if needed(costs, 1) <= _NOTHING:
        return len(costs)
    free = free_memory()
    low, high = 0, len(costs)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if needed(costs[:middle], 1) <= free else (low, middle - 1)
    return low


def affordable_threads(scratch: int, threads: int) -> int:
    """How many threads there is room for beside what is there, one at the least."""
    if threads * scratch <= _NOTHING:
        return threads
    return int(max(1, min(threads, free_memory() // max(1, scratch))))


def check(members: Sequence[Member], costs: Sequence[Cost]) -> None:
    """Refuse members that there is no room for, by the costs of those that begin.

    Raises
    ------
    TrainingError
        With what would be needed.
    """
    if affordable(costs) == len(costs):
        return
    wanted, free = size_text(needed(costs, 1)), size_text(free_memory())
    fewer = ", or fewer folds (cv)" if len(members) > 1 else ""
    raise TrainingError(
        f"{_networks(members)} memory than there is: about {wanted}, and {free} are free. Take smaller "
        f"widths{fewer}."
    )


def ran_out(members: Sequence[Member]) -> TrainingError:
    """Say that memory was short although there seemed to be enough."""
    return TrainingError(f"{_networks(members)} memory than there is. Take smaller widths, or n_jobs=1.")


def _networks(members: Sequence[Member]) -> str:
    architectures = [one.architecture for one in members if isinstance(one.architecture, MLP)]
    hidden = max((one.hidden for one in architectures), key=sum, default=())
    widths = str(hidden) if len(hidden) <= 5 else f"{len(hidden):,} layers of up to {max(hidden):,} units"
    many = "A network" if len(members) == 1 else f"{len(members):,} networks side by side"
    return f"{many} with hidden={widths} need{'s' if len(members) == 1 else ''} more"
