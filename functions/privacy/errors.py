"""What can go wrong with an erasure, in the words of whoever is called.

No message carries an identity, an id of an account, a profile or a device, or a value out of a row.
"""

from __future__ import annotations

from streamflix.errors import Permanent, Retryable


class BadDataMap(Permanent):
    """The data map contradicts itself. Nothing was erased. Correct functions/privacy/data_map.yaml;
    `make lint` says the same before a deploy."""


class DataMapDrifted(Permanent):
    """A store holds something that the data map does not name, or lacks something that it does: an
    erasure now could miss it. Nothing was erased. Add it to functions/privacy/data_map.yaml with
    its category and action, deploy, and resume the request. Runbook erasure-drifted."""


class RowsInTheWay(Retryable):
    """A row that points at the person appeared between two statements, or another transaction held
    its rows. What was begun is rolled back; the next attempt sees it."""


class FilesUnreachable(Retryable):
    """The file system is not mounted or did not answer. Nothing was counted as gone. Look at the
    mount targets and at the function's access point."""


class OutOfTime(Retryable):
    """This invocation's time is used up. What it has done stays done; the next one goes on."""


class RemainsFound(Retryable):
    """The verification found data of the person. The request goes back to erasing; when that
    happens again and again, some writer ignores the fence. Runbook erasure-failed."""


class StatisticsKept(Retryable):
    """PostgreSQL did not forget values of the person: ANALYZE warned or its result still shows
    them. Is app.forget_statistics owned by the owner of the tables? Runbook erasure-failed."""
