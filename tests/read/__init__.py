"""Readers, on small real files: the bad ones first."""
