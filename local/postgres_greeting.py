"""How a PostgreSQL client says hello: the packets that come before anybody knows who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from local.pipe import End

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102

LONGEST = 10_000
"""Bytes of a start-up packet: PostgreSQL's own limit."""

PATIENCE_SECONDS = 5


async def receive(client: End, context: ssl.SSLContext) -> bytes | None:
    """Bring the client into TLS and return its start-up packet, or its request to cancel.

    None when it was refused: like RDS with `rds.force_ssl`, but the message says what to do.
    A request to cancel may come in the clear, because libpq sends it so.
    Raises: `EOFError` when the client breaks off or speaks another language.
    """
    packet = await _packet(client)
    if _code(packet) == GSS_REQUEST:
        client.write(b"N")
        packet = await _packet(client)
    if _code(packet) == SSL_REQUEST:
        await client.start_tls(context, b"S")
        return await _packet(client)
    if is_cancel(packet):
        return packet
    await refuse(
        client, "28000", "SSL is required: connect with sslmode=verify-full and sslrootcert=ca.pem"
    )
    return None


async def refuse(client: End, sqlstate: str, message: str) -> None:
    """Send PostgreSQL's own kind of error, so that a driver shows it, and close."""
    fields = ("SFATAL", "VFATAL", f"C{sqlstate}", f"M{message}")
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    client.write(b"E" + (len(body) + 4).to_bytes(4, "big") + body)
    await client.finish(PATIENCE_SECONDS)


def is_cancel(packet: bytes) -> bool:
    return _code(packet) == CANCEL_REQUEST


def _code(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


async def _packet(client: End) -> bytes:
    head = await client.read(4)
    size = int.from_bytes(head, "big")
    if not 8 <= size <= LONGEST:
        raise EOFError
    return head + await client.read(size - 4)
