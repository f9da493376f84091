"""What ranking with a chat model cost and how far the model can be believed: a topic's facts, and a system's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from heedful.chat import Purse
from heedful.rerank.llm import Tally
from heedful.rerank.sorting import Consistency, pooled

_COUNTS = (
    "prompts",
    "rounds",
    "malformed",
    "failed",
    "shortened",
    "cached",
    "prompt_tokens",
    "completion_tokens",
    "unpriced",
)


def facts_of(tally: Tally) -> dict[str, Any]:
    """A topic's tally, JSON-ready. cost: US dollars paid for it, None where a price is unknown."""
    return {
        **{name: getattr(tally, name) for name in _COUNTS},
        "cost": None if tally.unpriced else tally.cost,
        "consistency": asdict(tally.consistency) if tally.consistency else None,
    }


def summary_of(facts: Iterable[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """The topics of one system as one, JSON-ready; None where no topic has facts.

    Counts add up. position_bias: share of votes for the document shown first; agreement: share of pairs asked both
    ways that got the same winner; intransitive: share of the triples that go round in a circle. Each is None where
    nothing speaks for it.
    """
    known = [one for one in facts if one]
    if not known:
        return None
    voters = [Consistency(**one["consistency"]) for one in known if one.get("consistency")]
    voter = pooled(voters) if voters else None
    unpriced = any(one["cost"] is None for one in known)
    return {
        "topics": len(known),
        **{name: sum(one[name] for one in known) for name in _COUNTS if name != "unpriced"},
        "cost": None if unpriced else sum(one["cost"] for one in known),
        "position_bias": voter.first_rate if voter else None,
        "agreement": voter.agreement if voter else None,
        "pairs_both_orders": voter.pairs_both_orders if voter else 0,
        "intransitive": voter.intransitive if voter else None,
        "triples": voter.triples if voter else 0,
        "ties": voter.ties if voter else 0,
    }


def spending_of(purse: Purse) -> dict[str, Any]:
    """What was spent now, JSON-ready; earlier runs' answers are in `cached`. cost: None where a price is unknown."""
    counted = ("calls", "cached", "retries", "failed", "prompt_tokens", "completion_tokens")
    unpriced = any(spending.price is None and spending.calls for _, spending in purse.spendings)
    return {
        "budget": purse.budget,
        "cost": None if unpriced else purse.cost,
        **{name: sum(getattr(spending, name) for _, spending in purse.spendings) for name in counted},
        "models": sorted({model for model, _ in purse.spendings}),
    }
