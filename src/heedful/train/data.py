"""Files of triplets to examples: our own sets, released InF-IR rows, and sentence-transformers' columns."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from heedful.errors import BadInput, Missing, first_line
from heedful.synthesize.parquet import from_row

Row: TypeAlias = Mapping[str, Any]
SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz")
_HELD_BACK = {"dev": "dev", "validation": "dev", "valid": "dev", "test": "test"}  # by the first word of a file's name
_SURROGATE = re.compile("[\ud800-\udfff]")
_EXPECTED = (
    "the columns of a triplet set (as `heedful synthesize` writes it), of InF-IR (query_positive, "
    "instruction_positive, document or document_positive, ...), or anchor (or query) and positive, with optional "
    "instruction and negative, negative_1, ..."
)


@dataclass(frozen=True, slots=True)
class Negative:
    """A passage that does not satisfy the example, and the query and instruction that it does satisfy, if known."""

    passage: str
    query: str = ""
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A query under an instruction, the passage that satisfies both, and passages that do not."""

    query: str
    instruction: str
    passage: str
    negatives: tuple[Negative, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What was read. digest: sha256 over the files. kinds: which of the three forms there were."""

    examples: tuple[Example, ...]
    files: tuple[Path, ...]
    digest: str
    kinds: tuple[str, ...]


def read_training_set(source: Path | str, split: str = "train") -> TrainingSet:
    """Every example of a split of a file or folder.

    A file belongs to the split that is its name's first word (dev and validation: "dev"; test: "test", which is never
    trained on), else to "train". Raises Missing where there is no such place, BadInput where it has no files of the
    split, and, naming file and row, for missing columns, other types, empty texts, an empty set, or one row (nothing
    contrasts with it).
    """
    there = _files(Path(source))
    files = tuple(file for file in there if _split_of(file) == split)
    if not files:
        held = ", ".join(f"{file.name} (split {_split_of(file)!r})" for file in there[:3])
        what = f"only files held back by name: {held}" if held else f"no {', '.join(SUFFIXES)} in it"
        raise BadInput(f"{source}: found {what}; expected files of split {split!r}")
    examples: list[Example] = []
    digest, kinds = hashlib.sha256(), set()
    for file in files:
        digest.update(_digest(file))
        for number, row in enumerate(_rows(file)):
            where = f"{file}: row {number}"
            kind, read = _reader(row, where)
            kinds.add(kind)
            if kind == "triplets" and row["split"] != split:
                continue
            examples.append(read(row, where))
    if len(examples) < 2:
        found = f"{len(examples)} row{'s' * (len(examples) != 1)} of split {split!r}"
        raise BadInput(f"{source}: found {found}; expected 2 or more, since rows are contrasted with each other")
    return TrainingSet(tuple(examples), files, digest.hexdigest(), tuple(sorted(kinds)))


def from_triplet(row: Row, where: str) -> Example:
    """An example from a row of a triplet set; a passage is its title and text, as systems write documents."""
    triplet = from_row(row, where)
    return Example(
        triplet.query,
        triplet.instruction,
        f"{triplet.positive.title} {triplet.positive.text}".strip(),
        tuple(
            Negative(f"{n.passage.title} {n.passage.text}".strip(), n.query, n.instruction) for n in triplet.negatives
        ),
    )


def from_inf_ir(row: Row, where: str) -> Example:
    """An example from a released InF-IR row: (q+, i+) with its document, (q+, i-) and (q-, i+) with theirs."""
    document = "document" if "document" in row else "document_positive"
    query, instruction = _text(row, "query_positive", where), _text(row, "instruction_positive", where)
    negatives = []
    for name, other in (
        ("hard_negative_document_1", {"instruction": _text(row, "instruction_negative", where, needed=False)}),
        ("hard_negative_document_2", {"query": _text(row, "query_negative", where, needed=False)}),
    ):
        passage = _text(row, name, where, needed=False)
        if passage:
            negatives.append(Negative(passage, **other))
    return Example(query, instruction, _text(row, document, where), tuple(negatives))


def from_columns(row: Row, where: str) -> Example:
    """An example from sentence-transformers' columns: anchor or query, positive, negatives, optional instruction."""
    query = _text(row, "anchor" if "anchor" in row else "query", where)
    names = sorted((name for name in row if name == "negative" or name.startswith("negative_")), key=_numbered)
    negatives = (_text(row, name, where, needed=False) for name in names)
    return Example(
        query,
        _text(row, "instruction", where, needed=False),
        _text(row, "positive", where),
        tuple(Negative(passage) for passage in negatives if passage),
    )


def _reader(row: Row, where: str) -> tuple[str, Callable[[Row, str], Example]]:
    """Which form a row has. Raises BadInput where it has none."""
    names = set(row)
    if {"positive_text", "positive_id", "negatives"} <= names:
        return "triplets", from_triplet
    if {"query_positive", "instruction_positive"} <= names and names & {"document", "document_positive"}:
        return "InF-IR", from_inf_ir
    if names & {"anchor", "query"} and "positive" in names:
        return "columns", from_columns
    raise BadInput(f"{where}: found the columns {', '.join(sorted(names)) or 'none'}; expected {_EXPECTED}")


def _text(row: Row, name: str, where: str, needed: bool = True) -> str:
    value = row.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"{where}: found {type(value).__name__} as {name}; expected text")
    if needed and not value.strip():
        raise BadInput(f"{where}: found an empty {name}; expected text")
    if not value.isascii() and _SURROGATE.search(value):
        raise BadInput(f"{where}: found half a surrogate pair in {name}; expected Unicode text")
    return value


def _numbered(name: str) -> tuple[int, str]:
    number = name.rpartition("_")[2]
    return (int(number) if number.isdigit() else 0, name)


def _files(source: Path) -> Sequence[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise Missing(f"{source}: found no such file or folder; expected one of triplets")
    folder = source / "data" if (source / "data").is_dir() else source
    return sorted(file for file in folder.iterdir() if file.is_file() and file.name.endswith(SUFFIXES))


def _split_of(file: Path) -> str:
    return _HELD_BACK.get(re.split("[^a-z]", file.name.lower(), maxsplit=1)[0], "train")


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _rows(file: Path) -> Iterator[Row]:
    if not file.name.endswith(SUFFIXES):
        raise BadInput(f"{file}: found a file of another kind; expected {', '.join(SUFFIXES)}")
    return _parquet(file) if file.suffix == ".parquet" else _json_lines(file)


def _parquet(file: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=1024):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{file}: found a file that cannot be read as parquet ({first_line(error)}); expected rows"
        ) from None


def _json_lines(file: Path) -> Iterator[Row]:
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise BadInput(f"{file}:{number}: found no valid JSON ({error}); expected an object") from None
                if not isinstance(row, dict):
                    raise BadInput(f"{file}:{number}: found {type(row).__name__}; expected an object of columns")
                yield row
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise BadInput(f"{file}: found a file that cannot be read ({error}); expected JSON lines in UTF-8") from None
