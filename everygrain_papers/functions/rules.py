"""Functions of sentences by cue phrases and places: no training, no data, thousands a second.

A sentence's score for a function is the sum over the cue phrases that occur in it, plus what its
place says:

    score(i, f) = sum_{phrases in sentence i} weight(phrase, f) + place(i / (n - 1), f)

and the abstract's labels are the best path with hand-set scores for what follows what. Phrases
are our own, from reading abstracts; weights and places were set by hand with an eye on the counts
of csabstruct/train, never its dev. See benchmarks/results/papers_functions.md for how far they
carry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from everygrain_papers.functions.base import FUNCTIONS, Floats, Function, Labelled, check, labelled
from everygrain_papers.functions.sequence import Transitions, padded

_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*|[©%=~]|https?|\d")
_OPENING = "^"  # stands before the first word of a sentence

# function -> weight -> phrases, "|" between them; "^" is the beginning of the sentence
_CUES: dict[Function, dict[float, str]] = {
    "background": {
        1.6: "in recent years|recent years|has become|have become|has been widely|widely used|"
        "has attracted|have attracted|has received|has emerged|have emerged|plays an|play an|"
        "increasingly|is one of the|are one of the|is a fundamental|is an important|^recently|"
        "traditionally|has long been|years ago|over the last|over the past|past decade",
        1.0: "most existing|existing methods|existing approaches|previous work|prior work|often|"
        "typically|usually|has been|have been|is known|well known|popular|many applications|"
        "is essential|is crucial|is critical|are essential|tend to|nowadays|today|can be seen|"
        "is a challenging|is challenging|remains a|^many|^most|is used in|are used in",
        0.8: "^however|^although|^despite|^while|suffer from|suffers from|difficult to|fail to|"
        "is still|are still|little is known|lack of|has not been|have not been|limited by|"
        "it is well|require|requires|important",
    },
    "problem": {
        2.4: "this paper addresses|we address the|the aim of|the goal of|our goal|our aim|"
        "the purpose of|this study aims|this paper aims|aims to|aim to|the objective|"
        "our objective|we investigate whether|we ask|is concerned with|research question|"
        "we consider the problem|we study the problem|the problem of|in this work we address|"
        "we tackle|this paper tackles|this article addresses|this work addresses",
        1.6: "^in this paper|^in this work|^in this article|^in this study|^in this letter|"
        "^this paper|^this article|^this study|^this work|this paper presents|this thesis|"
        "^here we|this paper proposes|this paper describes|we introduce|^to this end|"
        "^to address|^motivated by|^we present|^we propose|^we study|^we investigate|"
        "^we consider|^we explore|^we describe|we aim|in this paper|in this work",
        0.6: "novel|a new|propose|presents|we present|we propose|^thus there is a need|question",
    },
    "method": {
        1.6: "is based on|are based on|based on a|we use|we used|we employ|we then|^then|^first|"
        "^second|^third|^next|^finally we|consists of|we apply|were used|was used|is used to|"
        "are used to|we train|we develop|we design|we extend|we formulate|we collected|"
        "our approach|our method|our model|our algorithm|our framework|our system|the model|"
        "the proposed method|the algorithm|by using|we first|we also propose|were collected|"
        "is applied|are applied|we combine|we evaluate|we evaluated|we analyze|we analyse|"
        "we discuss|is trained|are trained|we describe how|we derive|we implement|were recruited",
        0.8: "using|algorithm|framework|method|approach|technique|technique|algorithms|network|"
        "architecture|module|combines|uses|utilizes|exploits|leverages|leveraging|via|by means|"
        "specifically|in particular|each|model|step|input|dataset|participants|we|our",
        0.4: "procedure|training|features|layer|optimization|function|proposed|matrix|graph",
    },
    "result": {
        2.6: "results show|results indicate|results demonstrate|results suggest|results reveal|"
        "experimental results|we show that|we found|we find|we demonstrate that|outperforms|"
        "outperform|state-of-the-art performance|state-of-the-art results|we conclude|"
        "it is shown|it was found|experiments show|experiments demonstrate|simulation results|"
        "our results|our findings|the findings|findings|our experiments|extensive experiments|"
        "we observe|we prove that|the results|conclusion|conclusions|significantly better",
        1.6: "outperforming|improves|improved|improvement|significantly|achieves|achieve|achieved|"
        "accuracy of|superior|compared to|compared with|reduces|reduction|demonstrated|showed|"
        "higher than|better than|lower than|effectiveness|we also show|future work|can be used|"
        "performance|experiments|^finally|confirm|confirmed|suggest|suggests|correlated|revealed",
        0.7: "show|shows|demonstrate|demonstrates|%|accuracy|efficient|faster|gain|implications|"
        "percent|competitive|indicate|indicates|found|better|results|effective|provides",
    },
    "other": {
        5.0: "all rights reserved|rights reserved|©|copyright|elsevier ltd|elsevier|published by|"
        "springer|wiley|keywords|index terms|e-mail|email|tel|corresponding author|"
        "supported by|this research was|was supported|acknowledg|wileyonlinelibrary|doi|"
        "supplementary information|supplementary data|availability and implementation|"
        "accepted for publication|to appear|home page|associate editor|proceedings of",
        3.0: "http|https|www|available at|publicly available|source code|code is available|"
        "university|department|© ieee|freely available|our code|grant|license",
    },
}  # fmt: skip

# function -> its score at the first sentence, a third, two thirds, and the last
_PLACES: dict[Function, tuple[float, float, float, float]] = {
    "background": (1.7, 0.7, -0.9, -1.6),
    "problem": (0.0, 0.5, -0.7, -1.4),
    "method": (-0.7, 0.6, 0.9, 0.0),
    "result": (-2.0, -1.2, 0.1, 1.5),
    "other": (-1.4, -2.4, -2.4, -1.2),
}

# what follows what: row before, column after
FOLLOWS = np.array(
    [
        #  background problem method result other
        [0.7, 0.3, -0.6, -1.0, -0.8],
        [-0.7, 0.5, 0.5, -0.4, -0.8],
        [-1.5, -0.9, 0.6, 0.3, -0.8],
        [-1.8, -1.2, -0.7, 1.0, 0.4],
        [-0.8, -0.8, -0.6, -0.4, 2.0],
    ]
)


def _phrases() -> dict[str, list[tuple[tuple[str, ...], int, float]]]:
    """Return first word -> [(all words, number of the function, weight), ...]."""
    found: dict[str, list[tuple[tuple[str, ...], int, float]]] = {}
    for function, weights in _CUES.items():
        for weight, phrases in weights.items():
            for phrase in phrases.split("|"):
                opened = phrase.startswith("^")
                words = ((_OPENING,) if opened else ()) + tuple(phrase.lstrip("^").split())
                row = (words, FUNCTIONS.index(function), weight)
                found.setdefault(words[0], []).append(row)
    return found


_PHRASES = _phrases()


def cues(sentence: str) -> list[float]:
    """Return the sum of cue weights for each of FUNCTIONS; a phrase counts once, however often."""
    words = (_OPENING, *_WORD.findall(sentence[:5000].lower()))
    seen: set[tuple[tuple[str, ...], int]] = set()
    scores = [0.0] * len(FUNCTIONS)
    for i, word in enumerate(words):
        for phrase, function, weight in _PHRASES.get(word, ()):
            if words[i : i + len(phrase)] == phrase and (phrase, function) not in seen:
                seen.add((phrase, function))
                scores[function] += weight
    if not any(len(word) > 1 for word in words):  # a number, a mark: no sentence at all
        scores[FUNCTIONS.index("other")] += 4.0
    return scores


def scores(sentences: Sequence[str]) -> Floats:
    """Return (sentences, 5): cue weights and what the place says, in the order of FUNCTIONS."""
    count = len(sentences)
    told = np.array([cues(each) for each in sentences]).reshape(count, len(FUNCTIONS))
    place = np.arange(count) / max(1, count - 1)
    knots = np.array([0.0, 1 / 3, 2 / 3, 1.0])
    for k, function in enumerate(FUNCTIONS):
        told[:, k] += np.interp(place, knots, _PLACES[function])
    return told


@dataclass(frozen=True)
class Rules:
    """Labels by cue phrases, place and order; needs nothing, and explains itself.

    Probabilities are those of the path's model: an order of likelihood, not calibrated.
    """

    def label(self, sentences: Sequence[str]) -> Labelled:
        return self.label_all([sentences])[0]

    def label_all(self, abstracts: Sequence[Sequence[str]]) -> list[Labelled]:
        check(abstracts)
        found: list[Labelled] = []
        follows = Transitions(np.zeros(len(FUNCTIONS)), FOLLOWS)
        for first in range(0, len(abstracts), 512):
            batch = abstracts[first : first + 512]
            lengths = [len(each) for each in batch]
            rows = np.concatenate([scores(each) for each in batch])
            emissions = padded(rows, lengths)
            found += labelled(
                follows.paths(emissions, lengths), follows.marginals(emissions, lengths), lengths
            )
        return found

    def why(self, sentence: str) -> dict[str, float]:
        """Return the cue phrases of a sentence for its best-scored function, with weights."""
        best = int(np.argmax(cues(sentence)))
        words = (_OPENING, *_WORD.findall(sentence[:5000].lower()))
        return {
            " ".join(phrase).replace(_OPENING + " ", ""): weight
            for i, word in enumerate(words)
            for phrase, function, weight in _PHRASES.get(word, ())
            if function == best and words[i : i + len(phrase)] == phrase
        }
