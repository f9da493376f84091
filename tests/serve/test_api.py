from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import SEED

from heedful.encode import HashEncoder
from heedful.explore import Explorer
from heedful.index import Index

METHOD = "similar method, not the same topic"


@pytest.fixture(scope="module")
def explorer(index, encoder: HashEncoder) -> Explorer:
    return Explorer(Index.open(index), encoder)


def post(client: TestClient, path: str, **body: object):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_info_says_what_the_collection_holds(client: TestClient):
    info = client.get("/api/info").json()
    columns = {column["name"]: column for column in info["columns"]}
    assert info["documents"] == 16
    assert [aspect["name"] for aspect in info["aspects"]] == ["background", "method", "result"]
    assert all(aspect["definition"] for aspect in info["aspects"])
    assert (columns["year"]["low"], columns["year"]["high"], columns["year"]["absent"]) == (2010, 2016, 1)
    assert {value["value"] for value in columns["venue"]["values"]} == {"Field & Stream", "'; DROP TABLE x --"}
    assert columns["rating"]["values"] is None and columns["rating"]["high"] == 4.5


def test_documents_are_found_by_words_of_the_title_then_by_what_they_say(client: TestClient):
    def found(q: str, limit: int = 5) -> list[str]:
        answer = client.get("/api/documents", params={"q": q, "limit": limit}).json()
        return [document["id"] for document in answer["documents"]]

    assert found("On BUSES by") == ["buses-crowd", "buses-kernel", "buses-survey"]
    assert found("survey lett")[0] == "letters-survey"
    assert found("triage") and all(id.startswith("nurses") for id in found("triage", 3))
    assert found(SEED)[0] == SEED
    assert len(found("", 4)) == 4
    assert found("zzz") == []


def test_documents_are_listed_by_id_and_strangers_left_out(client: TestClient):
    answer = client.get("/api/documents", params={"id": ["bees-crowd", "nobody", SEED]}).json()
    assert [document["id"] for document in answer["documents"]] == ["bees-crowd", SEED]


def test_a_document_has_sentences_with_aspects_and_offsets(client: TestClient):
    document = client.get(f"/api/documents/{SEED}").json()
    assert [sentence["aspect"] for sentence in document["sentences"]] == ["background", "method", "result"]
    assert document["metadata"]["year"] == 2010
    assert client.get("/api/documents/nobody").status_code == 404


def test_a_plan_is_what_python_says(client: TestClient, explorer: Explorer):
    from heedful.explore.planning import plan_to_dict

    answer = post(client, "/api/plan", instruction=METHOD, avoid=["buses"])
    assert answer["plan"] == plan_to_dict(explorer.plan(METHOD, avoid=["buses"]))
    assert answer["plan"]["avoided"] == [{"text": "buses", "weight": 1.0}]


def test_an_exploration_is_what_python_says(client: TestClient, explorer: Explorer):
    said = post(client, "/api/explore", seeds=[SEED], instruction=METHOD, where="year >= 2011", k=4)
    assert said == json.loads(json.dumps(explorer.explore(SEED, METHOD, where="year >= 2011", k=4).to_dict()))
    assert len(said["hits"]) == 4


def test_starts_may_be_texts(client: TestClient):
    text = "Reefs bleach in the sea. A Gaussian kernel smooths counts. Errors fell."
    assert post(client, "/api/explore", query="triage notes", k=1)["hits"][0]["id"].startswith("nurses")
    answer = post(client, "/api/explore", seed_text=text, aspect="method", documents=True, k=3)
    assert all(hit["id"].endswith("kernel") for hit in answer["hits"])
    assert len(answer["start"]["sentences"]) == 3


def test_a_plan_that_is_given_wins_over_the_instruction(client: TestClient):
    plan = {"aspects": {"background": 1.0}}
    answer = post(client, "/api/explore", seeds=[SEED], instruction="similar method", plan=plan, k=2)
    assert {hit["id"] for hit in answer["hits"]} == {"reefs-survey", "reefs-crowd"}
    assert answer["plan"]["aspects"]["background"] == 1.0 and answer["heed"]["verdict"] != "not delivered"
    alone = post(client, "/api/explore", seeds=[SEED], plan=plan, k=2)
    assert alone["heed"] is not None and alone["hits"] == answer["hits"]


