"""What an adaptation does: where pairs come from, what they are trained with, what tests it.

A recipe is a value that a TOML file can hold, key by key:

    train = ["cloze", "title"]
    test = ["body_first"]
    loss = "multiple_negatives(scale=30)"
    teacher = "minilm"
    domains = "field:venue"
    experts = true
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from everygrain.document import Document
from everygrain.encode import registry
from everygrain.errors import InputError
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import PairSource, parse_source

_SHARE = 20  # a source needs what at least one document in twenty has
_TRAIN = ("title", "cloze(each=2)", "body_first", "links")  # in the order of preference
_TEST = ("cloze(each=4)", "links", "body_first", "title")
LEARNED, FIELD = "learned", "field:"


@dataclass(frozen=True)
class Recipe:
    """How to adapt. Empty `train` or `test`: chosen by what the documents have, see `settled`.

    train          sources of training pairs, as `parse_source` reads them
    test           sources of held-out queries; none may be of a kind that trains
    loss           as `parse_loss` reads it
    teacher        an encoder whose geometry of short texts is learned as well; "" for none
    taught         texts that the teacher is asked about, at most
    words          words that get vectors of their own in a static table, at most
    epochs         passes over the pairs
    fewest_steps   small collections are passed over until so many steps are done
    batch          pairs in a step
    learning_rate  for static in root mean squares of the table, for a transformer absolute
    queries        held-out queries of each source, at most
    domains        "learned" from the texts, "field:NAME" of the metadata, or "" for none
    by_domain      whether a batch of pairs is of one domain, so that its negatives are the harder
    experts        whether each domain gets an expert in the static table; its batches are by domain
    seed           of everything that is drawn

    Raises InputError or QueryError for a value that makes no sense, naming the key.
    """

    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    loss: str = "multiple_negatives"
    teacher: str = "minilm"
    taught: int = 20_000
    words: int = 30_000
    epochs: float = 2.0
    fewest_steps: int = 300
    batch: int = 1024
    learning_rate: float = 0.05
    queries: int = 1000
    domains: str = LEARNED
    by_domain: bool = False
    experts: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        parse_loss(self.loss)
        if self.teacher:
            registry.check(self.teacher)
        if self.teacher == "latent":
            raise InputError(
                "The teacher 'latent' knows nothing before it is fitted.",
                'Name another encoder, such as minilm, or "" for none.',
            )
        for name, least in (("taught", 0), ("words", 0), ("fewest_steps", 1), ("batch", 2),
                            ("queries", 1), ("seed", 0)):  # fmt: skip
            if getattr(self, name) < least:
                raise _wrong(name, getattr(self, name), f"at least {least}")
        for name in ("epochs", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise _wrong(name, getattr(self, name), "above 0, and finite")
        self._check_domains()
        kinds = {kind_of(each): each for each in self.train}
        for each in self.test:
            if kind_of(each) in kinds:
                raise InputError(
                    f"The recipe trains on '{kinds[kind_of(each)]}' and tests on '{each}'.",
                    "Test on another source: an encoder is best at the questions it was taught.",
                )

    def _check_domains(self) -> None:
        named = self.domains.startswith(FIELD) and self.domains != FIELD
        if self.domains not in ("", LEARNED) and not named:
            raise _wrong(
                "domains", f"'{self.domains}'", f'as "{LEARNED}", as "{FIELD}NAME", or empty'
            )
        if not self.domains and (self.by_domain or self.experts):
            raise InputError(
                "The recipe asks for batches or experts by domain, and for no domains.",
                f'Set domains to "{LEARNED}" or to "{FIELD}NAME".',
            )

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a TOML file. Raises InputError naming the file and what is wrong in it."""
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(
                f"The recipe {path} cannot be read ({error}).", "Give a TOML file."
            ) from error
        return cls.of(given, str(path))

    @classmethod
    def of(cls, given: dict[str, Any], where: str = "a recipe") -> Recipe:
        """Make a recipe of keys and values, as a file or a report holds them."""
        known = {each.name: each.default for each in fields(cls)}
        for key, value in given.items():
            if key not in known:
                raise InputError(
                    f"{where} has the unknown key '{key}'.", f"Its keys are {', '.join(known)}."
                )
            if not _fits(value, known[key]):
                raise InputError(
                    f"The key '{key}' of {where} is {value!r}.",
                    f"Give it as {_kind(known[key])}.",
                )
        listed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
        }
        return cls(**listed)

    def settled(self, documents: Sequence[Document]) -> Recipe:
        """Return the recipe with its sources chosen for documents that will train.

        Titles train, and sentences (`cloze`) and references test. Without titles sentences train,
        and the first part of a text, which is a poorer question, tests. Sentences that train and
        titles that test leave the dense leg of cranfield .018 nDCG@10 lower.
        Raises InputError where the documents give nothing to train or to test on.
        """
        train, test = list(self.train), list(self.test)
        if not train:
            train = _able(_TRAIN, kinds_of(test), documents)[:1]
        if not test:
            left = _able(_TEST, kinds_of(train), documents)
            test = [each for each in left if kind_of(each) in ("cloze", "links")] or left[:1]
        if not train or not test:
            raise InputError(
                "The documents give no two kinds of questions, one to train and one to test with.",
                "Give them titles or references, or several sentences each.",
            )
        return replace(self, train=tuple(train), test=tuple(test))


def kind_of(source: str) -> str:
    """Return a source's name without its settings. Raises QueryError for an unknown one."""
    parse_source(source)
    return source.split("(")[0].strip()


def kinds_of(sources: Sequence[str]) -> set[str]:
    return {kind_of(each) for each in sources}


def _able(wanted: Sequence[str], taken: set[str], documents: Sequence[Document]) -> list[str]:
    """Return those sources that are not taken and that documents give pairs of."""
    return [
        each
        for each in wanted
        if kind_of(each) not in taken and _gives(parse_source(each), documents)
    ]


def _gives(source: PairSource, documents: Sequence[Document]) -> bool:
    """Tell whether at least one of twenty documents gives a pair, by a sample of 500."""
    sample = documents[:: max(1, len(documents) // 500)]
    try:
        return len({pair.query_id for pair in source.pairs(sample)}) >= max(
            1, len(sample) // _SHARE
        )
    except InputError:
        return False


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)


def _kind(default: Any) -> str:
    if isinstance(default, tuple):
        return "a list of strings"
    names = {float: "a number", int: "a whole number", bool: "true or false"}
    return names.get(type(default), "a string")


def _wrong(name: str, value: Any, wanted: str) -> InputError:
    return InputError(f"The key '{name}' of a recipe is {value}.", f"Give it {wanted}.")
