"""What a reader follows: interests learned from papers liked and disliked, kept apart."""
