"""Corpus files to documents: every format, and every way in which a file can be bad."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from heedful.corpus import ReadReport, read_documents
from heedful.errors import BadInput, BadRecord, Missing
from heedful.records import Document, Sentence

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return put


def read(*paths: Path, skip_bad: bool = False) -> tuple[list[Document], ReadReport]:
    report = ReadReport()
    return list(read_documents(paths, skip_bad=skip_bad, report=report)), report


def row(**fields: object) -> str:
    return json.dumps(fields) + "\n"


ONE = {
    "a.jsonl": row(_id="a", title="On A", text="We study A."),
    "a.ndjson": row(id="a", title="On A", abstract="We study A."),
    "a.jsonl.gz": row(_id="a", title="On A", text="We study A."),
    "a.csv": "id,title,abstract\na,On A,We study A.\n",
    "a.csv.gz": "_id,title,text\na,On A,We study A.\n",
    "a.tsv": "ID\tTitle\tAbstract\na\tOn A\tWe study A.\n",
    "a.bib": "@article{a, title = {On {A}}, abstract = {We study A.}}\n",
    "a.ris": "TY  - JOUR\nID  - a\nTI  - On A\nAB  - We study A.\nER  - \n",
    "a.ris.gz": "TY  - JOUR\nID  - a\nT1  - On A\nN2  - We study A.\nER  - \n",
    "A.BIB": "@article{a, title = {On {A}}, abstract = {We study A.}}\n",
}


@pytest.mark.parametrize("name", ONE)
def test_every_format_gives_the_same_document(write: Write, name: str) -> None:
    [document], report = read(write(name, ONE[name]))
    assert (document.id, document.title, document.text) == ("a", "On A", "We study A.")
    assert (report.read, report.skipped, report.without_abstract) == (1, 0, 0)


@pytest.mark.parametrize("name", ONE)
def test_a_byte_order_mark_and_crlf_change_nothing(write: Write, name: str) -> None:
    plain, _ = read(write(name, ONE[name]))
    windows, _ = read(write(name, b"\xef\xbb\xbf" + ONE[name].replace("\n", "\r\n").encode()))
    assert windows == plain


@pytest.mark.parametrize("name", ONE)
def test_the_last_line_may_lack_its_end(write: Write, name: str) -> None:
    assert read(write(name, ONE[name].rstrip("\n")))[0] == read(write(name, ONE[name]))[0]


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_a_benchmark_folder_is_read_through_its_corpus(write: Write, name: str) -> None:
    path = write(f"bench/{name}", ONE["a.jsonl"])
    [document], report = read(path.parent)
    assert document.id == "a" and report.sources == [str(path)]


def test_several_sources_are_read_in_order(write: Write) -> None:
    first, second = write("1.jsonl", ONE["a.jsonl"]), write("2.csv", "id,title\nb,On B\n")
    documents, report = read(first, second)
    assert [document.id for document in documents] == ["a", "b"]
    assert report.sources == [str(first), str(second)]


def test_one_path_need_not_be_in_a_list(write: Write) -> None:
    assert [document.id for document in read_documents(str(write("a.jsonl", ONE["a.jsonl"])))] == ["a"]


# --- fields


def test_everything_scalar_else_is_metadata(write: Write) -> None:
    fields = {"year": 2020, "score": 0.5, "open": True, "venue": " ACL ", "none": None, "empty": "", "tags": ["x", "y"]}
    [document], report = read(write("a.jsonl", row(_id=7, title="T", **fields, names=[], deep={"a": 1}, mixed=[[1]])))
    assert document.id == "7"
    assert document.metadata == {"year": 2020, "score": 0.5, "open": True, "venue": "ACL", "tags": "x; y"}
    assert report.ignored_fields == {"deep": 1, "mixed": 1}


def test_text_goes_before_abstract_and_an_empty_one_does_not(write: Write) -> None:
    lines = row(_id="a", text="T.", abstract="A.") + row(_id="b", text=" ", abstract="A.")
    documents, _ = read(write("a.jsonl", lines))
    assert [document.text for document in documents] == ["T.", "A."]
    assert all(not document.metadata for document in documents)


def test_labelled_sentences_get_offsets_into_the_text(write: Write) -> None:
    sentences = [{"text": "We ask.", "label": "background"}, {"text": "We do."}, "It works.", {"text": " "}]
    [document], _ = read(write("a.jsonl", row(_id="a", text="We ask. We do.  It works.", sentences=sentences)))
    assert document.sentences == (
        Sentence("We ask.", "background", 0, 7), Sentence("We do.", "", 8, 14), Sentence("It works.", "", 16, 25)
    )  # fmt: skip
    assert all(document.text[s.start : s.end] == s.text for s in document.sentences)


def test_sentences_without_a_text_make_it(write: Write) -> None:
    [document], _ = read(write("a.jsonl", row(_id="a", sentences=[{"text": "One."}, {"text": "Two."}])))
    assert document.text == "One. Two." and document.sentences[1] == Sentence("Two.", "", 5, 9)


def test_sentences_that_do_not_stand_in_the_text_keep_no_offsets(write: Write) -> None:
    [document], _ = read(write("a.jsonl", row(_id="a", text="One.", sentences=[{"text": "One."}, {"text": "Two."}])))
    assert [(s.start, s.end) for s in document.sentences] == [(-1, -1), (-1, -1)]


def test_a_title_alone_is_kept_and_counted(write: Write) -> None:
    documents, report = read(write("a.jsonl", row(_id="a", title="T") + row(_id="b", title="U", text="V.")))
    assert len(documents) == 2 and report.without_abstract == 1
    assert report.warnings() == ["1 of 2 documents have no abstract; their titles stand alone"]


def test_control_characters_are_taken_out_and_counted(write: Write) -> None:
    [document], report = read(
        write("a.jsonl", row(_id="a\x00", title="T\x07\nU", text="V\x0cW\x9f\r\nX\tY\ud800", k="\x01k"))
    )
    assert (document.id, document.title, document.text) == ("a", "T U", "V W\nX\tY\ufffd")
    assert document.metadata == {"k": "k"}
    assert report.control_characters == 6


def test_numbers_in_a_table_become_numbers_only_where_nothing_is_lost(write: Write) -> None:
    [document], _ = read(write("a.csv", "id,title,year,n,z,f,g,e,neg,inf\n7,1984,2019,12,007,0.5,1.50,,-3,inf\n"))
    assert (document.id, document.title) == ("7", "1984")
    assert document.metadata == {"year": 2019, "n": 12, "z": "007", "f": 0.5, "g": "1.50", "neg": -3, "inf": "inf"}
    assert type(document.metadata["n"]) is int


def test_quoted_fields_of_a_csv_file_may_hold_commas_quotes_and_line_ends(write: Write) -> None:
    documents, _ = read(write("a.csv", 'id,title,text\na,"T, ""U""","One.\nTwo."\n\nb,V,W\n'))
    assert [(d.title, d.text) for d in documents] == [('T, "U"', "One.\nTwo."), ("V", "W")]


