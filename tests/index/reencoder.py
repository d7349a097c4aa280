"""A process that re-encodes an index beside others, with an encoder slow enough to be killed."""

import time
from pathlib import Path

from everygrain.document import Document
from everygrain.engine import Index

from .encoders import WordHash

COUNT = 1_500


class Slow(WordHash):
    """Takes a millisecond a text, and tells in a journal how many texts it was given."""

    journal = None

    @property
    def fingerprint(self):
        return f"slow-{self.dimensions}-{self.seed}"

    def encode(self, texts, kind="document"):
        if self.journal is not None and kind == "document":
            with open(self.journal, "a", encoding="utf-8") as file:
                file.write(f"{len(texts)}\n")
            time.sleep(0.001 * len(texts))
        return super().encode(texts, kind)


def slow(journal):
    made = Slow(seed=1)
    object.__setattr__(made, "journal", journal)
    return made


def document(i, text="stones"):
    return Document(f"d{i}", f"River {i} runs over {text} of valley {i % 40}.", f"On river {i}")


def reencode(folder, journal):
    """Re-encode an index until it is done, or somebody kills this process."""
    with Index.open(Path(folder), WordHash(0)) as index:
        index.reencode(slow(journal), background=True)


def texts_told(journal):
    """Return how many texts each call of the encoder was given."""
    return [int(line) for line in journal.read_text().split()] if journal.exists() else []
