"""Tests of taut.examine."""
