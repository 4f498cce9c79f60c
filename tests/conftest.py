"""Settings that all tests share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples every time, and no limit on the time of one: a gate must not fail by chance or on a slow
# machine. To look for new examples: pytest --hypothesis-profile explore.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def _sigint() -> Iterator[None]:
    """Ctrl+C means the same to every test: a command that ends ignores it, and tests call commands here."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).parents[1]


# Opened pages are shared, so that the files of a folder are dealt to one process together.
TOGETHER = ("tests/report/browser/", "tests/play/browser/")

# Few tests that take long each: one of these files at the end would leave the other process without work.
# The second one trains nothing, so that only one of two processes compiles the kernels.
FIRST = (
    *TOGETHER,
    "tests/table/test_read.py",
    "tests/estimators/test_sklearn.py",
    "tests/cli/test_main.py",
    "tests/test_ctrl_c.py",
    "tests/test_readme.py",
    "tests/engine/compiled/test_gradients.py",
    "tests/store/test_store.py",
    "tests/estimators/test_killed.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first."""
    items.sort(key=lambda item: [not item.nodeid.startswith(file) for file in FIRST])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files go to a process (``--dist loadfile``), in the order of above; a browser's go as one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Dealt(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
            return folder or super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # by the number of tests, so that few long ones would be last
    return Dealt(config, log)
