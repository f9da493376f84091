# ruff: noqa: E501
"""Years, venues and categories: what an instruction says about the collection's columns, as a filter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from heedful.errors import BadFilter

_YEAR_NAMES = ("year", "publication_year", "pub_year", "year_published", "published_year")
_DATE_NAMES = ("date", "publication_date", "published", "published_date", "pub_date", "submitted", "created")
_VENUE_NAMES = ("venue", "conference", "journal", "booktitle", "publication_venue")
_CATEGORY_NAMES = ("categories", "category", "primary_category", "subjects")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_Y = r"((?:1[6-9]|20)\d\d)"
_THE = r"(?:the\s+)?(?:years?\s+|start of\s+|beginning of\s+|end of\s+)?"
_PUB = (
    r"(?:(?:that\s+(?:were|was|are)|which\s+(?:were|was|are)|were|was|is|are|be)\s+)?(?:(?:first\s+)?(?:published|"
    r"written|released|dated|dating|date|submitted|presented|appearing|appeared|appear|printed|posted|came out|"
    r"coming out|come out)\s+)?(?:back\s+)?"
)
_GENERIC = r"(?:papers?|articles?|works?|documents?|stud(?:y|ies)|publications?|research|preprints?|literature|ones|anything|those|everything|only|just|nothing|something|from|stuff|material)"
_NO = rf"(?:not|never|nothing|no\s+{_GENERIC}|(?:exclud(?:e|ing)|without|avoid(?:ing)?|skip(?:ping)?|omit|drop|leave out|remove|ignore|filter out)\s+(?:any\s+|all\s+)?(?:{_GENERIC})?)"
_DASH = r"\s*(?:-+|to|until|till|through|and|&)\s*"

# (pattern, what it makes of the years found). Order matters: the longer readings stand first.
_RULES: tuple[tuple[str, str], ...] = (
    (rf"{_PUB}(?:either\s+)?(?:before|until|up to|earlier than|prior to)\s+{_THE}{_Y}\s*,?\s*(?:or|and)\s+(?:else\s+)?(?:published\s+)?(?:after|later than|since|from)\s+{_THE}{_Y}", "outside"),
    (rf"{_NO}\s+{_PUB}(?:before|prior to|earlier than|older than)\s+{_THE}{_Y}", ">="),
    (rf"{_NO}\s+{_PUB}(?:after|later than|newer than|more recent than|past)\s+{_THE}{_Y}", "<="),
    (rf"{_NO}\s+{_PUB}(?:since|from)\s+{_Y}\s*(?:on\b|onwards?\b|onward\b|or later\b)", "<"),
    (rf"(?:exclud(?:e|ing)|without|avoid(?:ing)?|skip|omit|drop|leave out|remove|ignore|filter out|no|not)\s+(?:any\s+|all\s+)?{_GENERIC}\s+(?:published\s+|dated\s+)?(?:in|from|of)\s+{_THE}{_Y}(?![-\w])", "<>"),
    (rf"no\s+(?:earlier|older)\s+than\s+{_THE}{_Y}", ">="),
    (rf"no\s+(?:later|newer)\s+than\s+{_THE}{_Y}", "<="),
    (rf"{_PUB}(?:not|except(?:\s+for)?|excluding|other than|but not)\s+{_PUB}(?:in|from|during)?\s*{_THE}{_Y}(?![-\w])", "<>"),
    (rf"{_PUB}(?:(?:any\s?time|somewhere)\s+)?(?:in|from|during|within|over)?\s*(?:between|in the range)\s+{_THE}{_Y}{_DASH}{_THE}{_Y}(?:\s*,?\s*(?:inclusive(?:ly)?|included))?", "range"),
    (rf"{_PUB}(?:in|from|during|of|years?|dated|within|over|:)?\s*{_THE}{_Y}\s*(?:-+|to|until|till|through|up to)\s*{_THE}{_Y}(?![-\w])", "range"),
    (rf"{_PUB}(?:in|from|during)\s+(?:either\s+)?{_Y}\s*(?:,\s*{_Y}\s*)?(?:,\s*{_Y}\s*)?,?\s*(?:or|and)\s+(?:in\s+)?{_Y}(?!s)", "in"),
    (rf"{_PUB}(?:in|on|from|during|by)\s+or\s+after\s+{_THE}{_Y}", ">="),
    (rf"{_PUB}(?:in|on|from|during)\s+or\s+before\s+{_THE}{_Y}", "<="),
    (rf"{_PUB}(?:(?:in|from|starting (?:in|from)|beginning (?:in|with)|as of|year)\s+)?{_THE}{_Y}\s*(?:\+|,?\s*(?:or|and)\s+(?:later|newer|after(?:wards?)?|more recent|onwards?|since|beyond|up|above)|on\s?wards?|and on|on(?=\s*(?:[,.;)]|$)))", ">="),
    (rf"{_PUB}(?:(?:in|from)\s+)?{_THE}{_Y}\s*,?\s*(?:or|and)\s+(?:earlier|older|before|prior)", "<="),
    (rf"{_PUB}(?:since|starting (?:in|from|with)|beginning (?:in|with|from)|as of|(?:year\s*)?>=|at least as recent as|no older than)\s*{_THE}{_Y}", ">="),
    (rf"{_PUB}(?:until|till|up to(?: and including)?|up until|through|by|(?:year\s*)?<=)\s*{_THE}{_Y}(?!s)", "<="),
    (rf"{_PUB}(?:after|later than|newer than|more recent than|past|post-?|younger than|(?:year\s*)?>)\s*{_THE}{_Y}(?!s)", ">"),
    (rf"{_PUB}(?:before|prior to|earlier than|older than|previous to|preceding|pre-?|(?:year\s*)?<)\s*{_THE}{_Y}(?!s)", "<"),
    (rf"{_PUB}(?:since|starting (?:in|from))\s+the\s+(?P<decade_since>(?:(?:1[6-9]|20)\d0|'?[5-9]0))'?s", "decade>="),
    (rf"{_PUB}(?:before|prior to|older than|pre-)\s*the\s+(?P<decade_before>(?:(?:1[6-9]|20)\d0|'?[5-9]0))'?s", "decade<"),
    (rf"{_PUB}(?:after)\s+the\s+(?P<decade_after>(?:(?:1[6-9]|20)\d0|'?[5-9]0))'?s", "decade>"),
    (rf"{_PUB}(?:in|from|of|during|within)?\s*(?:the\s+)?(?P<part>early|mid|middle|late)?[-\s]*(?:of the\s+)?(?P<decade>(?:(?:1[6-9]|20)\d0|'?[5-9]0))'?s\b", "decade"),
    (rf"{_PUB}(?:in|from|of|during|within)\s+the\s+(?P<part2>early|mid|middle|late)?[-\s]*(?P<named>fifties|sixties|seventies|eighties|nineties|noughties)", "decade"),
)  # fmt: skip
_DECADES = {"fifties": 1950, "sixties": 1960, "seventies": 1970, "eighties": 1980, "nineties": 1990, "noughties": 2000}
_LOOSE: tuple[tuple[str, str], ...] = (
    (
        rf"(?:published|written|released|dated|submitted|presented|appeared|appearing|came out|out)\s+(?:back\s+)?"
        rf"(?:in|from|during)?\s*(?:the\s+year\s+)?(?:only\s+)?{_Y}(?![-\w])",
        "=",
    ),
    (rf"(?:(?<=[,;(])|^)\s*(?:publication\s+)?(?:year|date)\s*(?:is|=|==|:|of)?\s*{_Y}(?![-\w])", "="),
)
"""Only where the words say that a publication is dated."""
_EDGE = re.compile(
    rf"(?:^|(?<=[,;(]))\s*(?:only\s+|just\s+)?(?:in|from|of|during)?\s*(?:the\s+year\s+)?{_Y}\s*(?=$|[,.;)])", re.I
)
_AFTER_NOUN = re.compile(rf"(?<=\w)\s+(?:from|of|in|during)\s+(?:the\s+year\s+)?{_Y}\s*(?=$|[,.;)!?])", re.I)
_GENERIC_YEAR = re.compile(
    rf"\b(?P<noun>{_GENERIC})\s+(?:only\s+)?(?:from|of|in|dated)\s+(?:the\s+year\s+)?{_Y}(?![-\w])", re.I
)
_RELATIVE = re.compile(
    rf"{_PUB}(?:(?:in|from|within|over|during)\s+)?(?:the\s+)?(?:last|past|previous|recent)\s+"
    r"(?:(?P<n>\d{1,2}|a|one|two|three|four|five|six|seven|eight|nine|ten|few|couple(?:\s+of)?|several)\s+)?"
    r"(?P<unit>years?|decades?)\b|"
    rf"{_PUB}(?P<this>(?:in|from|during|of)\s+(?:this|the current)\s+year|this year's|this year)\b|"
    rf"{_PUB}(?P<last>(?:in|from|during)?\s*last year(?:'s)?)\b|"
    r"(?:not|no)\s+(?:more than|older than)\s+(?P<m>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)\s+years?(?:\s+old)?\b",
    re.I,
)
_NUMBERS = dict(zip("one two three four five six seven eight nine ten".split(), range(1, 11), strict=True)) | {"a": 1}
_CENTURY = re.compile(
    rf"{_PUB}(?:in|from|of|during)\s+(?:the\s+(?P<c>1[7-9]|20|21)(?:th|st)\s+century|(?P<now>this century))", re.I
)

_COMPILED = [(re.compile(rf"(?<![\w-]){pattern}", re.I), kind) for pattern, kind in _RULES]
_PUBLISHED = [(re.compile(rf"(?<![\w-]){pattern}", re.I), kind) for pattern, kind in _LOOSE[:2]]
_ARXIV = re.compile(
    r"(?<![\w.])(?:in\s+|from\s+|under\s+|category\s+|categories\s+)*\(?((?:cs|stat|math|physics|eess|q-bio|q-fin|econ|"
    r"astro-ph|cond-mat|nlin|hep|quant)[.-](?:[A-Z]{2}|[a-z]{2}\b))(?![\w])\)?(?:\s+categor(?:y|ies))?",
)
_VENUES = frozenset(
    "acl naacl eacl emnlp coling conll tacl aacl lrec iwslt wmt semeval neurips nips icml iclr aaai ijcai uai aistats colt "
    "kdd sigir cikm wsdm ecir trec www recsys icdm cvpr iccv eccv wacv bmvc icra iros rss corl icassp interspeech "
    "chi uist cscw vldb sigmod icde pods osdi sosp nsdi sigcomm usenix ccs ndss jmlr tmlr pnas nature science cell "
    "plos jama bmj lancet ismir miccai stoc focs soda icse fse ase pldi popl oopsla cacm jacm jasist ictir ijcnlp "
    "ranlp muc hlt jair tois tkde tpami pami ijcnn ecml pkdd pakdd esann".split()
)
_PLAIN = "|".join(
    sorted(_VENUES - {"nature", "science", "cell", "chi", "www", "trec", "stoc", "fse", "ase", "ccs", "muc"})
)
_SPELT = {"neurips": "NeurIPS", "recsys": "RecSys", "interspeech": "Interspeech", "semeval": "SemEval", "corl": "CoRL"}
_VENUE = re.compile(
    r"(?<![\w-])(?P<not>not\s+|excluding\s+|except\s+|other than\s+)?(?:(?:published|presented|appeared|appearing|"
    r"accepted|that appeared|which appeared|coming out)\s+)?(?P<prep>at|in|from|venue|in venue|by)\s+(?:the\s+)?"
    r"(?P<kind>(?:venue|journal|conference|proceedings of(?: the)?)\s+)?(?P<name>"
    rf"\"[^\"]{{2,60}}\"|(?:[A-Z][A-Za-z]*[A-Z][A-Za-z]*|Nature|Science|Cell|Interspeech|[A-Z]{{2,}}|{_PLAIN})(?:\s+(?:or|and|/)\s+"
    rf"(?:[A-Z][A-Za-z]*[A-Z][A-Za-z]*|Nature|Science|Cell|Interspeech|[A-Z]{{2,}}|{_PLAIN}))*)(?:\s+(?:papers|proceedings|"
    r"conference|conferences|journal|workshop))?(?:\s+(?P<year>(?:19|20)\d\d))?(?![\w-])"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a filter may name, by role; an absent role is None. year_is_date: compare with ISO dates."""

    year: str | None = None
    year_is_date: bool = False
    year_is_text: bool = False
    venue: str | None = None
    category: str | None = None
    names: frozenset[str] = field(default_factory=frozenset)


