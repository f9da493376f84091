"""Train a low-rank adapter of the default encoder, so that its vectors tell aspects apart better.

    python scripts/train_default.py --index arxiv.heed --prepared near --prepare 160
    python scripts/train_default.py --index arxiv.heed --prepared near --out run --set idea=both
    heedful bench CSFCUBE --system heedful --system "heedful(model=run)"

Training text: an index of `arxiv-cs` (predicted labels). A batch is a neighbourhood: one paper and others near it as a
whole or along one aspect, so that every paper is a candidate of every other and negatives are hard. Ideas:

    distil    each aspect's likenesses within the batch follow the structured scorer's (vectors, sentences, words,
              and the aspect's text encoded apart): Kullback-Leibler between the two softmaxes
    contrast  an aspect's contextual vector finds the same aspect's text encoded apart; negatives are the other papers'
              texts and, poisoned, the same paper's other aspects
    both      the sum

Every idea holds the whole vector to the scorer's likenesses as a whole (`replay`).

The adapter touches the layers above the labeller's door only, so the labels stay what they are.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from heedful.encode.backends import Batch, make_batch
from heedful.encode.bert import ADAPTED, Bert, load_bert
from heedful.encode.passages import Passage, Tokens, document_passage
from heedful.encode.weights import find_model
from heedful.explore.scoring import Block, aspect_alignment, standardized, whole_of_seeds
from heedful.index import Index
from heedful.records import Document

log = logging.getLogger("train_default")
DOOR = 2  # the labeller leaves after this layer


@dataclass(frozen=True)
class Config:
    """Everything that decides what is trained."""

    idea: str = "distil"
    rank: int = 16
    alpha: float = 32.0
    lr: float = 2e-4
    steps: int = 300
    batch: int = 32
    warmup: float = 0.1
    temperature: float = 0.05  # of the student's cosines
    teacher_temperature: float = 0.7  # of the teacher's standard deviations
    replay: float = 1.0
    apart: float = 1.0  # weight of the aspect's text encoded apart, in the teacher
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


def plain_bert() -> tuple[Bert, Tokens]:
    files = find_model()
    return load_bert(files.config, files.folder / "model.safetensors"), Tokens(files.folder, 320)


def sums(bert: Bert, batch: Batch) -> Tensor:
    """(B, 1 + S, H) sums over tokens: the whole, then each sentence."""
    ids, mask, pool = (torch.from_numpy(part) for part in (batch.ids, batch.mask, batch.pool))
    with torch.autocast("cpu", torch.bfloat16):
        bias = None if mask.all() else bert.bias(mask)
        with torch.no_grad():
            hidden = bert.through(bert.embed(ids), bias, 0, DOOR)
        hidden = bert.through(hidden, bias, DOOR)
    return torch.bmm(pool, hidden.float())


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """A batch as the model sees it. whole: (B, H). aspects: (B, A, H). sentences: (B, S, H). All unit or zero rows."""

    whole: Tensor
    aspects: Tensor
    sentences: Tensor


def views(bert: Bert, tokens: Tokens, documents: Sequence[Document], weights: Tensor) -> Views:
    """One pass over whole abstracts (their first window). weights: (B, S, A) of each sentence in each aspect."""
    windows = [cut[0] for cut in tokens.windows([document_passage(document) for document in documents])]
    out = F.normalize(sums(bert, make_batch(windows)), dim=-1)
    whole, sentences = out[:, 0], out[:, 1:]
    shares = weights[:, : sentences.shape[1]]
    aspects = F.normalize(torch.einsum("bsa,bsh->bah", shares, sentences), dim=-1)
    return Views(whole, aspects, sentences)


def apart(bert: Bert, tokens: Tokens, documents: Sequence[Document], member: np.ndarray) -> Tensor:
    """(B, A, H) each aspect's sentences encoded as a text of their own; zero rows where there are none."""
    texts, places = [], []
    for row, document in enumerate(documents):
        for aspect in range(member.shape[2]):
            chosen = [s.text for s, own in zip(document.sentences, member[row, :, aspect], strict=False) if own]
            if chosen:
                texts.append(Passage(" ".join(chosen)))
                places.append((row, aspect))
    windows = [cut[0] for cut in tokens.windows(texts)]
    out = torch.zeros(len(documents), member.shape[2], 384)
    order = sorted(range(len(windows)), key=lambda n: len(windows[n]))
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            rows = F.normalize(sums(bert, make_batch([windows[n] for n in part]))[:, 0], dim=-1)
            for n, row in zip(part, rows, strict=True):
                out[places[n]] = row
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """What is known of a batch of papers before training.

    weights: (B, S, A) probabilities of each sentence's aspects. teacher: (A, B, B) z-scored likenesses by the
    structured scorer. whole: (B, B), likewise. texts: (B, A, H) each aspect's sentences, encoded apart
    by the frozen model.
    """

    ids: list[str]
    weights: np.ndarray
    teacher: np.ndarray
    whole: np.ndarray
    texts: np.ndarray

    def save(self, path: Path) -> None:
        """Write it, or nothing."""
        arrays = {name: getattr(self, name) for name in ("weights", "teacher", "whole", "texts")}
        with path.with_suffix(".tmp").open("wb") as file:
            np.savez_compressed(file, ids=np.array(self.ids), **arrays)
        path.with_suffix(".tmp").replace(path)

    @classmethod
    def load(cls, path: Path) -> Neighbourhood:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["ids"].tolist(), *(stored[name] for name in ("weights", "teacher", "whole", "texts")))


