"""Processes that adapt an index, each on a machine whose sums end in other bits."""

import os
import signal
from functools import partial

import numpy as np

from everygrain import Index
from everygrain.adaptation import adapt
from everygrain.encode.static import Static
from everygrain.learn import candidate
from everygrain.learn.train.static import StaticTraining
from tests.small_adaptation import RECIPE, table

_eigh = np.linalg.eigh


def adapt_with_other_bits(folder, seed, killed, sending):
    """Adapt an index whose every fit is off in its last bits by this seed; tell how it went.

    killed   whether the process kills itself in the middle of the training
    Sends the training's steps, the starting encoder's fingerprint and the losses.
    """

    def inexact(*told, **rest):
        values, directions = _eigh(*told, **rest)
        # less than a float16 holds of a number: only some of the roundings change
        off = np.random.default_rng(seed).uniform(-2e-4, 2e-4, directions.shape)
        return values, directions * (1 + off)

    np.linalg.eigh = inexact
    candidate.StaticTraining = partial(StaticTraining, checkpoint_every=1e-9)
    steps, starts = [], []
    train_static = candidate.train_static

    def noted(start, *told, **rest):
        starts.append(start.fingerprint)
        return train_static(start, *told, **rest)

    def told(what, done, total):
        if what == "Training":
            steps.append(done)
            if killed and done == total // 2:
                sending.send((steps, starts, []))
                os.kill(os.getpid(), signal.SIGKILL)

    candidate.train_static = noted
    with Index.open(folder) as index:
        curve = []
        done = adapt(index, RECIPE, budget=600, told=told, train_encoder=partial(_curved, curve))
        assert done.report.exists()
    sending.send((steps, starts, curve))


def _curved(curve, served, *told, **rest):
    # of the table that the served encoder was fitted from, as a cache would give it
    made = candidate.train(Static(table(), {}), *told, **rest)
    curve += made.curve
    return made
