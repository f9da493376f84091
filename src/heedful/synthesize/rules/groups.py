"""Two passages, two instructions, one query: each passage is right under one instruction and wrong under the other.

That is what keeps a set free of shortcuts: within a group the query, the passages, their lengths and the words they
share with the query are the same for both rows, so that none of them can tell the positive from the negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np

from heedful.records import Scalar
from heedful.synthesize.rules.neighbours import SAME, Neighbours, order_by, same_title
from heedful.synthesize.rules.pool import Pool

MARGIN, WORDS_MARGIN = 0.1, 0.04  # by how much an aspect's cosines differ between a group's passages
TELLING = 4  # different words of some weight that an asked aspect has
LIKE, LIKE_WORDS, UNLIKE = 0.5, 0.1, 0.4  # cosines of aspects that are alike, and that are not
PAIRS = 2  # of passages for a seed and two aspects, at most
BALANCE = 0.5  # how far the shares of an asked aspect may lie apart


@dataclass(frozen=True, slots=True)
class Ask:
    """What an instruction asks. form: a key of the templates. slots: what fills them."""

    form: str
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """One query, two passages (rows of the pool), what makes each right, and who could stand in for either."""

    kind: str
    seed: int
    first: int
    second: int
    ask_first: Ask
    ask_second: Ask
    aspect_first: str = ""
    aspect_second: str = ""
    phrase: int = -1
    shown: Mapping[int, str] = field(default_factory=dict)  # a line of metadata, where the instruction speaks of it
    details: Mapping[str, Scalar] = field(default_factory=dict)

    def key(self) -> tuple[str, ...]:
        """What two groups must share to lend each other their passages."""
        return (self.kind, self.ask_first.form, self.aspect_first, self.aspect_second)


def aspect_swaps(pool: Pool, near: Neighbours) -> Iterator[Group]:
    """'Match the method' against 'match the background': a passage that is alike in one and not in the other, each."""
    for one, other in combinations(pool.dense, 2):
        if not (_telling(pool, near.seed, one) and _telling(pool, near.seed, other)):
            continue
        lean = near.both[one] - near.both[other]
        first = _leaning(near, lean, one)
        second = _leaning(near, -lean, other)
        taken: set[int] = set()
        for a, b in product(first, second):
            if len(taken) >= 2 * PAIRS or {a, b} & taken or not _crossed(pool, near, a, b, one, other):
                continue
            taken |= {a, b}
            yield Group(
                "aspect",
                near.seed,
                int(near.rows[a]),
                int(near.rows[b]),
                Ask("aspect", {"aspect": one, "other": other}),
                Ask("aspect", {"aspect": other, "other": one}),
                one,
                other,
                details=_figures(near, a, b, one, other),
            )


def negations(pool: Pool, near: Neighbours) -> Iterator[Group]:
    """'The same background and method' against 'the same background by a different method'."""
    for keep, turn in (("background", "method"), ("method", "background"), ("method", "result"), ("result", "method")):
        if keep not in pool.dense or turn not in pool.dense:
            continue
        if not (_telling(pool, near.seed, keep) and _telling(pool, near.seed, turn)):
            continue
        kept = (near.dense[keep] >= LIKE) & (near.words[keep] >= LIKE_WORDS)
        alike = order_by(np.where(kept, near.both[keep] + near.both[turn], np.nan), 4)
        apart = order_by(
            np.where(
                (near.dense[keep] >= LIKE) & (near.dense[turn] < UNLIKE), near.both[keep] - near.both[turn], np.nan
            ),
            4,
        )
        pair = next(
            (
                (a, b)
                for a in alike
                for b in apart
                if near.dense[turn][a] >= max(LIKE, near.dense[turn][b] + MARGIN)
                and near.words[turn][a] >= near.words[turn][b] + 2 * WORDS_MARGIN
                and _telling(pool, int(near.rows[b]), turn)
                and _apart(pool, near, a, b)
            ),
            None,
        )
        if pair is None:
            continue
        a, b = pair
        yield Group(
            "negation",
            near.seed,
            int(near.rows[a]),
            int(near.rows[b]),
            Ask("both", {"aspect": keep, "other": turn}),
            Ask("not", {"aspect": keep, "other": turn}),
            keep,
            turn,
            details=_figures(near, a, b, keep, turn),
        )


def exclusions(pool: Pool, near: Neighbours, rng: np.random.Generator) -> Iterator[Group]:
    """'Like this, and about X' against 'like this, but not about X'."""
    top = [at for at in order_by(near.whole, 24) if pool.usable[near.rows[at]]]
    about = {phrase for at in top for phrase in pool.phrases.about[near.rows[at]]}
    about |= set(pool.phrases.about[near.seed])
    for phrase in rng.permutation(sorted(about)).tolist()[:8]:
        having = [at for at in top if phrase in pool.phrases.about[near.rows[at]]]
        lacking = [at for at in top if phrase not in pool.phrases.traces[near.rows[at]]]
        if not having or not lacking:
            continue
        a = having[int(rng.integers(len(having)))]
        b = min(lacking, key=lambda at: (abs(near.whole[at] - near.whole[a]), at))  # as near as the other
        if not _apart(pool, near, a, b):
            continue
        text = pool.phrases.texts[phrase]
        yield Group(
            "exclusion",
            near.seed,
            int(near.rows[a]),
            int(near.rows[b]),
            Ask("with", {"phrase": text}),
            Ask("without", {"phrase": text}),
            phrase=phrase,
            details={"phrase": text, "whole_first": _round(near.whole[a]), "whole_second": _round(near.whole[b])},
        )
        return


def filters(pool: Pool, near: Neighbours, rng: np.random.Generator) -> Iterator[Group]:
    """'Only those of this year or category' against 'only those of that'; the passages then show their metadata."""
    top = [at for at in order_by(near.whole, 24) if pool.usable[near.rows[at]]]
    for name in rng.permutation(sorted(pool.metadata[near.seed])).tolist():
        values = {at: pool.metadata[near.rows[at]].get(name) for at in top}
        group = _by_number(pool, near, name, values, rng) or _by_word(pool, near, name, values, rng)
        if group is not None:
            yield group
            return


def _by_number(
    pool: Pool, near: Neighbours, name: str, values: Mapping[int, Scalar], rng: np.random.Generator
) -> Group | None:
    numbers = {at: value for at, value in values.items() if isinstance(value, int) and not isinstance(value, bool)}
    borders = sorted(set(numbers.values()))[1:]
    if not borders:
        return None
    border = int(borders[int(rng.integers(len(borders)))])
    asks = Ask("from", {"field": name, "value": str(border)}), Ask("before", {"field": name, "value": str(border)})
    late = [at for at, value in numbers.items() if value >= border]
    early = [at for at, value in numbers.items() if value < border]
    return _filtered(pool, near, name, late, early, asks, rng)


def _by_word(
    pool: Pool, near: Neighbours, name: str, values: Mapping[int, Scalar], rng: np.random.Generator
) -> Group | None:
    lists = {at: [part.strip() for part in value.split(";")] for at, value in values.items() if isinstance(value, str)}
    firsts = sorted({parts[0] for parts in lists.values() if parts[0] and len(parts[0]) <= 40})
    if len(firsts) < 2:
        return None
    one, other = (firsts[at] for at in rng.permutation(len(firsts))[:2])
    asks = Ask("only", {"field": name, "value": one}), Ask("only", {"field": name, "value": other})
    mine = [at for at, parts in lists.items() if one in parts and other not in parts]
    theirs = [at for at, parts in lists.items() if other in parts and one not in parts]
    return _filtered(pool, near, name, mine, theirs, asks, rng)


def _filtered(
    pool: Pool,
    near: Neighbours,
    name: str,
    mine: list[int],
    theirs: list[int],
    asks: tuple[Ask, Ask],
    rng: np.random.Generator,
) -> Group | None:
    if not mine or not theirs:
        return None
    a, b = mine[int(rng.integers(len(mine)))], theirs[int(rng.integers(len(theirs)))]
    if not _apart(pool, near, a, b):
        return None
    rows = int(near.rows[a]), int(near.rows[b])
    shown = {row: "; ".join(f"{key}: {value}" for key, value in sorted(pool.metadata[row].items())) for row in rows}
    return Group(
        "filter", near.seed, *rows, *asks, shown=shown, details={"field": name, "value": asks[0].slots["value"]}
    )


def _telling(pool: Pool, row: int, aspect: str) -> bool:
    """Whether a document's sentences of an aspect say enough to be matched."""
    words = pool.words[aspect]
    return bool(words.indptr[row + 1] - words.indptr[row] >= TELLING)