def test_a_csv_file_may_be_separated_by_semicolons(write: Write) -> None:
    assert read(write("a.csv", "id;title\na;On A, B\n"))[0][0].title == "On A, B"


def test_quotes_in_a_tsv_file_are_text_unless_they_enclose_the_field(write: Write) -> None:
    documents, _ = read(write("a.tsv", 'id\ttitle\na\t"Why?" asked\nb\t"He said ""why"""\nc\t"x" or "y"\n'))
    assert [document.title for document in documents] == ['"Why?" asked', 'He said "why"', '"x" or "y"']


BIB = r"""% a remark, with me@example.org in it
@comment{jabref-meta: {x}}
@preamble{"\newcommand{\x}{y}"}
@string{jf = "Journal of {F}oo"}
@String(ed = {Ed.})
@article{m2019,
  Title = "The {\"O}ber-{BERT} \& $x^2$ with 5% of
     {\'e}t{\'e}",
  author = {M{\"u}ller, Anna and {Barnes and Noble} and D. E. Knuth},
  abstract = {First.  Second line
     with an e-mail a@b.org and "quotes", (brackets) and \{braces\}.},
  journal = jf # ", " # {2nd } # ed,
  month = jan, date = {2019-05-01},
  doi = {10.1/a_b}, url = {http://x.org/~a%20b},
}
@inproceedings(p1, title = {A (so-called) paper}, booktitle = {Proc.}, year = 2020) @misc{q, title={Q}}
@book
{b, title = {No {abstract}}}
"""


