"""The collection that comes with the program: 318 cards of papers, 25 queries, judgements.

papers/corpus.jsonl     {"_id", "title", "text", "metadata"}: a title and a few words on the method
papers/queries.jsonl    {"_id", "text"}: keywords, questions and paraphrases
papers/qrels/test.tsv   query-id, corpus-id, score: 3 exactly that, 2 strongly related, 1 partly

The layout is that of BEIR. The first fifteen cards of a lexical and of a dense search were judged
for every query, after all cards had been read; a pair that is not listed is not relevant.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from everygrain.errors import InputError


def bundled() -> Path:
    """Return the folder of the bundled collection.

    Raises InputError where the program runs from an archive, which holds no folders.
    """
    folder = files("everygrain.data").joinpath("papers")
    if not isinstance(folder, Path):
        raise InputError(
            "The bundled collection lies inside an archive.",
            "Install everygrain unpacked, as pip does.",
        )
    return folder
