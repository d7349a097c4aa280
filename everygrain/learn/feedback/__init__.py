"""What to ask a costly teacher, and what to make of what it says."""
