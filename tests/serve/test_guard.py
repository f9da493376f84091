from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import SEED

from heedful.encode import HashEncoder
from heedful.serve.app import PAGE, create_app
from heedful.serve.guard import Guard
from heedful.serve.logs import JsonFormatter
from heedful.serve.settings import Settings

KEY = "correct horse battery"


@pytest.fixture(scope="module")
def locked(index: Path, encoder: HashEncoder):
    settings = Settings(api_key=KEY, hosts=("testserver", "[::1]"))
    with TestClient(create_app(index, settings=settings, encoder=encoder)) as made:
        yield made


def test_every_answer_tells_browsers_what_is_allowed(client: TestClient):
    for path in ("/", "/api/info", "/nowhere", "/healthz", "/openapi.json"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_page_has_nothing_inline_and_nothing_from_outside(client: TestClient):
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    for file in [page.text, *(path.read_text(encoding="utf-8") for path in (PAGE / "templates").rglob("*.html"))]:
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+\s*=|\sstyle\s*=|<style", file)
        assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", file)


def test_a_key_is_asked_for_wherever_the_collection_shows(locked: TestClient):
    for method, path in [
        ("GET", "/api/info"),
        ("GET", "/api/documents"),
        ("GET", f"/api/documents/{SEED}"),
        ("POST", "/api/explore"),
        ("POST", "/v1/rerank"),
        ("POST", "/mcp"),
        ("GET", "/nowhere"),
    ]:
        answer = locked.request(method, path)
        assert answer.status_code == 401 and "Bearer" in answer.headers["www-authenticate"], path
        assert answer.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, {"authorization": f"bearer {KEY}"}]
)
def test_the_key_opens(locked: TestClient, headers: dict[str, str]):
    assert locked.get("/api/info", headers=headers).status_code == 200


@pytest.mark.parametrize("shown", [KEY[:-1], KEY + "x", "", KEY.upper(), "é"])
def test_another_key_does_not(locked: TestClient, shown: str):
    assert locked.get("/api/info", headers={"X-API-Key": shown.encode()}).status_code == 401
    assert locked.get("/api/info", headers={"Authorization": f"Basic {KEY}"}).status_code == 401
    assert locked.get("/api/info", params={"key": KEY}).status_code == 401


def test_what_holds_nothing_of_the_collection_needs_no_key(locked: TestClient):
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert locked.get(path).status_code == 200
    page = locked.get("/").text
    assert "reefs" not in page and KEY not in page
    assert locked.get("/static/../api/info").status_code == 401
    assert locked.get("/static/%2e%2e/api/info").status_code == 404


def test_the_document_says_how_the_key_is_shown(locked: TestClient):
    schemes = locked.get("/openapi.json").json()["components"]["securitySchemes"].values()
    assert {(scheme["type"], scheme.get("scheme", scheme.get("name"))) for scheme in schemes} == {
        ("http", "bearer"),
        ("apiKey", "X-API-Key"),
    }


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example", 421), ("testserver:80", 200), ("[::1]:80", 200), ("", 421)]
)
def test_only_names_of_this_server_are_answered(locked: TestClient, host: str, status: int):
    assert locked.get("/healthz", headers={"Host": host}).status_code == status


def test_a_request_has_an_id_which_a_client_may_choose_plainly(client: TestClient):
    assert client.get("/healthz", headers={"X-Request-ID": "a-1.b_2"}).headers["x-request-id"] == "a-1.b_2"
    for strange in ("a b", "x" * 65, '"><script>'):
        assert re.fullmatch(
            r"[0-9a-f]{32}", client.get("/healthz", headers={"X-Request-ID": strange}).headers["x-request-id"]
        )


def test_logs_are_json_and_hold_neither_texts_nor_keys(locked: TestClient, caplog: pytest.LogCaptureFixture):
    logging.getLogger("heedful").propagate = True
    with caplog.at_level(logging.INFO, "heedful.serve"):
        locked.post(
            "/api/explore",
            json={"query": "secretquery", "instruction": "secretwish"},
            headers={"X-API-Key": KEY, "X-Request-ID": "mine"},
        )
        locked.get("/api/documents/secretid", params={"q": "secretq"}, headers={"X-API-Key": KEY})
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    requests = [line for line in lines if line["message"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/api/explore", 200),
        ("/api/documents/{id:path}", 404),
    ]
    assert requests[0]["request_id"] == "mine" and requests[0]["ms"] > 0 and "waited_ms" in requests[0]
    assert "secret" not in json.dumps(lines) and KEY not in json.dumps(lines)


def test_texts_are_logged_where_that_was_asked_for(index: Path, encoder: HashEncoder, caplog: pytest.LogCaptureFixture):
    logging.getLogger("heedful").propagate = True
    settings = Settings(log_texts=True)
    with TestClient(create_app(index, settings=settings, encoder=encoder)) as client, caplog.at_level(logging.INFO):
        client.post("/api/explore", json={"query": "reefs", "instruction": "kernels"})
    said = [record.texts for record in caplog.records if hasattr(record, "texts")]
    assert said == [{"query": "reefs", "instruction": "kernels"}]


async def _fails(scope, receive, send):
    raise RuntimeError("secret words")


@pytest.mark.parametrize("texts", [False, True])
def test_the_unexpected_is_a_500_without_details_and_logged_with_its_place(
    caplog: pytest.LogCaptureFixture, texts: bool
):
    logging.getLogger("heedful").propagate = True
    with caplog.at_level(logging.INFO, "heedful.serve"):
        answer = TestClient(Guard(_fails, Settings(log_texts=texts))).get("/x")
    assert answer.status_code == 500 and "secret" not in answer.text
    (record,) = caplog.records
    assert "RuntimeError" in record.failure and "_fails" in record.failure
    assert ("secret words" in record.failure) is texts