def read_columns(columns: Mapping[str, object] | Iterable[str] | None) -> Columns:
    """Roles of the columns, by name; None (nothing known about the collection) assumes a numeric `year`."""
    if columns is None:
        return Columns(year="year", names=frozenset({"year"}))
    types = {str(k): str(v).lower() for k, v in columns.items()} if isinstance(columns, Mapping) else {}
    names = list(types) or [str(name) for name in columns]
    low = {re.sub(r"\W+", "_", name.lower()): name for name in reversed(names)}

    def first(options: Iterable[str]) -> str | None:
        return next((low[name] for name in options if name in low), None)

    year, date = first(_YEAR_NAMES), first(_DATE_NAMES)
    kind = types.get(year or date or "", "int")
    text = kind.startswith(("str", "text", "utf8", "large_", "varchar", "date", "timestamp"))
    return Columns(
        year=year or date,
        year_is_date=year is None and date is not None and (text or (kind == "int" and not types)),
        year_is_text=year is not None and text,
        venue=first(_VENUE_NAMES),
        category=first(_CATEGORY_NAMES),
        names=frozenset(names),
    )


def name(column: str) -> str:
    """A column's name as a filter may carry it."""
    if _IDENTIFIER.match(column):
        return column
    if "`" in column or "\0" in column:
        raise BadFilter(f"the column name {column!r} cannot stand in a filter; rename the column")
    return f"`{column}`"


