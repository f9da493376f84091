"""What a malicious document or client could try; each must be harmless."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import HOSTILE, SEED

from heedful.serve.export import safe_name

SCRIPT = "<script>alert(1)</script>"


def refused(answer, status: int = 422) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()["error"]["message"]


def test_a_document_with_a_script_is_data_that_no_browser_runs(client: TestClient):
    answer = client.get(f"/api/documents/{quote(HOSTILE, safe='')}")
    assert answer.json()["title"].startswith("<script>")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_query_with_a_script_comes_back_as_json_only(client: TestClient):
    for body in ({"query": SCRIPT}, {"query": "[x](javascript:alert(1))"}, {"seeds": [SEED], "instruction": SCRIPT}):
        answer = client.post("/api/explore", json=body)
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    refused(client.post("/api/explore", json={"seeds": [SCRIPT]}))
    refused(client.get(f"/nowhere/{quote(SCRIPT)}"), 404)


def test_exports_of_a_hostile_document_are_attachments_that_stay_in_their_format(client: TestClient):
    for format in ("bibtex", "ris", "csv", "json", "trec"):
        answer = client.post("/api/export", json={"format": format, "ids": [HOSTILE]})
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "html" not in answer.headers["content-type"]
    rows = list(csv.DictReader(io.StringIO(client.post("/api/export", json={"format": "csv", "ids": [HOSTILE]}).text)))
    assert len(rows) == 1 and not any((cell or "")[:1] in "=+-@" for cell in rows[0].values() if cell)


@pytest.mark.parametrize(
    "where",
    [
        "1=1; DROP TABLE documents",
        "year = 2011 OR 1=1 --",
        "year IN (SELECT year FROM documents)",
        "pg_sleep(10)",
        "' OR ''='",
        "year > 2000 /* */",
        "(" * 100 + "1" + ")" * 100,
        "year > 2000\x00",
        "\x00",
    ],
)
def test_sql_in_a_filter_is_refused(client: TestClient, where: str):
    refused(client.post("/api/explore", json={"seeds": [SEED], "where": where}))
    refused(client.post("/api/explore", json={"seeds": [SEED], "plan": {"where": where}}))
    assert client.get("/api/info").json()["documents"] == 16


def test_a_tautology_in_a_filter_is_only_a_filter(client: TestClient):
    answer = client.post("/api/explore", json={"seeds": [SEED], "where": "year = 2011 OR 1=1", "k": 50})
    assert len(answer.json()["hits"]) == 15


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "a\r\nSet-Cookie: x=1",
        'x"; filename="y.exe',
        "\x00",
        "",
        "...",
        "CON",
        "é",
        "a" * 200,
    ],
)
def test_an_export_name_is_a_plain_file_name(client: TestClient, name: str):
    answer = client.post("/api/export", json={"format": "ris", "ids": [SEED], "name": name})
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    stem = answer.headers["content-disposition"].removeprefix('attachment; filename="').removesuffix('.ris"')
    assert stem and stem == safe_name(stem) and not set(stem) & set('/\\"\r\n\x00') and ".." not in stem
    assert stem.upper() != "CON" and len(stem) <= 80


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "js/%00"]
)
def test_no_path_leads_out_of_the_static_files(client: TestClient, path: str):
    answer = client.get(f"/static/{path}")
    assert answer.status_code in (401, 404) and "root:" not in answer.text


def test_ten_megabytes_are_refused_before_they_are_read(client: TestClient):
    text = "a" * 10_000_000
    for path, body in [
        ("/api/explore", {"seed_text": text}),
        ("/api/plan", {"instruction": text}),
        ("/v1/rerank", {"query": "x", "documents": [text]}),
    ]:
        refused(client.post(path, json=body), 413)

    def endless():
        for _ in range(100):
            yield b'{"seed_text": "' + b"a" * 100_000

    refused(client.post("/api/explore", content=endless(), headers={"Content-Type": "application/json"}), 413)
    assert client.get("/api/documents", params={"q": "a" * 60_000}).status_code in (414, 422)


def test_null_bytes_are_text_like_any_other(client: TestClient):
    assert client.post("/api/explore", json={"query": "reefs\x00warm"}).status_code == 200
    assert client.post("/api/explore", json={"seed_text": "A\x00. B. C.", "instruction": "\x00"}).status_code == 200
    assert client.post("/api/plan", json={"instruction": "similar\x00method"}).status_code == 200
    assert client.get("/api/documents", params={"q": "\x00"}).status_code == 200
    refused(client.post("/api/explore", json={"seeds": [f"{SEED}\x00"]}))
    refused(client.get("/api/documents/%00"), 404)


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "\\ud800"}',
        b'{"seeds": ["\\udfff"]}',
        b'{"query": "x", "\\ud800": 1}',
        b'{"seeds": ["reefs-kernel"], "plan": {"aspects": {"\\ud800": 1.0}}}',
        b'{"query": "x", "steer": NaN}',
        b'{"query": "x", "steer": Infinity}',
        b'{"query": "x", "k": 1e309}',
        b'{"query": "x", "k": ' + b"9" * 5000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"plan": ' + b'{"plan": ' * 5000 + b"1" + b"}" * 5001,
        b'"text"',
        b"null",
        b"",
        b"\xff\xfe{}",
    ],
)
def test_strange_json_is_refused_and_never_a_failure(client: TestClient, body: bytes):
    answer = client.post("/api/explore", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    json.loads(answer.content)


def test_other_bodies_than_json_are_refused(client: TestClient):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = client.post("/api/explore", content=b'{"query": "x"}', headers={"Content-Type": kind})
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {"query": "x", "k": 201},
        {"seeds": [SEED] * 21},
        {"seeds": [SEED], "unlike": [SEED] * 21},
        {"seed_text": "a" * 50_001},
        {"seeds": [SEED], "instruction": "a" * 4_001},
        {"seeds": [SEED], "avoid": ["a"] * 21},
        {"seeds": [SEED], "where": "a" * 2_001},
        {"seeds": ["a" * 501]},
    ],
)
def test_limits_are_said(client: TestClient, body: dict[str, object]):
    message = refused(client.post("/api/explore", json=body))
    assert "at most" in message or "less than or equal" in message


def test_limits_of_other_requests(client: TestClient):
    refused(client.post("/api/compare", json={"seeds": [SEED], "instructions": ["a"]}))
    refused(client.post("/api/compare", json={"seeds": [SEED], "instructions": ["a"] * 9}))
    refused(client.post("/api/export", json={"format": "csv", "ids": [SEED] * 501}))
    refused(client.get("/api/documents", params={"limit": 51}))


def test_long_words_and_deep_instructions_are_answered_soon(client: TestClient):
    for instruction in ("method " * 570, "a" * 4_000, "not " * 1000, "(" * 4000, "since 2019, " * 330, ", and " * 660):
        assert client.post("/api/plan", json={"instruction": instruction}).status_code == 200
