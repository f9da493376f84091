"""Two models that are none: they answer every prompt of the pipeline by rule, for tests and rehearsals.

Requests are about words in single quotes ("those that mention 'graph'"). A passage satisfies a request if it has each
quoted word, and none that stands after "without". So verdicts are true of the texts, and the same prompt always gets
the same answer, whoever asks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

_SHOWN = re.compile(r"^--- (\w{16}) begins: passage (\w+) ---\n(.*?)\n--- \1 ends: passage \2 ---$", re.M | re.S)
_QUOTED = re.compile(r"(without )?'([^'\s]+)'")
_COMMON = (
    "graph language image training inference network data learning reasoning agents optimization evaluation benchmark "
    "generation retrieval user system policy robust attention knowledge human code video speech medical security theory"
).split()
GARBAGE = ("", "I'm sorry, I can't help with that.", '{"instruction": ', "[1, 2, 3]", '{"answer": null}', "{" * 2000)


def answer(shape: str, prompt: str, *, garbage: float = 0.0, wrong: float = 0.0) -> str:
    """The answer to a prompt whose schema has that name.

    garbage: the share of prompts (by their hash, in [0, 1]) whose answer is unusable; the repair of most works. wrong:
    the share of verdicts that are false.
    """
    if share(prompt, "garbage") < garbage:
        return GARBAGE[int(share(prompt, "which") * len(GARBAGE))]
    passages = [(label, text) for _, label, text in _SHOWN.findall(prompt)]
    return json.dumps(_ANSWERS[shape](prompt, passages, wrong))


def share(text: str, salt: str) -> float:
    """A number in [0, 1) that depends on the text and the salt alone."""
    return int.from_bytes(hashlib.sha256(f"{salt} {text}".encode()).digest()[:6], "big") / 2**48


def satisfies(text: str, query: str, instruction: str) -> bool:
    """Whether a passage has what query and instruction quote, and nothing that they exclude."""
    has = set(re.findall(r"\w+", text.lower()))
    return all((word in has) != bool(out) for out, word in _QUOTED.findall(f"{query} {instruction}"))


def _line(name: str, prompt: str) -> str:
    found = re.search(rf"^{name}: (.*)$", prompt, re.M)
    return found[1] if found else ""


def _words(text: str, n: int, salt: str, without: Sequence[str] = ()) -> list[str]:
    found = sorted({w for w in re.findall(r"[a-z]{5,12}", text.lower()) if w not in without and w not in _DULL})
    return sorted(found, key=lambda word: share(word, salt + text[:50]))[:n] or ["nothing"]


_DULL = frozenset("which these their there where while other about passage passages title".split())


def _absent(text: str, salt: str) -> str:
    """A common word that a text lacks."""
    has = set(re.findall(r"\w+", text.lower()))
    left = [word for word in _COMMON if word not in has] or ["zymurgy"]
    return left[int(share(text, salt) * len(left))]


def _present(text: str, salt: str) -> str:
    has = set(re.findall(r"\w+", text.lower()))
    there = [word for word in _COMMON if word in has]
    return there[int(share(text, salt) * len(there))] if there else _words(text, 1, salt)[0]


def _write(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    text = passages[0][1]
    query = _present(text, "query")
    other = [word for word in (_present(text, f"instruction {i}") for i in range(9)) if word != query]
    word = other[0] if other else _words(text, 1, "instruction", [query])[0]
    tail = " ".join(_words(text, 3, "tail"))
    return {
        "query": f"recent work about '{query}'",
        "instruction": f"Relevant are those that mention '{word}', for somebody who follows {tail}.",
    }


def _poison_instruction(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    word = _absent(passages[0][1], "poisoned instruction")
    return {"instruction": f"Relevant are those that mention '{word}', for a reader of {word} papers."}


def _poison_query(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    return {"query": f"recent work about '{_absent(passages[0][1], 'poisoned query')}'"}


def _reverse(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    instruction = _line("Instruction", prompt)
    return {"instruction": re.sub(r"that mention '", "that do without '", instruction)}


def _choose(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    queries, instructions = re.findall(r"^Query: (.*)$", prompt, re.M), re.findall(r"^Instruction: (.*)$", prompt, re.M)
    for label, text in passages:
        if satisfies(text, queries[1], instructions[1]) and not satisfies(text, queries[0], instructions[0]):
            return {"reason": "it has the words", "passage": int(label)}
    return {"reason": "none has the words", "passage": 0}


def _imagine(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    queries, instructions = re.findall(r"^Query: (.*)$", prompt, re.M), re.findall(r"^Instruction: (.*)$", prompt, re.M)
    wanted = [word for out, word in _QUOTED.findall(f"{queries[1]} {instructions[1]}") if not out]
    unwanted = {word for out, word in _QUOTED.findall(f"{queries[1]} {instructions[1]}") if out}
    shown = re.findall(r"\w+", passages[0][1])
    body = [word for word in sorted(shown, key=lambda w: share(w, prompt[-200:])) if word.lower() not in unwanted]
    first = {word for out, word in _QUOTED.findall(f"{queries[0]} {instructions[0]}") if not out and word not in wanted}
    body = [word for word in body if word.lower() not in first]
    return {"title": "", "text": f"We study {' and '.join(wanted)}: " + " ".join(body)}


def _judge(prompt: str, passages: list[tuple[str, str]], wrong: float) -> dict[str, object]:
    query, instruction = _line("Query", prompt), _line("Instruction", prompt)
    verdicts = []
    for label, text in passages:
        right = satisfies(text, query, instruction)
        lies = share(f"{query}{instruction}{text}", "wrong") < wrong
        sure = round(0.7 + 0.3 * share(text, "sure"), 2)
        verdicts.append({"passage": label, "reason": "by its words", "satisfied": right != lies, "confidence": sure})
    return {"verdicts": verdicts}


_ANSWERS = {
    "write": _write,
    "instruct": lambda prompt, passages, wrong: {"instruction": _write(prompt, passages, wrong)["instruction"]},
    "poison-instruction": _poison_instruction,
    "poison-query": _poison_query,
    "reverse": _reverse,
    "choose": _choose,
    "imagine": _imagine,
    "judge": _judge,
}
