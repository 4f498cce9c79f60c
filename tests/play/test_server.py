"""The server as a browser meets it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from taut.errors import DataError
from taut.play import server as server_module
from taut.play.page import SCRIPTS
from taut.play.server import MOST_PAGES, Server
from tests.play.helpers import quick
from tests.play.listening import PATIENCE
from tests.play.pinned import pinned
from tests.play.serving import ask, served, tab
from tests.play.test_session import LONG


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(quick()) as found:
        yield found


def sessions() -> int:
    """Threads that train for a page."""
    return sum(one.name == "taut-play" for one in threading.enumerate())


def becomes(value: int) -> bool:
    """Whether so many sessions are left, after a while."""
    end = time.monotonic() + PATIENCE
    while sessions() != value and time.monotonic() < end:
        time.sleep(0.02)
    return sessions() == value


def test_the_page_and_its_scripts_are_served(server: Server) -> None:
    status, headers, text = ask(server.address)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    for name in SCRIPTS:
        status, headers, found = ask(server.address, f"static/{name}")
        assert status == 200
        kind = "text/css" if name.endswith("css") else "text/javascript"
        assert headers["content-type"].startswith(kind)
        assert found
    assert "static/plotly.js" in text
    assert "plotly.js v" in ask(server.address, "static/plotly.js")[2][:300]


def test_all_that_the_page_asks_for_is_its_own(server: Server) -> None:
    for name in ("", *(f"static/{name}" for name in SCRIPTS)):
        text = ask(server.address, name)[2]
        assert "//cdn" not in text
        assert "https://" not in text


@pytest.mark.parametrize("name", ["none.js", "play.html", "..%2fserver.py", "saved.html.jinja"])
def test_other_files_are_not_served(server: Server, name: str) -> None:
    status, _, text = ask(server.address, f"static/{name}")
    assert status == 404
    assert "import" not in text


def test_a_page_trains_over_its_websocket(server: Server) -> None:
    with tab(server.address) as page:
        assert page.wait("hello")["settings"] == quick().to_json()
        assert page.over()["epoch"] == 6
        page.ask("set", settings={"max_epochs": 9})
        assert page.over()["epoch"] == 9


@pytest.mark.parametrize(
    ("message", "control", "sentence"),
    [
        ({"do": "set", "settings": {"noise": 7}}, "noise", "noise must be a number from 0 to 1"),
        ({"do": "set", "settings": {"noise": 10**400}}, "noise", "noise must be"),
        ({"do": "set"}, "", "These are no settings of taut play"),
        ({"do": "dance"}, "", "does not know what the page asks for"),
        ({"do": "look", "columns": ["a"]}, "", "does not know"),
        ({"do": "look", "columns": [1, 2, 3]}, "", "does not know"),
        ({"do": "look", "columns": [True]}, "", "does not know"),
        ({"do": "look", "columns": [-1]}, "", "does not know"),
        ({"do": "pace", "epochs_a_second": "fast"}, "", "does not know"),
        ({"do": "challenge", "name": "none"}, "", "There is no challenge 'none'"),
        ({"do": ["set"]}, "", "does not know"),
        ([1, 2], "", "does not know"),
        (None, "", "does not know"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_and_the_page_lives_on(
    server: Server, message: Any, control: str, sentence: str
) -> None:
    with tab(server.address) as page:
        page.socket.send(json.dumps(message))
        assert sentence in page.wait("wrong")["sentences"][control]
        page.ask("set", settings={"max_epochs": 2})
        assert page.wait("frame", lambda one: one["epoch"] == 2 and one["state"] == "over")


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, b"\xff\xfe", b"{}"], ids=["nothing", "half", "deep", "bytes", "binary"]
)
def test_what_is_no_message_is_told_and_the_page_lives_on(server: Server, text: str | bytes) -> None:
    with tab(server.address) as page:
        page.socket.send(text)
        assert page.wait("wrong")["sentences"][""]
        page.ask("reset")
        page.wait("run", lambda one: one["state"] == "paused")


@pytest.mark.parametrize("pace", [10**400, -(10**400), float("nan"), float("inf"), -5, True, 1e300])
def test_any_pace_that_is_a_number_is_one(server: Server, pace: float) -> None:
    with tab(server.address) as page:
        page.ask("pace", epochs_a_second=pace)
        page.ask("pace", epochs_a_second=0)
        page.ask("set", settings={"max_epochs": 3})
        page.wait("frame", lambda one: one["epoch"] == 3 and one["state"] == "over")


def test_a_message_that_is_too_large_ends_the_page_alone(server: Server) -> None:
    with tab(server.address) as page:
        page.wait("hello")
        page.socket.send("x" * (1 << 21))
        with pytest.raises(ConnectionClosed):
            page.wait("never")
    with tab(server.address) as page:
        page.over()


def test_two_pages_do_not_disturb_one_another(server: Server) -> None:
    with tab(server.address) as one, tab(server.address) as other:
        one.over()
        other.over()
        one.ask("set", settings={"problem": "sine", "max_epochs": 11})
        other.ask("set", settings={"max_epochs": 7})
        assert one.over()["epoch"] == 11
        assert other.over()["epoch"] == 7
        assert {message["run"] for message in other.heard if message["type"] == "frame"} == {1, 2}


def test_a_page_that_is_closed_ends_its_training() -> None:
    assert becomes(0)
    with served(LONG) as server:
        with tab(server.address) as page, tab(server.address) as other:
            page.wait("frame")
            other.wait("frame")
            assert sessions() == 2
            page.socket.close()
            assert becomes(1)
            other.wait("frame")
        assert becomes(0)


def test_a_page_that_is_cut_off_ends_its_training() -> None:
    """No goodbye: its process was killed."""
    with served(LONG) as server:
        with tab(server.address) as page:
            page.wait("frame")
            page.socket.socket.shutdown(socket.SHUT_RDWR)
        assert becomes(0)


def test_a_page_that_takes_nothing_does_not_fill_the_memory() -> None:
    """Its session waits, and it ends all the same."""
    with served(LONG) as server, tab(server.address) as page:
        page.wait("frame")
        time.sleep(0.5)
    assert becomes(0)


def test_a_server_that_ends_ends_its_pages() -> None:
    with contextlib.ExitStack() as stack:
        with served(LONG) as server:
            page = stack.enter_context(tab(server.address))
            page.wait("frame")
        with pytest.raises(ConnectionClosed):
            page.wait("never")
    assert becomes(0)


def test_so_many_pages_and_no_more(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(tab(server.address)) for _ in range(MOST_PAGES)]
        for page in pages:
            page.wait("hello")
        with tab(server.address) as late:
            refused = late.wait("refused")
            assert refused["sentence"] == (
                f"{MOST_PAGES} pages are open already: close one of them, and load this one again."
            )
            with pytest.raises(ConnectionClosed):
                late.wait("hello")
        pages[0].socket.close()
        end = time.monotonic() + PATIENCE
        while True:
            with tab(server.address) as again:
                first = json.loads(again.socket.recv(timeout=PATIENCE))
            if first["type"] == "hello":
                break
            assert time.monotonic() < end
    assert becomes(0)


def test_fifty_connections_at_once_are_served_or_refused_in_words(server: Server) -> None:
    def first(_: int) -> str:
        with tab(server.address) as page:
            kind: str = json.loads(page.socket.recv(timeout=PATIENCE))["type"]
            time.sleep(0.2)
            return kind

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(first, range(50)))
        pages = list(pool.map(lambda _: ask(server.address)[0], range(50)))
    assert set(found) <= {"hello", "refused"}
    assert found.count("hello") >= MOST_PAGES
    assert pages == [200] * 50
    assert becomes(0)
    with tab(server.address) as page:
        page.over()


# --- saving -----------------------------------------------------------------------------------------------


def saved(server: Server, body: bytes) -> tuple[int, str]:
    status, _, text = ask(
        server.address, "save", method="POST", body=body, Origin=f"http://127.0.0.1:{server.address.port}"
    )
    return status, text


def test_pinned_runs_are_saved_as_a_page(server: Server) -> None:
    status, text = saved(server, json.dumps({"runs": [pinned()]}).encode())
    assert status == 200
    assert text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"runs": []}', b"\xff", b"[" * 100_000], ids=repr
)
def test_what_is_no_run_is_refused_in_words(server: Server, body: bytes) -> None:
    status, text = saved(server, body)
    assert status == 400
    assert json.loads(text)["sentence"].startswith("These are no pinned runs")


def test_too_much_is_refused_in_words(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_MOST_SAVED", 1000)
    status, text = saved(server, b" " * 2000)
    assert status == 413
    assert json.loads(text)["sentence"] == "These runs are too many to be saved in one page."


# --- ports ------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DataError, match=rf"Port {port} cannot be used \(.*\): give another --port"):
            Server(None, quick(), port)
    assert (other := Server(None, quick(), port)).address.port == port
    other._socket.close()


def test_a_server_that_never_ran_can_be_stopped() -> None:
    server = Server(None, quick())
    server.stop()
    server._socket.close()
