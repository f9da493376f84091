"""Runs of a tiny model: what they leave, how they go on after a kill, how they fail."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests import tiny
from tests.folders import lines
from tests.train.models import texts

from heedful.errors import BadInput, Diverged, HeedfulError, Mismatch, Missing, StorageFailed, Upstream
from heedful.train.loop import train
from heedful.train.recipe import Recipe, make_recipe
from heedful.train.texts import look_at_texts

pytest.importorskip("datasets", reason="training needs the extra")
INSTRUCTIONS = ("find long waves", "we use wavelets", "water and time")
FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order, and processes may be forked
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    queries, passages = texts(20, 6, 1), texts(40, 9, 2)
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    rows = [
        {
            "anchor": query,
            "instruction": INSTRUCTIONS[n % 3],
            "positive": passages[n],
            "negative": passages[20 + n],
        }
        for n, query in enumerate(queries)
    ]
    lines(path, rows)
    return path


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six documents, two questions whose instruction changes."""
    folder = tmp_path_factory.mktemp("dev") / "toy"
    lines(folder / "corpus.jsonl", [{"_id": f"d{n}", "title": "", "text": t} for n, t in enumerate(texts(6, 9, 3))])
    lines(
        folder / "queries.jsonl",
        [
            {"_id": f"q{n}", "text": text, "instruction_og": INSTRUCTIONS[0], "instruction_changed": INSTRUCTIONS[1]}
            for n, text in enumerate(texts(2, 6, 4))
        ],
    )
    (folder / "qrels_og.tsv").write_text("".join(f"q{n} 0 d{d} {int(d < 3)}\n" for n in (0, 1) for d in range(6)))
    (folder / "qrels_changed.tsv").write_text("".join(f"q{n} 0 d{d} {int(d < 2)}\n" for n in (0, 1) for d in range(6)))
    return folder


def recipe(model: Path, **changed: Any) -> Recipe:
    told = {"model": str(model), "batch": 4, "altered": 1, "hard": 1, "max_length": 32, "epochs": 2.0}
    return make_recipe(told | {"eval_every": 2, "patience": 0, "learning_rate": 1e-3} | changed)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(str(folder / "model.safetensors"))


def same(a: Path, b: Path, tolerance: float = 0.0) -> bool:
    ours, theirs = weights(a), weights(b)
    assert ours.keys() == theirs.keys() and len(ours) > 10
    return all(float((ours[name] - theirs[name]).abs().max()) <= tolerance for name in ours)


@pytest.fixture(scope="module")
def whole(bert: Path, data: Path, dev: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ten steps that nothing interrupts."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(recipe(bert), data, out, [dev])
    return out


def test_what_a_run_leaves_is_a_plain_model_with_its_manifest_and_card(whole: Path, bert: Path, data: Path, dev: Path):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(whole))
    vectors = model.encode(["old tides", "long waves"])
    assert vectors.shape == (2, 32) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not all(torch.equal(t, load_file(str(bert / "model.safetensors"))[n]) for n, t in weights(whole).items())
    said = json.loads((whole / "training.json").read_text())
    assert said["complete"] and said["steps"] == 10 and said["best_step"] % 2 == 0
    assert {"torch", "sentence-transformers"} <= said["versions"].keys() and len(said["data"]["sha256"]) == 64
    looks = [row for row in said["history"] if "eval_joint" in row]
    assert len(looks) == 5 and max(row["eval_joint"] for row in looks) == pytest.approx(
        next(row["eval_joint"] for row in looks if row["step"] == said["best_step"])
    )
    row = said["dev"]["after"]["toy"]
    assert 100 * row["nDCG"] / 2 + row["net"] / 2 == pytest.approx(max(r["eval_joint"] for r in looks), abs=1e-3)
    card = (whole / "README.md").read_text()
    assert f"{row['nDCG']:.4f} [" in card and "seed 42" in card and said["data"]["sha256"][:16] in card
    assert f"{row['net']:+.1f} [{row['net_interval'][0]:+.1f}, " in card and "toy (all, 4 topics)" in card
    assert "st(model=PATH)" in card and str(bert) not in card
    assert not (whole / "checkpoints").exists()
    assert train(recipe(bert), data, whole, [dev]).unchanged


