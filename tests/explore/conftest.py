from __future__ import annotations

from collections.abc import Iterator

import pytest

from heedful.encode import HashEncoder
from heedful.explore import Explorer
from heedful.index import Index, build_index
from heedful.records import Document, Sentence

TOPICS = {
    "reefs": "Coral reefs bleach when the sea warms and divers count the damage",
    "buses": "City buses run late and riders wait at stops without notice",
    "letters": "Old letters in archives fade and few readers know the script",
    "nurses": "Nurses write triage notes in haste at crowded hospital desks",
    "grids": "Power grids trip when a line touches a tree and crews search the fault",
    "crops": "Rust spreads through wheat fields before any farmer sees the spots",
    "bees": "Hives lose workers in winter and keepers open the lids too late",
    "tides": "Harbour gates close by tide tables that nobody has revised",
}
METHODS = {
    "kernel": "A Gaussian kernel smooths every count over space",
    "survey": "This survey reviews forty studies and sorts them by design",
    "crowd": "Volunteers label short clips and a vote settles each clip",
    "rules": "Association rules are mined from event logs and pruned by lift",
}


def documents() -> Iterator[Document]:
    for t, (topic, background) in enumerate(TOPICS.items()):
        for m, (method, how) in enumerate(METHODS.items()):
            sentences = (
                Sentence(f"{background} in case {m}.", "background"),
                Sentence(f"{how} for case {t}.", "method"),
                Sentence(f"Errors fell by {10 * t + m} percent.", "result"),
            )
            text = " ".join(sentence.text for sentence in sentences)
            metadata = {"year": 2010 + t + m, "venue": "Field & Stream", "authors": "Ada Lee; Bo Chan"}
            yield Document(f"{topic}-{method}", f"On {topic} by {method}", text, sentences, metadata)
    yield Document("reefs-again", "On reefs by kernel!", "Coral reefs bleach. A Gaussian kernel smooths.")


@pytest.fixture(scope="session")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """Eight topics under four methods, whose words alone tell topic and method."""
    folder = tmp_path_factory.mktemp("explore") / "index"
    encoder = HashEncoder(dim=128)
    build_index(documents(), folder, encoder)
    return Explorer(Index.open(folder), encoder)
