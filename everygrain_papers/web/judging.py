"""Judging: grades for the papers that a query finds, and the way out for them: TREC qrels."""

from __future__ import annotations

import hashlib
from collections import Counter

from starlette.responses import JSONResponse, PlainTextResponse, Response

from everygrain_papers.people import Judgement
from everygrain_papers.web.cards import Card
from everygrain_papers.web.highlight import folded
from everygrain_papers.web.rendering import Refusal
from everygrain_papers.web.visit import SAID, Visit

DEPTH = 20  # papers of a query that are judged
GRADES = ("0", "1", "2")


def judge(visit: Visit) -> Response:
    """Show the papers of a query in an order that tells nothing, or keep a grade."""
    if visit.request.method == "POST":
        return _grade(visit)
    query = " ".join(visit.asked("q").split())[:1000]
    given = visit.people.judgements(visit.user.id)
    graded = {each.paper: str(each.grade) for each in given if each.query == query}
    made = []
    if query:
        # from what is alike in words and in meaning, and from what was graded before
        hits = visit.room.search(query, DEPTH).hits
        papers = {hit.paper.id: hit.paper for hit in hits} | visit.room.papers.fetch(list(graded))
        order = sorted(papers.values(), key=lambda p: _shuffled(query, p.id))
        made = [
            Card(number, paper, abstract=folded(paper), grade=graded.get(paper.id, ""))
            for number, paper in enumerate(order, 1)
        ]
    queries = Counter(each.query for each in given)
    return visit.page(
        "judge.html", place="judge", query=query, cards=made, total=len(given),
        queries=list(queries.items()),
    )  # fmt: skip


def _grade(visit: Visit) -> Response:
    grade = visit.field("grade")
    if grade not in (*GRADES, ""):
        raise Refusal(400, f"'{grade[:40]}' is no grade.", f"Use one of {', '.join(GRADES)}.")
    paper = visit.room.papers.get(visit.field("paper"))
    visit.people.judge(visit.user.id, visit.field("query"), paper.id, int(grade) if grade else None)
    if visit.wants_json:
        return JSONResponse({"said": SAID["graded" if grade else "unmarked"], "grade": grade})
    return visit.go(visit.field("back"), "graded" if grade else "unmarked")


def qrels(visit: Visit) -> Response:
    """Give the grades as TREC qrels: query id, 0, paper id, grade."""
    lines = [
        f"{query_id(each.query)} 0 {_token(each.paper)} {each.grade}\n"
        for each in visit.people.judgements(visit.user.id)
    ]
    return _file("qrels.txt", "".join(lines))


def queries(visit: Visit) -> Response:
    """Give the queries of the grades: id, a tab, text."""
    given: list[Judgement] = visit.people.judgements(visit.user.id)
    texts = dict.fromkeys(each.query for each in given)
    return _file("queries.tsv", "".join(f"{query_id(text)}\t{text}\n" for text in texts))


def query_id(query: str) -> str:
    """Return the same short id for a query wherever it is judged."""
    return "q" + hashlib.blake2b(query.encode(), digest_size=5).hexdigest()


def _token(id: str) -> str:
    """Return an id without white space: columns of qrels are told apart by it."""
    return "".join(f"%{ord(c):02X}" if c.isspace() or c == "%" else c for c in id)


def _shuffled(query: str, id: str) -> bytes:
    return hashlib.blake2b(f"{query}\t{id}".encode(), digest_size=8).digest()


def _file(name: str, text: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers)
