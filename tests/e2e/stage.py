"""What an end-to-end test of the stream owns: a title, an account, and eyes on their rows."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.eventually import eventually

Pointer = tuple[str, int, str]
"""Shard, sequence number, reason."""

SETTLED_SECONDS = 60


@dataclass
class Stage:
    """Puts events of one test, waits until the consumer is past them, and reads their rollups."""

    outputs: dict[str, str]
    kinesis: Any
    sqs: Any
    reader: Any
    title: str
    account: str
    profile: str
    minute: datetime
    last: dict[str, int] = field(default_factory=dict)

    @classmethod
    def set_up(
        cls, outputs: dict[str, str], kinesis: Any, sqs: Any, reader: Any, app: Any
    ) -> Stage:
        account, profile = str(uuid.uuid4()), str(uuid.uuid4())
        with app.cursor() as cursor:
            cursor.execute(
                "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')",
                (account, f"{account}@example.org"),
            )
            cursor.execute(
                "INSERT INTO app.profile (profile_id, account_id, name) VALUES (%s, %s, 'p')",
                (profile, account),
            )
        title = f"e2e-{uuid.uuid4().hex[:12]}"
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        return cls(outputs, kinesis, sqs, reader, title, account, profile, minute)

    def event(self, kind: str = "heartbeat", **changes: Any) -> dict[str, Any]:
        """A valid event of this stage; `changes` make it another."""
        return {
            "event_id": str(uuid.uuid4()),
            "type": kind,
            "account_id": self.account,
            "profile_id": self.profile,
            "session_id": str(uuid.uuid4()),
            "title_id": self.title,
            "device": "tv",
            "country": "DE",
            "position_s": 60,
            "watched_s": 10,
            "bitrate_kbps": 4000,
            "rebuffer_ms": 0,
            "ts": self.minute.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **changes,
        }

    def put(self, *events: dict[str, Any] | bytes, key: str = "") -> list[tuple[str, int]]:
        """Put events, in order, to one shard. Returns (shard, sequence number) of each."""
        places: list[tuple[str, int]] = []
        for start in range(0, len(events), 500):
            answer = self.kinesis.put_records(
                StreamName=self.outputs["KinesisStreamName"],
                Records=[
                    {"Data": _bytes(event), "PartitionKey": key or self.title}
                    for event in events[start : start + 500]
                ],
            )
            assert answer["FailedRecordCount"] == 0
            places += [(r["ShardId"], int(r["SequenceNumber"])) for r in answer["Records"]]
        for shard, sequence in places:
            self.last[shard] = max(self.last.get(shard, 0), sequence)
        return places

    def settle(self, within: float = SETTLED_SECONDS) -> None:
        """Wait until the consumer has committed everything that this stage put."""
        eventually(
            self.watermarks,
            within,
            lambda marks: all(
                marks.get(shard, 0) >= sequence for shard, sequence in self.last.items()
            ),
        )

    def watermarks(self) -> dict[str, int]:
        rows = self._rows(
            "SELECT shard, sequence FROM analytics.shard_watermark WHERE stream = %s",
            self.outputs["KinesisStreamName"],
        )
        return {shard: int(sequence) for shard, sequence in rows}

    def rollups(self) -> dict[str, int]:
        """The sums of this stage's title over minutes, countries and devices."""
        columns = ("plays", "watched_s", "rebuffer_ms", "errors")
        sums = ", ".join(f"coalesce(sum({column}), 0)::bigint" for column in columns)
        rows = self._rows(
            f"SELECT {sums} FROM analytics.title_counted() WHERE title_id = %s", self.title
        )
        return dict(zip(columns, rows[0], strict=True))

    def table(self) -> list[tuple[Any, ...]]:
        """Every rollup row of this stage's title."""
        return self._rows(
            "SELECT * FROM analytics.title_counted() WHERE title_id = %s"
            " ORDER BY minute, country, device",
            self.title,
        )

    def pointers(self) -> list[Pointer]:
        """What the rejects queue holds, without taking it away from on-call."""
        url, found = self.outputs["RejectsQueueUrl"], []
        while messages := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3
        ).get("Messages", []):
            for message in messages:
                body = json.loads(message["Body"])
                found += [
                    (body["shard"], int(pointer["sequence"]), pointer["reason"])
                    for pointer in body["pointers"]
                ]
        return found

    def pointers_to(self, places: list[tuple[str, int]]) -> list[Pointer]:
        """The distinct pointers to these records."""
        return sorted({p for p in self.pointers() if (p[0], p[1]) in set(places)})

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.reader.cursor() as cursor:
            cursor.execute(sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


def _bytes(event: dict[str, Any] | bytes) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()
