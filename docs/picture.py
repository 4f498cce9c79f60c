"""Draw docs/overfitting.svg from a real run: ``python docs/picture.py``.

scikit-learn's diabetes table; the loss by epoch, mean of the folds, without regularization and with the
chosen recipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

from taut import TautRegressorCV

WIDTH, HEIGHT = 760, 330
PANEL, LEFT, TOP, BOTTOM = 300, 60, 56, 268
EPOCHS = 300
HIGH = 6000.0  # squared error
TRAINING, VALIDATION = "#3b6fb5", "#c2542d"

Floats = NDArray[np.float64]


def main() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    model = TautRegressorCV(random_state=0).fit(X, y)
    none = model.baseline_["none"]
    assert none is not None
    panels = [("No regularization", "none", none.epoch)]
    panels.append((model.recipe_.describe(), "chosen", model.best_epoch_))
    parts = []
    for place, (title, which, kept) in enumerate(panels):
        folds = model.history_[which]
        n = min(EPOCHS, *(len(fold["epoch"]) for fold in folds))
        curves = [
            np.mean([fold[name][:n] for fold in folds], axis=0) for name in ("train_loss", "validation_loss")
        ]
        parts += panel(LEFT + place * (PANEL + 60), title, kept, *curves)
    path = Path(__file__).parent / "overfitting.svg"
    path.write_text(svg(parts), encoding="utf-8")
    print(path)


def panel(left: float, title: str, kept: int, train: Floats, validation: Floats) -> list[str]:
    """One pair of curves, with a dot at the epoch whose weights are kept."""

    def point(epoch: float, loss: float) -> tuple[float, float]:
        return left + PANEL * epoch / EPOCHS, TOP + (BOTTOM - TOP) * (1 - min(loss, HIGH) / HIGH)

    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="600">{title}</text>']
    for loss in (0, 2000, 4000, 6000):
        y = point(0, loss)[1]
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + PANEL}" y2="{y:.1f}" stroke="#d9d9d9"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:,}</text>')
    for epoch in range(0, EPOCHS + 1, 100):
        x = point(epoch, 0)[0]
        parts.append(f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{epoch}</text>')
    for curve, color in ((train, TRAINING), (validation, VALIDATION)):
        points = [point(epoch, loss) for epoch, loss in enumerate(curve, start=1)]
        parts.append(polyline(points, color))
    x, y = point(kept, validation[kept - 1])
    anchor = "end" if kept > EPOCHS / 2 else "start"
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{VALIDATION}"/>')
    parts.append(
        f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="{anchor}" fill="{VALIDATION}">'
        f"{validation[kept - 1]:,.0f}</text>"
    )
    return parts


def polyline(points: Sequence[tuple[float, float]], color: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>'


def svg(parts: Sequence[str]) -> str:
    legend = [
        f'<text x="{LEFT}" y="{HEIGHT - 14}">epochs; squared error, mean of the folds: '
        f'<tspan fill="{TRAINING}" font-weight="600">training</tspan>, '
        f'<tspan fill="{VALIDATION}" font-weight="600">validation</tspan> (dot: the kept epoch)</text>'
    ]
    body = "\n".join([*parts, *legend])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333" role="img">\n'
        f"<title>Loss by epoch without and with regularization</title>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    main()
