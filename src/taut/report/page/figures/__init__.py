"""The page's figures, one a file, each from the facts alone."""

from taut.report.page.figures.column_path import column_path_figure
from taut.report.page.figures.curves import curve_figures, mean_curve, shown_curves
from taut.report.page.figures.effects import effects_figure
from taut.report.page.figures.explorer import NUMBERS, explorer_figures
from taut.report.page.figures.importance import importance_figure
from taut.report.page.figures.layout import Figure, plain
from taut.report.page.figures.rows import rows_figure
from taut.report.page.figures.search import counted_folds, loss_ceiling, search_figure

__all__ = [
    "NUMBERS",
    "Figure",
    "column_path_figure",
    "counted_folds",
    "curve_figures",
    "effects_figure",
    "explorer_figures",
    "importance_figure",
    "loss_ceiling",
    "mean_curve",
    "plain",
    "rows_figure",
    "search_figure",
    "shown_curves",
]