def test_hits_say_how_they_moved_since_the_previous_ranking(client: TestClient):
    before = post(client, "/api/explore", seeds=[SEED], instruction="same topic", k=20)
    now = post(client, "/api/explore", seeds=[SEED], instruction=METHOD, previous="same topic", k=20)
    was = {hit["id"]: hit["rank"] for hit in before["hits"]}
    assert {hit["id"]: was[hit["id"]] - hit["rank"] for hit in now["hits"]} == {
        hit["id"]: hit["moved_since"] for hit in now["hits"]
    }
    assert any(hit["moved_since"] for hit in now["hits"])
    assert [hit["id"] for hit in now["previous"]["hits"]] == [hit["id"] for hit in before["hits"]]
    by_plan = post(client, "/api/explore", seeds=[SEED], instruction=METHOD, previous=before["plan"], k=20)
    assert by_plan["hits"] == now["hits"]


def test_a_hit_that_was_not_in_the_previous_ranking_did_not_move(client: TestClient):
    options = {"seeds": [SEED], "instruction": "year 2012 or later", "k": 20}
    before = post(client, "/api/explore", seeds=[SEED], instruction="before 2012", k=20)
    assert before["hits"]
    answer = post(client, "/api/explore", **options, previous="before 2012")
    assert answer["hits"] and all(hit["moved_since"] is None for hit in answer["hits"])


def test_hits_come_with_their_documents_where_asked(client: TestClient):
    answer = post(client, "/api/explore", seeds=[SEED], documents=True, k=2)
    for hit in answer["hits"]:
        assert hit["document"] == client.get(f"/api/documents/{hit['id']}").json()
    assert "document" not in post(client, "/api/explore", seeds=[SEED], k=1)["hits"][0]


def test_a_comparison_is_what_python_says(client: TestClient, explorer: Explorer):
    said = post(client, "/api/compare", seeds=[SEED], instructions=["", METHOD], k=3)
    assert said == json.loads(json.dumps(explorer.compare(SEED, ["", METHOD], k=3).to_dict()))


def test_a_reranker_orders_the_candidates(client: TestClient):
    answer = post(client, "/api/explore", seeds=[SEED], instruction=METHOD, rerank="align(by=maxsim)", k=3)
    assert answer["system"] == "align(by=maxsim)" and len(answer["hits"]) == 3


def test_only_offered_rerankers_may_be_named(client: TestClient):
    for name in ("run(path=/etc/passwd)", "prp(model=x)", "nothing"):
        answer = client.post("/api/explore", json={"seeds": [SEED], "rerank": name})
        assert answer.status_code == 422 and answer.json()["error"]["field"] == "rerank"


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"seeds": ["nobody"]}, "seeds", "nobody"),
        ({"seeds": [SEED], "unlike": ["nobody"]}, "unlike", "nobody"),
        ({"seeds": [SEED], "aspect": "colour"}, "aspect", "colour"),
        ({"seeds": [SEED], "where": "yaer > 2000"}, "where", "no column 'yaer'"),
        ({"seeds": [SEED], "plan": {"aspects": {"colour": 1.0}}}, "plan", "colour"),
        ({"seeds": [SEED], "k": 0}, "k", "greater"),
        ({"seeds": [SEED], "k": "3"}, "k", "integer"),
        ({"seeds": [SEED], "steer": 2}, "steer", "less"),
        ({"seeds": [SEED], "colour": 1}, "colour", "Extra"),
        ({"seeds": [SEED], "query": "x"}, None, "exactly one"),
        ({"seeds": []}, None, "exactly one"),
        ({}, None, "exactly one"),
        ({"query": "  "}, None, "empty"),
    ],
)
def test_bad_input_is_answered_in_words(client: TestClient, body: dict[str, object], field: str | None, words: str):
    answer = client.post("/api/explore", json=body)
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["field"] == field and words in error["message"]


def test_what_is_no_json_is_a_bad_request(client: TestClient):
    answer = client.post("/api/explore", content=b"{nope", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "bad_json"
    assert client.get("/nowhere").json()["error"]["code"] == "not_found"
    assert client.get("/api/explore").json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("format", ["bibtex", "ris", "csv", "json", "trec"])
def test_picked_documents_are_exported_in_their_order(client: TestClient, format: str):
    ids = ["bees-crowd", SEED, "bees-crowd"]
    answer = client.post("/api/export", json={"format": format, "ids": ids, "name": "my picks"})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="my-picks.')
    assert 0 < answer.text.index("bees-crowd") < answer.text.index(SEED)
    if format == "json":
        assert len(json.loads(answer.text)["documents"]) == 2


def test_health_and_readiness(client: TestClient):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "documents": 16}
