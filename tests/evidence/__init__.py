"""Tests of taut.evidence."""
