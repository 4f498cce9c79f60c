"""What a browser has drawn: the figures, their marks and their words, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from tests.report.browser.chromium import Seen

# Of figures that are not hidden. Lines and marks have a size; of the words, those that can be seen.
_LOOK = """() => [...document.querySelectorAll(".plot, svg.parallel")]
  .filter((one) => one.checkVisibility())
  .map((one) => {
    const box = one.getBoundingClientRect();
    const size = (mark) => { const b = mark.getBoundingClientRect(); return b.width + b.height; };
    const marks = [...one.querySelectorAll(
      ".js-line, .points path, .bars path, .heatmaplayer image, .contourlayer path, polyline.line"
    )];
    const words = [...one.querySelectorAll("text")]
      .filter((word) => word.textContent.trim() && size(word) > 0 && word.checkVisibility())
      .map((word) => {
        const b = word.getBoundingClientRect();
        const turn = word.getScreenCTM();
        const tilted = Math.abs(turn.a) > 0.1 && Math.abs(turn.b) > 0.1;
        return [
          word.textContent, b.left - box.left, b.right - box.left, b.top - box.top, b.bottom - box.top,
          tilted,
        ];
      });
    const plot = one.querySelector(".nsewdrag") || one;
    return [
      one.id || "parallel", box.left + scrollX, box.right + scrollX, box.height, marks.filter(size).length,
      plot.getBoundingClientRect().width, Boolean(one.closest(".scroll")), words,
    ];
  })"""


@final
@dataclass(frozen=True)
class Word:
    """A piece of text in a figure; pixels from the figure's corner."""

    said: str
    left: float
    right: float
    top: float
    bottom: float
    tilted: bool

    def covers(self, other: Word) -> bool:
        """Whether the two lie on each other by more than a touch; boxes of tilted words always do."""
        if self.tilted and other.tilted:
            return False
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide > 2 and high > 4


@final
@dataclass(frozen=True)
class Figure:
    """A figure as it is drawn; pixels of the page."""

    name: str
    left: float
    right: float
    height: float
    n_marks: int
    plot_width: float
    scrolls: bool
    words: list[Word]

    @property
    def covered(self) -> list[tuple[str, str]]:
        """Words that lie on each other."""
        return [
            (one.said, other.said)
            for i, one in enumerate(self.words)
            for other in self.words[i + 1 :]
            if one.covers(other)
        ]

    @property
    def cut(self) -> list[str]:
        """Words that leave the figure."""
        width = self.right - self.left
        return [
            one.said
            for one in self.words
            if one.left < -1 or one.right > width + 1 or one.bottom > self.height + 1
        ]


def figures_of(seen: Seen) -> list[Figure]:
    """Give all figures that are not hidden."""
    found = [Figure(*one[:-1], [Word(*word) for word in one[-1]]) for one in seen.ask(_LOOK)]
    assert found
    return found
