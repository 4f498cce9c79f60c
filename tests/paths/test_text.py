from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taut.paths.text import plain_table, some_points
from tests.paths.helpers import KINDS, made


def test_a_row_a_point_off_first_and_the_chosen_ones_marked() -> None:
    assert plain_table(made()) == "\n".join(
        [
            "strength  training loss  validation loss    gap  accuracy  epochs   norm",
            "-" * 83,
            "off               0.300    0.600 ± 0.022  0.300    75.0 %      12  10.00",
            "    0.01          0.260    0.520 ± 0.022  0.260    75.0 %      13  10.00",
            "     0.1          0.250    0.500 ± 0.022  0.250    75.0 %      14  10.00  <- best",
            "       1          0.255    0.510 ± 0.022  0.255    75.0 %      15  10.00  <- one SE",
            "      10          0.400    0.800 ± 0.022  0.400    75.0 %      16  10.00",
        ]
    )


def test_zeros_are_shown_of_techniques_that_make_them() -> None:
    lines = plain_table(made("l1")).splitlines()
    assert lines[0].split()[-1] == "zeros"
    assert [line.split(" %")[1].split()[-1] for line in lines[2:]] == ["0", "20.0", "60.0", "90.0", "100"]
    assert "zeros" not in plain_table(made())


def test_epochs_and_switches() -> None:
    lines = plain_table(made("early_stopping")).splitlines()
    assert lines[0].startswith("epoch  training loss")
    assert "epochs" not in lines[0]
    assert [line.split()[0] for line in lines[2:]] == ["1", "3", "10", "30", "100"]
    assert [line.partition("<- ")[2] for line in lines[2:]] == ["", "one SE", "best", "", "off"]
    lines = plain_table(made("batch_norm", (0.5, 0.4))).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["off", "on"]
    assert lines[3].endswith("<- best")


def test_failures_are_rows_and_say_why() -> None:
    lines = plain_table(made(failed=[3])).splitlines()
    assert lines[5].split() == ["1", "diverged"]
    assert "nan" not in plain_table(made(failed=[0, 3], n_folds=1))


def test_r_squared_and_large_losses() -> None:
    table = plain_table(made(task="regression", factor=6000.0))
    assert "R²" in table
    assert "3000 ± 129" in table
    assert "0.750" in table
    assert "5e+08 ± 2.15e+07" in plain_table(made(task="regression", factor=1e9))


def test_there_is_no_minus_before_zeros() -> None:
    path = made(losses=(0.6, 0.5, 0.7))
    path.points[0].train_losses[:] = 0.6000001
    assert " -0.00" not in plain_table(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_line_never_has_spaces_at_its_end(name: str) -> None:
    losses = (0.6, 0.5) if name == "batch_norm" else None
    path = made(name) if losses is None else made(name, losses)
    lines = plain_table(path).splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize("most", [1, 4, 5, 7, 16, 60])
def test_a_short_table_has_off_the_ends_and_the_chosen_ones(most: int) -> None:
    path = made()
    points = path.points[:2] + path.points[1:4] * 10 + path.points[4:]
    longer = replace(path, points=points, best_index=11, one_se_index=24)
    shown = some_points(longer, most)
    always = {0, 1, 11, 24, len(points) - 1}
    assert always <= set(shown)
    assert len(shown) == min(len(points), max(most, len(always)))
    assert shown == sorted(set(shown))
    if most == 16:
        assert np.diff(shown).max() <= 6
