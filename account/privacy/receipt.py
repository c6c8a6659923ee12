"""A receipt, checked by the public key alone."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from account.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from account.view import View

ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_256"


def verify(receipt: str, pem: str) -> dict[str, Any]:
    """What the receipt says. Raises: `Refusal` when it is not what the key has signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        told = json.loads(receipt)
        text, signature = told["receipt"], base64.b64decode(told["signature"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise Refusal("This is no receipt: it has no text with a signature.") from None
    if told.get("algorithm") != ALGORITHM:
        raise Refusal(f"The receipt is not signed by {ALGORITHM}.")
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError:
        raise Refusal("KEY is no public key in PEM; /v2/discovery publishes it.") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Refusal("KEY is no RSA key; /v2/discovery publishes it.")
    try:
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Refusal(
            "The signature does not fit: the receipt was changed, or KEY is another environment's."
        ) from None
    found: dict[str, Any] = json.loads(text)
    return found


def check(file: Path, key: Path, view: View) -> None:
    """Verify and show. Raises: `Refusal`."""
    for path, name in ((file, "FILE"), (key, "KEY")):
        if not path.is_file():
            raise Refusal(f"{name} is no file: make verify-receipt FILE=receipt.json KEY=key.pem")
    show(verify(file.read_text(), key.read_text()), view)
    view.say("The signature is good: this is what the platform has signed, to the letter.")


def show(told: dict[str, Any], view: View) -> None:
    """The receipt as a table: of a request, or of a replay in a restored copy."""
    erased = [(place, "erased", str(count), "") for place, count in told["erased"].items()]
    retained = [
        (each["from"], "retained, anonymous", str(each["rows"]), each["legal_basis"])
        for each in told["retained"]
    ]
    of = (
        f"restore {told['restore']} ({told['mode']})"
        if "restore" in told
        else f"request {told['subject_request_id']}"
    )
    view.table(f"Receipt of {of}", ("where", "what", "count", "why"), [*erased, *retained])
    if "restore" in told:
        view.say(
            f"Restored to {told['target_time']}: {told['requests']} erasures repeated, "
            f"{told['accounts']} accounts went again; nothing was found any more at "
            f"{told['verification']['verified_time']}."
        )
        return
    view.say(
        f"Received {told['received_time']}, completed {told['completed_time']}; nothing was found "
        f"any more at {told['verification']['verified_time']}. "
        f"The last backup with it goes on {told['backups_expire_on']}."
    )
