"""What others bring: the image, the certificate, the vault in the other region, who is woken."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from account.preflight.finding import Check, Finding, Look, fails, note

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = re.compile(r"(?P<name>[^\s@]+)@(?P<digest>sha256:[0-9a-f]{64})")
ECR = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>.+)"
)
VAULT = re.compile(
    r"arn:aws[a-z-]*:backup:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):backup-vault:(?P<name>.+)"
)
DAYS_BEFORE_EXPIRY = 14


def _image(look: Look) -> Iterator[Finding]:
    image = look.plan.get("ServiceImage")
    if not image:
        yield Finding("service image", "none asked for: the template's own placeholder runs")
        return
    parts = IMAGE.fullmatch(image)
    if not parts:
        yield fails(
            "service image",
            f"{image} names no digest",
            "Write it as <repository>@sha256:<64 hex digits>: a tag can change between two tasks.",
        )
        return
    place = ECR.fullmatch(parts["name"])
    if place and look.account.environment != "local":
        yield _in_ecr(look, place, parts["digest"])
    else:
        yield Finding("service image", "a digest of a registry that is not asked from here")


def _in_ecr(look: Look, place: re.Match[str], digest: str) -> Finding:
    ecr = look.at("ecr", place["region"])
    repository = place["repository"].split(":")[0]
    try:
        ecr.describe_images(
            registryId=place["registry"],
            repositoryName=repository,
            imageIds=[{"imageDigest": digest}],
        )
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        return fails(
            "service image",
            f"{repository} has no {digest[:19]}…",
            "Push the image first, or correct ServiceImage: tasks that cannot pull never start.",
        )
    return Finding("service image", f"{repository}@{digest[:19]}…")


def _certificate(look: Look) -> Iterator[Finding]:
    name, arn = look.plan.get("ServiceHostName"), look.plan.get("ServiceCertificateArn")
    if not name and not arn:
        yield Finding("service certificate", "none asked for")
        return
    if not name or not arn:
        yield fails(
            "service certificate",
            "a host name and a certificate need each other",
            "Set ServiceHostName and ServiceCertificateArn in samconfig.toml, or neither.",
        )
        return
    acm = look.at("acm")
    try:
        found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except (acm.exceptions.ResourceNotFoundException, acm.exceptions.InvalidArnException):
        yield fails(
            "service certificate",
            "does not exist in this account and region",
            "Request one in eu-central-1: aws acm request-certificate --validation-method DNS "
            f"--domain-name {name}",
        )
        return
    yield _judge_certificate(found, name)


def _judge_certificate(certificate: dict[str, Any], host: str) -> Finding:
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    if certificate["Status"] != "ISSUED":
        return fails(
            "service certificate",
            f"is {certificate['Status']}",
            "Complete its validation (the DNS record of describe-certificate), then wait.",
        )
    if not any(covers(each, host) for each in names):
        return fails(
            "service certificate",
            f"is not for {host}",
            "Request a certificate for ServiceHostName: API Gateway verifies the name.",
        )
    ends = certificate.get("NotAfter")
    if ends and ends - dt.datetime.now(ends.tzinfo) < dt.timedelta(days=DAYS_BEFORE_EXPIRY):
        return fails(
            "service certificate",
            f"ends on {ends:%Y-%m-%d}",
            "Renew it now; a managed certificate whose DNS record is gone does not renew itself.",
        )
    return Finding("service certificate", f"issued for {host}")


def covers(pattern: str, host: str) -> bool:
    """As TLS has it: a star stands for exactly one label, the first."""
    if pattern.startswith("*."):
        return host.partition(".")[2].lower() == pattern[2:].lower()
    return pattern.lower() == host.lower()


def _copy_vault(look: Look) -> Iterator[Finding]:
    arn = look.plan.get("BackupCopyVaultArn")
    if not arn:
        yield Finding("vault for copies", "none asked for: backups stay in this region")
        return
    parts = VAULT.fullmatch(arn)
    if not parts:
        yield fails(
            "vault for copies", f"{arn} is no ARN of a vault", "Correct BackupCopyVaultArn."
        )
        return
    if not parts["region"].startswith("eu-"):
        yield fails(
            "vault for copies",
            f"lies in {parts['region']}",
            "Choose a region of the EU: people's data does not leave it.",
        )
        return
    backup = look.at("backup", parts["region"])
    try:
        backup.describe_backup_vault(
            BackupVaultName=parts["name"], BackupVaultAccountId=parts["account"]
        )
    except backup.exceptions.ResourceNotFoundException:
        yield fails(
            "vault for copies",
            f"{parts['name']} does not exist in {parts['region']}",
            f"aws backup create-backup-vault --region {parts['region']} "
            f"--backup-vault-name {parts['name']}",
        )
    else:
        yield Finding("vault for copies", f"{parts['name']} in {parts['region']}")


def _on_call(look: Look) -> Iterator[Finding]:
    if look.plan.get("PageEmail") or look.plan.get("PageUrl"):
        yield Finding("on-call", "somebody is woken")
    elif look.environment == "prod":
        yield fails(
            "on-call",
            "nobody is woken",
            "Set PageEmail or PageUrl in samconfig.toml; the template refuses production without.",
        )
    else:
        yield note("on-call", "nobody is woken", "Set PageEmail or PageUrl to be paged.")


CHECKS = (
    Check("service image", _image),
    Check("service certificate", _certificate, "the laptop's cloud has no certificates of ACM"),
    Check("vault for copies", _copy_vault, "the laptop's cloud has one region"),
    Check("on-call", _on_call, "a laptop wakes nobody"),
)
