"""The blend: how alike each candidate is to the start as a whole, and how well it answers the plan.

    score = (1 - steer) * whole + steer * (aspect alignment + wanted - avoided)

Every part is z-scored over the candidates before it is added, so that `steer` means the same for each. Everything
here is a pure function of arrays; the constants were chosen on CSFCube's dev fold only (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from heedful.encode.labels import unit_rows

if TYPE_CHECKING:
    from heedful.index import VectorBlock
    from heedful.index.terms import TermBlock
    from heedful.records import Plan, Vector

LEXICAL = 0.5  # weight of the words' similarity beside the vectors' in `whole`
STEER = 0.5  # the default of a plan that leaves it open
ABSENT = 25  # percentile of the candidates that one without sentences of the aspect is given
AVOIDED = 2.0  # weight of what is avoided beside what is wanted: "no" is meant more strictly than "some"
SPOKEN_OF = (0.3, 0.5)  # cosine of the best sentence from which a text counts a little, and from which fully
CLIP = 4.0  # no part moves a candidate by more standard deviations than this


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What is known of some documents: their vectors and their words, in the same order."""

    vectors: VectorBlock
    terms: TermBlock

    def __len__(self) -> int:
        return len(self.vectors.ids)


@dataclass(frozen=True, slots=True, eq=False)
class ClauseVector:
    """A wanted or avoided text, encoded. vector: (dim,) unit. words: its columns in the store of words."""

    text: str
    weight: float
    vector: Vector
    words: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of n candidates. parts: name -> (n,) z-scores ("whole", each aspect, "wanted", "avoided", "unlike").

    plan: (n,) what the plan adds before `steer`, zeros for an empty plan. total: (n,). warnings: in words.
    """

    total: Vector
    parts: Mapping[str, Vector]
    plan: Vector
    warnings: tuple[str, ...] = field(default=())


def standardized(values: NDArray[np.floating]) -> Vector:
    """(n,) z-scores, clipped at +-CLIP; zeros where all values are equal."""
    values = np.asarray(values, np.float64)
    spread = values.std() if len(values) else 0.0
    if not spread > 1e-9:
        return np.zeros(len(values), np.float32)
    return np.asarray(np.clip((values - values.mean()) / spread, -CLIP, CLIP), np.float32)


def blend(
    whole: Vector,
    seeds: Block | None,
    candidates: Block,
    plan: Plan,
    *,
    wanted: Sequence[ClauseVector] = (),
    avoided: Sequence[ClauseVector] = (),
    unlike: Block | None = None,
    query: Vector | None = None,
) -> Scores:
    """Scores of the candidates under a plan.

    whole: (n,) likeness to the start (see whole_of_seeds, whole_of_query). seeds: the start where it is documents;
    without them aspects cannot be compared, which a warning says. query: (dim,) unit, the start's own vector where it
    is a short text. unlike: documents to be far from.
    """
    parts: dict[str, Vector] = {"whole": standardized(whole)}
    warnings: list[str] = []
    total = np.zeros(len(candidates), np.float32)
    weights = meant(plan.aspects)
    scale = sum(abs(weight) for weight in weights.values())
    for aspect, weight in weights.items():
        aligned = None if seeds is None else aspect_alignment(aspect, seeds, candidates)
        if aligned is None:
            aligned = whole
            what = "the start is a short text" if seeds is None else "the seed has no such sentences"
            warnings.append(f"{what}, so {aspect} is compared as a whole")
        parts[aspect] = standardized(aligned)
        total += weight / scale * parts[aspect]
    if wanted:
        counts = [clause.weight * spoken_of(clause, candidates) for clause in wanted]
        likeness = [wanted_clause(clause, candidates) for clause in wanted]
        parts["wanted"] = standardized(_weighted(counts, likeness))
        total += min(1.0, max(counts)) * parts["wanted"]
    if avoided:
        counts = [clause.weight * spoken_of(clause, candidates) for clause in avoided]
        likeness = [avoided_clause(clause, candidates, _own_nearness(clause, seeds, query)) for clause in avoided]
        parts["avoided"] = standardized(_weighted(counts, likeness))
        total -= AVOIDED * min(1.0, max(counts)) * parts["avoided"]
    if unlike is not None and len(unlike):
        away = candidates.vectors.whole @ unlike.vectors.whole.T
        start = query if seeds is None else unit_rows(seeds.vectors.whole.mean(axis=0))
        own = 0.0 if start is None else unlike.vectors.whole @ start
        parts["unlike"] = standardized((away - own).max(axis=1))
        total -= parts["unlike"]
    steer = STEER if plan.steer is None else plan.steer
    nothing_asked = len(parts) == 1
    blended = parts["whole"] if nothing_asked else (1 - steer) * parts["whole"] + steer * total
    return Scores(blended, parts, total, tuple(dict.fromkeys(warnings)))


def meant(aspects: Mapping[str, float]) -> dict[str, float]:
    """The aspects that a plan means: none where all weights are equal, else those that are not zero."""
    if len(set(aspects.values())) <= 1 and len(aspects) != 1:
        return {}
    return {aspect: weight for aspect, weight in aspects.items() if weight}


def whole_of_seeds(seeds: Block, candidates: Block) -> Vector:
    """(n,) likeness to the seeds as wholes: cosine of the mean vector, and tf-idf cosine of title and text."""
    dense = candidates.vectors.whole @ unit_rows(seeds.vectors.whole.mean(axis=0))
    words = _tfidf_cosine(_document_counts(seeds), _document_counts(candidates), candidates.terms.idf)
    return np.asarray(standardized(dense) + LEXICAL * standardized(words), np.float32)


def whole_of_query(query: Vector, bm25: NDArray[np.floating], candidates: Block) -> Vector:
    """(n,) likeness to a short text: the mean of the dense and the BM25 score, each z-scored."""
    return np.asarray((standardized(candidates.vectors.whole @ query) + standardized(bm25)) / 2, np.float32)


def aspect_alignment(aspect: str, seeds: Block, candidates: Block) -> Vector | None:
    """(n,) likeness along one aspect, or None where no seed has sentences of it.

    The sum of three z-scored likenesses: of the aspect vectors (mean of its sentences), of the sentences one to one
    (each seed sentence with its best candidate sentence, averaged), and of the aspect's words (tf-idf cosine).
    A candidate without the aspect takes the candidates' 25th percentile.
    """
    column = list(candidates.vectors.aspects).index(aspect)
    wanted_seeds = np.linalg.norm(seeds.vectors.aspects[aspect], axis=1) > 0
    present = np.linalg.norm(candidates.vectors.aspects[aspect], axis=1) > 0
    if not wanted_seeds.any() or not present.any():
        return None
    means = candidates.vectors.aspects[aspect] @ unit_rows(seeds.vectors.aspects[aspect][wanted_seeds].mean(axis=0))
    sentences = max_similarity(
        seeds.vectors.sentences[in_aspect(seeds.vectors, column)],
        np.where(in_aspect(candidates.vectors, column)[:, None], candidates.vectors.sentences, 0),
        candidates.vectors.offsets,
    )
    words = _tfidf_cosine(_aspect_counts(seeds, column), _aspect_counts(candidates, column), candidates.terms.idf)
    aligned = np.zeros(len(candidates), np.float32)
    for likeness in (means, sentences, words):
        aligned += standardized(np.where(present, likeness, np.percentile(likeness[present], ABSENT)))
    return aligned


def in_aspect(vectors: VectorBlock, column: int) -> NDArray[np.bool_]:
    """(total sentences,) those whose likeliest aspect is this one, and likelier than none at all."""
    probabilities = vectors.probabilities
    if not len(probabilities):
        return np.zeros(0, bool)
    none = 1 - probabilities.sum(axis=1)
    best = probabilities.argmax(axis=1) == column
    return np.asarray(best & (probabilities[:, column] >= none))


def max_similarity(queries: Vector, sentences: Vector, offsets: NDArray[np.int64]) -> Vector:
    """(n,) for each document the mean over the query rows of its best sentence's cosine; 0 for one without sentences.

    queries: (q, dim). sentences: (total, dim), a zero row never wins over a likeness above 0. offsets: (n + 1,).
    """
    n = len(offsets) - 1
    filled = offsets[1:] > offsets[:-1]
    best = np.zeros((n, len(queries)), np.float32)
    if len(queries) and filled.any():
        best[filled] = np.maximum.reduceat(sentences @ queries.T, offsets[:-1][filled], axis=0)
    return np.asarray(best.mean(axis=1), np.float32) if len(queries) else np.zeros(n, np.float32)


def wanted_clause(clause: ClauseVector, candidates: Block) -> Vector:
    """(n,) how well candidates speak of a text: its best sentence's cosine and the share of its words, z-scored."""
    return standardized(_nearness(clause, candidates)) + standardized(coverage(clause.words, candidates.terms))


