"""mteb's prediction files, and the topic ids by which it tells an original instruction from a changed one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from heedful.errors import BadInput
from heedful.records import Hit, Run, ranked

META = "mteb_model_meta"
SUFFIXES = ("-og", "-changed")
T = TypeVar("T")


def read_predictions(path: Path | str, subset: str = "", split: str = "") -> Run:
    """The run in a prediction file of mteb (`TASK_predictions.json`): subset -> split -> topic -> document -> score.

    subset, split: which one, where the file holds several. Raises BadInput, with the place inside the file, for
    anything that is no such file, a score that is no finite number and an empty one.
    """
    path = Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{path}: found no JSON ({error}); expected a prediction file of mteb") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path}: found {type(found).__name__}; expected subset, split, topic, document, score")
    meta = found.pop(META, None)
    tag = str(meta.get("model_name") or "") if isinstance(meta, dict) else ""
    splits = _one(path, "subset", found, subset)
    topics = _one(path, "split", splits, split)
    run: dict[str, list[Hit]] = {}
    for topic, scores in topics.items():
        if not isinstance(scores, dict):
            raise BadInput(f"{path}: topic {topic!r} holds {type(scores).__name__}; expected document ids with scores")
        for id, score in scores.items():
            if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
                raise BadInput(f"{path}: topic {topic!r} gives {id!r} the score {score!r}; expected a finite number")
        run[topic] = ranked(scores)
    if not any(run.values()):
        raise BadInput(f"{path}: found no ranked document; expected a prediction file of mteb")
    return Run(run, tag)


def of_side(topics: Mapping[str, T], side: Literal["og", "changed"], where: object) -> dict[str, T]:
    """The topics of one side under the ids that both sides share.

    Where every id ends in mteb's `-og` or `-changed`, those of the side, without the ending; else all as they are.
    Raises BadInput where every id has such an ending and none is of this side. where: the file, for the message.
    """
    if not topics or not all(id.endswith(SUFFIXES) for id in topics):
        return dict(topics)
    kept = {id.removesuffix(f"-{side}"): value for id, value in topics.items() if id.endswith(f"-{side}")}
    if not kept:
        other = "changed" if side == "og" else "og"
        raise BadInput(f"{where}: found only topics that end in -{other}; expected some that end in -{side}")
    return kept


def _one(path: Path, what: str, found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict) or not found:
        raise BadInput(f"{path}: found no {what} with predictions; expected a prediction file of mteb")
    if not name and len(found) > 1:
        raise BadInput(f"{path}: holds the {what}s {', '.join(sorted(found))}; expected one, or to be told which")
    name = name or next(iter(found))
    if name not in found:
        raise BadInput(f"{path}: lacks the {what} {name!r}; it holds {', '.join(sorted(found))}")
    if not isinstance(found[name], dict):
        raise BadInput(
            f"{path}: {what} {name!r} holds {type(found[name]).__name__}; expected a retrieval task's topics"
        )
    chosen: dict[str, Any] = found[name]
    return chosen
