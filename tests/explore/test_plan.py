"""What instructions are understood as."""

from __future__ import annotations

import json
import re
import time
import tomllib
from pathlib import Path

import pytest
from tests.explore.planned import Instruction, aspects_right, filter_right, read_list, texts_right

from heedful.corpus.aspects import SCIENCE, Aspect, AspectScheme
from heedful.errors import BadPlan
from heedful.explore.plan import make_plan, plan_from_dict, plan_to_dict
from heedful.explore.planning.content import words
from heedful.records import Clause, Plan

DATA = Path(__file__).parent / "data"
LIST = [entry for path in sorted(DATA.glob("plans-*.txt")) for entry in read_list(path)]
ROOT = Path(__file__).resolve().parents[2]
COOKING = AspectScheme(
    (
        Aspect("ingredients", "What goes into the dish: vegetables, meat, spices.", ("Two carrots and a leek.",)),
        Aspect("technique", "How it is cooked: frying, baking and the equipment needed.", ("Fry it in a pan.",)),
        Aspect("dining_occasion", "When it is served, such as a holiday.", ("Served at weddings.",)),
    )
)


def test_the_list_is_long_and_says_nothing_twice():
    assert len(LIST) >= 180
    assert len({entry.text for entry in LIST}) == len(LIST)


@pytest.mark.parametrize(("part", "least"), [("aspects", 0.95), ("wanted", 0.90), ("avoided", 0.90), ("where", 0.90)])
def test_instructions_are_understood(part: str, least: float):
    def right(entry: Instruction) -> bool:
        plan = make_plan(entry.text, columns={"year": "int", "venue": "string", "categories": "string"})
        if part == "aspects":
            return aspects_right(plan.aspects, entry.aspects)
        if part == "where":
            return filter_right(plan.where, entry.where)
        return texts_right(getattr(plan, part), getattr(entry, part))

    wrong = [entry.text for entry in LIST if not right(entry)]
    asking = sum(bool(getattr(entry, part)) for entry in LIST)
    assert asking >= 40  # the part is really tested
    assert 1 - len(wrong) / len(LIST) >= least, wrong
    assert len([e for e in LIST if e.text in wrong and getattr(e, part)]) <= (1 - least) * asking, wrong


def test_an_empty_instruction_asks_for_nothing():
    for text in ("", "   ", "\n\n", "\0", "...", "- \n- "):
        assert make_plan(text) == Plan(aspects={"background": 0.0, "method": 0.0, "result": 0.0})


def test_the_documented_table_is_what_the_planner_does():
    page = (ROOT / "docs" / "plan.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", page, re.M)
    assert len(rows) >= 20
    for text, aspects, wanted, avoided, where in rows:
        plan = make_plan(text, columns={"year": "int"})
        weights = ", ".join(f"{name} {weight:g}" for name, weight in plan.aspects.items() if weight)
        assert weights == aspects.strip(), text
        assert _shown(plan.wanted) == wanted.strip(), text
        assert _shown(plan.avoided) == avoided.strip(), text
        assert (plan.where or "") == where.strip().strip("`").replace("&lt;", "<"), text


def _shown(clauses: tuple[Clause, ...]) -> str:
    return ", ".join(c.text if c.weight == 1 else f"{c.text} ({c.weight:g})" for c in clauses)


def test_a_plan_goes_through_json_unchanged():
    plan = make_plan("similar method, ideally on speech, no surveys, since 2019. Bonjour les amis de la science")
    assert plan.not_understood and plan.wanted and plan.avoided and plan.where
    value = json.loads(json.dumps(plan_to_dict(plan), allow_nan=False))
    assert list(value) == ["aspects", "wanted", "avoided", "where", "task", "steer", "not_understood"]
    assert list(value["aspects"]) == list(SCIENCE.names) and value["steer"] == 0.5
    assert plan_to_dict(plan_from_dict(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"aspect": {}},
        {"aspects": {"method": 2}},
        {"aspects": {"method": float("nan")}},
        {"aspects": {"method": True}},
        {"aspects": {"colour": 1}},
        {"wanted": "surveys"},
        {"wanted": [{"text": ""}]},
        {"wanted": [{"text": "a", "weight": 0}]},
        {"avoided": [{"text": "a", "weight": -0.1}]},
        {"avoided": [{"words": "a"}]},
        {"where": 3},
        {"task": []},
        {"steer": 1.5},
        {"not_understood": "x"},
        {"not_understood": [1]},
    ],
)
def test_a_bad_plan_is_refused(value: object):
    with pytest.raises(BadPlan, match="plan"):
        plan_from_dict(value)


