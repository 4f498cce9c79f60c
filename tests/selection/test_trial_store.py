"""The trial store: what goes in comes out bit for bit, from any thread, or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from taut import Dropout, Recipe
from taut.errors import StoreError
from taut.learning.architecture import MLP
from taut.learning.training import Curve, Status
from taut.selection.candidate import Candidate
from taut.selection.runs import FoldRun
from taut.selection.trial_store import TrialStore
from tests.selection.trial_stores import CANDIDATES, USUAL, bits, fold_run, hasty_disk, key, open_trial_store


@pytest.fixture(scope="module", autouse=True)
def hasty() -> Iterator[None]:
    with hasty_disk():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search.taut"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialStore]:
    """One trial store for many examples; a run is replaced by the next one."""
    with open_trial_store(tmp_path_factory.mktemp("shared") / "file") as trial_store:
        yield trial_store


# --- round trips ------------------------------------------------------------------------------------------


@st.composite
def fold_runs(draw: st.DrawFn) -> FoldRun:
    """Any bits that a float can have, other NaNs among them."""
    epoch = draw(st.integers(0, 40))

    def numbers(kind: type[np.unsignedinteger], n: int) -> np.ndarray:
        floats = {np.uint64: np.float64, np.uint32: np.float32}
        return draw(stnp.arrays(kind, n)).view(floats[kind])

    curve = Curve(*(numbers(np.uint64, epoch) for _ in range(3)))
    zero_share, seconds = numbers(np.uint64, 2).tolist()
    n_validation = draw(st.integers(0, 20))
    scored = draw(st.lists(st.integers(1, 2**40), unique=True, max_size=3))
    losses = {one: numbers(np.uint32, n_validation) for one in scored}
    status = draw(st.sampled_from(Status))
    said = dict(zip(scored, numbers(np.uint64, len(scored)).tolist(), strict=True))
    classes = draw(st.booleans()) and n_validation > 0
    correct = {one: draw(stnp.arrays(np.bool_, n_validation)) for one in scored} if classes else {}
    weights = draw(stnp.arrays(np.int64, draw(st.integers(0, 9))))
    best = draw(st.integers(0, 40))
    return FoldRun(status, epoch, best, curve, zero_share, seconds, losses, correct, said, weights)


@given(run=fold_runs(), candidate=st.integers(0, 2**62), stage=st.integers(0, 2**62))
def test_a_run_comes_back_bit_for_bit(shared: TrialStore, run: FoldRun, candidate: int, stage: int) -> None:
    shared.keep(candidate, stage, run)
    again = shared.run(candidate, stage)
    assert bits(again) == bits(run)
    assert again is not None
    assert type(again.epoch) is type(again.best_epoch) is int


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0, 5e-324])
def test_odd_floats_survive_the_file_too(path: Path, value: float) -> None:
    losses = {3: np.array([value, 1], dtype=np.float32)}
    run = FoldRun(Status.DIVERGED, 2, 1, Curve(*np.full((3, 2), value)), value, value, losses)
    with open_trial_store(path) as trial_store:
        trial_store.keep(4, 2, run)
    with open_trial_store(path) as trial_store:
        assert bits(trial_store.run(4, 2)) == bits(run)


def test_thousands_of_epochs_many_rows_and_none_at_all(path: Path) -> None:
    random = np.random.default_rng(0)
    many = FoldRun(
        Status.RUNNING,
        20_000,
        12_345,
        Curve(*random.normal(size=(3, 20_000))),
        0.0,
        1e9,
        {epoch: random.normal(size=200_000).astype(np.float32) for epoch in (12_345, 7)},
    )
    none = FoldRun(Status.DIVERGED, 0, 0, Curve(*np.empty((3, 0))), 1.0, 0.0)
    no_rows = replace(none, losses={1: np.empty(0, dtype=np.float32), 9: np.empty(0, dtype=np.float32)})
    with open_trial_store(path) as trial_store:
        for stage, run in enumerate((many, none, no_rows)):
            trial_store.keep(0, stage, run)
    with open_trial_store(path) as trial_store:
        for stage, run in enumerate((many, none, no_rows)):
            assert bits(trial_store.run(0, stage)) == bits(run)
        again = trial_store.run(0, 0)
    assert again is not None
    assert list(again.losses) == [12_345, 7]
    again.losses[7][0] = again.curve.train[0] = 1.0  # what comes out may be written to


def test_slices_and_numpys_own_numbers_are_kept_as_what_they_are(path: Path) -> None:
    every_second = Curve(*np.arange(24.0).reshape(3, 8)[:, ::2])
    losses = {np.int64(2): np.arange(9, dtype=np.float32)[::-3]}
    run = FoldRun(
        Status.STOPPED, np.int32(4), np.int64(2), every_second, np.float32(0.5), np.float64(2), losses
    )  # type: ignore[arg-type]
    with open_trial_store(path) as trial_store:
        trial_store.keep(np.int64(1), np.int32(2), run)  # type: ignore[arg-type]
        assert bits(trial_store.run(1, 2)) == bits(run)


def test_losses_of_another_type_are_refused_rather_than_rounded(path: Path) -> None:
    run = replace(fold_run(0, 0), losses={1: np.array([0.1])})
    with open_trial_store(path) as trial_store:
        with pytest.raises(TypeError, match="float64"):
            trial_store.keep(0, 0, run)
        assert trial_store.run(0, 0) is None


def test_a_run_takes_the_place_of_the_one_before(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.keep(1, 1, fold_run(1, 1))
        trial_store.keep(1, 1, fold_run(7, 7))
    with open_trial_store(path) as trial_store:
        assert bits(trial_store.run(1, 1)) == bits(fold_run(7, 7))
        assert trial_store.run(1, 0) is trial_store.run(0, 1) is None


def test_a_batch_comes_back_as_it_was(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        assert trial_store.proposed(0, USUAL) is None
        trial_store.propose(0, CANDIDATES)
        trial_store.propose(3, [])
        assert trial_store.proposed(0, USUAL) == CANDIDATES
    with open_trial_store(path) as trial_store:
        assert trial_store.proposed(0, USUAL) == CANDIDATES
        assert trial_store.proposed(3, USUAL) == ()
        assert trial_store.proposed(1, USUAL) is None


def test_a_batch_that_cannot_be_written_down_leaves_nothing(path: Path) -> None:
    broken = Candidate(Recipe(Dropout(0.5)), object(), MLP((8,)))  # type: ignore[arg-type]
    with open_trial_store(path) as trial_store:
        with pytest.raises(TypeError):
            trial_store.propose(0, [*CANDIDATES, broken])
        assert trial_store.proposed(0, USUAL) is None


def test_a_batch_may_be_proposed_again_but_not_with_other_candidates(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.propose(0, CANDIDATES)
        trial_store.keep(0, 0, fold_run(0, 0))
        trial_store.propose(0, CANDIDATES)
        with pytest.raises(
            StoreError, match=r"search\.taut: batch 0 was other candidates before, so this is"
        ):
            trial_store.propose(0, CANDIDATES[1:])
        assert trial_store.proposed(0, USUAL) == CANDIDATES
        assert trial_store.run(0, 0) is not None


# --- damaged rows -----------------------------------------------------------------------------------------


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


COLUMNS = (
    *("status", "epoch", "best_epoch", "zero_share", "seconds"),
    *("curve_train", "curve_validation", "curve_hits", "scored", "losses", "digest"),
)


VALUES = ("NULL", "1.5", "x'00'", "CAST(x'ff' AS TEXT)", "{} || x'00'")


def test_a_run_with_any_value_changed_is_not_there_and_is_kept_again(path: Path) -> None:
    changes = [(column, value) for column in COLUMNS for value in VALUES]
    with open_trial_store(path) as trial_store:
        for stage in range(len(changes) + 1):
            trial_store.keep(0, stage, fold_run(0, stage, rows=5))
    edit(
        path,
        *(
            f"UPDATE run SET {column} = {value.format(column)} WHERE stage = {stage}"
            for stage, (column, value) in enumerate(changes)
        ),
    )
    with open_trial_store(path) as trial_store:
        for stage, _ in enumerate(changes):
            assert trial_store.run(0, stage) is None
            trial_store.keep(0, stage, fold_run(0, stage, rows=5))
        for stage in range(len(changes) + 1):
            assert bits(trial_store.run(0, stage)) == bits(fold_run(0, stage, rows=5))


def test_a_damaged_batch_is_asked_for_again_and_its_runs_stay_where_it_is_the_same(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.propose(0, CANDIDATES)
        trial_store.keep(0, 0, fold_run(0, 0))
    edit(path, "UPDATE batch SET candidates = replace(candidates, '64', '65')")
    with open_trial_store(path) as trial_store:
        assert trial_store.proposed(0, USUAL) is None
        trial_store.propose(0, CANDIDATES)
        assert trial_store.proposed(0, USUAL) == CANDIDATES
        assert bits(trial_store.run(0, 0)) == bits(fold_run(0, 0))


def test_a_damaged_batch_that_becomes_another_one_takes_the_runs_with_it(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.propose(0, CANDIDATES)
        trial_store.keep(0, 0, fold_run(0, 0))
    edit(path, "UPDATE batch SET candidates = replace(candidates, '64', '65')")
    with open_trial_store(path) as trial_store:
        trial_store.propose(0, CANDIDATES[::-1])
        assert trial_store.proposed(0, USUAL) == CANDIDATES[::-1]
        assert trial_store.run(0, 0) is None  # it may have been another candidate's


# --- time -------------------------------------------------------------------------------------------------


def test_time_adds_up_over_sessions(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        assert trial_store.elapsed == 0.0
        trial_store.spend(1.25)
        trial_store.spend(2.5)
        assert trial_store.elapsed == 0.0
    with open_trial_store(path) as trial_store:
        assert trial_store.elapsed == 2.5
        trial_store.spend(0.01)  # less than is worth a write, and stored by close
    with open_trial_store(path) as trial_store:
        assert trial_store.elapsed == 2.51
    with open_trial_store(path) as trial_store:
        assert trial_store.elapsed == 2.51


def stored(trial_store: TrialStore) -> float:
    """What a process that was killed now would leave."""
    connection = trial_store._connection
    assert connection is not None
    ((elapsed,),) = connection.execute("SELECT elapsed FROM time")
    return float(np.frombuffer(elapsed, "<f8")[0])


def test_time_is_stored_as_it_goes_but_not_at_every_call(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.spend(3.0)
        assert stored(trial_store) == 3.0
        trial_store.spend(3.05)
        assert stored(trial_store) == 3.0
        trial_store.keep(0, 0, fold_run(0, 0))
        assert stored(trial_store) == 3.05
        trial_store.spend(3.06)
        trial_store.propose(0, CANDIDATES)
        assert stored(trial_store) == 3.06
        trial_store.spend(1.0)  # time does not run back
        trial_store.spend(float("nan"))
        assert stored(trial_store) == 3.06
        before = time.perf_counter()
        for _ in range(1000):
            trial_store.spend(3.1)
        assert time.perf_counter() - before < 0.5


def test_a_damaged_time_counts_as_none(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.spend(5.0)
    edit(path, "UPDATE time SET elapsed = x'000000000000f03f'")
    with open_trial_store(path) as trial_store:
        assert trial_store.elapsed == 0.0


# --- threads ----------------------------------------------------------------------------------------------


def test_threads_keep_while_another_reads(path: Path) -> None:
    n_threads, n_each = 4, 40
    done = threading.Event()

    def work(candidate: int) -> None:
        for stage in range(n_each):
            trial_store.keep(candidate, stage, fold_run(candidate, stage))
            assert trial_store.run(candidate, stage) is not None

    with open_trial_store(path) as trial_store:
        with ThreadPoolExecutor(n_threads) as pool:
            jobs = [pool.submit(work, candidate) for candidate in range(n_threads)]
            reads = 0
            while not done.is_set():
                if all(job.done() for job in jobs):
                    done.set()
                trial_store.propose(reads % 3, CANDIDATES)
                assert trial_store.proposed(reads % 3, USUAL) == CANDIDATES
                run = trial_store.run(reads % n_threads, reads % n_each)
                assert run is None or bits(run) == bits(fold_run(reads % n_threads, reads % n_each))
                trial_store.spend(reads / 10)
                reads += 1
            for job in jobs:
                job.result()
    with open_trial_store(path) as trial_store:
        assert trial_store.elapsed == pytest.approx((reads - 1) / 10)
        for candidate in range(n_threads):
            for stage in range(n_each):
                assert bits(trial_store.run(candidate, stage)) == bits(fold_run(candidate, stage))


def test_keeping_is_cheap(path: Path) -> None:
    run = fold_run(0, 0)
    with open_trial_store(path) as trial_store:
        before = time.perf_counter()
        for number in range(200):
            trial_store.keep(*key(number), run)
        assert time.perf_counter() - before < 2.0


# --- writes that fail -------------------------------------------------------------------------------------


def test_a_full_disk_is_a_sentence_and_what_is_in_the_file_stays(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        connection = trial_store._connection
        assert connection is not None
        trial_store.keep(0, 0, fold_run(0, 0))
        ((pages,),) = connection.execute("PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages}")
        sentence = (
            r"search\.taut: cannot be written, the disk is full; what is in it is safe: make room, and start "
            r"the same search again\.$"
        )
        with pytest.raises(StoreError, match=sentence):
            trial_store.keep(0, 1, fold_run(0, 1))
        with pytest.raises(StoreError, match="disk is full"):
            trial_store.propose(0, CANDIDATES * 100)
        assert trial_store.run(0, 1) is None
        assert trial_store.proposed(0, USUAL) is None
        assert bits(trial_store.run(0, 0)) == bits(fold_run(0, 0))
        connection.execute("PRAGMA max_page_count = 1000000")  # room was made
        trial_store.keep(0, 1, fold_run(0, 1))
    with open_trial_store(path) as trial_store:
        assert bits(trial_store.run(0, 0)) == bits(fold_run(0, 0))
        assert bits(trial_store.run(0, 1)) == bits(fold_run(0, 1))


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The operating system refuses to write behind this place of any file."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_the_system_refuses_leaves_what_is_there(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        kept = 0

        def keep_all() -> None:
            nonlocal kept
            for number in range(1000):
                trial_store.keep(*key(number), fold_run(*key(number)))
                kept += 1

        with files_no_larger_than(200_000):
            with pytest.raises(StoreError, match=r"search\.taut: cannot be .*what is in it is safe"):
                keep_all()
            assert 5 < kept < 50
            for number in range(kept):
                assert bits(trial_store.run(*key(number))) == bits(fold_run(*key(number)))
            assert trial_store.run(*key(kept)) is None
        trial_store.keep(*key(kept), fold_run(*key(kept)))
    with open_trial_store(path) as trial_store:
        for number in range(kept + 1):
            assert bits(trial_store.run(*key(number))) == bits(fold_run(*key(number)))


def test_a_file_that_cannot_be_made_is_refused_and_counts_as_new_later(path: Path) -> None:
    for size in (0, 1000, 5000, 9000):
        with files_no_larger_than(size), pytest.raises(StoreError, match="what is in it is safe"):
            open_trial_store(path)
    with open_trial_store(path) as trial_store:
        trial_store.keep(0, 0, fold_run(0, 0))


def test_close_does_not_mind_a_full_disk(path: Path) -> None:
    trial_store = open_trial_store(path)
    trial_store.keep(0, 0, fold_run(0, 0))
    trial_store.spend(0.01)
    with files_no_larger_than(1000):
        trial_store.close()
    with open_trial_store(path) as trial_store:
        assert bits(trial_store.run(0, 0)) == bits(fold_run(0, 0))


def test_an_interrupted_write_is_undone(path: Path) -> None:
    with open_trial_store(path) as trial_store:

        def interrupted() -> None:
            with trial_store._writing() as connection:
                connection.execute("DELETE FROM time")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        trial_store.keep(0, 0, fold_run(0, 0))
        assert stored(trial_store) == 0.0


# --- the end ----------------------------------------------------------------------------------------------


def test_a_closed_trial_store_says_so(path: Path) -> None:
    trial_store = open_trial_store(path)
    trial_store.close()
    trial_store.close()
    for use in (
        lambda: trial_store.run(0, 0),
        lambda: trial_store.keep(0, 0, fold_run(0, 0)),
        lambda: trial_store.proposed(0, USUAL),
        lambda: trial_store.spend(10.0),
    ):
        with pytest.raises(StoreError, match=r"search\.taut: this trial store was closed; open it again\.$"):
            use()


def test_it_is_closed_when_the_block_ends_with_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_trial_store(path):
        raise ZeroDivisionError
    open_trial_store(path).close()
    assert [one.name for one in path.parent.iterdir()] == ["search.taut"]


def test_nothing_heavy_is_imported() -> None:
    heavy = {"numba", "optuna", "sklearn", "scipy", "duckdb"}
    code = f"import sys, taut.selection.trial_store; print(*{heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
