"""Keyword recall at every stage of retrieval-augmented generation, without judged passages.

A question has coarse keywords, which any chunk that is about it holds, and points: each a list of
fine keywords that together make one piece of the answer. What is retrieved, what is left after
reranking and what the answer says are each searched for them, so that a score holds when the
chunks are cut another way, and the stage that lost a keyword can be named.

How a keyword is matched is a rule, one of RULES, which turns texts and keywords into what is
compared; a keyword occurs in a text if its form is contained in the text's:

    words        its words, case folded and NFKC, occur one after the other
    stems        the same with English stems: "cells divide" occurs in "a cell divided"
    characters   its letters and digits occur one after the other, also inside of a word ("art" in
                 "start"): what the source's own program does

Every chunk is searched by itself. (The source's program joins the chunks' characters, so that a
keyword may reach from one chunk into the next.)

Source: CoFE-RAG: A Comprehensive Full-chain Evaluation Framework for Retrieval-Augmented
Generation with Enhanced Data Diversity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from everygrain.analyze.analyzer import Analyzer
from everygrain.analyze.words import of_text
from everygrain.errors import MeasureError
from everygrain.segment.sentences import Sentences

Rule: TypeAlias = Callable[[str], str]
_STEMS = Analyzer("en", stop_words=False)
_CONTENT = Analyzer("en")


def words(text: str) -> str:
    """Return the text's words with a space before and after each."""
    return f" {' '.join(of_text(text))} "


def stems(text: str) -> str:
    """Return the stems of the text's words with a space before and after each."""
    return f" {' '.join(_STEMS.stems(of_text(text)))} "


def characters(text: str) -> str:
    """Return the text's letters and digits."""
    return "".join(of_text(text))


RULES: dict[str, Rule] = {rule.__name__: rule for rule in (words, stems, characters)}


@dataclass(frozen=True)
class Keywords:
    """The keywords of one question.

    coarse   a chunk without any of them is not about the question; if empty, every chunk counts
    points   the pieces of the answer, each a group of fine keywords

    Raises MeasureError if there is no point, a point is empty, or a keyword has no letter or digit.
    """

    coarse: tuple[str, ...]
    points: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if not all(isinstance(group, tuple) for group in (self.coarse, self.points, *self.points)):
            raise MeasureError("A group of keywords is no tuple.", "Write ('keyword',).")
        if not self.points or not all(self.points):
            raise MeasureError("There is no point, or an empty one.", "Give fine keywords.")
        for keyword in (*self.coarse, *self.fine):
            if not of_text(keyword):
                raise MeasureError(f"The keyword '{keyword}' has no letter.", "Leave it out.")

    @property
    def fine(self) -> tuple[str, ...]:
        """Return the fine keywords of all points, each once."""
        return tuple(dict.fromkeys(keyword for point in self.points for keyword in point))


@dataclass(frozen=True)
class Recall:
    """What one stage holds of a question's keywords; shares in [0, 1].

    coarse     share of the coarse keywords; 1 if there is none
    fine       share of the fine keywords
    points     share of the points with all of their keywords
    missing    the fine keywords that are not there
    """

    coarse: float
    fine: float
    points: float
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Say whether every fine keyword is there."""
        return not self.missing


def recall_in_chunks(keywords: Keywords, chunks: Sequence[str], rule: Rule = stems) -> Recall:
    """Return what the chunks hold together; fine keywords count in chunks with a coarse one only.

    chunks   texts of what was retrieved, or reranked, cut at whatever depth is asked about
    """
    if isinstance(chunks, str):
        raise MeasureError("One string is not a list of chunks.", "Give a list of texts.")
    forms = [rule(chunk) for chunk in chunks]
    wanted = [rule(keyword) for keyword in keywords.coarse]
    about = [form for form in forms if not wanted or any(each in form for each in wanted)]
    return _recall(keywords, forms, about, rule)


def recall_in_answer(keywords: Keywords, answer: str, rule: Rule = stems) -> Recall:
    """Return what the answer holds; it need not hold a coarse keyword."""
    return _recall(keywords, [rule(answer)], [rule(answer)], rule)


def lost_at(stages: Mapping[str, Recall]) -> dict[str, str]:
    """Return fine keyword -> the first stage that lacks it, of those that the last stage lacks.

    stages   name -> recall, in the order of the pipeline

    A keyword that is missing early and there again later (an answer may know it) is not lost.
    """
    if not stages:
        raise MeasureError("There is no stage.", "Give name -> recall, in order.")
    last = list(stages.values())[-1]
    return {
        keyword: next(name for name, found in stages.items() if keyword in found.missing)
        for keyword in last.missing
    }


def extract(question: str, answer: str) -> Keywords:
    """Make keywords from an English question and its reference answer, without a model.

    The coarse ones are the question's content words; every sentence of the answer is a point, and
    its keywords are the content words that neither the question nor an earlier point has, by stem.
    Given keywords are better: these know nothing of synonyms, nor of what matters.
    Raises MeasureError if the answer says nothing that the question does not.
    """
    seen: set[str] = set()
    coarse = _new_words(question, seen)
    sentences = [answer[start:end] for start, end in Sentences("en").spans(answer)]
    points = [_new_words(sentence, seen) for sentence in sentences]
    if not any(points):
        raise MeasureError("The answer has no word of its own.", "Give keywords yourself.")
    return Keywords(coarse, tuple(point for point in points if point))


def _new_words(text: str, seen: set[str]) -> tuple[str, ...]:
    """Return the content words whose stems were not seen, and add them to those that were."""
    found = []
    each_word = of_text(text)
    for word, stem in zip(each_word, _CONTENT.places(each_word), strict=True):
        if stem is not None and stem not in seen:
            seen.add(stem)
            found.append(word)
    return tuple(found)


def _recall(keywords: Keywords, forms: list[str], about: list[str], rule: Rule) -> Recall:
    held = {k for k in keywords.fine if any(rule(k) in form for form in about)}
    coarse = [any(rule(k) in form for form in forms) for k in keywords.coarse]
    return Recall(
        sum(coarse) / len(coarse) if coarse else 1.0,
        len(held) / len(keywords.fine),
        sum(held.issuperset(point) for point in keywords.points) / len(keywords.points),
        tuple(keyword for keyword in keywords.fine if keyword not in held),
    )
