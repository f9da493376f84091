from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from heedful.encode import HashEncoder
from heedful.explore import Explorer
from heedful.explore.texts import rank_texts
from heedful.index import Index

QUERY = "Coral reefs bleach when the sea warms. A Gaussian kernel smooths every count. Errors fell by half."
TEXTS = [
    "Hives lose workers in winter. A Gaussian kernel smooths every count over space. Nothing was found.",
    "Coral reefs bleach when the sea warms. Volunteers label short clips. Nothing was found.",
    "City buses run late. This survey reviews forty studies. Nothing was found.",
]


def order(client: TestClient, **more: object) -> list[int]:
    answer = client.post("/v1/rerank", json={"query": QUERY, "documents": TEXTS, **more})
    assert answer.status_code == 200, answer.text
    return [result["index"] for result in answer.json()["results"]]


def test_the_instruction_decides_what_is_relevant(client: TestClient):
    assert order(client, instruction="similar method")[0] == 0
    assert order(client, instruction="same topic, a different method")[0] == 1


def test_the_shape_is_what_rerank_clients_expect(client: TestClient):
    body = {"model": "heedful", "query": "reefs", "documents": [{"text": t, "n": 1} for t in TEXTS], "top_n": 2}
    answer = client.post("/v1/rerank", json=body | {"return_documents": True, "max_tokens_per_doc": 9}).json()
    assert len(answer["results"]) == 2 and answer["results"][0]["index"] == 1
    assert answer["results"][0]["document"] == {"text": TEXTS[1]}
    scores = [result["relevance_score"] for result in answer["results"]]
    assert 1 > scores[0] > scores[1] > 0
    assert "document" not in client.post("/v1/rerank", json=body).json()["results"][0]


def test_top_n_beyond_the_documents_gives_all(client: TestClient):
    assert sorted(order(client, top_n=99)) == [0, 1, 2]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "x", "documents": []},
        {"query": "", "documents": ["a"]},
        {"query": " ", "documents": ["a"]},
        {"query": "x", "documents": ["a"], "model": "rerank-v9"},
        {"query": "x", "documents": ["a"] * 201},
        {"query": "x", "documents": [{"title": "no text"}]},
        {"query": "x", "documents": ["a" * 40_000] * 11},
    ],
)
def test_what_cannot_be_reranked_is_refused(client: TestClient, body: dict[str, object]):
    answer = client.post("/v1/rerank", json=body)
    assert answer.status_code == 422 and answer.json()["error"]["message"]


def test_empty_and_equal_texts_keep_their_order(index, encoder: HashEncoder):
    explorer = Explorer(Index.open(index), encoder)
    assert rank_texts(explorer, "reefs", ["", "", ""]).order == (0, 1, 2)
    assert rank_texts(explorer, "reefs", ["one text"]).scores == (0.0,)
    assert rank_texts(explorer, "reefs", []).order == ()


def test_a_filter_has_nothing_to_filter(index, encoder: HashEncoder):
    ranked = rank_texts(Explorer(Index.open(index), encoder), QUERY, TEXTS, "similar method, since 2015")
    assert any("2015" in warning for warning in ranked.warnings)
