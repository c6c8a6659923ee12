"""Gap: requests reach MiniStack over plain HTTP, so policies that demand TLS refuse everything.

AWS's endpoints speak TLS only. The gateway's one port on loopback stands for them, so every request
counts as one over TLS; a ``Deny`` on ``aws:SecureTransport`` then judges as it does on AWS.

Test: tests/contract/local/test_secure_transport.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack import app

if TYPE_CHECKING:
    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.app:pin_request_origin",)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    pin = app.pin_request_origin

    def over_tls(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001
        pin(source_ip, True)

    app.pin_request_origin = over_tls
