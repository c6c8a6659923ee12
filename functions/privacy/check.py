"""CloudFormation calls this for `Custom::DataMapChecked`: a deploy that drifts ends here.

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

PHYSICAL_ID = "data-map-checked"
OUT_OF_TIME = "the database did not become reachable within the function's time; deploy again"


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Compare the database with the data map, and answer CloudFormation whatever happens.

    Event: a custom resource request with the property SchemaVersion, the package's newest
    migration; the others are reasons to come back. Delete does nothing.
    """
    custom_resource.serve(event, context, _act, physical_id=PHYSICAL_ID, out_of_time=OUT_OF_TIME)


def _act(request: Request, context: Context, reply: Reply) -> Mapping[str, str]:  # noqa: ARG001
    from privacy.doors import open_doors
    from privacy.settings import Settings

    doors = open_doors(Settings.from_env())
    try:
        # A database ahead of the package is what a rollback leaves: the map before is back, and
        # what it does not name blocks erasures, not the rollback.
        if doors.database.version() <= int(request.text("SchemaVersion") or 0):
            doors.database.guard()
    finally:
        doors.rest()
    return {"MapSha256": doors.data_map.sha256}
