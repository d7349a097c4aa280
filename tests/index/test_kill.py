"""A writer may die at any instant: what it reported is there, and readers never see half of it."""

import json
import multiprocessing
import os
import random
import signal
import time

import pytest

from everygrain.index.writer import writer

from . import worker
from .making import made

KILLS = 200
READERS = 4

# where the writer kills itself, and how many of the function's lines it may run before
PLACES = {
    "add": 20, "delete": 10, "write_segment": 12, "write_arrays": 12, "transaction": 12,
    "writing": 8, "insert": 20, "remove": 20, "move": 20, "add_segment": 6, "drop_segments": 12,
    "set": 6, "maintain": 20, "_merge": 60, "compact": 8, "set_encoder": 12, "set_words": 6,
    "_swap": 60, "_reencoded": 40, "keep_encoder": 20, "set_files": 8, "sweep": 60,
    "checkpoint": 3, "sync_folder": 8, "writing_alone": 12, "_open": 12,
}  # fmt: skip


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["everygrain.engine", "everygrain.encode.latent", "scipy.sparse"]
    )
    return context


def called(processes, target, *arguments):
    """Run a function in a new process, and return what it sends."""
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=target, args=(*arguments, sending))
    process.start()
    sending.close()
    told = receiving.recv()
    process.join()
    return told


def killed_writer(processes, folder, journal, seed, place, generator):
    """Let a writer work until it dies. Returns what its journal tells, line by line."""
    journal.unlink(missing_ok=True)
    process = processes.Process(
        target=worker.write_until_killed, args=(folder, journal, seed, place)
    )
    process.start()
    if place is None:
        while not journal.exists() and process.is_alive():
            time.sleep(0.001)
        time.sleep(generator.uniform(0, 0.4))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    else:
        process.join(60)
    assert process.exitcode == -signal.SIGKILL
    lines = journal.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines if line.endswith(b"}")]


@pytest.mark.slow
def test_a_writer_killed_at_200_instants_loses_nothing_that_it_reported(tmp_path, processes):
    folder, journal = tmp_path / "index", tmp_path / "journal"
    store = made(folder, worker.encoders()[0], words=worker.WORD_ENCODERS[0])
    with writer(store) as write:
        for group in range(GROUPS_AT_FIRST):
            write.add(worker.documents(group, 1))
    store.close()
    state = {str(g): int(g < GROUPS_AT_FIRST) for g in range(worker.GROUPS)}

    stop = processes.Event()
    readers = []
    for seed in range(READERS):
        receiving, sending = processes.Pipe(duplex=False)
        process = processes.Process(
            target=worker.read_until_told, args=(folder, seed, stop, sending)
        )
        process.start()
        readers.append((process, receiving))

    generator = random.Random(2026)
    places, committed, in_flight = set(), 0, 0
    try:
        for kill in range(KILLS):
            place = None
            if kill % 2:
                name = list(PLACES)[kill // 2 % len(PLACES)]
                place = (name, generator.randint(1, PLACES[name]))
            told = killed_writer(processes, folder, journal, 100 * kill, place, generator)
            begun = None
            for line in told:
                if "begun" in line:
                    begun = line["begun"]
                elif "done" in line:
                    state, begun = worker.applied(state, line["done"]), None
                    committed += 1
                else:
                    places.add(line["killed"])
            possible = [state]
            if begun is not None:
                possible.append(worker.applied(state, begun))
                in_flight += 1
            kind, found = called(processes, worker.judge, folder)
            assert kind == "state", f"after kill {kill} at {place}: {found}"
            assert found in possible, f"after kill {kill} at {place}, in flight: {begun}"
            state = found
            for process, receiving in readers:
                assert process.is_alive(), receiving.recv()[1]
    finally:
        stop.set()
    for process, receiving in readers:
        kind, counted = receiving.recv()
        process.join()
        assert kind == "read", counted
        searches, generations = counted
        assert searches > 20
        assert generations > 20
    assert places == PLACES.keys()
    assert committed > KILLS // 2
    assert in_flight > KILLS // 4


GROUPS_AT_FIRST = 4


def test_an_index_whose_making_was_killed_can_be_made_again(tmp_path, processes):
    for lines in range(1, 12):
        folder = tmp_path / str(lines)
        process = processes.Process(target=make_and_die, args=(folder, lines))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        if not (folder / "catalogue.db").exists():
            made(folder).close()
        assert called(processes, worker.judge, folder) == (
            "state",
            {str(group): 0 for group in range(worker.GROUPS)},
        )


def make_and_die(folder, lines):
    import sys

    sys.settrace(worker.killer("create", lines, lambda **_: None))
    made(folder)
