"""What a model will see of the texts that it is to be trained on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from heedful.train.columns import Columns
from heedful.train.recipe import Recipe

_UNKNOWN = 0.1  # share of unknown tokens above which a model seems to be for other texts
_log = logging.getLogger("heedful.train")


@dataclass(frozen=True, slots=True)
class Shares:
    """How texts meet the model. cut: column -> the share of its texts longer than max_length, where there are any.

    unknown: the share of all their tokens that the vocabulary lacks.
    """

    cut: dict[str, float]
    unknown: float


def look_at_texts(tokenizer: Any, columns: Columns, recipe: Recipe, sample: int = 500) -> Shares:
    """What the model will not see of the first texts of each column; warns of it in the log."""
    cut: dict[str, float] = {}
    longest = tokens = unknown = 0
    for name, texts in columns.texts.items():
        some = [text for text in texts[:sample] if text]
        plain = {"truncation": False, "verbose": False, "add_special_tokens": False}  # those may be the unknown one
        found = tokenizer(some, **plain)["input_ids"] if some else []
        tokens += sum(map(len, found))
        lengths = [len(ids) + tokenizer.num_special_tokens_to_add() for ids in found]
        if tokenizer.unk_token_id is not None:
            unknown += sum(ids.count(tokenizer.unk_token_id) for ids in found)
        if share := sum(length > recipe.max_length for length in lengths) / max(1, len(some)):
            cut[name], longest = round(share, 3), max(longest, *lengths)
    if cut:
        said = ", ".join(f"{100 * share:.0f} % of {name}" for name, share in cut.items())
        _log.warning("cut, since longer than max_length=%d tokens (up to %d): %s", recipe.max_length, longest, said)
    shares = Shares(cut, unknown / max(1, tokens))
    if shares.unknown > _UNKNOWN:
        _log.warning(
            "%.0f %% of the tokens are unknown to the model: is it made for these texts?", 100 * shares.unknown
        )
    return shares
