from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.encode import HashEncoder
from heedful.errors import BadFilter, BadInput, UnknownAspect, UnknownId
from heedful.explore import Exploration, Explorer
from heedful.index import Index, build_index
from heedful.records import Document, Hit, Topic

SEED = "reefs-kernel"
SAME_METHOD = {f"{topic}-kernel" for topic in ("buses", "letters", "nurses", "grids", "crops", "bees", "tides")}
SAME_TOPIC = {"reefs-survey", "reefs-crowd", "reefs-rules"}
ALL = 8 * 4 - 1


def top(exploration: Exploration, n: int) -> set[str]:
    return {hit.document.id for hit in exploration.hits[:n]}


def test_an_aspect_moves_the_hits_that_share_it_to_the_top(explorer: Explorer):
    assert top(explorer.explore(SEED, aspect="method"), 7) == SAME_METHOD
    assert top(explorer.explore(SEED, aspect="background"), 3) == SAME_TOPIC


def test_an_instruction_does_what_its_aspect_does(explorer: Explorer):
    assert top(explorer.explore(SEED, "similar method, not the same topic"), 7) == SAME_METHOD
    assert top(explorer.explore(SEED, "same topic, a different method"), 3) == SAME_TOPIC


def test_a_seed_and_its_near_copy_are_not_hits(explorer: Explorer):
    shown = top(explorer.explore(SEED, k=50), 50)
    assert SEED not in shown
    assert "reefs-again" not in shown
    assert len(shown) == ALL


def test_hits_with_one_title_fold_into_the_best_and_say_so(explorer: Explorer):
    hits = explorer.explore("reefs-survey", k=50).hits
    folded = {hit.document.id: hit.duplicates for hit in hits if hit.duplicates}
    assert folded in ({"reefs-kernel": ("reefs-again",)}, {"reefs-again": ("reefs-kernel",)})


def test_evidence_pairs_sentences_of_the_aspect_that_was_asked_for(explorer: Explorer):
    best = explorer.explore(SEED, aspect="method").hits[0]
    assert best.evidence[0].aspect == "method"
    assert "Gaussian kernel" in best.evidence[0].seed_sentence
    assert "Gaussian kernel" in best.evidence[0].sentence
    assert best.evidence[0].similarity > 0.8


def test_moves_are_places_gained_against_no_instruction(explorer: Explorer):
    plain = [hit.document.id for hit in explorer.explore("buses-crowd", k=50).hits]
    steered = explorer.explore("buses-crowd", aspect="method", k=50).hits
    rose = [hit for hit in steered if hit.moved and hit.moved > 0]
    assert rose
    for hit in rose:
        assert plain.index(hit.document.id) + 1 >= hit.rank


def test_heed_says_that_an_aspect_was_followed(explorer: Explorer):
    heed = explorer.explore(SEED, "a different method").heed
    assert heed is not None
    assert heed.verdict == "followed"
    assert heed.gain > 0.5


def test_an_instruction_that_asks_for_nothing_was_not_delivered(explorer: Explorer):
    heed = explorer.explore(SEED, "Find papers similar to this paper.").heed
    assert heed is not None and heed.verdict == "not delivered"
    assert explorer.explore(SEED).heed is None


def test_what_is_avoided_sinks(explorer: Explorer):
    assert not any("survey" in id for id in top(explorer.explore(SEED, "no surveys"), 5))


def test_a_filter_in_the_instruction_keeps_only_what_fits(explorer: Explorer):
    years = [hit.document.metadata["year"] for hit in explorer.explore(SEED, "since 2017", k=50).hits]
    assert years and min(years) >= 2017


def test_a_filter_option_and_an_instruction_filter_both_hold(explorer: Explorer):
    hits = explorer.explore(SEED, "since 2013", where="year < 2017", k=50).hits
    assert {hit.document.metadata["year"] for hit in hits} <= set(range(2013, 2017))


def test_unlike_documents_push_their_kind_down(explorer: Explorer):
    plain = [hit.document.id for hit in explorer.explore("buses-crowd", k=50).hits]
    away = [hit.document.id for hit in explorer.explore("buses-crowd", unlike=["reefs-crowd"], k=50).hits]
    assert away.index("reefs-crowd") > plain.index("reefs-crowd")


def test_several_seeds_make_one_start(explorer: Explorer):
    exploration = explorer.explore(["reefs-kernel", "buses-kernel"], aspect="method")
    assert top(exploration, 6) == SAME_METHOD - {"buses-kernel"}
    assert exploration.seed == ["reefs-kernel", "buses-kernel"]


