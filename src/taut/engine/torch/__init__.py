"""The engine for any PyTorch module."""
