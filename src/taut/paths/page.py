"""A path as one HTML file that needs no internet."""

from __future__ import annotations

from html import escape

from taut.paths.result import RegularizationPath
from taut.paths.text import plain_table
from taut.paths.words import in_words
from taut.version import __version__

#: At the beginning of every page that taut wrote.
GENERATOR = '<meta name="generator" content="taut'

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       background: Canvas; color: CanvasText; }
h1 { font-size: 1.25rem; }
pre { overflow-x: auto; font-size: 0.85rem; line-height: 1.35; }
.infolayer text, .xaxislayer-above text, .yaxislayer-above text, .legendtext { fill: CanvasText !important; }
"""


def page(path: RegularizationPath, heading: str) -> str:
    """Give the page: the path in words, the figure, the table.

    It includes plotly (5 MB), so it can be mailed and opened anywhere, and follows the reader's light or dark
    mode.

    Parameters
    ----------
    path : RegularizationPath
    heading : str
        What it is a path of, such as "L2 on shop.csv, target 'kind'".
    """
    from plotly.io import to_html

    drawn = to_html(
        path.plot(),
        full_html=False,
        include_plotlyjs=True,
        config={"responsive": True, "displaylogo": False},
        div_id="path",
    )
    words = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in in_words(path))
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'{GENERATOR} {escape(__version__)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(heading)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(heading)}</h1>\n{words}\n{drawn}\n"
        f"<pre>{escape(plain_table(path, most=len(path.points)))}</pre>\n"
        "</body>\n</html>\n"
    )
