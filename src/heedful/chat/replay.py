"""Record what was asked and answered as readable lines; answer later from the record alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from heedful.chat.values import Answer, AskingModel, Parameters, Request, key_of
from heedful.errors import BadRecord, Missing


class Recorder:
    """Passes requests on and appends each with its answer to a JSON-lines file; failures are not recorded."""

    def __init__(self, chat: AskingModel, path: Path):
        self._chat, self._path = chat, Path(path)

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """As the model behind it."""
        answers = self._chat.ask(requests)
        with self._path.open("a", encoding="utf-8") as lines:
            for request, answer in zip(requests, answers, strict=True):
                if not answer.failure:
                    row = {"request": asdict(request), "answer": asdict(answer)}
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        return answers


class Replay:
    """Answers from a recording; a request that is not in it raises Missing. Nothing is sent anywhere."""

    def __init__(self, path: Path):
        self._path, self._answers = Path(path), dict[str, Answer]()
        for number, line in enumerate(self._path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                request = Request(**row["request"] | {"labels": tuple(row["request"]["labels"])})
                fields = row["answer"]
                if fields["probabilities"] is not None:
                    fields["probabilities"] = tuple(fields["probabilities"])
                self._answers[key_of("", Parameters(), request)] = Answer(**fields | {"cached": True, "cost": 0.0})
            except (ValueError, KeyError, TypeError) as error:
                raise BadRecord(path, number, f"{error!r}", "a recorded request with its answer") from error

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """The recorded answers."""
        missing = [r for r in requests if key_of("", Parameters(), r) not in self._answers]
        if missing:
            raise Missing(f"{self._path}: {len(missing)} of {len(requests)} requests were never recorded; record again")
        return [self._answers[key_of("", Parameters(), r)] for r in requests]
