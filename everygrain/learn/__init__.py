"""A collection -> better encoders: pairs, negatives, losses, curricula, trainers, and the gate."""
