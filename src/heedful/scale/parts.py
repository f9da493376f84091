"""Files surveyed by workers, part by part, and added up here in order: as one reading of all of them finds it.

What a worker does not see it gives back, and it is done here.
"""

from __future__ import annotations

import logging
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heedful.corpus.fields import Tally
from heedful.corpus.language import is_english
from heedful.corpus.parts import Part, read_part
from heedful.corpus.reading import REASONS, CorpusFiles, ReadReport, comes_again, nothing_in, nothing_usable, sampled
from heedful.errors import BadRecord, Mismatch
from heedful.index.columns import Shape, shape_of, shapes_of
from heedful.index.rows import digest
from heedful.index.seen import SeenIds, id_hash
from heedful.records import Document
from heedful.scale.encoding import CHUNK
from heedful.scale.shards import CHANGED, Shard
from heedful.scale.survey import Survey, as_rows
from heedful.seams import Mapper

log = logging.getLogger("heedful.scale")
_ENGLISH = {None: -1, False: 0, True: 1}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a part holds. Arrays have a value for each of its n documents that can be used, in order.

    bad: entries that cannot be used. ids: (n,) hashes. starts: (n,) bytes. digests: (n, 32). shapes: of metadata, each
    with an id; shape: (n,) which of them. without_text: (n,). english: (n,) 1, 0, or -1 where that cannot be said.
    """

    part: Part
    tally: Tally
    bad: int
    ids: NDArray[np.uint64]
    starts: NDArray[np.int64]
    digests: NDArray[np.uint8]
    shapes: tuple[tuple[Shape, str], ...]
    shape: NDArray[np.int32]
    without_text: NDArray[np.bool_]
    english: NDArray[np.int8]


def survey_part(part: Part) -> Found | Part:
    """What a worker does with a part; it comes back as it is where this process does not see the file.

    The language of every document is looked at, since which ones are asked for it is known only when earlier parts are.
    """
    if not part.is_here():
        return part
    tally, bad = Tally(), 0
    starts: list[int] = []
    documents: list[Document] = []
    for _, start, found in read_part(part, tally):
        if isinstance(found, Document):
            starts.append(start)
            documents.append(found)
        else:
            bad += 1
    shapes = shapes_of(documents)
    places = {shape: place for place, shape in enumerate(shapes)}
    return Found(
        part,
        tally,
        bad,
        ids=np.array([id_hash(document.id) for document in documents], np.uint64),
        starts=np.array(starts, np.int64),
        digests=as_rows(digest(document) for document in documents),
        shapes=tuple(shapes.items()),
        shape=np.array([places[shape_of(document)] for document in documents], np.int32),
        without_text=np.array([not document.text for document in documents], bool),
        english=np.array([_ENGLISH[is_english(f"{d.title} {d.text}")] for d in documents], np.int8),
    )


class Parts:
    """Files that the workers read, part by part."""

    def __init__(self, files: CorpusFiles, parts: Sequence[Part]):
        self._files, self._parts, self._found = files, parts, Gathering(files)
        self._said = False

    def survey(self, mapper: Mapper) -> Survey:
        """What all documents are; fills the files' report. Raises BadRecord and Mismatch besides BadInput."""
        for found in mapper.map(survey_part, self._parts):
            self._found.add(self._here(found) if isinstance(found, Part) else found)
        self._found.close()
        self._files.report = self._found.report
        return self._found.survey

    def shards(self, keys: Sequence[str], chunks_a_shard: int) -> Iterator[Shard]:
        """All shards: where their documents stand."""
        for number, (key, parts) in enumerate(zip(keys, self._found.shards(chunks_a_shard), strict=True)):
            yield Shard(number, key, parts=parts)

    def filled(self, shard: Shard) -> Shard:
        """One that a worker gave back, with its documents."""
        self._say(shard.parts[0])
        return shard.filled()

    def _here(self, part: Part) -> Found:
        self._say(part)
        found = survey_part(part)
        if isinstance(found, Part):
            raise Mismatch(f"{part.path}: the file {CHANGED}")
        return found

    def _say(self, part: Part) -> None:
        if not self._said:
            log.warning("a worker does not see %s as it is here; what such workers give back is read here", part.path)
            self._said = True


