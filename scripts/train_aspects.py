"""Train the sentence aspect labeller that ships with the package.

    python scripts/train_aspects.py                      the shipped weights, with the shipped seed, and their metrics
    python scripts/train_aspects.py --cross-validate 3   how a configuration does on folds of train + dev
    ... --set rank=16 --set epochs=4                     another configuration

Reads `csabstruct` and, for pseudo-labels, `arxiv-cs` in the data folder. The abstracts that are also CSFCube's, and
those that are also in the test split, are left out of training.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import logging
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel

from heedful.corpus import split_sentences
from heedful.encode.labeller import (
    _FORMAT,
    LABELS,
    NORMS,
    PROJECTIONS,
    AspectLabeller,
    SequenceHead,
    bert_layer,
    sentence_means,
)
from heedful.encode.weights import shipped_model

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "src" / "heedful" / "encode" / "weights" / "aspects.safetensors"
CLEAN = 0.6  # the lowest crowd agreement found in the test split
log = logging.getLogger("train_aspects")


@dataclass(frozen=True)
class Config:
    """Everything that decides what is trained. rank 0: no low rank, every upper weight is free."""

    layer: int = 2
    rank: int = 32
    width: int = 96
    epochs: int = 4
    batch_tokens: int = 4096
    lr: float = 1e-3
    head_lr: float = 2e-3
    decay: float = 0.01
    warmup: float = 0.1
    drop: float = 0.3
    key_drop: float = 0.1
    smooth: float = 0.05
    agreement: float = 1.0  # a sentence weighs its crowd agreement to this power
    average: float = 0.98
    titles: float = 0.5
    teachers: int = 0
    teacher_epochs: int = 4
    trust: float = 0.6  # what a pseudo-labelled sentence weighs
    unlabelled: int = 0  # abstracts of arXiv that the teachers label
    gold_share: float = 0.5
    temperature: float = 0.8  # the best on held-out folds
    seed: int = 7


@dataclass
class Example:
    """One abstract. target: (sentences, labels); weight: (sentences,). variants: tokens without and with a title."""

    id: str
    target: Tensor
    weight: Tensor
    variants: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # ids, token_sentence
    hidden: list[Tensor] = field(default_factory=list)


def read_csabstruct(folder: Path, split: str) -> list[dict[str, Any]]:
    with (folder / "csabstruct" / f"{split}.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_arxiv(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "arxiv-cs" / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _sentence_keys(record: dict[str, Any]) -> set[str]:
    texts = (" ".join(s["text"].lower().split()) for s in record["sentences"])
    return {text for text in texts if len(text) > 40}


def training_records(folder: Path) -> list[dict[str, Any]]:
    """Train and dev, without CSFCube's papers and without abstracts that share two sentences with one of test."""
    left_out = set((folder / "csabstruct" / "csfcube-overlap.txt").read_text().split())
    test = [_sentence_keys(record) for record in read_csabstruct(folder, "test")]
    kept = []
    for record in read_csabstruct(folder, "train") + read_csabstruct(folder, "dev"):
        keys = _sentence_keys(record)
        if record["_id"] not in left_out and all(len(keys & other) < 2 for other in test):
            kept.append(record)
    return kept


def targets(records: Sequence[dict[str, Any]], config: Config) -> Iterator[tuple[Tensor, Tensor]]:
    for record in records:
        gold = torch.tensor([LABELS.index(s["label"]) for s in record["sentences"]])
        soft = F.one_hot(gold, len(LABELS)).float() * (1 - config.smooth) + config.smooth / len(LABELS)
        yield soft, torch.tensor([float(s["confidence"]) for s in record["sentences"]])


