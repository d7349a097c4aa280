"""A transformer so small that it is made, trained and saved in a moment."""

from everygrain.encode.transformer import Transformer

WORDS = [
    "tree",
    "forest",
    "graph",
    "index",
    "text",
    "query",
    "the",
    "of",
    "a",
    "cat",
    "dog",
    "house",
    "river",
    "stone",
    "bird",
]


def corpus(count=60):
    """Return texts in which a word is told by its neighbours."""
    return [
        " ".join(WORDS[(i * step + place) % len(WORDS)] for place in range(8)) + f" a{i % 10}"
        for i in range(count)
        for step in (1, 2)
    ]


def tiny_transformer(folder, seed=0):
    """Save an untrained encoder of one layer and 16 dimensions; the word pieces are always one."""
    import torch

    from everygrain.learn.pretrain.base import Size
    from everygrain.learn.pretrain.body import (
        learned_tokenizer,
        new_body,
        pooling_of,
        saved,
    )

    size = Size(layers=2, width=16, heads=2, vocabulary=150, tokens=24)
    tokenizer = learned_tokenizer(corpus(), size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = new_body(size, len(tokenizer))
    folder.mkdir(parents=True)
    saved(body, tokenizer, [pooling_of(16, ["mean"])], size.tokens, folder)
    return Transformer(str(folder))
