"""Every stream of random numbers has one purpose, and is named."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.streams import KernelStream, Stream, fold_seed, generator, race_generator, seed_of, sequence

# What makes random numbers from a seed.
MAKERS = {"SeedSequence", "default_rng", "RandomState", "Philox", "PCG64", "MT19937", "Random", "seed"}
# The demo's rows that are kept aside, as a person would keep them; and NumPy's and Python's own streams, from
# which a person's dataset draws: they follow PyTorch's, which a named stream has seeded for the step.
OUTSIDE = {("cli/demo.py", "default_rng"), ("engine/torch/examples.py", "seed")}


def unnamed(source: str) -> Iterator[str]:
    """The calls in a source that make random numbers without naming a stream."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [ast.unparse(one) for one in node.args]
        if name in {"generator", "seed_of", "sequence"} and not given[1].startswith(("Stream.", "stream")):
            yield name
        if name in MAKERS and not (name == "default_rng" and given and given[0].startswith("sequence(")):
            yield name


def named(source: str) -> Iterator[str]:
    """The streams that a source draws from, each as often as it is named."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Stream":
            yield node.attr


@pytest.fixture(scope="module")
def sources(root: Path) -> dict[str, str]:
    folder = root / "src" / "taut"
    files = [file for file in sorted(folder.rglob("*.py")) if file.name != "streams.py"]
    assert len(files) > 10
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.mark.parametrize("kind", [Stream, KernelStream])
def test_no_two_purposes_share_a_number(kind: type[Stream] | type[KernelStream]) -> None:
    assert len({int(one) for one in kind.__members__.values()}) == len(kind.__members__)


def test_whatever_is_random_names_its_stream(sources: dict[str, str]) -> None:
    found = {(file, name) for file, source in sources.items() for name in unnamed(source)}
    assert found == OUTSIDE


def test_every_stream_is_drawn_from_at_one_place(sources: dict[str, str]) -> None:
    times = Counter(name for source in sources.values() for name in named(source))
    assert set(times) == set(Stream.__members__)
    assert {name for name, n in times.items() if n > 1} == set()


@pytest.mark.parametrize(
    "source",
    [
        "rng = np.random.default_rng(seed)",
        "rng = np.random.default_rng((seed, 17))",
        "rng = np.random.Generator(bits(SeedSequence((seed, 1))))",
        "rng = generator(seed, 12)",
        "fold = make_fold(split, data, seed_of(seed, 7))",
        "import random\nrandom.seed(0)",
    ],
)
def test_a_stream_without_a_name_is_found(source: str) -> None:
    assert len(list(unnamed(source))) == 1


def test_a_fold_shares_its_seed_with_none_that_is_made_otherwise() -> None:
    folds = {fold_seed(5, number) for number in range(100)}
    assert len(folds) == 100
    others = [Stream.LOW_FIDELITY_FOLD, Stream.REFIT_FOLD, Stream.LEARNING_CURVE_FOLD]
    assert not folds & {seed_of(5, stream, number) for stream in others for number in range(1, 100)}


def test_the_numbers_are_the_same_for_ever() -> None:
    # What files of searches, recipes and predictions go by.
    assert seed_of(3, Stream.MEMBER, 2) == 3489899069719773320
    assert fold_seed(3, 2) == 5737856171534892084
    assert generator(3, Stream.FOLD_SAMPLE).integers(1000, size=3).tolist() == [239, 857, 811]
    assert race_generator(3, 40).integers(1000, size=3).tolist() == [552, 156, 222]
    mixed = np.random.default_rng(sequence(3, Stream.MIXTURES))
    assert mixed.integers(1000, size=3).tolist() == [
        844,
        25,
        566,
    ]


@given(
    seed=st.integers(0, 2**31 - 1),
    stream=st.sampled_from(Stream),
    numbers=st.lists(st.integers(0, 1000), max_size=2),
)
def test_seeds_are_63_bits_and_differ_by_name(seed: int, stream: Stream, numbers: list[int]) -> None:
    made = seed_of(seed, stream, *numbers)
    assert made == seed_of(seed, stream, *numbers)
    assert 0 <= made < 2**63
    assert made != seed_of(seed, stream, *numbers, 1)
    assert made != seed_of(seed + 1, stream, *numbers)
