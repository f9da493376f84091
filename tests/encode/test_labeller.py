from __future__ import annotations

import hashlib
import json
import runpy
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from heedful.encode.labeller import LABELS, AspectLabeller, bert_layer, sentence_means
from heedful.encode.weights import shipped_model
from heedful.errors import Mismatch, Missing
from heedful.records import Document, Sentence

SHIPPED = Path(str(files("heedful.encode") / "weights" / "aspects.safetensors"))
THREE = {"objective": "background"}


@pytest.fixture(scope="module")
def layers() -> Iterator[Sequence[nn.Module]]:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(shipped_model().folder, attn_implementation="sdpa").eval()
    yield list(model.encoder.layer)


@pytest.fixture(scope="module")
def labeller(layers: Sequence[nn.Module]) -> AspectLabeller:
    made = AspectLabeller.load()
    return made.attach(layers[made.layer :])


def batch(*sizes: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random hidden states; (tokens, sentences) a document, the first and last token in no sentence."""
    longest = max(tokens for tokens, _ in sizes)
    hidden = torch.randn(len(sizes), longest, 384, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(len(sizes), longest)
    token_sentence = torch.full((len(sizes), longest), -1)
    for row, (tokens, sentences) in enumerate(sizes):
        mask[row, :tokens] = 1
        token_sentence[row, 1 : tokens - 1] = torch.arange(tokens - 2) * sentences // (tokens - 2)
    return hidden, mask, token_sentence, torch.tensor([n for _, n in sizes])


def test_the_file_stays_small_and_its_digest_is_that_of_its_bytes() -> None:
    data = SHIPPED.read_bytes()
    assert len(data) < 4_000_000
    assert AspectLabeller.load().digest == hashlib.sha256(data).hexdigest()


def test_the_file_tells_its_recipe() -> None:
    recipe = AspectLabeller.load().recipe
    assert recipe["base_sha256"] == shipped_model().digest
    assert recipe["licence"] and recipe["data"] and recipe["config"]["seed"] >= 0
    assert recipe["metrics"]["test"]["micro_f1"] >= 0.78
    assert AspectLabeller.load().labels == LABELS


def test_each_sentence_gets_a_distribution_over_the_labels(labeller: AspectLabeller) -> None:
    probabilities = labeller(*batch((40, 4), (24, 2)))
    assert probabilities.shape == (2, 4, 5) and probabilities.dtype == torch.float32
    assert torch.allclose(probabilities.sum(-1), torch.ones(2, 4), atol=1e-5) and (probabilities >= 0).all()


def test_the_same_input_gives_the_same_answer(labeller: AspectLabeller, layers: Sequence[nn.Module]) -> None:
    again = AspectLabeller.load().attach(layers[labeller.layer :])
    assert torch.equal(labeller(*batch((40, 4))), again(*batch((40, 4))))


def test_padding_does_not_change_a_result(labeller: AspectLabeller) -> None:
    hidden, mask, token_sentence, n = batch((60, 9), (24, 2), (31, 1))
    together = labeller(hidden, mask, token_sentence, n)
    for row, (tokens, sentences) in enumerate(((60, 9), (24, 2), (31, 1))):
        cut = slice(row, row + 1)
        alone = labeller(hidden[cut, :tokens], mask[cut, :tokens], token_sentence[cut, :tokens], n[cut])
        assert alone.shape[1] == sentences
        assert torch.allclose(together[row, :sentences], alone[0], atol=1e-5)


def test_a_document_without_sentences_harms_nobody(labeller: AspectLabeller) -> None:
    hidden, mask, token_sentence, n = batch((30, 3), (12, 1))
    token_sentence[1], n[1] = -1, 0
    probabilities = labeller(hidden, mask, token_sentence, n)
    assert torch.isfinite(probabilities).all()
    assert torch.allclose(probabilities[:1], labeller(hidden[:1], mask[:1], token_sentence[:1], n[:1]), atol=1e-5)


def test_it_works_in_bfloat16(labeller: AspectLabeller, layers: Sequence[nn.Module]) -> None:
    half = AspectLabeller.load().attach(layers[labeller.layer :]).to(torch.bfloat16)
    found, expected = half(*batch((50, 6))), labeller(*batch((50, 6)))
    assert found.dtype == torch.float32 and (found - expected).abs().max() < 0.1


def test_one_layer_agrees_with_the_plain_version(layers: Sequence[nn.Module]) -> None:
    hidden, mask, *_ = batch((20, 2), (13, 1))
    attend = mask[:, None, None, :] > 0
    with torch.no_grad():
        plain = layers[0](hidden, attend)
    plain = plain[0] if isinstance(plain, tuple) else plain
    ours = bert_layer(hidden, attend, layers[0].state_dict(), 12, 1e-12)
    assert torch.allclose(ours[mask > 0], plain[mask > 0], atol=1e-4)


def test_attaching_leaves_the_encoder_as_it_was(layers: Sequence[nn.Module]) -> None:
    made = AspectLabeller.load()
    before = {name: tensor.clone() for name, tensor in layers[made.layer].state_dict().items()}
    made.attach(layers[made.layer :])
    assert all(torch.equal(before[name], tensor) for name, tensor in layers[made.layer].state_dict().items())
    merged = made.get_buffer("upper_0_attention_self_query_weight")
    assert not torch.equal(merged, before["attention.self.query.weight"])


def test_a_sentence_vector_is_the_mean_of_its_tokens() -> None:
    hidden = torch.arange(10.0).view(1, 5, 2)
    means = sentence_means(hidden, torch.tensor([[-1, 0, 0, 2, -1]]), torch.tensor([3]))
    assert means.tolist() == [[[3.0, 4.0], [0.0, 0.0], [6.0, 7.0]]]


def test_asking_before_attaching_is_told() -> None:
    with pytest.raises(Mismatch, match="attach"):
        AspectLabeller.load()(*batch((10, 1)))


def test_the_wrong_number_of_layers_is_told(layers: Sequence[nn.Module]) -> None:
    with pytest.raises(Mismatch, match="layers"):
        AspectLabeller.load().attach(layers[:1])


def test_layers_of_another_shape_are_told() -> None:
    made = AspectLabeller.load()
    with pytest.raises(Mismatch, match="does not fit"):
        made.attach([nn.Linear(2, 2)] * (6 - made.layer))


def test_missing_and_damaged_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="reinstall"):
        AspectLabeller.load(tmp_path / "none.safetensors")
    data = SHIPPED.read_bytes()
    for name, content in {"cut": data[:-10], "empty": b"", "text": b"hello, this is no weights file"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Mismatch, match=name):
            AspectLabeller.load(tmp_path / name)


def test_a_file_of_another_format_is_told(tmp_path: Path) -> None:
    save_file(load_file(SHIPPED), tmp_path / "other", {"heedful": json.dumps({"format": "heedful-aspects-99"})})
    with pytest.raises(Mismatch, match="aspects-99"):
        AspectLabeller.load(tmp_path / "other")


@pytest.fixture(scope="module")
def labelled_test_split(shared_data: Path) -> list[tuple[str, str]]:
    """(gold, found) of every sentence of csabstruct's test split, by the encoder as users call it."""
    from heedful.encode import load_encoder

    with (shared_data / "csabstruct" / "test.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    documents = [
        Document(
            id=record["_id"],
            text=" ".join(s["text"] for s in record["sentences"]),
            sentences=tuple(Sentence(s["text"]) for s in record["sentences"]),
        )
        for record in records
    ]
    encoder = load_encoder(labels="predicted")
    return [
        (gold["label"], found.label)
        for record, vectors in zip(records, encoder.encode_documents(documents), strict=True)
        for gold, found in zip(record["sentences"], vectors.document.sentences, strict=True)
    ]


def test_labels_of_the_test_split_are_right_often_enough(labelled_test_split: list[tuple[str, str]]) -> None:
    assert len(labelled_test_split) == 1349
    assert sum(gold == found for gold, found in labelled_test_split) / len(labelled_test_split) >= 0.78


def test_the_three_aspects_that_steer_are_right_often_enough(labelled_test_split: list[tuple[str, str]]) -> None:
    pairs = [(THREE.get(gold, gold), THREE.get(found, found)) for gold, found in labelled_test_split]
    hits = sum(gold == found != "other" for gold, found in pairs)
    size = sum(gold != "other" for gold, _ in pairs) + sum(found != "other" for _, found in pairs)
    assert 2 * hits / size >= 0.80


def test_nothing_of_the_test_split_or_of_csfcube_is_trained_on(shared_data: Path) -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "train_aspects.py"))
    kept = script["training_records"](shared_data)
    assert len(kept) > 1800
    overlap = set((shared_data / "csabstruct" / "csfcube-overlap.txt").read_text().split())
    assert overlap and not overlap & {record["_id"] for record in kept}
    with (shared_data / "csabstruct" / "test.jsonl").open(encoding="utf-8") as file:
        test = {" ".join(s["text"] for s in json.loads(line)["sentences"]) for line in file}
    assert test and not test & {" ".join(s["text"] for s in record["sentences"]) for record in kept}
