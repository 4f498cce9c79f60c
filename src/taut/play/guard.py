"""Only the person may use it: whoever asks has to know the token, and to come from this very address.

Another page in the same browser can send requests to 127.0.0.1, and with a name that is made to point there
(DNS rebinding) read the answers. It does not know the token, its name is not the ``Host`` that is served,
and its requests carry an ``Origin`` of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

#: What a page may do: run our scripts, draw, and talk to this server; nothing else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_TOKEN_BYTES = 16


@final
@dataclass(frozen=True)
class Address:
    """Where the page is: ``http://127.0.0.1:PORT/TOKEN/``.

    Parameters
    ----------
    port : int
    token : str
        Random letters that nobody can guess.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES))

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request's ``Host`` may be."""
        return (f"127.0.0.1:{self.port}", f"localhost:{self.port}")

    def __str__(self) -> str:
        return f"http://{self.hosts[0]}/{self.token}/"


@final
class Guard:
    """Lets through what comes from the page, and says no to all else in a sentence.

    Parameters
    ----------
    app : ASGI application
        Mounted below the token.
    address : Address
    """

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app, self._address = app, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        why = self._why_not(scope)
        if why is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await WebSocketClose(1008, why)(scope, receive, send)
        else:
            await PlainTextResponse(f"{why}\n", 403)(scope, receive, _with_headers(send))

    def _why_not(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if headers.get("host") not in self._address.hosts:
            return "This server is for this machine alone, by the address that taut play printed."
        origin = headers.get("origin")
        needs_origin = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if (needs_origin or origin is not None) and not _is_ours(origin, self._address.hosts):
            return "This came from another page."
        token = scope["path"].removeprefix("/").partition("/")[0]
        if not secrets.compare_digest(token.encode(errors="replace"), self._address.token.encode()):
            return "The address is not complete: take the whole one that taut play printed."
        return None


def _is_ours(origin: str | None, hosts: Iterable[str]) -> bool:
    return origin in {f"http://{host}" for host in hosts}


def _with_headers(send: Send) -> Send:
    async def sending(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers") or ()
            assert isinstance(given, (list, tuple))
            message = {**message, "headers": [*given, *_HEADERS]}
        await send(message)

    return sending  # type: ignore[return-value]
