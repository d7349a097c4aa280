"""Queries to Rankings: legs, fusion, composition, evidence."""
