"""Measures of run files: what `heedful evaluate` and `heedful follow` report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from heedful.errors import BadInput
from heedful.evaluate.following import p_mrr
from heedful.evaluate.measures import CONVENTIONS, DEFAULT_MEASURES, Convention, Measure, mean, score_topics
from heedful.evaluate.predictions import of_side
from heedful.evaluate.trec import read_qrels, read_run
from heedful.records import Qrels, Run

logger = logging.getLogger("heedful.evaluate")


def evaluate_files(
    run: Path, qrels: Path, measures: Sequence[Measure] = (), convention: str = "trec", missing: str = "error"
) -> dict[str, Any]:
    """Means and per-topic values of a run file, JSON-ready.

    missing: what to do with topics that only one of the files has: "error"; "zero" gives 0 to a topic that the run
    lacks; "skip" leaves it out (a topic without judgments is left out by both). Raises BadInput.
    """
    if convention not in CONVENTIONS:
        raise BadInput(f"--convention: found {convention!r}; expected one of {', '.join(CONVENTIONS)}")
    if missing not in ("error", "zero", "skip"):
        raise BadInput(f"--missing: found {missing!r}; expected error, zero or skip")
    named: Convention = convention
    measures = tuple(measures) or DEFAULT_MEASURES[named]
    ranked, judged = read_run(run), read_qrels(qrels)
    judged = shared_topics(run, ranked, qrels, judged, missing)
    values = score_topics(ranked, judged, measures, named)
    return {
        "convention": convention,
        "topics": len(judged.topics),
        "measures": {str(m): mean(values[m]) for m in measures},
        "per_topic": {str(m): values[m] for m in measures},
    }


def shared_topics(run_path: Path, run: Run, qrels_path: Path, qrels: Qrels, missing: str = "error") -> Qrels:
    """The qrels to evaluate on. Raises BadInput for topics that only one side has, unless told what to do with them."""
    lacking = [topic for topic in qrels.topics if topic not in run.topics]
    unjudged = [topic for topic in run.topics if topic not in qrels.topics]
    for path, names, what in ((run_path, lacking, "the run lacks"), (qrels_path, unjudged, "the qrels lack")):
        if not names:
            continue
        of = len(qrels.topics) if names is lacking else len(run.topics)
        said = f"{path}: {what} {len(names)} of {of} topics ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
        if missing == "error":
            raise BadInput(f"{said}; expected the same topics in run and qrels, or --missing zero or skip")
        logger.warning("%s", said)
    keep = {t: g for t, g in qrels.topics.items() if t in run.topics or missing == "zero"}
    if not keep.keys() & run.topics.keys():
        raise BadInput(f"{run_path} and {qrels_path} share no topic; expected a run over judged topics")
    return Qrels(keep)


def follow_files(
    og_run: Path,
    changed_run: Path,
    og_qrels: Path,
    changed_qrels: Path,
    measures: Sequence[Measure],
    relevant_from: int = 1,
) -> dict[str, Any]:
    """p-MRR and what stands beside it, from four files, JSON-ready.

    Topic ids may carry mteb's endings `-og` and `-changed`; one file may then be both runs, or both qrels. Raises
    BadInput for files that are no pair.
    """
    before, after = read_run(og_run), read_run(changed_run)
    before = replace(before, topics=of_side(before.topics, "og", og_run))
    after = replace(after, topics=of_side(after.topics, "changed", changed_run))
    first = Qrels(of_side(read_qrels(og_qrels).topics, "og", og_qrels))
    second = Qrels(of_side(read_qrels(changed_qrels).topics, "changed", changed_qrels))
    if first.topics.keys() != second.topics.keys():
        only = sorted(first.topics.keys() ^ second.topics.keys())
        raise BadInput(
            f"{og_qrels} and {changed_qrels} are no pair: {len(only)} topics are in one of them only "
            f"({', '.join(only[:5])}); expected the same topics in both"
        )
    for path, run in ((og_run, before), (changed_run, after)):
        lacking = [topic for topic in first.topics if topic not in run.topics]
        if lacking:
            raise BadInput(
                f"{path}: lacks {len(lacking)} of {len(first.topics)} topics ({', '.join(lacking[:5])}); "
                "expected a ranking for each"
            )
    found = p_mrr(before, after, first, second, relevant_from=relevant_from)
    sides = [
        score_topics(
            replace(run, topics={t: run.topics[t] for t in qrels.topics}), qrels, measures, "trec", relevant_from
        )
        for run, qrels in ((before, first), (after, second))
    ]
    return {
        **found.as_dict("p-MRR", "topics"),
        "per_topic": dict(found.per_topic),
        "measures": {str(m): {"og": mean(sides[0][m]), "changed": mean(sides[1][m])} for m in measures},
    }
