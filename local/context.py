"""What every hook is given: the laptop cloud that it is part of."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING

from local.certificates import Authority
from local.cuts import Cuts
from local.endpoint import Endpoints
from local.instance import make_state, remove_state
from local.metric_sources import Metrics
from local.supervise import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from local.instance import Instance


class Cloud:
    """One running laptop cloud. Nothing is started before a hook needs it."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.supervisor = Supervisor(instance.home)
        self.metrics = Metrics()
        self.at_exit = contextlib.ExitStack()
        """Ends what hooks have started, the last first."""

    @cached_property
    def authority(self) -> Authority:
        return Authority.at(self.instance.ca.parent)

    @cached_property
    def endpoints(self) -> Endpoints:
        endpoints = Endpoints(self.authority.server_context(), Cuts(self.instance.home))
        self.at_exit.callback(endpoints.close)
        return endpoints

    @cached_property
    def state(self) -> Path:
        """The servers' directory. Once it is asked for, servers may start: the guard comes first,
        so that none of them outlives a launcher that is killed."""
        self.supervisor.guard()
        self.at_exit.callback(remove_state, self.instance.home)
        return make_state(self.instance.home)

    def close(self) -> None:
        self.at_exit.close()