def literal(value: str) -> str:
    """A string as a filter may carry it: quotes are doubled, control characters are dropped."""
    return "'" + "".join(c for c in value if c.isprintable()).replace("'", "''") + "'"


def take_filters(
    text: str, columns: Columns, *, narrative: bool, today: int | None
) -> tuple[str, list[str], list[str]]:
    """The text without what speaks of columns, the conditions it makes, and what could not be turned into one.

    narrative: the sentence says what a document must tell, so a bare "in 1988" dates events, not documents.
    today: the current year, for "in the last five years"; without it such words are reported back.
    """
    conditions: list[str] = []
    unclear: list[str] = []
    if any(c.isdigit() for c in text) or _hints_at_time(text):
        text = _take_years(text, columns, narrative, today, conditions, unclear)
    if columns.category:
        text = _take_categories(text, columns.category, conditions)
    if columns.venue:
        text = _take_venues(text, columns, columns.venue, conditions)
    return text, conditions, unclear


def _hints_at_time(text: str) -> bool:
    return bool(re.search(r"ties\b|year|decade|century|recent", text, re.I))


def _take_years(
    text: str, columns: Columns, narrative: bool, today: int | None, conditions: list[str], unclear: list[str]
) -> str:
    def dated(match: re.Match[str]) -> bool:
        """In a narrative only words of publishing date a document."""
        if not narrative:
            return True
        before = text[max(0, match.start() - 30) : match.start()]
        return bool(
            re.search(r"publish|written|released|dated|submitted|appear", match.group(), re.I)
            or re.search(rf"\b{_GENERIC}\s*$", before, re.I)
        )

    def keep(kind: str, match: re.Match[str]) -> str:
        if not dated(match):
            return match.group()
        condition = _year_condition(kind, match, columns)
        if condition is None:
            return match.group()
        return said(condition, match)

    def said(condition: str, match: re.Match[str]) -> str:
        if columns.year:
            conditions.append(condition)
        else:  # the collection has no years to compare with
            unclear.append(match.group().strip(" ,"))
        return " , "

    def relative(match: re.Match[str]) -> str:
        if not dated(match):
            return match.group()
        years = _years_back(match)
        if today is None or years is None or columns.year is None:
            unclear.append(match.group().strip())
        else:
            conditions.append(_compare(columns, ">=", today - years))
            if match["last"]:
                conditions.append(_compare(columns, "<=", today - 1))
        return " , "

    text = _RELATIVE.sub(relative, text)
    text = _CENTURY.sub(lambda m: keep("century", m), text)
    for pattern, kind in (*_COMPILED, *_PUBLISHED):
        text = pattern.sub(partial(keep, kind), text)

    def with_noun(match: re.Match[str]) -> str:
        return match["noun"] + said(_compare(columns, "=", int(match.group(2))), match)

    def alone(match: re.Match[str]) -> str:
        return said(_compare(columns, "=", int(match.group(1))), match)

    text = _GENERIC_YEAR.sub(with_noun, text)
    return text if narrative or len(text.split()) > 10 else _AFTER_NOUN.sub(alone, _EDGE.sub(alone, text))


