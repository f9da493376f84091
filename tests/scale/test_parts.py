"""Builds whose workers read the files: whatever is in them, they are the builds of one that reads everything."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.index.conftest import contents, make_documents

from heedful.corpus import CorpusFiles, ReadReport, read_documents
from heedful.corpus import parts as cutting
from heedful.corpus.parts import Part, documents_in
from heedful.encode.hashing import HashEncoder
from heedful.errors import BadInput, HeedfulError, Mismatch
from heedful.index import Index, build_index
from heedful.records import Document
from heedful.scale import build_in_shards, encoding, parts, shards, survey
from heedful.scale.parts import Gathering, survey_part
from heedful.scale.shards import Shard
from heedful.scale.survey import Survey
from heedful.seams import LocalMapper


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of four documents, parts of a few lines."""
    for module in (encoding, parts, shards, survey):
        monkeypatch.setattr(module, "CHUNK", 4)
    monkeypatch.setattr(cutting, "PART", 700)


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(16)


def line(document: Document) -> str:
    return json.dumps({"_id": document.id, "title": document.title, "text": document.text, **document.metadata})


def write(path: Path, rows: Iterable[str]) -> Path:
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two files with 37 documents that can be used, one of them the other's again, and lines that cannot be used."""
    rows = [line(document) for document in make_documents(37)]
    first = [*rows[:10], "{half", "", *rows[10:21], rows[3], '{"title": "no id"}', rows[20]]
    second = [rows[0].replace('"year"', '"award"'), *rows[21:30], "[]", *rows[30:36], rows[5], rows[36], rows[36]]
    return [write(tmp_path / "first.jsonl", first), write(tmp_path / "second.ndjson", second)]


class Watching(LocalMapper):
    """Remembers what it maps. after: items, of those that are encoded, after which the driver ends."""

    def __init__(self, after: int = -1):
        self.after, self.items = after, list[Any]()

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.items.append(item)
            yield fn(item)
            if isinstance(item, Shard) and len(self.shards) == self.after:
                raise KeyboardInterrupt

    @property
    def shards(self) -> list[Shard]:
        return [item for item in self.items if isinstance(item, Shard)]


def as_stream(files: CorpusFiles) -> Callable[[], Iterator[Document]]:
    """The same files, read by the driver."""
    return lambda: files()


def test_a_build_that_workers_read_for_is_the_build_of_one_reader(
    two: list[Path], tmp_path: Path, encoder: HashEncoder
):
    files, mapper = CorpusFiles(two, skip_bad=True), Watching()
    report = build_in_shards(files, tmp_path / "parts", encoder, mapper)
    assert (report.documents, report.added) == (37, 37)
    assert sum(isinstance(item, Part) for item in mapper.items) > 10
    assert all(shard.parts and not shard.documents for shard in mapper.shards) and len(mapper.shards) == 10
    assert any(len({part.path for part in shard.parts}) == 2 for shard in mapper.shards), "a shard spans two files"
    build_in_shards(as_stream(CorpusFiles(two, skip_bad=True)), tmp_path / "stream", encoder, LocalMapper())
    build_index(read_documents(two, skip_bad=True), tmp_path / "local", encoder)
    assert Index.open(tmp_path / "parts").ids == Index.open(tmp_path / "local").ids
    assert contents(tmp_path / "parts") == contents(tmp_path / "stream") == contents(tmp_path / "local")
    left, right = Index.open(tmp_path / "parts").manifest, Index.open(tmp_path / "stream").manifest
    assert (left.corpus, left.columns, left.sentences, left.aspects) == (
        right.corpus, right.columns, right.sentences, right.aspects
    )  # fmt: skip
    assert "award" not in left.columns, "a repeated document makes no column"
    assert build_in_shards(files, tmp_path / "parts", encoder, LocalMapper()).unchanged


