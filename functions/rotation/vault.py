"""One secret in Secrets Manager: its versions, their labels, their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rotation.errors import NotPending
from streamflix import aws
from streamflix.errors import SecretMalformed, SecretUnreadable
from streamflix.secrets import Login

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
ADOPTED_TAG = "AdoptedVersion"


@dataclass(frozen=True, slots=True)
class Version:
    """A version that has a value. The value is in no repr."""

    id: str
    login: Login
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Labels:
    """What DescribeSecret says."""

    by_version: Mapping[str, frozenset[str]]
    last_rotated: datetime | None
    adopted: str | None

    def at(self, stage: str) -> str | None:
        return next((v for v, stages in self.by_version.items() if stage in stages), None)

    def is_pending(self, version: str) -> bool:
        return PENDING in self.by_version.get(version, ())


class Vault:
    """Raises everywhere: `SecretUnreadable` (Secrets Manager failed or refused)."""

    def __init__(self, arn: str, client: Any = None) -> None:
        self.arn = arn
        self._given = client

    @property
    def _client(self) -> Any:
        return self._given or aws.client("secretsmanager")

    def labels(self) -> Labels:
        answer = self._call("describe_secret")
        stages = {v: frozenset(s) for v, s in answer.get("VersionIdsToStages", {}).items()}
        tags = {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}
        return Labels(stages, answer.get("LastRotatedDate"), tags.get(ADOPTED_TAG))

    def require_pending(self, version: str) -> Labels:
        """Raises: `NotPending`."""
        labels = self.labels()
        if not labels.is_pending(version):
            raise NotPending(f"version {version} is not labelled {PENDING}")
        return labels

    def current(self) -> Version:
        """Raises: `SecretMalformed`, `SecretUnreadable`."""
        found = self._read(VersionStage=CURRENT)
        if found is None:
            raise SecretUnreadable(f"{CURRENT} has no value")
        return found

    def version(self, version: str) -> Version | None:
        """Nothing when it does not exist or has no value yet."""
        return self._read(VersionId=version)

    def put_pending(self, version: str, text: str) -> None:
        self._call(
            "put_secret_value",
            ClientRequestToken=version,
            SecretString=text,
            VersionStages=[PENDING],
        )

    def promote(self, version: str, current: str | None) -> None:
        """Move AWSCURRENT from `current` to this version; `current` becomes AWSPREVIOUS. Fails when
        somebody moved it meanwhile: no further look, because each one keeps clients waiting."""
        move = {"MoveToVersionId": version, "RemoveFromVersionId": current}
        self._call("update_secret_version_stage", VersionStage=CURRENT, **move)

    def call_off(self, version: str) -> None:
        """Take AWSPENDING from this version, if it is there."""
        if self.labels().is_pending(version):
            self._call(
                "update_secret_version_stage", VersionStage=PENDING, RemoveFromVersionId=version
            )

    def candidates(self) -> Iterator[Version]:
        """Every version with a value, in the order in which it may be the one that logs in:
        pending, current, previous, then those without a label, the youngest first. A label that an
        operator took away leaves the only copy of a live password there."""
        known = self.created()
        ranks = {PENDING: 0, CURRENT: 1, PREVIOUS: 2}
        labels = self.labels().by_version

        def rank(version: str) -> tuple[int, float]:
            stages = labels.get(version, frozenset())
            best = min((ranks[s] for s in stages if s in ranks), default=3)
            return best, -known[version].timestamp()

        for version in sorted(known, key=rank):
            try:
                found = self.version(version)
            except SecretMalformed:
                continue  # a version that no login can be made of is no candidate
            if found is not None:
                yield found

    def created(self) -> dict[str, datetime]:
        """When each version was made, those without a label included."""
        made: dict[str, datetime] = {}
        token: dict[str, str] = {}
        while True:
            page = self._call("list_secret_version_ids", IncludeDeprecated=True, **token)
            made |= {each["VersionId"]: each["CreatedDate"] for each in page["Versions"]}
            if not page.get("NextToken"):
                return made
            token = {"NextToken": page["NextToken"]}

    def _read(self, **which: str) -> Version | None:
        try:
            answer = self._call("get_secret_value", **which)
        except SecretUnreadable as error:
            if "ResourceNotFoundException" in str(error):
                return None
            raise
        text = answer.get("SecretString")
        if text is None:
            return None
        return Version(answer["VersionId"], Login.from_json(text), text)

    def _call(self, operation: str, **given: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(SecretId=self.arn, **given)
        except (BotoCoreError, ClientError) as error:
            raise SecretUnreadable(f"{operation}: {aws.reason(error)}") from None
