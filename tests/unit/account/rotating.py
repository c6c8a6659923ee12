"""Secrets Manager, the rotating function and its log, as far as `make rotate` sees them.

What happens after a RotateSecret is a list of moments and deeds; time passes when somebody sleeps.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from account.refusal import Refusal
from account.rotation.rotate import Clock, Rotation
from tests.unit.account.answers import Answers, Paper, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "streamflix/dev/aurora/analytics"
OLD, NEW = "0" * 32, "1" * 32
UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."
BEGAN = 1_795_416_700.0


def secret(**changes: Any) -> dict[str, Any]:
    return {
        "VersionIdsToStages": {OLD: ["AWSCURRENT"]},
        "RotationEnabled": True,
        "RotationLambdaARN": "arn:aws:lambda:eu-central-1:123456789012:function:rotate",
        "RotationRules": {"AutomaticallyAfterDays": 30, "ScheduleExpression": "rate(30 days)"},
        **changes,
    }


@dataclass
class Stage:
    """An account whose secrets are rotated as a test tells."""

    plot: Sequence[tuple[float, Any]]
    """Seconds after RotateSecret, and what happens to the secret then."""
    environment: str = "dev"
    answers: Answers = field(default_factory=Answers)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: list[tuple[float, str]] = field(default_factory=list)
    paper: Paper = field(default_factory=Paper)
    time: float = BEGAN
    progress: list[str] = field(default_factory=list)
    _pending: list[tuple[float, Any, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers["secretsmanager.describe_secret"] = self._describe
        self.answers["secretsmanager.rotate_secret"] = self._rotate
        self.answers["logs.filter_log_events"] = self._log
        self.paper.progress = self._progress  # type: ignore[method-assign]

    def rotate(self, *logins: str, answer: str = "dev") -> str:
        """Run the command to its end; returns what it has shown."""
        account = self.answers.account(self.environment)
        clock = Clock(now=lambda: self.time, sleep=self.sleep)
        Rotation(account, self.paper, clock).run(logins, {}, lambda _: answer)
        return self.paper.text

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        for moment in [each for each in self._pending if each[0] <= self.time]:
            self._pending.remove(moment)
            _, deed, name = moment
            deed(self, name)

    def say(self, line: str | dict[str, Any]) -> None:
        self.lines.append((self.time, line if isinstance(line, str) else json.dumps(line)))

    def of(self, name: str) -> dict[str, Any]:
        return self.secrets.setdefault(name, secret())

    def called(self) -> list[dict[str, Any]]:
        return self.answers.called("secretsmanager.rotate_secret")

    def _describe(self, **asked: Any) -> Any:
        return self.of(asked["SecretId"])

    def _rotate(self, **asked: Any) -> Any:
        name, version = asked["SecretId"], asked.get("ClientRequestToken", str(uuid.uuid4()))
        stages = self.of(name)["VersionIdsToStages"]
        waiting = [v for v, at in stages.items() if "AWSPENDING" in at and "AWSCURRENT" not in at]
        if waiting and waiting != [version]:
            return Refused("InvalidRequestException", UNFINISHED)
        stages[version] = ["AWSPENDING"]
        self._pending += [(self.time + after, deed, name) for after, deed in self.plot]
        return {"VersionId": version, "Name": name}

    def _log(self, **asked: Any) -> Any:
        assert asked["logGroupName"] == f"/aws/lambda/streamflix-rotation-rotate-{self.environment}"
        events = [
            {"timestamp": int(moment * 1000), "message": f"{line}\n"}
            for moment, line in self.lines
            if moment * 1000 >= asked["startTime"]
        ]
        return {"events": events}

    def _progress(self, line: str) -> None:
        self.progress.append(line)


def refused(stage: Stage, *logins: str) -> str:
    """What the command says when it gives up."""
    with pytest.raises(Refusal) as told:
        stage.rotate(*(logins or ("analytics",)))
    return str(told.value)


def promotes(stage: Stage, name: str) -> None:
    """finishSecret: the pending version becomes the current one and loses AWSPENDING."""
    before = stage.of(name)["VersionIdsToStages"]
    [new] = [version for version, at in before.items() if "AWSPENDING" in at]
    [old] = [version for version, at in before.items() if "AWSCURRENT" in at]
    stage.of(name)["VersionIdsToStages"] = {new: ["AWSCURRENT"], old: ["AWSPREVIOUS"]}


def calls_off(stage: Stage, name: str) -> None:
    stages = stage.of(name)["VersionIdsToStages"]
    for version in [version for version, at in stages.items() if at == ["AWSPENDING"]]:
        del stages[version]


def logs(step: str, reason: str = "", login: str = "analytics") -> Any:
    """A line as the function writes it."""
    level = "ERROR" if reason else "INFO"
    line = {"level": level, "message": "step", "login": login, "step": step}
    return lambda stage, _: stage.say(line | ({"reason": reason} if reason else {}))


def writes(line: str) -> Any:
    return lambda stage, _: stage.say(line)


def interrupts(stage: Stage, _: str) -> None:
    raise KeyboardInterrupt
