"""Only the page of this server, at this address, on this machine is let through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from taut.play.guard import Address, Guard
from taut.play.server import Server
from tests.play.helpers import quick
from tests.play.serving import ask, served, tab


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(quick()) as found:
        yield found


def test_the_address_is_a_secret_of_this_machine() -> None:
    address = Address(1234)
    assert str(address) == f"http://127.0.0.1:1234/{address.token}/"
    assert len(address.token) >= 20
    assert Address(1234).token != address.token


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    assert server._socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_whoever_knows_the_address_is_let_in(server: Server, host: str) -> None:
    assert ask(server.address, Host=f"{host}:{server.address.port}")[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""],
)
def test_another_host_is_refused(server: Server, host: str) -> None:
    """A name that is made to point here (DNS rebinding)."""
    status, _, text = ask(server.address, Host=host.format(port=server.address.port))
    assert status in (400, 403)
    assert "<html" not in text


@pytest.mark.parametrize("token", ["", "wrong", "%2e%2e", "\u00e9".encode().hex(), "static"])
def test_without_the_token_nothing_is_served(server: Server, token: str) -> None:
    for path in ("", "static/play.js", "session"):
        status, _, text = ask(Address(server.address.port, token), path)
        assert (status, text) == (
            403, "The address is not complete: take the whole one that taut play printed.\n",
        )  # fmt: skip


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_another_pages_request_is_refused(server: Server, origin: str) -> None:
    found = origin.format(port=server.address.port)
    assert ask(server.address, Origin=found)[0] == 403
    status, _, text = ask(server.address, "save", method="POST", body=b"{}", Origin=found)
    assert (status, text) == (403, "This came from another page.\n")


def test_what_writes_has_to_say_where_it_comes_from(server: Server) -> None:
    assert ask(server.address, "save", method="POST", body=b"{}")[0] == 403
    ours = f"http://127.0.0.1:{server.address.port}"
    assert ask(server.address, "save", method="POST", body=b"{}", Origin=ours)[0] == 400  # let through


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_another_pages_websocket_is_refused(server: Server, origin: str | None) -> None:
    with pytest.raises(InvalidStatus, match="403"), tab(server.address, origin=origin):
        pass


def test_a_websocket_without_the_token_is_refused(server: Server) -> None:
    address = Address(server.address.port, "wrong")
    with pytest.raises(InvalidStatus, match="403"), tab(address):
        pass


@pytest.mark.parametrize("path", ["", "static/play.js", "static/none.js", "nowhere"])
def test_every_answer_has_the_policy(server: Server, path: str) -> None:
    headers = ask(server.address, path)[1]
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "no-referrer"  # the token is in the address
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_a_refusal_has_the_policy_too(server: Server) -> None:
    assert "content-security-policy" in ask(server.address, Origin="http://evil.example")[1]


@pytest.mark.parametrize("path", ["", "*", "/", "//", "/\udcff"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    async def app(*_: Any) -> None:
        raise AssertionError("it was let through")

    address, sent = Address(1), []
    scope = {
        "type": "http", "method": "GET", "path": path, "headers": [(b"host", address.hosts[0].encode())]
    }  # fmt: skip

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(app, address)(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 403
