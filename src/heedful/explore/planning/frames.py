# ruff: noqa: E501
"""Aspect frames: the few constructions in which people ask for likeness, difference or indifference in an aspect.

"similar method", "the topic may differ", "match on the findings", "regardless of the domain", "how they did it".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from heedful.explore.planning import lexicon
from heedful.explore.planning.aspects import AspectWords

LIKE, IGNORE, UNLIKE, NOT_SAME = 1.0, 0.0, -1.0, -0.5

_DEGREE = (
    r"very|quite|highly|roughly|broadly|closely|fairly|rather|somewhat|completely|totally|entirely|wholly|radically|"
    r"largely|nearly|almost|really|truly|strongly|directly|more or less|exactly|precisely|fundamentally|essentially|"
    r"slightly|clearly|markedly|vaguely|much|more|most|as|too|equally|just|some|still|basically"
)
_BE = (
    r"(?:(?:that|which|is|are|was|were|be|being|been|should|must|may|might|can|could|will|would|has|have|having|ought|to|"
    r"need|needs|do|does|did|not|never|also|still|both|all|only|perfectly|necessarily|look|looks|looked|seem|seems|seemed|sound|sounds|feel|feels|appear|appears|remain|"
    r"remains|stay|stays|come|comes|go|the|a|an|in|of|at all|here|either|then|always|shall|itself|themselves|simply|"
    rf"allowed|free|really|actually|well|even|required|supposed|likely|going|{_DEGREE})\s+)*"
)
_PERMIT = re.compile(
    r"\b(?:may|might|can|could|need not|needs? not|not need|not have to|not has to|not necessarily|allowed|free to|"
    r"not required|even|no need|either way|does not have|do not have|not be required)\b"
)
_VERY_NOT = re.compile(r"\b(?:not|never|no|without|nor|neither|cannot|hardly|rarely|none)\b")
_CAN_NOT = re.compile(r"\b(?:can|could|may|might|must)\s+not\b")

_SIM_ADJ = (
    r"like-minded|similar|same|comparable|analogous|equivalent|identical|related|near-identical|corresponding|kindred|closest|"
    r"consistent|compatible|nearby|neighbou?ring|close|resembling|alike|overlapping|the like|equal"
)
_DIF_ADJ = (
    r"different|differing|other|another|dissimilar|distinct|alternative|contrasting|contrary|opposing|opposite|"
    r"conflicting|divergent|contradictory|contradicting|unrelated|unlike|disparate|competing|disagreeing|unfamiliar"
)
_SIM_PRED = (
    rf"{_SIM_ADJ}|alike|close|matching|parallel|shared|like|akin|in common|in line|match(?:es|ed)?|agree[sd]?|"
    r"agreeing|resembles?|overlaps?|coincides?|aligns?|aligned|mirrors?|echo(?:es)?|corresponds?|confirms?|supports?|corroborates?|"
    r"kept|fixed|constant|preserved|the one|unchanged|replicates?|reproduces?|consistent|backs? up|in agreement|in harmony|tall(?:y|ies)|carry over|carries over|fit|fits"
)
_DIF_PRED = (
    rf"{_DIF_ADJ}|differs?|differed|vary|varies|diverges?|disagrees?|contradicts?|conflicts?|changes?|changed|departs?|against|counter to|runs? (?:counter|against)|speaks? against|challenges?|disputes?|refutes?|opposes?|undermines?|disproves?|in conflict|in contrast|overturns?|fails? to replicate|"
    r"new|elsewhere|contradict(?:s|ed)?|clash(?:es)?|far from|at odds|incompatible|contrasts?|otherwise|something else"
)
_ATTRIBUTE = (  # "... in other domains" says what the domains are, not what the method is
    r"(?:other|another|different|same|similar)\s+(?!(?:to|from|than|as|and|or|but|with|in|on|of|by|here|too|each|one|ones|"
    r"enough|please|altogether|entirely|overall|if|when|while|is|are)\b|@seed)[a-z]"
)
_IRRELEVANT = (
    r"irrelevant|unimportant|immaterial|secondary|negligible|optional|open|flexible|ignored|disregarded|neglected|"
    r"left aside|left open|up to you|anything|whatever|arbitrary|play no role|plays no role|no matter|overlooked|"
    r"of no (?:importance|interest|concern|consequence|relevance)|of little (?:importance|interest|concern|consequence|relevance)|"
    r"no(?:t a)? (?:concern|issue|problem)|free|set aside|discounted|disregardable|beside the point|not (?:count|counted)|"
    r"any(?:thing goes)?|makes? no difference|fine either way|ok(?:ay)? either way|not a factor|unconstrained|of any kind"
)
_MATTERS = (
    r"matters?|important|key|crucial|decisive|essential|counts?|what counts|what matters|what i care about|"
    r"what interests me|what i want|interests? me|relevant|of interest|central|paramount|the point|critical|"
    r"my (?:main )?(?:interest|focus|concern)|the (?:main )?(?:thing|point|focus|criterion|interest|priority)(?: here)?|priority"
)
_FOCUS = (
    r"focus(?:ed|ing|es)?(?: \w+ly)?(?: only| just)? on|concentrat(?:e|ed|ing)(?: \w+ly)? on|match(?:ing|es)?|"
    r"(?:care|bother|know|think|cares|learn|talk)(?: (?:only|mostly|mainly|primarily|more|most|really|just|solely))* about|"
    r"emphasi[sz](?:e|ing)|prioriti[sz](?:e|ing)|look(?:ing)?(?: only| just| mainly)? at|weigh(?:t|ts|ing)?|stress(?:ing)?|"
    r"interested(?: (?:only|mainly|mostly|primarily|just|solely|really|purely|chiefly))* in|go(?:ing)? by|compar(?:e|ing|able)(?: \w+)?(?: by| on)?|"
    r"keep(?:ing)?|preserv(?:e|ing)|retain(?:ing)?|based(?: \w+ly)?(?: only| just)? on|judg(?:e|ed|ing)(?: \w+)? (?:by|on)|because of|pay(?:ing)? attention to|"
    r"put(?:ting)? (?:the |more |all |most )?(?:weight|emphasis|focus|stress) on|(?:with )?(?:the |an? )?(?:emphasis|focus|stress|weight)(?: \w+ly)?(?: is| being| should be)? on|"
    r"consider(?:ing)?|stick(?:ing)? (?:to|with)|attend(?:ing)? to|rank(?:ed|ing)?(?: \w+)? (?:by|on)|sort(?:ed|ing)?(?: \w+)? (?:by|on)|"
    r"(?:it is|it's|all|mostly|mainly|only|more|just|is) about|what (?:matters|counts|interests me)(?: most| here)? (?:is|are)|(?:what|all) (?:i|we) (?:really )?(?:want|need|seek|(?:am|are) (?:really )?(?:after|looking for|interested in))(?: here)? (?:is|are)|i am after|after|resembl(?:es?|ing)|"
    r"curious about|for|by|on|in|about|count(?:ing)?|align(?:ed|ing)?(?: on| with)?|similarity (?:of|in)|overlap in"
)
_SHARE = (
    r"shar(?:e|es|ed|ing)|(?:have|has|having|with) in common|adopt(?:s|ed|ing)?|follow(?:s|ed|ing)?|borrow(?:s|ed|ing)?|"
    r"reus(?:e|es|ed|ing)|build(?:s|ing)? on|replicat(?:e|es|ed|ing)|reproduc(?:e|es|ed|ing)|confirm(?:s|ed|ing)?|corroborat(?:e|es|ed|ing)|"
    r"match(?:es|ing)?|mirror(?:s|ed|ing)?|resembl(?:e|es|ed|ing)|echo(?:es|ed|ing)?|support(?:s|ed|ing)?"
)
_OPPOSE = r"contradict(?:s|ed|ing)?|dispute[sd]?|disput(?:e|ing)|challenge[sd]?|refut(?:e|es|ed|ing)|oppos(?:e|es|ed|ing)|chang(?:e|es|ing)|vary|varying|disagree(?:s|ing)? with|question(?:s|ed|ing)?|differ(?:s|ing)? from|overturn(?:s|ed|ing)?"
_IGNORING = (
    r"ignor(?:e|es|ing)|disregard(?:s|ing)?|regardless of|irrespective of|independent(?:ly)? of|no matter|whatever|"
    r"whichever|forget(?:ting)?(?: about)?|never mind|(?:set|setting|leave|leaving|put|putting) aside|"
    r"not (?:really |much |particularly )?(?:care|mind|worry|bother)(?: much| at all| too much)?(?: about| for| with)?|not matter|neglect(?:ing)?|"
    r"not (?:pay(?:ing)?|give|giving|attach)(?: any| much)? (?:attention|weight|importance) (?:to|on)|(?:pay(?:ing)?|give|giving|put) (?:no|little) (?:attention|weight|importance|emphasis) (?:to|on)|"
    r"not (?:consider|look at|focus on|interested in|match(?: on| by)?|compare|use|weigh|rank by|concerned (?:with|about)|take into account|go by|restrict(?:ed)? to|limited to|bound to|tied to)|"
    r"without (?:regard (?:to|for)|considering|looking at|caring about|matching(?: on)?|paying attention to)|despite|in spite of|discount(?:ing)?|"
    r"overlook(?:ing)?|(?:need|required|have) not (?:to )?share|not (?:need|have) to (?:share|match(?: on)?|agree on|have)|not necessarily (?:shar(?:e|ing)|match(?:ing)?(?: on)?|with|in|on|of)|"
    r"across|(?:i am )?agnostic (?:to|about|of)|indifferent (?:to|about)|open (?:to any|about|as to)|put no weight on|leave out of account|any|drop|dropping|in any|"
    r"whatever (?:happens to be )?(?:the|its|their)|not restricted (?:to|by)|not only on|blind to|skip(?:ping)?|neutral (?:about|on)"
)
_IN = (
    r"in|on|by|in terms of|in respect of|with respect to|with regards? to|regarding|as to|as regards|wrt|w\.r\.t\.?|when it comes to|"
    r"at the level of|as far as|concerning|based on|through|via|on the level of|on the basis of|along|from the point of view of|"
    r"because of|due to|only in|only on|mainly in|for|according to"
)


_COMPARES = re.compile(rf"@seed|(?<![\w-])(?:{_SIM_ADJ}|{_DIF_ADJ})(?![\w-])", re.I)
_SETTLED = 9  # of the rules below, those that say by themselves whether an aspect counts


@dataclass(frozen=True, slots=True)
class Found:
    """One frame: the weight that each aspect gets and the text around it that is still to be read."""

    weights: tuple[tuple[str, float], ...]
    left: str
    right: str


class Frames:
    """The constructions for one scheme's aspect words, compiled once."""

    def __init__(self, words: AspectWords):
        self.words = words
        det, mod, noun = lexicon.DETERMINERS, lexicon.MODIFIERS, rf"(?:{words.noun}|@a\d+)"
        one = rf"(?:(?:{det})\s+)*(?:(?:{mod}|{_DEGREE})\s+)*{noun}(?:\s+(?:sections?|parts?|sides?|level|aspect|used|itself))?(?![\w-])"
        join = r"\s*(?:,\s*(?:and\s+|or\s+)?|\band\s+|\bor\s+|&\s*|/\s*|\bnor\s+|\bas well as\s+|\bplus\s+|\band/or\s+)(?:(?:on|in|by|of|the|also|about|to|its)\s+)*"
        many = rf"(?P<n>{one}(?:{join}{one}){{0,5}})"
        tail = (
            r"(?P<tail>\s*(?:(?:to|as|like|of|from|with|in|than|by|between|used in|used by|found in|reported in|reported by|described in|behind|for)\s+)*"
            rf"(?:(?:that|those|the ones?|what|the {words.noun}|{words.noun})\s+(?:of|in|from|by|used in|used by)\s+)?@seed(?:'s)?(?:\s+(?:{words.noun}|has|have|does|did|uses|used|is|was|reports|do|work|own|proposes|describes))*(?![\w]))?"
            r"(?:\s+(?:they|it|the authors) (?:use[sd]?|chose|choose|employ(?:ed|s)?|appl(?:y|ied|ies)|stud(?:y|ied|ies)|found|report(?:ed|s)?|address(?:ed|es)?|take[s]?|took|come[s]? from|rel(?:y|ied|ies) on)|"
            r"\s+(?:is|are|was|were)\s+(?:used|applied|employed|chosen|studied|addressed|reported)|\s+used)?"
        )
        seed = r"(?:\s+(?:to|as|from|with|than|of|like)?\s*@seed(?:'s)?)?"
        degree = rf"(?:(?:{_DEGREE})\s+)*"
        of_kind = (
            r"(?:(?:kinds?|sorts?|types?|styles?|lines?|class|family|sets?|choice) of\s+|(?:the|an?|its|their)\s+)*"
        )
        not_ = r"(?P<neg>(?:\b(?:not|no|without|never|nor)\s+(?:(?:on|in|with|about|for|at|have|having|the|a|an|from|by|to|use|using|share|necessarily|be|just|only|merely)\s+)*)?)"
        derived = lexicon.either(words.derived) if words.derived else r"(?!)"
        parts = lexicon.either(words.participles) if words.participles else r"(?!)"

        def rule(pattern: str) -> re.Pattern[str]:
            return re.compile(rf"(?<![\w@'-]){pattern}", re.I)

        self._any = re.compile(
            rf"(?<![\w-])(?:{noun}|{derived}|{parts})(?![\w-])|\b(?:same|similar|like|different|opposite|contrary|reverse|comparable|alike|likewise|differently|otherwise|similarly)\b",
            re.I,
        )
        two = many.replace("?P<n>", "?P<n2>")
        self._over = rule(
            rf"{many}{tail}\s+(?:(?:should|must|is|are|to|be|comes?|goes?|matters?|counts?|weighs?|much|far|first|then)\s+)*(?:more important than|more relevant than|more than|than(?: to| on| in| for| about)?|rather than|instead of|over|above|before|ahead of|prior to|and not(?: on| in| about)?|not(?: on| in| about)?|but not(?: on| in| about)?)\s+(?:(?:on|in|by|of|about)\s+)?{two}(?=\s*(?:$|[,.;:)]))"
        )  # fmt: skip
        self._rules: list[tuple[re.Pattern[str], Callable[[re.Match[str]], float | None]]] = [
            (rule(rf"neither\s+(?:of\s+)?{many}\s+(?P<cop>{_BE})(?:{_SIM_PRED}|{_DIF_PRED}|matters?|counts?|{_IRRELEVANT}|{_MATTERS})(?![\w-])"), _neither),
            # the topic does not matter / the topic is irrelevant / the results are what counts
            (rule(rf"{many}(?:{tail})\s*,?\s+(?P<cop>{_BE})(?P<irr>{_IRRELEVANT}|matters?(?=\s*(?:$|[,.;]|to me|much|at all|here|less|little)))(?:\s+(?:to me|much|at all|here|less|little))*(?![\w-])"), _irrelevant),
            (rule(rf"{many}{tail}\s+(?P<cop>{_BE})(?:{_MATTERS})(?:\s+(?:most|more|to me|here|only|above all|a lot))*(?=\s*(?:$|[,.;]))"), _matters),
            # the method is similar to this paper's / the topics may differ / findings agree with these
            (rule(rf"(?P<even>(?:(?:even (?:if|when|though|where)|(?:not (?:mind|care|matter)|fine|ok(?:ay)?|no problem|all right|alright|acceptable|no matter|regardless of|irrespective of)(?: much)?(?:,? (?:if|whether|when|that|how))+|whether or not)\s+)?){many}{tail}\s+(?P<cop>{_BE})(?!{_ATTRIBUTE})(?:(?P<dif>{_DIF_PRED})|(?P<sim>{_SIM_PRED}))(?![\w-])(?:(?:\s+(?:to|as|from|with|than))?(?:\s+each other|(?:\s+(?:that|those) (?:of|in))?\s*@seed(?:'s)?)(?:\s+(?:one|results?|findings|own))?|\s+one|\s+ones)?"), _copula),
            (rule(rf"{many}\s+(?P<cop>(?:need|does|do|must|should|may|is|are)\s+not(?:\s+be|\s+have to(?:\s+be)?|\s+need to(?:\s+be)?)?)\s*$"), lambda m: IGNORE),
            (rule(rf"(?:an?\s+|the\s+)?{degree}(?:{_DIF_ADJ})\s+{of_kind}{many}\s+(?:is|are|would be|being)\s+(?:also |perfectly |totally )?(?:fine|ok(?:ay)?|welcome|allowed|acceptable|good|no problem)"), lambda m: IGNORE),
            (rule(rf"{many}\s+(?:fine|ok(?:ay)?|welcome|allowed|acceptable|is fine|are fine)\s*$"), lambda m: IGNORE),
            # regardless of the method / whatever technique
            (rule(rf"(?:{_IGNORING})\s+(?:(?:the|its|their|what|which|about|on|of|in)\s+)*{degree}(?:(?:{_SIM_ADJ})\s+)?{many}{tail}(?:\s+(?:is|are|was|were|it is|they are|may be|might be|be)(?=\s*(?:$|[,.;])))?"), lambda m: IGNORE),
            (rule(rf"(?:even (?:with|from|in|on|if in|if on|if from|if it is|if they are|if they use|if they have)|possibly (?:from|in|with|on)|(?:may|can|could|might) (?:use|have|be (?:on|in|about|from)|come from|concern|address))\s+(?:the\s+|an?\s+)?{degree}(?:{_DIF_ADJ})\s+{of_kind}{many}{tail}"), lambda m: IGNORE),
            (rule(rf"(?:leav(?:e|ing)|let(?:ting)?|keep(?:ing)?|set(?:ting)?|put(?:ting)?)\s+{many}\s+(?:open|aside|free|out(?: of (?:it|account|consideration))?|unspecified|vary|alone|change|differ|unconstrained)"), lambda m: IGNORE),
            (rule(rf"^(?:so\s+)?what\s+(?:is|was|were|are)\s+{many}\s*$"), lambda m: LIKE),
            (rule(r"(?:(?:an?|some|the|to|in|for|on)\s+)*(?P<dif>new|novel|fresh|unexplored|unfamiliar|foreign)\s+(?P<n>domain|field|topic|area|subject|discipline|application area|application|setting)s?(?=\s*(?:$|[,.;:(]))"), _adjective),
            # this technique; only the architecture is; topic second
            (rule(r"only\s+"+many+r"\s+(?:is|are|does|do|has|have|should|must)(?:\s+(?:be|to))?\s*$"), lambda m: LIKE),
            (rule(many+r"\s+(?:comes?\s+|is\s+|are\s+)?(?:second|secondarily|last|next|afterwards)\s*$"), lambda m: 0.5),
            # similar method / not the same topic / another approach
            (rule(rf"{not_}(?:(?:the|an?|its|some|any|very|of)\s+)*{degree}(?:(?P<sim>{_SIM_ADJ})|(?P<dif>{_DIF_ADJ}))\s+(?:or (?:similar|related|comparable|the same|identical|nearby)\s+)?{of_kind}{many}{tail}"), _adjective),
            (rule(rf"(?P<neg>)(?:something|anything|everything)\s+(?P<dif>other) than (?:the\s+)?{many}{tail}"), lambda m: None),
            # similar in method / match on the findings / differ in topic
            (rule(rf"{not_}(?P<cop>{_BE})(?:(?P<sim>similar(?:ity|ities)?|match(?:es|ing|ed)?|alike|compar(?:e|es|ed|able)|close(?:ness)?|agree[sd]?|agreeing|agreement|resembl(?:es?|ing)(?:\s+@seed)?|overlap(?:s|ping)?|like(?:ness)?|same|related|connected|linked|likeness|common|neighbou?rs|consistent|rank(?:ed|ing)?|nearest|equal|coincid(?:e|es|ing))|(?P<dif>differ(?:s|ing|ent|ence|ences)?|diverg(?:e|es|ing)|depart(?:s|ing)?|disagree(?:s|ing)?|contrast(?:s|ing)?|dissimilar|unlike|unrelated|distinct|vary|varies|opposite|opposed|contrary|contradictory|apart)){seed}(?:\s+(?:only|mainly|mostly|primarily|papers?|documents?|work|them|it|papers))*\s+(?:{_IN})\s+(?:(?:the|its|their|only|what|both)\s+)*{many}{tail}(?:\s+(?:is|are) concerned|\s+goes?)?"), _adjective),
            (rule(rf"{not_}(?P<sim>similar|comparable|close|like|related|identical|same|akin)\s+(?:to|as|like)?\s*(?:the\s+)?(?:@seed's|its|their)\s+{many}"), _adjective),
            (rule(rf"{not_}(?P<dif>different from|unlike|differ(?:s|ing)? from|departs? from)\s+(?:the\s+)?(?:@seed's|its|their)\s+{many}"), _adjective),
            (rule(r"(?:in\s+)?(?P<sim>that|this|such an?|much the same|the same|a like|like)\s+(?P<n>way|manner|fashion)(?![\w-])"), _adjective),
            # methodologically similar / topical overlap / similarly motivated / solved differently
            (rule(rf"{not_}{degree}(?P<d>{derived})(?:\s+and\s+(?P<d2>{derived}))?(?:\s+speaking)?\s*,?\s+(?:{degree})(?:(?P<sim>{_SIM_ADJ}|overlap|agreement|similarity|likeness|closeness|relatedness|match|neighbou?rs|akin|like)|(?P<dif>{_DIF_ADJ}|differences?|distance|apart|distant|dissimilarity))(?![\w-]){seed}"), _adjective),
            (rule(rf"{not_}(?:(?P<sim>{_SIM_ADJ}|like)|(?P<dif>{_DIF_ADJ})){seed}\s*,?\s+(?P<d>{derived})(?=\s*(?:$|[,.;]))"), _adjective),
            (rule(rf"{not_}(?:(?P<sim>similarly|likewise|equally|comparably|identically)|(?P<dif>differently|otherwise|dissimilarly))[\s-]+(?P<p>{parts})(?![\w-])"), _adjective),
            (rule(rf"{not_}(?P<p>{parts}|solves?|approach(?:es)?|tackles?|addresses|does|do|did)(?:\s+(?:it|this|that|the (?:same )?(?:problem|task)))?\s+(?:very\s+)?(?:(?P<sim>similarly|alike|likewise)|(?P<dif>differently|otherwise))"), _adjective),
            (rule(rf"{not_}(?P<f>find|found|finds|finding|report(?:s|ed|ing)?|conclud(?:e|es|ed|ing)|observ(?:e|es|ed|ing)|show(?:s|ed|n|ing)?|discover(?:s|ed)?|prov(?:e|es|ed)|reach(?:es|ed)?)\s+(?:much\s+|roughly\s+)?(?:the\s+)?(?:something\s+)?(?:(?P<sim>same|similar|like|comparable)|(?P<dif>different|opposite|contrary|reverse))(?:\s+(?:things?|ones?|stuff|as\s+@seed|to\s+@seed|from\s+@seed))*(?=\s*(?:$|[,.;]))"), _adjective),
            # motivation like this one / the methods of this paper / shares the method
            (rule(rf"{not_}(?:{_SHARE})\s+{degree}(?:(?:the|its|their|@seed's|some|any|an?)\s+)*(?:(?P<sim>{_SIM_ADJ})\s+)?{many}{tail}"), _adjective),
            (rule(rf"{not_}(?P<dif>{_OPPOSE})\s+(?:(?:the|its|their|@seed's|some)\s+)*{many}{tail}(?=\s*(?:$|[,.;]))"), _adjective),
            (rule(rf"{not_}{many}\s+(?:(?:that (?:is|are)|which (?:is|are))\s+)?(?:exactly\s+|much\s+|just\s+)?(?:like|as in|as|similar to|akin to|close to|identical to|of|from|in|used (?:in|by)|comparable to|resembling)\s+(?:(?:that|those|the ones?)\s+(?:of|in)\s+)?@seed(?:'s)?(?![\w])"), _adjective),
            (rule(rf"{not_}{many}\s+(?:unlike|different from|other than|distinct from|dissimilar to|far from)\s+(?:(?:that|those|the ones?)\s+(?:of|in)\s+)?@seed(?:'s)?(?P<dif>)"), _adjective),
            (rule(rf"{not_}(?:(?:just|only|the|about|for|on|in|by|find|match|same)\s+)*(?:@seed's)\s+{many}"), _adjective),
            (rule(not_ + rf"(?:these|this|that same|this very|this same)\s+(?:(?:{mod}|same|very)\s+)*(?P<n>{noun})(?![\w-])(?!\s+(?:is|are|means?)\s)"), _adjective_like),
            # focus on the method; method only; method similarity
            (rule(rf"^(?:.*\s)?(?P<cop>(?:not\s+)?)(?:{_FOCUS})\s+(?:(?:the|its|their|only|just|both|mainly|mostly|also|of|what|about|more|primarily|purely|similar|matching|likeness|similarity|overlap|papers|of the)\s+)*{many}{tail}(?:\s+(?:alone|only|first|most|above all|itself|please|rather|instead|similarity|too|in particular|especially|of the papers?|of papers|and nothing else|as well|similarities))*\s*$"), _focus),
            (rule(rf"^(?:(?:and|or|only|just|mainly|mostly|primarily|especially|above all|in|on|by|for|about|the|its|their|same|also|at|of|as|from|to|but|more|much|purely|solely|exclusively|particularly|specifically|then|please|papers|match|pure|find|ideally|preferably|at least|less|via|based on|in terms of|more of the|less of the|less on the|more on the)\s+)*{many}(?:\s+(?:alone|only|first|please|itself|similarity|overlap|likeness|match|too|matches|wise|instead|though|above all|most|mainly|especially|as well|more than anything|first of all|mostly|in particular|at all|and nothing else|similarities|matching|necessarily))*\s*$"), _bare),
            (rule(rf"^(?:(?:only|just|mainly|purely|but|and|more|less)\s+)*(?P<d>{derived})(?:\s+only)?\s*$"), lambda m: LIKE),
        ]  # fmt: skip

    def find(self, clause: str, *, prose: bool = False) -> Found | None:
        """The first frame that reads the clause, or None.

        prose: a sentence that tells something, where an aspect's noun alone asks for nothing.
        """
        if not self._any.search(clause):
            return None
        return self._find(clause, self._rules, prose=prose)

    def find_settled(self, clause: str, *, prose: bool = False) -> Found | None:
        """As `find`, but only the constructions that carry their own negation: "the topic does not matter"."""
        if not self._any.search(clause):
            return None
        match = None if prose else self._over.search(clause)
        if match and not self._is_compound(match, settled=True):
            return self._compared(match, clause)
        return self._find(clause, self._rules[:_SETTLED], prose=prose)

    def _find(
        self, clause: str, rules: list[tuple[re.Pattern[str], Callable[[re.Match[str]], float | None]]], *, prose: bool
    ) -> Found | None:
        for pattern, weigh in rules:
            match = pattern.search(clause)
            if match is None:
                continue
            if prose and not _COMPARES.search(match.group()):
                continue
            weight = weigh(match)
            if self._is_compound(match, settled=weigh in (_irrelevant, _matters, _copula)):
                continue
            aspects = self._aspects(match)
            if weight is None or not aspects or (weigh in (_focus, _bare) and self._too_weak(match)):
                continue
            return Found(tuple((a, weight) for a in aspects), clause[: match.start()], clause[match.end() :])
        return None

    def _compared(self, match: re.Match[str], clause: str) -> Found | None:
        """Read "method over topic": the first counts, the second does not; "the same method ..." is left to the others."""
        left = clause[: match.start()]
        if re.search(rf"(?:{_SIM_ADJ}|{_DIF_ADJ}|not|no)\s+$", left, re.I):
            return None
        weights = [(a, LIKE) for a in self.words.all_in(match["n"])]
        weights += [(a, IGNORE) for a in self.words.all_in(match["n2"]) if a not in dict(weights)]
        left = re.sub(
            rf"(?<![\w-])(?:{_FOCUS}|match|compare|rank|sort|judge|order)(?:\s+(?:{_FOCUS}|the|papers|them|it))*\s*$",
            " ",
            left,
            flags=re.I,
        )
        return Found(tuple(weights), left, clause[match.end() :])

    @staticmethod
    def _is_compound(match: re.Match[str], *, settled: bool) -> bool:
        """Whether the noun is only a part of a longer name: "drug discovery", "question answering"."""
        if not match.groupdict().get("n"):
            return False
        if re.match(rf"[\s-]+(?:{lexicon.COMPOUND})(?![\w-])", match.string[match.end("n") :], re.I):
            return True
        before = re.search(r"([\w@'-]+)[ \t]+$", match.string[: match.start("n")])
        return settled and before is not None and re.fullmatch(lexicon.FUNCTION, before[1], re.I) is None

    def _too_weak(self, match: re.Match[str]) -> bool:
        """Nouns that as often name a subject ("models", "applications") count alone only as "the models", "its model"."""
        said = match["n"].lower().strip()
        if re.match(r"(?:the|its|their|this|that|both|@seed's)\s", said) or re.search(
            rf"(?:@seed's|\b(?:the|its|their))\s+(?:{lexicon.MODIFIERS}|\s)*$", match.string[: match.start("n")], re.I
        ):
            return False
        last = re.sub(r"[\s-]+", " ", said)
        if last in self.words.loose or last.removesuffix("s") in self.words.loose:
            return True
        return re.fullmatch(rf"(?:{lexicon.noun_pattern(lexicon.WEAK)})", last) is not None

    def _aspects(self, match: re.Match[str]) -> tuple[str, ...]:
        groups = match.groupdict()
        if groups.get("n"):
            return self.words.all_in(groups["n"])
        found: list[str] = []
        for key, table in (("d", self.words.derived), ("d2", self.words.derived), ("p", self.words.participles)):
            said = groups.get(key)
            if said:
                found += [a for p, a in table.items() if re.fullmatch(p, said, re.I)][:1] or (
                    [self.words.of("method") or ""] if key == "p" else []
                )
        if groups.get("f"):
            found.append(self.words.of("finding") or "")
        return tuple(a for a in dict.fromkeys(found) if a)


