"""Words of titles and abstracts: surfaces, stems, and which of them can be part of a term."""

from __future__ import annotations

import re
import unicodedata

BREAK = ""  # what stands for punctuation: no term goes across it
MOST_WORDS = 4_000  # of one paper; what follows is not read

_MARKUP = re.compile(r"<[^<>]{1,100}>|https?://\S+|\\[a-zA-Z]+")
_TOKEN = re.compile(r"[^\W_](?:[\w+'’-]*[\w+])?|[^\s\w]|_+")
_POSSESSIVE = re.compile(r"['’]s?$")

# Words of the language.
_FUNCTION = """
    a about above across after again against all almost along already also although always am among
    an and another any anything are as at away be became because become becomes been before behind
    being below between beyond both but by can cannot could did do does doing done down due during
    each either else even ever every except far few fewer for from further get gets give given gives
    go goes had has have having he hence her here hers herself him himself his how however i if in
    indeed instead into is it its itself just know known last later least less let like likely made
    mainly make makes making many may me might more moreover most mostly much must my near nearly
    need needed needs neither never nevertheless next no nor not nothing now of off often on once
    one only onto or other others otherwise our ours out over own per perhaps put quite rather
    really s same see seen several shall she should since so some something sometimes soon still
    such t than that the their theirs them themselves then there thereby therefore these they this
    those though through throughout thus to together too toward towards two three four five under
    until up upon us use used uses using usually various very via was way ways we well were what
    when where whereas whether which while who whole whom whose why will with within without would
    yet you your yours ours e.g i.e eg ie et al etc vs versus
    """
FUNCTION_WORDS = frozenset(_FUNCTION.split())
# Words of any abstract, in any field.
_ACADEMIC = """
    abstract accordingly accurate accurately achieve achieved achieves achieving adapt adapted
    additional additionally address addressed addresses addressing advance advanced advances
    advantage advantages aforementioned aim aims allow allowing allows alternative amount analyse
    analyze analyzed appealing applicable application applications applied applies apply applying
    approach approaches appropriate arbitrary article aspect aspects available average based basic
    benefit benefits best better big bring brings build building builds called capability
    capabilities capable capture captures capturing carefully case cases certain challenge
    challenges challenging cheap choice class clear clearly code collected combination combine
    combined combines combining common commonly compare compared comparable comparing comparison
    competitive complete complex complexity component components comprehensive comprehensively
    concept conduct conducted conference consider considerable considerably considered considering
    consist consistent consistently consists construct contain contains contrast contribute
    contributes contribution contributions conventional corresponding crucial current currently deal
    demonstrate demonstrated demonstrates demonstrating depend depends derive derived describe
    described describes design designed designing desirable desired despite detail detailed details
    develop developed developing development develops difference different difficult difficulty
    directly discuss discussed distinct easily easy effect effective effectively effectiveness
    effects efficacy efficient efficiently effort efforts empirical empirically employ employed
    employing employs enable enabled enables enabling enhance enhanced enhances enhancing ensure
    ensures ensuring entire especially essential establish evaluate evaluated evaluating evaluation
    evaluations evidence example examples excellent exhibit exhibits exist existing experiment
    experimental experimentally experiments explore explored explores exploring exploit exploiting
    extend extended extends extensive extensively fact facilitate facilitates factor factors fail
    fails famous fast faster feature features field fields final finally find finding findings
    finds first flexible focus focused focuses focusing follow following follows form formulate
    formulated forms found framework frameworks full fully fundamental furthermore future gain gains
    general generally github goal goals good great greatly group handle handling hard help helps
    high higher highest highlight highlighting highly idea ideal ideas identify identifying
    illustrate impact impacts implement implementation implemented implications implies important
    impressive improve improved improvement improvements improves improving include included
    includes including incorporate incorporates incorporating increase increased increases
    increasing increasingly indicate indicates innovative insight insights inspired integrate
    integrated integrating integration intensive interest interesting introduce introduced
    introduces introducing introduction intuition intuitive investigate investigated investigates
    investigating involve involves involving issue issues key lack lacks large largely larger
    largest lead leading leads learn learned level levels leverage leveraged leverages leveraging
    limit limitation limitations limited little long low lower main maintain maintaining major
    mean means measure measured meet method methodology methods mitigate modern motivated name
    namely natural naturally nature necessary new newly notable notably novel novelty number
    numerous obtain obtained obtaining obtains offer offering offers open optimal order original
    outperform outperformed outperforming outperforms overall overcome paper papers paradigm part
    particular particularly parts past perform performance performances performed performing
    performs perspective pivotal place play plays popular pose poses possible potential potentially
    powerful practical practice precise present presented presenting presents previous previously
    primary prior problem problems procedure process produce produced produces producing promising
    propose proposed proposes proposing prove proven provide provided provides providing publicly
    purpose quality question questions range rapid rapidly reach real realize recent recently
    reduce reduced reduces reducing related relative relatively relevant reliable rely remain
    remaining remains report represent require required requirement requirements requires requiring
    research researchers respect respectively result resulting results reveal reveals rich robust
    role run scenario scenarios scheme second section seek seeks select selected set sets setting
    settings show showcase showed showing shown shows significant significantly similar simple
    simplicity simply simultaneously single small so-called solution solutions solve solved solving
    specific specifically standard state state-of-the-art state-of-art step steps strategies
    strategy strength strong studied studies study studying substantial substantially success
    successful successfully suffer suffers sufficient suggest suggests suitable superior superiority
    support supports survey system systems tackle tackles tackling take taken takes taking task
    tasks technique techniques term terms test tested tests third thorough time times tool total
    traditional traditionally try type types typical typically underexplored underscore understand
    understanding unique unlike useful utility utilize utilized utilizes utilizing valid validate
    validated validating value values variety varying vast verify version versions viable view
    vital well-known wide widely widespread work working works world worse yield yielding yields
    delve delves pave intricate tailored seamless seamlessly nuanced holistic akin meticulously
    underscoring showcasing respective abundant remarkable remarkably ability abilities
    unprecedented
    """
