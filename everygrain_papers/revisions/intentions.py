"""Why something was changed: a guess by simple rules, never more.

The kinds follow the groups of arXivEdits' intentions as far as words alone can tell them.
"""

from __future__ import annotations

import re
from typing import Literal

from everygrain_papers.revisions.words import words_of

Intention = Literal[
    "format",
    "typo or grammar",
    "numbers changed",
    "claim weakened",
    "claim strengthened",
    "content added",
    "content removed",
    "rephrased",
]

_HEDGES = """
about almost apparently appear appears approximately arguably can could fairly generally hope
indicate indicates largely likely mainly may maybe might mostly often partially partly perhaps
plausible possible possibly potential potentially preliminary presumably probably rather relatively
roughly seem seems some sometimes somewhat suggest suggests tend tends typically usually certain
limited attempt attempts
"""
_BOOSTS = """
all always best certainly clearly completely considerably definitely demonstrate demonstrates
dramatically entirely every extremely first fully greatly guarantee guarantees highly must never
new novel obviously outperform outperforms prove proves remarkable remarkably significant
significantly state-of-the-art strong strongly substantial substantially superior surely
unprecedented vastly very
"""
_GRAMMAR = """
a an the of in on at to for from by with as and or but that which this these those it its is are
was were be been being has have had do does did we our their there then than so also
"""
HEDGES, BOOSTS = frozenset(_HEDGES.split()), frozenset(_BOOSTS.split())
GRAMMAR = frozenset(_GRAMMAR.split())
_NUMBER = re.compile(r"\d")
_MUCH = 3  # words of content, from which an insertion is content


def guess(old: str, new: str) -> Intention:
    """Guess the intention of replacing `old` by `new`, of which one may be empty.

    The first rule that holds decides: only marks, space or case differ (format); numbers
    differ; hedges or boosts were added or taken away; a small change of letters or of words of
    grammar; three words of content or more that only one side has; else it was rephrased.
    """
    before, after = words_of(old), words_of(new)
    low_before, low_after = [w.lower() for w in before], [w.lower() for w in after]
    if low_before == low_after:
        return "format"
    numbers = [[w for w in words if _NUMBER.search(w)] for words in (low_before, low_after)]
    if numbers[0] and numbers[1] and sorted(numbers[0]) != sorted(numbers[1]):
        return "numbers changed"
    gone = [w for w in low_before if w not in low_after]
    come = [w for w in low_after if w not in low_before]
    strength = sum((w in BOOSTS) - (w in HEDGES) for w in come)
    strength -= sum((w in BOOSTS) - (w in HEDGES) for w in gone)
    content = [[w for w in words if w not in GRAMMAR] for words in (gone, come)]
    if strength and max(map(len, content)) <= 2 * abs(strength) + 1:
        return "claim strengthened" if strength > 0 else "claim weakened"
    if not content[0] and not content[1]:
        return "typo or grammar"
    if len(content[0]) == len(content[1]) and all(
        _one_word(a, b) for a, b in zip(*content, strict=True)
    ):
        return "typo or grammar"
    if len(content[1]) >= _MUCH and len(content[1]) >= 2 * len(content[0]):
        return "content added"
    if len(content[0]) >= _MUCH and len(content[0]) >= 2 * len(content[1]):
        return "content removed"
    if not content[0] or not content[1]:
        return "content added" if content[1] else "content removed"
    return "rephrased"


def _one_word(one: str, other: str) -> bool:
    """Return whether two words are forms or spellings of one."""
    from Stemmer import Stemmer

    stems = Stemmer("english").stemWords([one, other])
    if stems[0] == stems[1]:
        return True
    longer = max(len(one), len(other))
    return longer >= 4 and letters_apart(one, other) <= (1 if longer < 7 else 2)


def letters_apart(one: str, other: str) -> int:
    """Return the least number of letters to insert, delete, replace or swap with the next.

    (Optimal string alignment distance.)
    """
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            least = min(row[j - 1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]
