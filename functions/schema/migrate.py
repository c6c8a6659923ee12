"""CloudFormation calls this for `Custom::DatabaseSchema` in stacks/schema.yaml, and waits.

What needs the vendor layer is imported where it is used: when that layer is broken or missing,
CloudFormation is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamflix import custom_resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.custom_resource import Reply, Request
    from streamflix.deadline import Context

PHYSICAL_ID = "database-schema"
OUT_OF_TIME = (
    "the database did not become reachable, or a migration did not end, within the function's "
    "time. See the function's log; when the database is up, deploy again"
)


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Bring the database to this package's schema, put its epoch into the address book if there is
    none, and answer CloudFormation whatever happens.

    Event: a custom resource request with the properties MigrationsSha256 (refused when it is not
    the package's) and ClusterResourceId (a new cluster is a reason to come back).
    Delete leaves the database alone, takes the epoch out of the address book and succeeds, also
    when the database or Parameter Store is gone.
    Raises: `BadRequest` when there is nobody to answer; `Unanswered` when the answer did not get
    through (Lambda then calls again). Safe to repeat, to interrupt and to run twice at once.
    """
    custom_resource.serve(
        event,
        context,
        _act,
        physical_id=PHYSICAL_ID,
        out_of_time=OUT_OF_TIME,
        at_end=_withdraw,
    )


def _act(request: Request, context: Context, reply: Reply) -> Mapping[str, str]:
    from schema.settings import Settings
    from schema.upgrade import upgrade
    from streamflix.deadline import Deadline

    return upgrade(
        request.text("MigrationsSha256"),
        Settings.from_env(),
        Deadline.of(context),
        waits=reply.waits,
    )


def _withdraw() -> None:
    from schema import epoch
    from schema.settings import Settings

    epoch.withdraw(Settings.from_env())