def test_it_is_a_system_that_writes_its_own_template(whole: Path, tmp_path: Path):
    from heedful.records import Document, Topic
    from heedful.systems import Collection, parse_system

    copy = tmp_path / "model"
    shutil.copytree(whole, copy)
    (copy / "heedful.json").write_text('{"template": "{text} under {instruction}"}')
    documents = {f"d{n}": Document(f"d{n}", "", text) for n, text in enumerate(texts(3, 9, 5))}
    ranker = parse_system(f"st(model={copy})").open(Collection(documents))
    ranking = ranker.rank(Topic("t", text="old tides", instruction="find waves"), list(documents))
    assert ranking.inputs == ("old tides under find waves",) and len(ranking.hits) == 3


def killed(step: int) -> Callable[[int, int, dict[str, Any]], None]:
    def tell(now: int, steps: int, figures: dict[str, Any]) -> None:
        if now >= step and "loss" in figures:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def in_a_fork(*arguments: Any, **environment: str) -> int | None:
    """Train in a process of its own; its exit code."""

    def work() -> None:
        os.environ.update(environment)
        train(*arguments)

    child = FORK.Process(target=work)
    child.start()
    child.join(120)
    return child.exitcode


@pytest.mark.parametrize("step", [3, 7], ids=["first epoch", "second epoch"])
def test_a_killed_run_goes_on_to_the_same_weights_bit_for_bit(
    whole: Path, bert: Path, data: Path, dev: Path, tmp_path: Path, step: int
):
    out = tmp_path / "out"
    assert in_a_fork(recipe(bert), data, out, [dev], killed(step)) == -signal.SIGKILL
    assert not (out / "modules.json").exists()
    (out / "checkpoints" / "staging-99").mkdir()  # as a kill in the midst of a save leaves one
    done = train(recipe(bert), data, out, [dev])
    assert done.manifest["resumed_at"] > 0 and same(out, whole)
    told, expected = (json.loads((folder / "training.json").read_text()) for folder in (out, whole))
    assert [r.get("loss") for r in told["history"]] == [r.get("loss") for r in expected["history"]]


