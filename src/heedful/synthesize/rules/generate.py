"""Triplets from an index, by rules."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from heedful.corpus.duplicates import SeenIds
from heedful.errors import BadInput
from heedful.synthesize.rows import Negative, Passage, Provenance, Triplet
from heedful.synthesize.rules.groups import Ask, Group, aspect_swaps, exclusions, filters, negations
from heedful.synthesize.rules.neighbours import Neighbours, neighbours, topical_blocks
from heedful.synthesize.rules.partners import partners
from heedful.synthesize.rules.pool import Pool, pools
from heedful.synthesize.rules.tally import Tally
from heedful.synthesize.rules.templates import render

if TYPE_CHECKING:
    from heedful.index.reading import Index

RULES = "rules"  # the generator's name in a row's provenance
MIX: Mapping[str, float] = MappingProxyType({"aspect": 0.66, "negation": 0.12, "exclusion": 0.16, "filter": 0.06})
_AHEAD = 4
SHOWN = 12  # how many groups may show the same passage
_log = logging.getLogger("heedful.synthesize")


def generate(
    index: Index,
    *,
    count: int,
    seed: int = 0,
    exclude: Collection[str] = (),
    dev: float = 0.05,
    licence: str = "",
    mix: Mapping[str, float] = MIX,
    tally: Tally | None = None,
) -> Iterator[Triplet]:
    """At most `count` rows, each in its split, the same for the same arguments.

    index: with sentence labels and aspect vectors. exclude: ids that occur nowhere in a row (papers of a test set,
    and near-duplicates of them; see `heedful.synthesize.overlap`). dev: the share of documents kept for the dev split.
    licence: of the collection. mix: kind -> its share of the groups (aspect, negation, exclusion, filter); the largest
    fills up where the others are rare.
    tally: filled as rows are drawn.

    Rows come in groups of two about one query: each passage is the positive of one and a negative of the other. Fewer
    rows come where the collection yields no more. Raises BadInput for a collection of fewer than two aspects, and for a
    count below 1.
    """
    if count < 1:
        raise BadInput(f"a count of {count}; ask for at least 1 triplet")
    if len(index.aspects) < 2:
        raise BadInput(f"{index.folder}: found fewer than two aspects; expected an index with labelled sentences")
    unknown = set(mix) - set(MIX)
    if unknown:
        raise BadInput(f"a mix of {', '.join(sorted(unknown))}; expected kinds among {', '.join(MIX)}")
    rng = np.random.default_rng(seed)
    return islice(_rows(index, rng, count, exclude, dev, licence, mix, tally or Tally()), count)


def _rows(
    index: Index,
    rng: np.random.Generator,
    count: int,
    exclude: Collection[str],
    dev: float,
    licence: str,
    mix: Mapping[str, float],
    tally: Tally,
) -> Iterator[Triplet]:
    tally.documents, tally.excluded = len(index.ids), sum(id in exclude for id in index.ids)
    documents = tally.documents - tally.excluded  # in the pools that are left
    number, left, asked = 0, count, SeenIds()
    for pool in pools(index, rng, exclude, dev):
        share = -(-left * len(pool) // documents)  # of the rows, as many as of the documents
        made = 0
        for group, partner in _groups(pool, rng, mix, -(-share // 2), tally):
            for row in _pair(pool, group, partner, rng, licence, f"rules-{number:07}", asked):
                yield row
                made += 1
            number += 1
        documents, left = documents - len(pool), max(0, left - made)
        _log.info("%s pool of %d documents: %d rows", pool.split, len(pool), made)


def _groups(
    pool: Pool, rng: np.random.Generator, mix: Mapping[str, float], wanted: int, tally: Tally
) -> Iterator[tuple[Group, Group | None]]:
    """At most `wanted` groups, each with the one that lends it passages that suit another query."""
    shown = np.zeros(len(pool), np.int64)
    made: Counter[str] = Counter()
    rules: dict[str, Callable[[Neighbours], Iterator[Group]]] = {
        "aspect": lambda near: aspect_swaps(pool, near),
        "negation": lambda near: negations(pool, near),
        "exclusion": lambda near: exclusions(pool, near, rng),
        "filter": lambda near: filters(pool, near, rng),
    }
    main, total = max(rules, key=lambda kind: mix.get(kind, 0.0)), 0
    for block in topical_blocks(pool, rng):
        allowed = pool.usable & (shown < SHOWN)
        found: list[Group] = []
        seeds = block[pool.usable[block]]
        tally.seeds += len(block)
        tally.unfit += len(block) - len(seeds)
        tally.barren += len(seeds)
        for near in neighbours(pool, seeds, allowed):
            before = len(found)
            for kind, rule in rules.items():
                share = mix.get(kind, 0.0)
                if not share or (kind != main and made[kind] > share * (made.total() + _AHEAD)):
                    continue  # only the main kind may run ahead of its share, where the others are rare
                for group in rule(near):
                    if shown[group.first] >= SHOWN or shown[group.second] >= SHOWN:
                        tally.worn += 1
                        continue
                    shown[group.first] += 1
                    shown[group.second] += 1
                    made[kind] += 1
                    tally.groups[kind] += 1
                    found.append(group)
            tally.barren -= len(found) > before
        for pair in partners(pool, found):
            yield pair
            total += 1
            if total >= wanted:
                return


def _pair(
    pool: Pool, group: Group, partner: Group | None, rng: np.random.Generator, licence: str, name: str, asked: SeenIds
) -> Iterator[Triplet]:
    """The group's two rows. asked: what was asked of each query before; nothing is asked twice."""
    sides = (
        (group.first, group.ask_first, group.aspect_first, "first"),
        (group.second, group.ask_second, group.aspect_second, "second"),
    )
    said = [_new(ask, pool.ids[group.seed], rng, asked) for _, ask, _, _ in sides]
    for at, (row, ask, aspect, side) in enumerate(sides):
        instruction, template = said[at]
        negatives = [
            Negative(
                _passage(pool, sides[1 - at][0], group),
                "poisoned-instruction",
                instruction=said[1 - at][0],
                query=_query(pool, group.seed),
            )
        ]
        sources = [group.seed, group.first, group.second]
        if partner is not None:
            lent = partner.first if at == 0 else partner.second
            negatives.append(
                Negative(
                    _passage(pool, lent, partner),
                    "poisoned-query",
                    instruction=instruction,
                    query=_query(pool, partner.seed),
                )
            )
            sources += [partner.seed, lent]
        yield Triplet(
            f"{name}-{side}",
            instruction,
            _query(pool, group.seed),
            _passage(pool, row, group),
            tuple(negatives),
            Provenance(
                kind=group.kind,
                group=name,
                seed=pool.ids[group.seed],
                aspect=aspect if group.kind == "aspect" else "",
                sources=tuple(dict.fromkeys(pool.ids[source] for source in sources)),
                generator=RULES,
                validator=RULES,
                templates=(template,),
                licence=licence,
                details={**group.details, "side": side, "form": ask.form},
            ),
            pool.split,
        )


def _new(ask: Ask, seed: str, rng: np.random.Generator, asked: SeenIds) -> tuple[str, str]:
    """An instruction that this query has not had, and its templates."""
    said = render(ask, rng)
    for _ in range(20):
        if asked.add(f"{seed}\0{said[0]}"):
            break
        said = render(ask, rng)
    return said


def _query(pool: Pool, row: int) -> str:
    return f"{pool.titles[row]}. {pool.texts[row]}" if pool.titles[row] else pool.texts[row]


def _passage(pool: Pool, row: int, group: Group) -> Passage:
    """The document; with its metadata in the text, and an id that says so, where the instruction speaks of them."""
    if row in group.shown:
        return Passage(f"{pool.ids[row]}+metadata", f"{pool.texts[row]}\n{group.shown[row]}", pool.titles[row])
    return Passage(pool.ids[row], pool.texts[row], pool.titles[row])