ACADEMIC_WORDS = frozenset(_ACADEMIC.split())
LINKS = frozenset({"of", "to", "for", "in", "with", "by", "on"})  # inside a term of three words
NEVER_AT_AN_END = FUNCTION_WORDS | ACADEMIC_WORDS
# A word of any abstract inside a longer term is its own: "few shot learning", "open set domain".
_IN_TERMS = """
    advanced application class code complex complexity design development evaluation feature
    features field group high key large learn learned level long low natural open optimal order
    process quality question questions real robust set sets single small system systems task tasks
    test tests time tool view world state value values big building concept class understanding
    planning step steps strategy support survey general framework second first fast hard form
    """
SPEAKS_IN_TERMS = frozenset(_IN_TERMS.split())


def surfaces(text: str) -> list[str]:
    """Return the words of a text as they are written, with a BREAK for each punctuation mark.

    A word with hyphens is one word; numbers, formulas, addresses and markup are breaks.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if "<" in text or "\\" in text or "://" in text:
        text = _MARKUP.sub(" ; ", text)
    return [
        word if word[0].isalnum() and not word.isdecimal() else BREAK
        for word in _TOKEN.findall(text)
    ]


def stem(word: str) -> str:
    """Return what a word is counted as: lower case, without a plural's or a possessive's ending."""
    low = word.lower()
    if "'" in low or "’" in low:
        low = _POSSESSIVE.sub("", low)
    if len(low) > 3 and low.endswith("s") and low[-2] not in "sui'":
        if low.endswith("ies") and len(low) > 4:
            return low[:-3] + "y"
        return low[:-2] if low.endswith(("sses", "xes", "ches", "shes")) else low[:-1]
    return low


def is_stop(word: str) -> bool:
    """Whether no term of one word is this word."""
    low = word.lower()
    return len(low) < 2 or low in NEVER_AT_AN_END or stem(low) in NEVER_AT_AN_END


def may_end(word: str) -> bool:
    """Whether a term of two or three words may begin or end with this word."""
    return not is_stop(word) or word.lower() in SPEAKS_IN_TERMS or stem(word) in SPEAKS_IN_TERMS
