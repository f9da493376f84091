"""What the validator is asked of a draft, blind to which passage is which, and what follows from its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from heedful.synthesize.drafts import ORIGINAL, POSITIVE, Draft, Judgment
from heedful.synthesize.questions import letter_of
from heedful.synthesize.rows import Passage

Requests: TypeAlias = Mapping[str, tuple[str, str, Mapping[str, Passage]]]


def requests(positive: Passage, draft: Draft) -> Requests:
    """ORIGINAL or side -> (query, instruction, role -> passage to judge).

    All passages under the row's own request; under an altered one the positive, which it excludes, and its own.
    """
    there = [(side, side.passage) for side in draft.altered if side.passage is not None]
    shown = {POSITIVE: positive} | {side.side: passage for side, passage in there}
    asked: dict[str, tuple[str, str, Mapping[str, Passage]]] = {ORIGINAL: (draft.query, draft.instruction, shown)}
    for side, passage in there:
        asked[side.side] = (side.query, side.instruction, {POSITIVE: positive, side.side: passage})
    return asked


def judgments_of(answer: Mapping[str, Any], under: str, roles: Mapping[str, str]) -> list[Judgment]:
    """The verdicts of a checked answer. roles: letter -> role."""
    return [
        Judgment(
            roles[letter_of(verdict)],
            under,
            verdict["satisfied"],
            verdict["reason"][:1000],
            round(min(1.0, max(0.0, float(verdict["confidence"]))), 3),
        )
        for verdict in answer["verdicts"]
    ]


def unsound(side: str, judgments: Sequence[Judgment], confidence: float, *, both: bool = False) -> str:
    """Why the verdicts don't bear out a side (or the positive), or empty. both: under the altered request as well."""
    expected = {(POSITIVE, ORIGINAL): True} if side == POSITIVE else {(side, ORIGINAL): False}
    if both and side != POSITIVE:
        expected |= {(side, side): True, (POSITIVE, side): False}
    by_place = {(judgment.shown, judgment.under): judgment for judgment in judgments}
    for place, satisfied in expected.items():
        judgment = by_place.get(place)
        if judgment is None:
            return "malformed"
        if judgment.satisfied != satisfied:
            what = "the positive" if place[0] == POSITIVE else "its passage"
            under = "the original" if place[1] == ORIGINAL else "the altered"
            return f"{what} {'fails' if satisfied else 'satisfies'} {under} request"
        if judgment.confidence < confidence:
            return "unsure"
    return ""


def stands(draft: Draft, confidence: float) -> list[str]:
    """The sides that the verdicts bear out; none where the positive is not borne out."""
    if unsound(POSITIVE, draft.judgments, confidence):
        return []
    return [side.side for side in draft.altered if not unsound(side.side, draft.judgments, confidence, both=True)]
