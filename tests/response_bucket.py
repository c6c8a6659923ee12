"""CloudFormation's bucket for the answers of custom resources."""

from __future__ import annotations

import http.server
import json
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bucket:
    """Keeps what is put, or fails as often as it is told."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.failures = 0
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if bucket.failures:
                    bucket.failures -= 1
                    self.send_error(503)
                    return
                bucket.content_types.append(self.headers["Content-Type"])
                bucket.answers.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/answer"

    def only(self) -> dict[str, Any]:
        assert len(self.answers) == 1
        return self.answers[0]


@contextmanager
def open_bucket() -> Iterator[Bucket]:
    bucket = Bucket()
    try:
        yield bucket
    finally:
        bucket.server.shutdown()
        bucket.server.server_close()


def context(seconds: float) -> Any:
    """What Lambda passes to a function that has this long from now."""
    end = time.monotonic() + seconds
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000)
    )
