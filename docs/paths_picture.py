"""Write docs/paths.svg: an L1 path on scikit-learn's diabetes table, and its columns' weights."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from sklearn.datasets import load_diabetes

from taut import regularization_path
from taut.paths import RegularizationPathDisplay


def main() -> None:
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "taut"  # the same file every time
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    path = regularization_path(X, y, "l1", hidden=(64, 64), random_state=0)
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(7.5, 7), layout="constrained")
    RegularizationPathDisplay.from_path(path, ax=above).ax_.set_xlabel("")
    RegularizationPathDisplay.from_path(path, ax=below, kind="columns")
    figure.savefig(Path(__file__).with_name("paths.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
