"""Vectors in fewer bytes: one interface, methods compared at equal budgets.

    compressor = parse_method("product(48)").fit(vectors)
    codes = compressor.encode(vectors)
    scores = compressor.score(queries, codes)

A method is a value (`Method`); fitted, it is a `Compressor`, which is stored as arrays.
`TwoStage` puts binary codes before exact vectors.

Source: Experimental Analysis of Large-scale Learnable Vector Storage Compression.
"""

from everygrain.index.compress.base import Codes, Compressor, Method
from everygrain.index.compress.binary import Binary
from everygrain.index.compress.float16 import Float16
from everygrain.index.compress.hashing import Hashed
from everygrain.index.compress.low_rank import LowRank
from everygrain.index.compress.product import Product
from everygrain.index.compress.registry import parse_method, within
from everygrain.index.compress.scalar import Int4, Int8
from everygrain.index.compress.two_stage import TwoStage

__all__ = [
    "Binary", "Codes", "Compressor", "Float16", "Hashed", "Int4", "Int8", "LowRank", "Method",
    "Product", "TwoStage", "parse_method", "within",
]  # fmt: skip
