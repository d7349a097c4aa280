"""Makes small indexes, and tells all that searching one gives, to the last bit."""

from everygrain.analyze import Analyzer
from everygrain.errors import QueryError
from everygrain.index.store import Store
from everygrain.index.writer import writer
from everygrain.rank.legs import Views
from everygrain.rank.lexical import BM25
from everygrain.rank.query import parse


def made(folder, encoder=None, passage_words=12, words=None, **settings):
    """Make an empty index with an encoder, and a word encoder, of an object's own."""
    store = Store.create(
        folder,
        {
            "analyzer": Analyzer("en").settings(),
            "language_given": True,
            "encoder": None,
            "encoder_spec": "given" if encoder else "none",
            "words": None,
            "words_spec": "given" if words else "none",
            "bm25": vars(BM25()),
            "passage_words": passage_words,
            "passage_overlap": 1,
            "fusion": None,
            "approximate": None,
        }
        | settings,
    )
    if encoder is not None:
        with writer(store) as write:
            write.set_encoder(encoder, "given")
    if words is not None:
        with writer(store) as write:
            write.set_words(words, "given")
    return store


def opened(folder, encoder=None, words=None):
    """Open an index; encoders that the registry does not know are handed in."""
    store = Store(folder)
    if encoder is not None:
        store.use_encoder(encoder)
    if words is not None:
        store.use_words(words)
    return store


def found(store, system, queries, ks, filters=(None,), views=None):
    """Return what each query gives: ids in order, and the scores' bytes."""
    told = []
    with (views or Views(store)).newest() as view:
        for query in queries:
            parsed = parse(query, view.analyzer)
            for k in ks:
                for where in filters:
                    try:
                        result = view.find(parsed, system, k, where)
                    except QueryError as error:
                        told.append((query, k, where, str(error)))
                        continue
                    assert result.scores.dtype == "float32"
                    legs = {name: repr(rows) for name, rows in result.legs.items()}
                    told.append((query, k, where, result.ids, result.scores.tobytes(), legs))
    return told
