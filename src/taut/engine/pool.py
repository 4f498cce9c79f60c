"""Members over cores: a few threads that belong to one call and end with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from taut.errors import ParameterError

Job = TypeVar("Job")
Room = TypeVar("Room")


def n_threads(n_jobs: int | None) -> int:
    """Threads for ``n_jobs`` in scikit-learn's sense; None is all cores, and one inside a joblib worker.

    Negative numbers count from the number of cores: -1 is all of them, -2 all but one.

    Raises
    ------
    ParameterError
        Where it is 0.
    """
    import joblib

    if n_jobs == 0:
        raise ParameterError("n_jobs must be 1 or more threads, or -1 for all cores, and it is 0.")
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    if n_jobs is None and inside_worker():
        return 1
    # joblib counts what this process may use: affinity and a container's quota, not the machine's cores.
    cores = int(joblib.cpu_count())
    return cores if n_jobs is None else max(1, cores + 1 + n_jobs)


def inside_worker() -> bool:
    """Whether joblib runs this code in one of its workers, whatever the backend.

    joblib makes a nested backend the active one around every task that it hands to a worker, process or
    thread, and its nesting level counts from 0 outside of any.
    """
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    return bool(backend.nesting_level)


def run(
    jobs: Sequence[Job],
    work: Callable[[Job, Room], None],
    make_room: Callable[[], Room],
    threads: int,
    cancel: threading.Event,
) -> bool:
    """Do every job once, each thread in a room of its own that it keeps from job to job.

    Ctrl+C sets ``cancel``, waits for the threads to notice, and is reported, not raised: what was done so far
    stays usable.  A second one is raised at once.  An exception in a job sets ``cancel`` too, and is raised
    when all threads have ended.

    Returns
    -------
    bool
        Whether it was interrupted.
    """
    queue: Iterator[Job] = iter(jobs)
    guard = threading.Lock()
    failures: list[BaseException] = []

    def worker(ended: threading.Event) -> None:
        try:
            room = make_room()
            while not cancel.is_set():
                with guard:
                    job = next(queue, None)
                if job is None:
                    return
                work(job, room)
        except BaseException as error:  # raised again in the caller's thread
            failures.append(error)
            cancel.set()
        finally:
            ended.set()

    started: list[threading.Event] = []
    interrupted = False
    try:
        for _ in range(min(threads, len(jobs))):
            ended = threading.Event()
            thread = threading.Thread(target=worker, args=(ended,), daemon=True, name="taut")
            started.append(ended)
            try:
                thread.start()
            except RuntimeError:  # there is no memory for one more: the others do it all
                started.pop()
                if not started:
                    worker(ended)
                break
        _wait(started)
    except KeyboardInterrupt:
        interrupted = True
        cancel.set()
        _wait(started)
    if failures:
        raise failures[0]
    return interrupted


def _wait(team: Sequence[threading.Event]) -> None:
    """Wait until all have ended, in steps: on some systems Ctrl+C does not end a wait without a limit.

    Not by ``Thread.join``: in Python 3.11 one that Ctrl+C breaks takes the thread for ended while it runs on.
    """
    for ended in team:
        while not ended.wait(0.1):
            pass