def test_a_kill_while_the_model_is_written_costs_nothing(
    whole: Path, bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from heedful.train import output

    plain = os.replace

    def last(source: Any, target: Any) -> None:
        if Path(target).name == "modules.json" and Path(target).parent == tmp_path / "out":
            os.kill(os.getpid(), signal.SIGKILL)
        plain(source, target)

    monkeypatch.setattr(output.os, "replace", last)
    assert in_a_fork(recipe(bert), data, tmp_path / "out", [dev]) == -signal.SIGKILL
    monkeypatch.undo()
    assert not (tmp_path / "out/modules.json").exists()
    train(recipe(bert), data, tmp_path / "out", [dev])
    assert same(tmp_path / "out", whole) and not list((tmp_path / "out").glob("staging*"))


@pytest.mark.parametrize(
    ("settings", "steps"),
    [({"max_steps": 7, "schedule": "constant"}, 7), ({"patience": 2, "learning_rate": 0.0}, 6)],
    ids=["within an epoch", "ended early"],
)
def test_a_run_cut_off_after_its_last_checkpoint_takes_no_further_step(
    bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, steps: int
):
    told = recipe(bert, following=0.0, **settings)
    train(told, data, tmp_path / "whole", [dev])

    def kill(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("heedful.train.output.write_model", kill)
    out = tmp_path / "out"
    assert in_a_fork(told, data, out, [dev]) == -signal.SIGKILL
    monkeypatch.undo()
    heard: list[int] = []
    done = train(told, data, out, [dev], lambda step, *_: heard.append(step))
    expected = json.loads((tmp_path / "whole/training.json").read_text())
    assert (done.manifest["steps"], done.manifest["resumed_at"], heard) == (steps, steps, [])
    assert done.manifest["best_step"] == expected["best_step"] and same(out, tmp_path / "whole")
    assert done.manifest["dev"] == expected["dev"]


@pytest.fixture
def plain(bert: Path, tmp_path: Path) -> Path:
    """The model without dropout, which processes draw each for its own rows."""
    shutil.copytree(bert, tmp_path / "plain")
    said = json.loads((bert / "config.json").read_text())
    said |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (tmp_path / "plain/config.json").write_text(json.dumps(said))
    return tmp_path / "plain"


def in_two_processes(*arguments: Any) -> list[tuple[int | None, str]]:
    """Train in two processes, as a launcher starts them; the exit code of each, and what it could not do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}

    def work(rank: str, told: Any) -> None:
        os.environ.update(common | {"RANK": rank, "LOCAL_RANK": rank})
        try:
            train(*arguments)
        except HeedfulError as error:
            told.send(str(error))
            os._exit(error.exit_code)

    pipes = [FORK.Pipe(duplex=False) for _ in range(2)]
    children = [FORK.Process(target=work, args=(str(rank), pipes[rank][1])) for rank in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(240)
    said = [here.recv() if here.poll() else "" for here, _ in pipes]
    return [(child.exitcode, words) for child, words in zip(children, said, strict=True)]


def test_two_processes_train_what_one_does_and_go_on_exactly_when_one_is_killed(
    plain: Path, data: Path, dev: Path, tmp_path: Path
):
    told, one, two, cut = recipe(plain, max_steps=4), tmp_path / "one", tmp_path / "two", tmp_path / "cut"
    assert in_two_processes(told, data, two, [dev]) == [(0, ""), (0, "")]
    train(told, data, one, [dev])
    ours, theirs = (json.loads((folder / "training.json").read_text()) for folder in (two, one))
    assert (ours["processes"], theirs["processes"]) == (2, 1)
    losses = [[row["loss"] for row in made["history"] if "loss" in row] for made in (ours, theirs)]
    assert len(losses[0]) == 2 and losses[0] == pytest.approx(losses[1], abs=1e-3)
    apart = {name for name, t in weights(two).items() if float((t - weights(one)[name]).abs().max()) > 1e-5}
    assert all(name.endswith("key.bias") for name in apart)  # whose gradients are rounding: a softmax ignores a shift

    (first, _), (second, said) = in_two_processes(told, data, cut, [dev], killed(4))
    assert (first, second) == (-signal.SIGKILL, Upstream.exit_code)
    assert "another process of this run has ended" in said and "last good checkpoint is" in said
    assert in_two_processes(told, data, cut, [dev]) == [(0, ""), (0, "")]
    assert same(cut, two) and json.loads((cut / "training.json").read_text())["resumed_at"] == 2


def test_a_run_without_gain_ends_early_and_a_continued_one_counts_the_looks_before(
    bert: Path, data: Path, dev: Path, tmp_path: Path
):
    told = recipe(bert, patience=2, learning_rate=0.0)  # no look is better than the first
    done = train(told, data, tmp_path / "out", [dev])
    assert (done.manifest["steps"], done.manifest["best_step"]) == (6, 2)
    out = tmp_path / "again"
    assert in_a_fork(told, data, out, [dev], killed(5)) == -signal.SIGKILL
    done = train(told, data, out, [dev])
    assert (done.manifest["steps"], done.manifest["best_step"], done.manifest["resumed_at"]) == (6, 2, 4)


def test_weights_published_in_half_precision_train_in_full(bert: Path, data: Path, dev: Path, tmp_path: Path):
    from transformers import AutoModel

    half = tmp_path / "half"
    shutil.copytree(bert, half)
    AutoModel.from_pretrained(bert).to(torch.bfloat16).save_pretrained(half)
    assert {tensor.dtype for tensor in weights(half).values()} == {torch.bfloat16}
    train(recipe(half, max_steps=2, learning_rate=1e-6), data, tmp_path / "out", [dev])
    before, after = weights(half), weights(tmp_path / "out")
    assert {tensor.dtype for tensor in after.values()} == {torch.float32}
    name = "encoder.layer.0.output.dense.weight"
    assert float((after[name] - before[name].float()).abs().min()) > 0  # steps that bfloat16 would round away


def test_adapters_train_alone_and_are_merged_at_the_end(bert: Path, data: Path, dev: Path, tmp_path: Path):
    from heedful.train.model import build_model

    told = recipe(bert, lora_rank=4, max_steps=4)
    model = build_model(told, "cpu")
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {
        n for n, _ in model.named_parameters() if "lora_" in n
    }
    out = tmp_path / "out"
    done = train(told, data, out, [dev])
    assert 0 < done.manifest["parameters"]["trained"] < done.manifest["parameters"]["all"] / 4
    before, after = load_file(str(bert / "model.safetensors")), weights(out)
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.endswith(".weight") and before[name].dim() == 2 for name in changed)
    assert not any("embeddings" in name or "pooler" in name for name in changed)
    adapter = load_file(str(out / "adapter" / "adapter_model.safetensors"))
    assert adapter and all("lora_" in name for name in adapter)

    from sentence_transformers import SentenceTransformer

    ours, theirs = (SentenceTransformer(str(folder)).encode(texts(4, 8, 6)) for folder in (out, out / "adapter"))
    assert np.allclose(ours, theirs, atol=1e-5)  # merged is what was trained


@pytest.mark.parametrize("kind", ["modernbert", "qwen2", "llama"])
def test_other_architectures_train(kind: str, data: Path, dev: Path, tmp_path: Path):
    made = {"modernbert": modernbert, "qwen2": qwen2, "llama": llama}[kind](tmp_path / "model")
    last = "mean" if kind == "modernbert" else "last"
    extra = {} if kind == "modernbert" else {"lora_rank": 2, "bf16": True, "gradient_checkpointing": True}
    done = train(recipe(made, pooling=last, max_steps=2, **extra), data, tmp_path / "out", [dev])
    losses = [row["loss"] for row in done.manifest["history"] if "loss" in row]
    assert losses and all(np.isfinite(losses))
    from sentence_transformers import SentenceTransformer

    assert SentenceTransformer(str(tmp_path / "out")).encode("old tides").shape == (32,)


def test_attention_and_cached_gradients_train_in_the_loop(bert: Path, data: Path, dev: Path, tmp_path: Path):
    from heedful.systems import Collection, parse_system

    told = recipe(bert, attention="residual", mini_batch=2, max_steps=2, poisoned="pairs", loss="multi-P-I-IQ")
    out = tmp_path / "out"
    train(told, data, out, [dev])
    from heedful.records import Document, Topic

    documents = {"a": Document("a", "", "old tides"), "b": Document("b", "", "long waves")}
    ranker = parse_system(f"st(model={out})").open(Collection(documents))
    topic = Topic("t", text="tides of a sea", instruction="find long waves")
    assert ranker.rank(topic, ["a", "b"]).inputs == ("find long waves␞tides of a sea",)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_checkpoint(
    bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from heedful.train.objective import FollowingLoss

    plain, calls = FollowingLoss.forward, []

    def broken(self: Any, *arguments: Any) -> Any:
        calls.append(1)
        return plain(self, *arguments) * (float("nan") if len(calls) == 4 else 1)

    monkeypatch.setattr(FollowingLoss, "forward", broken)
    with pytest.raises(Diverged, match="step 4: found the loss nan"):
        train(recipe(bert), data, tmp_path / "out", [dev])
    assert [path.name for path in (tmp_path / "out/checkpoints").glob("*-*")] == ["checkpoint-2"]


def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_goes_on_later(
    whole: Path, bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from heedful.train.trainer import Trainer

    plain = Trainer._save_optimizer_and_scheduler

    def full(self: Any, folder: str) -> None:
        if self.state.global_step == 4:
            (Path(folder) / "optimizer.pt").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(self, folder)

    monkeypatch.setattr(Trainer, "_save_optimizer_and_scheduler", full)
    out = tmp_path / "out"
    with pytest.raises(StorageFailed, match=r"No space left.*last good checkpoint is .*checkpoint-2"):
        train(recipe(bert), data, out, [dev])
    assert [path.name for path in (out / "checkpoints").glob("*-*")] == ["checkpoint-2"]
    monkeypatch.undo()
    train(recipe(bert), data, out, [dev])
    assert same(out, whole)


def test_a_full_disk_under_the_adapters_is_told_and_the_run_goes_on_later(
    bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer.save_pretrained

    def full(self: Any, folder: str, **options: Any) -> None:
        if Path(folder).name == "adapter":
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(self, folder, **options)

    told, out = recipe(bert, lora_rank=2, max_steps=3), tmp_path / "out"
    monkeypatch.setattr(SentenceTransformer, "save_pretrained", full)
    with pytest.raises(StorageFailed, match=r"adapter: the adapters cannot be written: .*No space left.*are whole"):
        train(told, data, out, [dev])
    monkeypatch.undo()
    assert train(told, data, out, [dev]).manifest["resumed_at"] == 3
    train(told, data, tmp_path / "whole", [dev])
    assert same(out, tmp_path / "whole")
    template = json.loads((out / "adapter/heedful.json").read_text())["template"]
    assert template == json.loads((out / "heedful.json").read_text())["template"]


def test_memory_that_ends_is_told_with_what_would_do(
    bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from heedful.train.objective import FollowingLoss

    def no_room(self: Any, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 9 bytes")

    monkeypatch.setattr(FollowingLoss, "forward", no_room)
    with pytest.raises(Upstream, match=r"step 1: found no memory for 4 rows.*mini_batch.*no checkpoint yet"):
        train(recipe(bert), data, tmp_path / "out", [dev])
    monkeypatch.undo()
    monkeypatch.setattr("heedful.train.dev.measure", no_room)  # before the first step
    with pytest.raises(Upstream, match=r"the dev measure of the model before: found no memory .* smaller model"):
        train(recipe(bert), data, tmp_path / "other", [dev])
    monkeypatch.undo()
    monkeypatch.setattr("sentence_transformers.sentence_transformer.modules.Transformer.__init__", no_room)
    with pytest.raises(Upstream, match=r"bert: found no memory to load it .* or a smaller model"):
        train(recipe(bert), data, tmp_path / "large", [dev])


def test_a_disk_that_fails_between_checkpoints_is_told(
    bert: Path, data: Path, dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_room(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("heedful.train.dev.measure", no_room)
    with pytest.raises(StorageFailed, match=r"the model before: found .*No space left on device; there is no"):
        train(recipe(bert), data, tmp_path / "out", [dev])


def test_a_damaged_checkpoint_is_named(bert: Path, data: Path, dev: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert in_a_fork(recipe(bert), data, out, [dev], killed(3)) == -signal.SIGKILL
    stored = out / "checkpoints/checkpoint-2/model.safetensors"
    stored.write_bytes(stored.read_bytes()[:5000])
    with pytest.raises(Mismatch, match=r"checkpoint-2: found a damaged checkpoint .*delete that folder"):
        train(recipe(bert), data, out, [dev])


def test_what_does_not_fit_is_told_before_anything_trains(bert: Path, data: Path, dev: Path, tmp_path: Path):
    with pytest.raises(BadInput, match="takes at most 512 tokens"):
        train(recipe(bert, max_length=600), data, tmp_path / "a", [dev])
    train(recipe(bert, max_steps=1), data, tmp_path / "a", [dev])  # which has not bound the folder
    other = tmp_path / "other"
    shutil.copytree(bert, other)
    tiny.byte_tokenizer(["<unk>", "<s>", "</s>"], "<s> $A").save(str(other / "tokenizer.json"))
    with pytest.raises(Mismatch, match=r"found a tokenizer with ids up to \d+ and \d+ embeddings"):
        train(recipe(other), data, tmp_path / "b", [dev])
    (other / "tokenizer.json").unlink()
    with pytest.raises(Missing, match=r"other: found no model that loads .*; expected config, weights and tokenizer"):
        train(recipe(other), data, tmp_path / "b", [dev])
    (other / "tokenizer_config.json").unlink()
    with pytest.raises(Mismatch, match="found no vocabulary; expected the tokenizer's files"):
        train(recipe(other), data, tmp_path / "b", [dev])
    broken = tmp_path / "broken"
    shutil.copytree(bert, broken)
    tensors = weights(bert)
    name = "encoder.layer.1.output.dense.weight"
    save_file(tensors | {name: tensors[name] * float("nan")}, str(broken / "model.safetensors"), {"format": "pt"})
    with pytest.raises(Mismatch, match=rf"found weights that are no numbers in {name}"):
        train(recipe(broken), data, tmp_path / "b", [dev])
    stored = broken / "model.safetensors"
    stored.write_bytes(stored.read_bytes()[:2000])
    with pytest.raises(Mismatch, match="broken: found weights that cannot be read"):
        train(recipe(broken), data, tmp_path / "b", [dev])
    (tmp_path / "c").mkdir()
    (tmp_path / "c/thesis.tex").write_text("mine")
    with pytest.raises(Mismatch, match="other things in it"):
        train(recipe(bert), data, tmp_path / "c", [dev])
    (tmp_path / "c/training.json").write_text("3")
    with pytest.raises(Mismatch, match="found no manifest of a run"):
        train(recipe(bert), data, tmp_path / "c", [dev])


def test_another_recipe_does_not_go_on_with_this_run(whole: Path, bert: Path, data: Path, dev: Path):
    with pytest.raises(Mismatch, match=r"another recipe \(it has learning_rate=0.001, not 0.0001\); name another"):
        train(recipe(bert, learning_rate=1e-4), data, whole, [dev])
    assert train(recipe(bert, mini_batch=2), data, whole, [dev]).unchanged  # the same result in less memory


def test_another_number_of_processes_is_told(
    plain: Path, data: Path, dev: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    told, out = recipe(plain), tmp_path / "out"
    assert in_a_fork(told, data, out, [dev], killed(3)) == -signal.SIGKILL
    said = json.loads((out / "training.json").read_text())
    (out / "training.json").write_text(json.dumps(said | {"processes": 2}))
    train(told, data, out, [dev])
    assert "begun with 2 processes, going on with 1" in caplog.text


def test_words_that_the_model_lacks_are_told(bert: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    from heedful.train.columns import make_columns
    from heedful.train.data import Example
    from heedful.train.model import build_model

    told = recipe(bert)
    model = build_model(told, "cpu")
    share = [
        look_at_texts(
            model.tokenizer, make_columns([Example("old", "find", text)] * 2, template="{instruction} {text}"), told
        ).unknown
        for text in ("old tides", "Zyx Zyx Zyx Zyx")
    ]
    assert share[0] == 0 and share[1] > 0.4
    assert "tokens are unknown to the model" in caplog.text


def test_on_a_terminal_a_figure_is_told_once(
    bert: Path,
    data: Path,
    dev: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    heard: list[dict[str, Any]] = []
    train(recipe(bert, max_steps=2), data, tmp_path / "out", [dev], lambda *told: heard.append(told[2]))
    shown = "".join(capfd.readouterr())
    assert any("loss" in figures for figures in heard) and "2/2" in shown and "toy: documents" in shown
    assert "'loss'" not in shown and "'eval_joint'" not in shown


def test_long_texts_are_counted(bert: Path, data: Path):
    from heedful.train.columns import make_columns
    from heedful.train.data import read_training_set
    from heedful.train.model import build_model

    told = recipe(bert, max_length=6)
    columns = make_columns(read_training_set(data).examples, template="{instruction} {text}")
    cut = look_at_texts(build_model(told, "cpu").tokenizer, columns, told).cut
    assert 0 < cut["passage"] <= 1


def modernbert(folder: Path) -> Path:
    from transformers import ModernBertConfig, ModernBertModel

    tokenizer = tiny.word_tokenizer()
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=512, pad_token_id=0, cls_token_id=2, sep_token_id=3,
        bos_token_id=2, eos_token_id=3, attn_implementation="sdpa",
    )  # fmt: skip
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return tiny.save(folder, tokenizer, ModernBertModel(config), **special)


def _decoder(folder: Path, config: type, model: type) -> Path:
    tokenizer = tiny.byte_tokenizer(["<unk>", "<s>", "</s>"], "$A </s>")
    made = config(
        vocab_size=tokenizer.get_vocab_size() + 8, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=48, max_position_embeddings=512,
    )  # fmt: skip
    return tiny.save(folder, tokenizer, model(made), eos_token="</s>", unk_token="<unk>")


def qwen2(folder: Path) -> Path:
    from transformers import Qwen2Config, Qwen2Model

    return _decoder(folder, Qwen2Config, Qwen2Model)


def llama(folder: Path) -> Path:
    from transformers import LlamaConfig, LlamaModel

    return _decoder(folder, LlamaConfig, LlamaModel)