def _negations(*texts: str | None) -> int:
    return sum(len(_VERY_NOT.findall(t.lower())) for t in texts if t)


def _neither(match: re.Match[str]) -> float:
    return NOT_SAME if re.search(r"\b(?:should|must|is|are|may|can)\b", match["cop"], re.I) else IGNORE


def _irrelevant(match: re.Match[str]) -> float:
    said, negated = match["irr"].lower(), _negations(match["cop"]) % 2 == 1
    if said.startswith("matter"):
        rest = match.group().lower()
        return IGNORE if negated or re.search(r"\b(?:less|little)\b", rest) else LIKE
    return LIKE if negated and not said.startswith("not") else IGNORE


def _matters(match: re.Match[str]) -> float:
    return IGNORE if _negations(match["cop"]) % 2 else LIKE


def _copula(match: re.Match[str]) -> float:
    cop = match["cop"].lower()
    different = match["dif"] is not None
    if match["even"] or (_PERMIT.search(cop) and not (_CAN_NOT.search(cop) and different)):
        return IGNORE
    if _negations(cop) % 2:
        return LIKE if different else NOT_SAME
    return UNLIKE if different else LIKE


def _adjective(match: re.Match[str]) -> float:
    groups = match.groupdict()
    before = (groups.get("neg") or "") + " " + (groups.get("cop") or "")
    if re.search(r"\bnot\s+(?:just|only|merely)\b", before, re.I):
        return LIKE
    different = groups.get("dif") is not None
    negated = _negations(before) % 2 == 1
    if _PERMIT.search(before) or "necessarily" in before:
        return IGNORE
    if negated:
        return LIKE if different else NOT_SAME
    return UNLIKE if different else LIKE


