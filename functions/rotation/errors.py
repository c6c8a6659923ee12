"""What can go wrong with a rotation, in an operator's words. No message carries a credential."""

from __future__ import annotations

from streamflix.errors import Permanent, Retryable


class NotOurSecret(Permanent):
    """Somebody asked to rotate a secret that this platform does not know. Nothing was touched."""


class MalformedRequest(Permanent):
    """The event is none that Secrets Manager sends. Rotate with `make rotate`, not by invoking."""


class NotPending(Permanent):
    """The version is not the one that waits for promotion: it was promoted or called off meanwhile.
    Nothing was touched; start a new rotation if one is still wanted."""


class TooSoon(Permanent):
    """The last promotion is so young that clients may still hold the credential before it. Nothing
    was touched and the rotation is called off; rotate again after the interval."""


class PendingStale(Permanent):
    """The version that waits for promotion was made from another current one. The sweeper calls it
    off; rotate again afterwards."""


class SecretDrifted(Permanent):
    """No version of the secret logs in, or the one that does may not be replaced blindly: somebody
    changed the password by hand. Nothing was touched; runbook secret-drifted."""


class RightsDiffer(Permanent):
    """The new login gets in but may not do what the current one may, so it was not promoted. Run
    the sweeper, which repairs memberships, then rotate again; runbook secret-drifted."""


class OldPasswordInUse(Retryable):
    """Somebody may still hold the password before the current one, and Redis knows two at most.
    The old one is retired when the service has been redeployed; runbook redeploy-failed."""


class RedisUserBusy(Retryable):
    """ElastiCache is still busy with the user, or the user's group; it will end."""


class NewLoginRefused(Retryable):
    """The store does not accept the new password yet, on every node. It was not promoted; the old
    one stays in use."""
