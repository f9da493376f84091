"""Make the sample collection, src/heedful/sample/, from the abstracts in scripts/sample/; the same bytes every time.

A source file is one topic: an abstract is a header `# title | method | finding | year | venue | authors` and one line
a sentence, its first letter the label (B background, O objective, M method, R result, X other). Every combination of
topic, method and finding occurs once, and there is one review a topic. What is similar follows from that design:

background  3 same topic and sub-problem, 2 same topic, 1 sibling topic
method      3 same method and same or sibling topic, 2 same method, 1 related method
result      3 same finding by the same or a related method, 2 same finding, 1 related finding

The sub-problem of a topic is (method + finding) modulo 3 by construction. Reviews have a topic only.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "sample"
FOLDER = Path(__file__).resolve().parent.parent / "src" / "heedful" / "sample"

TOPICS = ("nitrate", "coral", "sign", "handwriting", "grid", "bus", "triage", "protein")
METHODS = ("contrast", "transfer", "bayes", "emulator", "graph", "active")
FINDINGS = ("gain", "null", "few", "shift", "cheap")
ASPECTS = ("background", "method", "result")
REVIEW = "survey"
LABELS = {"B": "background", "O": "objective", "M": "method", "R": "result", "X": "other"}

SIBLINGS = {frozenset(TOPICS[i : i + 2]) for i in range(0, len(TOPICS), 2)}
RELATED_METHODS = {
    frozenset({"contrast", "transfer"}),  # reuse a learned representation
    frozenset({"bayes", "emulator"}),  # a model of the process, inverted with uncertainty
}
RELATED_FINDINGS = {
    frozenset({"few", "cheap"}),  # as good for less
    frozenset({"null", "shift"}),  # it does not deliver
}


@dataclass(frozen=True, slots=True)
class Abstract:
    """One abstract, and where it stands in the design. sentences: (label, text) in order."""

    id: str
    topic: str
    method: str
    finding: str
    title: str
    year: int
    venue: str
    authors: str
    sentences: tuple[tuple[str, str], ...]

    @property
    def problem(self) -> int | None:
        """Which of the topic's three sub-problems; None for a review."""
        if self.method == REVIEW:
            return None
        return (METHODS.index(self.method) + FINDINGS.index(self.finding)) % 3


def grade(aspect: str, seed: Abstract, other: Abstract) -> int:
    """How similar two abstracts are in one aspect by construction, 0 to 3."""
    near = seed.topic == other.topic or frozenset({seed.topic, other.topic}) in SIBLINGS
    if aspect == "background":
        if seed.topic != other.topic:
            return int(near)
        return 2 + (seed.problem is not None and seed.problem == other.problem)
    if REVIEW in (seed.method, other.method):
        return 0
    related = frozenset({seed.method, other.method}) in RELATED_METHODS
    if aspect == "method":
        return 2 + near if seed.method == other.method else int(related)
    if seed.finding == other.finding:
        return 2 + (seed.method == other.method or related)
    return int(frozenset({seed.finding, other.finding}) in RELATED_FINDINGS)


def read_abstracts(sources: Path = SOURCES) -> list[Abstract]:
    """All abstracts, topics and combinations in the order of the design, reviews last. Raises ValueError."""
    rows = [row for topic in TOPICS if (path := sources / f"{topic}.txt").is_file() for row in _read(path, topic)]
    order = {topic: place for place, topic in enumerate(TOPICS)}
    rows.sort(key=lambda row: (row.method == REVIEW, order[row.topic], _place(METHODS, row), _place(FINDINGS, row)))
    width = 3
    return [_numbered(row, f"s{number:0{width}}") for number, row in enumerate(rows, 1)]


def _place(names: Sequence[str], row: Abstract) -> int:
    value = row.method if names is METHODS else row.finding
    return names.index(value) if value in names else len(names)


