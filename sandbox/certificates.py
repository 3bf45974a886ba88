"""GET /v3/certificates, for merchants in certificate mode."""

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter

from sandbox import signing
from sandbox.clock import iso
from sandbox.gate import Call, Reply, serve
from sandbox.world import World


def certificates(world: World, _: Call) -> Reply:
    """GET /v3/certificates: the platform's certificate, encrypted with the merchant's APIv3 key."""
    certificate, pem = world.keys.certificate, world.keys.certificate.public_bytes(Encoding.PEM)
    said = {
        "serial_no": world.keys.by_certificate.serial,
        "effective_time": iso(certificate.not_valid_before_utc.timestamp()),
        "expire_time": iso(certificate.not_valid_after_utc.timestamp()),
        "encrypt_certificate": signing.encrypt(world.keys.ids.apiv3_key, pem, "certificate"),
    }
    return 200, {"data": [said]}


def add_routes(router: APIRouter, world: World) -> None:
    """Mount the endpoint."""
    serve(router, world, "GET", "/v3/certificates", certificates)
