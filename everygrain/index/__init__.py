"""The one directory on disk: catalogue, segments, transactions, compaction."""