def _leaning(near: Neighbours, lean: np.ndarray, aspect: str) -> list[int]:
    """Those most alike in the aspect beyond the other, among those that are really alike in it."""
    strong = (near.dense[aspect] >= LIKE) & (near.both[aspect] >= 0.5) & (near.words[aspect] >= LIKE_WORDS)
    return order_by(np.where(strong, lean, np.nan), 6)


def _crossed(pool: Pool, near: Neighbours, a: int, b: int, one: str, other: str) -> bool:
    """Whether both likenesses, of vectors and of words, say that a is nearer in one aspect and b in the other."""
    return (
        all(
            near.dense[aspect][x] >= near.dense[aspect][y] + MARGIN
            and near.words[aspect][x] >= near.words[aspect][y] + WORDS_MARGIN
            and abs(pool.shares[aspect][near.rows[x]] - pool.shares[aspect][near.rows[y]]) <= BALANCE
            for aspect, x, y in ((one, a, b), (other, b, a))
        )
        and all(_telling(pool, int(near.rows[at]), aspect) for aspect in (one, other) for at in (a, b))
        and _apart(pool, near, a, b)
    )


def _apart(pool: Pool, near: Neighbours, a: int, b: int) -> bool:
    """Whether two candidates are two works that can both be shown."""
    one, other = int(near.rows[a]), int(near.rows[b])
    return (
        one != other
        and bool(pool.usable[one] and pool.usable[other])
        and float(pool.whole[one] @ pool.whole[other]) < SAME
        and not same_title(pool.titles[one], pool.titles[other])
    )


def _figures(near: Neighbours, a: int, b: int, one: str, other: str) -> dict[str, Scalar]:
    sides = (("first", a), ("second", b))
    figures: dict[str, Scalar] = {
        f"{aspect}_{name}": _round(near.dense[aspect][at]) for aspect in (one, other) for name, at in sides
    }
    return figures | {f"whole_{name}": _round(near.whole[at]) for name, at in sides}


def _round(value: float) -> float:
    return round(float(value), 3)