def test_bibtex_abbreviations_tex_and_odd_layouts_are_read(write: Write) -> None:
    documents, report = read(write("a.bib", BIB))
    first = documents[0]
    assert [document.id for document in documents] == ["m2019", "p1", "q", "b"]
    assert first.title == "The Öber-BERT & $x^2$ with 5% of été"
    assert first.text == 'First. Second line with an e-mail a@b.org and "quotes", (brackets) and {braces}.'
    assert first.metadata == {
        "authors": "Müller, Anna; Barnes and Noble; D. E. Knuth", "year": 2019, "venue": "Journal of Foo, 2nd Ed.",
        "month": "jan", "doi": "10.1/a_b", "url": "http://x.org/~a%20b", "type": "article",
    }  # fmt: skip
    assert documents[1].metadata == {"venue": "Proc.", "year": 2020, "type": "inproceedings"}
    assert report.without_abstract == 3


RIS = """Provider: somebody
TY  - JOUR
AU  - Smith, J.
AU  - Lee, K.
TI  - On A
AB  - First line
 goes on.
PY  - 2019/05/01/
JO  - J. of A
DO  - 10.1/a
KW  - x
KW  - y
ZZ  - odd
ER  -

TY  - CHAP
ID  - b
T1  - On B
Y1  - 1999
ER  -
"""


def test_ris_entries_take_their_doi_as_id_where_there_is_no_other(write: Write) -> None:
    documents, _ = read(write("a.ris", RIS))
    assert [(d.id, d.title, d.text) for d in documents] == [
        ("10.1/a", "On A", "First line goes on."),
        ("b", "On B", ""),
    ]
    assert documents[0].metadata == {
        "authors": "Smith, J.; Lee, K.", "year": 2019, "venue": "J. of A", "keywords": "x; y", "type": "JOUR",
        "doi": "10.1/a",
    }  # fmt: skip
    assert documents[1].metadata == {"year": 1999, "type": "CHAP"}


# --- bad input

