"""The server of ``taut play``: the page, its scripts, and a session for each page that is open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any, final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from taut.errors import DataError, ParameterError
from taut.play.data import Data
from taut.play.guard import Address, Guard
from taut.play.page import SCRIPTS, own_file, page, plotly
from taut.play.saved import saved_page
from taut.play.session import Message, Session
from taut.play.settings import Settings, SettingsError

#: Pages that are served at a time; each may train a network.
MOST_PAGES = 12
_MOST_MESSAGE = 1 << 20  # bytes
_MOST_SAVED = 1 << 24
_TYPES = {"js": "text/javascript", "css": "text/css"}
_BACKLOG = 64
_WAITING = 4  # messages that a page has not taken yet
_LOOK_SECONDS = 0.1
_GRACE = 2  # seconds that open connections have when it ends


@final
class Server:
    """A server for one person on this machine.

    Parameters
    ----------
    own : Data or None
        Their table, if one was given.
    start : Settings
        To begin with.
    port : int, default=0
        0 for any that is free.

    Raises
    ------
    DataError
        If the port is taken.
    """

    def __init__(self, own: Data | None, start: Settings, port: int = 0) -> None:
        self._own, self._start = own, start
        self._socket = _bound(port)
        self.address = Address(self._socket.getsockname()[1])
        self._pages = 0
        self._server: uvicorn.Server | None = None

    def run(self, on_start: Callable[[], None] | None = None) -> None:
        """Serve until Ctrl+C, or until :meth:`stop` is called."""
        config = uvicorn.Config(
            Guard(self.app(on_start), self.address),
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=_MOST_MESSAGE,
            timeout_graceful_shutdown=_GRACE,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End :meth:`run`, from any thread."""
        if self._server is not None:
            self._server.should_exit = True

    def app(self, on_start: Callable[[], None] | None = None) -> Starlette:
        """What is served, below the token."""

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> Any:
            if on_start is not None:
                on_start()
            yield

        routes = [
            Route("/", self._page),
            Route("/static/{name}", _static),
            Route("/save", self._save, methods=["POST"]),
            WebSocketRoute("/session", self._session),
        ]
        return Starlette(routes=[Mount(f"/{self.address.token}", routes=routes)], lifespan=lifespan)

    async def _page(self, _: Request) -> Response:
        return Response(page(), media_type="text/html")

    async def _save(self, request: Request) -> Response:
        """The pinned runs as one page that needs no server."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _MOST_SAVED:
                return JSONResponse({"sentence": "These runs are too many to be saved in one page."}, 413)
        try:
            text = await asyncio.to_thread(saved_page, bytes(body))
        except DataError as error:
            return JSONResponse({"sentence": str(error)}, 400)
        return Response(text, media_type="text/html")

    async def _session(self, socket: WebSocket) -> None:
        await socket.accept()
        if self._pages >= MOST_PAGES:
            sentence = f"{MOST_PAGES} pages are open already: close one of them, and load this one again."
            await socket.send_json({"type": "refused", "sentence": sentence})
            await socket.close(1013)
            return
        self._pages += 1
        outbox = _Outbox(asyncio.get_running_loop())
        session = Session(self._own, self._start, outbox.put)
        sender = asyncio.create_task(outbox.send_all(socket))
        try:
            await socket.send_json(session.hello())
            session.begin()
            while True:
                await self._hear(socket, session)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page is gone
        finally:
            self._pages -= 1
            outbox.close()
            sender.cancel()
            # In a thread: the session's own ends what it trains first.
            await asyncio.shield(asyncio.to_thread(session.close))

    async def _hear(self, socket: WebSocket, session: Session) -> None:
        """Do one thing that the page asks for; what is wrong is told at its control."""
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        try:
            asked(session, json.loads(message.get("text") or message.get("bytes") or ""))
        except SettingsError as error:
            await socket.send_json({"type": "wrong", "sentences": error.sentences})
        except (ParameterError, ValueError, RecursionError) as error:
            await socket.send_json({"type": "wrong", "sentences": {"": str(error)[:300]}})


@final
class _Outbox:
    """Messages from a session's thread to its page, a few at a time.

    The thread waits where the page takes them slowly: that slows its own training, and fills no memory.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._room = threading.Semaphore(_WAITING)
        self._closed = threading.Event()

    def put(self, message: Message) -> None:
        """Send a message; from the session's thread."""
        text = json.dumps(message, allow_nan=False)
        while not self._room.acquire(timeout=_LOOK_SECONDS):
            if self._closed.is_set():
                return
        with contextlib.suppress(RuntimeError):  # the loop is closed: it ends
            self._loop.call_soon_threadsafe(self._queue.put_nowait, text)

    async def send_all(self, socket: WebSocket) -> None:
        """Send what comes, until the page is gone."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await socket.send_text(await self._queue.get())
                self._room.release()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed.set()


def asked(session: Session, message: Any) -> None:
    """Do what a page asks for.

    Raises
    ------
    ParameterError
        Where it asks for something else.
    SettingsError
        Where its settings are wrong.
    """
    doing = message.get("do") if isinstance(message, dict) else None
    if doing == "set":
        session.set(message.get("settings"), onward=message.get("onward") is True)
    elif doing in ("resume", "pause", "step", "reset", "code"):
        getattr(session, doing)()
    elif doing == "look" and _are_columns(columns := message.get("columns")):
        session.look(tuple(columns))
    elif doing == "pace" and isinstance(pace := message.get("epochs_a_second"), (int, float)):
        session.set_pace(float(min(max(pace, 0), 1e6)))
    elif doing == "challenge":
        session.challenge(str(message.get("name")))
    else:
        raise ParameterError("This taut play does not know what the page asks for: load the page again.")


def _are_columns(found: object) -> bool:
    """One or two columns of a matrix; which there are the session knows."""
    return (
        isinstance(found, list)
        and len(found) in (1, 2)
        and all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in found)
    )


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name == "plotly.js":
        return Response(plotly(), media_type="text/javascript")
    if name not in SCRIPTS:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    return Response(own_file(name), media_type=_TYPES[name.rpartition(".")[2]])


def _bound(port: int) -> socket.socket:
    """A socket on this machine alone."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        made.close()
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"Port {port} cannot be used ({reason}): give another --port, or none.") from error
    return made
