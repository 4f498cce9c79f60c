"""The engines: they train many networks, each with its own regularization."""
