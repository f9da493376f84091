"""Which aspect a few words name, for any aspect scheme."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from heedful.explore.planning import lexicon

if TYPE_CHECKING:
    from heedful.seams import DocumentEncoder

_STOP = frozenset(
    "the a an of and or to in on for with that this what which is are was were it its how why who whom their they "
    "from by as at about into than then such be been being has have had not no any all other some more most part "
    "parts described describes describe paper papers text document documents sentence sentences author authors "
    "used uses using use based given made makes make does do did can may where when also very one each".split()
)


_ASKING = re.compile(r"\b(?:how|what|why|way|manner|where|thing|phenomenon|object)\b", re.I)


class AspectWords:
    """The words that name a scheme's aspects: the regular expression `noun` and, for a match, which aspect it is."""

    def __init__(self, names: tuple[str, ...], definitions: Mapping[str, str]):
        self.names = names
        nouns: dict[str, str] = {}  # singular noun -> aspect; names themselves win over synonyms
        phrases: list[tuple[str, str]] = []
        self.derived: dict[str, str] = {}
        self.participles: dict[str, str] = {}
        known = {name: lexicon.ALIASES.get(name.lower(), name.lower()) for name in names}
        for name in names:
            plain = re.sub(r"[-_\s]+", " ", name.lower()).strip()
            nouns[plain] = name
            if plain.endswith("s") and not plain.endswith("ss"):
                nouns.setdefault(plain[:-1], name)
        for name in names:
            kind = known[name]
            if kind in lexicon.NOUNS:
                for noun in lexicon.NOUNS[kind].split("|"):
                    nouns.setdefault(noun, name)
                phrases.append((lexicon.PHRASES[kind], name))
                self.derived.setdefault(lexicon.DERIVED[kind], name)
                self.participles.setdefault(lexicon.PARTICIPLES[kind], name)
        for name in names:  # "occasion" for "dining_occasion"
            nouns.setdefault(re.sub(r".*[-_\s]", "", name.lower()), name)
        self.loose = {w: a for w, a in _from_definitions(names, definitions, known).items() if w not in nouns}
        nouns |= self.loose
        self._nouns = nouns
        self._patterns = [(re.compile(lexicon.noun_pattern([n]) + r"\Z", re.I), a) for n, a in nouns.items()]
        self.noun = rf"(?:{lexicon.noun_pattern(nouns)})" if nouns else r"(?!)"
        self.phrases = tuple((re.compile(rf"(?<![\w-])(?:{p})(?![\w-])", re.I), name) for p, name in phrases)

    def mark(self, text: str) -> str:
        """The text with phrases like "how they did it" as @a0, @a1, ...: the number of the aspect they name."""
        for pattern, name in self.phrases if _ASKING.search(text) else ():
            text = pattern.sub(f"@a{self.names.index(name)}", text)
        return text

    @lru_cache(maxsize=1024)  # noqa: B019 (instances are few and live as long as the process)
    def of(self, noun: str) -> str | None:
        """The aspect that a noun names, or None."""
        noun = re.sub(r"\s+", " ", noun.strip().lower())
        token = re.fullmatch(r"@a(\d+)", noun)
        if token:
            return self.names[int(token[1])]
        plain = noun.replace("-", " ")
        if plain in self._nouns:
            return self._nouns[plain]
        return next((aspect for pattern, aspect in self._patterns if pattern.match(noun)), None)

    def all_in(self, text: str) -> tuple[str, ...]:
        """Every aspect named in a list of nouns ("method and findings"), in order, each once."""
        found = (self.of(m.group()) for m in re.finditer(rf"(?<![\w-])(?:{self.noun}|@a\d+)(?![\w-])", text, re.I))
        return tuple(dict.fromkeys(a for a in found if a))


def _from_definitions(names: Sequence[str], definitions: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Words of one aspect's definition that occur in no other's; aspects with a word list of their own have none."""
    words: dict[str, set[str]] = {}
    for name in names:
        text = definitions.get(name, "").lower()
        words[name] = {w for w in re.findall(r"[a-z][a-z-]{3,}", text) if w not in _STOP}
    found: dict[str, str] = {}
    for name in names:
        if known[name] in lexicon.NOUNS:
            continue
        others = set().union(*(words[n] for n in names if n != name)) if len(names) > 1 else set()
        for word in sorted(words[name] - others):
            singular = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
            found.setdefault(singular, name)
    return found


_CACHE: dict[tuple[Any, ...], AspectWords] = {}


def aspect_words(scheme: Any) -> AspectWords:
    """The words of a scheme's aspects, built once a scheme."""
    definitions = dict(getattr(scheme, "definitions", None) or {})
    key = (tuple(scheme.names), tuple(sorted(definitions.items())))
    if key not in _CACHE:
        if len(_CACHE) > 32:
            _CACHE.clear()
        _CACHE[key] = AspectWords(tuple(scheme.names), definitions)
    return _CACHE[key]


def nearest_aspect(words: str, scheme: Any, encoder: DocumentEncoder, *, least: float = 0.45) -> str | None:
    """The aspect whose definition (or an example) is most like the words; None below `least` (cosine) or on a tie."""
    definitions = dict(getattr(scheme, "definitions", None) or {})
    examples = dict(getattr(scheme, "examples", None) or {})
    texts: list[str] = []
    owners: list[str] = []
    for name in scheme.names:
        for text in (name.replace("_", " "), definitions.get(name, ""), *examples.get(name, ())):
            if text:
                texts.append(text)
                owners.append(name)
    if not texts:
        return None
    vectors = encoder.encode_queries([words, *texts])
    scores = vectors[1:] @ vectors[0]
    best: dict[str, float] = {}
    for owner, score in zip(owners, scores.tolist(), strict=True):
        best[owner] = max(score, best.get(owner, -1.0))
    order = sorted(best.items(), key=lambda pair: -pair[1])
    if order[0][1] < least or (len(order) > 1 and order[0][1] - order[1][1] < 1e-6):
        return None
    return order[0][0]