GOOD = {
    "jsonl": lambda id: row(_id=id, title="T", text="U."),
    "csv": lambda id: f"{id},T,U.\n",
    "tsv": lambda id: f"{id}\tT\tU.\n",
    "bib": lambda id: f"@article{{{id}, title={{T}}, abstract={{U.}}}}\n",
    "ris": lambda id: f"TY  - JOUR\nID  - {id}\nTI  - T\nAB  - U.\nER  - \n",
}
HEAD = {"csv": "id,title,text\n", "tsv": "id\ttitle\ttext\n"}
BAD: list[tuple[str, str | bytes, str]] = [
    ("jsonl", '{"_id": "x", "title": "T",\n', "broken JSON"),
    ("jsonl", '{"_id": "x"} {"_id": "y"}\n', "broken JSON (Extra data, column 14)"),
    ("jsonl", '["x"]\n', "a JSON array; expected one JSON object a line"),
    ("jsonl", "7\n", "a JSON number"),
    ("jsonl", '{"_id": "x", "title": "T", "v": NaN}\n', "NaN, which is not JSON"),
    ("jsonl", '{"_id": "x", "title": "T", "v": -Infinity}\n', "-Infinity, which is not JSON"),
    ("jsonl", '{"_id": "x", "title": "T", "v": 1e999}\n', "the number 1e999, which is out of range"),
    ("jsonl", '{"_id": "x", "v": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "JSON nested too deeply"),
    ("jsonl", row(title="T", text="U"), "an entry without an id; expected an id of its own under '_id' or 'id'"),
    ("jsonl", row(_id=" ", title="T"), "an entry without an id"),
    ("jsonl", row(_id=True, title="T"), "True under '_id'; expected an id that is text or a whole number"),
    ("jsonl", row(_id=1.5, title="T"), "1.5 under '_id'"),
    ("jsonl", row(_id=["x"], title="T"), "['x'] under '_id'"),
    ("jsonl", row(_id="x", title=["T"]), "['T'] under 'title'; expected text"),
    ("jsonl", row(_id="x", text={"a": 1}), "{'a': 1} under 'text'; expected text"),
    ("jsonl", row(_id="x", abstract=3), "3 under 'abstract'; expected text"),
    ("jsonl", row(_id="x", title="T", sentences="S."), "'S.' under 'sentences'; expected a list of"),
    ("jsonl", row(_id="x", title="T", sentences=[3]), "3 as sentence 1"),
    ("jsonl", row(_id="x", title="T", sentences=[{"text": "S", "label": 2}]), "the label 2 on sentence 1"),
    ("jsonl", row(_id="x", title="", text=" "), "the document 'x' with neither a title nor a text"),
    ("jsonl", row(_id="x"), "the document 'x' with neither a title nor a text"),
    ("jsonl", row(_id="a", title="again"), "the id 'a' again"),
    ("jsonl", b'{"_id": "x", "title": "caf\xe9"}\n', "the byte 0xe9 in column 27, which is not UTF-8"),
    ("csv", "x,T\n", "2 fields; expected 3, as in the header"),
    ("csv", "x,T,U,V\n", "4 fields; expected 3"),
    ("csv", 'x,"T"y,U\n', "a broken row"),
    ("csv", ",T,U\n", "an entry without an id"),
    ("csv", "x,,\n", "the document 'x' with neither"),
    ("csv", "a,T,U\n", "the id 'a' again"),
    ("csv", b"x,caf\xe9,U\n", "the byte 0xe9 in column 6, which is not UTF-8"),
    ("tsv", "x\tT\n", "2 fields; expected 3"),
    ("tsv", "\tT\tU\n", "an entry without an id"),
    ("tsv", "a\tT\tU\n", "the id 'a' again"),
    ("tsv", b"x\tcaf\xe9\tU\n", "the byte 0xe9"),
    ("bib", "@article{x, title = {T}\n", "an entry whose brackets do not close"),
    ("bib", "@article{x, title {T}}\n", "a broken entry (Expected a `=` after entry key"),
    ("bib", "@article{title = {T}}\n", "a broken entry (Expected comma after entry key"),
    ("bib", "@article{x, title = {T}, title = {U}}\n", "a broken entry (Duplicate field keys on entry: 'title'"),
    ("bib", "@article{, title = {T}}\n", "an entry without an id"),
    ("bib", "@article{x, year = 2019}\n", "the document 'x' with neither"),
    ("bib", "@article{a, title = {T}}\n", "the id 'a' again"),
    ("bib", b"@article{x, title = {caf\xe9}}\n", "the byte 0xe9"),
    ("ris", "TY  - JOUR\nID  - x\nTI  - T\n", "an entry without 'ER  - ' at its end"),
    ("ris", "TY  - JOUR\nTI  - T\nER  - \n", "an entry without an id"),
    ("ris", "TY  - JOUR\nID  - x\nER  - \n", "the document 'x' with neither"),
    ("ris", "TY  - JOUR\nID  - a\nTI  - T\nER  - \n", "the id 'a' again"),
    ("ris", b"TY  - JOUR\nID  - caf\xe9\nER  - \n", "the byte 0xe9"),
]


def _with_bad(kind: str, bad: str | bytes) -> tuple[bytes, int]:
    before = (HEAD.get(kind, "") + GOOD[kind]("a")).encode()
    bad = bad.encode() if isinstance(bad, str) else bad
    return before + bad + GOOD[kind]("b").encode(), before.count(b"\n") + 1


@pytest.mark.parametrize(("kind", "bad", "says"), BAD, ids=[f"{kind}-{says[:40]}" for kind, _, says in BAD])
def test_a_bad_entry_says_file_line_what_was_found_and_what_would_do(
    write: Write, kind: str, bad: str | bytes, says: str
) -> None:
    content, line = _with_bad(kind, bad)
    path = write(f"x.{kind}", content)
    with pytest.raises(BadRecord) as caught:
        read(path)
    assert caught.value.path == str(path) and line <= caught.value.line <= line + 2
    assert str(caught.value).startswith(f"{path}:{caught.value.line}: found ")
    assert says in str(caught.value) and "; expected " in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(("kind", "bad", "says"), BAD, ids=[f"{kind}-{says[:40]}" for kind, _, says in BAD])
def test_a_bad_entry_can_be_counted_and_passed_over(write: Write, kind: str, bad: str | bytes, says: str) -> None:
    documents, report = read(write(f"x.{kind}", _with_bad(kind, bad)[0]), skip_bad=True)
    assert [document.id for document in documents] == ["a", "b"]
    assert report.skipped == 1 and says.split("; expected")[0] in report.reasons[0]
    assert report.warnings()[0].startswith("1 entries were skipped; the first: ")


def test_only_the_first_five_reasons_are_kept(write: Write) -> None:
    path = write("a.jsonl", ONE["a.jsonl"] + "x\n" * 9)
    _, report = read(path, skip_bad=True)
    assert report.skipped == 9 and len(report.reasons) == 5
    assert report.reasons[4].startswith(f"{path}:6: found broken JSON")


def test_a_repeated_id_names_where_it_was_first_even_in_another_file(write: Write) -> None:
    first, second = write("1.jsonl", row(_id="x", title="T") + ONE["a.jsonl"]), write("2.csv", "id,title\na,T\n")
    with pytest.raises(
        BadRecord, match=r"2.csv:2: found the id 'a' again, first at .*1.jsonl:2; expected every id once"
    ):
        read(first, second)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.bib", "a.ris", "a.jsonl.gz"])
@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_an_empty_file_is_an_error(write: Write, name: str, content: str) -> None:
    path = write(name, content)
    with pytest.raises(BadRecord, match=r":1: found"):
        read(path)
    with pytest.raises(BadInput, match="found no usable document"):
        read(path, skip_bad=True)


def test_an_empty_file_beside_a_good_one_can_be_passed_over(write: Write) -> None:
    documents, report = read(write("1.jsonl", ""), write("2.jsonl", ONE["a.jsonl"]), skip_bad=True)
    assert len(documents) == 1 and report.skipped == 1 and "an empty file" in report.reasons[0]


def test_a_zero_byte_file_named_gz_is_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").touch()
    with pytest.raises(BadRecord, match="found an empty file"):
        read(tmp_path / "a.jsonl.gz")


def test_a_header_without_an_id_column_is_an_error(write: Write) -> None:
    with pytest.raises(BadRecord, match=r"a.csv:1: found the columns 'name, title'; expected a header line with _id"):
        read(write("a.csv", "name,title\nx,T\n"))
    with pytest.raises(BadRecord, match=r"a.tsv:1: found the column 'id' twice"):
        read(write("a.tsv", "id\tID\nx\tT\n"))


def test_an_unclosed_quote_is_an_error_where_its_row_begins(write: Write) -> None:
    with pytest.raises(BadRecord, match=r"a.csv:3: found a broken row \(unexpected end of data\)"):
        read(write("a.csv", 'id,title\na,T\nb,"U\nc,V\nd,W\n'))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.bib", "a.ris"])
def test_gzip_that_is_cut_off_gives_what_was_whole_and_then_an_error(write: Write, tmp_path: Path, name: str) -> None:
    kind = name[2:]
    whole = gzip.compress((HEAD.get(kind, "") + "".join(GOOD[kind](f"d{i * 7919}") for i in range(5000))).encode())
    path = tmp_path / f"{name}.gz"
    path.write_bytes(whole[: len(whole) // 2])
    stream, some = read_documents(path), 0
    with pytest.raises(BadRecord, match="found gzip data that is cut off; expected a complete gzip file"):
        for _ in stream:
            some += 1
    documents, report = read(path, skip_bad=True)
    assert 100 < some < 5000 and len(documents) >= some and report.skipped >= 1


def test_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"".join(row(_id=str(i), title="T").encode() for i in range(1000))))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.jsonl.gz").write_bytes(bytes(data))
    with pytest.raises(BadRecord):
        read(tmp_path / "a.jsonl.gz")


def test_gzip_is_known_by_its_content(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(ONE["a.jsonl"].encode()))
    assert read(tmp_path / "a.jsonl")[0][0].id == "a"
    (tmp_path / "b.jsonl.gz").write_text(ONE["a.jsonl"])
    with pytest.raises(BadRecord, match="found data that is not gzip"):
        read(tmp_path / "b.jsonl.gz")


def test_utf_16_is_named(write: Write) -> None:
    with pytest.raises(BadRecord, match=r":1: found UTF-16 text; expected UTF-8"):
        read(write("a.csv", ONE["a.csv"].encode("utf-16")))


def test_a_source_that_is_not_there_is_missing_before_anything_is_read(write: Write, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"none.jsonl: no such file or folder; expected .jsonl"):
        read_documents([write("a.jsonl", ONE["a.jsonl"]), tmp_path / "none.jsonl"])


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a", "a.pdf.gz", "jsonl"])
def test_an_unknown_extension_is_an_error_that_lists_the_known(write: Write, name: str) -> None:
    with pytest.raises(
        BadInput, match=r"found the unknown extension .*; expected .jsonl, .ndjson, .csv, .tsv, .bib, .ris"
    ):
        read_documents(write(name, "x"))


def test_a_folder_without_a_corpus_is_an_error_that_says_what_is_there(write: Write) -> None:
    with pytest.raises(BadInput, match=r"found a folder with queries.jsonl; expected corpus.jsonl or corpus.jsonl.gz"):
        read_documents(write("bench/queries.jsonl", "{}").parent)


def test_no_source_is_an_error() -> None:
    with pytest.raises(BadInput, match="found no source"):
        read_documents([])


# --- size and speed


@pytest.mark.parametrize("kind", GOOD)
def test_a_document_of_two_hundred_thousand_characters_is_read_in_no_time(write: Write, kind: str) -> None:
    long = "We show it, and it works for a {B} and \\% and $x$ (100%). " * 3600
    content = HEAD.get(kind, "") + GOOD[kind]("a").replace(
        "U.", long.replace("\\", "\\\\") if kind == "jsonl" else long
    )
    if kind == "csv":
        content = content.replace(long, f'"{long}"')
    start = time.process_time()
    [document], _ = read(write(f"a.{kind}", content))
    assert len(document.text) > 190_000
    assert time.process_time() - start < 4


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "bib", "ris"])
def test_memory_does_not_grow_with_the_file(write: Write, kind: str) -> None:
    def peak(documents: int) -> int:
        text = "We show that this is so. " * 40
        lines = (GOOD[kind](f"d{i}").replace("U.", text) for i in range(documents))
        path = write(f"{documents}.{kind}", HEAD.get(kind, "") + "".join(lines))
        list(map(id, read_documents(path)))  # what is loaded once, and the decoder's own caches
        tracemalloc.start()
        for _ in read_documents(path):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(60), peak(600)  # 60 kB and 600 kB of text
    assert many < few + 50_000


