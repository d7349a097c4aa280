"""The processes of the kill test: a writer that dies at any line, a judge, and readers.

Documents come in groups of six. All of a group are written in one commit and carry its version,
so that half a commit could be told from a whole one. What is done is told in a journal, after the
call has returned.
"""

import json
import os
import random
import signal
import sys
import traceback
from pathlib import Path

import numpy as np

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.latent import Latent
from everygrain.engine import Index
from everygrain.index import writer as writing_module
from everygrain.index.doctor import examine
from everygrain.index.store import Store
from everygrain.index.writer import writer
from everygrain.rank.query import parse

from .encoders import BagHash

GROUPS = 10
SIZE = 6
WORD_ENCODERS = [BagHash(0), BagHash(1)]
SUBJECTS = ["apple", "pear", "plum", "cherry", "quince", "grape"]


def document(group, version, i):
    """Return a document that follows from its group, its version and its place there."""
    rest = random.Random(f"{group} {version} {i}").choices(SUBJECTS, k=8)
    text = f"group{group} version{version} {SUBJECTS[i]}. {' '.join(rest)}."
    return Document(f"{group}-{i}", text, f"Number{i}", {"group": group, "version": version})


def documents(group, version):
    return [document(group, version, i) for i in range(SIZE)]


def encoders():
    """Return two encoders that the registry can load, over all words that occur."""
    words = [f"group{g}" for g in range(GROUPS)] + [f"version{v}" for v in range(9)] + SUBJECTS
    sample = [f"{word} {word} {other}" for word in words for other in SUBJECTS]
    return [Latent.unfitted("en").fit(split(part)) for part in (sample, sample[:-6])]


def merge_often():
    writing_module.SMALL = 4
    writing_module.FANOUT = 3


def applied(state, operation):
    """Return the groups' versions after an operation; a version of 0 is a group that is not there.

    state   {"group": version}
    """
    kind, groups = operation["kind"], operation["groups"]
    if kind == "add":
        return state | {str(g): operation["version"] for g in groups}
    return state | {str(g): 0 for g in groups} if kind == "delete" else state


def chosen(generator, number):
    """Return the next operation."""
    kinds = ["add", "delete", "compact", "reencode", "reword"]
    kind = generator.choices(kinds, [12, 4, 2, 1, 1])[0]
    groups = generator.sample(range(GROUPS), generator.choice([1, 1, 2, 3]))
    if kind not in ("add", "delete"):
        groups = []
    return {"kind": kind, "groups": groups, "version": 1 + number % 8}


def write_until_killed(folder, journal, seed, place):
    """Change an index for ever, telling the journal; dies by itself at a place, if given one.

    place   (function's name, how many of its lines are run), in everygrain/index
    """
    merge_often()
    generator = random.Random(seed)
    told = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(**what):
        os.write(told, json.dumps(what).encode() + b"\n")

    if place is not None:
        sys.settrace(killer(*place, tell))
    both, number = encoders(), seed
    store = Store(Path(folder))
    while True:
        with writer(store) as write:
            use_own_words(store)
            for _ in range(generator.randint(1, 6)):
                number += 1
                operation = chosen(generator, number)
                tell(begun=operation)
                if operation["kind"] == "add":
                    write.add([d for g in operation["groups"]
                               for d in documents(g, operation["version"])])  # fmt: skip
                elif operation["kind"] == "delete":
                    write.delete([f"{g}-{i}" for g in operation["groups"] for i in range(SIZE)])
                elif operation["kind"] == "compact":
                    write.compact()
                elif operation["kind"] == "reword":
                    write.set_words(WORD_ENCODERS[number % 2], "given")
                else:
                    write.set_encoder(both[number % 2], "given")
                tell(done=operation)


def use_own_words(store):
    """Hand in the word encoder that the index has now, which only the tests know."""
    fingerprint = store.setting("words")
    store.use_words(next((each for each in WORD_ENCODERS if each.fingerprint == fingerprint), None))


def killer(name, lines, tell):
    left = lines

    def line(frame, event, argument):
        nonlocal left
        if event == "line":
            left -= 1
            if left <= 0:
                tell(killed=name, line=frame.f_lineno)
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame, event, argument):
        code = frame.f_code
        wanted = code.co_name == name and f"everygrain{os.sep}index" in code.co_filename
        return line if wanted else None

    return call


