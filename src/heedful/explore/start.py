"""Where an exploration starts: documents of the collection, a text of several sentences, or a short text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heedful.corpus import split_sentences
from heedful.errors import BadInput
from heedful.explore.scoring import Block, ClauseVector
from heedful.index import VectorBlock
from heedful.records import Clause, Document
from heedful.seams import tell_progress

if TYPE_CHECKING:
    from heedful.index import Index
    from heedful.records import Vector
    from heedful.seams import DocumentEncoder

LONG = 3  # sentences from which a text is treated as an unseen seed


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """The start of an exploration.

    name: what results call it. documents, block: the seeds, in the same order (None for a short text). text, query:
    the short text and its (dim,) unit vector. ids: documents of the collection that must not retrieve themselves.
    """

    name: str | list[str]
    ids: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    block: Block | None = None
    text: str = ""
    query: Vector | None = None


def start_from_ids(index: Index, ids: Sequence[str]) -> Start:
    """Start from documents of the collection. Raises UnknownId, with the nearest ids."""
    unique = tuple(dict.fromkeys(ids))
    return Start(
        name=unique[0] if len(unique) == 1 else list(unique),
        ids=unique,
        documents=tuple(index.documents(unique)),
        block=Block(index.vectors(unique), index.terms(unique)),
    )


def start_from_text(index: Index, encoder: DocumentEncoder, text: str) -> Start:
    """Start from a text: one of three or more sentences is labelled and scored as an unseen seed."""
    if not text.strip():
        raise BadInput("the text to start from is empty")
    sentences = split_sentences(text)
    if len(sentences) < LONG:
        return Start(name=text, text=text, query=encoder.encode_queries([text])[0])
    documents, block = encode_block(index, encoder, [Document(id="", text=text, sentences=sentences)])
    return Start(name=text, documents=documents, block=block)


def encode_block(
    index: Index, encoder: DocumentEncoder, documents: Sequence[Document]
) -> tuple[tuple[Document, ...], Block]:
    """Documents from elsewhere, labelled, and their block: words that the collection lacks are left out."""
    encoded = []
    for vectors in encoder.encode_documents(documents):
        encoded.append(vectors)
        tell_progress("documents", len(encoded), len(documents))
    absent = np.zeros(encoder.dim, np.float32)
    lengths = [len(one.sentences) for one in encoded]
    block = VectorBlock(
        ids=tuple(one.document.id for one in encoded),
        whole=np.stack([one.whole for one in encoded]),
        aspects={name: np.stack([one.aspects.get(name, absent) for one in encoded]) for name in index.aspects},
        sentences=np.concatenate([one.sentences for one in encoded]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        probabilities=np.concatenate([one.probabilities for one in encoded]),
    )
    labelled = tuple(one.document for one in encoded)
    words = [(document.title, [sentence.text for sentence in document.sentences]) for document in labelled]
    return labelled, Block(block, index.terms_of_texts(words))


def encode_clauses(index: Index, encoder: DocumentEncoder, clauses: Sequence[Clause]) -> tuple[ClauseVector, ...]:
    """The clauses of a plan, each with its vector and the columns of its words."""
    if not clauses:
        return ()
    vectors = encoder.encode_queries([clause.text for clause in clauses])
    words = [index.terms_of_texts([(clause.text, ())]).counts.indices for clause in clauses]
    return tuple(
        ClauseVector(clause.text, clause.weight, vector, columns)
        for clause, vector, columns in zip(clauses, vectors, words, strict=True)
    )
