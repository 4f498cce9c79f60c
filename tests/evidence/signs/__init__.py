"""Tests of the signs of trouble."""
