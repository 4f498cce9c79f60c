"""A path drawn with matplotlib, in the manner of scikit-learn's displays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np

from taut.errors import ParameterError
from taut.paths.columns import holding_out
from taut.paths.result import RegularizationPath
from taut.paths.words import name_of, off_name, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

#: Columns that the legend names.
MOST_NAMED = 12
# As in the other figure: distinct in greyscale too.
_SHADES, _DASHES = ("#2468a8", "#c8741f", "#56ad88"), ("-", "--", ":", "-.")


@final
class RegularizationPathDisplay:
    """A regularization path on matplotlib's axes.

    Parameters
    ----------
    path : RegularizationPath

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of Line2D
        The curves, in the legend's order.
    errorbar_ : ErrorbarContainer or None
        Of the validation losses or scores.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_diabetes
    >>> from taut import regularization_path
    >>> from taut.paths import RegularizationPathDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = regularization_path(X, y, "l2", strengths=[0.1, 3, 30], hidden=(8,), cv=3, random_state=0)
    >>> RegularizationPathDisplay.from_path(path).ax_.get_xlabel()
    'strength of L2'
    """

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]
    errorbar_: ErrorbarContainer | None

    def __init__(self, path: RegularizationPath) -> None:
        self.path = path

    @classmethod
    def from_path(
        cls,
        path: RegularizationPath,
        *,
        ax: Axes | None = None,
        kind: Literal["loss", "score", "columns"] = "loss",
        std_display_style: Literal["errorbar", "fill_between"] | None = "errorbar",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Create the display and draw it; see :meth:`plot`."""
        return cls(path).plot(ax, kind=kind, std_display_style=std_display_style, line_kw=line_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: Literal["loss", "score", "columns"] = "loss",
        std_display_style: Literal["errorbar", "fill_between"] | None = "errorbar",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the path.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            New ones by default.
        kind : {"loss", "score", "columns"}, default="loss"
            Validation and training loss; accuracy or R squared; or the weights of the table's columns.
        std_display_style : {"errorbar", "fill_between"} or None, default="errorbar"
            How the standard errors of validation losses and scores are shown.
        line_kw : dict, optional
            For the curve of the validation losses or scores, or for all curves of the columns, such as
            ``{"color": "black"}``.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ParameterError
            If ``kind`` or ``std_display_style`` is none of these.
        """
        if kind not in ("loss", "score", "columns"):
            raise ParameterError(f"kind must be 'loss', 'score' or 'columns', and it is {kind!r}.")
        if std_display_style not in ("errorbar", "fill_between", None):
            raise ParameterError(
                f"std_display_style must be 'errorbar', 'fill_between' or None, and it is "
                f"{std_display_style!r}."
            )
        self.ax_ = _new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        self.lines_, self.errorbar_ = [], None
        if kind == "columns":
            self._columns(dict(line_kw or {}))
        else:
            self._curves(kind, std_display_style, dict(line_kw or {}))
        self._frame(kind)
        return self

    def _places(self) -> list[int]:
        """The points on the axis: off is not on it if the axis is a strength."""
        path = self.path
        return [i for i in range(len(path.points)) if path.axis != "strength" or i != path.off_index]

    def _curves(
        self, kind: str, style: Literal["errorbar", "fill_between"] | None, line_kw: dict[str, Any]
    ) -> None:
        path, ax, places, table = self.path, self.ax_, self._places(), self.path.table
        x = table["strength"][places]
        name = "validation_loss" if kind == "loss" else "score"
        y, error = table[name][places], np.nan_to_num(table[f"{name}_se"][places])
        look = "o" if path.axis == "switch" else "o-"
        if path.axis == "strength" and not path.off.failed:
            off = table[name][path.off_index]
            self.lines_.append(ax.axhline(off, color="0.45", linestyle="-.", label=off_name(path)))
        if kind == "loss":
            training = table["train_loss"][places]
            dashes = "D" if path.axis == "switch" else "--"
            self.lines_ += ax.plot(x, training, dashes, color="0.6", label="training loss")
        label = "validation loss" if kind == "loss" else path.score_name
        own: dict[str, Any] = {"color": "C0", "markersize": 4, "label": label} | line_kw
        if style == "errorbar":
            self.errorbar_ = ax.errorbar(x, y, error, fmt=look, capsize=2, elinewidth=1, **own)
            self.lines_.append(self.errorbar_.lines[0])
            return
        (line,) = ax.plot(x, y, look, **own)
        self.lines_.append(line)
        if style == "fill_between":
            ax.fill_between(x, y - error, y + error, color=line.get_color(), alpha=0.2, linewidth=0)

    def _columns(self, line_kw: dict[str, Any]) -> None:
        path, places = self.path, self._places()
        x = [path.points[i].strength for i in places]
        order = holding_out(path)
        quiet: dict[str, Any] = {"color": "0.7", "linewidth": 0.7} | line_kw
        for column in reversed(order[MOST_NAMED:]):
            self.ax_.plot(x, path.column_norms[places, column], **quiet)
        for rank, column in enumerate(order[:MOST_NAMED]):
            own: dict[str, Any] = {"color": _SHADES[rank % 3], "linestyle": _DASHES[rank % 4]}
            own |= {"label": path.column_names[column]} | line_kw
            self.lines_ += self.ax_.plot(x, path.column_norms[places, column], **own)

    def _frame(self, kind: str) -> None:
        """Axes, the two dotted lines, the legend."""
        path, ax = self.path, self.ax_
        labels = {
            "loss": path.objective.loss_title,
            "score": path.score_name,
            "columns": "weights of a column (norm)",
        }
        ax.set_ylabel(labels[kind])
        what = title(path).replace(", and ", ",\nand ")
        if kind == "columns" and path.technique.makes_zeros:
            what = f"{name_of(path)}: the columns' weights go to zero one after another"
        ax.set_title(what, loc="left", fontsize="medium")
        if path.axis == "switch":
            ax.set_xlim(-0.6, 1.6)
            ax.set_xticks([0, 1], ["off", "on"])
            ax.set_xlabel(name_of(path))
        else:
            ax.set_xlabel("epoch" if path.axis == "epoch" else f"strength of {name_of(path)}")
            if path.axis == "epoch" or path.technique.search_range.scale == "log":
                ax.set_xscale("log")
            for point in {id(point): point for point in (path.best, path.one_se)}.values():
                if path.axis == "epoch" or point is not path.off:
                    ax.axvline(point.strength, color="0.4", linestyle=":", linewidth=1)
        if kind == "columns":
            ax.set_ylim(bottom=0)
        ax.legend(fontsize="small")


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "RegularizationPathDisplay needs matplotlib, which is not installed: pip install matplotlib, "
            "or use path.plot()."
        ) from error
    return pyplot.subplots()[1]
