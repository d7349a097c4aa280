"""Papers of known groups, with vectors that tell the groups apart."""

import numpy as np

from everygrain_papers.paper import Paper

SUBJECTS = {
    "bees": "honey bees dance before the hive and carry pollen",
    "ships": "cargo ships cross the ocean between container ports",
    "bread": "sourdough bread rises slowly in warm kitchens",
    "stars": "binary stars orbit near the galactic centre",
}
FILLING = ("quiet morning", "open window", "long road", "green valley", "old letter", "cold rain")


def grouped(each=30, dimensions=32, noise=0.5, seed=0):
    """Return papers, vectors (papers, dimensions) float32 of length 1, and (papers,) groups."""
    lot = np.random.default_rng(seed)
    shared = 3 * lot.normal(size=dimensions)  # what all papers have in common
    middles = lot.normal(size=(len(SUBJECTS), dimensions))
    papers, vectors, groups = [], [], []
    for number in range(each * len(SUBJECTS)):
        group = number % len(SUBJECTS)
        subject = list(SUBJECTS.values())[group]
        words = " ".join(lot.permutation(FILLING)[:2])
        papers.append(
            Paper(f"p{number}", f"{subject.capitalize()}", f"Here are {subject}, {words}.")
        )
        vectors.append(shared + middles[group] + noise * lot.normal(size=dimensions))
        groups.append(group)
    rows = np.array(vectors)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return papers, rows.astype(np.float32), np.array(groups)
