from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from taut.errors import ParameterError
from taut.play.toys import FEWEST_ROWS, MOST_ROWS, TOYS, Toy, toy

toys = pytest.mark.parametrize("one", TOYS, ids=lambda one: one.name)


@toys
@pytest.mark.parametrize("n_rows", [FEWEST_ROWS, 101, MOST_ROWS])
def test_a_problem_has_as_many_rows_as_asked_for(one: Toy, n_rows: int) -> None:
    X, y = toy(one.name, n_rows)
    assert len(X) == len(y) == n_rows
    assert X.dtype == np.float64
    assert np.isfinite(X).all()


@toys
def test_the_same_seed_gives_the_same_rows_and_another_one_others(one: Toy) -> None:
    X, y = toy(one.name, 50, random_state=1)
    again, same = toy(one.name, 50, random_state=1)
    assert (X == again).all()
    assert (y == same).all()
    assert (toy(one.name, 50, random_state=2)[0] != X).any()


@toys
def test_noise_is_the_usual_one_where_none_is_given(one: Toy) -> None:
    assert (toy(one.name, 50)[0] == toy(one.name, 50, one.usual)[0]).all()
    assert one.noise.endswith(".")


@toys
def test_noise_changes_the_rows(one: Toy) -> None:
    quiet, loud = toy(one.name, 200, 0.0), toy(one.name, 200, 1.0)
    assert any((a != b).any() for a, b in zip(quiet, loud, strict=True))


@toys
def test_classes_are_all_there_and_amounts_are_numbers(one: Toy) -> None:
    y = toy(one.name, FEWEST_ROWS)[1]
    if one.task == "classification":
        assert np.unique(y).tolist() == list(range(3 if one.name == "blobs" else 2))
    else:
        assert y.dtype == np.float64


def exact(name: str, rule: Callable[[np.ndarray], np.ndarray]) -> bool:
    X, y = toy(name, 300, 0.0)
    return bool((rule(X) == y).all())


def test_without_noise_the_rule_holds() -> None:
    assert exact("needles", lambda X: X[:, 0] + X[:, 1] > 0)
    assert exact("checkerboard", lambda X: np.floor(X).sum(axis=1) % 2)
    assert exact("step", lambda X: (X[:, 0] > 0).astype(float))
    assert exact("sine", lambda X: np.sin(2 * np.pi * X[:, 0]))


def test_noise_is_as_large_as_is_said() -> None:
    X, y = toy("sine", 5000, 0.5)
    assert np.std(y - np.sin(2 * np.pi * X[:, 0])) == pytest.approx(0.5, rel=0.05)
    clean, noisy = toy("blobs", 5000, 0.0)[1], toy("blobs", 5000, 0.6)[1]
    # A label at random is right in one of three.
    assert np.mean(clean != noisy) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("donut",), "There is no toy problem 'donut'; there are moons, circles"),
        (("moons", 19), "n_rows must be a whole number from 20 to 5,000, and it is 19"),
        (("moons", 100, 1.5), "noise must be a number from 0 to 1, and it is 1.5"),
        (("moons", 100, -0.1), "noise must be a finite number of 0 or more"),
        (("moons", 100, 0.1, -1), "random_state must be a whole number of 0 or more"),
    ],
)
def test_what_is_out_of_range_is_told(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        toy(*arguments)  # type: ignore[arg-type]
