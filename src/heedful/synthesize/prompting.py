"""Prompts are files with slots: checked when they are loaded, filled in one pass, texts between unguessable marks."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from heedful.chat import Request
from heedful.errors import BadInput
from heedful.rerank.llm.template import SLOT, boundary, fill
from heedful.synthesize.rows import Passage

_BOTH = frozenset({"query", "instruction"})
_TEXTS = frozenset({"passages", "boundary"})
_MANNER = frozenset({"kind", "length", "style"})
_ALTERED = frozenset({"altered_query", "altered_instruction"})
SLOTS: Mapping[str, frozenset[str]] = {
    "write": _TEXTS | _MANNER,
    "instruct": _TEXTS | _MANNER | {"query"},
    "poison-instruction": _TEXTS | _BOTH,
    "poison-query": _TEXTS | _BOTH,
    "reverse": _BOTH,
    "choose": _TEXTS | _BOTH | _ALTERED,
    "imagine": _TEXTS | _BOTH | _ALTERED | {"words"},
    "judge": _TEXTS | _BOTH | {"labels"},
    "repair": frozenset({"asked", "problem", "answer", "boundary"}),
}
MANNERS = ("kinds", "lengths", "styles")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_CHARACTERS_A_WORD = 12


@dataclass(frozen=True, slots=True)
class Prompt:
    """One way to ask. schema: of the answer, as compact JSON; empty where the answer has the asked prompt's form."""

    name: str
    prompt: str
    system: str = ""
    schema: str = ""
    hash: str = ""

    def request(
        self, slots: Mapping[str, str], passages: Sequence[tuple[str, Passage]] = (), *, max_words: int = 400
    ) -> Request:
        """The prompt that shows these (label, passage)s in this order. Slots are cut to one line each."""
        lines = {name: " ".join(shown(text, max_words).split()) for name, text in slots.items()}
        texts = [(label, shown(whole(passage), max_words)) for label, passage in passages]
        mark = boundary(self.hash, *lines.values(), *(part for pair in texts for part in pair))
        quoted = "\n\n".join(
            f"--- {mark} begins: passage {label} ---\n{text}\n--- {mark} ends: passage {label} ---"
            for label, text in texts
        )
        filled = fill(self.prompt, {"passages": quoted, "boundary": mark, **lines})
        return Request(filled.strip(), self.system, template=self.hash, schema=self.schema, shape=self.name)


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompts, and the manners in which instructions are written: kinds, lengths and styles by name."""

    prompts: Mapping[str, Prompt]
    manners: Mapping[str, Mapping[str, str]]

    def __getitem__(self, name: str) -> Prompt:
        return self.prompts[name]

    def repair(self, asked: Request, problem: str, answer: str) -> Request:
        """The request that asks once more, with what was wrong."""
        prompt = self.prompts["repair"]
        answer, problem = shown(answer, 300), " ".join(problem.split())
        mark = boundary(prompt.hash, asked.prompt, answer)
        slots = {"asked": asked.prompt, "problem": problem, "answer": answer, "boundary": mark}
        template = f"{asked.template}+{prompt.hash}"
        return Request(fill(prompt.prompt, slots).strip(), asked.system, (), template, asked.schema, asked.shape)

    def hashes(self) -> dict[str, str]:
        """Name -> hash of every file, the manners too: what decides the prompts, for manifests."""
        text = json.dumps(self.manners, sort_keys=True)
        return {name: prompt.hash for name, prompt in self.prompts.items()} | {"manners": _hash(text)}

    def manner(self, key: str) -> dict[str, str]:
        """Which kind, length and style (names) a passage's instruction has: by its key alone."""
        digest = hashlib.sha256(f"manner {key}".encode()).digest()
        picks = {}
        for at, group in enumerate(MANNERS):
            names = list(self.manners[group])
            picks[group] = names[int.from_bytes(digest[8 * at : 8 * at + 8], "big") % len(names)]
        return picks


def whole(passage: Passage) -> str:
    """Title and text as a prompt shows them."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def shown(text: str, max_words: int) -> str:
    """The text as a prompt may hold it: no control or direction marks, at most so many words of a sane length."""
    text = _CONTROL.sub(" ", text[: 4 * max_words * _CHARACTERS_A_WORD])[: max_words * _CHARACTERS_A_WORD].strip()
    words = list(re.finditer(r"\S+", text))
    return text if len(words) <= max_words else text[: words[max_words - 1].end()] + " [...]"


def load_prompts(folder: Path | None = None) -> Prompts:
    """The prompts that ship; a file of the same name in `folder` takes a prompt's place. Raises BadInput."""
    if folder is not None:
        if not folder.is_dir():
            raise BadInput(f"--prompts: found no folder {folder}; expected one with {', '.join(SLOTS)} as NAME.toml")
        stray = sorted(p.name for p in folder.glob("*.toml") if p.stem not in SLOTS and p.stem != "manners")
        if stray:
            raise BadInput(f"{folder / stray[0]}: found no prompt of that name; expected {', '.join(SLOTS)} or manners")
    return Prompts({name: _load(name, folder) for name in SLOTS}, _load_manners(folder))


def _read(name: str, folder: Path | None) -> tuple[str, str]:
    """(where it is, its text)."""
    own = folder / f"{name}.toml" if folder else None
    if own is None or not own.is_file():
        return f"{name}.toml", files("heedful.synthesize").joinpath("prompts", f"{name}.toml").read_text("utf-8")
    try:
        return str(own), own.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{own}: found a file that cannot be read ({error}); expected TOML in UTF-8") from error


def _fields(where: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where}: found broken TOML ({error}); expected system, prompt and schema") from error


def _load(name: str, folder: Path | None) -> Prompt:
    where, text = _read(name, folder)
    fields = _fields(where, text)
    prompt, system, schema = (str(fields.get(field, "")) for field in ("prompt", "system", "schema"))
    unknown = sorted(fields.keys() - {"prompt", "system", "schema"})
    used = set(SLOT.findall(prompt))
    if unknown or used != SLOTS[name] or SLOT.search(system):
        wrong = unknown or sorted(used ^ SLOTS[name]) or ["system"]
        slots = ", ".join(f"{{{{{slot}}}}}" for slot in sorted(SLOTS[name]))
        raise BadInput(f"{where}: found {', '.join(wrong)} amiss; expected system, schema, and a prompt with {slots}")
    if name != "repair":
        shipped = json.loads(_fields(name, _read(name, None)[1])["schema"])
        try:
            given = json.loads(schema or "null")
        except ValueError as error:
            raise BadInput(f"{where}: found a schema that is not JSON ({error})") from error
        if not isinstance(given, dict) or given.get("required") != shipped["required"]:
            raise BadInput(f"{where}: found another schema; expected an object that requires {shipped['required']}")
        schema = json.dumps(given, separators=(",", ":"))
    return Prompt(name, prompt, system, schema, _hash(text))


def _load_manners(folder: Path | None) -> dict[str, dict[str, str]]:
    where, text = _read("manners", folder)
    fields = _fields(where, text)
    for group in MANNERS:
        entries = fields.get(group)
        if not isinstance(entries, dict) or not entries or not all(isinstance(v, str) for v in entries.values()):
            raise BadInput(f'{where}: found no [{group}] with NAME = "TEXT"; expected at least one entry')
    return {group: dict(fields[group]) for group in MANNERS}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
