"""A real OpenAI-compatible server with a tiny random chat model made on the spot, end to end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from heedful.records import Document, Topic
from heedful.systems import Collection, parse_system

DOCUMENTS = {f"d{i}": Document(f"d{i}", f"Paper {i}", "short text") for i in range(4)}


def make_model(folder: Path) -> None:
    """A character-level Llama of two layers with random weights and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    characters = [chr(c) for c in range(32, 127)] + ["\n"]
    vocabulary = {token: i for i, token in enumerate(["<unk>", "<s>", "</s>", *characters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=8192, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    for package in ("fastapi", "uvicorn", "accelerate"):
        pytest.importorskip(package, reason=f"transformers serve needs {package}")
    folder = tmp_path_factory.mktemp("tiny")
    make_model(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "log.txt").open("w")
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--port", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    try:
        for _ in range(600):
            if server.poll() is not None:
                pytest.fail(f"the server ended: {(folder / 'log.txt').read_text()[-2000:]}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["generate", "decide"])
def test_a_served_model_ranks(served: tuple[str, str], mode: str) -> None:
    url, model = served
    system = parse_system(
        f"prp(model={model}, base_url={url}, first=given, k=2, sort=allpairs, mode={mode}, cache=none, concurrency=2)"
    )
    ranker = system.open(Collection(DOCUMENTS))
    hits = ranker.rank(Topic("t", text="a need", instruction="short ones"), list(DOCUMENTS)).hits
    tally = ranker.tallies["t"]  # type: ignore[attr-defined]
    assert sorted(hit.id for hit in hits) == sorted(DOCUMENTS)
    assert (tally.prompts, tally.failed) == (12, 0)
    assert tally.prompt_tokens > 1000
    if mode == "decide":  # probabilities of a random model: never malformed, and not all one half
        assert tally.malformed == 0
        assert tally.consistency.ties < 12
    else:  # a random model talks nonsense, which is a tie and counted
        assert tally.malformed == 12
        assert [hit.id for hit in hits] == list(DOCUMENTS)
