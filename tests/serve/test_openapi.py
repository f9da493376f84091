"""The OpenAPI document is complete: whatever it allows is answered as it says, and nothing fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.serve.conftest import SEED, live

from heedful.encode import HashEncoder
from heedful.serve.app import create_app
from heedful.serve.settings import Settings

CHECKS = (
    not_a_server_error,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)


DESCRIBED = schemathesis.openapi.from_dict(create_app("unopened").openapi())
DESCRIBED.config.checks.negative_data_rejection.expected_statuses = ["4XX"]  # too large a body is refused with 413


@pytest.fixture(scope="module")
def address(index: Path, encoder: HashEncoder):
    with live(create_app(index, settings=Settings(concurrent=1, watch=0), encoder=encoder)) as made:
        yield made


@DESCRIBED.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_asked_is_answered_as_described(case: schemathesis.Case, address: str):
    case.call_and_validate(base_url=address, checks=list(CHECKS))


def test_real_answers_have_the_described_shape(address: str):
    start = {"seeds": [SEED], "instruction": "similar method"}
    asked = [
        ("/api/explore", {**start, "previous": "same topic", "documents": True}),
        ("/api/explore", {"seed_text": "Reefs bleach. A kernel smooths. Errors fell.", "documents": True}),
        ("/api/explore", {"query": "reefs", "rerank": "align(by=ot)", "avoid": ["buses"], "steer": 0.7}),
        ("/api/plan", {"instruction": "papers about reefs, not about buses, since 2012"}),
        ("/api/compare", {"seeds": [SEED], "instructions": ["", "similar method"]}),
        ("/v1/rerank", {"query": "reefs", "documents": ["one", {"text": "two"}], "return_documents": True}),
        ("/api/export", {"format": "csv", "ids": [SEED]}),
    ]
    for path, body in asked:
        case = DESCRIBED[path]["POST"].Case(body=body, media_type="application/json")
        answer = case.call_and_validate(base_url=address, checks=list(CHECKS))
        assert answer.status_code == 200, answer.text


def test_every_operation_says_what_it_does_and_how_it_refuses(client: TestClient):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/info",
        "/api/documents",
        "/api/documents/{id}",
        "/api/plan",
        "/api/explore",
        "/api/compare",
        "/api/export",
        "/v1/rerank",
        "/healthz",
        "/readyz",
    }
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation["summary"] and (operation.get("description") or path in ("/healthz", "/readyz"))
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Failed"}
            if path.startswith(("/api", "/v1")):
                assert {"401", "413", "422", "503"} <= set(operation["responses"])
    assert "HTTPValidationError" not in json.dumps(paths)
