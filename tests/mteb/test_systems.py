"""A system that mteb evaluates, on a small task of its own making."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heedful.errors import BadInput, BadSystem
from heedful.evaluate.predictions import read_predictions
from heedful.records import ranked
from heedful.systems.protocol import Ranking
from heedful.systems.registry import parse_system

CORPUS = [
    ("sea", "Tides", "Wavelets describe the tides of a shallow sea."),
    ("ships", "Ships", "Steel ships rust in the salt air of the sea."),
    ("bread", "Bread", "Sourdough needs flour, water and time."),
    ("rust", "Rust", "Steel bridges rust in salt air."),
]
QUERIES = [("q1", "what happens to steel", "Only bridges.", "Only ships."), ("q2", "wavelets", "Any sea.", "No sea.")]
OG = {"q1": {"rust": 1, "ships": 0}, "q2": {"sea": 1}}
CHANGED = {"q1": {"rust": 0, "ships": 1}, "q2": {"sea": 0}}
DIFF = {"q1": ["rust"], "q2": ["sea"]}


def make_task(reranking: bool):
    from datasets import Dataset
    from mteb._evaluators.retrieval_metrics import evaluate_p_mrr_change
    from mteb.abstasks import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    rows = [
        {"id": f"{id}-{side}", "text": text, "instruction": instruction}
        for id, text, *both in QUERIES
        for side, instruction in zip(("og", "changed"), both, strict=True)
    ]
    candidates = {row["id"]: ["rust", "ships", "sea"] for row in rows} if reranking else None

    class Small(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="SmallInstructionReranking" if reranking else "SmallInstructionRetrieval",
            description="Two questions whose instruction changes.",
            reference=None,
            dataset={"path": "none", "revision": "none"},
            type="InstructionReranking" if reranking else "InstructionRetrieval",
            category="t2t",
            modalities=["text"],
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="p-MRR",
            date=("2020-01-01", "2020-12-31"),
            domains=["Written"],
            task_subtypes=[],
            license="mit",
            annotations_creators="derived",
            dialect=[],
            sample_creation="created",
            bibtex_citation="",
        )

        def load_data(self, num_proc=None, **kwargs):
            judged = {f"{t}-{s}": dict(g) for s, qrels in (("og", OG), ("changed", CHANGED)) for t, g in qrels.items()}
            split = {
                "corpus": Dataset.from_list([{"id": id, "title": t, "text": x} for id, t, x in CORPUS]),
                "queries": Dataset.from_list(rows),
                "relevant_docs": judged,
                "top_ranked": candidates,
            }
            self.dataset = {"default": {"test": split}}
            self.data_loaded = True

        def task_specific_scores(self, scores, qrels, results, hf_split, hf_subset):
            return evaluate_p_mrr_change(qrels, results, DIFF, self.k_values)

    return Small()


class Recording:
    """Ranks what its instruction names first, and keeps what it was given."""

    def __init__(self):
        self.given, self.topics, self.candidates = frozenset(), [], []

    def open(self, collection):
        self.documents = collection.documents
        return self

    def rank(self, topic, candidates):
        self.topics.append(topic)
        self.candidates.append(list(candidates))
        wanted = {"Only bridges.": "rust", "Only ships.": "ships", "Any sea.": "sea", "No sea.": "bread"}
        first = wanted[topic.instruction]
        return Ranking(ranked({id: float(id == first) for id in candidates}), (f"{topic.instruction}|{topic.text}",))


@pytest.fixture
def evaluated(tmp_path: Path):
    def run(system, reranking: bool = False):
        import mteb
        from heedful.systems.mteb import for_mteb

        model = for_mteb(system)
        result = mteb.evaluate(
            model,
            make_task(reranking),
            cache=None,
            co2_tracker=False,
            prediction_folder=tmp_path,
            show_progress_bar=False,
        )
        return model, result[0].scores["test"][0], next(tmp_path.glob("*_predictions.json"))

    return run


def test_query_and_instruction_arrive_once_and_apart(evaluated):
    system = Recording()
    model, scores, _ = evaluated(system)
    assert [(t.text, t.instruction) for t in system.topics] == [
        (text, instruction) for _, text, *both in QUERIES for instruction in both
    ]
    assert model.inputs["q1-og"] == ("Only bridges.|what happens to steel",)
    assert all("q1" not in topic.id and "og" not in topic.id.split("-") for topic in system.topics)
    assert system.documents["sea"].title == "Tides" and "Wavelets" in system.documents["sea"].text
    assert scores["p-MRR"] > 0 and scores["og"]["ndcg_at_1"] == 1.0


def test_a_reranking_task_hands_over_its_candidates(evaluated):
    system = Recording()
    evaluated(system, reranking=True)
    assert system.candidates == [["rust", "ships", "sea"]] * 4


def test_what_mteb_predicts_reads_back_and_follows_alike(evaluated, tmp_path: Path):
    from heedful.cli.main import app

    _, scores, path = evaluated("bm25(instruction=prefix)")
    run = read_predictions(path)
    assert set(run.topics) == {f"{q}-{side}" for q in ("q1", "q2") for side in ("og", "changed")}
    for side, qrels in (("og", OG), ("changed", CHANGED)):
        text = "".join(f"{t} 0 {id} {grade}\n" for t, grades in qrels.items() for id, grade in grades.items())
        (tmp_path / f"{side}.qrels").write_text(text)
    both = [str(path), str(path), str(tmp_path / "og.qrels"), str(tmp_path / "changed.qrels")]
    answer = CliRunner().invoke(app, ["follow", *both, "-m", "nDCG@10", "--format", "json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["p-MRR"] / 100 == pytest.approx(scores["p-MRR"], abs=1e-12)
    for side in ("og", "changed"):
        assert found["measures"]["nDCG@10"][side] == pytest.approx(scores[side]["ndcg_at_10"], abs=6e-6)


def test_the_product_itself_is_evaluated_and_reads_the_instruction_apart_from_the_query(evaluated):
    model, scores, _ = evaluated("heedful")
    assert set(model.inputs) == {f"{q}-{side}" for q in ("q1", "q2") for side in ("og", "changed")}
    said, plan = model.inputs["q2-changed"]
    assert said == "wavelets" and [clause["text"] for clause in json.loads(plan)["avoided"]] == ["sea"]
    assert -1 < scores["p-MRR"] < 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that `heedful train` left: MiniLM after three steps."""
    from heedful.cli.main import app

    folder = tmp_path_factory.mktemp("train")
    rows = [
        {"instruction": wanted, "query": query, "positive": passage, "negative": other}
        for (_, _, passage), (_, _, other) in zip(CORPUS, CORPUS[1:] + CORPUS[:1], strict=True)
        for query, wanted in (("what is it about", f"Only {passage.split()[0]}."), (passage[:20], "Any of it."))
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = ["max_steps=3", "batch=4", "max_length=32", "learning_rate=1e-3", "eval_every=3"]
    answer = CliRunner().invoke(
        app,
        ["train", "--preset", "minilm", "--data", str(folder / "rows.jsonl"), "--out", str(folder / "model")]
        + [part for one in settings for part in ("--set", one)],
    )
    assert answer.exit_code == 0, answer.output
    return folder / "model"


def test_a_model_trained_here_is_evaluated_with_the_vectors_of_plain_sentence_transformers(evaluated, trained: Path):
    from sentence_transformers import SentenceTransformer

    model, scores, path = evaluated(f"st(model={trained})")
    template = json.loads((trained / "heedful.json").read_text())["template"]
    plain = SentenceTransformer(str(trained))
    passages = plain.encode_document([f"{title} {text}" for _, title, text in CORPUS], normalize_embeddings=True)
    predicted = read_predictions(path)
    for id, text, *both in QUERIES:
        for side, instruction in zip(("og", "changed"), both, strict=True):
            said = template.format(instruction=instruction, text=text)
            assert model.inputs[f"{id}-{side}"] == (plain.prompts.get("query", "") + said,)
            cosines = passages @ plain.encode_query(said, normalize_embeddings=True)
            found = {hit.id: hit.score for hit in predicted.topics[f"{id}-{side}"]}
            assert found == {name: pytest.approx(c, abs=1e-5) for (name, *_), c in zip(CORPUS, cosines, strict=True)}
    assert scores["p-MRR"] != 0  # its vectors move with the instruction


def test_a_system_that_is_deaf_stays_so_in_mteb(evaluated):
    _, scores, _ = evaluated("bm25")
    assert scores["p-MRR"] == 0


def test_a_system_that_needs_judgments_is_refused():
    from heedful.systems.mteb import for_mteb

    with pytest.raises(BadSystem, match="needs grades"):
        for_mteb("oracle")


def test_a_search_before_the_index_and_a_conversation_are_refused():
    from heedful.systems.mteb import for_mteb

    model = for_mteb(parse_system("bm25"), "mine")
    assert model.mteb_model_meta.name == "heedful/mine"
    with pytest.raises(BadInput, match="no corpus"):
        model.search([], top_k=3)
    model = for_mteb(Recording())
    task = type("Task", (), {"name": "t"})
    model.index([{"id": "a", "text": "x"}], task_metadata=task, hf_split="test", hf_subset="default")
    with pytest.raises(BadInput, match="found list as its text"):
        model.search([{"id": "q", "text": [{"role": "user", "content": "hello"}]}], top_k=3)
