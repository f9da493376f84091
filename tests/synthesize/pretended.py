"""Corpora, makers and jobs around the two models that are none."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heedful.chat import Answer, Price, Request, ScriptedChat
from heedful.synthesize import pretend
from heedful.synthesize.asking import Model
from heedful.synthesize.assembling import Assembly
from heedful.synthesize.candidates import Neighbours, NoNeighbours
from heedful.synthesize.parquet import read_triplets, to_row
from heedful.synthesize.pipeline import Job, recipe_of
from heedful.synthesize.prompting import load_prompts
from heedful.synthesize.rows import Passage
from heedful.synthesize.stages import Maker

WORDS = (
    "river mountain weather harbour engine voyage garden market village winter summer bridge forest island letter "
    "window kitchen painter teacher doctor farmer sailor silver copper timber cotton barley orchard valley meadow"
).split()
TOPICS = "graph language image training network learning reasoning evaluation retrieval policy speech security".split()


def passage(number: int) -> Passage:
    draw = random.Random(number)
    words = draw.sample(WORDS, 14) + draw.sample(TOPICS, 4)
    draw.shuffle(words)
    text = f"We report on {' '.join(words[:6])}. It has {' '.join(words[6:12])}. There are {' '.join(words[12:])} too."
    return Passage(f"p{number:03}", text, f"Notes {number}")


def corpus(path: Path, count: int = 20) -> Path:
    rows = [{"_id": p.id, "title": p.title, "text": p.text} for p in map(passage, range(count))]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def said(garbage: float = 0.0, wrong: float = 0.0) -> Callable[[Request], Answer]:
    """What the pretended models say to a request."""

    def answer(request: Request) -> Answer:
        text = pretend.answer(request.shape, request.prompt, garbage=garbage, wrong=wrong)
        return Answer(text, prompt_tokens=100, completion_tokens=10)

    return answer


def maker(
    say: Callable[[Request], Any] | None = None,
    *,
    validator: Callable[[Request], Any] | None = None,
    neighbours: Neighbours | None = None,
    **options: Any,
) -> Maker:
    say = say or said()
    models = [
        Model("gen", ScriptedChat(say), Price(1.0, 1.0)),
        Model("val", ScriptedChat(validator or say), Price(2.0, 2.0)),
    ]
    return Maker(models[0], models[1], load_prompts(), neighbours or NoNeighbours(), **options)


def job(source: Path, out: Path, made: Maker, *, assembly: Assembly | None = None, **options: Any) -> Job:
    assembly = assembly or Assembly(dev=0.0, models=("gen", "val"))
    return Job(source=source, out=out, maker=made, recipe=recipe_of(made, assembly), assembly=assembly, **options)


def rows(folder: Path) -> list[str]:
    """All rows of a set as sorted JSON lines."""
    return sorted(json.dumps(to_row(row), sort_keys=True) for row in read_triplets(folder))