def _years_back(match: re.Match[str]) -> int | None:
    if match["this"]:
        return 0
    if match["last"]:
        return 1
    count = (match["n"] or match["m"] or ("one" if match["unit"] in ("year", "decade") else "")).lower()
    number = int(count) if count.isdigit() else _NUMBERS.get(count)
    if number is None:
        return 2 if count.startswith("couple") else None
    return number * (10 if (match["unit"] or "").startswith("decade") else 1)


def _century(match: re.Match[str], columns: Columns) -> str:
    first = 2001 if match["now"] else (int(match["c"]) - 1) * 100 + 1
    return f"{_compare(columns, '>=', first)} AND {_compare(columns, '<=', first + 99)}"


def _year_condition(kind: str, match: re.Match[str], columns: Columns) -> str | None:
    groups = match.groupdict()
    if kind == "century":
        return _century(match, columns)
    if kind.startswith("decade"):
        said = next((v for k, v in groups.items() if k in ("decade", "decade_since", "decade_before", "decade_after", "named") and v), None)  # fmt: skip
        if said is None:
            return None
        first = _decade(said)
        if kind == "decade>=":
            return _compare(columns, ">=", first)
        if kind == "decade<":
            return _compare(columns, "<", first)
        if kind == "decade>":
            return _compare(columns, ">", first + 9)
        part = (groups.get("part") or groups.get("part2") or "").lower()
        low, high = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (6, 9)}.get(part, (0, 9))
        return f"{_compare(columns, '>=', first + low)} AND {_compare(columns, '<=', first + high)}"
    years = [int(g) for g in match.groups() if g and g.isdigit()]
    if kind == "outside" and years[0] < years[1]:
        return f"{_compare(columns, '<', years[0])} OR {_compare(columns, '>', years[1])}"
    if kind in ("range", "outside"):
        low, high = min(years), max(years)
        return f"{_compare(columns, '>=', low)} AND {_compare(columns, '<=', high)}"
    if kind == "in":
        if columns.year_is_date:
            return "(" + " OR ".join(f"({_compare(columns, '=', y)})" for y in sorted(set(years))) + ")"
        values = ", ".join(f"'{y}'" if columns.year_is_text else str(y) for y in sorted(set(years)))
        return f"{name(columns.year or 'year')} IN ({values})"
    return _compare(columns, kind, years[0])