def held_back(id: str) -> bool:
    """One paper in 25 never trains: silver queries are made of these."""
    return zlib.crc32(id.encode()) % 25 == 0


def prepare(index: Index, folder: Path, count: int, seed: int = 7) -> None:
    """Draw neighbourhoods and write down what the teacher says of them; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [id for id in index.ids if not held_back(id)]
    bert, tokens = plain_bert()
    started = time.monotonic()
    for number in range(count):
        path = folder / f"{number:05d}.npz"
        if path.exists():
            continue
        batch = _batch(index, random.Random(seed * 1_000_003 + number), ids)
        _neighbourhood(index, bert, tokens, batch).save(path)
        if number % 20 == 0:
            log.info("neighbourhood %d of %d, %.0f s", number, count, time.monotonic() - started)


def _batch(index: Index, rng: random.Random, ids: list[str]) -> list[str]:
    """A paper, and eight others near it as a whole and along each aspect: four of the nearest, four of the near."""
    seed = rng.choice(ids)
    own = index.vectors([seed])
    near: dict[str, None] = {seed: None}
    for column, vector in [("whole", own.whole[0]), *((a, own.aspects[a][0]) for a in index.aspects)]:
        if np.linalg.norm(vector) > 0:
            hits = [hit.id for hit in index.search(vector, 60, column=column) if not held_back(hit.id)]
            hits = [id for id in hits if id not in near]
            near.update(dict.fromkeys(rng.sample(hits[:12], 4) + rng.sample(hits[12:], 4)))
    return list(near)


def _neighbourhood(index: Index, bert: Bert, tokens: Tokens, batch: list[str]) -> Neighbourhood:
    block = Block(index.vectors(batch), index.terms(batch))
    offsets, probabilities = block.vectors.offsets, block.vectors.probabilities
    most, aspects = int(np.diff(offsets).max()), len(index.aspects)
    weights = np.zeros((len(batch), most, aspects), np.float32)
    for row in range(len(batch)):
        own = probabilities[offsets[row] : offsets[row + 1]]
        weights[row, : len(own)] = own
    member = (weights == weights.max(axis=2, keepdims=True)) & (weights > 0.34)
    teacher = np.zeros((aspects, len(batch), len(batch)), np.float32)
    whole = np.zeros((len(batch), len(batch)), np.float32)
    for row, id in enumerate(batch):
        seed = Block(index.vectors([id]), index.terms([id]))
        whole[row] = standardized(whole_of_seeds(seed, block))
        for number, aspect in enumerate(index.aspects):
            aligned = aspect_alignment(aspect, seed, block)
            teacher[number, row] = 0 if aligned is None else standardized(aligned)
    texts = apart(bert, tokens, index.documents(batch), member)
    return Neighbourhood(batch, weights, teacher, whole, texts.numpy())


def _rows(scores: Tensor, temperature: float) -> Tensor:
    """Log-probabilities over the others of each row. scores: (..., B, B)."""
    out = (scores / temperature).masked_fill(torch.eye(scores.shape[-1], dtype=torch.bool), -1e4)
    return out.log_softmax(-1)


def _divergence(student: Tensor, teacher: Tensor, present: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the rows that count. student, teacher: (B, B) log-probabilities."""
    rows = (teacher.exp() * (teacher - student)).sum(-1)
    return (rows * present).sum() / present.sum().clamp(min=1)


