"""Trainers: pairs and a loss in, an encoder out."""
