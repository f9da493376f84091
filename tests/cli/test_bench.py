"""bench, evaluate, follow and systems on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.folders import aspects, paired

from heedful.cli.main import main
from heedful.evaluate.trec import write_run
from heedful.records import Run, ranked

__all__ = ["aspects", "paired"]


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str):
    assert main([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    for name, order in (("og", {"q1": "ab", "q2": "cd"}), ("changed", {"q1": "ba", "q2": "dc"})):
        topics = {t: ranked({id: float(9 - i) for i, id in enumerate(ids)}) for t, ids in order.items()}
        write_run(Run(topics, name), tmp_path / f"{name}.run")
    return str(tmp_path / "og.run"), str(tmp_path / "changed.run")


def test_bench_prints_json_alone_on_stdout(aspects: Path, capsys):
    report = run_json(capsys, "bench", str(aspects), "--system", "oracle", "--system", "random(seed=1)", "-m", "RR")
    assert list(report["systems"]) == ["oracle", "random(seed=1)"]
    assert report["systems"]["oracle"]["all"]["measures"]["RR"]["all"] == 1.0


def test_bench_prints_a_table_that_names_its_convention(aspects: Path, paired: Path, capsys):
    assert main(["bench", str(aspects), "--system", "oracle", "--system", "random"]) == 0
    text = capsys.readouterr().out
    assert "ranks 1 and 2 undiscounted" in text and "verdict" in text and "by aspect" in text
    assert main(["bench", str(paired), "--system", "oracle"]) == 0
    assert "oracle changed" in capsys.readouterr().out


def test_a_run_given_by_name_is_measured(paired: Path, runs, tmp_path: Path, capsys):
    topics = {}
    for side, path in zip(("og", "changed"), runs, strict=True):
        for line in Path(path).read_text().splitlines():
            topic, rest = line.split(" ", 1)
            topics.setdefault(side, []).append(f"{topic}-{side} {rest}\n")
    folder = tmp_path / "mine"
    folder.mkdir()
    for side, lines in topics.items():
        (folder / f"{side}.run").write_text("".join(lines))
    report = run_json(capsys, "bench", str(paired), "--run", f"mine={folder}", "-m", "RR")
    split = report["systems"]["mine"]["all"]
    assert split["measures"]["RR"] == {"og": 1.0, "changed": 1.0}
    assert split["following"]["paired accuracy"] == 1.0


def test_follow_reports_p_mrr_and_both_sides(paired: Path, runs, capsys):
    qrels = [str(paired / "qrels_og.tsv"), str(paired / "qrels_changed.tsv")]
    found = run_json(capsys, "follow", *runs, *qrels)
    assert {"p-MRR", "net", "low", "high", "null", "ceiling", "topics", "documents", "per_topic"} <= found.keys()
    assert found["p-MRR"] == 50.0 == found["ceiling"]
    assert found["per_topic"] == {"q1": 50.0, "q2": 50.0}
    assert found["measures"] == {"nDCG@20": {"og": 1.0, "changed": 1.0}}
    assert main(["follow", *runs, *qrels]) == 0
    assert "p-MRR    +50.0" in capsys.readouterr().out


def test_evaluate_reports_means_and_topics(paired: Path, runs, capsys):
    found = run_json(capsys, "evaluate", runs[0], str(paired / "qrels_changed.tsv"), "-m", "RR")
    assert found["measures"] == {"RR": 0.5}
    assert found["per_topic"]["RR"] == {"q1": 0.5, "q2": 0.5}
    assert main(["evaluate", runs[0], str(paired / "qrels_og.tsv"), "--convention", "csfcube"]) == 0
    assert "convention csfcube" in capsys.readouterr().out


def test_systems_are_listed(capsys):
    assert {"random", "oracle", "minilm"} <= {row["name"] for row in run_json(capsys, "systems")}
    assert main(["systems"]) == 0
    assert "minilm(instruction=none)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["bench", "ASPECTS"], "nothing to measure"),
        (["bench", "ASPECTS", "--system", "randon"], "did you mean random"),
        (["bench", "ASPECTS", "--system", "random(sed=1)"], "random has seed"),
        (["bench", "ASPECTS", "--system", "random", "-m", "nDGC"], "unknown measure 'nDGC'"),
        (["bench", "ASPECTS", "--system", "random", "--pool", "all"], "--pool"),
        (["bench", "ASPECTS", "--system", "random", "--convention", "x"], "--convention"),
        (["bench", "ASPECTS", "--system", "random", "--variant", "x"], "--variant"),
        (["bench", "ASPECTS", "--run", "mine"], "expected NAME=PATH"),
        (["bench", "ASPECTS", "--run", "mine=OG"], "lacks 2 of the 2 judged topics"),
        (["evaluate", "OG", "QRELS", "-m", "P"], "needs a cutoff"),
        (["evaluate", "OG", "QRELS", "--convention", "x"], "--convention"),
        (["evaluate", "OG", "ASPECTS/qrels.tsv"], "the run lacks 2 of 2 topics"),
        (["evaluate", "QRELS", "QRELS"], "qrels_og.tsv:1: found"),
        (["evaluate", "OG", "OG"], "og.run:1: found"),
        (["evaluate", "EMPTY", "QRELS"], "empty"),
        (["follow", "OG", "ONE", "QRELS", "CHANGED"], r"one.run: lacks 1 of 2 topics (q2)"),
        (["follow", "OG", "OG", "QRELS", "ASPECTS/qrels.tsv"], "are no pair"),
        (["follow", "OG", "OG", "QRELS", "QRELS"], "nothing to average"),
    ],
)
def test_bad_input_ends_with_2_and_says_where(arguments, what, aspects: Path, paired: Path, runs, tmp_path, capsys):
    (tmp_path / "empty.run").write_text("")
    (tmp_path / "one.run").write_text("q1 Q0 a 1 1 x\n")
    names = {
        "ASPECTS": str(aspects),
        "NOWHERE": str(tmp_path / "nowhere"),
        "OG": runs[0],
        "ONE": str(tmp_path / "one.run"),
        "EMPTY": str(tmp_path / "empty.run"),
        "QRELS": str(paired / "qrels_og.tsv"),
        "CHANGED": str(paired / "qrels_changed.tsv"),
    }
    for name, path in names.items():
        arguments = [a.replace(name, path) if a.startswith((name, f"mine={name}")) else a for a in arguments]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert what in printed.err and not printed.out and "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["bench", "NOWHERE", "--system", "random"], "no such folder"),
        (["bench", "ASPECTS", "--run", "mine=NOWHERE"], "no such file"),
        (["evaluate", "NOWHERE", "OG"], "no such file"),
        (["evaluate", "OG", "NOWHERE"], "no such file"),
    ],
)
def test_a_file_that_is_not_there_ends_with_3(arguments, what, aspects: Path, runs, tmp_path: Path, capsys):
    names = {"ASPECTS": str(aspects), "NOWHERE": str(tmp_path / "nowhere"), "OG": runs[0]}
    for name, path in names.items():
        arguments = [a.replace(name, path) for a in arguments]
    assert main(arguments) == 3
    printed = capsys.readouterr()
    assert what in printed.err and not printed.out


def test_topics_that_are_missing_may_be_skipped_or_counted_as_nought(paired: Path, tmp_path: Path, capsys):
    (tmp_path / "one.run").write_text("q1 Q0 a 1 1 x\nother Q0 a 1 1 x\n")
    files = [str(tmp_path / "one.run"), str(paired / "qrels_og.tsv"), "-m", "RR"]
    assert main(["evaluate", *files]) == 2
    assert run_json(capsys, "evaluate", *files, "--missing", "skip")["measures"] == {"RR": 1.0}
    assert run_json(capsys, "evaluate", *files, "--missing", "zero")["measures"] == {"RR": 0.5}
