"""How sure we are: diagnosis, corrected estimate, effects, advice."""
