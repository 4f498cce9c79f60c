"""A session and what it sends, as a page would hear it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

from taut.play.data import Data
from taut.play.session import Session
from taut.play.settings import Settings

#: Seconds after which a test gives up; on a busy machine all takes longer.
PATIENCE = 120

Message = dict[str, Any]


@final
class Heard:
    """The messages of a session, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.threads: set[str] = set()
        self._changed = threading.Condition()

    def put(self, message: Message) -> None:
        with self._changed:
            self.messages.append(json.loads(json.dumps(message, allow_nan=False)))
            self.threads.add(threading.current_thread().name)
            self._changed.notify_all()

    def of(self, kind: str) -> list[Message]:
        with self._changed:
            return [one for one in self.messages if one["type"] == kind]

    def wait(self, kind: str, that: Callable[[Message], bool] = lambda _: True, after: int = 0) -> Message:
        """The first message of a kind for which something holds, of those after the first ``after``."""
        end = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for one in self.messages[after:]:
                    if one["type"] == kind and that(one):
                        return one
                assert self._changed.wait(end - time.monotonic()), (kind, self.messages[-3:])

    def __len__(self) -> int:
        with self._changed:
            return len(self.messages)

    def over(self, run: int = 1) -> Message:
        """The last frame of a run."""
        return self.wait("frame", lambda one: one["run"] == run and one["state"] in ("over", "diverged"))

    def quiet(self, seconds: float = 0.3) -> None:
        """Nothing more comes."""
        n = len(self)
        time.sleep(seconds)
        assert len(self) == n, self.messages[n:]


@contextmanager
def session(
    start: Settings, own: Data | None = None, *, begin: bool = True
) -> Iterator[tuple[Session, Heard]]:
    heard = Heard()
    found = Session(own, start, heard.put)
    if begin:
        found.begin()
    try:
        yield found, heard
    finally:
        found.close()
