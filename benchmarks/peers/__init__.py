"""Everygrain and its peers on the same collections, in one interleaved run on one machine."""
