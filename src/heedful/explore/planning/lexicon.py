# ruff: noqa: E501
"""The words by which people name aspects of a paper, ask for likeness or difference, and speak of documents."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Nouns that name an aspect of scientific text, in the singular; "topic", "domain" and "problem" are background.
NOUNS: dict[str, str] = {
    "background": (
        "background|topic|subject matter|subject area|subject|domain|application domain|application area|problem domain|"
        "problem statement|problem setting|problem formulation|problem area|problem|task|goal|aim|objective|purpose|"
        "motivation|rationale|research question|question|setting|context|field|research area|research field|"
        "area|discipline|theme|issue|challenge|application|use case|research problem|scenario|intent|intention|"
        "premise|introduction|research goal|prior work|need|gap|research gap|subfield|theme"
    ),
    "method": (
        "method|methodology|technique|approach|algorithm|architecture|procedure|pipeline|strategy|solution|machinery|"
        "mechanism|framework|model|means|modelling|modeling|model architecture|formalism|how-to|protocol|design|"
        "study design|system|way of working|recipe|toolkit|tooling|tool|way|manner|fashion|means|"
        "mathematical tool|proof technique|training procedure|implementation|know-how|methodological approach"
    ),
    "result": (
        "result|finding|outcome|conclusion|evaluation|number|observation|takeaway|take-away|discovery|insight|"
        "performance|performance number|effect|lesson|lesson learned|claim|implication|evidence|score|"
        "experiment|empirical finding|experimental outcome|empirical evidence|experimental evidence|result section|answer|"
        "accuracy figure|figure|experimental finding|gain|improvement|upshot|verdict|consequence|contribution"
    ),
}
# Of these, the ones that as often name a subject matter.
WEAK = (
    "model|system|tool|framework|experiment|application|number|figure|area|need|means|gain|effect|mechanism|strategy|"
    "solution|question|challenge|context|design|protocol|contribution|claim|evidence|score|answer|implementation|"
    "performance|evaluation|improvement|issue|setting|scenario|goal|gap|modelling|modeling|algorithm|architecture|"
    "theme|introduction|procedure|pipeline|recipe|way|task|insight|lesson|consequence|implication|observation|discovery"
).split("|")
# What follows a noun of those above in names of other things: "question answering", "domain adaptation".
COMPOUND = (
    "solving|solvers?|answering|adaptation|planning|checking|scheduling|learning|modelling|modeling|generation|"
    "generali[sz]ation|shift|transfer|allocation|management|classification|detection|extraction|names?|selection|"
    "compression|distillation|theory|space|engineering|decomposition|segmentation|theoretic|theories|switching|"
    "completion|randomi[sz]ation|knowledge|experts?|models?|parallelism|merging|collapse|trees?|logic|analysis"
)
# Words that may stand right before a noun without making it a part of a longer name.
FUNCTION = (
    r"the|a|an|its|their|his|her|my|our|your|this|that|these|those|and|or|but|nor|while|if|when|though|although|even|where|whose|which|what|"
    r"only|both|all|any|each|no|not|as|with|in|on|of|for|by|from|to|about|here|then|also|so|because|since|@seed's|@seed|one's|same|similar|"
    r"different|papers|paper|work|works|documents|studies|articles|ones|is|are|long|case|whether|that's|except|me|of|rather|just|say|think|me|provided|ensure|sure|report|reports|have|has|use|uses|share|shares|reach|present|show|find|get|want|whether|how|like|more|less|weight|match|if|both|neither|weigh|rank|put|value|prefer|count|keep|consider|favou?r|emphasi[sz]e|prioriti[sz]e|ignore|mind|care|leave|let|need|address|this|these|one|other|another|seed|while|please|now|cases?|overlapping"
)
# Names under which other schemes may keep the same aspects.
ALIASES: dict[str, str] = {
    "objective": "background", "topic": "background", "problem": "background", "motivation": "background",
    "methods": "method", "approach": "method", "methodology": "method", "results": "result", "findings": "result",
    "finding": "result", "outcome": "result", "conclusion": "result", "conclusions": "result",
}  # fmt: skip

# Whole phrases that name an aspect without its noun. Each may stand where a noun could.
_WHO = r"(?:they|it|the authors?|authors|@seed|this|people|someone|somebody|others?|the work|we|one|the researchers|researchers|the study|he|she|you|the team)"
_SOLVE = (
    r"(?:do|does|did|doing|done|went about|go about|goes about|approach(?:ed|es)?|solve[sd]?|tackle[sd]?|work(?:ed|s)?|"
    r"carr(?:y|ied|ies) (?:it|this|that|things|the work) out|ran|run|built|build|made|make|handle[sd]?|address(?:ed|es)?|attack(?:ed|s)?|"
    r"implement(?:ed|s)?|get there|got there|proceed(?:ed|s)?|achieve[sd]?|accomplish(?:ed|es)?|obtain(?:ed|s)?|arrive[sd]? at|"
    r"got|reach(?:ed|es)?|came up with|set up|conduct(?:ed|s)?|perform(?:ed|s)?|train(?:ed|s)?|model(?:led|ed|s)?)"
)
_REST = r"(?:\s+(?:it|this|that|things|so|the (?:problem|task|work|study|job|thing|question|experiments?|analysis|research|results?|issue|model)|their (?:\w+)|about it|there|with it))?"
_FIND = (
    r"(?:found(?: out)?|finds?(?: out)?|discover(?:ed|s)?|observe[sd]?|learn(?:ed|t|s)?|conclude[sd]?|report(?:ed|s)?|"
    r"show(?:ed|s|n)?|came out|comes out|measure[sd]?|demonstrate[sd]?|prove[dns]?|reveal(?:ed|s)?|established?|"
    r"saw|sees?|achieve[sd]?|turned out|happened|works?|worked)"
)
_AUX = r"(?:(?:have|has|had|actually|eventually|finally|ended up|end up|managed to|were able to|could|can|would|is|was|are|were|been|being|really)\s+)*"
PHRASES: dict[str, str] = {
    "background": (
        rf"what\s+(?:problem|question|task|topic|issue|goal)\s+{_WHO}\s+\w+(?:\s+(?:on|about|with|to\s+\w+))?|"
        rf"what\s+{_WHO}\s+{_AUX}(?:is|are|was|were|stud(?:y|ied|ies)|work(?:ed|s)? on|look(?:ed|s)? at|address(?:es|ed)?|tackle[sd]?|"
        rf"investigate[sd]?|try|tries|tried|trying|want(?:s|ed)?|set out|aim(?:s|ed)?|care[sd]? about)(?:\s+(?:about|at|for|to\s+(?:do|solve|achieve|answer|show|find out|address)|on))?|"
        rf"why\s+{_WHO}\s+{_AUX}(?:is|was|matters?|did|do|does|done|care[sd]?|wrote|written|important|need(?:ed|s)?|bother(?:ed)?|stud(?:y|ied|ies)|work(?:ed|s)?)(?:\s+(?:it|this|that|about it|needed|important|the work|on it))?|"
        r"what\s+(?:is|was)\s+(?:being\s+)?(?:studied|investigated|addressed|at stake)|what\s+(?:they|it)(?:'re| are|'s| is)\s+(?:about|after|trying to (?:do|solve))|"
        r"the\s+(?:thing|phenomenon|object)\s+(?:that\s+)?(?:they|it)\s+stud(?:y|ied)"
    ),
    "method": (
        rf"how\s+(?:(?:did|do|does|would|could|might)\s+)?{_WHO}\s+{_AUX}{_SOLVE}{_REST}|how\s+(?:it|this|that|things|the (?:work|study|research|problem|task|experiments?|results?|analysis))\s+(?:is|was|were|are|has been|have been|got)\s+"
        r"(?:done|solved|made|carried out|approached|tackled|built|handled|implemented|addressed|attacked|obtained|achieved|conducted|performed|run)|"
        rf"the\s+(?:way|manner)\s+(?:in\s+which\s+|that\s+)?{_WHO}\s+{_AUX}{_SOLVE}{_REST}|how\s+to\s+(?:do|solve|approach|tackle)\s+it|"
        rf"what\s+{_WHO}\s+{_AUX}(?:do|does|did|use[sd]?|propose[sd]?|buil[td]s?|built)(?!\s+(?:find|show|conclude|discover|learn|observe|study|report))|how\s+it(?:'s| is| was)\s+done|the\s+how"
    ),
    "result": (
        rf"(?:what|how much|which things)\s+(?:(?:was|were|is|has been)\s+)?(?:{_WHO}\s+)?{_AUX}{_FIND}(?:\s+(?:out|empirically))?|"
        rf"how\s+(?:well|good|accurate|effective|badly|poorly|far)\s+(?:{_WHO}|the (?:method|model|system|approach|results?)|its? \w+)?\s*(?:does|do|did|is|are|was|were|works?|worked|perform(?:s|ed)?|did it|it is)*(?:\s+(?:work|perform|do))?|"
        rf"what\s+(?:did|do|does)\s+{_WHO}\s+(?:find|show|conclude|discover|learn|observe|report)(?:\s+out)?|where\s+{_WHO}\s+ended up|the\s+what"
    ),
}
# Adjectives and adverbs built from an aspect: "methodologically close", "topical overlap".
DERIVED: dict[str, str] = {
    "background": r"topical(?:ly)?|topic-wise|thematic(?:ally)?|domain-wise|problem-wise|task-wise|motivation-wise|motivational(?:ly)?|subject-wise|contextual(?:ly)?|conceptual(?:ly)?",
    "method": r"methodological(?:ly)?|method-wise|methodwise|technical(?:ly)?|algorithmic(?:ally)?|technique-wise|architectural(?:ly)?|procedural(?:ly)?|approach-wise|methodology-wise",
    "result": r"empirical(?:ly)?|result-wise|results-wise|findings?-wise|experimental(?:ly)?|outcome-wise",
}
# Participles whose adverb asks for likeness: "similarly motivated", "differently solved".
PARTICIPLES: dict[str, str] = {
    "background": r"motivated|themed|scoped|purposed|oriented",
    "method": r"solved|approached|tackled|designed|built|implemented|handled|addressed|constructed|trained|modelled|modeled|done|carried out",
    "result": r"performing|evaluated|concluding|ending",
}

MODIFIERS = (
    r"general|overall|main|core|underlying|experimental|research|empirical|technical|key|central|basic|scientific|"
    r"reported|proposed|actual|specific|particular|exact|broad|broader|original|computational|principal|final|concrete|"
    r"primary|fundamental|statistical|quantitative|qualitative|numerical|methodological|very|practical|theoretical|essential|"
    r"high-level|used|chosen|adopted|applied|employed|stated|paper's|published|kind of|kinds of|sort of|type of|types of|style of|line of|set of|family of|class of"
)
DETERMINERS = (
    r"the|a|an|its|their|his|her|my|our|your|this|that|these|those|such|any|all|some|every|each|whose|@seed's|@seed|both|"
    r"what|which|whatever|whichever|one's|of the"
)
SIMILAR = (
    r"similar|same|alike|comparable|matching|analogous|equivalent|identical|related|shared|close|closest|like|akin|common|"
    r"near-identical|corresponding|kindred|overlapping|resembling|parallel|consistent|compatible|equal|the like"
)
DIFFERENT = (
    r"different|differing|other|another|dissimilar|distinct|new|alternative|contrasting|contrary|opposing|opposite|"
    r"conflicting|divergent|contradictory|contradicting|diverging|unrelated|unlike|varying|novel|incompatible|disparate|"
    r"separate|competing|disagreeing|far from|reverse|else"
)
DOCUMENTS = (
    r"papers?|articles?|works?|documents?|docs?|stud(?:y|ies)|publications?|literature|research|items?|passages?|"
    r"abstracts?|ones|hits?|preprints?|manuscripts?|references?|reports?|those|stuff|materials?|things?|"
    r"anything|something|everything|nothing|results?(?=\s+(?:that|which|from|published|about|should))|pieces?|entries|"
    r"related work|sources?|investigations?|candidates?"
)


def either(options: Iterable[str]) -> str:
    """One alternation, longer options first, so that "problem setting" is not read as "problem"."""
    return "|".join(sorted(dict.fromkeys(o for o in options if o), key=lambda o: (-len(o), o)))


def noun_pattern(nouns: Iterable[str]) -> str:
    """Nouns with their plurals; a space in a noun also matches a hyphen."""
    patterns = []
    for noun in nouns:
        body = re.escape(noun).replace(r"\ ", r"[\s-]+").replace(" ", r"[\s-]+")
        if noun.endswith("y") and noun[-2:-1] not in "aeiou":
            body = body[:-1] + "(?:y|ies)"
        elif noun.endswith(("s", "ch", "sh", "x")):
            body += "(?:es)?"
        else:
            body += "s?"
        patterns.append(body)
    return either(patterns)
