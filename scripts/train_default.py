"""Train the default encoder's adapter: one pass learns to see a document as several passes do.

    python scripts/train_default.py ../shared/data/arxiv-cs/corpus.jsonl.gz --out run
    heedful bench CSFCUBE --system "heedful(model=minilm)" --system "heedful(model=run)"

Parts of a document that are encoded apart say more together than one pass over the whole: the teacher is the plain
model on the document, on its title, on each aspect's sentences and on each sentence. The student is the same model with
low-rank adapters above the labeller's door (so labels stay what they are), and gets the document once:

    whole      document + TITLE * title + ASPECTS * (sum of its aspects' texts), of unit vectors, unit again
    aspects    the aspect's sentences as a text of their own
    sentences  (1 - APART) * the sentence in its context + APART * the sentence as a text of its own
    texts      what is encoded alone (titles, aspects, sentences: queries) stays where it was

The loss is 1 - cosine of each. Nothing is contrasted, so nothing is pushed away from where MiniLM had put it. The
weights of the views were chosen on CSFCube's dev and on silver queries (make_silver.py), with the teacher itself.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from heedful.corpus import read_documents, split_sentences
from heedful.encode import load_encoder
from heedful.encode.backends import Batch, make_batch
from heedful.encode.bert import ADAPTED, Bert, load_bert
from heedful.encode.labels import unit_rows
from heedful.encode.onepass import OnePassEncoder
from heedful.encode.passages import Passage, Tokens, document_passage
from heedful.encode.weights import find_model
from heedful.records import Document, DocumentVectors

log = logging.getLogger("train_default")
DOOR = 2  # the labeller leaves after this layer
MOST_TOKENS = 320
TITLE, ASPECTS, APART = 0.7, 0.5, 0.3
UNTITLED = 0.15  # share of the documents that lose their title, since some collections have none


@dataclass(frozen=True)
class Config:
    """Everything that decides what is trained."""

    rank: int = 32
    alpha: float = 32.0
    lr: float = 5e-4
    steps: int = 400
    batch: int = 16
    warmup: float = 0.05
    whole: float = 2.0  # weights of the losses
    aspects: float = 1.0
    sentences: float = 0.5
    texts: float = 0.5
    seed: int = 7


class LowRank(nn.Module):
    """A frozen linear map and a trained difference of low rank (Hu et al. 2021, arXiv:2106.09685)."""

    def __init__(self, plain: nn.Linear, rank: int, alpha: float):
        super().__init__()
        self.plain = plain.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, plain.in_features) / plain.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(plain.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """The frozen map's answer and the difference's."""
        out: Tensor = self.plain(x) + F.linear(F.linear(x, self.a), self.b) * self.scale
        return out


def adapt(bert: Bert, config: Config) -> list[nn.Parameter]:
    """Put adapters into the layers above the door; the parameters to train."""
    for layer in list(bert.layers)[DOOR:]:
        for place in ADAPTED:
            setattr(layer, place, LowRank(getattr(layer, place), config.rank, config.alpha))
    return [parameter for parameter in bert.parameters() if parameter.requires_grad]


def difference(bert: Bert) -> dict[str, Tensor]:
    """The adapters as float16 factors, the scale worked in: N.PLACE.a and N.PLACE.b."""
    out = {}
    for number, layer in enumerate(bert.layers):
        for place in ADAPTED:
            module = getattr(layer, place)
            if isinstance(module, LowRank):
                out[f"{number}.{place}.a"] = module.a.detach().half().contiguous()
                out[f"{number}.{place}.b"] = (module.b.detach() * module.scale).half().contiguous()
    return out


def held_back(id: str) -> bool:
    """One paper in 25 never trains: silver queries are made of these."""
    return zlib.crc32(id.encode()) % 25 == 0


def batches(documents: Sequence[Document], config: Config) -> Iterator[list[Document]]:
    """Batches of documents of like length, in an order drawn by the seed, without end; some lose their titles."""
    rng = random.Random(config.seed)
    while True:
        order = list(documents)
        rng.shuffle(order)
        for start in range(0, len(order), 16 * config.batch):
            near = sorted(order[start : start + 16 * config.batch], key=lambda document: len(document.text))
            groups = [near[at : at + config.batch] for at in range(0, len(near), config.batch)]
            rng.shuffle(groups)
            for group in groups:
                yield [replace(d, title="") if d.title and rng.random() < UNTITLED else d for d in group]


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Documents as the student is to see them. All rows are unit, or zero where there is nothing.

    weights: (B, S, A) of each sentence in each aspect. whole: (B, H). aspects: (B, A, H). sentences: (B, S, H).
    texts: some of the texts that were encoded apart, with their vectors (texts, H).
    """

    weights: Tensor
    whole: Tensor
    aspects: Tensor
    sentences: Tensor
    texts: list[str]
    vectors: Tensor