def avoided_clause(clause: ClauseVector, candidates: Block, own: float) -> Vector:
    """(n,) how much candidates speak of a text to be avoided: nearness above the start's own, and its words."""
    above = np.maximum(_nearness(clause, candidates) - own, 0)
    return standardized(above) + 2 * standardized(coverage(clause.words, candidates.terms))


def spoken_of(clause: ClauseVector, candidates: Block) -> float:
    """How surely any candidate speaks of a text, in [0, 1]: by its best sentence's cosine, or by its words.

    A text that no candidate speaks of ("the office opens at nine") would else be z-scored into a preference: noise has
    a standard deviation too.
    """
    if not len(candidates):
        return 0.0
    meaning = (float(_nearness(clause, candidates).max()) - SPOKEN_OF[0]) / (SPOKEN_OF[1] - SPOKEN_OF[0])
    words = 2 * float(coverage(clause.words, candidates.terms).max()) - 1
    return min(1.0, max(0.0, meaning, words))


def coverage(words: NDArray[np.int32], terms: TermBlock) -> Vector:
    """(n,) the idf-weighted share of these words that a document has, in [0, 1]; zeros where none is known."""
    n = len(terms.offsets) - 1
    weights = terms.idf[words]
    if not len(words) or not weights.sum() > 0:
        return np.zeros(n, np.float32)
    has = _group(terms.offsets) @ terms.counts[:, words]
    return np.asarray(((has > 0) @ weights) / weights.sum(), np.float32)


