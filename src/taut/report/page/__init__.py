"""The report as one HTML file: ``write_page(facts)``; the template, style and script lie beside it."""

from taut.report.page.html import GENERATOR, write_page

__all__ = ["GENERATOR", "write_page"]