def _adjective_like(match: re.Match[str]) -> float:
    return NOT_SAME if _negations(match["neg"]) % 2 else LIKE


def _focus(match: re.Match[str]) -> float:
    return IGNORE if match["cop"].strip() else LIKE


def _bare(match: re.Match[str]) -> float:
    return IGNORE if re.match(r"\s*less\b", match.group(), re.I) else LIKE


_CACHE: dict[int, tuple[AspectWords, Frames]] = {}


def frames_for(words: AspectWords) -> Frames:
    """The compiled frames of a scheme's words."""
    if id(words) not in _CACHE:
        _CACHE[id(words)] = (words, Frames(words))
    return _CACHE[id(words)][1]


@lru_cache(maxsize=1)
def likeness() -> re.Pattern[str]:
    """Plain likeness to the seed, without an aspect: "papers like this one", "similar work"."""
    documents = lexicon.DOCUMENTS
    return re.compile(
        rf"(?:(?:more|most|very|closely|are|is|be|all|of the)\s+)*(?:(?:similar|related|close|comparable|akin|nearest|closest|analogous|relevant)\s+(?:to|with)\s+|like\s+|resembl(?:e|es|ing)\s+|match(?:es|ing)?\s+|compar(?:e|es|able)\s+(?:with|to)\s+|"
        rf"in the (?:style|spirit|vein) of\s+|similarity to\s+|near\s+|as\s+)@seed(?:'s)?(?:\s+(?:one|ones))?(?:\s+overall)?|"
        rf"^(?:(?:find|show|give|me|more|the|most|some|other|any)\s+)*(?:similar|related|comparable|nearby|closest)(?:\s+(?:{documents}))*\s*$|^more of the same$|"
        rf"(?:similar|related|comparable)\s+(?:{documents})(?=\s|$)",
        re.I,
    )
