"""What a server is told when it starts, and the limits that every request meets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

KEY = "HEEDFUL_API_KEY"
"""The environment variable with the key that callers must show."""

MOST_K = 200
MOST_SEEDS = 20
MOST_AVOID = 20
MOST_CLAUSES = 50
MOST_INSTRUCTIONS = 8
MOST_EXPORTED = 500
MOST_LISTED = 50
MOST_RERANKED = 200
LONGEST_RERANKED = 400_000
LONGEST_ID = 500
LONGEST_INSTRUCTION = 4_000
LONGEST_TEXT = 50_000
LONGEST_FILTER = 2_000
LONGEST_QUERY = 300

RERANKERS = ("align(by=ot)", "align(by=maxsim)")
"""What may reorder candidates unless the server is told otherwise: nothing that downloads, pays or reads a path."""


def usual_concurrency() -> int:
    """As many answers at once as there are cores, at least two."""
    return max(2, os.cpu_count() or 2)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one server behaves.

    api_key: what callers must show; None asks for nothing. hosts: the Host headers that are answered; empty: any.
    body: the largest request body, bytes. concurrent: answers computed at once; queue: requests that may wait for
    their turn, at most patience seconds; more are turned away with 503. rerankers: the systems that a request may
    name. watch: seconds between looks at the index's manifest; 0: never. threads: of torch, for each answer.
    log_texts: whether logs may hold what people typed.
    """

    api_key: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    body: int = 1 << 20
    concurrent: int = field(default_factory=usual_concurrency)
    queue: int = 64
    patience: float = 30.0
    rerankers: tuple[str, ...] = RERANKERS
    watch: float = 1.0
    threads: int = 1
    log_texts: bool = False
