"""What an index learns from its own documents, and learns anew when they have become others: the
language, the fit of an encoder, the weight of the legs; and what replaces its encoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from everygrain.analyze import Words
from everygrain.analyze.language import detect
from everygrain.document import Document
from everygrain.encode import registry
from everygrain.encode.base import Encoder, FittedEncoder
from everygrain.encode.words.base import BagEncoder
from everygrain.errors import ModelError
from everygrain.index.report import Report
from everygrain.index.staging import staged
from everygrain.index.store import Store
from everygrain.index.vectors import Fields, joined_words, split_fields
from everygrain.index.word_encoders import make_words, reword
from everygrain.index.writer import Writer, writer
from everygrain.rank import weigh
from everygrain.rank.legs import Views
from everygrain.segment.base import Segmenter
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences

FIT_SAMPLE = 10_000


class Refitting:
    """The part of an Index that learns from what it holds."""

    store: Store
    views: Views

    def reencode(
        self,
        encoder: str | Encoder,
        on_progress: Callable[[int], None] | None = None,
        *,
        background: bool = False,
    ) -> None:
        """Build the vectors of another encoder beside the old ones, then swap them in at once.

        background   whether others may change the index meanwhile; called again after it was
                     killed, it goes on where it stopped (see `everygrain.index.staging`)
        """
        spec = encoder if isinstance(encoder, str) else "given"
        if background:
            make = partial(self._encoder_of, encoder)
            with staged(self.store, spec, make, self._passages, on_progress) as write:
                self._weigh(write)
            return
        with writer(self.store) as write:
            made = self._encoder_of(encoder)
            write.set_encoder(made, spec, on_progress)
            if made is not None:
                self._weigh(write)

    def _encoder_of(self, encoder: str | Encoder) -> Encoder | None:
        """Return an encoder by name, or as given; fitted to the documents, if it is one to fit."""
        if isinstance(encoder, str):
            made = registry.create(encoder, self.store.analyzer.language)
        else:
            registry.check(encoder)
            made = encoder
        return self._fitted(made) if isinstance(made, FittedEncoder) else made

    def reword(
        self, words: str | BagEncoder, on_progress: Callable[[int], None] | None = None
    ) -> None:
        """Build the word vectors of another word encoder beside the old ones, then swap them in
        at once; "none" drops them."""
        with writer(self.store) as write:
            reword(write, words, self.store.analyzer.language, on_progress)

    # what follows from a change by itself

    def _prepare(self, write: Writer, batch: Sequence[Document]) -> Fields | None:
        """Settle, with the first documents, what the index was not told: language, encoder.

        Returns their words, where the encoder learned from them.
        """
        if not (write.catalogue.count() or self.store.setting("language_given")) and batch:
            language = detect([f"{d.title} {d.text}" for d in batch])
            settings = self.store.setting("analyzer") | {"language": language}
            with write.catalogue.writing():
                write.catalogue.set("analyzer", settings)
                write.catalogue.set("language_given", True)
            write.use_language(language)
        make_words(write, self.store.analyzer.language)
        spec = self.store.setting("encoder_spec")
        if self.store.fingerprint is None and spec not in ("none", "given"):
            made, fields = registry.create(spec, self.store.analyzer.language), None
            if isinstance(made, FittedEncoder):
                learned, fields = self._split_once(batch)
                made = made.fit(learned)
            write.set_encoder(made, spec)
            return fields
        return None

    def _split_once(self, batch: Sequence[Document]) -> tuple[Words, Fields]:
        """Return the words that an encoder learns from, and those of the batch to be indexed.

        They are the same but for documents that questions were taken out of.
        """
        rows = sorted(range(min(len(batch), FIT_SAMPLE)), key=lambda row: batch[row].id)
        shortened: list[Document] = []
        kept = weigh.unquestioned([batch[row] for row in rows], self._sentences())
        for place, document in enumerate(kept):
            if document is not batch[rows[place]]:
                rows[place] = len(batch) + len(shortened)
                shortened.append(document)
        fields = split_fields([*batch, *shortened])
        learned = joined_words(*fields.take(np.array(rows, dtype=np.int64)))
        return learned, fields.take(np.arange(len(batch)))

    def _follow_up(self, write: Writer, report: Report) -> None:
        """Refit what has become old: the encoder, if it learns, and the fusion weight."""
        count = write.catalogue.count()
        encoder = write.encoder
        if isinstance(encoder, FittedEncoder) and is_due(encoder.fitted, count):
            try:
                refitted = self._fitted(encoder)
                write.set_encoder(refitted, self.store.setting("encoder_spec"))
                report.notes.append(
                    f"The encoder was fitted anew to {refitted.fitted:,} documents."
                )
            except ModelError as error:
                report.notes.append(f"The encoder keeps its old fit. {error}")
        fusion = self.store.setting("fusion")
        measured = fusion["documents"] if fusion else 0
        if write.encoder is not None and (not fusion or is_due(measured, count)):
            self._weigh(write)

    def _fitted(self, encoder: FittedEncoder) -> FittedEncoder:
        with self.views.newest() as view:
            ids = weigh.sampled_ids(view, FIT_SAMPLE)
            found = view.store.catalogue.fetch(ids)
        return encoder.fit(self._words_to_learn([found[i] for i in sorted(found)]))

    def _words_to_learn(self, documents: Sequence[Document]) -> Words:
        kept = weigh.unquestioned(documents, self._sentences())
        return joined_words(*split_fields(kept))

    def _weigh(self, write: Writer | None = None) -> None:
        with self.views.newest() as view:
            ids = weigh.sampled_ids(view, weigh.SAMPLE, reserved=True)
            found = view.store.catalogue.fetch(ids)
            documents = [found[i] for i in ids]
            fitted = weigh.fit(view, documents, self._sentences(), self._passages())
        if fitted is None:
            return
        if write is None:
            with writer(self.store) as write, write.catalogue.writing():
                write.catalogue.set("fusion", fitted.settings())
        else:
            with write.catalogue.writing():
                write.catalogue.set("fusion", fitted.settings())

    def weigh(self) -> None:
        """Measure the legs on pseudo-queries now, and set the weights of `hybrid` by it."""
        self._weigh()

    # what texts are cut into

    def segmenters(self) -> tuple[Segmenter, Segmenter]:
        """Return what cuts texts into sentences, and into the passages that are encoded."""
        return self._sentences(), self._passages()

    def _sentences(self) -> Segmenter:
        return Sentences(self.store.analyzer.language)

    def _passages(self) -> Segmenter:
        return Passages(
            words=self.store.setting("passage_words"),
            overlap=self.store.setting("passage_overlap"),
            sentences=self._sentences(),
        )


def is_due(then: int, now: int) -> bool:
    """Tell whether what was learned from `then` documents should be learned anew from `now`.

    The refresh rule: when the collection has doubled; above 10,000 documents, where a sample of
    10,000 tells nearly all, when it has grown tenfold.
    """
    return now >= then * (2 if then < 10_000 else 10)