def loss_of(seen: Views, near: Neighbourhood, config: Config) -> dict[str, Tensor]:
    """The loss of one neighbourhood, by part."""
    texts = torch.from_numpy(near.texts)
    here = (seen.aspects.norm(dim=-1) > 0.5) & (texts.norm(dim=-1) > 0.5)  # (B, A)
    out: dict[str, Tensor] = {}
    whole = _rows(torch.from_numpy(near.whole), config.teacher_temperature)
    out["whole"] = config.replay * _divergence(
        _rows(seen.whole @ seen.whole.T, config.temperature), whole, torch.ones(len(here))
    )
    if config.idea in ("distil", "both"):
        parts = []
        for number in range(here.shape[1]):
            both = texts[:, number] @ texts[:, number].T
            spread = (both - both.mean(-1, keepdim=True)) / both.std(-1, keepdim=True).clamp(min=1e-6)
            target = torch.from_numpy(near.teacher[number]) + config.apart * spread
            target = target / (1 + config.apart)
            student = seen.aspects[:, number] @ seen.aspects[:, number].T
            missing = ~here[:, number]
            student, target = (x.masked_fill(missing[None, :], -4.0) for x in (student, target))
            parts.append(
                _divergence(
                    _rows(student, config.temperature), _rows(target, config.teacher_temperature), here[:, number] * 1.0
                )
            )
        out["distil"] = torch.stack(parts).mean()
    if config.idea in ("contrast", "both"):
        rows, columns = here.nonzero(as_tuple=True)
        logits = seen.aspects[rows, columns] @ texts[rows, columns].T / config.temperature
        # other papers' texts of the same aspect and this paper's texts of the others: nothing else
        keep = (columns[:, None] == columns[None]) | (rows[:, None] == rows[None])
        out["contrast"] = F.cross_entropy(logits.masked_fill(~keep, -1e4), torch.arange(len(rows)))
    return out


def train(index: Index, prepared: Path, out: Path, config: Config) -> None:
    """Train on prepared neighbourhoods and write the adapter."""
    torch.manual_seed(config.seed)
    bert, tokens = plain_bert()
    files = sorted(prepared.glob("*.npz"))
    random.Random(config.seed).shuffle(files)
    parameters = adapt(bert, config)
    log.info("%d trained parameters", sum(p.numel() for p in parameters))
    optimizer = torch.optim.AdamW(parameters, lr=config.lr, weight_decay=0.01)

    def rate(step: int) -> float:
        warm = max(1, round(config.warmup * config.steps))
        return min((step + 1) / warm, max(0.0, (config.steps - step) / max(1, config.steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    started = time.monotonic()
    running: dict[str, float] = {}
    for step in range(config.steps):
        near = Neighbourhood.load(files[step % len(files)])
        seen = views(bert, tokens, index.documents(near.ids), torch.from_numpy(near.weights))
        parts = loss_of(seen, near, config)
        optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        for name, value in parts.items():
            running[name] = 0.95 * running.get(name, value.item()) + 0.05 * value.item()
        if step % 20 == 0 or step == config.steps - 1:
            said = ", ".join(f"{name} {value:.3f}" for name, value in running.items())
            log.info("step %d of %d, %s, %.0f s", step, config.steps, said, time.monotonic() - started)
    out.mkdir(parents=True, exist_ok=True)
    save_file(difference(bert), out / "adapter.safetensors", {"recipe": json.dumps(asdict(config))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--prepared", type=Path, help="the folder of the neighbourhoods")
    parser.add_argument("--prepare", type=int, metavar="N", help="write so many neighbourhoods into it, and stop")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = Config()
    for item in arguments.set:
        name, value = item.split("=", 1)
        config = replace(config, **{name: type(getattr(config, name))(value)})
    index = Index.open(arguments.index)
    if arguments.prepare:
        prepare(index, arguments.prepared, arguments.prepare)
    else:
        train(index, arguments.prepared, arguments.out, config)


if __name__ == "__main__":
    main()