def _nearness(clause: ClauseVector, candidates: Block) -> Vector:
    vectors = candidates.vectors
    sentence = max_similarity(clause.vector[None], vectors.sentences, vectors.offsets)
    return np.asarray(np.maximum(sentence, vectors.whole @ clause.vector), np.float32)


def _own_nearness(clause: ClauseVector, seeds: Block | None, query: Vector | None) -> float:
    if seeds is not None:
        return float(_nearness(clause, seeds).max())
    return 0.0 if query is None else max(0.0, float(clause.vector @ query))


def _weighted(weights: Sequence[float], vectors: Sequence[Vector]) -> Vector:
    return np.asarray(np.sum([w * v for w, v in zip(weights, vectors, strict=True)], axis=0), np.float32)


def _group(offsets: NDArray[np.int64], weights: Vector | None = None) -> sparse.csr_matrix:
    """(documents, units) the matrix that sums the units of each document, weighted."""
    units = int(offsets[-1])
    data = np.ones(units, np.float32) if weights is None else weights
    return sparse.csr_matrix((data, np.arange(units), offsets), shape=(len(offsets) - 1, units))


def _document_counts(block: Block) -> sparse.csr_matrix:
    return _group(block.terms.offsets) @ block.terms.counts


def _aspect_counts(block: Block, column: int) -> sparse.csr_matrix:
    """(documents, words) counts of an aspect's sentences, each weighted by its probability; titles have no aspect."""
    weights = np.zeros(int(block.terms.offsets[-1]), np.float32)
    is_sentence = np.ones(len(weights), bool)
    is_sentence[block.terms.offsets[:-1]] = False
    weights[is_sentence] = block.vectors.probabilities[:, column]
    return _group(block.terms.offsets, weights) @ block.terms.counts


def _tfidf_cosine(seeds: sparse.csr_matrix, candidates: sparse.csr_matrix, idf: Vector) -> Vector:
    """(n,) cosine of ln(1 + tf) * idf between the mean of the seeds' unit rows and each candidate's row."""
    seed_weights, seed_rows, seed_norms = _tfidf(seeds, idf)
    target = np.bincount(seeds.indices, seed_weights / seed_norms[seed_rows], minlength=len(idf)) / seeds.shape[0]
    weights, rows, norms = _tfidf(candidates, idf)
    shared = np.bincount(rows, weights * target[candidates.indices], minlength=len(norms))
    return np.asarray(shared / norms, np.float32)


def _tfidf(counts: sparse.csr_matrix, idf: Vector) -> tuple[Vector, NDArray[np.int64], Vector]:
    """The weight of each stored entry, its row, and the length of each row (at least 1e-9)."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    weights = np.log1p(counts.data) * idf[counts.indices]
    norms = np.sqrt(np.bincount(rows, weights * weights, minlength=counts.shape[0]))
    return weights, rows, np.maximum(norms, 1e-9)
