"""Files cut into parts: whatever the size, the parts hold what the file holds."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from heedful.corpus import CorpusFiles, lines, parts, read_documents
from heedful.corpus.fields import Tally
from heedful.corpus.parts import Part, cut, documents_in, read_part
from heedful.corpus.reading import _documents
from heedful.records import Document


def row(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)


MANY = "\n".join(row(_id=f"d{n}", title="Über Äpfel", text="x" * (7 * n % 23)) for n in range(9))
FILES = {
    "plain": MANY + "\n",
    "without its last line feed": MANY,
    "empty": "",
    "nothing but line feeds": "\n\n\n",
    "a byte order mark": "\ufeff" + MANY,
    "carriage returns": MANY.replace("\n", "\r\n"),
    "blank lines": "\n" + MANY.replace("\n", "\n\n  \n") + "\n\n",
    "bad lines": MANY.replace("\n", "\n{half\n", 3) + "\n[]\n" + row(title="no id"),
    "a line that is too long": MANY + "\n" + row(_id="long", text="y" * 300) + "\n" + row(_id="last", text="z"),
}


def whole(path: Path) -> list[tuple[int, str]]:
    return [(line, str(found)) for line, found in _documents(path, Tally())]


def by_parts(path: Path) -> tuple[list[tuple[int, str]], int]:
    """What the parts hold, their lines numbered through, and how many lines there are."""
    found, before = [], 0
    for part in cut(path) or []:
        tally = Tally()
        for line, _, value in read_part(part, tally):
            if not isinstance(value, Document):  # its number is that of the part
                assert f":{line}: " in str(value)
                value = str(value).replace(f":{line}: ", f":{before + line}: ", 1)
            found.append((before + line, str(value)))
        before += tally.lines
    return found, before


@pytest.mark.parametrize("kind", FILES)
def test_parts_of_any_size_hold_the_lines_of_the_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 200)
    path = tmp_path / "a.jsonl"
    path.write_bytes(FILES[kind].encode())
    expected = whole(path)
    assert len(expected) >= (1 if kind in ("empty", "nothing but line feeds") else 9)
    if kind in ("empty", "nothing but line feeds"):
        expected = []  # that a file has no entry is not seen by its parts
    for size in [*range(1, 60), 100, 250, 10_000]:
        monkeypatch.setattr(parts, "PART", size)
        assert by_parts(path) == (expected, FILES[kind].encode().count(b"\n") + (FILES[kind][-1:] not in ("", "\n")))


def test_an_entry_that_begins_at_its_byte_can_be_left_out(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(MANY)
    [part] = cut(path) or []
    starts = [at for _, at, _ in read_part(part, Tally())]
    assert starts[0] == 0 and all(path.read_bytes()[at - 1 : at + 1] == b"\n{" for at in starts[1:])
    without = documents_in([Part(part.path, starts[1], starts[7], part.size, (starts[2], starts[4]))])
    assert [document.id for document in without] == ["d1", "d3", "d5", "d6"]


def test_what_cannot_be_read_from_its_middle_is_not_cut(tmp_path: Path):
    contents = {
        "packed.jsonl.gz": gzip.compress(MANY.encode()),
        "packed.jsonl": gzip.compress(MANY.encode()),
        "wide.jsonl": MANY.encode("utf-16"),
        "table.csv": b"id,title\na,On A\n",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        assert cut(tmp_path / name) is None
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert cut(tmp_path / "pipe.jsonl") is None
    (tmp_path / "a.jsonl").write_text(MANY)
    assert CorpusFiles([tmp_path / "a.jsonl", tmp_path / "table.csv"]).parts() is None
    assert len(CorpusFiles([tmp_path / "a.jsonl", tmp_path / "a.jsonl"]).parts() or []) == 2


def test_files_are_called_for_their_documents_again_and_again(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text(MANY + "\n{half\n")
    files = CorpusFiles(tmp_path / "a.jsonl", skip_bad=True)
    assert list(files()) == list(files()) == list(read_documents(tmp_path / "a.jsonl", skip_bad=True))
    assert (files.report.read, files.report.skipped) == (9, 1)


def test_a_file_that_is_gone_or_of_another_size_is_not_here(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(MANY)
    [part] = cut(path) or []
    assert part.is_here()
    path.write_text(MANY + "\n")
    assert not part.is_here()
    path.unlink()
    assert not part.is_here()
