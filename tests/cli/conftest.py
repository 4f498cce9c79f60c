"""What the tests of the command line share: a small mixed table, and a model trained on it."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from taut.cli import app

#: Networks that are trained in a blink; what they predict is of no interest.
QUICK = ("--hidden", "4", "--max-epochs", "3", "--cv", "3", "--n-candidates", "3", "--n-jobs", "1")
HEADER = ["size", "city", "bought", "active", "price", "kind"]

Run = Callable[..., Result]


def rows(n: int = 90) -> list[list[str]]:
    """Numbers, texts, dates and booleans; a missing number and a missing target now and then."""
    stream = random.Random(0)
    made = []
    for i in range(n):
        size = stream.uniform(10, 99)
        day = date(2020, 1, 1) + timedelta(days=stream.randrange(900))
        made.append(
            [
                "" if i % 11 == 5 else f"{size:.2f}",
                stream.choice(["Köln", "Ulm, Donau", "Bonn"]),
                day.isoformat(),
                stream.choice(["yes", "no"]),
                f"{size * 3 + stream.gauss(0, 5):.3f}",
                "" if i % 30 == 7 else ("high" if size > 50 else 'a "low" one'),
            ]
        )
    return made


def write_csv(path: Path, lines: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of 90 rows, 3 of them without the target ``kind``."""
    return write_csv(tmp_path / "shop.csv", rows())


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command in this process: ``run("fit", path, "--target", "kind")``."""
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def model(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of ``kind``."""
    folder = tmp_path_factory.mktemp("model")
    data = write_csv(folder / "shop.csv", rows())
    result = run("fit", data, "--target", "kind", *QUICK)
    assert result.exit_code == 0, result.output
    return folder / "shop.taut"