class Gathering:
    """Adds up what was found in the parts of files, given in order.

    survey, report: what reading the files as a stream finds. Memory: 8 bytes an id, 8 a repeated id, some for a chunk.
    """

    def __init__(self, files: CorpusFiles):
        self.survey, self.report = Survey(), ReadReport()
        self._paths, self._skip_bad = files.paths, files.skip_bad
        self._seen, self._tally = SeenIds(), Tally()
        self._lines = self._entries = 0  # of this file, in parts before
        self._files: list[tuple[Part, array[int]]] = []  # the first part of each, the bytes of its repeated ids
        self._begins: list[tuple[int, int]] = []  # of each chunk: file, byte

    def add(self, found: Found) -> None:
        """The part that follows. Raises BadRecord, unless bad ones are to be skipped, and BadInput for its columns."""
        part = found.part
        if part.start == 0:
            self._files.append((part, array("q")))
            self._lines = self._entries = 0
            self.report.sources.append(str(self._path))
        new = self._seen.add_all(found.ids)
        again = found.starts[~new]
        if found.bad or len(again):
            self._refuse(found, frozenset(again.tolist()))
        self._files[-1][1].extend(again.tolist())
        self._tally.add(found.tally)
        self._lines += found.tally.lines
        self._entries += found.bad + len(new)
        if part.stop == part.size and not self._entries:
            self._skip(nothing_in(self._path))
        if new.any():
            self._take(found, new)

    def close(self) -> None:
        """No part follows. BadInput where there was no document."""
        self.report.control_characters = self._tally.control_characters
        self.report.ignored_fields = self._tally.ignored_fields
        if not self.report.read:
            raise nothing_usable(self._paths, self.report)
        self.survey.close()

    def shards(self, chunks: int) -> Iterator[tuple[Part, ...]]:
        """Where the documents of each shard stand."""
        ends = [*self._begins[chunks::chunks], (len(self._files) - 1, self._files[-1][0].size)]
        for begin, end in zip(self._begins[::chunks], ends, strict=True):
            yield tuple(self._between(begin, end))

    @property
    def _path(self) -> Path:
        return self._paths[len(self._files) - 1]

    def _skip(self, bad: BadRecord) -> None:
        if not self._skip_bad:
            raise bad
        self.report.skip(bad)

    def _refuse(self, found: Found, again: frozenset[int]) -> None:
        """Count what cannot be used, or raise the first. The part is read once more where some are to be named."""
        named = 0
        for bad in islice(self._reasons(found.part, again), REASONS - len(self.report.reasons)):
            self._skip(bad)
            named += 1
        if not self._skip_bad:
            raise Mismatch(f"{self._path}: the file {CHANGED}")
        self.report.skipped += found.bad + len(again) - named

    def _reasons(self, part: Part, again: frozenset[int]) -> Iterator[BadRecord]:
        for line, start, found in read_part(part, Tally()):
            line += self._lines
            if isinstance(found, BadRecord):
                yield BadRecord(self._path, line, found.found, found.expected)
            elif start in again:
                yield comes_again(self._paths[: len(self._files)], line, found.id, self._skip_bad)

    def _take(self, found: Found, new: NDArray[np.bool_]) -> None:
        """Count the documents that are new."""
        report, kept = self.report, int(new.sum())
        asked = found.english[new][sampled(report.read + 1 + np.arange(kept))]
        report.read += kept
        report.without_abstract += int(found.without_text[new].sum())
        report.english += int((asked == 1).sum())
        report.not_english += int((asked == 0).sum())
        first_of_chunks = found.starts[new][-self.survey.documents % CHUNK :: CHUNK]
        self._begins += [(len(self._files) - 1, start) for start in first_of_chunks.tolist()]
        met, first = np.unique(found.shape[new], return_index=True)
        self.survey.add(found.digests[new], dict(found.shapes[place] for place in met[np.argsort(first)]))

    def _between(self, begin: tuple[int, int], end: tuple[int, int]) -> Iterator[Part]:
        for number in range(begin[0], end[0] + 1):
            (part, again), start = self._files[number], begin[1] if number == begin[0] else 0
            stop = end[1] if number == end[0] else part.size
            if start < stop:
                left_out = again[bisect_left(again, start) : bisect_left(again, stop)]
                yield Part(part.path, start, stop, part.size, tuple(left_out))
