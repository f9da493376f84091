"""A benchmark folder large enough for following to be seen, and systems whose behaviour is known."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

from tests.folders import lines

from heedful.records import ranked
from heedful.systems.protocol import Ranking

ASPECTS = ("background", "method")
HOSTILE = "<script>alert(1)</script> $x_1$ & \"co\" 'de' {{ 7 * 7 }}"


def write_collection(folder: Path, seeds: int = 8, documents: int = 16) -> Path:
    """Seeds judged under two aspects, of whose documents two are relevant under both; titles are hostile."""
    draw = random.Random(5)
    ids = [f"d{i:02}" for i in range(documents)]
    rows = [
        {
            "_id": id,
            "title": f"{HOSTILE} {id}",
            "sentences": [
                {"text": f"The problem of {id} is old.", "label": "background"},
                {"text": f"We measure {id}. {HOSTILE}", "label": "method"},
            ],
        }
        for id in [*(f"s{i}" for i in range(seeds)), *ids]
    ]
    lines(folder / "corpus.jsonl", rows)
    lines(
        folder / "queries.jsonl",
        [{"_id": f"s{i}_{a}", "seed": f"s{i}", "aspect": a} for i in range(seeds) for a in ASPECTS],
    )
    judged = []
    for i in range(seeds):
        chosen = draw.sample(ids, 8)
        relevant = {"background": {*chosen[:5]}, "method": {*chosen[3:]}}
        judged += [f"s{i}_{a} 0 {id} {int(id in relevant[a])}\n" for a in ASPECTS for id in ids]
    (folder / "qrels.tsv").write_text("".join(judged))
    settings = {"name": "known", "pool": "judged", "relevant_from": 1, "aspect_pairs": True}
    (folder / "benchmark.json").write_text(json.dumps(settings))
    return folder


class Known:
    """Ranks as it is told to.

    how: "heeds" ranks by the grades of the aspect that the instruction names, "deaf" by both aspects alike and gives
    its model nothing of the instruction, "reads" gives it and ranks alike all the same, "noise" draws anew for every
    topic. fails: at which call it raises, once.
    """

    def __init__(self, how: str, folder: Path, fails: int = 0):
        self.how, self.fails, self.calls, self.given = how, fails, 0, frozenset()
        self.grades: dict[str, dict[str, int]] = {}
        for line in (folder / "qrels.tsv").read_text().splitlines():
            topic, _, id, grade = line.split()
            self.grades.setdefault(topic, {})[id] = int(grade)

    def open(self, collection):
        return self

    def rank(self, topic, candidates):
        self.calls += 1
        if self.calls == self.fails:
            raise RuntimeError("the model fell over")
        name = " ".join(topic.seeds) or topic.text
        if self.how == "noise":
            draw = random.Random(topic.id + topic.instruction)
            return Ranking(ranked({id: draw.random() for id in candidates}), None)
        named = [a for a in ASPECTS if self.how == "heeds" and re.search(a, topic.instruction)] or ASPECTS
        seed = topic.seeds[0] if topic.seeds else ""
        scores = {id: float(sum(self.grades.get(f"{seed}_{a}", {}).get(id, 0) for a in named)) for id in candidates}
        said = (name,) if self.how == "deaf" else (f"{topic.instruction} {name}",)
        return Ranking(ranked(scores), said)
