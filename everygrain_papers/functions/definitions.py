"""Terms and what they mean, as spans of an abstract.

Source: A Joint Model for Definition Extraction with Syntactic Connection and Semantic Consistency.

There, one network tells whether a sentence defines and tags the term and the definition in it,
held together by syntax and by what term and definition must share. Here a sentence's form finds
both at once, without a trained network: forms stand in for the syntax, and checks for the
consistency: a definition names a kind of thing and what sets it apart, does not use its own
term, and an abbreviation's letters occur in order in its long form (Schwartz and Hearst, A Simple
Algorithm for Identifying Abbreviation Definitions in Biomedical Text).

    abbreviation   "graph neural network (GNN)", "GNN (graph neural network)"
    introduced     "we present X, a method that Y"
    is a           "X is a kind of thing that Y"
    defined        "we define X as Y", "X refers to Y", "X is defined as Y"
    named          "a method for Y, called X"

In this order of precision: see benchmarks/results/papers_definitions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from everygrain import Document, Span
from everygrain_papers.functions.abbreviations import abbreviations
from everygrain_papers.functions.sentences import split

Form = Literal["abbreviation", "introduced", "is a", "defined", "named"]
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and its definition: spans into one document's text, which they never change.

    form   how it was found; FORMS has the surest first
    """

    term: Span
    definition: Span
    form: Form

    def of(self, document: Document) -> tuple[str, str]:
        """Return the two texts. Raises InputError if the document is another."""
        return self.term.of(document), self.definition.of(document)


_TERM = r"(?P<term>[^\W_][\w+*'’-]*(?:\s[\w(][\w+*'’)-]*){0,5}?)"
_NAME = r"[\"“‘'`]{0,2}(?P<term>[^\W_][\w+*@-]*(?:\s[\w+*-]+){0,4}?)[\"”’']{0,2}"
_STOPS = (
    r"(?=\s*(?:[,.;:()\"”]|$|\s(?:that|which|to|for|is|are|and|by|in|on|where|whose|with|based|"
    r"using|as|can|has|have|was|were|we|from|of)\b))"
)
_MEANS = r"(?P<definition>[^;]{12,400})"
_ASIDE = r"(?:\s*\([^()]{1,40}\))?"

# what no noun phrase holds: it began too early
_CLAUSE = (
    r"\b(?:propose|present|introduce|develop|describe|is|are|was|were|has|have|we|yields?|using|via|"
    r"by|through|this|and the)\b"
)