def _numbered(row: Abstract, id: str) -> Abstract:
    return Abstract(id, row.topic, row.method, row.finding, row.title, row.year, row.venue, row.authors, row.sentences)


def _read(path: Path, topic: str) -> Iterator[Abstract]:
    header: list[str] = []
    sentences: list[tuple[str, str]] = []

    def finished() -> Abstract:
        title, method, finding, year, venue, authors = header
        if method not in (*METHODS, REVIEW) or (method != REVIEW and finding not in FINDINGS):
            raise ValueError(f"{path}: {title!r} has the method {method!r} and the finding {finding!r}")
        return Abstract("", topic, method, finding, title, int(year), venue, authors, tuple(sentences))

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        if line.startswith("# "):
            if header:
                yield finished()
            header, sentences = [part.strip() for part in line[2:].split("|")], []
            if len(header) != 6:
                raise ValueError(f"{path}:{number}: expected title | method | finding | year | venue | authors")
        elif line[:1] in LABELS and line[1:3] == ": ":
            sentences.append((LABELS[line[0]], line[3:].strip()))
        else:
            raise ValueError(f"{path}:{number}: expected a header or a sentence that starts with its label")
    if header:
        yield finished()


def seeds(abstracts: Sequence[Abstract]) -> list[Abstract]:
    """One seed for each topic and finding; the method moves on, so that every method is asked for about as often."""
    at = {(row.topic, row.method, row.finding): row for row in abstracts}
    chosen = []
    for t, topic in enumerate(TOPICS):
        for f, finding in enumerate(FINDINGS):
            row = at.get((topic, METHODS[(t + f) % len(METHODS)], finding))
            if row is not None:
                chosen.append(row)
    return chosen


def instructions() -> dict[str, list[str]]:
    """Aspect -> wordings, from instructions.txt: a line `[aspect]`, then one wording a line."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (SOURCES / "instructions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            found[name] = []
        elif line.strip():
            found[name].append(line.strip())
    return found


def make(folder: Path) -> int:
    """Write the five files of the benchmark folder; return the number of abstracts."""
    abstracts = read_abstracts()
    folder.mkdir(parents=True, exist_ok=True)
    wordings = instructions()
    corpus, construction, queries, qrels = [], ["id\ttopic\tmethod\tfinding\tproblem"], [], []
    for row in abstracts:
        corpus.append(
            _json(
                {
                    "_id": row.id,
                    "title": row.title,
                    "text": " ".join(text for _, text in row.sentences),
                    "sentences": [{"text": text, "label": label} for label, text in row.sentences],
                    "year": row.year,
                    "venue": row.venue,
                    "authors": row.authors.split(", "),
                }
            )
        )
        problem = "" if row.problem is None else row.problem
        construction.append(f"{row.id}\t{row.topic}\t{row.method}\t{row.finding}\t{problem}")
    for place, seed in enumerate(seeds(abstracts)):
        for aspect in ASPECTS:
            topic = f"{seed.id}_{aspect}"
            instruction = wordings[aspect][place % len(wordings[aspect])]
            queries.append(_json({"_id": topic, "seed": seed.id, "aspect": aspect, "instruction": instruction}))
            grades = ((row.id, grade(aspect, seed, row)) for row in abstracts if row.id != seed.id)
            qrels.extend(f"{topic} 0 {id} {value}" for id, value in grades if value)
    benchmark = {
        "name": "sample",
        "convention": "trec",
        "pool": "corpus",
        "relevant_from": 2,
        "aspect_pairs": True,
    }
    for name, lines in (
        ("corpus.jsonl", corpus),
        ("queries.jsonl", queries),
        ("qrels.tsv", qrels),
        ("construction.tsv", construction),
        ("benchmark.json", [json.dumps(benchmark, indent=1)]),
    ):
        (folder / name).write_bytes(("\n".join(lines) + "\n").encode())
    return len(abstracts)


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    print(f"{make(target)} abstracts in {target}", file=sys.stderr)
