"""Vectors with a structure as encoders' have: clusters, and directions of falling strength."""

import numpy as np

from everygrain.encode.base import unit


def like_texts(count, dimensions=32, seed=0):
    generator = np.random.default_rng(seed)
    strengths = np.linspace(2, 0.2, dimensions)
    centres = np.random.default_rng(7).standard_normal((12, dimensions)) * strengths
    noise = generator.standard_normal((count, dimensions)) * strengths
    return unit(centres[generator.integers(0, 12, count)] + 0.7 * noise + 0.3)
