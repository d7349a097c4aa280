"""Which word encoder an index has: one by name, made with the first documents, or a given one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from everygrain.encode.words.base import BagEncoder
from everygrain.errors import EncoderMismatchError, QueryError
from everygrain.index.encoders import check_fingerprint
from everygrain.index.store import Store
from everygrain.index.writer import Writer, writer

WordsNamed: TypeAlias = str | BagEncoder


def words_spec(words: WordsNamed | None) -> str:
    """Return what the setting `words_spec` says: a name, "given" for an object, or "none"."""
    if words is None:
        return "none"
    return words if isinstance(words, str) else "given"


def check_words(words: WordsNamed) -> None:
    """Raise QueryError for what is no word encoder and could be no name of one; loads no model."""
    if not isinstance(words, str) and not hasattr(words, "fingerprint"):
        raise QueryError(
            f"{words!r:.80} is no word encoder.", "Use a BagEncoder, or a name such as 'words'."
        )
    if isinstance(words, str) and words != "none":
        from everygrain.encode.words import check  # only an index with words needs it

        check(words)


def make_words(write: Writer, language: str) -> None:
    """Make the word encoder that an index was told of by name, if it was not made yet."""
    spec = write.catalogue.get("words_spec", "none")
    if write.catalogue.get("words") is None and spec not in ("none", "given"):
        write.set_words(_created(spec, language), spec)


def reword(
    write: Writer,
    words: WordsNamed,
    language: str,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Give an index another word encoder, or none, in one commit.

    Where there are no documents, whose language may yet be told by them, a name is only noted.
    """
    check_words(words)
    if isinstance(words, str):
        made = _created(words, language) if write.catalogue.count() else None
    else:
        made = words
    write.set_words(made, words_spec(words), on_progress)


def use_words(store: Store, words: WordsNamed) -> None:
    """Use a word encoder with an index: the one that it was built with.

    Raises EncoderMismatchError, naming both, for any other.
    """
    expected, spec = store.setting("words"), store.setting("words_spec", "none")
    empty = not store.catalogue.count()
    if isinstance(words, str):
        if words == spec:
            return
        if expected is None and spec != "none" and empty:
            check_words(words)  # nothing is encoded yet: the new name may have it
            with writer(store) as write, write.catalogue.writing():
                write.catalogue.set("words_spec", words)
            return
        raise EncoderMismatchError(
            f"The index in {store.folder} was built with the word encoder '{spec}' "
            f"({expected or 'without words'}), not '{words}'.",
            f"Leave the word encoder out, or run `everygrain reencode {store.folder} "
            f"--words {words}` to build new words beside the old and swap them in.",
        )
    check_words(words)
    if expected is None and spec == "given" and empty:
        with writer(store) as write:  # the index is new, or its making was interrupted
            write.set_words(words, "given")
    elif expected is None:
        raise EncoderMismatchError(
            f"The index in {store.folder} holds no words yet, so {words.fingerprint} cannot be "
            "the word encoder they were made with.",
            "Call index.reword(words) to make them.",
        )
    else:
        check_fingerprint(store.folder, expected, words, "--words")
        store.use_words(words)


def _created(spec: str, language: str) -> BagEncoder | None:
    if spec == "none":
        return None
    from everygrain.encode.words import create

    return create(spec, language)
