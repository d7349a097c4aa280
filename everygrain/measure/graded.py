"""T2Ranking's files -> a Collection with judgements of four grades.

Source: T2Ranking: A large-scale Chinese Benchmark for Passage Ranking. Grades go from 0
(irrelevant) to 3 (perfectly relevant); for retrieval a passage counts from grade 2 on, so ask for
`R(rel=2)@50` or `RR(rel=2)@10`; `nDCG@5` takes the grades as gains, EXPONENTIAL_NDCG 2^grade - 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.measure.collections import Collection
from everygrain.measure.judgements import read_judgements
from everygrain.measure.rows import misread, numbered_lines

GRADES = (0, 1, 2, 3)
RELEVANT_FROM = 2
EXPONENTIAL_NDCG = "nDCG(gains={0:0,1:1,2:3,3:7})@10"


def load_t2ranking(folder: str | Path, split: str = "dev", *, graded: bool = True) -> Collection:
    """Load a folder of collection.tsv, queries.<split>.tsv and qrels.<split>.tsv.

    graded   False reads qrels.retrieval.<split>.tsv instead, where all that is listed is relevant

    Raises InputError for a missing file, for a grade that is not 0, 1, 2 or 3, and with file and
    line for a broken line and a query id with two texts.
    """
    folder = Path(folder)
    kind = "" if graded else "retrieval."
    path = folder / f"qrels.{kind}{split}.tsv"
    judgements = read_judgements(path, columns=4 if graded else 2)
    for query, grades in judgements.items():
        for document, grade in grades.items():
            if grade not in GRADES:
                raise InputError(
                    f"{path}: the grade {grade} of '{document}' for query '{query}' is none of "
                    f"{', '.join(map(str, GRADES))}.",
                    "Mend the line, or load the files as TREC's.",
                )
    queries: dict[str, str] = {}
    source = folder / f"queries.{split}.tsv"
    for number, query, text in read_pairs(source):
        if queries.setdefault(query, text) != text:
            raise misread(source, number, f"the query '{query}' has two texts.", "Keep one line.")
    name = f"{folder.resolve().name}/{split}"
    return Collection(name, queries, judgements, partial(read_passages, folder / "collection.tsv"))


def read_passages(path: str | Path) -> Iterator[Document]:
    """Read lines of passage id, tab, text as Documents, one at a time.

    Raises InputError, with file and line, for the first line that is broken.
    """
    path = Path(path)
    for number, identifier, text in read_pairs(path):
        try:
            document = Document(identifier, text)
        except InputError as error:
            raise misread(path, number, error.problem, error.remedy) from None
        yield document


def read_pairs(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, id, text) below a header `pid text` or `qid text`, if there is one.

    Quotes are as good as any other character; a text may be empty.
    Raises InputError, with file and line, for a line without a tab or without an id.
    """
    for number, line in numbered_lines(path):
        identifier, tab, text = line.partition("\t")
        if number == 1 and identifier.lower() in ("pid", "qid"):
            continue
        if not tab or not identifier.strip():
            raise misread(path, number, "no 'id, tab, text'.", "Part id and text by a tab.")
        yield number, identifier.strip(), text
