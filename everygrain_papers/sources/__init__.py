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
from everygrain_papers.sources.folders import FileFolder
from everygrain_papers.sources.jsonl import JsonLines
from everygrain_papers.sources.oai import OaiPmh
from everygrain_papers.sources.pdfs import PdfFolder
from everygrain_papers.sources.pubmed import PubMed
from everygrain_papers.sources.references import BibTeX
from everygrain_papers.sources.ris import Ris
from everygrain_papers.sources.visits import Visitor
from everygrain_papers.sources.whole_json import WholeJson

__all__ = [
    "Addition",
    "Batch",
    "BibTeX",
    "Deleted",
    "Feed",
    "FileFolder",
    "Item",
    "JsonLines",
    "OaiPmh",
    "PdfFolder",
    "Progress",
    "PubMed",
    "Reject",
    "Ris",
    "Source",
    "Visitor",
    "WholeJson",
    "resumed",
]
