from __future__ import annotations

import itertools
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.encode.conftest import document
from tests.encode.plain import plain_vectors

from heedful.corpus import SCIENCE, Aspect, AspectScheme
from heedful.encode import document_text, load_encoder
from heedful.encode.onepass import OnePassEncoder
from heedful.encode.weights import find_model
from heedful.errors import BadInput, Mismatch
from heedful.records import Document, Sentence


def test_every_vector_equals_the_plain_version(exact, documents):
    compared = 0
    for one in exact.encode_documents(documents):
        tidy = Document(
            one.document.id,
            one.document.title,
            "",
            tuple(Sentence(s.text.replace("\ud800", "\ufffd"), s.label) for s in one.document.sentences),
        )
        whole, sentences, aspects = plain_vectors(tidy)
        np.testing.assert_allclose(one.whole, whole, atol=2e-5)
        np.testing.assert_allclose(one.sentences, sentences, atol=2e-5)
        assert set(one.aspects) == set(aspects)
        for name, vector in aspects.items():
            np.testing.assert_allclose(one.aspects[name], vector, atol=2e-5)
            compared += 1
    assert compared >= 12


def test_the_order_is_kept_and_every_vector_has_unit_length(exact, documents):
    out = list(exact.encode_documents(iter(documents)))
    assert [one.document.id for one in out] == [one.id for one in documents]
    for one in out:
        assert one.whole.dtype == one.sentences.dtype == np.float32
        rows = np.vstack([one.whole[None], one.sentences, *one.aspects.values()])
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert one.probabilities.shape == (len(one.document.sentences), 3)


def test_a_document_s_vectors_do_not_depend_on_its_neighbours(exact, documents):
    alone = [next(exact.encode_documents([one])).whole for one in documents]
    together = [one.whole for one in exact.encode_documents(documents)]
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_bfloat16_stays_within_a_thousandth_of_float32(exact, documents):
    quick = load_encoder(labels="data", backend="torch")
    for ours, theirs in zip(quick.encode_documents(documents), exact.encode_documents(documents), strict=True):
        assert ours.whole @ theirs.whole >= 0.999


def test_openvino_stays_within_a_thousandth_of_float32(exact, documents):
    pytest.importorskip("openvino")
    quick = load_encoder(labels="data", backend="openvino")
    for ours, theirs in zip(quick.encode_documents(documents), exact.encode_documents(documents), strict=True):
        assert ours.whole @ theirs.whole >= 0.999


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_an_encoder_gives_the_same_vectors_after_it_let_go_of_its_memory(documents, backend):
    if backend == "openvino":
        pytest.importorskip("openvino")
    encoder = load_encoder(labels="data", backend=backend)
    before = [value.whole for value in encoder.encode_documents(documents)]
    encoder.release()
    np.testing.assert_array_equal(before, [value.whole for value in encoder.encode_documents(documents)])


def test_the_end_of_a_long_document_counts(exact):
    one, other = document("long", 30, 20), document("long", 30, 20)
    changed = (*other.sentences[:-1], Sentence("Basalt volcanoes erupted violently.", "result"))
    vectors = list(exact.encode_documents([one, Document(other.id, other.title, "", changed)]))
    assert vectors[0].whole @ vectors[1].whole < 0.99999
    assert vectors[0].sentences[-1] @ vectors[1].sentences[-1] < 0.9


def test_two_hundred_thousand_characters_are_encoded():
    encoder = load_encoder(labels="data", backend="torch")
    text = "Slow tides taught the small robots a grammar of reefs. " * 3700
    one = next(encoder.encode_documents([Document("huge", "Huge", "", (Sentence(text, "method"),))]))
    assert len(text) > 200_000
    assert np.isfinite(one.whole).all()
    assert set(one.aspects) == {"method"}


def test_a_text_without_sentences_is_split(exact):
    one = next(exact.encode_documents([Document("d", "T", "We sail. It works.")]))
    assert [s.text for s in one.document.sentences] == ["We sail.", "It works."]
    assert one.aspects == {}
    assert not one.probabilities.any()


def test_queries_equal_the_whole_vector_of_the_same_string(exact, documents):
    vectors = list(exact.encode_documents(documents))
    queries = exact.encode_queries([document_text(one.document) for one in vectors])
    np.testing.assert_allclose(queries, [one.whole for one in vectors], atol=1e-5)


def test_no_queries_give_no_rows(exact):
    assert exact.encode_queries([]).shape == (0, 384)


def test_an_instruction_goes_before_its_text(exact):
    np.testing.assert_allclose(
        exact.encode_queries(["reefs"], ["find method:"]), exact.encode_queries(["find method: reefs"]), atol=1e-6
    )


def test_documents_are_drawn_only_as_far_as_the_look_ahead(exact):
    encoder = OnePassEncoder(exact._files, exact._tokens, exact._backend, SCIENCE, labels="data", look_ahead=4)
    drawn = []
    stream = (drawn.append(n) or document(f"d{n}", 1) for n in itertools.count())
    out = encoder.encode_documents(stream)
    assert next(out).document.id == "d0"
    assert len(drawn) == 4


