"""The page's server, asked over a real socket as browsers and strangers would."""

from __future__ import annotations

import http.client
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from account.live.serve import PAGE, Page, Server, serve
from tests.unit.account.answers import Paper
from tests.unit.account.asking import Api, api

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture
def door() -> Api:
    return api()


@pytest.fixture
def server(door: Api) -> Iterator[Server]:
    with Server(Page(door)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(
    server: Server, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.port}/{server.page.word}/"


def test_the_page_comes_under_its_secret_word_with_a_policy(server: Server) -> None:
    status, body, headers = get(server, f"/{server.page.word}/")

    assert (status, body) == (200, PAGE.read_bytes())
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"] == server.page.policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Python" not in headers["Server"]


def test_what_the_page_asks_is_asked_of_the_api(server: Server, door: Api) -> None:
    assert get(server, f"/{server.page.word}/live")[:2] == (200, b"{}")
    assert get(server, f"/{server.page.word}/titles/t-1?by=hour")[0] == 200
    assert [path for _, path in door.heard] == ["/analytics/live", "/analytics/titles/t-1?by=hour"]


@pytest.mark.parametrize("path", ["/", "/live", "/word/live", "//live", "/{word}", "/{word}x/live"])
def test_without_the_word_nothing_is_told(server: Server, door: Api, path: str) -> None:
    status, body, _ = get(server, path.format(word=server.page.word[:-1]))

    assert status == 404
    assert server.page.word.encode() not in body
    assert door.heard == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "rebound.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_strangers_name_or_page_is_refused_even_with_the_word(
    server: Server, door: Api, headers: dict[str, str]
) -> None:
    given = {name: value.format(port=server.port) for name, value in headers.items()}

    assert get(server, f"/{server.page.word}/live", given)[0] == 403
    assert door.heard == []


@pytest.mark.parametrize("site", ["none", "same-origin"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_user_and_the_page_itself_are_let_in(server: Server, site: str, host: str) -> None:
    given = {"Host": f"{host}:{server.port}", "Sec-Fetch-Site": site}

    assert get(server, f"/{server.page.word}/live", given)[0] == 200


def test_two_hosts_or_none_are_refused(server: Server) -> None:
    path = f"GET /{server.page.word}/live HTTP/1.1\r\n"
    right = f"Host: 127.0.0.1:{server.port}\r\n"
    for hosts in ("", f"{right}Host: rebound.example\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            raw.sendall(f"{path}{hosts}\r\n".encode())
            assert b" 403 " in raw.recv(64)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_reads(server: Server, door: Api, method: str) -> None:
    assert get(server, f"/{server.page.word}/live", method=method)[0] == 501
    assert door.heard == []


def test_the_command_prints_the_address_and_ends_when_it_is_interrupted(
    door: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(server: Server) -> None:
        assert server.port
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupted)
    page, view = Page(door), Paper()

    serve(page, view)

    assert any(page.word in line and "http://127.0.0.1:" in line for line in view.lines)
    assert view.lines[-1] == "The page is closed."
