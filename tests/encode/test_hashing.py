from __future__ import annotations

import numpy as np
from tests.encode.conftest import document

from heedful.encode import HashEncoder
from heedful.records import Document, Sentence


def test_vectors_are_unit_and_the_same_every_time(documents):
    for one, again in zip(
        HashEncoder().encode_documents(documents), HashEncoder().encode_documents(documents), strict=True
    ):
        np.testing.assert_array_equal(one.whole, again.whole)
        np.testing.assert_allclose(np.linalg.norm(np.vstack([one.whole[None], one.sentences]), axis=1), 1, atol=1e-5)


def test_texts_that_share_words_are_nearer():
    a, b, c = HashEncoder(256).encode_queries(["coral reef tides", "reef tides at night", "sparse matrix solver"])
    assert a @ b > a @ c + 0.2


def test_sentences_without_labels_are_read_by_place():
    one = next(HashEncoder().encode_documents([document("d", 3, labelled=False)]))
    assert [s.label for s in one.document.sentences] == ["background", "method", "result"]
    assert set(one.aspects) == {"background", "method", "result"}


def test_labels_of_the_data_are_kept():
    one = next(HashEncoder().encode_documents([Document("d", "", "", (Sentence("A b.", "objective"),))]))
    assert one.document.sentences[0].label == "objective"
    assert set(one.aspects) == {"background"}


def test_the_dimension_and_the_aspects_decide_the_digest():
    assert HashEncoder(32).spec()["digest"] != HashEncoder(64).spec()["digest"]
