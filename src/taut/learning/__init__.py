"""The cut: what is learned, by what network, and how an engine is asked to train it.

Nothing here knows tables or PyTorch. An engine alone looks inside the examples and inside a fitted network;
search, paths, effects, diagnosis, estimate and report go by what is defined here, so that they serve any
network.
"""
