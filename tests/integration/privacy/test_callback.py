"""A call goes to a public address that has the name's certificate, and nowhere else."""

from __future__ import annotations

import base64
import datetime as dt
import http.server
import json
import ssl
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from privacy import call, callback
from privacy.errors import CallbackRefused
from streamflix import settings
from tests.integration.privacy.desk import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.privacy.conftest import Somebody
    from tests.integration.privacy.flow import Flow

HOST = "callbacks.controller.example"
URL = f"https://{HOST}/opendsr"


@dataclass
class Controller:
    """A server that takes calls, and what it has heard."""

    port: int
    trust: ssl.SSLContext
    status: int = 202
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def send(self, url: str = URL, body: bytes = b"{}", **changes: Any) -> None:
        callback.send(
            url,
            body,
            {"Content-Type": "application/json"},
            **{
                "resolve": lambda _: ["127.0.0.1"],
                "is_public": lambda _: True,
                "port": self.port,
                "context": self.trust,
                **changes,
            },
        )


def certificate(folder: Path, name: str) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Controller]]:
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(name: str = HOST) -> Controller:
        path = certificate(tmp_path, name)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                controller.heard.append(
                    (self.path, dict(self.headers.items()), self.rfile.read(length))
                )
                self.send_response(controller.status)
                if controller.status == 302:
                    self.send_header("Location", "https://169.254.169.254/latest")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        controller = Controller(server.server_port, ssl.create_default_context(cafile=str(path)))
        return controller

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_any_2xx_is_an_acknowledgement(serve: Callable[..., Controller]) -> None:
    controller = serve()
    for status in (200, 202, 204):
        controller.status = status
        controller.send(body=b'{"a":1}')

    assert [(path, body) for path, _, body in controller.heard] == [("/opendsr", b'{"a":1}')] * 3


@pytest.mark.parametrize("status", [302, 400, 403, 500])
def test_anything_else_and_a_redirect_are_none(
    serve: Callable[..., Controller], status: int
) -> None:
    controller = serve()
    controller.status = status

    with pytest.raises(CallbackRefused, match=f"status {status}"):
        controller.send()

    assert len(controller.heard) == 1


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "::1", "fd00::1", "0.0.0.0"],
)
def test_a_name_that_leads_inside_is_not_called(
    serve: Callable[..., Controller], address: str
) -> None:
    controller = serve()
    real = callback.send.__kwdefaults__["is_public"]

    with pytest.raises(CallbackRefused, match="public address"):
        controller.send(resolve=lambda _: ["192.0.2.1", address], is_public=real)

    assert controller.heard == []


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    serve: Callable[..., Controller],
) -> None:
    """A name that answers with another address the next moment leads nowhere."""
    controller = serve()
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])

    controller.send(resolve=lambda _: next(answers))

    assert len(controller.heard) == 1


def test_a_certificate_of_another_name_is_none(serve: Callable[..., Controller]) -> None:
    controller = serve("other.example")

    with pytest.raises(CallbackRefused, match="SSLCertVerificationError"):
        controller.send()


def test_an_address_without_anybody_is_told(serve: Callable[..., Controller]) -> None:
    controller = serve()

    with pytest.raises(CallbackRefused):
        controller.send(port=1)
    with pytest.raises(CallbackRefused):
        controller.send(resolve=lambda _: [])


def test_a_message_of_the_queue_becomes_a_signed_call(
    flow: Flow,
    somebody: Somebody,
    serve: Callable[..., Controller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    controller = serve()
    monkeypatch.setenv("LEDGER_TABLE", flow.env.ledger_table)
    monkeypatch.setenv("SIGNING_KEY_ARN", flow.env.signing_key_arn)
    monkeypatch.setenv("DOMAIN", "opendsr.streamflix.example")
    settings.cached.cache_clear()
    monkeypatch.setattr(
        call.callback, "send", lambda url, body, headers: _through(controller, url, body, headers)
    )
    record = flow.about(somebody)
    message = {
        "request": str(record.request),
        "status": "in_progress",
        "sequence": 3,
        "callback": 0,
    }

    call.handler({"Records": [{"body": json.dumps(message)}]}, Context())
    settings.cached.cache_clear()

    (path, headers, body) = controller.heard[0]
    told = json.loads(body)
    assert path == "/opendsr"
    assert told["request_status"] == "in_progress"
    assert told["status_callback_url"] == URL
    assert told["extensions"]["opendsr.streamflix.example"]["sequence"] == 3
    assert somebody.email not in body.decode()
    key = serialization.load_pem_public_key(flow.doors().signer.public_key_pem().encode())
    key.verify(  # type: ignore[union-attr,call-arg]
        base64.b64decode(headers["X-OpenDSR-Signature"]),
        body,
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert uuid.UUID(told["subject_request_id"]) == record.request


def _through(controller: Controller, url: str, body: bytes, headers: dict[str, str]) -> None:
    real = call_send
    real(
        url,
        body,
        headers,
        resolve=lambda _: ["127.0.0.1"],
        is_public=lambda _: True,
        port=controller.port,
        context=controller.trust,
    )


call_send = callback.send
