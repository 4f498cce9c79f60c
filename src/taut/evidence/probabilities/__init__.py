"""Whether probabilities are right, and what is decided by them: all on out-of-fold rows."""