def teach(encoder: OnePassEncoder, documents: Sequence[Document], rng: random.Random) -> Views:
    """What the plain model says of the documents and of their parts."""
    seen = list(encoder.encode_documents(documents))
    spoken = [[sentence.text for sentence in one.document.sentences] for one in seen]
    parts = [(row, column, text) for row, one in enumerate(seen) for column, text in aspect_texts(one, encoder.aspects)]
    titles = [(row, document.title) for row, document in enumerate(documents) if document.title]
    alone = [text for _, text in titles] + [text for *_, text in parts] + [text for texts in spoken for text in texts]
    vectors = encoder.encode_queries(alone)
    most, width = max(map(len, spoken)), vectors.shape[1]

    weights = np.zeros((len(seen), most, len(encoder.aspects)), np.float32)
    sentences = np.zeros((len(seen), most, width), np.float32)
    aspects = np.zeros((len(seen), len(encoder.aspects), width), np.float32)
    whole = np.stack([one.whole for one in seen])
    for (row, _), vector in zip(titles, vectors, strict=False):
        whole[row] += TITLE * vector
    for (row, column, _), vector in zip(parts, vectors[len(titles) :], strict=False):
        aspects[row, column] = vector
    whole += ASPECTS * aspects.sum(axis=1)
    at = len(titles) + len(parts)
    for row, one in enumerate(seen):
        count = len(spoken[row])
        weights[row, :count] = one.probabilities
        sentences[row, :count] = (1 - APART) * one.sentences + APART * vectors[at : at + count]
        at += count
    some = rng.sample(range(len(alone)), min(24, len(alone)))
    return Views(
        torch.from_numpy(weights),
        torch.from_numpy(unit_rows(whole)),
        torch.from_numpy(aspects),
        F.normalize(torch.from_numpy(sentences), dim=-1),
        [alone[n] for n in some],
        torch.from_numpy(vectors[some]),
    )


