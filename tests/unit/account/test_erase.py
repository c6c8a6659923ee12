"""A privacy officer asks, looks, agrees or not, and keeps what is signed."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from account.clock import Clock
from account.door import Answer, Door
from account.guard import Account
from account.privacy import letter, receipt
from account.privacy.erase import Erasure
from account.refusal import Refusal
from tests.unit.account.answers import Paper

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = "opendsr.streamflix.example"
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
PAIR = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = (
    PAIR.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
CONTENT = {
    "subject_request_id": "the-request",
    "received_time": "2026-11-30T09:00:00Z",
    "completed_time": "2026-11-30T09:00:09Z",
    "backups_expire_on": "2027-01-04",
    "verification": {"verified_time": "2026-11-30T09:00:08Z", "remains": 0},
    "erased": {"app.account": 1, "redis": 2},
    "retained": [{"from": "app.invoice", "rows": 3, "legal_basis": "tax law"}],
}
PLAN = [{"place": "app.account", "action": "delete", "count": 1, "legal_basis": "art. 17"}]


def signed(content: dict[str, Any] = CONTENT) -> str:
    text = json.dumps(content)
    signature = PAIR.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.dumps(
        {
            "receipt": text,
            "algorithm": receipt.ALGORITHM,
            "signature": base64.b64encode(signature).decode(),
        }
    )


@dataclass(frozen=True)
class Api(Door):
    """The API with a memory, as long as a test needs it."""

    states: list[str] = field(default_factory=lambda: ["received", "erasing", "completed"])
    heard: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        self.heard.append((method, path, body))
        told = self.answers.get(f"{method} {path}")
        if told:
            return told.pop(0)
        return _ok(*self._answer(method, path, body))

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/v2/discovery":
            return 200, {"extensions": {DOMAIN: {"public_key": PEM}}}
        if method == "POST":
            return 201, {"subject_request_id": body["subject_request_id"]}
        if method == "DELETE":
            return 202, {}
        if path.endswith("/plan"):
            return 200, {"plan": PLAN}
        if path.endswith("/receipt"):
            return 200, json.loads(signed())
        state = self.states.pop(0)
        ends = state in {"completed", "cancelled"}
        return 200, {
            "request_status": state if ends else "pending",
            "extensions": {DOMAIN: {"state": state, "reason_code": "duplicate"}},
        }


def _ok(status: int, content: Any) -> Answer:
    return Answer(status, json.dumps(content).encode())


def refused(status: int, reason: str) -> Answer:
    error = {"code": status, "message": reason, "errors": []}
    return _ok(status, {"error": error})


def erasure(tmp_path: Path, environment: str = "dev", **changes: Any) -> tuple[Erasure, Api, Paper]:
    api = Api(Account(environment, "123456789012", None), "https://api.example", **changes)
    paper = Paper()
    clock = Clock(lambda: NOW, lambda _: None)
    return Erasure(api, paper, tmp_path, clock), api, paper


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text('{"email": "canary@viewer.example", "verified_by": "id_document"}')
    return path


def test_who_agrees_gets_a_receipt_and_the_key_beside_it(
    tmp_path: Path, request_file: Path
) -> None:
    deed, api, paper = erasure(tmp_path)

    kept = deed.run(request_file, {}, lambda _: "dev")

    assert kept.read_text() == json.dumps(json.loads(signed()))
    assert (tmp_path / "privacy-key-dev.pem").read_text() == PEM
    (_, _, body), *_ = [each for each in api.heard if each[0] == "POST"]
    assert body["extensions"] == {DOMAIN: {"verified_by": "id_document"}}
    assert "canary" not in str(paper)


def test_who_does_not_agree_withdraws(tmp_path: Path, request_file: Path) -> None:
    deed, api, _ = erasure(tmp_path, environment="prod")

    with pytest.raises(Refusal, match="Nothing was done"):
        deed.run(request_file, {"YES": "1"}, lambda _: "no")

    assert api.heard[-1][0] == "DELETE"
    assert list(tmp_path.glob("receipt-*")) == []


def test_who_withdraws_too_late_is_told_that_it_goes_on(tmp_path: Path, request_file: Path) -> None:
    deed, api, _ = erasure(tmp_path)
    api.answers["DELETE /v2/requests/x"] = []
    body = json.loads(request_file.read_text()) | {"subject_request_id": "x"}
    request_file.write_text(json.dumps(body))
    api.answers["DELETE /v2/requests/x"] = [refused(409, "too late")]

    with pytest.raises(Refusal, match="Request x goes on: The API answered 409: too late"):
        deed.run(request_file, {}, lambda _: "no")


def test_an_api_that_is_busy_is_asked_again(tmp_path: Path, request_file: Path) -> None:
    deed, api, _ = erasure(tmp_path)
    api.answers["POST /v2/requests"] = [refused(503, "later"), refused(503, "later")]

    assert deed.run(request_file, {"YES": "1"}, lambda _: "").is_file()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refused(403, "not on the list"), "The API answered 403: not on the list."),
        (_ok(403, {"error": "ACCESS_DENIED", "requestId": "1"}), "may this role call it"),
        (Answer(502, b"<html>"), "The API answered 502."),
    ],
)
def test_a_refusal_is_told_in_the_apis_words(
    tmp_path: Path, request_file: Path, answer: Answer, words: str
) -> None:
    deed, api, _ = erasure(tmp_path)
    api.answers["POST /v2/requests"] = [answer]

    with pytest.raises(Refusal) as told:
        deed.run(request_file, {"YES": "1"}, lambda _: "")

    assert words in str(told.value)


def test_a_request_that_is_cancelled_says_why(tmp_path: Path, request_file: Path) -> None:
    deed, _, _ = erasure(tmp_path, states=["received", "cancelled"])

    with pytest.raises(Refusal, match="was cancelled: duplicate"):
        deed.run(request_file, {"YES": "1"}, lambda _: "")


def test_a_whole_request_goes_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "whole.json"
    whole = {"subject_identities": [], "subject_request_id": "mine"}
    path.write_text(json.dumps(whole))

    assert letter.read(path, DOMAIN, NOW) == whole


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"email": "canary@viewer.example"}',
        '{"verified_by": "id_document"}',
        '{"email": "canary@viewer.example", "verified_by": "x", "name": "canary"}',
    ],
)
def test_a_file_that_is_no_request_is_refused_without_its_content(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "request.json"
    path.write_text(text)

    with pytest.raises(Refusal) as refusal:
        letter.read(path, DOMAIN, NOW)

    assert "canary" not in str(refusal.value)
    with pytest.raises(Refusal, match="Say which request"):
        letter.read(tmp_path / "absent.json", DOMAIN, NOW)


def test_a_receipt_is_checked_by_the_key_alone(tmp_path: Path) -> None:
    file, key = tmp_path / "r.json", tmp_path / "k.pem"
    file.write_text(signed())
    key.write_text(PEM)
    paper = Paper()

    receipt.check(file, key, paper)

    assert "to the letter" in str(paper)


def test_a_receipt_of_a_replay_is_checked_as_well(tmp_path: Path) -> None:
    file, key = tmp_path / "r.json", tmp_path / "k.pem"
    restore = {"restore": "r20261130T130000", "mode": "drill", "requests": 12, "accounts": 1}
    given = {name: CONTENT[name] for name in ("verification", "erased", "retained")}
    file.write_text(signed({**given, **restore, "target_time": "2026-11-30T12:00:00Z"}))
    key.write_text(PEM)
    paper = Paper()

    receipt.check(file, key, paper)

    assert "Receipt of restore r20261130T130000 (drill)" in str(paper)
    assert "12 erasures repeated, 1 accounts went again" in str(paper)


def other_key() -> str:
    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        pair.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.mark.parametrize(
    ("text", "pem", "words"),
    [
        (signed().replace("app.account", "app.acc0unt"), PEM, "does not fit"),
        (signed(), other_key(), "does not fit"),
        (signed(), "no key", "no public key"),
        (signed().replace(receipt.ALGORITHM, "none"), PEM, "not signed by"),
        ("{}", PEM, "no receipt"),
        ("[", PEM, "no receipt"),
    ],
)
def test_a_receipt_that_was_changed_is_none(text: str, pem: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        receipt.verify(text, pem)


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="FILE is no file"):
        receipt.check(tmp_path / "a", tmp_path / "b", Paper())
