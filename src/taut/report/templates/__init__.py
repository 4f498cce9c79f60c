"""The parts of a page: HTML, style and scripts."""