class Data:
    """Examples with the frozen lower layers' output, computed once."""

    def __init__(self, config: Config):
        model_files = shipped_model()
        torch.manual_seed(config.seed)
        self.model = AutoModel.from_pretrained(model_files.folder, attn_implementation="sdpa").eval()
        self.tokenizer = Tokenizer.from_file(str(model_files.folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.start, self.end = (self.tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self.base_digest = model_files.digest
        self.lower = [dict(layer.state_dict()) for layer in self.model.encoder.layer[: config.layer]]
        self.upper = [
            {k: v.detach() for k, v in layer.state_dict().items()} for layer in self.model.encoder.layer[config.layer :]
        ]
        self.heads = self.model.config.num_attention_heads
        self.eps = self.model.config.layer_norm_eps
        self.dim = self.model.config.hidden_size

    def add(self, example: Example, title: str, sentences: Sequence[str]) -> None:
        """One more variant: title and sentences, joined by spaces as the encoder joins them, of 512 tokens at most."""
        parts = self.tokenizer.encode_batch([title, *sentences], add_special_tokens=False)
        ids = [i for part in parts for i in part.ids][:510]
        of = [number - 1 for number, part in enumerate(parts) for _ in part.ids][:510]
        example.variants.append((torch.tensor([self.start, *ids, self.end]), torch.tensor([-1, *of, -1])))

    @torch.no_grad()
    def freeze(self, examples: Sequence[Example]) -> None:
        """Fill `hidden`, in bfloat16."""
        weights = [{k: v.bfloat16() for k, v in layer.items()} for layer in self.lower]
        embed = self.model.embeddings
        todo = sorted(
            ((e, v) for e in examples for v in range(len(e.variants))), key=lambda x: len(x[0].variants[x[1]][0])
        )
        for e in examples:
            e.hidden = [torch.empty(0)] * len(e.variants)
        for start in range(0, len(todo), 32):
            part = todo[start : start + 32]
            ids = nn.utils.rnn.pad_sequence([e.variants[v][0] for e, v in part], batch_first=True)
            mask = nn.utils.rnn.pad_sequence([torch.ones(len(e.variants[v][0])) for e, v in part], batch_first=True)
            hidden = embed(input_ids=ids).bfloat16()
            for layer in weights:
                hidden = bert_layer(hidden, mask[:, None, None, :] > 0, layer, self.heads, self.eps)
            for (e, v), row in zip(part, hidden, strict=True):
                e.hidden[v] = row[: len(e.variants[v][0])].clone()


class Trainable(nn.Module):
    """The upper layers with an adapter that can learn, and the head."""

    def __init__(self, data: Data, config: Config):
        super().__init__()
        self.config, self.plain, self.heads, self.eps = config, data.upper, data.heads, data.eps
        adapter: dict[str, Tensor] = {}
        for number, layer in enumerate(data.upper):
            for module in (*PROJECTIONS, *NORMS):
                for kind in ("weight", "bias"):
                    name = f"{number}.{module}.{kind}"
                    shape = layer[f"{module}.{kind}"].shape
                    if config.rank and len(shape) == 2:
                        adapter[f"{name}.a"] = torch.randn(config.rank, shape[1]) / shape[1] ** 0.5
                        adapter[f"{name}.b"] = torch.zeros(shape[0], config.rank)
                    else:
                        adapter[name] = torch.zeros(shape)
        self.names = list(adapter)
        self.adapter = nn.ParameterList(adapter.values())
        self.head = SequenceHead(data.dim, config.width, len(LABELS), config.drop)

    def layers(self) -> list[dict[str, Tensor]]:
        """The merged weights in bfloat16, with gradients."""
        adapter = dict(zip(self.names, self.adapter, strict=True))
        result = []
        for number, plain in enumerate(self.plain):
            weights = {}
            for name, weight in plain.items():
                full = f"{number}.{name}"
                if f"{full}.a" in adapter:
                    weight = weight + adapter[f"{full}.b"] @ adapter[f"{full}.a"]
                elif full in adapter:
                    weight = weight + adapter[full]
                weights[name] = weight.bfloat16()
            result.append(weights)
        return result

    def forward(self, hidden: Tensor, mask: Tensor, token_sentence: Tensor, n: Tensor) -> Tensor:
        """Logits, as the labeller takes its input; in training some tokens cannot be seen."""
        if self.training and self.config.key_drop:
            mask = mask * (torch.rand(mask.shape) >= self.config.key_drop)
            mask[:, 0] = 1
            token_sentence = torch.where(mask > 0, token_sentence, -1)
        attend = mask[:, None, None, :] > 0
        for weights in self.layers():
            hidden = bert_layer(hidden, attend, weights, self.heads, self.eps)
        return self.head(sentence_means(hidden.float(), token_sentence, n), n)

    def tensors(self) -> dict[str, Tensor]:
        """What the weights file holds."""
        named = {f"adapter.{k}": v for k, v in zip(self.names, self.adapter, strict=True)}
        named |= {f"head.{k}": v for k, v in self.head.state_dict().items()}
        return {k: v.detach().half().contiguous() for k, v in named.items()}


def collate(part: Sequence[tuple[Example, int]]) -> tuple[Tensor, ...]:
    pad = nn.utils.rnn.pad_sequence
    hidden = pad([e.hidden[v] for e, v in part], batch_first=True)
    sentence = pad([e.variants[v][1] for e, v in part], batch_first=True, padding_value=-1)
    mask = pad([torch.ones(len(e.hidden[v])) for e, v in part], batch_first=True)
    n = torch.tensor([len(e.target) for e, _ in part])
    return (
        hidden, mask, sentence, n,
        pad([e.target for e, _ in part], batch_first=True), pad([e.weight for e, _ in part], batch_first=True),
    )  # fmt: skip


def batches(
    examples: Sequence[tuple[Example, int]], tokens: int, rng: random.Random
) -> list[list[tuple[Example, int]]]:
    """Length-sorted within shuffled pools, up to `tokens` padded tokens a batch, in random order."""
    order = list(examples)
    rng.shuffle(order)
    result: list[list[tuple[Example, int]]] = []
    for start in range(0, len(order), 256):
        pool = sorted(order[start : start + 256], key=lambda x: len(x[0].hidden[x[1]]))
        batch: list[tuple[Example, int]] = []
        for item in pool:
            if batch and (len(batch) + 1) * len(item[0].hidden[item[1]]) > tokens:
                result.append(batch)
                batch = []
            batch.append(item)
        result.append(batch)
    rng.shuffle(result)
    return result


def fit(data: Data, gold: Sequence[Example], config: Config, seed: int, soft: Sequence[Example] = ()) -> Trainable:
    """A model of the exponentially averaged weights. soft: pseudo-labelled examples, mixed in."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    model = Trainable(data, config)
    epochs = []
    pseudo = list(soft)
    for epoch in range(config.epochs):
        items = [(e, int(rng.random() < config.titles) if len(e.variants) > 1 else 0) for e in gold]
        part = pseudo[epoch * len(pseudo) // config.epochs : (epoch + 1) * len(pseudo) // config.epochs]
        items += [(e, 0) for e in part]
        epochs.append(batches(items, config.batch_tokens, rng))
    steps = sum(map(len, epochs))
    optimizer = torch.optim.AdamW(
        [
            {"params": list(model.adapter), "lr": config.lr},
            {"params": list(model.head.parameters()), "lr": config.head_lr},
        ],
        weight_decay=config.decay,
        betas=(0.9, 0.98),
    )
    rise = max(1, int(config.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / rise, (steps - s) / max(1, steps - rise))
    )
    averaged = {k: v.detach().clone() for k, v in model.state_dict().items()}
    step, began = 0, time.time()
    for number, epoch_batches in enumerate(epochs):
        total = 0.0
        for part in epoch_batches:
            hidden, mask, sentence, n, target, weight = collate(part)
            logits = model(hidden, mask, sentence, n)
            nll = -(target * F.log_softmax(logits, -1)).sum(-1)
            loss = (nll * weight).sum() / weight.sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            total += float(loss.detach())
            keep = min(config.average, step / (step + 10))
            with torch.no_grad():
                for k, v in model.state_dict().items():
                    averaged[k].lerp_(v, 1 - keep)
        log.info("seed %d epoch %d loss %.4f, %.0f s", seed, number, total / len(epoch_batches), time.time() - began)
    model.load_state_dict(averaged)
    return model.eval()


@torch.no_grad()
def predict(model: Trainable, examples: Sequence[Example], variant: int = 0) -> list[Tensor]:
    """Logits, (sentences, labels) an example."""
    model.eval()
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].hidden[variant]))
    result: list[Tensor] = [torch.empty(0)] * len(examples)
    for start in range(0, len(order), 32):
        part = order[start : start + 32]
        logits = model(*collate([(examples[i], variant) for i in part])[:4])
        for i, row in zip(part, logits, strict=True):
            result[i] = row[: len(examples[i].target)]
    return result


def calibration_error(probabilities: Tensor, gold: Tensor) -> float:
    """Expected calibration error over ten equal bins. Source: Guo et al. 2017, arXiv:1706.04599."""
    sure, found = probabilities.max(-1)
    bins = (sure * 10).long().clamp(max=9)
    gaps = [(sure[bins == b] - (found == gold)[bins == b].float()).sum().abs() for b in range(10)]
    return float(sum(gaps)) / len(gold)


def metrics(logits: Tensor, gold: Tensor) -> dict[str, Any]:
    """Micro-F1 over five labels and over three (background with objective, method, result; other apart)."""
    found = logits.argmax(-1)
    three = torch.tensor([0, 0, 1, 2, 3])
    merged = torch.softmax(logits, -1)
    merged = torch.stack([merged[:, 0] + merged[:, 1], merged[:, 2], merged[:, 3], merged[:, 4]], -1).argmax(-1)
    f1s = []
    for label in range(len(LABELS)):
        hit = int(((found == label) & (gold == label)).sum())
        f1s.append(2 * hit / max(1, int((found == label).sum()) + int((gold == label).sum())))
    kept = gold != 4
    hit3 = int(((merged == three[gold]) & kept).sum())
    return {
        "micro_f1": float((found == gold).float().mean()),
        "macro_f1": float(np.mean(f1s)),
        "three_way_f1": 2 * hit3 / (int(kept.sum()) + int((merged != 3).sum())),
        "f1": {label: round(f1, 4) for label, f1 in zip(LABELS, f1s, strict=True)},
        "nll": float(F.cross_entropy(logits, gold)),
        "calibration_error": calibration_error(logits.softmax(-1), gold),
    }


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}


def best_temperature(logits: Tensor, gold: Tensor) -> float:
    grid = np.linspace(0.5, 3.0, 126)
    return float(min(grid, key=lambda t: float(F.cross_entropy(logits / t, gold))))


def prepare(data: Data, records: Sequence[dict[str, Any]], titles: Sequence[str], config: Config) -> list[Example]:
    """Gold examples: without a title, and with an unrelated one (csabstruct has none of its own)."""
    rng = random.Random(config.seed)
    result = []
    for record, (target, weight) in zip(records, targets(records, config), strict=True):
        example = Example(record["_id"], target, weight**config.agreement)
        texts = [s["text"] for s in record["sentences"]]
        data.add(example, "", texts)
        if titles:
            data.add(example, rng.choice(titles), texts)
        result.append(example)
    data.freeze(result)
    return result


def gold_of(records: Sequence[dict[str, Any]]) -> tuple[Tensor, Tensor]:
    gold = [LABELS.index(s["label"]) for r in records for s in r["sentences"]]
    return torch.tensor(gold), torch.tensor([float(s["confidence"]) for r in records for s in r["sentences"]])


def cross_validate(folder: Path, config: Config, folds: int, only: int | None, work: Path) -> None:
    records = training_records(folder)
    random.Random(1).shuffle(records)
    data = Data(config)
    titles = [r["title"] for r in read_arxiv(folder)] if config.titles else []
    examples = prepare(data, records, titles, config)
    rows = []
    for fold in range(folds)[: only or folds]:
        held = [i for i in range(len(records)) if i % folds == fold]
        kept = [replace(e) for i, e in enumerate(examples) if i % folds != fold]
        model = student(folder, data, kept, config, work)
        gold, agreement = gold_of([records[i] for i in held])
        for variant in range(2 if titles else 1):
            logits = torch.cat(predict(model, [examples[i] for i in held], variant))
            clean = agreement >= CLEAN
            row = metrics(logits[clean], gold[clean]) | {"all": metrics(logits, gold)["micro_f1"]}
            row["T"] = best_temperature(logits[clean], gold[clean])
            if variant == 0:
                rows.append(row)
            log.info("fold %d %s %s", fold, ("plain", "titled")[variant], rounded(row))
    print(json.dumps({"cv": {k: round(float(np.mean([r[k] for r in rows])), 4) for k in rows[0] if k != "f1"}}))


def weights_file(data: Data, model: Trainable, config: Config, facts: dict[str, Any]) -> bytes:
    recipe = {
        "format": _FORMAT, "layer": config.layer, "layers": config.layer + len(data.upper), "labels": LABELS,
        "heads": data.heads, "eps": data.eps, "dim": data.dim, "width": config.width, "temperature": config.temperature,
        "base": "sentence-transformers/all-MiniLM-L6-v2", "base_sha256": data.base_digest, "config": asdict(config),
        "licence": "Apache-2.0",
        "data": "CSAbstruct (Apache-2.0): train and dev, without CSFCube's papers and without abstracts also in test"
        + ("; pseudo-labels on arXiv abstracts (CC0)" if config.unlabelled else ""),
        **facts,
    }  # fmt: skip
    return save(model.tensors(), {"heedful": json.dumps(recipe, sort_keys=True)})


@torch.no_grad()
def labelled(path: Path, data: Data, examples: Sequence[Example], variant: int = 0) -> Tensor:
    """Log-probabilities of all sentences, by the labeller as it ships."""
    labeller = AspectLabeller.load(path).attach(data.model.encoder.layer[len(data.lower) :])
    rows = []
    for example in examples:
        hidden, mask, sentence, n = collate([(example, variant)])[:4]
        rows.append(labeller(hidden.float(), mask, sentence, n)[0])
    return torch.cat(rows).clamp(min=1e-9).log()


def confusion(logits: Tensor, gold: Tensor) -> list[list[int]]:
    """Rows: gold; columns: found."""
    table = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(table, (gold.numpy(), logits.argmax(-1).numpy()), 1)
    return table.tolist()


def pseudo_examples(data: Data, folder: Path, config: Config) -> list[Example]:
    """Abstracts of arXiv, split as users' are, some with their own title; their targets are still empty."""
    records = read_arxiv(folder)
    rng = random.Random(config.seed)
    rng.shuffle(records)
    result = []
    for record in records[: config.unlabelled]:
        texts = [s.text for s in split_sentences(record["abstract"])]
        example = Example(record["_id"], torch.zeros(len(texts), len(LABELS)), torch.full((len(texts),), config.trust))
        data.add(example, record["title"] if rng.random() < config.titles else "", texts)
        if 2 <= len(texts) <= 20 and len(example.variants[0][0]) < 512:
            result.append(example)
    data.freeze(result)
    return result


def teach(teachers: Sequence[Trainable], gold: Sequence[Example], pseudo: Sequence[Example], config: Config) -> None:
    """Write the teachers' mean distribution into the targets; a gold one keeps `gold_share` of what it was."""
    for examples, share in ((gold, config.gold_share), (pseudo, 0.0)):
        answers = [[row.softmax(-1) for row in predict(t, examples)] for t in teachers]
        for number, example in enumerate(examples):
            mean = torch.stack([answer[number] for answer in answers]).mean(0)
            example.target = share * example.target + (1 - share) * mean


def teacher(data: Data, gold: Sequence[Example], config: Config, number: int, work: Path) -> Trainable:
    """A member of the ensemble; kept in `work` and taken up again from there."""
    own = replace(config, epochs=config.teacher_epochs, teachers=0, unlabelled=0, seed=config.seed + number)
    identity = repr((own, [example.id for example in gold]))
    file = work / f"teacher-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.safetensors"
    model = Trainable(data, own)
    if not file.exists():
        log.info("teacher %d -> %s", number, file)
        trained = fit(data, gold, own, own.seed)
        work.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in trained.state_dict().items()}, file)
    model.load_state_dict(load_file(file))
    return model.eval()


def student(folder: Path, data: Data, gold: list[Example], config: Config, work: Path) -> Trainable:
    """The model that ships: alone, or taught by an ensemble, on its own abstracts and on unlabelled ones."""
    if not config.teachers:
        return fit(data, gold, config, config.seed)
    teachers = [teacher(data, gold, config, number, work) for number in range(config.teachers)]
    pseudo = pseudo_examples(data, folder, config)
    teach(teachers, gold, pseudo, config)
    log.info("taught on %d gold and %d pseudo-labelled abstracts", len(gold), len(pseudo))
    return fit(data, gold, config, config.seed, pseudo)


def train(folder: Path, config: Config, out: Path, work: Path) -> None:
    records, test_records = training_records(folder), read_csabstruct(folder, "test")
    data = Data(config)
    titles = [r["title"] for r in read_arxiv(folder)] if config.titles else []
    examples = prepare(data, records, titles, config)
    model = student(folder, data, examples, config, work)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_suffix(".draft")
    draft.write_bytes(weights_file(data, model, config, {}))
    test = prepare(data, test_records, titles, config)
    gold, _ = gold_of(test_records)
    facts: dict[str, Any] = {}
    for variant, name in enumerate(("test", "test_with_unrelated_title")[: 2 if titles else 1]):
        logits = labelled(draft, data, test, variant)
        facts[name] = rounded(metrics(logits, gold)) | {"confusion": confusion(logits, gold)}
    draft.write_bytes(weights_file(data, model, config, {"metrics": facts}))
    os.replace(draft, out)
    print(json.dumps({"bytes": out.stat().st_size, **facts}))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cross-validate", type=int, metavar="FOLDS")
    parser.add_argument("--only-folds", type=int, metavar="N", help="stop after N folds")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "aspects", help="where teachers are kept")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    changes = dict(item.split("=", 1) for item in options.set)
    kinds = {k: type(v) for k, v in asdict(Config()).items()}
    config = replace(Config(), **{k: kinds[k](v) for k, v in changes.items()})
    log.info("%s", config)
    if options.cross_validate:
        cross_validate(options.data, config, options.cross_validate, options.only_folds, options.work)
    else:
        train(options.data, config, options.out, options.work)


if __name__ == "__main__":
    main()
