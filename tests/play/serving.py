"""A real server in a thread, and what talks to it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

from websockets.sync.client import ClientConnection, connect

from taut.play.data import Data
from taut.play.guard import Address
from taut.play.server import Server
from taut.play.settings import Settings
from tests.play.listening import PATIENCE, Message


@contextmanager
def served(
    start: Settings, own: Data | None = None, *, port: int = 0, token: str | None = None
) -> Iterator[Server]:
    """A server that serves, and ends afterwards; with a token of its own where it follows another."""
    server = Server(own, start, port)
    if token is not None:
        server.address = Address(server.address.port, token)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,), name="server")
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield server
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def ask(
    address: Address, path: str = "", *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of an answer; a header as ``Host="..."``, and none where it is empty."""
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, f"/{address.token}/{path}", skip_host="Host" in headers)
        for name, value in headers.items():
            if value:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text
    finally:
        connection.close()


@final
class Tab:
    """A page's websocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[Message] = []

    def ask(self, doing: str, **more: Any) -> None:
        self.socket.send(json.dumps({"do": doing, **more}))

    def wait(self, kind: str, that: Callable[[Message], bool] = lambda _: True) -> Message:
        """The next message of a kind for which something holds."""
        while True:
            message: Message = json.loads(self.socket.recv(timeout=PATIENCE))
            self.heard.append(message)
            if message["type"] == kind and that(message):
                return message

    def over(self) -> Message:
        return self.wait("frame", lambda one: one["state"] in ("over", "diverged"))


@contextmanager
def tab(address: Address, **more: Any) -> Iterator[Tab]:
    origin = more.pop("origin", f"http://127.0.0.1:{address.port}")
    url = f"{str(address).replace('http:', 'ws:')}session"
    with connect(url, origin=origin, open_timeout=PATIENCE, proxy=None, max_size=None, **more) as socket:
        yield Tab(socket)
