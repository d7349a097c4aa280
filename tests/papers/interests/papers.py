"""A small room with three fields, written by hand: graphs, walking robots and translation."""

import numpy as np

from everygrain_papers.paper import Paper

FIELDS = {
    "graph": ["graph", "node", "edge", "molecule", "message", "spectral", "clique", "vertex"],
    "legged": ["legged", "gait", "terrain", "torque", "balance", "ankle", "stride", "quadruped"],
    "translation": ["translation", "bilingual", "decoder", "syntax", "corpus", "alignment",
                    "morphology", "tokenizer"],
}  # fmt: skip
SHARED = ["learning", "data", "training", "robust", "theory", "large", "fast", "model"]


def paper(name, seed, **more):
    """Return a paper of a field, and a vector near to the field's axis."""
    draw = np.random.default_rng([len(name), seed])
    told = [str(word) for word in draw.choice(FIELDS[name], 14)]
    told += [str(word) for word in draw.choice(SHARED, 8)]
    told = [told[i] for i in draw.permutation(len(told))]
    title = " ".join([f"{name} {seed}th", *told[:4]])
    made = Paper(f"{name}-{seed}", title, " ".join(told), **more)
    vector = draw.normal(0, 0.15, 8) + np.eye(8)[list(FIELDS).index(name)]
    return made, (vector / np.linalg.norm(vector)).astype(np.float32)


def papers(name, seeds, **more):
    return [paper(name, seed, **more) for seed in seeds]


def library(*pairs):
    """Return (id -> paper, id -> vector) of pairs."""
    return {p.id: p for p, _ in pairs}, {p.id: v for p, v in pairs}


def candidates(*pairs):
    """Return (papers, vectors) of pairs."""
    return [p for p, _ in pairs], np.stack([v for _, v in pairs])