def test_the_report_is_that_of_one_reader(two: list[Path], tmp_path: Path, encoder: HashEncoder):
    files, plain = CorpusFiles(two, skip_bad=True), ReadReport()
    build_in_shards(files, tmp_path / "parts", encoder, LocalMapper())
    list(read_documents(two, skip_bad=True, report=plain))
    assert files.report.as_json() == plain.as_json()
    assert (plain.read, plain.skipped, len(plain.reasons)) == (37, 8, 5)
    assert (
        files.report.reasons[1] == f"{two[0]}:24: found the id 'd00003' again; expected every id once over all sources"
    )


LETTERS = "We show that the method is better than all of the other methods which have been used for this. "


def random_row(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(["{half", "", "  ", "[]", '{"_id": "x"}', '{"_id": 1.5, "title": "T"}'])
    fields: dict[str, Any] = {"_id": f"d{rng.randrange(60)}", "title": "T\u0007" if kind < 0.2 else "T"}
    fields["text"] = rng.choice(["", LETTERS * rng.randrange(1, 4), "Die Daten zeigen, dass Fehler kleiner sind. " * 3])
    for name in rng.sample(["year", "venue", "open", "deep", "other"], rng.randrange(4)):
        fields[name] = rng.choice([1, 2.5, "n.d.", True, None, {"a": 1}])
    return json.dumps(fields)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("skip_bad", [True, False])
def test_parts_add_up_to_one_reading_whatever_is_in_them(
    seed: int, skip_bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rng = random.Random(seed)
    monkeypatch.setattr(cutting, "PART", rng.choice([1, 50, 333, 1000, 100_000]))
    rows = [[random_row(rng) for _ in range(rng.choice([0, 1, 30]))] for _ in range(rng.randrange(1, 4))]
    files = CorpusFiles([write(tmp_path / f"{n}.jsonl", part) for n, part in enumerate(rows)], skip_bad=skip_bad)

    def by_parts() -> tuple[Survey, dict[str, Any], list[list[Document]]]:
        gathering = Gathering(files)
        for part in files.parts() or []:
            gathering.add(survey_part(part))
        gathering.close()
        return gathering.survey, gathering.report.as_json(), [list(documents_in(s)) for s in gathering.shards(2)]

    def by_one() -> tuple[Survey, dict[str, Any], list[list[Document]]]:
        documents = list(files())
        shards = [documents[at : at + 8] for at in range(0, len(documents), 8)]
        return survey.survey(documents), files.report.as_json(), shards

    assert outcome(by_parts) == outcome(by_one)


def outcome(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except HeedfulError as error:
        return type(error), str(error)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"a.jsonl": ["{half"], "b.jsonl": []}, r"a\.jsonl:22: found broken JSON"),
        (
            {"a.jsonl": [], "b.jsonl": ['{"_id": "d00003", "title": "T"}']},
            r"b\.jsonl:41: .*again, first at .*a\.jsonl:4",
        ),
        ({"a.jsonl": [], "b.jsonl": [], "c.jsonl": None}, r"c\.jsonl:1: found an empty file"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_names_file_and_line(
    rows: dict[str, list[str] | None], says: str, tmp_path: Path, encoder: HashEncoder
):
    documents = {"a.jsonl": make_documents(21), "b.jsonl": make_documents(40, start=100)}
    paths = [
        write(tmp_path / name, [] if bad is None else [*map(line, documents[name]), *bad]) for name, bad in rows.items()
    ]
    mapper = Watching()
    with pytest.raises(BadInput, match=says) as by_parts:
        build_in_shards(CorpusFiles(paths), tmp_path / "index", encoder, mapper)
    assert not mapper.shards
    with pytest.raises(BadInput) as by_one:
        build_in_shards(as_stream(CorpusFiles(paths)), tmp_path / "index", encoder, LocalMapper())
    assert (type(by_parts.value), str(by_parts.value)) == (type(by_one.value), str(by_one.value))


def test_metadata_fields_that_would_share_a_column_are_refused(tmp_path: Path, encoder: HashEncoder):
    rows = [line(document) for document in make_documents(20)]
    path = write(tmp_path / "a.jsonl", [*rows, '{"_id": "x", "title": "T", "Year": 1}'])
    with pytest.raises(BadInput, match="'x': metadata fields 'year' and 'Year' would share"):
        build_in_shards(CorpusFiles(path), tmp_path / "index", encoder, LocalMapper())


@pytest.mark.parametrize("parts_first", [True, False])
def test_one_way_goes_on_where_the_other_was_cut_off(
    parts_first: bool, two: list[Path], tmp_path: Path, encoder: HashEncoder
):
    files = CorpusFiles(two, skip_bad=True)
    ways = [files, as_stream(files)] if parts_first else [as_stream(files), files]
    with pytest.raises(KeyboardInterrupt):
        build_in_shards(ways[0], tmp_path / "index", encoder, Watching(after=6))
    mapper = Watching()
    report = build_in_shards(ways[1], tmp_path / "index", encoder, mapper)
    assert (report.already, report.resumed, len(mapper.shards)) == (24, True, 4)
    build_index(read_documents(two, skip_bad=True), tmp_path / "local", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "local")


class Blind(Watching):
    """A mapper whose workers do not see files: one item in `share` is such a worker's, while encoding or not then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, share: int, while_encoding: bool):
        super().__init__()
        self._patch, self._share, self._encoding = monkeypatch, share, while_encoding

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        def blindly(item: Any) -> Any:
            if len(self.items) % self._share or (isinstance(item, Shard) and not self._encoding):
                return fn(item)
            with self._patch.context() as blind:
                blind.setattr(Part, "is_here", lambda part: False)
                return fn(item)

        return super().map(blindly, items)


@pytest.mark.parametrize("share", [1, 3])
@pytest.mark.parametrize("while_encoding", [True, False])
def test_what_a_worker_does_not_see_is_read_here(
    share: int, while_encoding: bool, two: list[Path], tmp_path: Path, encoder: HashEncoder,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    caplog.set_level(logging.INFO, "heedful.scale")
    files, mapper, plain = CorpusFiles(two, skip_bad=True), Blind(monkeypatch, share, while_encoding), ReadReport()
    build_in_shards(files, tmp_path / "index", encoder, mapper)
    build_index(read_documents(two, skip_bad=True, report=plain), tmp_path / "local", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "local")
    assert Index.open(tmp_path / "index").ids == Index.open(tmp_path / "local").ids
    assert files.report.as_json() == plain.as_json()
    sent = sum(bool(shard.documents) for shard in mapper.shards)
    assert sent == 0 if not while_encoding else sent == 10 if share == 1 else 0 < sent < 10
    assert len([record for record in caplog.records if "does not see" in record.getMessage()]) == 1


class Changing(Watching):
    """Changes a file before the first shard is encoded."""

    def __init__(self, path: Path, change: Callable[[str], str]):
        super().__init__()
        self._path, self._change = path, change

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        def changing(item: Any) -> Any:
            if isinstance(item, Shard) and not item.number and self._change:
                self._path.write_text(self._change(self._path.read_text()))
            return fn(item)

        return super().map(changing, items)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("We study", "We STUDY"),
        lambda text: text[300:] + text[:300],
        lambda text: " " * len(text),
        lambda text: text + text.replace('"d0', '"e0'),
        lambda text: text[:500],
    ],
    ids=["other words", "other lines", "no lines", "longer", "shorter"],
)
def test_a_file_that_changes_meanwhile_is_noticed(change: Callable[[str], str], tmp_path: Path, encoder: HashEncoder):
    path = write(tmp_path / "a.jsonl", map(line, make_documents(30)))
    with pytest.raises(Mismatch, match="changed meanwhile: run the same command again"):
        build_in_shards(CorpusFiles(path), tmp_path / "index", encoder, Changing(path, change))
    again = CorpusFiles([path, write(tmp_path / "b.jsonl", map(line, make_documents(1, start=99)))], skip_bad=True)
    assert build_in_shards(again, tmp_path / "index", encoder, LocalMapper()).documents == again.report.read