def test_a_line_beyond_the_limit_is_an_error_and_the_next_is_read(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heedful.corpus.lines.LONGEST_LINE", 2**20)
    content = row(_id="a", title="T") + row(_id="x", title="T" * 3 * 2**20) + row(_id="b", title="T")
    documents, report = read(write("a.jsonl", content), skip_bad=True)
    assert [document.id for document in documents] == ["a", "b"]
    assert "a.jsonl:2: found a line of more than 1 MiB" in report.reasons[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bib", "@article{x, title = {" + "{" * 150_000),
        ("bib", "@article{x, title = {" + "@" * 150_000 + "}}"),
        ("bib", "@a" * 80_000),
        ("bib", "@article{x, author = {" + "a and " * 30_000 + "}, title={T}}"),
        ("bib", "@article{x, title = {" + "{" * 30_000 + "T" + "}" * 30_000 + "}}"),
        ("bib", "\n@a" * 20_000),
        ("bib", "@article{x, title = {" + '"{}" # ' * 20_000 + "}}"),
        ("ris", "TY  - JOUR\n" * 20_000),
        ("ris", "TY  - JOUR\nID  - x\nTI  - T\n" + "more\n" * 20_000 + "ER  - \n"),
        ("csv", "id,title\n" + '"' * 150_000),
        ("csv", "id,title\n" + "," * 150_000),
        ("tsv", "id\ttitle\n" + "\t" * 150_000),
        ("jsonl", '{"_id": "x", "title": "' + '\\"' * 80_000),
        ("jsonl", '{"a":' * 50_000),
    ],
)
def test_hostile_files_take_linear_time(write: Write, name: str, text: str) -> None:
    path = write(f"a.{name}", text)
    start = time.process_time()
    try:
        read(path, skip_bad=True)
    except BadInput as error:
        assert len(str(error)) < 1500
    assert time.process_time() - start < 5


def test_stopping_early_reads_no_further(write: Write) -> None:
    stream = read_documents(write("a.jsonl", ONE["a.jsonl"] + "broken\n"))
    assert next(stream).id == "a"


# --- real files


@pytest.mark.parametrize(("name", "documents"), [("csfcube", 4205), ("birco-doris-mae", 1540), ("cacm", 3204)])
def test_real_collections_are_read_whole(shared_data: Path, name: str, documents: int) -> None:
    found, report = read(shared_data / name)
    assert (len(found), report.skipped) == (documents, 0)
    assert all(0 <= s.start < s.end for document in found for s in document.sentences)
