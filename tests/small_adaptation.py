"""A collection on which an encoder has something to learn, and trainings that should be refused."""

import random

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

from everygrain import Document
from everygrain.encode.adapted import Adapted
from everygrain.encode.static import Static, Table
from everygrain.learn.candidate import train
from everygrain.learn.recipe import Recipe

TOPICS = 40
COMMON = ["the", "of", "and", "in", "to", "with"]
RECIPE = Recipe(teacher="", words=0, fewest_steps=150, queries=200)


def name(kind, topic, number):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"{kind}{letters[topic % 26]}{letters[topic // 26]}{letters[number]}"


def vocabulary():
    words = [name(k, t, n) for k in ("ka", "lo", "mi") for t in range(TOPICS) for n in range(6)]
    return ["[UNK]", *COMMON, *words]


def table(seed=0, dimensions=32):
    """Random vectors: the two words for one thing have nothing in common before training."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(vocabulary())}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    matrix = np.random.default_rng(seed).standard_normal((len(vocabulary()), dimensions))
    return Table(tokenizer.to_str(), matrix.astype(np.float16))


def documents(count=400, seed=0):
    """Titles and two sentences about one topic, each in words that the others never use."""
    chance = random.Random(seed)
    made = []
    for i in range(count):
        topic = chance.randrange(TOPICS)

        def sentence(kind, topic=topic):
            return " ".join(
                f"{name(kind, topic, chance.randrange(6))} {chance.choice(COMMON)}"
                for _ in range(5)
            )

        text = f"{sentence('ka').capitalize()}. {sentence('lo').capitalize()}."
        title = " ".join(name("mi", topic, chance.randrange(6)) for _ in range(4))
        made.append(Document(f"d{i}", text, title))
    return made


def state(index):
    found = index.search(f"{name('ka', 3, 1)} {name('mi', 5, 2)}", 20)
    return index.store.fingerprint, [(hit.id, hit.score) for hit in found]


def null(old, encoder, learned, settled, *, seed=0, **rest):
    """Train on shuffled labels: titles and sentences of documents that have nothing in common."""
    return train(old, encoder, shuffled_apart(learned, seed), settled, **rest)


def shuffled_apart(learned, seed=0):
    chance = random.Random(seed)
    parts = [[*document.text.split(". ", 1), document.title] for document in learned]
    for place in range(3):
        column = [each[place] for each in parts]
        chance.shuffle(column)
        for each, value in zip(parts, column, strict=True):
            each[place] = value
    return [
        Document(d.id, f"{first}. {second}", title, d.metadata)
        for d, (first, second, title) in zip(learned, parts, strict=True)
    ]


def forbidden(*told, **rest):
    raise AssertionError("It was trained again.")


def trained(seed):
    return Adapted(Static(table(seed), {}, fitted=400))
