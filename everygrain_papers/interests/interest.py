"""What one interest of a reader is made of; a reader has several, and they are never averaged."""

from __future__ import annotations

from dataclasses import dataclass

from everygrain.errors import InputError

LONGEST_NAME = 200  # characters
MOST_TERMS = 200


@dataclass(frozen=True, slots=True)
class Interest:
    """One thing that a reader follows.

    id         stable for ever, of this reader
    name       as the reader calls it
    seeds      ids of papers that it began with
    liked      ids of papers that the reader liked in it, oldest first
    disliked   ids of papers that the reader disliked in it, oldest first
    keywords   words or phrases that speak for a paper
    negative   words or phrases that speak against one

    Raises InputError for an empty name or one too long, and for a paper both liked and disliked.
    """

    id: str
    name: str
    seeds: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > LONGEST_NAME:
            raise InputError(
                f"An interest has no name, or one above {LONGEST_NAME} characters.",
                "Give it a short name.",
            )
        both = set(self.liked) & set(self.disliked)
        if both:
            raise InputError(
                f"'{min(both)}' is both liked and disliked in '{self.name}'.", "Choose one."
            )
        if len(self.keywords) + len(self.negative) > MOST_TERMS:
            raise InputError(
                f"The interest '{self.name}' has more than {MOST_TERMS} keywords.",
                "Make two interests of it.",
            )

    @property
    def positive(self) -> tuple[str, ...]:
        """Seeds and liked papers, each once."""
        return tuple(dict.fromkeys((*self.seeds, *self.liked)))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to go by."""
        return not (self.positive or self.keywords)