def judge(folder, pipe):
    """Open an index after a kill and tell the groups' versions, or what is wrong with it."""
    try:
        findings = examine(Path(folder))
        assert not findings, findings
        with Index.open(folder) as index, index.views.newest() as view:
            state = _versions(view)
            for group, version in state.items():
                if version:
                    expected = documents(int(group), version)
                    assert view.store.catalogue.fetch([d.id for d in expected]) == {
                        d.id: d for d in expected
                    }
            _check_legs(view, random.Random(0))
        pipe.send(("state", state))
    except BaseException:
        pipe.send(("wrong", traceback.format_exc()))


def read_until_told(folder, seed, stop, pipe):
    """Search through all of it. Tells how many searches, of how many generations, or an error."""
    generator, generations, searches = random.Random(seed), set(), 0
    try:
        with Index.open(folder) as index:
            while not stop.wait(0.1):  # without a rest, readers take the cores from the writer
                with index.views.newest() as view:
                    generations.add(view.snapshot.generation)
                    _versions(view)
                    _check_legs(view, generator)
                _check_search(index, generator)
                searches += 1
        pipe.send(("read", (searches, len(generations))))
    except BaseException:
        pipe.send(("wrong", traceback.format_exc()))


def _versions(view):
    """Return each group's version; every group is there whole, in one version, or not at all."""
    snapshot = view.snapshot
    ids = snapshot.document_ids(snapshot.live.nonzero()[0])
    held = view.store.catalogue.fetch(ids)
    assert sorted(held) == sorted(ids)
    assert view.store.catalogue.count() == snapshot.count == len(ids)
    state = {}
    for group in range(GROUPS):
        versions = [d.metadata["version"] for d in held.values() if d.metadata["group"] == group]
        assert len(versions) in (0, SIZE), f"{len(versions)} documents of group {group}"
        assert len(set(versions)) <= 1, f"group {group} has versions {versions}"
        state[str(group)] = versions[0] if versions else 0
    return state


def _check_legs(view, generator):
    """All legs show the same documents, in the versions that the catalogue holds."""
    state = {group: version for group, version in _versions(view).items() if version}
    if not state:
        return
    group, version = generator.choice(sorted(state.items()))
    own = {f"{group}-{i}" for i in range(SIZE)}
    query = parse(f"group{group}", view.analyzer)
    assert set(view.find(query, "lexical", 1000).ids) == own
    assert set(view.find(query, "lexical", 1000, f"version = {version}").ids) == own
    assert not view.find(query, "lexical", 1000, f"version != {version}").ids
    wanted = document(group, version, generator.randrange(SIZE))
    query = parse(f"{wanted.title} {wanted.text}", view.analyzer)
    found = view.find(query, "dense", 1000)
    assert len(found.ids) == SIZE * len(state)
    score = dict(zip(found.ids, found.scores, strict=True))[wanted.id]
    assert abs(score - 1) < 1e-5, f"{wanted.id} has the vector of another text"
    number = found.numbers[found.ids.index(wanted.id)]
    use_own_words(view.store)
    bag, own_words = view.bags(np.array([number])), view.words
    expected = own_words.encode_bags([f"{wanted.title} {wanted.text}"])
    assert bag.words.tolist() == expected.words.tolist(), f"{wanted.id} has another text's words"
    assert bag.vectors.tolist() == expected.vectors.tolist(), "vectors of another word encoder"
    assert len(view.find(query, "late", 1000).ids) == SIZE * len(state)
    assert len(view.find(query, "xtr", 1000).ids) == SIZE * len(state)
    phrase = parse(f'"version{version} {SUBJECTS[0]}" group{group}', view.analyzer)
    assert f"{group}-0" in view.find(phrase, "lexical", 1000).ids


def _check_search(index, generator):
    """What a user sees: whole groups of one version, with evidence out of the same text."""
    group = generator.randrange(GROUPS)
    hits = index.search(f"group{group}", k=20, system="lexical")
    assert len(hits) in (0, SIZE)
    assert len({hit.document.metadata["version"] for hit in hits}) <= 1
    for hit in index.search(f"apple group{group}", k=5):
        assert hit.document == document(
            hit.document.metadata["group"], hit.document.metadata["version"], int(hit.id[-1])
        )
        assert all(evidence.span.of(hit.document) == evidence.text for evidence in hit.spans)
