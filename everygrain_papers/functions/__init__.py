"""What each sentence of an abstract does: background, problem, method, result, other."""