def _decade(said: str) -> int:
    said = said.lower().lstrip("'")
    if said in _DECADES:
        return _DECADES[said]
    return int(said) if len(said) == 4 else 1900 + int(said)


def _compare(columns: Columns, operator: str, year: int) -> str:
    column = name(columns.year or "year")
    if not columns.year_is_date:
        return f"{column} {operator} " + (f"'{year}'" if columns.year_is_text else str(year))
    first, after = f"'{year}-01-01'", f"'{year + 1}-01-01'"
    if operator in (">=", "<"):
        return f"{column} {operator} {first}"
    if operator in (">", "<="):
        return f"{column} {'>=' if operator == '>' else '<'} {after}"
    inside = f"{column} >= {first} AND {column} < {after}"
    return inside if operator == "=" else f"NOT ({inside})"


def _take_categories(text: str, column: str, conditions: list[str]) -> str:
    found: list[str] = []
    denied: list[str] = []

    def take(match: re.Match[str]) -> str:
        before = text[max(0, match.start() - 14) : match.start()]
        (denied if re.search(r"\b(?:no|not|excluding|except|without)\s+$", before, re.I) else found).append(match[1])
        return " "

    text = _ARXIV.sub(take, text)
    column = name(column)
    if found:
        parts = [f"{column} LIKE {literal('%' + _category(c) + '%')}" for c in dict.fromkeys(found)]
        conditions.append(parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")")
        text = re.sub(r"^\s*(?:or|and)\s+|\s+(?:or|and)\s*(?=[,.]|$)", " ", text)
    conditions += [f"NOT ({column} LIKE {literal('%' + _category(c) + '%')})" for c in dict.fromkeys(denied)]
    return re.sub(r"\b(?:no|not|excluding|except|without)\s+(?:papers\b|$)", " ", text) if denied else text


def _category(said: str) -> str:
    archive, _, part = said.replace("-", ".", 0).rpartition("." if "." in said else "-")
    return f"{archive}{'.' if '.' in said else '-'}{part.upper() if '.' in said else part}"


def _take_venues(text: str, columns: Columns, column: str, conditions: list[str]) -> str:
    column = name(column)

    def take(match: re.Match[str]) -> str:
        said = match["name"].strip('"')
        names = [n.strip() for n in re.split(r"\s+(?:or|and|/)\s+", said)]
        if not match["kind"] and match["prep"] != "venue" and any(n.lower() not in _VENUES for n in names):
            return match.group()
        parts = []
        for venue in names:
            spelt = _SPELT.get(venue.lower(), venue.upper() if venue.lower() in _VENUES and venue.islower() else venue)
            pattern = "".join(c for c in spelt if c not in "%_\\")
            parts.append(
                f"({column} = {literal(pattern)} OR {column} LIKE {literal(pattern + ' %')} "
                f"OR {column} LIKE {literal('% ' + pattern + '%')})"
            )
        whole = parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"
        if match["year"] and columns.year:
            whole = f"({whole} AND {_compare(columns, '=', int(match['year']))})"
        conditions.append(f"NOT {whole}" if match["not"] else whole)
        return " , "

    return _VENUE.sub(take, text)
