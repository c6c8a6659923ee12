"""Ask for an erasure, show what it will do, ask again, follow it and keep the receipt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from account import guard
from account.clock import REAL, Clock
from account.door import words
from account.privacy import letter, receipt
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from account.door import Door
    from account.view import View

PAUSE_SECONDS = 1.0
RETRIES = 5
NOT_NOW = 503
CREATED, CANCELLED, CLOSED = 201, 202, 409


@dataclass(frozen=True)
class Erasure:
    """One request, from the officer's file to the receipt beside it."""

    door: Door
    view: View
    folder: Path = Path()
    clock: Clock = REAL

    def run(self, file: Path, env: Mapping[str, str], ask: Callable[[str], str]) -> Path:
        """Returns where the receipt is. Raises: `Refusal`."""
        self.view.say(str(self.door.account))
        discovery = self.door.get("/v2/discovery")
        (domain,) = discovery["extensions"]
        body = letter.read(file, domain, self.clock.now())
        request = self._post(body)
        self._confirm(request, env, ask)
        self._follow(request)
        told = self.door.call("GET", f"/v2/requests/{request}/receipt")
        pem: str = discovery["extensions"][domain]["public_key"]
        content = receipt.verify(told.body.decode(), pem)
        key = self.folder / f"privacy-key-{self.door.account.environment}.pem"
        kept = self.folder / f"receipt-{request}.json"
        key.write_text(pem)
        kept.write_bytes(told.body)
        receipt.show(content, self.view)
        self.view.say(f"Its signature is good. Receipt: {kept}, public key: {key}")
        return kept

    def _post(self, body: dict[str, Any]) -> str:
        for attempt in range(1, RETRIES + 1):
            answer = self.door.call("POST", "/v2/requests", body)
            if answer.status == CREATED:
                request: str = answer.content["subject_request_id"]
                self.view.say(f"Request {request} is taken.")
                return request
            if answer.status != NOT_NOW or attempt == RETRIES:
                break
            self.clock.sleep(attempt * PAUSE_SECONDS)
        raise Refusal(words(answer))

    def _confirm(self, request: str, env: Mapping[str, str], ask: Callable[[str], str]) -> None:
        """Show the plan and ask; who does not agree withdraws."""
        answer = self.door.call("GET", f"/v2/requests/{request}/plan")
        if answer.status == CLOSED:
            raise Refusal(f"{words(answer)} Request {request} stays as it is.")
        if "plan" not in answer.content:
            raise Refusal(words(answer))
        self.view.table(
            "What will be erased, and what stays",
            ("where", "what", "count", "legal basis"),
            [
                (each["place"], each["action"], str(each["count"]), each["legal_basis"])
                for each in answer.content["plan"]
            ],
        )
        if not any(each["count"] for each in answer.content["plan"]):
            self.view.say("No store knows this person. Is the identity spelled as the account is?")
        try:
            deed = "After the grace period nobody can undo this."
            guard.answered(self.door.account, deed, env=env, ask=ask)
        except Refusal:
            self._withdraw(request)
            raise

    def _withdraw(self, request: str) -> None:
        answer = self.door.call("DELETE", f"/v2/requests/{request}")
        if answer.status != CANCELLED:
            raise Refusal(f"Request {request} goes on: {words(answer)}")
        self.view.say(f"Request {request} is withdrawn.")

    def _follow(self, request: str) -> None:
        """Until it is done. Raises: `Refusal` when it was cancelled."""
        while True:
            told = self.door.get(f"/v2/requests/{request}")
            (about,) = told["extensions"].values()
            if told["request_status"] == "completed":
                self.view.progress("")
                return
            if told["request_status"] == "cancelled":
                self.view.progress("")
                reason = about.get("reason_code", "withdrawn")
                raise Refusal(f"Request {request} was cancelled: {reason} (docs/privacy.md).")
            self.view.progress(f"request {request}: {about['state']}")
            self.clock.sleep(PAUSE_SECONDS)
