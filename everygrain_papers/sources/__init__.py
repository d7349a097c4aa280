"""Where papers come from: files of the field's formats, and servers that are asked politely."""

from everygrain_papers.sources.base import (
    Addition,
    Batch,
    Deleted,
    Item,
    Progress,
    Reject,
    Source,
    resumed,
)
from everygrain_papers.sources.feeds import Feed
from everygrain_papers.sources.jsonl import JsonLines
from everygrain_papers.sources.oai import OaiPmh
from everygrain_papers.sources.pdfs import PdfFolder
from everygrain_papers.sources.pubmed import PubMed
from everygrain_papers.sources.references import BibTeX
from everygrain_papers.sources.visits import Visitor

__all__ = [
    "Addition",
    "Batch",
    "BibTeX",
    "Deleted",
    "Feed",
    "Item",
    "JsonLines",
    "OaiPmh",
    "PdfFolder",
    "Progress",
    "PubMed",
    "Reject",
    "Source",
    "Visitor",
    "resumed",
]
