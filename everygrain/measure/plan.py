"""The file of an experiment, in TOML -> a plan that has been checked.

    collections = ["papers"]                 folders, relative to the file, or ir_datasets:NAME
    systems = ["lexical", "fuse(lexical, dense)", "hybrid % 50"]     see everygrain.rank.compose
    encoder = "static"                       or several: ["latent", "static"]
    words = "words:32"                       of the word vectors, for `late` and `xtr`
    measures = ["nDCG@10", "R@100"]
    baseline = "lexical"
    seed = 0
    k = 100
    split = "test"

Only collections and systems must be there. Systems may have names, which others may use:

    [systems]
    both = "fuse(lexical, dense)"
    late = "both % 100 >> late"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from everygrain.encode import registry
from everygrain.encode.words import check as check_words
from everygrain.errors import EverygrainError, InputError
from everygrain.measure.datasets import PREFIX
from everygrain.measure.experiment import DEPTH, baseline_of, check_cutoffs
from everygrain.rank.compose import Composition, parse
from everygrain.rank.compose.forms import AROUND, STAGES
from everygrain.rank.compose.parts import needs_vectors, needs_words
from everygrain.rank.compose.tokens import WORD
from everygrain.rank.legs import SYSTEMS
from everygrain.read.stream import unreadable

KEYS = (
    "collections", "systems", "encoder", "words", "measures", "baseline", "seed", "k", "split",
)  # fmt: skip
WITHOUT_VECTORS = "none"


@dataclass(frozen=True)
class System:
    """A composition, and what its index is made with.

    encoder   of its dense legs; "none" for a lexical leg alone
    words     encoder of its word vectors; "none" where it compares none
    """

    composition: Composition
    encoder: str
    words: str = "none"


@dataclass(frozen=True)
class Plan:
    """What an experiment file asks for.

    collections   folders as they can be opened from here, or names of ir_datasets
    systems       name -> system; where several encoders are compared, the name ends in [encoder]
    baseline      one of the systems' names
    """

    collections: tuple[str, ...]
    systems: Mapping[str, System]
    measures: tuple[str, ...]
    baseline: str
    seed: int
    k: int
    split: str | None


def read_plan(path: str | Path) -> Plan:
    """Read an experiment file.

    Raises InputError, naming the file and what is at fault, for a file that cannot be read or is
    not TOML, a key that is unknown, missing or of another kind, a folder that is not there, a
    system, encoder or measure that does not exist, and whatever is named twice.
    """
    path = Path(path)
    given = _toml(path)
    try:
        return _plan(given, path.parent)
    except EverygrainError as error:
        raise InputError(f"{path}: {error.problem}", error.remedy) from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error}).", "Convert the file.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}.", "Mend that place.") from None
    except RecursionError:
        raise InputError(f"{path} is nested too deeply.", "Use plain lists.") from None


def _plan(given: Mapping[str, Any], folder: Path) -> Plan:
    for key in given:
        if key not in KEYS:
            close = get_close_matches(key, KEYS, 1, 0.5)
            meant = f" Perhaps '{close[0]}' is meant." if close else ""
            raise InputError(f"There is no key '{key}'.{meant}", f"There are {', '.join(KEYS)}.")
    collections = tuple(_source(folder, name) for name in _names(given, "collections"))
    encoders = _names(given, "encoder", [registry.default()])
    for encoder in encoders:
        registry.check(encoder)
    words = _text(given, "words") or "words"
    check_words(words)
    systems = _systems(_named_systems(given), encoders, words)
    measures = _names(given, "measures", ["nDCG@10"])
    k = _whole(given, "k", DEPTH, least=1)
    check_cutoffs(measures, k)
    baseline = _text(given, "baseline")
    if baseline is not None and baseline not in systems:
        baseline = _as_printed(baseline)
    return Plan(
        collections,
        systems,
        tuple(measures),
        baseline_of(list(systems), baseline),
        _whole(given, "seed", 0, least=0),
        k,
        _text(given, "split"),
    )


def _named_systems(given: Mapping[str, Any]) -> dict[str, Composition]:
    """Return name -> composition; without names of their own, systems are named as they print."""
    defined = given.get("systems")
    if not isinstance(defined, Mapping):
        found: dict[str, Composition] = {}
        for text in _names(given, "systems"):
            composition = parse(text)
            if str(composition) in found:
                raise InputError(f"The system '{composition}' is named twice.", "Name it once.")
            found[str(composition)] = composition
        return found
    if not defined:
        raise InputError("'systems' is empty.", "Name at least one.")
    for name, text in defined.items():
        if not isinstance(text, str) or not text:
            raise InputError(f"The system '{name}' is {text!r}.", "Give a composition as text.")
        if not WORD.fullmatch(name) or name in (*SYSTEMS, *STAGES, *AROUND, "fuse"):
            raise InputError(
                f"'{name}' cannot be the name of a system.",
                "Use letters, digits and _, and no name that is taken, such as 'dense' or 'late'.",
            )
    return {name: parse(name, defined) for name in defined}


def _systems(
    named: Mapping[str, Composition], encoders: list[str], words: str
) -> dict[str, System]:
    systems: dict[str, System] = {}
    for name, composition in named.items():
        dense = needs_vectors(composition)
        own_words = words if needs_words(composition) else "none"
        for encoder in encoders if dense else [WITHOUT_VECTORS]:
            printed = name
            if dense and encoder == WITHOUT_VECTORS:
                raise InputError(
                    f"The system '{printed}' needs an encoder, which is '{WITHOUT_VECTORS}'.",
                    "Name another encoder, or leave the system out.",
                )
            if dense and len(encoders) > 1:
                printed += f" [{encoder}]"
            systems[printed] = System(composition, encoder, own_words)
    return systems


def _as_printed(baseline: str) -> str:
    """Return a baseline as systems are named, however it is written."""
    text, bracket, encoder = baseline.partition("[")
    try:
        return f"{parse(text)} {bracket}{encoder}".strip()
    except EverygrainError:
        return baseline


def _source(folder: Path, name: str) -> str:
    if name.startswith(PREFIX):
        return name
    found = folder / name
    if not found.is_dir():
        raise InputError(
            f"The collection '{name}' is no folder: there is no '{found}'.",
            "Write it relative to the file of the experiment.",
        )
    return str(found)


def _names(given: Mapping[str, Any], key: str, default: list[str] | None = None) -> list[str]:
    """Return a list of texts; one text is a list of one."""
    value = given.get(key, default)
    if value is None:
        raise InputError(f"The key '{key}' is missing.", f"Add it: {key} = [...].")
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"'{key}' is {value!r}.", 'Give a list of texts, such as ["..."].')
    if not names:
        raise InputError(f"'{key}' is empty.", "Name at least one.")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"'{key}' names '{name}' twice.", "Name it once.")
    return names


def _text(given: Mapping[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not (isinstance(value, str) and value):
        raise InputError(f"'{key}' is {value!r}.", "Give one text.")
    return value


def _whole(given: Mapping[str, Any], key: str, default: int, least: int) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**31:
        raise InputError(f"'{key}' is {value!r}.", f"Give a whole number of at least {least}.")
    return value
