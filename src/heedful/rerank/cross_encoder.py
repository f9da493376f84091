"""Query and document in one input: yes/no logits of language models, monoT5 and its like, sequence classifiers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from heedful.encode.pretrained import Kind, Pretrained, Weights, load_errors, load_pretrained
from heedful.errors import BadInput
from heedful.seams import tell_progress

if TYPE_CHECKING:
    from heedful.records import Vector

Style: TypeAlias = Literal["auto", "monot5", "mt5", "followir", "qwen3", "pair"]
DOCUMENT = "{document}"
LEAST = 32  # tokens that a document keeps, where the query leaves no more
_log = logging.getLogger("heedful.rerank")

_JUDGE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
_ANSWER = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
_SEARCHER = (
    "<s> [INST] You are an expert Google searcher, whose job is to determine if the following document is relevant to "
    "the query (true/false). Answer using only one word, one of those two choices.\n\nQuery: {query}\nDocument: "
    '{document}\nRelevant (only output one word, either "true" or "false"): [/INST] '
)


@dataclass(frozen=True, slots=True)
class CrossTemplate:
    """How a pair is written, and which two tokens answer.

    head, tail: tokenized apart from the body, without special tokens; where both are empty the body is tokenized with
    them. body: with {query} and {document}, and {instruction} where it has a slot of its own; otherwise the instruction
    follows the query. untold: what stands in the slot where there is no instruction.
    """

    kind: Kind
    body: str
    yes: str = ""
    no: str = ""
    head: str = ""
    tail: str = ""
    untold: str = ""

    def written(self, query: str, instruction: str) -> str:
        """The body for a query, with a place left for the document."""
        if "{instruction}" in self.body:
            slots = {"{instruction}": instruction or self.untold, "{query}": query}
        else:
            slots = {"{query}": f"{query} {instruction}".strip()}
        before, document, after = self.body.partition(DOCUMENT)
        for slot, text in slots.items():
            place, found, rest = before.partition(slot)
            before = place + text + rest if found else before
        return before + document + after


TEMPLATES: Mapping[str, CrossTemplate] = {
    "monot5": CrossTemplate("seq2seq", "Query: {query} Document: {document} Relevant:", "▁true", "▁false"),
    "mt5": CrossTemplate("seq2seq", "Query: {query} Document: {document} Relevant:", "▁yes", "▁no"),
    "followir": CrossTemplate("causal", _SEARCHER, "true", "false"),
    "qwen3": CrossTemplate(
        "causal",
        "<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}",
        "yes",
        "no",
        _JUDGE,
        _ANSWER,
        "Given a web search query, retrieve relevant passages that answer the query",
    ),
    "pair": CrossTemplate("classifier", "{query}{document}"),
}


@dataclass(frozen=True, slots=True, eq=False)
class CrossEncoder:
    """A model that scores pairs. max_tokens: of a whole input; documents are shortened at their end to fit."""

    loaded: Pretrained
    template: CrossTemplate
    max_tokens: int = 2048

    def written(self, query: str, instruction: str = "") -> str:
        """The exact input, with {document} where the document goes."""
        template = self.template
        if template.kind == "classifier":
            return f"{query} {instruction}".strip()
        return template.head + template.written(query, instruction) + template.tail

    def score(self, query: str, instruction: str, documents: Sequence[str]) -> Vector:
        """(documents,) float32: the logit of yes less that of no (or the one logit of a classifier with one)."""
        import torch

        if not documents:
            return np.zeros(0, np.float32)
        rows, types, shortened = self._rows(query, instruction, documents)
        if shortened:
            _log.info("%d of %d documents were shortened to fit %d tokens", shortened, len(documents), self.max_tokens)
        out, done = np.zeros(len(rows), np.float32), 0
        with torch.inference_mode():
            for places in self.loaded.batches(rows):
                ids, mask = self.loaded.tensors([rows[p] for p in places], left=self.template.kind == "causal")
                more: dict[str, Any] = {}
                if types is not None:
                    more["token_type_ids"] = self.loaded.tensors([types[p] for p in places])[0] * mask
                out[places] = self._logits(ids, mask, more).float().cpu().numpy()
                done += len(places)
                tell_progress("documents", done, len(rows))
        return out

    def _logits(self, ids: Any, mask: Any, more: Mapping[str, Any]) -> Any:
        import torch

        model, template = self.loaded.model, self.template
        if template.kind == "classifier":
            logits = model(input_ids=ids, attention_mask=mask, **more).logits.float()
            return logits[:, 0] if logits.shape[1] == 1 else logits[:, -1] - logits[:, 0]
        if template.kind == "seq2seq":
            start = torch.full((len(ids), 1), model.config.decoder_start_token_id, device=ids.device)
            logits = model(input_ids=ids, attention_mask=mask, decoder_input_ids=start).logits[:, 0].float()
            return logits[:, self.loaded.place(template.yes)] - logits[:, self.loaded.place(template.no)]
        # padded on the left, so a token's position counts from its own text's first
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        last = model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions).last_hidden_state[:, -1]
        # in float32: bfloat16 logits are an eighth apart, and documents would tie
        answers = model.get_output_embeddings().weight[[self.loaded.place(t) for t in (template.yes, template.no)]]
        logits = last.float() @ answers.float().T
        return logits[:, 0] - logits[:, 1]

    def _rows(
        self, query: str, instruction: str, documents: Sequence[str]
    ) -> tuple[list[list[int]], list[list[int]] | None, int]:
        """Token ids, token types where the model has them, and how many documents were shortened."""
        tokenizer = self.loaded.tokenizer
        if self.template.kind == "classifier":
            asked = self._shorter(f"{query} {instruction}".strip(), self.max_tokens - LEAST)
            made = tokenizer(
                [asked] * len(documents), list(documents), truncation="only_second", max_length=self.max_tokens
            )
            rows = [list(row) for row in made["input_ids"]]
            kinds = [list(row) for row in made["token_type_ids"]] if "token_type_ids" in made else None
            return rows, kinds, sum(len(row) == self.max_tokens for row in rows)
        apart = bool(self.template.head or self.template.tail)
        head = tokenizer(self.template.head, add_special_tokens=False)["input_ids"] if apart else []
        tail = tokenizer(self.template.tail, add_special_tokens=False)["input_ids"] if apart else []
        room = self.max_tokens - len(head) - len(tail)
        body = self.template.written(query, instruction)
        frame = len(tokenizer(body.replace(DOCUMENT, ""), add_special_tokens=not apart)["input_ids"])
        if frame > room - LEAST:
            kept = self._shorter(query, max(1, len(self._plain(query)) - (frame - room + LEAST)))
            body = self.template.written(kept, instruction)
            _log.warning("the query was shortened: with its instruction it has %d tokens of %d", frame, room)
        before, _, after = body.partition(DOCUMENT)
        rows, shortened = [], 0
        for document in documents:
            ids = tokenizer(before + document + after, add_special_tokens=not apart)["input_ids"]
            text, cut = document, False
            while len(ids) > room and text:
                cut = True
                text = self._shorter(text, max(0, len(self._plain(text)) - (len(ids) - room)))
                ids = tokenizer(before + text + after, add_special_tokens=not apart)["input_ids"]
            shortened += cut
            rows.append([*head, *ids, *tail])
        return rows, None, shortened

    def _plain(self, text: str) -> list[int]:
        return list(self.loaded.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _shorter(self, text: str, tokens: int) -> str:
        """The text's beginning, of at most so many tokens."""
        found = self.loaded.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(found) <= tokens:
            return text
        return text[: found[tokens - 1][1]] if tokens else ""


