"""Deliveries of a notification: as the platform makes them, and as a forger or a bad day would."""

import base64
import json
import random
import secrets
from typing import Any

from sandbox import signing
from sandbox.faults import Tampering
from sandbox.keys import Signer
from sandbox.world import World

LARGE = 1024 * 1024
INSIDE: dict[str, dict[str, Any]] = {
    "other_amount": {"amount": {"total": 1, "payer_total": 1, "refund": 1, "payer_refund": 1, "currency": "CNY"}},
    "other_mchid": {"mchid": "1900000000"},
    "other_appid": {"appid": "wx0000000000000000"},
    "other_openid": {"payer": {"openid": "o-somebody-else"}},
    "unknown_order": {"out_trade_no": "UNKNOWN000000", "out_refund_no": "UNKNOWN000000-R1"},
}


def delivery(world: World, body: bytes, tampering: Tampering | None = None) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one delivery, signed afresh."""
    signer, clock_s = _signer(world), 0
    if tampering is not None:
        body = json.dumps(_altered(world, json.loads(body), tampering), ensure_ascii=False).encode()
    if tampering == "replay":
        clock_s = -86400
    elif tampering == "forged":
        signer = Signer(signer.serial, world.keys.merchant)
    elif tampering == "unknown_serial":
        signer = Signer("PUB_KEY_ID_0" + "9" * 30, world.keys.platform)
    headers = {"Content-Type": "application/json", **signing.sign(signer, body, clock_s=clock_s)}
    if tampering == "signtest":
        headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + base64.b64encode(secrets.token_bytes(240)).decode()
    elif tampering == "no_signature_type":
        del headers["Wechatpay-Signature-Type"]
    return headers, body


def _altered(world: World, envelope: dict[str, Any], tampering: Tampering) -> dict[str, Any]:
    resource = envelope["resource"]
    plain, original_type = signing.unseal(world.keys, resource), resource["original_type"]
    text = json.dumps(plain).encode()
    if tampering in INSIDE:
        changes = {name: value for name, value in INSIDE[tampering].items() if name in plain or name == "appid"}
        return envelope | {"resource": signing.seal(world.keys, plain | changes, original_type)}
    if tampering == "other_apiv3_key":
        return envelope | {"resource": resource | signing.encrypt(secrets.token_hex(16), text, original_type)}
    if tampering == "other_aad":
        other = signing.encrypt(world.keys.ids.apiv3_key, text, "something else")
        return envelope | {"resource": resource | other | {"associated_data": original_type}}
    if tampering == "unknown_event":
        return envelope | {"event_type": "TRANSACTION.INVENTED"}
    if tampering == "large":
        return envelope | {"padding": "x" * LARGE}
    return envelope


def _signer(world: World) -> Signer:
    if random.random() * 100 < world.certificate_percent:  # noqa: S311 - no secret
        return world.keys.by_certificate
    return world.new_key or world.keys.by_key
