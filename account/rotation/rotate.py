"""Rotate now, and follow it until the new version is the current one or somebody is needed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from account import guard, secrets
from account.deploy import progress
from account.refusal import Refusal
from account.rotation import schedule, verdicts
from account.rotation.diary import Diary
from account.rotation.watch import Pace, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from account.guard import Account
    from account.rotation.schedule import Secret
    from account.view import View

ALL = "all"
MARGIN_SECONDS = 2.0
"""By which this machine's clock may be ahead of the log's."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as a rotation is measured by; tests bring their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def chosen(asked: str) -> tuple[str, ...]:
    """The logins that SECRET= names. Raises: `Refusal` that lists the seven."""
    if asked == ALL:
        return secrets.LOGINS
    if asked not in secrets.LOGINS:
        said = f"There is no secret {asked!r}" if asked else "Say which secret: SECRET=…"
        raise Refusal(f"{said}. SECRET is one of {', '.join(secrets.LOGINS)}, or {ALL}.")
    return (asked,)


@dataclass(frozen=True)
class Rotation:
    """Rotates one login after the other."""

    account: Account
    view: View
    clock: Clock = Clock()

    def run(self, logins: Sequence[str], env: Mapping[str, str], ask: Callable[[str], str]) -> None:
        """Raises: `Refusal` at the first login that is not rotated; none after it is begun."""
        self.view.say(str(self.account))
        for login in logins:
            _require_set_up(self._describe(login), self.account.environment)
        deed = f"{', '.join(logins)}: rotation begins now."
        guard.answered(self.account, deed, env=env, ask=ask)
        began = self.clock.now()
        for number, login in enumerate(logins):
            self._one(login, logins[number + 1 :])
        if len(logins) > 1:
            self.view.say(f"{len(logins)} logins rotated in {self.clock.now() - began:.0f} s.")

    def _one(self, login: str, after: Sequence[str]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        rest = f" Not begun: {', '.join(after)}." if after else ""
        onward = (
            f"What has begun of {login}'s rotation goes on by itself; "
            f"make rotation-status ENV={self.account.environment} shows how it ended.{rest}"
        )
        try:
            with progress(self.view):
                self._rotate(login)
        except Refusal as refusal:
            raise Refusal(f"{refusal}{rest}") from None
        except (BotoCoreError, ClientError) as error:
            raise Refusal(f"{str(error).rstrip('.')}. {onward}") from None
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"Interrupted. {onward}") from None

    def _rotate(self, login: str) -> None:
        began = self.clock.now()
        diary = Diary(
            self.account.client("logs"), self.account.environment, login, began - MARGIN_SECONDS
        )
        version = self._start(login)
        pace = Pace.of(self.account.environment)
        watch = Watch(login, version, diary, pace, began)
        while True:
            outcome = watch.look(self._describe(login).stages, self.clock.now())
            if outcome == "promoted":
                break
            if outcome != "waiting":
                self._await_words(diary, pace)
                raise Refusal(verdicts.word(outcome, login, diary, self.account.environment))
            self.view.progress(watch.line(self.clock.now()))
            self.clock.sleep(pace.pause)
        seconds = self.clock.now() - began
        self.view.say(f"{login}: rotated in {seconds:.1f} s; AWSCURRENT is version {version[:8]}.")

    def _start(self, login: str) -> str:
        """The id of the version that will be promoted. Raises: `Refusal`."""
        secret = self._describe(login)
        on: dict[str, Any] = {}
        if secret.cancelled:
            self.view.say(f"{login}: rotation was turned off; this turns it on again.")
            on = {"RotationLambdaARN": secret.function, "RotationRules": _rules(secret)}
        try:
            return str(self._vault.rotate_secret(SecretId=secret.name, **on)["VersionId"])
        except self._vault.exceptions.InvalidRequestException as error:
            pending = self._describe(login).in_flight
            if not pending:
                words = error.response["Error"]["Message"]
                raise Refusal(f"Secrets Manager does not rotate {secret.name}: {words}") from None
        self.view.say(
            f"{login}: an earlier rotation has not ended; going on with its version {pending[:8]}."
        )
        try:
            self._vault.rotate_secret(SecretId=secret.name, ClientRequestToken=pending, **on)
        except self._vault.exceptions.InvalidRequestException:
            self.view.say(f"{login}: Secrets Manager is at it already.")
        return pending

    def _await_words(self, diary: Diary, pace: Pace) -> None:
        """The log is there seconds after the deed."""
        until = self.clock.now() + pace.log_delay
        diary.read()
        while diary.failure is None and not diary.unreadable and self.clock.now() < until:
            self.clock.sleep(pace.pause)
            diary.read()

    def _describe(self, login: str) -> Secret:
        return schedule.describe(self._vault, self.account.environment, login)

    @cached_property
    def _vault(self) -> Any:
        return self.account.client("secretsmanager")


def _require_set_up(secret: Secret, environment: str) -> None:
    if not (secret.enabled or secret.cancelled):
        raise Refusal(
            f"The rotation of {secret.name} is not set up: make deploy ENV={environment} does it."
        )


def _rules(secret: Secret) -> dict[str, Any]:
    """As Secrets Manager takes them back: days or an expression, not both."""
    days = "AutomaticallyAfterDays"
    return {
        name: value
        for name, value in secret.rules.items()
        if name != days or "ScheduleExpression" not in secret.rules
    }
