"""A small index of two segments with dead places, and all that it is asked."""

import subprocess
import sys

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.latent import Latent
from everygrain.errors import EverygrainError
from everygrain.index.writer import writer

from .making import found, made

SYSTEMS = ("lexical", "dense", "hybrid")
QUERIES = ["apple", "red pear plum", '"red apple"', "quince 3"]
TEXTS = ["red apple", "pear of the red apple", "plum", "quince quince pear", "sweet red plum", ""]


def documents(count=24, first=0):
    return [
        Document(f"d{i}", f"{TEXTS[i % len(TEXTS)]} {i}", f"Title {i % 5}", {"year": i % 4})
        for i in range(first, first + count)
    ]


def latent():
    return Latent.unfitted("en").fit(split([f"{t} {i}" for i, t in enumerate(TEXTS * 3)]))


def filled(folder, count=24):
    """Make an index of two segments with dead places and an encoder that is kept on disk."""
    store = made(folder, latent())
    with writer(store) as write:
        write.add(documents(count))
        write.add([Document("d1", "changed red apple"), Document("new", "plum pear")])
        write.delete(["d2", "d3"])
    return store


def everything(store):
    return [found(store, system, QUERIES, [3, 100], [None, "year > 1"]) for system in SYSTEMS]


def outcome(function, *arguments):
    """Return what a call gives, or the error of ours that it raises; any other goes through."""
    try:
        return function(*arguments)
    except EverygrainError as error:
        return error


def run_elsewhere(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
