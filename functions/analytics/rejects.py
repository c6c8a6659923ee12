"""The queue of rejected records: pointers to where they lie in the stream, never their content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from analytics.errors import RejectsUnreachable
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analytics.decode import Pointer
    from analytics.envelope import Shard

POINTERS_PER_MESSAGE = 500
# SQS takes 10 messages and 256 KiB in one call; some of the latter is the request's own.
MESSAGES_PER_CALL = 10
BYTES_PER_CALL = 240_000


class QueueClient(Protocol):
    """The part of boto3's `sqs` client that we use."""

    def send_message_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: Sequence[Mapping[str, str]],  # noqa: N803
    ) -> Mapping[str, Any]: ...


class RejectsQueue:
    def __init__(self, url: str, client: QueueClient | None = None) -> None:
        self._url = url
        self._client = client

    def send(self, shard: Shard, pointers: Sequence[Pointer]) -> None:
        """Put pointers on record. Safe to repeat: who reads them goes by shard and sequence.

        Raises: `RejectsUnreachable` unless every pointer is on record.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        for bodies in _calls(_messages(shard, pointers)):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
            try:
                client: QueueClient = self._client or aws.client("sqs")
                answer = client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise RejectsUnreachable(aws.reason(error)) from None
            if failed := answer.get("Failed"):
                raise RejectsUnreachable(failed[0]["Code"])


def _messages(shard: Shard, pointers: Sequence[Pointer]) -> Iterator[str]:
    for start in range(0, len(pointers), POINTERS_PER_MESSAGE):
        yield json.dumps(
            {
                "stream": shard.stream,
                "shard": shard.name,
                "pointers": [
                    {
                        "sequence": str(pointer.sequence),
                        "subsequence": pointer.subsequence,
                        "reason": pointer.reason,
                    }
                    for pointer in pointers[start : start + POINTERS_PER_MESSAGE]
                ],
            },
            separators=(",", ":"),
        )


def _calls(bodies: Iterator[str]) -> Iterator[list[str]]:
    """Group message bodies (ASCII, so a character is a byte) into calls that SQS accepts."""
    call: list[str] = []
    size = 0
    for body in bodies:
        if call and (len(call) == MESSAGES_PER_CALL or size + len(body) > BYTES_PER_CALL):
            yield call
            call, size = [], 0
        call.append(body)
        size += len(body)
    if call:
        yield call
