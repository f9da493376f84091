"""Prompts are files: checked when they are loaded, filled in one pass, and their hash is part of the answer's key."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from heedful.chat import Request
from heedful.errors import BadInput

SLOT = re.compile(r"\{\{(\w+)\}\}")
KINDS = ("pairwise", "pointwise", "setwise", "listwise")
FIELDS = {"kind", "labels", "grades", "verdict", "system", "instruction", "prompt", "document", "answer", "max_tokens"}
_ALLOWED = {
    "prompt": {"query", "instruction", "documents", "boundary"},
    "instruction": {"instruction"},
    "document": {"label", "text"},
    "answer": {"label"},
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Template:
    """One way to ask.

    labels: what may be answered, in the order in which documents are shown. grades: a value a label (pointwise).
    verdict: where not empty, only what follows its last occurrence is the answer. instruction: how an instruction is
    worded; it fills the prompt's slot of that name, and nothing does where there is no instruction. answer: how a
    label is written. hash: of the file.
    """

    name: str
    kind: str
    prompt: str
    document: str
    answer: str
    instruction: str
    system: str = ""
    labels: tuple[str, ...] = ()
    grades: tuple[float, ...] = ()
    verdict: str = ""
    max_tokens: int = 64
    hash: str = ""

    def request(
        self, query: str, instruction: str, texts: Sequence[str], *, scored: bool = False, labels: Sequence[str] = ()
    ) -> Request:
        """The prompt that shows these texts in this order. scored: ask for probabilities of the labels."""
        labels = labels or self.labels[: len(texts)] if self.kind != "pointwise" else ("",) * len(texts)
        texts = [_CONTROL.sub(" ", text) for text in texts]
        query, instruction = _CONTROL.sub(" ", query), instruction.strip()
        mark = boundary(self.hash, query, instruction, *texts)
        quoted = "\n\n".join(
            f"--- {mark} begins ---\n{fill(self.document, {'label': label, 'text': text})}\n--- {mark} ends ---"
            for label, text in zip(labels, texts, strict=True)
        )
        asked = fill(self.instruction, {"instruction": instruction}) if instruction else ""
        slots = {"query": query, "instruction": asked, "documents": quoted, "boundary": mark}
        answers = self.labels if self.kind == "pointwise" else self.labels[: len(texts)]
        return Request(fill(self.prompt, slots).strip(), self.system, tuple(answers) if scored else (), self.hash)


def boundary(*texts: str) -> str:
    """A mark that no text in the prompt can hold: a hash of all of them, so the same prompt always has the same one."""
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:16]


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Every {{slot}} replaced in one pass: what is filled in is never read as a slot."""
    return SLOT.sub(lambda match: slots[match[1]], text)


def template_names() -> list[str]:
    """The templates that ship."""
    folder = files("heedful.rerank.llm").joinpath("templates")
    return sorted(item.name[: -len(".toml")] for item in folder.iterdir() if item.name.endswith(".toml"))


def load_template(name: str, kind: str) -> Template:
    """A template that ships, by name, or a file that ends in .toml; it must be of that kind. Raises BadInput."""
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"template {name}: cannot be read: {error}") from error
    elif name in template_names():
        text = files("heedful.rerank.llm").joinpath("templates", f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise BadInput(f"unknown template {name!r}; there are {', '.join(template_names())}, or a path to a .toml file")
    template = parse_template(text, name)
    if template.kind != kind:
        raise BadInput(f"template {name} is {template.kind}; expected one that is {kind}")
    return template


def parse_template(text: str, name: str) -> Template:
    """A template from TOML, checked: its fields, its slots, and that the instruction has a place. Raises BadInput."""
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"template {name}: {error}") from error
    unknown = sorted(set(fields) - FIELDS)
    lacking = sorted({"kind", "prompt", "document", "answer", "instruction"} - set(fields))
    if unknown or lacking:
        raise BadInput(f"template {name}: " + _list("unknown fields", unknown) + _list("lacks", lacking))
    if fields["kind"] not in KINDS:
        raise BadInput(f"template {name}: found kind {fields['kind']!r}; expected one of {', '.join(KINDS)}")
    for field, allowed in _ALLOWED.items():
        used = set(SLOT.findall(str(fields[field])))
        needed = allowed - {"boundary"} if field != "document" or fields["kind"] != "pointwise" else {"text"}
        if used - allowed or needed - used:
            raise BadInput(
                f"template {name}: {field} "
                + _list("has unknown slots", sorted(used - allowed))
                + _list("lacks the slots", sorted(needed - used))
            )
    labels, grades = tuple(map(str, fields.get("labels", ()))), tuple(map(float, fields.get("grades", ())))
    if fields["kind"] == "pairwise" and len(labels) != 2:
        raise BadInput(f"template {name}: a pairwise template has two labels; found {len(labels)}")
    if fields["kind"] == "pointwise" and (len(labels) < 2 or len(grades) != len(labels)):
        raise BadInput(f"template {name}: a pointwise template has two or more labels and a grade for each")
    return Template(
        name=name,
        kind=fields["kind"],
        prompt=fields["prompt"],
        document=fields["document"],
        answer=fields["answer"],
        instruction=fields["instruction"],
        system=fields.get("system", ""),
        labels=labels,
        grades=grades,
        verdict=fields.get("verdict", ""),
        max_tokens=int(fields.get("max_tokens", 64)),
        hash=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _list(what: str, names: Sequence[str]) -> str:
    return f"{what} {', '.join(names)} " if names else ""
