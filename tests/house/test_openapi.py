"""The contract served at /openapi.json is complete."""

import re
from typing import Any

import pytest

from app.core.settings import Settings
from app.main import refuse_undeclared
from routers.house import make_router
from tests.applications import FIRST

pytestmark = pytest.mark.no_database

CONTRACT = FIRST.openapi()
OPERATIONS = [
    (f"{verb.upper()} {path}", operation)
    for path, verbs in CONTRACT["paths"].items()
    for verb, operation in verbs.items()
]


def test_every_operation_is_named_and_summarised() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    for where, operation in OPERATIONS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"]), where
        assert operation["summary"], where
        assert operation.get("description"), f"{where}: say in its docstring what it does"


def test_every_operation_documents_its_problems() -> None:
    for where, operation in OPERATIONS:
        for status in ("401", "403", "404", "409", "422", "429", "503"):
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (where, status)


def test_every_body_has_an_example() -> None:
    shapes = CONTRACT["components"]["schemas"]
    for where, operation in OPERATIONS:
        bodies = [operation.get("requestBody", {})] + [
            response for status, response in operation["responses"].items() if status < "300"
        ]
        for body in bodies:
            for shape in _shapes_of(body):
                name = shape.rsplit("/", 1)[-1]
                if name.startswith("PageOf"):
                    name = re.sub(r"^PageOf_(\w+)_$", r"\1", name)
                assert shapes[name].get("examples"), f"{where}: {name} has no example"


def _shapes_of(body: dict[str, Any]) -> list[str]:
    found = []
    for kind, content in body.get("content", {}).items():
        if kind == "multipart/form-data":  # a file cannot be written down as an example
            continue
        schema = content.get("schema", {})
        for part in [schema, *schema.get("anyOf", []), *schema.get("oneOf", [])]:
            if "$ref" in part:
                found.append(part["$ref"])
    return found


def test_examples_fit_their_shapes() -> None:
    from pydantic import BaseModel

    def all_below(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model} | {deep for sub in model.__subclasses__() for deep in all_below(sub)}

    checked = 0
    for model in all_below(BaseModel):
        if not model.__module__.startswith("routers."):
            continue
        extra = model.model_config.get("json_schema_extra") or {}
        assert isinstance(extra, dict)
        for example in extra.get("examples", []):  # type: ignore[union-attr]
            model.model_validate(example)
            checked += 1
    assert checked > 10


def test_an_operation_without_a_declared_permission_does_not_start() -> None:
    careless = make_router("/careless", "careless")

    @careless.get("")
    async def leak_everything() -> dict[str, str]:
        return {}

    with pytest.raises(RuntimeError, match="declares no permission"):
        refuse_undeclared(careless)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"database_url": ""}, "DATABASE_URL"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"secret_key": "linli-development-only"}, "SECRET_KEY"),
        ({"media_store": ""}, "MEDIA_STORE"),
        ({"log_signing_key_file": None}, "LOG_SIGNING_KEY_FILE"),
        ({"wx_appid": "wxSANDBOX0000"}, "sandbox"),
        ({"wxpay_base": "http://127.0.0.1:8001"}, "api.mch.weixin.qq.com"),
        ({"wxpay_apiv3_key": "x"}, "32"),
        ({"wx_push_token": ""}, "WX_PUSH_TOKEN"),
        ({"wx_encoding_aes_key": ""}, "WX_ENCODING_AES_KEY"),
        ({"wx_encoding_aes_key": "A" * 42}, "43"),
        ({"public_base_url": "http://example.org"}, "https"),
    ],
)
def test_production_refuses_what_is_missing_or_not_real(change: dict[str, str], complaint: str) -> None:
    complete: dict[str, Any] = {
        "app_env": "production",
        "database_url": "postgresql://linli_app@db/linli",
        "redis_url": "redis://redis",
        "public_base_url": "https://linli.example.org",
        "secret_key": "s" * 40,
        "media_store": "s3://linli",
        "log_signing_key_file": "/run/secrets/log.pem",
        "wx_appid": "wx0123456789abcdef",
        "wx_secret": "0" * 32,
        "wx_push_token": "t" * 32,
        "wx_encoding_aes_key": "A" * 43,
        "wxpay_mchid": "1900000001",
        "wxpay_merchant_serial": "0A",
        "wxpay_merchant_key_file": "/run/secrets/key.pem",
        "wxpay_apiv3_key": "k" * 32,
        "wxpay_public_key_id": "PUB_KEY_ID_011",
        "wxpay_public_key_file": "/run/secrets/pub.pem",
    }
    assert Settings(_env_file=None, **complete).production
    with pytest.raises(ValueError, match=complaint):
        Settings(_env_file=None, **complete | change)
