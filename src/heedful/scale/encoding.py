"""An encoder as a value that travels, and an encoder whose documents are encoded by a mapper's workers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from heedful.corpus.aspects import AspectScheme
from heedful.encode import HashEncoder, load_encoder
from heedful.index.manifest import require_same_encoder
from heedful.records import Document, DocumentVectors
from heedful.seams import DocumentEncoder, Mapper

if TYPE_CHECKING:
    from heedful.records import Vector

CHUNK = 1024  # documents that an encoder sorts by length together: the same chunks give the same batches anywhere


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """Which encoder a worker is to load. text: JSON of its spec and its scheme of aspects."""

    text: str

    @classmethod
    def of(cls, encoder: DocumentEncoder, scheme: AspectScheme) -> EncoderRecipe:
        """The recipe of an encoder that `load_encoder` gave, or of a `HashEncoder`."""
        return cls(json.dumps({"spec": dict(encoder.spec()), "scheme": scheme.as_json()}, sort_keys=True))

    def load(self) -> DocumentEncoder:
        """The encoder, loaded once a process. Raises Mismatch where this machine has another of that name."""
        return _loaded(self.text)


@lru_cache(maxsize=1)
def _loaded(text: str) -> DocumentEncoder:
    recipe = json.loads(text)
    spec, scheme = recipe["spec"], AspectScheme.from_json(recipe["scheme"])
    encoder: DocumentEncoder
    if spec["name"] == "hash":
        encoder = HashEncoder(spec["dim"], scheme)
    else:
        encoder = load_encoder(spec["name"], labels=spec["labels"], scheme=scheme)
    import socket

    require_same_encoder(f"worker on {socket.gethostname()}", spec, encoder.spec())
    return encoder


class MappedEncoder:
    """A `DocumentEncoder` that gives documents to a mapper's workers, chunk by chunk, and encodes queries itself."""

    def __init__(self, encoder: DocumentEncoder, scheme: AspectScheme, mapper: Mapper):
        self.dim, self.aspects = encoder.dim, encoder.aspects
        self._encoder, self._mapper, self._recipe = encoder, mapper, EncoderRecipe.of(encoder, scheme)

    def spec(self) -> Mapping[str, Any]:
        """The encoder's own."""
        return self._encoder.spec()

    def encode_queries(self, texts: Sequence[str], instructions: Sequence[str] | None = None) -> Vector:
        """(texts, dim) float32, unit rows."""
        return self._encoder.encode_queries(texts, instructions)

    def encode_documents(self, documents: Iterable[Document]) -> Iterator[DocumentVectors]:
        """One value a document, in order."""
        for chunk in self._mapper.map(partial(encode_chunk, self._recipe), chunks(documents)):
            yield from chunk


def chunks(documents: Iterable[Document], size: int = CHUNK) -> Iterator[tuple[Document, ...]]:
    """The documents in tuples of `size`, in a form that can be sent to another process."""
    source = iter(documents)
    while chunk := tuple(islice(source, size)):
        yield tuple(replace(document, metadata=dict(document.metadata)) for document in chunk)


def encode_chunk(recipe: EncoderRecipe, documents: Sequence[Document]) -> list[DocumentVectors]:
    """What a worker does with a chunk."""
    return list(recipe.load().encode_documents(documents))