_FORMS: tuple[tuple[Form, re.Pattern[str]], ...] = (
    ("defined", re.compile(
        rf"\b[Ww]e (?:formally )?define (?:the |an? )?(?:(?:notion|concept) of (?:an? )?)?"
        rf"{_TERM}{_ASIDE} (?:as|to be) {_MEANS}")),
    ("defined", re.compile(
        rf"(?:^|, )(?:(?:The|An?|the) )?(?:(?:term|notion|concept)(?: of)? )?[\"“‘']?{_TERM}"
        rf"[\"”’']?{_ASIDE},? (?:(?:is|are|can be|was) (?:often |usually |formally )?defined "
        rf"(?:as|to be)|refers? to) {_MEANS}")),
    ("named", re.compile(
        rf"\b(?P<definition>an? (?:(?!{_CLAUSE})[^,.;:()]){{8,160}}?)(?:\s*,\s*|\s+)"
        r"(?:so-called|called|named|"
        r"termed|dubbed|coined|(?:that|which) (?:we (?:call|name|term|dub|refer to as)|"
        r"(?:is|are) (?:called|known as|termed)))"
        rf"\s+(?:the\s+)?{_NAME}{_STOPS}")),
    ("introduced", re.compile(
        r"\b(?:propose|present|introduce|develop|describe|release|design)s?\s+(?:the\s+)?"
        rf"{_TERM}{_ASIDE}, (?P<definition>(?:an?|the first) [^;]{{12,300}})")),
    ("is a", re.compile(
        rf"^(?:(?:The|An?) )?{_TERM}{_ASIDE},? (?:is|are) (?P<definition>(?:an?|any|the (?:process|"
        r"task|problem|study|set|ability|practice|art|act|science|use)) [^;]{12,300})")),
)  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# words that no term begins with, or that stand for something else
_NO_TERM = _words(
    "a an the it this these those that there they we our he she its their here what which who one "
    "such both each all many most some several another other however moreover furthermore in on "
    "at by for to from with as if when while since because although despite during under using "
    "based and or but not also thus hence therefore then finally first second recently currently "
    "nowadays how why whether more less among given through within without please where"
)
# nouns that only point to something said before
_EMPTY = _words(
    "method methods approach approaches paper papers work result results algorithm model problem "
    "goal aim objective question system technique framework idea task contribution finding "
    "findings purpose study article issue challenge reason solution focus former latter key main "
    "proposed application applications case example advantage"
)
# after "is a", an appraisal and no kind of thing
_APPRAISAL = _words(
    "important challenging key crucial critical fundamental major promising hot long-standing hard "
    "difficult central significant common natural main well-known active growing complex vital "
    "essential great serious core ubiquitous necessary useful popular well-studied good "
    "classic classical big longstanding notoriously very highly widely particularly prominent "
    "pressing relevant powerful challenge bottleneck prerequisite must function matter "
    "lot number variety need practical tedious indispensable profound dominant desirable effective "
    "preliminary inevitable basic technically serious solution"
)
# what tells nothing of a kind: "a novel framework"
_PRAISE = _EMPTY | _words(
    "novel new simple efficient effective general generic practical scalable powerful unified "
    "flexible fast robust and but yet very tool strategy paradigm architecture variant solution "
    "type"
)
_SETS_APART = re.compile(
    r"\b(?:that|which|whose|where|who|for|of|to|in|used|designed|based|with|by|from|consisting)\b"
)
_NOT_IN_TERM = re.compile(
    r"\b(?:is|are|was|were|be|has|have|can|may|will|we|show|shows|that|which|propose|present|the|"
    r"to|this|both|used|where)\b"
)
_RUNS_ON = re.compile(
    r",\s+(?:but|so|however|while|whereas|although|yet|"
    r"and (?:we|it|this|is|are|has|have|can|may|will))\b"
)


def find(document: Document) -> list[Definition]:
    """Return the definitions in a document's text, in order, each pair of spans once."""
    found: dict[tuple[int, int, int, int], Definition] = {}
    for start, end in split(document.text):
        for form, term, definition in _of_sentence(document.text[start:end]):
            spans = (start + term[0], start + term[1], start + definition[0], start + definition[1])
            found.setdefault(
                spans,
                Definition(
                    Span(document.id, *spans[:2], "sentence"),
                    Span(document.id, *spans[2:], "sentence"),
                    form,
                ),
            )
    return [found[spans] for spans in sorted(found)]


def _of_sentence(sentence: str) -> Iterator[tuple[Form, tuple[int, int], tuple[int, int]]]:
    for short, long in abbreviations(sentence):
        yield "abbreviation", short, long
    taken: set[str] = set()
    for form, pattern in _FORMS:
        for match in pattern.finditer(sentence):
            term = match.span("term")
            start, end = match.span("definition")
            cut = _RUNS_ON.search(sentence, start, end)
            end = cut.start() if cut else end
            while end > start and sentence[end - 1] in ".,:;!? \n\t\"”'’":
                end -= 1
            told = sentence[term[0] : term[1]]
            if told.casefold() in taken or not _consistent(form, told, sentence[start:end]):
                continue
            taken.add(told.casefold())
            yield form, term, (start, end)


def _consistent(form: Form, term: str, definition: str) -> bool:
    """Tell whether a term and a definition can belong together."""
    words = term.casefold().split()
    if len(term) < 2 or words[0] in _NO_TERM or words[-1] in _EMPTY or words[0] in _EMPTY:
        return False
    if _NOT_IN_TERM.search(term) or not any(c.isalpha() for c in term):
        return False
    meant = definition.casefold()
    if len(meant.split()) < 3 or meant.startswith(("follows", "in ")):
        return False
    if re.search(rf"(?<!\w){re.escape(term.casefold())}(?!\w)", meant):  # it would go in circles
        return False
    if form in ("is a", "introduced", "named"):
        kind = [w for w in meant.split() if w not in ("a", "an", "the", "any")]
        if form == "is a" and (not kind or kind[0] in _APPRAISAL):
            return False
        if all(w in _PRAISE for w in kind):
            return False
        return form == "named" or bool(_SETS_APART.search(meant))
    return True
