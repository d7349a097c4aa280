"""Papers, readers and digests made up for these tests."""

import random
from datetime import UTC, datetime, timedelta

from everygrain_papers.digest.issue import Digest, Pick, Section
from everygrain_papers.paper import Paper

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECRET = bytes(range(32))

_RETRIEVAL = """
passage query ranking index posting dense sparse encoder relevance judgement corpus recall precision
fusion reranker term lexical vector similarity pooling feedback expansion snippet crawler cluster
anchor citation answer question engine latency pruning quantised shard cache click log evaluation
"""
_BIRDS = """
warbler nest migration song plumage feather forest wetland clutch fledgling predator owl heron beak
foraging seed insect canopy territory winter spring ringing survey habitat sparrow finch raptor
colony island coast feeding egg brood season altitude wind molt flock roost swallow tern breeding
"""
WORDS = {"retrieval": _RETRIEVAL.split(), "birds": _BIRDS.split()}


def papers(start, count, subject):
    """Papers of one of two subjects, "retrieval" or "birds", with numbers from `start`."""
    return [_paper(number, subject) for number in range(start, start + count)]


def _paper(number, subject):
    chosen = random.Random(f"{subject} {number}")
    words = [chosen.choice(WORDS[subject]) for _ in range(40)]
    return Paper(
        f"{subject}:{number}",
        f"{words[0].capitalize()} {words[1]} and {words[2]} {words[3]} by {words[4]} {words[5]}",
        f"We study {' '.join(words[6:16])}. We count {' '.join(words[16:28])}."
        f" The {' '.join(words[28:])} of {subject} grows.",
        ("Ada Lovelace", "Grace Hopper"),
        "Journal of Made-up Tests",
        2026,
        "2026-11-19",
        url=f"https://example.org/{subject}/{number}",
    )


HOSTILE = Paper(
    "hostile:1\u202e",
    '<script>alert("title")</script>\u202egnp.exe $\\mathcal{L}_{<1}$ \x1b[31mred',
    '<img src=x onerror=alert(1)> $\\href{javascript:alert(1)}{x}$ & "quotes" ]]> {{ 7*7 }}'
    + " word" * 200_000,
    ("Eve\r\nBcc: all@example.org", "<b>Mallory</b>", "C", "D", "E", "F"),
    "Venue </style><script>",
    2026,
    url="javascript:alert(document.domain)",
)


def digest(*picks, name="Dense retrieval"):
    """A digest of one interest; without picks an empty one."""
    sections = (Section("interest-1", name, picks),) if picks else ()
    return Digest(
        "reader-1", "Ada", "Europe/Lisbon", NOW - timedelta(days=1), NOW, sections, 42
    )  # fmt: skip


def pick(paper, *reasons):
    return Pick(paper, 0.5, reasons or ("Near to “Late interaction”, which you liked.",))
