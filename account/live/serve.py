"""Serves one page to this machine, and passes its questions to the API under the caller's name.

Credentials stay here: the page asks this server, the server signs. Whoever else runs something on
this machine, or shows its user a web page, gets nothing: the address holds a secret word, answers
go to the name they were meant for (a name of somebody else's that was made to lead here is
refused), and other sites' pages may neither ask nor frame.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from account.refusal import Refusal

if TYPE_CHECKING:
    from account.door import Door
    from account.view import View

PAGE = Path(__file__).with_name("page.html")
LOOPBACK = "127.0.0.1"
SLOWEST_SECONDS = 10
PARAMETERS = ("by", "from", "to", "next")

_TITLE = re.compile(r"titles/([A-Za-z0-9_-]{1,64})", re.ASCII)
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


class Page:
    """The page, the word in its address, and what it may ask."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.html = PAGE.read_bytes()
        self.word = secrets.token_urlsafe(16)
        self.policy = content_policy(self.html.decode())

    def ask(self, path: str, query: str) -> tuple[int, bytes] | None:
        """The API's answer to a question of the page's; None when it is no question that it asks.

        Only what is known is passed on: no path and no parameter that the API has beside these.
        """
        if path == "live":
            return self._call("/analytics/live")
        title = _TITLE.fullmatch(path)
        if title is None:
            return None
        given = [(name, value) for name, value in parse_qsl(query) if name in PARAMETERS]
        tail = f"?{urlencode(given)}" if given else ""
        return self._call(f"/analytics/titles/{title[1]}{tail}")

    def _call(self, path: str) -> tuple[int, bytes]:
        from botocore.exceptions import BotoCoreError

        try:
            answer = self.door.call("GET", path)
        except Refusal as refusal:
            return 502, _told("UNREACHABLE", str(refusal))
        except BotoCoreError as error:  # a login that has expired
            reason = (
                f"There are no credentials to sign with ({type(error).__name__}): log in again."
            )
            return 502, _told("NO_CREDENTIALS", reason)
        return answer.status, answer.body


def content_policy(html: str) -> str:
    """What the page may do: run its own script, wear its own style, ask this server."""
    own = {"style": "", "script": ""}
    for kind, text in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        own[kind] += f" 'sha256-{digest}'"
    return (
        f"default-src 'none'; script-src{own['script']}; style-src{own['style']}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _told(error: str, message: str) -> bytes:
    return json.dumps({"error": error, "message": message}).encode()


class Server(ThreadingHTTPServer):
    """Listens on a free port of the loopback address."""

    daemon_threads = True

    def __init__(self, page: Page) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.page = page

    def server_bind(self) -> None:
        """Without http.server's question to the DNS what this machine is called."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away in the middle is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/{self.page.word}/"


def serve(page: Page, view: View) -> None:
    """Serve the page until it is interrupted."""
    with Server(page) as server:
        view.say(str(page.door.account))
        view.say(f"Open {server.url}")
        view.say("For this machine only. Ctrl-C ends it.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            view.say("The page is closed.")


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = SLOWEST_SECONDS
    server_version = "streamflix"
    sys_version = ""

    def do_GET(self) -> None:  # the name is http.server's
        page = self.server.page
        if not self._is_meant_for_us():
            self._answer(403, _told("REFUSED", "Open the address that make live printed."))
            return
        parts = urlsplit(self.path)
        word, _, path = parts.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(word.encode(), page.word.encode()):
            self._answer(404, _told("NOT_FOUND", "Open the address that make live printed."))
        elif path == "":
            self._answer(200, page.html, "text/html; charset=utf-8")
        elif answer := page.ask(path, parts.query):
            self._answer(*answer)
        else:
            self._answer(404, _told("NOT_FOUND", "The page asks for nothing of that name."))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is theirs
        """Say nothing: a line per question tells nobody anything, and holds the secret word."""

    def _is_meant_for_us(self) -> bool:
        hosts = {f"{LOOPBACK}:{self.server.port}", f"localhost:{self.server.port}"}
        # Browsers say whose page asks; a person's own address bar is "none".
        asker = self.headers.get("Sec-Fetch-Site", "none")
        return self.headers.get_all("Host") in [[it] for it in hosts] and asker in {
            "none",
            "same-origin",
        }

    def _answer(self, code: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(code)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": self.server.page.policy,
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
