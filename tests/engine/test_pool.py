"""Threads that belong to one call."""

from __future__ import annotations

import _thread
import multiprocessing
import signal
import threading
import time
from typing import Any

import joblib
import pytest

from taut.engine import pool
from taut.errors import ParameterError

CORES = joblib.cpu_count()


@pytest.mark.parametrize(
    ("n_jobs", "expected"),
    [(None, CORES), (1, 1), (2, 2), (7, 7), (-1, CORES), (-2, max(1, CORES - 1)), (-1000, 1)],
)
def test_n_jobs_in_scikit_learns_sense(n_jobs: int | None, expected: int) -> None:
    assert pool.n_threads(n_jobs) == expected


def test_no_jobs_is_an_error() -> None:
    with pytest.raises(
        ParameterError, match="n_jobs must be 1 or more threads, or -1 for all cores, and it is 0"
    ):
        pool.n_threads(0)


# --- inside joblib ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_one_thread_inside_a_joblib_worker(backend: str) -> None:
    asked = [None, None, None, 2, -1]
    found = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(pool.n_threads)(n) for n in asked)
    assert found == [1, 1, 1, 2, CORES]
    # And all cores again behind it.
    assert pool.n_threads(None) == CORES


def nested(backend: str) -> list[int]:
    found: list[int] = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(pool.n_threads)(None) for _ in range(2)
    )
    return found


def test_one_thread_inside_a_worker_of_a_worker() -> None:
    found = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(nested)("threading") for _ in range(2)
    )
    assert found == [[1, 1], [1, 1]]


def test_a_sequential_joblib_loop_is_no_worker() -> None:
    assert joblib.Parallel(n_jobs=1)(joblib.delayed(pool.n_threads)(None) for _ in range(2)) == [CORES, CORES]


def test_a_backend_chosen_by_the_user_is_no_worker() -> None:
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert not pool.inside_worker()


def tell(queue: Any) -> None:
    queue.put(pool.n_threads(None))


def test_a_process_of_the_users_own_is_no_joblib_worker() -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=tell, args=(queue,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert queue.get() == CORES
    queue.close()
    process.close()


# --- running jobs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_job_is_done_once_each_thread_in_its_own_room(threads: int) -> None:
    rooms: list[list[int]] = []
    who: dict[int, set[int]] = {}
    guard = threading.Lock()

    def make_room() -> list[int]:
        with guard:
            rooms.append([])
            return rooms[-1]

    def work(job: int, room: list[int]) -> None:
        room.append(job)
        with guard:
            who.setdefault(id(room), set()).add(threading.get_ident())
        time.sleep(0.001)

    interrupted = pool.run(range(20), work, make_room, threads, threading.Event())
    assert not interrupted
    assert sorted(job for room in rooms for job in room) == list(range(20))
    assert len(rooms) == threads
    assert all(len(idents) == 1 for idents in who.values())
    assert not [thread for thread in threading.enumerate() if thread.name == "taut"]


def test_no_more_threads_than_jobs_and_none_for_none() -> None:
    rooms: list[int] = []
    pool.run([1, 2], lambda job, room: None, lambda: rooms.append(1), 8, threading.Event())
    assert len(rooms) == 2
    assert not pool.run([], lambda job, room: None, lambda: rooms.append(1), 8, threading.Event())
    assert len(rooms) == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_in_a_job_is_raised_and_ends_the_others(threads: int) -> None:
    done: list[int] = []
    cancel = threading.Event()

    def work(job: int, room: None) -> None:
        if job == 3:
            raise ZeroDivisionError("job three")
        time.sleep(0.01)
        done.append(job)

    with pytest.raises(ZeroDivisionError, match="job three"):
        pool.run(range(1000), work, lambda: None, threads, cancel)
    assert cancel.is_set()
    assert len(done) < 10


def test_a_room_that_cannot_be_made_is_raised() -> None:
    def make_room() -> None:
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        pool.run([1], lambda job, room: None, make_room, 1, threading.Event())


def test_cancelled_from_outside() -> None:
    done: list[int] = []
    cancel = threading.Event()

    def work(job: int, room: None) -> None:
        done.append(job)
        if job == 4:
            cancel.set()

    assert not pool.run(range(1000), work, lambda: None, 1, cancel)
    assert done == [0, 1, 2, 3, 4]


def test_ctrl_c_ends_after_the_jobs_at_hand_and_is_reported() -> None:
    done: list[int] = []
    cancel = threading.Event()

    def work(job: int, room: None) -> None:
        if job == 1:
            _thread.interrupt_main()
            assert cancel.wait(10)
        done.append(job)

    assert pool.run(range(1000), work, lambda: None, 1, cancel)
    assert done == [0, 1]  # the job at hand was finished, and no other begun


def test_a_second_ctrl_c_is_raised_at_once() -> None:
    cancel, released = threading.Event(), threading.Event()

    def work(job: int, room: None) -> None:
        _thread.interrupt_main()
        assert cancel.wait(10)
        _thread.interrupt_main()
        released.wait(10)

    with pytest.raises(KeyboardInterrupt):
        pool.run(range(1000), work, lambda: None, 1, cancel)
    released.set()
    for thread in threading.enumerate():
        if thread.name == "taut":
            thread.join(10)


def test_after_ctrl_c_no_thread_is_at_work_any_more() -> None:
    """Else the caller would read what a thread is still writing."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(5):
            cancel, at_work = threading.Event(), []

            def work(job: int, room: list[int], cancel: Any = cancel, at_work: Any = at_work) -> None:
                at_work.append(job)
                while not cancel.is_set():
                    time.sleep(0.001)
                time.sleep(0.05)  # a kernel takes a while to notice
                at_work.remove(job)

            timer = threading.Timer(0.05, _thread.interrupt_main)
            timer.start()
            assert pool.run(range(2), work, list, 2, cancel)
            assert at_work == []
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.fault(82)
@pytest.mark.parametrize("n_possible", [0, 1])
def test_where_no_more_threads_can_be_had_the_others_do_it_all(n_possible: int, monkeypatch: Any) -> None:
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if len(started) >= n_possible:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    done: list[int] = []
    assert not pool.run(range(5), lambda job, _: done.append(job), dict, 4, threading.Event())
    assert sorted(done) == [0, 1, 2, 3, 4]
