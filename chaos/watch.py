"""Everybody who looks on at a game day: the load, and whoever listens to the platform."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from chaos import clients, witnesses
from chaos.alarms import Alarms, Pager
from chaos.timeline import Timeline
from chaos.viewers import Viewers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chaos.background import Background
    from demo.platform import Platform

STAYS_S: Final = 3.0
"""Served again is who was served for so long."""
LATE_S: Final = 2.0
"""Events of a healthy stream are counted in less."""
UNREACHABLE: Final = (BotoCoreError, ClientError, *clients.REFUSALS)


@dataclass(frozen=True)
class Watch:
    """Everybody who looks on."""

    writer: clients.Writer
    reader: clients.Reader
    cache: clients.Cache
    viewers: Viewers
    alarms: Alarms
    pager: Pager
    platform_says: witnesses.Witnesses
    timeline: Timeline

    @property
    def clients(self) -> Sequence[clients.Client]:
        return self.writer, self.reader, self.cache

    @property
    def backgrounds(self) -> Sequence[Background]:
        return (
            *(each.background for each in self.clients),
            self.viewers.sending,
            self.viewers.looking,
            self.alarms.background,
            self.pager.background,
        )

    @property
    def trouble(self) -> str:
        """The first of us that broke down: what we saw is then not the whole."""
        return next((each.trouble for each in self.backgrounds if each.trouble), "")

    def served(self, since: float, now: float) -> bool:
        """Whether every client is, and has been for a while."""
        recovered = [each.outage(since).recovered for each in self.clients]
        return all(moment is not None and now - moment >= STAYS_S for moment in recovered)

    def caught_up(self, since: float) -> float | None:
        """When no event was late any more; None while one is."""
        samples = [each for each in list(self.viewers.lag) if each[0] >= since]
        late = [at for at, behind in samples if behind > LATE_S]
        return next((at for at, _ in samples if not late or at > late[-1]), None)


@contextlib.contextmanager
def watching(platform: Platform) -> Iterator[Watch]:
    """The load runs and everything is looked at inside; nothing of it stays behind."""
    run, timeline = f"chaos-{secrets.token_hex(4)}", Timeline()
    viewers, pager = Viewers(platform, run), Pager(platform, timeline)
    watch = Watch(
        clients.Writer(platform, run),
        clients.Reader(platform),
        clients.Cache(platform),
        viewers,
        Alarms(platform, timeline),
        pager,
        witnesses.Witnesses(platform),
        timeline,
    )
    with contextlib.ExitStack() as undone:
        for close in (*(each.close for each in watch.clients), viewers.close, pager.close):
            undone.callback(_quietly, close)
        for background in watch.backgrounds:
            undone.callback(background.stop)
        watch.alarms.start()
        watch.pager.start()
        for client in watch.clients:
            client.background.start()
        watch.viewers.sending.start()
        watch.viewers.looking.start()
        yield watch


def _quietly(close: Callable[[], None]) -> None:
    """What cannot be taken back now is taken back by the next game day."""
    with contextlib.suppress(*UNREACHABLE):
        close()