def test_what_fits_nothing_is_wanted_a_little_and_said():
    plan = make_plan("good recent ones")
    assert plan.not_understood == ("good recent",)
    assert plan.wanted == (Clause("good recent", 0.5),)


def test_another_language_is_said_not_to_be_understood():
    for text in ("gleiche Methode, aber nicht das gleiche Thema, ohne Umfragen", "同じ手法、異なる話題"):
        plan = make_plan(text)
        assert plan.not_understood == (text,) and plan.wanted == (Clause(text, 0.5),) and not any(plan.aspects.values())


def test_contradictions_are_said():
    plan = make_plan("same method, but a different method")
    assert plan.aspects["method"] == 0.5
    assert "alike and different" in plan.not_understood[0]


def test_setting_one_aspect_aside_leaves_the_others():
    assert make_plan("don't match on method").aspects == {"background": 1.0, "method": 0.0, "result": 1.0}


def test_the_last_years_need_a_today():
    assert make_plan("in the last five years", today=2026).where == "year >= 2021"
    plan = make_plan("in the last five years")
    assert plan.where is None and plan.not_understood == ("in the last five years",)


@pytest.mark.parametrize(
    ("columns", "where"),
    [
        ({"year": "int"}, "year >= 2019"),
        ({"year": "string"}, "year >= '2019'"),
        ({"date": "string"}, "date >= '2019-01-01'"),
        ({"Publication Year": "int"}, "`Publication Year` >= 2019"),
        ({"title": "string"}, None),
        (["year"], "year >= 2019"),
        (None, "year >= 2019"),
    ],
)
def test_filters_name_only_columns_that_there_are(columns: object, where: str | None):
    plan = make_plan("parsing since 2019", columns=columns)
    assert plan.where == where
    assert (plan.not_understood == ()) == (where is not None)


@pytest.mark.parametrize(
    "text",
    [
        "in venue \"O'Reilly' OR 1=1 --\"",
        "since 2019'; DROP TABLE papers; --",
        "at ACL' OR '1'='1",
        "cs.CL' UNION SELECT * papers",
        "between 2016 and 2018) OR (1=1",
    ],
)
def test_no_words_get_out_of_a_filter(text: str):
    where = make_plan(text, columns={"year": "int", "venue": "string", "categories": "string"}).where or ""
    bare = re.sub(r"'(?:[^']|'')*'", "?", where)
    names = {"year", "venue", "categories"}
    assert set(re.findall(r"[A-Za-z_]\w*", bare)) <= names | {"AND", "OR", "NOT", "LIKE", "IN"}
    assert re.fullmatch(r"[\w\s?<>=(),]*", bare), bare


def test_venues_and_categories_need_their_columns():
    assert make_plan("cs.CL papers at ACL", columns={"year": "int"}).where is None
    both = make_plan("cs.CL papers at ACL", columns={"venue": "string", "categories": "string"}).where
    assert both is not None and "LIKE '%cs.CL%'" in both and "venue = 'ACL'" in both


def test_other_schemes_are_understood_by_name_and_definition():
    plan = make_plan("similar ingredients, different technique, no meat", scheme=COOKING)
    assert plan.aspects == {"ingredients": 1.0, "technique": -1.0, "dining_occasion": 0.0}
    assert plan.avoided == (Clause("meat"),)
    assert make_plan("same spices but another occasion", scheme=COOKING).aspects == {
        "ingredients": 1.0,
        "technique": 0.0,
        "dining_occasion": -1.0,
    }