def test_predicted_labels_come_with_probabilities_and_replace_the_data_s(documents):
    encoder = load_encoder(labels="predicted", backend="torch-float32")
    for one in encoder.encode_documents(documents):
        assert (one.probabilities >= 0).all()
        assert (one.probabilities.sum(axis=1) <= 1 + 1e-5).all()
        for sentence, row in zip(one.document.sentences, one.probabilities, strict=True):
            assert sentence.label in ("background", "objective", "method", "result", "other", "")
            if SCIENCE.aspect_of(sentence.label) and row.max() > 0.5:
                assert SCIENCE.names[row.argmax()] == SCIENCE.aspect_of(sentence.label)
    usual = next(iter(encoder.encode_documents([documents[1]])))
    assert any(
        new.label != old.label for new, old in zip(usual.document.sentences, documents[1].sentences, strict=True)
    )


def test_openvino_predicts_the_labels_that_torch_predicts(documents):
    pytest.importorskip("openvino")
    exact = load_encoder(labels="predicted", backend="torch-float32")
    quick = load_encoder(labels="predicted", backend="openvino-float32")
    for ours, theirs in zip(quick.encode_documents(documents), exact.encode_documents(documents), strict=True):
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-3)
        np.testing.assert_allclose(ours.sentences, theirs.sentences, atol=1e-4)


def test_another_model_is_labelled_by_the_default_one(documents, tmp_path):
    """The other model here is the default one with a changed embedding."""
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(find_model().folder, tmp_path / "other")
    tensors = load_file(folder / "model.safetensors")
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"].flip(1).contiguous()
    save_file(tensors, folder / "model.safetensors")
    default = load_encoder(labels="predicted", backend="torch-float32")
    other = load_encoder(str(folder), labels="predicted", backend="torch-float32")
    for ours, theirs in zip(
        other.encode_documents(documents[:4]), default.encode_documents(documents[:4]), strict=True
    ):
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-5)
        assert ours.whole @ theirs.whole < 0.9
    assert other.spec()["digest"] != default.spec()["digest"]


def test_auto_keeps_complete_labels_and_predicts_the_rest():
    encoder = load_encoder(labels="auto", backend="torch-float32")
    complete = document("complete", 4)
    partial = Document("partial", "T", "", (*complete.sentences[:3], Sentence("We measure reefs.")))
    kept, predicted = encoder.encode_documents([complete, partial])
    assert kept.document == complete
    assert set(kept.probabilities.ravel()) == {0.0, 1.0}
    assert all(s.label for s in predicted.document.sentences)
    assert len(set(predicted.probabilities.ravel())) > 2


def test_a_scheme_of_one_s_own_labels_by_the_nearest_definition():
    scheme = AspectScheme(
        (
            Aspect("price", "What it costs.", ("It costs ten euros.", "The price is high.")),
            Aspect("taste", "How it tastes.", ("The soup tasted of lemon.", "A sweet and salty flavour.")),
        )
    )
    encoder = load_encoder(scheme=scheme, backend="torch-float32")
    texts = (Sentence("You pay forty dollars for a plate."), Sentence("Its flavour is bitter and rich."))
    one = next(encoder.encode_documents([Document("d", "Cafe", "", texts)]))
    assert [s.label for s in one.document.sentences] == ["price", "taste"]
    assert set(one.aspects) == {"price", "taste"}
    assert encoder.spec()["digest"] != load_encoder(labels="data").spec()["digest"]


def test_the_spec_says_what_decides_and_what_ran(exact):
    spec = exact.spec()
    assert {"name", "digest", "dim", "aspects", "labels", "backend", "dtype", "max_tokens"} <= set(spec)
    assert (spec["dim"], spec["dtype"], spec["max_tokens"]) == (384, "float32", 512)
    assert load_encoder(labels="data", backend="torch").spec()["digest"] == spec["digest"]
    assert load_encoder(labels="predicted", backend="torch").spec()["digest"] != spec["digest"]


@pytest.mark.parametrize("wrong", [{"labels": "given"}, {"backend": "abacus"}])
def test_an_unknown_option_is_refused_with_what_would_do(wrong):
    with pytest.raises(BadInput, match="expected one of"):
        load_encoder(**wrong)


@pytest.fixture
def adapted(tmp_path):
    """A folder with an adapter of the default model: layer `first` and the ones after it, drawn at random."""

    def make(first: int):
        rng = np.random.default_rng(0)
        shapes = {"qkv": (384, 1152), "down": (1536, 384)}
        parts = {}
        for number in range(first, 6):
            for place, (inner, outer) in shapes.items():
                parts[f"{number}.{place}.a"] = rng.normal(size=(4, inner)).astype(np.float16) * np.float16(0.05)
                parts[f"{number}.{place}.b"] = rng.normal(size=(outer, 4)).astype(np.float16) * np.float16(0.05)
        save_file(parts, tmp_path / "adapter.safetensors")
        return str(tmp_path)

    return make


def test_an_adapter_changes_the_vectors_and_not_the_labels(documents, adapted):
    plain = list(load_encoder(labels="predicted", backend="torch-float32").encode_documents(documents))
    encoder = load_encoder(adapted(2), labels="predicted", backend="torch-float32")
    for one, other in zip(plain, encoder.encode_documents(documents), strict=True):
        assert one.whole @ other.whole < 0.999
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
    assert encoder.spec()["digest"] != load_encoder(labels="predicted", backend="torch-float32").spec()["digest"]


def test_an_adapter_below_the_labellers_layer_is_refused(adapted):
    with pytest.raises(Mismatch, match=r"found 1\.down; expected layers from 2 on"):
        load_encoder(adapted(1), labels="predicted", backend="torch-float32")
