"""Three documents, and hits as values that can be compared."""

from everygrain.document import Document

SMALL = [
    Document("a", "A tree is a graph. It has nodes.", "Trees", {"year": 2001}),
    Document("b", "A river runs over stones.", "Rivers", {"year": 2002}),
    Document("c", "The index finds every sentence of a tree.", "Index", {"year": 2003}),
]


def columns(hits):
    return [(hit.id, hit.score, hit.spans, dict(hit.legs)) for hit in hits]