def test_an_aspect_that_the_collection_lacks_is_text():
    plan = make_plan("similar findings", scheme=COOKING)
    assert not any(plan.aspects.values()) and "findings" in plan.wanted[0].text


def test_an_encoder_finds_the_aspect_that_words_only_mean():
    class Near:
        """Puts "seasoning" beside the texts about spices."""

        dim = 2
        aspects = COOKING.names

        def encode_queries(self, texts, instructions=None):
            import numpy as np

            return np.array([[1.0, 0.0] if re.search("season|spice", t) else [0.0, 1.0] for t in texts], "f4")

    assert make_plan("similar seasoning", scheme=COOKING, encoder=Near()).aspects["ingredients"] == 1.0
    assert make_plan("similar seasoning", scheme=COOKING).aspects["ingredients"] == 0.0


def test_tasks_and_personas_are_not_scored():
    plan = make_plan("You are an archivist. Given a query, retrieve passages that answer it.")
    assert plan.task and not plan.wanted and not plan.not_understood


def test_plans_of_an_instruction_and_its_opposite_differ():
    yes, no = (
        make_plan(f"The passage is relevant only if, according to it, the answer is {a}.") for a in ("yes", "no")
    )
    assert yes.wanted and yes != no


@pytest.mark.parametrize(
    "text",
    ["a", "not ", "similar method, ", "((((", "\0\x07", "since 2019 ", "the topic is ", "no surveys or ", ", ",
     "x. ", "1", '"', "\n- ", "is not ", "method and ", "more than the method "],
)  # fmt: skip
def test_a_megabyte_of_anything_is_read_in_bounded_time(text: str):
    start = time.process_time()
    plan = make_plan(text * (1_000_000 // len(text)))
    assert time.process_time() - start < 8
    assert "were not read" in plan.not_understood[-1]
    assert len(plan.wanted) <= 64 and len(plan.avoided) <= 64


def test_a_plan_takes_little_time():
    make_plan("warm up")
    start = time.process_time()
    for entry in LIST:
        make_plan(entry.text)
    assert (time.process_time() - start) / len(LIST) < 0.01  # about 0.001 on a quiet machine


def test_real_narratives_become_wanted_and_avoided(shared_data: Path):
    lines = (shared_data / "trec-narratives" / "topics.jsonl").read_text().splitlines()
    texts = [json.loads(line)["instruction"] for line in lines]
    plans = [make_plan(text) for text in texts]
    excluding = [p for t, p in zip(texts, plans, strict=True) if re.search(r"(?:not|ir)\s*relevant", t)]
    assert len(excluding) > 250
    assert sum(bool(p.avoided) for p in excluding) > 0.9 * len(excluding)
    assert sum(bool(p.wanted) for p in plans) > 0.97 * len(plans)
    assert sum(any(p.aspects.values()) for p in plans) < 0.03 * len(plans)  # nobody there means an aspect
    assert sum(bool(p.where) for p in plans) < 0.01 * len(plans)


def test_words_are_counted_without_marks():
    assert words("C++ and GPT-4's (state-of-the-art)") == ["c++", "and", "gpt-4's", "state-of-the-art"]


def test_every_benchmark_variant_means_its_aspect_and_nothing_else():
    file = ROOT / "src" / "heedful" / "benchmarks" / "csfcube" / "variants.toml"
    variants = tomllib.loads(file.read_text())
    for name, variant in variants["variants"].items():
        for template in (variant["template"], *variant["paraphrases"]):
            for aspect, definition in variants["definitions"].items():
                plan = make_plan(template.replace("{aspect}", aspect).replace("{definition}", definition))
                meant = {} if name == "generic" else {aspect: "+"}
                assert aspects_right(plan.aspects, meant), (template, aspect, plan)
                assert not plan.wanted and not plan.avoided and not plan.where and not plan.not_understood, plan
