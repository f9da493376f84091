"""Embedders that are told what to look for: GritLM, and models with a prompt of the Qwen3-Embedding or E5 kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from heedful.encode.embedding import Pooling, TextEmbedder
from heedful.encode.pretrained import Weights, find_file, load_pretrained
from heedful.errors import BadInput, Missing

if TYPE_CHECKING:
    from heedful.records import Vector

GRITLM = Weights("GritLM/GritLM-7B", "13f00a0e36500c80ce12870ea513846a066004af", "14 GB", "Apache-2.0")
QWEN3 = Weights("Qwen/Qwen3-Embedding-0.6B", "b22da495047858cce924d27d76261e96be6febc0", "1.2 GB", "Apache-2.0")


@dataclass(frozen=True, slots=True)
class Prompt:
    """How a text is written for a model. told, untold: of a query with and without an instruction.

    silent: the part before {text} is seen by the model and left out of the mean.
    """

    told: str
    untold: str
    document: str = "{text}"
    silent: bool = False

    def query(self, text: str, instruction: str) -> tuple[str, str]:
        """What goes before the text, and the text with what goes after it; the input is the two joined."""
        return _split(self.told if instruction else self.untold, text, instruction)

    def of_document(self, text: str) -> tuple[str, str]:
        """The same for a document."""
        return _split(self.document, text)


PROMPTS: Mapping[str, Prompt] = {
    "gritlm": Prompt("<|user|>\n{instruction}\n<|embed|>\n{text}", "<|embed|>\n{text}", "<|embed|>\n{text}", True),
    "qwen3": Prompt("Instruct: {instruction}\nQuery:{text}", "{text}"),
    "e5": Prompt("Instruct: {instruction}\nQuery: {text}", "{text}"),
    "plain": Prompt("{instruction} {text}", "{text}"),
}


def prompt_of(name: str) -> Prompt:
    """A prompt by its name, or a template with {instruction} and {text}. Raises BadInput for one without them."""
    if name in PROMPTS:
        return PROMPTS[name]
    if "{text}" not in name or "{instruction}" not in name:
        raise BadInput(
            f"found the template {name!r}; expected one of {', '.join(PROMPTS)}, or a text with {{instruction}} and "
            "{text} in it"
        )
    return Prompt(name, "{text}")


@dataclass(frozen=True, slots=True, eq=False)
class PromptedEmbedder:
    """A `TextEmbedder` with its prompt."""

    embedder: TextEmbedder
    prompt: Prompt

    def encode_written(self, written: Sequence[tuple[str, str]]) -> Vector:
        """(texts, dim) float32, unit rows. written: as `Prompt.query` and `Prompt.of_document` give them."""
        from heedful.encode.labels import unit_rows

        if self.prompt.silent:
            vectors = self.embedder.encode([text for _, text in written], [before for before, _ in written])
        else:
            vectors = self.embedder.encode([before + text for before, text in written])
        return unit_rows(vectors)


def gritlm(weights: Weights = GRITLM, max_tokens: int = 512) -> PromptedEmbedder:
    """GritLM: attention both ways, the mean of the tokens after the instruction. Source: arXiv:2402.09906."""
    return PromptedEmbedder(
        TextEmbedder(load_pretrained(weights), "mean", max_tokens, both_ways=True), PROMPTS["gritlm"]
    )


def prompted(weights: Weights, prompt: Prompt, pooling: str = "auto", max_tokens: int = 1024) -> PromptedEmbedder:
    """Any model with a prompt. pooling: "cls", "mean", "last", or "auto" for what the model's folder says (mean else).

    A tokenizer that ends texts with a token of its own does so here too.
    """
    if pooling not in (*get_args(Pooling), "auto"):
        raise BadInput(f"found pooling={pooling!r}; expected auto, {', '.join(get_args(Pooling))}")
    loaded = load_pretrained(weights)
    chosen: Pooling = published_pooling(weights) if pooling == "auto" else pooling  # type: ignore[assignment]
    return PromptedEmbedder(TextEmbedder(loaded, chosen, max_tokens), prompt)


def published_pooling(weights: Weights) -> Pooling:
    """How the model's folder says that tokens become one vector; "mean" where it says nothing."""
    import json

    try:
        said = json.loads(find_file(weights, ("1_Pooling/config.json",)).read_text(encoding="utf-8"))
    except (Missing, ValueError):
        return "mean"
    mode = said.get("pooling_mode")  # as newer models are saved
    if said.get("pooling_mode_cls_token") or mode == "cls":
        return "cls"
    return "last" if said.get("pooling_mode_lasttoken") or mode == "lasttoken" else "mean"


def _split(template: str, text: str, instruction: str = "") -> tuple[str, str]:
    r"""What goes before the text, and the text with what goes after it; \n in a template is a line break."""
    before, _, after = template.replace("\\n", "\n").partition("{text}")
    return before.replace("{instruction}", instruction), text + after.replace("{instruction}", instruction)
