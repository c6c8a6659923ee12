"""Writes to the database every second, and knows from when to when it could not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from recovery.errors import RecordUnreachable
from recovery.heart import ANSWER_SECONDS, OPTIONS, Heart
from recovery.incidents import Incidents
from recovery.pulse import Pulse
from recovery.settings import ProbeSettings
from recovery.table import Table
from streamflix import log, metrics, settings
from streamflix.addresses import AddressBook
from streamflix.ca import CA_FILE
from streamflix.errors import Permanent, Retryable
from streamflix.postgres import Postgres
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recovery.incident import Incident
    from recovery.pulse import Beat
    from streamflix.addresses import Endpoint
    from streamflix.deadline import Context

logger = log.get("recovery")

WATCH_SECONDS = 58.0
"""The schedule starts the next one after a minute; it starts within a second or two."""
BEAT_SECONDS = 1.0
READER_EVERY_BEATS = 5
# What the alarm and the monitor call too old.
STALE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Doors:
    """What lies outside of this process."""

    heart: Heart
    incidents: Incidents
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, float]:  # noqa: ARG001
    """Beat for a minute. Any event will do; ``{"seconds": 5}`` watches for that long.

    Returns the metrics that it published. Two at once do no harm.
    """
    env = settings.cached(ProbeSettings)
    numbers = Probe(doors(env), env.environment).run(float(event.get("seconds", WATCH_SECONDS)))
    metrics.publish(env.environment, numbers)
    return numbers


@cache
def doors(env: ProbeSettings, ca_file: Path = CA_FILE) -> Doors:
    book = AddressBook(env.address_book)
    login = Secret(env.database_secret_arn)

    def postgres(endpoint: Endpoint) -> Postgres:
        return Postgres(
            book,
            endpoint,
            login,
            application_name="streamflix-recovery-probe",
            ca_file=ca_file,
            options=OPTIONS,
            answer_seconds=ANSWER_SECONDS,
        )

    heart = Heart(book, postgres("writer"), postgres("reader"), time.time)
    return Doors(heart, Incidents(Table(env.incidents_table)))


class Probe:
    """One minute of it."""

    def __init__(self, doors: Doors, environment: str) -> None:
        self._doors = doors
        self._environment = environment
        self._pulse = Pulse()
        self._unsaved: list[Incident] = []
        self._told = 0
        self._written_at = 0.0
        self._lag_seconds: list[float] = []
        self._reader_failed = 0

    def run(self, seconds: float) -> dict[str, float]:
        clock = self._doors.clock
        end = clock() + seconds
        self._remember()
        beats = 0
        while (began := clock()) < end:
            self._beat()
            if beats % READER_EVERY_BEATS == 0:
                self._look_at_reader()
                self._tell_failures()
                self._keep()
            self._save()
            beats += 1
            self._doors.sleep(max(0.0, min(began + BEAT_SECONDS, end) - clock()))
        self._keep()
        return self._numbers()

    def _remember(self) -> None:
        """What a probe before or beside this one knows: a later beat, an incident."""
        try:
            self._pulse.learn(self._doors.incidents.pulse())
        except RecordUnreachable as error:
            logger.warning("last pulse not known", extra={"reason": str(error)})

    def _keep(self) -> None:
        try:
            self._doors.incidents.keep(self._pulse)
        except RecordUnreachable as error:
            logger.warning("pulse not kept", extra={"reason": str(error)})

    def _beat(self) -> None:
        try:
            beat = self._doors.heart.beat()
        except (Retryable, Permanent) as error:
            self._failed(error)
        else:
            self._succeeded(beat)

    def _failed(self, error: Exception) -> None:
        kind = type(error).__name__
        if self._pulse.incident is None:
            self._remember()
        begun = self._pulse.fail(self._doors.clock(), kind)
        if begun is not None:
            logger.error("writes fail", extra={"reason": f"{kind}: {error}"})
            metrics.publish(self._environment, {"WritesFailed": 1})  # now, not at the minute's end
            self._told += 1
            self._unsaved.append(begun)

    def _succeeded(self, beat: Beat) -> None:
        ended = self._pulse.succeed(beat)
        self._written_at = beat.written_at
        if ended is not None:
            self._unsaved.append(ended)

    def _look_at_reader(self) -> None:
        """How old is what the reader shows? Both moments are the writer's, so no clock differs."""
        if self._pulse.incident is not None or not self._pulse.acknowledged:
            return  # nothing new was written that it could show
        try:
            seen = self._doors.heart.seen_by_reader()
        except (Retryable, Permanent) as error:
            self._reader_failed += 1
            logger.warning("reader not asked", extra={"reason": f"{type(error).__name__}: {error}"})
        else:
            self._lag_seconds.append(lag := max(0.0, self._written_at - seen))
            if lag > STALE_SECONDS:  # now, not at the minute's end
                metrics.publish(self._environment, {"ReplicaLagSeconds": lag})

    def _save(self) -> None:
        """What could not be put on record is tried again with the next beat."""
        while self._unsaved:
            try:
                first = self._doors.incidents.record(self._unsaved[0])
                self._doors.incidents.keep(self._pulse)
            except RecordUnreachable as error:
                logger.warning("incident not on record yet", extra={"reason": str(error)})
                return
            incident = self._unsaved.pop(0)
            if first and incident.first_write_at is not None:
                self._tell(incident)

    def _tell(self, ended: Incident) -> None:
        """Whoever put the end on record tells it; a probe beside this one has seen it as well."""
        took = ended.recovery_seconds or 0.0
        about = {"seconds": round(took, 3), "lost_beats": ended.lost_beats}
        logger.error("writes work again", extra=about)
        numbers = {"RecoveryTimeSeconds": took, "BeatsLost": ended.lost_beats}
        metrics.publish(self._environment, numbers)

    def _tell_failures(self) -> None:
        """While it lasts, not at the minute's end: an alarm is waiting for them."""
        failed = self._pulse.refused - self._told
        if failed:
            metrics.publish(self._environment, {"WritesFailed": failed})
            self._told += failed

    def _numbers(self) -> dict[str, float]:
        numbers: dict[str, float] = {
            "WritesAcknowledged": self._pulse.acknowledged,
            "WritesFailed": self._pulse.refused - self._told,
        }
        if self._lag_seconds and not self._reader_failed:
            numbers |= {"ReplicaLagSeconds": max(self._lag_seconds)}
        return numbers
