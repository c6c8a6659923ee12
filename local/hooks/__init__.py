"""What MiniStack lacks or gets wrong, one gap per module.

Each names its gap and its test, lists the names in MiniStack that it relies on (``PATCHES``) and
the CloudFormation types that it handles (``TYPES``), and has ``install(cloud)``. They are installed
in this order. `local.contract` tells when a name or a handler is missing.
"""

from __future__ import annotations

from local.hooks import (
    iam_record,
    nested_stacks,
    types_alerting,
    types_network,
    types_recorded,
)

HOOKS = (
    iam_record,
    nested_stacks,
    types_network,
    types_alerting,
    types_recorded,
)
