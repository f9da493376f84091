from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests import tiny

from heedful.encode.pretrained import Weights
from heedful.encode.scientific import aspire, paper_text, scincl, specter2
from heedful.errors import Mismatch, Missing
from heedful.records import Document, Sentence

PAPERS = (
    "Tides[SEP]Tides of a shallow sea are old.",
    "Bread[SEP]Sourdough needs flour, water and time. We find waves.",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.bert(tmp_path_factory.mktemp("bert") / "base")


def first_tokens(folder: Path, texts: tuple[str, ...]) -> np.ndarray:
    """Each text alone through plain transformers."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.no_grad():
        return np.stack([model(**tokenizer(t, return_tensors="pt")).last_hidden_state[0, 0].numpy() for t in texts])


def test_scincl_is_the_first_token_whatever_the_batch(base: Path):
    vectors = scincl(Weights(str(base))).encode(PAPERS)
    assert np.allclose(vectors, first_tokens(base, PAPERS), atol=1e-5)
    assert abs(vectors[0] - vectors[1]).max() > 0.1


def test_title_and_abstract_are_joined_by_the_tokenizers_separator():
    assert paper_text("Tides", "Old.", "[SEP]") == "Tides[SEP]Old." and paper_text("", "Old.", "[SEP]") == "Old."


def test_specter2_is_the_base_with_its_adapter(base: Path, tmp_path: Path):
    from tests.encode.test_adapters import by_hand
    from transformers import AutoTokenizer

    adapter = tiny.adapter(tmp_path / "adapter", base)
    vectors = specter2(Weights(str(base)), Weights(str(adapter))).encode(PAPERS[:1])
    made = AutoTokenizer.from_pretrained(base)(PAPERS[0], return_tensors="pt")
    assert np.allclose(vectors[0], by_hand(base, adapter, made["input_ids"], made["attention_mask"])[0, 0], atol=1e-5)


def test_specter2_without_its_adapter_or_on_another_model_is_refused(base: Path, tmp_path: Path):
    with pytest.raises(Missing, match="adapter_config"):
        specter2(Weights(str(base)), Weights(str(base)))
    with pytest.raises(Mismatch, match="mistral"):
        specter2(Weights(str(tiny.mistral(tmp_path / "mistral"))), Weights(str(base)))


def test_a_model_is_loaded_once_for_many_questions_and_anew_once_its_files_change(tmp_path: Path):
    folder = Weights(str(tiny.bert(tmp_path / "bert")))
    first = scincl(folder).loaded
    assert scincl(folder).loaded is first and aspire(folder).loaded is first
    (tmp_path / "bert" / "config.json").touch()
    assert scincl(folder).loaded is not first


def test_an_adapted_base_leaves_the_plain_one_as_it_was(base: Path, tmp_path: Path):
    adapter = Weights(str(tiny.adapter(tmp_path / "adapter", base)))
    before = scincl(Weights(str(base))).encode(PAPERS)
    adapted = [specter2(Weights(str(base)), adapter).encode(PAPERS) for _ in range(2)]
    assert np.array_equal(*adapted) and abs(adapted[0] - before).max() > 0.1
    assert np.array_equal(scincl(Weights(str(base))).encode(PAPERS), before)


def paper(*sentences: str, title: str = "Tides of the sea") -> Document:
    return Document("p", title, " ".join(sentences), tuple(Sentence(text) for text in sentences))


def test_a_sentence_is_the_mean_of_its_tokens_in_one_pass_and_the_title_is_left_out(base: Path):
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModel.from_pretrained(base)
    documents = [paper("We use wavelets.", "We find long waves on tides."), paper("Sourdough needs flour.", title="")]
    found = aspire(Weights(str(base))).encode(documents)
    for document, (numbers, vectors) in zip(documents, found, strict=True):
        pieces = [
            tokenizer.tokenize(document.title + " [SEP] "),
            *(tokenizer.tokenize(s.text) for s in document.sentences),
        ]
        flat = ["[CLS]", *(token for piece in pieces for token in piece), "[SEP]"]
        with torch.no_grad():
            hidden = model(torch.tensor([tokenizer.convert_tokens_to_ids(flat)])).last_hidden_state[0].numpy()
        start = 1 + len(pieces[0])
        for row, piece in zip(vectors, pieces[1:], strict=True):
            assert np.allclose(row, hidden[start : start + len(piece)].mean(axis=0), atol=1e-5)
            start += len(piece)
        assert numbers == tuple(range(len(document.sentences)))


def test_a_sentence_after_the_five_hundredth_token_has_no_vector(base: Path):
    long = paper(*(f"{'tides ' * 99}wavelets" for _ in range(7)))
    ((numbers, vectors),) = aspire(Weights(str(base))).encode([long])
    assert numbers == (0, 1, 2, 3, 4) and len(vectors) == 5 and np.isfinite(vectors).all()


def test_a_paper_without_sentences_has_no_vectors(base: Path):
    ((numbers, vectors),) = aspire(Weights(str(base))).encode([paper()])
    assert numbers == () and vectors.shape == (0, 32)


def test_weights_that_are_not_there_are_named_with_what_to_download():
    from heedful.encode.scientific import SCINCL

    with pytest.raises(Missing, match=r"malteos/scincl.*440 MB, MIT.*hf download malteos/scincl --revision"):
        scincl(SCINCL)
    assert Missing.exit_code == 3
