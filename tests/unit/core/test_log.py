"""Nothing personal reaches a log, on whatever way it is logged."""

from __future__ import annotations

import io
import json
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streamflix import log

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = "anna.nguyen+tv@mail.example.co.uk"
PASSWORD = "c0rrect-h0rse"
PERSON = str(uuid.uuid4())
SUBJECT = (EMAIL, PASSWORD, PERSON)


@dataclass
class Context:
    function_name: str = "f"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn"
    aws_request_id: str = "request-7"


@pytest.fixture
def logger() -> Any:
    return log.get("unit-test")


@pytest.fixture
def output(logger: Any) -> Iterator[io.StringIO]:
    handler = logger.registered_handler
    stream, handler.stream = handler.stream, io.StringIO()
    yield handler.stream
    handler.stream = stream


def fail(error: Exception) -> None:
    raise error


def spills() -> dict[str, Any]:
    row = f"({PERSON}, {EMAIL}, DE)"
    return {
        "an address in a message": f"mail to {EMAIL} bounced",
        "an address in angle brackets": f"From: Anna <{EMAIL}>",
        "a row that PostgreSQL quotes": f"duplicate key\nDETAIL:  Failing row contains {row}.",
        "a line of COPY": f'bad value\nCONTEXT:  COPY t, line 1, column email: "{EMAIL}"',
        "a value that PostgreSQL quotes": f'invalid input syntax for type uuid: "{PERSON}x"',
        "a value out of range": f'value "{PASSWORD}" is out of range for type integer',
        "a pair": f"login failed: password={PASSWORD} account_id={PERSON}",
        "JSON in a message": json.dumps({"email": EMAIL, "nested": {"profile_id": PERSON}}),
        "a dict in a message": str({"password": PASSWORD, "session_id": PERSON}),
        "JSON within JSON": json.dumps({"body": json.dumps({"account_id": PERSON})}),
        "a URL with a password": f"redis://ops:{PASSWORD}@host:6379",
        "a header": f"Authorization: Bearer {PASSWORD}",
    }


@pytest.mark.parametrize("how", spills())
def test_a_message_is_redacted(logger: Any, output: io.StringIO, how: str) -> None:
    logger.warning(spills()[how])

    written = output.getvalue()
    assert json.loads(written)["level"] == "WARNING"
    assert not [word for word in SUBJECT if word in written]
    assert "redacted" in written


@pytest.mark.parametrize("how", spills())
def test_an_exception_is_redacted(logger: Any, output: io.StringIO, how: str) -> None:
    try:
        fail(ValueError(spills()[how]))
    except ValueError:
        logger.exception("it failed")

    written = output.getvalue()
    assert "ValueError" in written
    assert not [word for word in SUBJECT if word in written]


def test_extra_keys_are_redacted_at_any_depth(logger: Any, output: io.StringIO) -> None:
    logger.info(
        "seen",
        extra={
            "account_id": PERSON,
            "detail": [{"Email": EMAIL, "tries": 3}, (f"password: {PASSWORD}", {"ok": None})],
            "who": ValueError(EMAIL),
        },
    )

    written = output.getvalue()
    assert not [word for word in SUBJECT if word in written]
    assert json.loads(written)["detail"][0]["tries"] == 3


def test_a_message_that_is_a_dict_is_redacted(logger: Any, output: io.StringIO) -> None:
    logger.info({"profile_id": PERSON, "count": 2})

    assert json.loads(output.getvalue())["message"] == {"profile_id": log.GONE, "count": 2}


def test_what_is_not_personal_stays_readable(logger: Any, output: io.StringIO) -> None:
    sentence = "shard shardId-000000000000 at 49590338, request 3f2b, 57P01 admin_shutdown, 12 ms"
    logger.info(sentence, extra={"shard": "shardId-000000000000", "ratio": 0.5})

    line = json.loads(output.getvalue())
    assert (line["message"], line["ratio"], line["service"]) == (sentence, 0.5, "unit-test")


def test_lines_of_libraries_are_redacted_too(logger: Any) -> None:
    stream = io.StringIO()
    runtime = logging.StreamHandler(stream)
    library = logging.getLogger("some.library")
    library.addHandler(runtime)
    try:
        try:
            fail(ValueError(f"DETAIL:  Failing row contains ({PERSON})."))
        except ValueError:
            library.exception("sent %s to %s", f"password={PASSWORD}", EMAIL)
    finally:
        library.removeHandler(runtime)

    assert "sent" in stream.getvalue()
    assert not [word for word in SUBJECT if word in stream.getvalue()]


def test_the_shared_package_logs_through_the_room(logger: Any, output: io.StringIO) -> None:
    logging.getLogger("streamflix.secrets").warning("from below")

    assert json.loads(output.getvalue())["message"] == "from below"


def test_an_exception_that_leaves_the_function_is_redacted(logger: Any) -> None:
    @log.handler(logger)
    def entry(event: Any, context: Any) -> None:
        try:
            fail(KeyError(PERSON))
        except KeyError as inner:
            raise RuntimeError(f"DETAIL:  Failing row contains ({EMAIL})") from inner

    with pytest.raises(RuntimeError) as failure:
        entry({}, Context())

    assert EMAIL not in str(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


def test_every_line_of_an_invocation_carries_its_request(logger: Any, output: io.StringIO) -> None:
    @log.handler(logger)
    def entry(event: Any, context: Any) -> str:
        logger.info("at work")
        return "done"

    assert entry({}, Context()) == "done"
    assert json.loads(output.getvalue())["function_request_id"] == "request-7"