def aspect_texts(one: DocumentVectors, aspects: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(place of the aspect, its sentences as one text) of the aspects that a document has."""
    likeliest = one.probabilities.argmax(axis=1)
    labelled = one.probabilities.max(axis=1) >= 1 - one.probabilities.sum(axis=1)
    for column, name in enumerate(aspects):
        own = [
            s.text
            for s, n, some in zip(one.document.sentences, likeliest, labelled, strict=True)
            if n == column and some
        ]
        if own and name in one.aspects:
            yield column, " ".join(own)


def sums(bert: Bert, batch: Batch) -> Tensor:
    """(B, 1 + S, H) sums over tokens: the whole, then each sentence."""
    ids, mask, pool = (torch.from_numpy(part) for part in (batch.ids, batch.mask, batch.pool))
    with torch.autocast("cpu", torch.bfloat16):
        bias = None if mask.all() else bert.bias(mask)
        with torch.no_grad():
            hidden = bert.through(bert.embed(ids), bias, 0, DOOR)
        hidden = bert.through(hidden, bias, DOOR)
    return torch.bmm(pool, hidden.float())


def losses(
    bert: Bert, tokens: Tokens, documents: Sequence[Document], views: Views, config: Config
) -> dict[str, Tensor]:
    """1 - cosine between the student's one pass and the views, by part, weighted."""
    windows = [cut[0] for cut in tokens.windows([document_passage(document) for document in documents])]
    out = F.normalize(sums(bert, make_batch(windows)), dim=-1)
    whole, sentences = out[:, 0], out[:, 1:]
    count = sentences.shape[1]  # of the first window
    aspects = F.normalize(torch.einsum("bsa,bsh->bah", views.weights[:, :count], sentences), dim=-1)
    alone = [cut[0] for cut in tokens.windows([Passage(text) for text in views.texts])]
    texts = F.normalize(sums(bert, make_batch(alone))[:, 0], dim=-1)
    return {
        "whole": config.whole * _apart(whole, views.whole),
        "aspects": config.aspects * _apart(aspects, views.aspects),
        "sentences": config.sentences * _apart(sentences, views.sentences[:, :count]),
        "texts": config.texts * _apart(texts, views.vectors),
    }


def _apart(rows: Tensor, targets: Tensor) -> Tensor:
    """Mean of 1 - cosine over the rows where both are something."""
    there = (targets.norm(dim=-1) > 0.5) & (rows.detach().norm(dim=-1) > 0.5)
    return (1 - (rows * targets).sum(-1))[there].mean()


def train(documents: Sequence[Document], out: Path, config: Config) -> None:
    """Train, and write the adapter whenever a quarter of the steps is done."""
    torch.manual_seed(config.seed)
    files = find_model()
    bert, tokens = load_bert(files.config, files.folder / "model.safetensors"), Tokens(files.folder, MOST_TOKENS)
    teacher = load_encoder("minilm", labels="predicted")
    parameters = adapt(bert, config)
    log.info("%d documents, %d trained parameters", len(documents), sum(p.numel() for p in parameters))
    optimizer = torch.optim.AdamW(parameters, lr=config.lr, weight_decay=0.01)

    def rate(step: int) -> float:
        warm = max(1, round(config.warmup * config.steps))
        return min((step + 1) / warm, max(0.0, (config.steps - step) / max(1, config.steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    rng, started = random.Random(config.seed), time.monotonic()
    running: dict[str, float] = {}
    for step, batch in zip(range(1, config.steps + 1), batches(documents, config), strict=False):
        parts = losses(bert, tokens, batch, teach(teacher, batch, rng), config)
        optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        for name, value in parts.items():
            running[name] = 0.95 * running.get(name, value.item()) + 0.05 * value.item()
        if step == 1 or step % 20 == 0:
            said = ", ".join(f"{name} {value:.4f}" for name, value in running.items())
            log.info("step %d of %d, %s, %.0f s", step, config.steps, said, time.monotonic() - started)
        if step % max(1, config.steps // 4) == 0:
            save(bert, out, config, step)


def save(bert: Bert, out: Path, config: Config, step: int) -> None:
    """The adapter and its recipe."""
    out.mkdir(parents=True, exist_ok=True)
    recipe = {**asdict(config), "step": step, "title": TITLE, "aspect_texts": ASPECTS, "apart": APART}
    save_file(difference(bert), out / "adapter.safetensors", {"recipe": json.dumps(recipe)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="abstracts whose licence allows weights that ship")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = Config()
    for item in arguments.set:
        name, value = item.split("=", 1)
        config = replace(config, **{name: type(getattr(config, name))(value)})
    kept = (document for document in read_documents(arguments.corpus) if not held_back(document.id))
    documents = [
        replace(document, sentences=tuple(split_sentences(document.text))) for document in kept if document.text
    ]
    train(documents, arguments.out, config)


if __name__ == "__main__":
    main()
