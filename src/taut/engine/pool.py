"""Members over cores: a few threads that belong to one call and end with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Job = TypeVar("Job")
Room = TypeVar("Room")


def n_threads(n_jobs: int | None) -> int:
    """Threads for ``n_jobs`` in scikit-learn's sense; None is all cores, and one inside a joblib worker.

    Negative numbers count from the number of cores: -1 is all of them, -2 all but one.
    """
    cores = _cores()
    if n_jobs is None:
        return 1 if _inside_worker() else cores
    if n_jobs < 0:
        return max(1, cores + 1 + n_jobs)
    return max(1, n_jobs)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))  # type: ignore[attr-defined, unused-ignore]
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _inside_worker() -> bool:
    from joblib import parallel

    backend, _ = parallel.get_active_backend()
    if getattr(backend, "nesting_level", 0):
        return True
    # joblib's process workers say so by name or by limits on nested threads
    import multiprocessing

    return multiprocessing.parent_process() is not None or "LOKY_WORKER" in os.environ.get("JOBLIB_WORKER", "")


def run(jobs: Sequence[Job], work: Callable[[Job, Room], None], make_room: Callable[[], Room], threads: int, cancel: threading.Event) -> bool:
    """Do every job once, each thread in a room of its own that it keeps from job to job.

    Ctrl+C sets ``cancel``, waits for the threads to notice, and is reported, not raised: what was done so far
    stays usable.  A second one is raised at once.

    Returns
    -------
    bool
        Whether it was interrupted.
    """
    queue: Iterator[Job] = iter(jobs)
    guard = threading.Lock()
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            room = make_room()
            while not cancel.is_set():
                with guard:
                    job = next(queue, None)
                if job is None:
                    return
                work(job, room)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)
            cancel.set()

    team = [threading.Thread(target=worker, daemon=True, name="taut") for _ in range(min(threads, len(jobs)))]
    for thread in team:
        thread.start()
    interrupted = False
    for thread in team:
        while thread.is_alive():
            try:
                thread.join(0.1)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                cancel.set()
    if failures:
        raise failures[0]
    return interrupted
