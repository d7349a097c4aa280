"""Why a paper is in a digest, in sentences that its reader understands."""

from __future__ import annotations

from collections.abc import Mapping

from everygrain_papers.digest.plain import letters
from everygrain_papers.interests.interest import Interest
from everygrain_papers.interests.recommendation import Reasons
from everygrain_papers.paper import Paper

MOST_TERMS = 5


def told(reasons: Reasons, interest: Interest, library: Mapping[str, Paper]) -> tuple[str, ...]:
    """Return the reasons of one paper, the strongest first; never none.

    library   id -> Paper of those that the reader liked or began with
    """
    found = []
    near = library.get(reasons.nearest or "")
    if near is not None:
        whose = "which you liked" if near.id in interest.liked else "which you began with"
        found.append(
            f"Near to “{letters(near.title, 120)}”, {whose} (similarity {reasons.similarity:.2f})."
        )
    if reasons.keywords:
        found.append(f"Holds your keywords: {', '.join(reasons.keywords[:MOST_TERMS])}.")
    if reasons.terms:
        terms = ", ".join(term for term, _ in reasons.terms[:MOST_TERMS])
        found.append(f"Terms that spoke for it: {terms}.")
    return tuple(found) or ("The nearest of what arrived to this interest.",)