def load_cross_encoder(weights: Weights, style: str = "auto", max_tokens: int = 2048) -> CrossEncoder:
    """A cross-encoder by its style; "auto" reads it off the model's name and architecture.

    Raises Missing where the model is not there, BadInput for a style that is unknown or cannot be told.
    """
    if style not in ("auto", *TEMPLATES):
        raise BadInput(f"found template={style!r}; expected auto, {', '.join(TEMPLATES)}")
    template = TEMPLATES[style_of(weights) if style == "auto" else style]
    loaded = load_pretrained(weights, template.kind)
    limit = getattr(loaded.model.config, "max_position_embeddings", None)
    if isinstance(limit, int):
        max_tokens = min(max_tokens, limit)
    made = CrossEncoder(loaded, template, max_tokens)
    if template.yes:
        for token in (template.yes, template.no):
            loaded.place(token)  # a tokenizer without the answers is said now
    return made


def style_of(weights: Weights) -> str:
    """The style that a model's name and architecture tell. Raises BadInput where they do not, Missing without it."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(weights.name, **weights.at_hub())
    except load_errors() as error:
        raise weights.failed(error) from error
    architecture = (config.architectures or [""])[0]
    name = weights.name.lower()
    if architecture.endswith("ForSequenceClassification"):
        return "pair"
    if config.model_type in ("t5", "mt5", "umt5"):
        return "mt5" if "mt5" in name.rsplit("/", 1)[-1] else "monot5"
    if config.model_type == "qwen3":
        return "qwen3"
    if "followir" in name or config.model_type == "mistral":
        return "followir"
    raise BadInput(
        f"{weights.name}: a {config.model_type} model, whose template cannot be told; expected template= one of "
        f"{', '.join(TEMPLATES)}"
    )
