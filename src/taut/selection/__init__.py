"""Which recipe: folds, candidates, scores, and the search over them."""
