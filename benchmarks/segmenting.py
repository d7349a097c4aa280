"""Sentence segmenters side by side: boundaries found, offsets kept, speed.

    python benchmarks/segmenting.py

Reads ../shared/data (gum-sentences and ewt-sentences, dev parts) and writes
benchmarks/results/segmenting.json and .md. A library that is not installed is left out:
pip install pysbd syntok.

A boundary is the offset at which a sentence ends; the end of the document, which everything
finds, does not count. Precision and recall are over all boundaries of a collection. Each
collection is also read with its blank lines made single line breaks ("one line a paragraph") and
with its paragraphs wrapped at 72 characters, both without moving an offset.
"""

from __future__ import annotations

import json
import platform
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from everygrain.segment.sentences import Sentences

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
RESULTS = Path(__file__).resolve().parent / "results"
COLLECTIONS = ("gum-sentences", "ewt-sentences")
RUNS = 5

Spans = list[tuple[int, int]]
Segment = Callable[[str], Spans]


def sentencex_spans(text: str) -> Spans:
    from sentencex import get_sentence_boundaries

    return [(s["start_index"], s["end_index"]) for s in get_sentence_boundaries("en", text)]


def pysbd_segmenter() -> Segment:
    import pysbd

    segmenter = pysbd.Segmenter(language="en", clean=False, char_span=True)
    return lambda text: [(span.start, span.end) for span in segmenter.segment(text)]


def syntok_spans(text: str) -> Spans:
    from syntok import segmenter

    found = [list(s) for paragraph in segmenter.analyze(text) for s in paragraph]
    return [(s[0].offset, s[-1].offset + len(s[-1].value)) for s in found if s]


def segmenters() -> Iterator[tuple[str, Segment]]:
    """Yield (name, function) of what is installed, ours first."""
    yield "everygrain Sentences", Sentences().spans
    yield f"sentencex {version('sentencex')}", sentencex_spans
    if find_spec("pysbd"):
        yield f"pysbd {version('pysbd')}", pysbd_segmenter()
    if find_spec("syntok"):
        yield f"syntok {version('syntok')}", syntok_spans


def bare(text: str, spans: Spans) -> Spans:
    """Take white space off both ends of every span; drop what is left empty."""
    kept = []
    for start, end in spans:
        piece = text[start:end]
        if piece.strip():
            start += len(piece) - len(piece.lstrip())
            kept.append((start, start + len(piece.strip())))
    return kept


def exact(text: str, spans: Spans) -> bool:
    """Say whether the spans are in order and leave out nothing but white space."""
    last = 0
    for start, end in spans:
        if start < last or text[last:start].strip():
            return False
        last = end
    return not text[last:].strip()


def one_line_a_paragraph(text: str) -> str:
    return text.replace("\n\n", " \n")


def wrapped(text: str) -> str:
    """Wrap paragraphs at 72 characters, where that only turns single spaces into line ends."""
    paragraphs = []
    for paragraph in text.split("\n\n"):
        lines = textwrap.wrap(paragraph, 72, break_long_words=False, break_on_hyphens=False)
        filled = "\n".join(lines)
        paragraphs.append(filled if len(filled) == len(paragraph) else paragraph)
    return "\n\n".join(paragraphs)


LAYOUTS: dict[str, Callable[[str], str]] = {
    "as published": lambda text: text,
    "one line a paragraph": one_line_a_paragraph,
    "wrapped at 72": wrapped,
}


def measure(segment: Segment, texts: list[str], gold: list[set[int]]) -> dict[str, Any]:
    """Return precision, recall, F1 and documents with inexact offsets."""
    right = given = wanted = inexact = 0
    for text, ends in zip(texts, gold, strict=True):
        spans = bare(text, segment(text))
        found = {end for _, end in spans} - {len(text)}
        right, given, wanted = right + len(found & ends), given + len(found), wanted + len(ends)
        inexact += not exact(text, spans)
    precision, recall = right / given, right / wanted
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
        "documents_with_inexact_offsets": inexact,
    }


def seconds(segment: Segment, texts: list[str]) -> float:
    """Return the shortest of several runs over the texts."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        for text in texts:
            segment(text)
        best = min(best, time.perf_counter() - start)
    return best


def rows() -> Iterator[dict[str, Any]]:
    for collection in COLLECTIONS:
        with open(DATA / collection / "dev.jsonl", encoding="utf-8") as lines:
            documents = [json.loads(line) for line in lines]
        published = [document["text"] for document in documents]
        gold = [{end for _, end in d["sentences"]} - {len(d["text"])} for d in documents]
        sentences = sum(len(document["sentences"]) for document in documents)
        for name, segment in segmenters():
            taken = seconds(segment, published)
            for layout, change in LAYOUTS.items():
                yield {
                    "collection": collection,
                    "layout": layout,
                    "segmenter": name,
                    **measure(segment, [change(text) for text in published], gold),
                    "sentences_per_second": round(sentences / taken),
                }


def table(measured: list[dict[str, Any]]) -> str:
    lines = [
        "# Sentence segmenters",
        "",
        "Made by `python benchmarks/segmenting.py` on the dev parts of gum-sentences (30 documents,"
        " 1,575 sentences) and ewt-sentences (318 documents, 2,001 sentences).",
        f"Python {platform.python_version()}, one core; speed is the best of {RUNS} runs"
        " on the layout as published.",
        "",
        "| collection | layout | segmenter | precision | recall | F1 | inexact documents |"
        " sentences/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['collection']} | {row['layout']} | {row['segmenter']} | {row['precision']:.3f} |"
        f" {row['recall']:.3f} | {row['f1']:.3f} | {row['documents_with_inexact_offsets']} |"
        f" {row['sentences_per_second']:,} |"
        for row in measured
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    if not DATA.is_dir():
        sys.exit("Skipped: the development data (../shared/data) is not here.")
    measured = list(rows())
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "segmenting.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    (RESULTS / "segmenting.md").write_text(table(measured), "utf-8")
    print(table(measured), end="")


if __name__ == "__main__":
    main()
