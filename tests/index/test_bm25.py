from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tests.index.conftest import make_documents

from heedful.index import bm25
from heedful.index.bm25 import Postings, write_postings
from heedful.index.terms import TermTable, TermWriter, stems


def opened(folder: Path, texts: list[tuple[str, list[str]]]) -> Postings:
    writer = TermWriter(folder / "terms")
    for title, sentences in texts:
        writer.add(title, sentences)
    writer.finish()
    offsets = np.concatenate([[0], np.cumsum([len(sentences) for _, sentences in texts])])
    table = TermTable(folder / "terms", offsets)
    write_postings(folder / "postings", table, len(texts))
    return Postings(folder / "postings", table, len(texts))


def plain(query: str, texts: list[tuple[str, list[str]]]) -> list[float]:
    """BM25 as the formula reads."""
    bags = [stems(" ".join([title, *sentences])) for title, sentences in texts]
    mean = sum(map(len, bags)) / len(bags)
    scores = [0.0] * len(bags)
    for word in stems(query):
        df = sum(word in bag for bag in bags)
        idf = math.log((len(bags) - df + 0.5) / (df + 0.5) + 1)
        for at, bag in enumerate(bags):
            tf = bag.count(word)
            scores[at] += idf * tf / (tf + 1.2 * (0.25 + 0.75 * len(bag) / mean))
    return scores


@pytest.mark.parametrize("segment", [7, 50_000])
def test_scores_agree_with_the_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment: int):
    monkeypatch.setattr(bm25, "SEGMENT", segment)
    monkeypatch.setattr(bm25, "_STEP", 3)
    texts = [(d.title, [d.text]) for d in make_documents(30)] + [("", [])]
    postings = opened(tmp_path, texts)
    for query in ("speech transformers", "graphs graphs improves by 3", "unheard-of words", "the of"):
        expected = plain(query, texts)
        np.testing.assert_allclose(postings.scores(query), expected, rtol=1e-5)
        positions = np.array([4, 29, 0, 4, 30, 12])
        assert (postings.scores_of(query, positions) == postings.scores(query)[positions]).all()
    assert postings.scores("speech transformers").max() > 1


def test_scores_agree_with_bm25s(tmp_path: Path):
    bm25s = pytest.importorskip("bm25s")
    texts = [(d.title, [d.text]) for d in make_documents(50)]
    peer = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    peer.index([stems(f"{title} {text}") for title, (text,) in texts], show_progress=False)
    query = "our approach to speech by simulation"
    np.testing.assert_allclose(opened(tmp_path, texts).scores(query), peer.get_scores(stems(query)), rtol=1e-4)
