"""Everygrain: search your own text at every grain."""
