"""Examples to the columns that the loss reads: query, passage, hard negatives, the query under other instructions."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, TypeAlias

from heedful.encode.saved_template import fill_template
from heedful.errors import BadInput
from heedful.train.data import Example

if TYPE_CHECKING:
    from datasets import Dataset

Poisoned: TypeAlias = Literal["negatives", "pairs"]
EMPTY = -1  # the id of a place that a row leaves empty
_log = logging.getLogger("heedful.train")


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as texts and ids. groups: rows made of one example stand together; how many there are of each."""

    texts: dict[str, list[str]]
    ids: list[list[int]]
    groups: tuple[int, ...]
    hard: int
    altered: int

    def dataset(self) -> Dataset:
        """The rows with their ids as `label`, in the order that `FollowingLoss` expects."""
        from datasets import Dataset

        return Dataset.from_dict({**self.texts, "label": self.ids})


def write_query(query: str, instruction: str, template: str) -> str:
    """The string that a query under an instruction becomes; one of the two where there is no other."""
    if not instruction or not query:
        return query or instruction
    return fill_template(template, instruction, query)


def text_id(*parts: str) -> int:
    """Equal for equal texts, 0 or above."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def spread(examples: Sequence[Example], poisoned: Poisoned) -> Iterator[list[Example]]:
    """The rows that each example gives.

    "negatives": one, its poisoned passages hard negatives like the others. "pairs", as published: a poisoned passage
    is the positive of the query and instruction that it satisfies, in a row of its own beside the example's; what
    satisfies nothing known stays a hard negative.
    """
    for example in examples:
        if poisoned == "negatives":
            yield [example]
            continue
        satisfied = [n for n in example.negatives if n.query or n.instruction]
        plain = tuple(n for n in example.negatives if not (n.query or n.instruction))
        yield [
            replace(example, negatives=plain),
            *(Example(n.query or example.query, n.instruction or example.instruction, n.passage) for n in satisfied),
        ]


def make_columns(
    examples: Sequence[Example],
    *,
    template: str,
    hard: int = 0,
    altered: int = 0,
    poisoned: Poisoned = "negatives",
    seed: int = 0,
) -> Columns:
    """Rows of `hard` hard negatives and `altered` other instructions each; empty places have the id -1.

    The other instructions of a row are those that its own negatives satisfy or that its example has its query under
    elsewhere, then others drawn from the whole set by `seed` and the row's place. Raises BadInput where altered queries
    are asked for and the set has fewer than two instructions.
    """
    spreads = list(spread(examples, poisoned))
    rows = [row for group in spreads for row in group]
    instructions = sorted({row.instruction for row in rows if row.instruction})
    if altered and len(instructions) < 2:
        raise BadInput(
            f"found {len(instructions)} instructions in the set; the view I contrasts a query under different ones: "
            "expected 2 or more, or a loss without I, such as multi-P-IQ"
        )
    texts: dict[str, list[str]] = {name: [] for name in ("query", "passage")}
    texts |= {f"hard_{n + 1}": [] for n in range(hard)} | {f"altered_{n + 1}": [] for n in range(altered)}
    ids: list[list[int]] = []
    for place, (row, group) in enumerate((row, rows_of_one) for rows_of_one in spreads for row in rows_of_one):
        told = [write_query(row.query, row.instruction, template), row.passage]
        label = [text_id(row.query, row.instruction), text_id(row.passage)]
        negatives = list(dict.fromkeys(n.passage for n in row.negatives))[:hard]
        told += negatives + [""] * (hard - len(negatives))
        label += [text_id(passage) for passage in negatives] + [EMPTY] * (hard - len(negatives))
        others = _others(row, group, instructions, altered, random.Random(f"{seed}:{place}"))
        told += [write_query(row.query, other, template) for other in others] + [""] * (altered - len(others))
        label += [text_id(row.query, other) for other in others] + [EMPTY] * (altered - len(others))
        for column, text in zip(texts.values(), told, strict=True):
            column.append(text)
        ids.append(label)
    _log.info("%d examples, %d rows, %d instructions", len(examples), len(rows), len(instructions))
    return Columns(texts, ids, tuple(map(len, spreads)), hard, altered)


def _others(
    row: Example, group: Sequence[Example], instructions: Sequence[str], count: int, draw: random.Random
) -> list[str]:
    """Up to `count` instructions that are not the row's own: those of its poisoned negatives and of its group first."""
    if not count:
        return []
    own = [n.instruction for n in row.negatives if n.instruction and n.query in ("", row.query)]
    own += [other.instruction for other in group if other.instruction and other.query == row.query]
    found = dict.fromkeys(other for other in own if other != row.instruction)
    rest = min(len(instructions), count + len(found) + 1)
    found |= dict.fromkeys(other for other in draw.sample(instructions, rest) if other != row.instruction)
    return list(found)[:count]


class GroupedBatches:
    """Batches of places, `batch` rows each: examples shuffled by seed and epoch, an example's rows side by side.

    An example is cut in two only where it lies across the end of a batch. What is left over at the end, less than a
    batch for each of `processes`, is left out unless it is all there is. The order is a function of seed and epoch
    alone, so a run that is taken up again goes on exactly. epoch_now: says which epoch it is, where something knows
    better than the last call of `set_epoch`.
    """

    def __init__(
        self,
        groups: Sequence[int],
        batch: int,
        seed: int,
        processes: int = 1,
        epoch_now: Callable[[], int] | None = None,
    ):
        self.groups, self.batch_size, self.seed, self.processes = tuple(groups), batch, seed, processes
        self.epoch, self.epoch_now = 0, epoch_now
        self.drop_last = sum(groups) >= batch * processes  # read by whoever shares batches out among processes

    def set_epoch(self, epoch: int) -> None:
        """Which epoch's order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return max(1, sum(self.groups) // (self.batch_size * self.processes) * self.processes)

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self.epoch_now() if self.epoch_now else self.epoch
        starts = list(accumulate(self.groups, initial=0))
        order = list(range(len(self.groups)))
        random.Random(f"{self.seed}:{epoch}").shuffle(order)
        places = [starts[group] + n for group in order for n in range(self.groups[group])]
        for number in range(len(self)):
            yield places[number * self.batch_size : (number + 1) * self.batch_size]
