"""Ctrl+C while something runs: the first one asks, the second one ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from taut.selection.interrupts import Interrupts


@pytest.fixture(autouse=True)
def pythons_own_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_one_sets_the_event_and_the_second_one_is_raised() -> None:
    stop = threading.Event()
    with Interrupts(stop) as interrupts:
        assert not stop.is_set()
        ctrl_c()
        assert stop.is_set()
        assert interrupts.count == 1
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        assert interrupts.count == 2


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    with Interrupts(threading.Event()):
        pass
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_it_is_put_back_after_an_error_too() -> None:
    def fail() -> None:
        with Interrupts(threading.Event()):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_callers_own_is_left_alone() -> None:
    seen: list[Any] = []

    def own(number: int, frame: Any) -> None:
        seen.append(number)

    signal.signal(signal.SIGINT, own)
    stop = threading.Event()
    with Interrupts(stop):
        assert signal.getsignal(signal.SIGINT) is own
        ctrl_c()
    assert seen == [signal.SIGINT]
    assert not stop.is_set()


def test_in_another_thread_nothing_is_changed() -> None:
    handlers: list[Any] = []

    def work() -> None:
        with Interrupts(threading.Event()):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]