def test_a_long_text_is_scored_as_an_unseen_seed(explorer: Explorer):
    text = "Rivers flood towns. A Gaussian kernel smooths every count over space. Losses fell."
    exploration = explorer.explore(text=text, aspect="method")
    assert top(exploration, 8) == SAME_METHOD | {SEED}
    assert not exploration.warnings


def test_a_short_query_has_no_aspects_and_a_warning_says_so(explorer: Explorer):
    exploration = explorer.explore(query="late city buses", aspect="method")
    assert "short text" in exploration.warnings[0]
    assert all(id.startswith("buses") for id in top(exploration, 3))


def test_a_query_that_avoids_is_obeyed(explorer: Explorer):
    assert top(explorer.explore(query="coral reefs", instruction="without surveys"), 3).isdisjoint({"reefs-survey"})


def test_the_same_question_gives_the_same_answer(explorer: Explorer):
    first, second = (json.dumps(explorer.explore(SEED, "same method").to_dict()) for _ in range(2))
    assert first == second


def test_compare_lists_each_document_once_with_a_rank_an_instruction(explorer: Explorer):
    comparison = explorer.compare(SEED, ["similar method", "same topic"], k=3)
    rows = comparison.to_dict()["ranks"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["ranks"][0] for row in rows} >= {1, 2, 3}
    assert {row["ranks"][1] for row in rows} >= {1, 2, 3}


def test_a_reranker_has_the_last_word(explorer: Explorer):
    class Backwards:
        def rerank(self, topic: Topic, candidates: list[Hit]) -> list[Hit]:
            assert topic.instruction == "similar method"
            return [Hit(hit.id, -float(i)) for i, hit in enumerate(reversed(candidates))]

    plain = explorer.explore(SEED, "similar method", k=50)
    backwards = explorer.explore(SEED, "similar method", k=50, rerank=Backwards(), system="backwards")
    assert backwards.hits[0].document.id == plain.hits[-1].document.id
    assert backwards.system == "backwards"


def test_results_print_and_escape(explorer: Explorer):
    exploration = explorer.explore(SEED, "<script>alert(1)</script>")
    assert "<script>" not in exploration._repr_html_()
    assert exploration.hits[0].document.title in str(exploration)
    assert "<table>" in explorer.compare(SEED, ["a", "b"])._repr_html_()


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(explorer: Explorer, k: int):
    with pytest.raises(BadInput, match="at least 1"):
        explorer.explore(SEED, k=k)


def test_k_above_the_collection_gives_all_of_it(explorer: Explorer):
    assert len(explorer.explore(SEED, k=10_000).hits) == ALL


def test_an_unknown_seed_names_the_nearest_ids(explorer: Explorer):
    with pytest.raises(UnknownId, match="reefs-kernel"):
        explorer.explore("reef-kernel")


def test_an_unknown_aspect_names_those_there_are(explorer: Explorer):
    with pytest.raises(UnknownAspect, match="background, method, result"):
        explorer.explore(SEED, aspect="colour")


def test_a_bad_filter_is_refused(explorer: Explorer):
    with pytest.raises(BadFilter):
        explorer.explore(SEED, where="nonsense = 3")
    with pytest.raises(BadFilter):
        explorer.explore(SEED, where="year >")


@pytest.mark.parametrize("start", [{}, {"seed": SEED, "query": "x"}, {"text": "a", "query": "b"}, {"query": "  "}])
def test_a_start_is_exactly_one_thing(explorer: Explorer, start: dict[str, str]):
    with pytest.raises(BadInput):
        explorer.explore(**start)


def test_steer_out_of_range_is_refused(explorer: Explorer):
    with pytest.raises(BadInput, match="between 0 and 1"):
        explorer.explore(SEED, steer=1.5)


def test_the_plan_that_is_shown_holds_every_filter(explorer: Explorer):
    assert explorer.explore(SEED, where="year < 2017").plan.where == "year < 2017"
    both = explorer.explore(SEED, "since 2013", where="year < 2017")
    assert both.plan.where == "(year >= 2013) AND (year < 2017)"
    again = explorer.explore(SEED, plan=both.plan)
    assert {hit.id for hit in again.hits} == {hit.id for hit in both.hits}


def test_as_many_hits_as_are_asked_for_where_the_collection_has_them(tmp_path: Path):
    encoder = HashEncoder(dim=32)
    many = (Document(f"d{n}", f"Reef {n}", f"Reef number {n} bleaches. Errors fell.") for n in range(450))
    build_index(many, tmp_path / "index", encoder)
    found = Explorer(Index.open(tmp_path / "index"), encoder).explore("d7", "similar method", k=420)
    assert [hit.rank for hit in found.hits] == list(range(1, 421))
    assert len({hit.id for hit in found.hits} - {"d7"}) == 420
