"""Everything that the platform keeps, as bytes, store by store: what a canary is looked for in.

Not the playback stream: it keeps events for seven days, and the fence stands behind it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from demo.platform import Platform

SCHEMAS: Final = ("analytics", "app", "catalog", "ops", "privacy")
PEEKS: Final = 10


def home() -> Path:
    """Where the laptop cloud keeps files and logs."""
    return Path(os.environ["STREAMFLIX_HOME"])


def everything(platform: Platform) -> Mapping[str, Callable[[], Iterator[bytes]]]:
    """By name: what reads the whole store."""
    return {
        "tables": lambda: _tables(platform),
        "planner statistics": lambda: _statistics(platform),
        "Redis": lambda: _redis(platform),
        "files": _files,
        "ledger and keys": lambda: _ledger(platform),
        "queues": lambda: _queues(platform),
        "execution histories": lambda: _executions(platform),
        "logs": lambda: _logs(platform),
    }


def _tables(platform: Platform) -> Iterator[bytes]:
    with platform.postgres("master") as connection, connection.cursor() as cursor:
        for schema in SCHEMAS:
            cursor.execute(f"SET ROLE {schema}_owner")
            cursor.execute(
                "SELECT quote_ident(relname) FROM pg_class"
                " WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p', 'm')",
                (schema,),
            )
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT t.*::text FROM {schema}.{table} AS t")
                yield "\n".join(row for (row,) in cursor.fetchall()).encode()


def _statistics(platform: Platform) -> Iterator[bytes]:
    with platform.postgres("master") as connection, connection.cursor() as cursor:
        for schema in SCHEMAS:
            cursor.execute(f"SET ROLE {schema}_owner")
            cursor.execute("SELECT s.*::text FROM pg_stats AS s WHERE schemaname = %s", (schema,))
            yield "\n".join(row for (row,) in cursor.fetchall()).encode()


def _redis(platform: Platform) -> Iterator[bytes]:
    redis: Any = platform.redis()
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"list": lambda key: redis.lrange(key, 0, -1),
    }
    for key in redis.scan_iter(count=1000):
        read = readers.get(redis.type(key))  # nothing, when it has expired since
        yield key + b"\n" + (_plain(read(key)) if read else b"")
    redis.close()


def _plain(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b"\n".join(key + b"\n" + item for key, item in value.items())
    return b"\n".join(value or ())


def _files() -> Iterator[bytes]:
    for path in (home() / "files").rglob("*"):
        yield str(path).encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")


def _ledger(platform: Platform) -> Iterator[bytes]:
    dynamodb = platform.client("dynamodb")
    ledger = platform.outputs["PrivacyLedgerTableName"]
    for table in (ledger, ledger.replace("-ledger-", "-keys-")):
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield json.dumps(item, default=lambda value: value.hex()).encode()
                yield from (
                    value["B"] for value in item.values() if isinstance(value.get("B"), bytes)
                )


def _queues(platform: Platform) -> Iterator[bytes]:
    sqs = platform.client("sqs")
    for url in sqs.list_queues(QueueNamePrefix="streamflix-").get("QueueUrls", ()):
        seen = {  # a look hides nothing, so the next one may see the same
            message["MessageId"]: message["Body"]
            for _ in range(PEEKS)
            for message in sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
            ).get("Messages", ())
        }
        yield from (body.encode() for body in seen.values())


def _executions(platform: Platform) -> Iterator[bytes]:
    states = platform.client("stepfunctions")
    for output in ("ErasureStateMachineArn", "RedeployStateMachineArn"):
        machine = platform.outputs[output]
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
            for execution in page["executions"]:
                arn = execution["executionArn"]
                yield json.dumps(states.describe_execution(executionArn=arn), default=str).encode()
                history = states.get_paginator("get_execution_history")
                for events in history.paginate(executionArn=arn):
                    yield json.dumps(events["events"], default=str).encode()


def _logs(platform: Platform) -> Iterator[bytes]:
    logs = platform.client("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            found = logs.get_paginator("filter_log_events")
            for page in found.paginate(logGroupName=group["logGroupName"]):
                yield "\n".join(event["message"] for event in page["events"]).encode()
    for path in home().rglob("*.log"):
        yield path.read_bytes()
