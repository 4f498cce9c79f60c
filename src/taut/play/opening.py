"""What a page begins with: a person's table, or a saved model's recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from taut.estimators.automatic import auto_batch_size
from taut.estimators.base import TautEstimator
from taut.play.data import Data
from taut.play.settings import MOST_BATCH, MOST_EPOCHS, MOST_LAYERS, MOST_WIDTH, OWN, Settings, switches
from taut.recipe import Recipe
from taut.report.schema import SourceFacts
from taut.table.columns import describe
from taut.table.duplicates import duplicate_groups
from taut.table.frame import Frame
from taut.table.matrices import matrix
from taut.techniques import EarlyStopping

_HELD_OUT = 0.3
_EPOCHS = 100


def own_data(features: Frame, y: Any, task: Any, source: SourceFacts, notes: tuple[str, ...]) -> Data:
    """A table that was read from a file, its identical rows found."""
    groups, _ = duplicate_groups(matrix(describe(features), features, strict=False))
    return Data(
        features,
        np.asarray(y),
        task,
        f"{source['file']}: {source['target']}",
        str(source["target"]),
        groups if len(np.unique(groups)) < len(groups) else None,
        notes,
        source,
    )


def start_of(own: Data | None, model: TautEstimator | None = None) -> Settings:
    """The settings to begin with: a saved model's recipe and network, or early stopping alone."""
    settings = Settings()
    if own is not None:
        n_train = round((1 - _HELD_OUT) * len(own))
        settings = replace(
            settings,
            problem=OWN,
            held_out=_HELD_OUT,
            batch_size=auto_batch_size(n_train),
            max_epochs=_EPOCHS,
            techniques=switches(Recipe(EarlyStopping())),
        )
    if model is None:
        return settings
    network = model.model_.networks[0].network
    hidden = tuple(min(width, MOST_WIDTH) for width in network.hidden[:MOST_LAYERS])
    return replace(
        settings,
        techniques=switches(model.recipe_),
        hidden=hidden,
        activation=network.activation,
        n_bins=model.model_.n_bins,
        learning_rate=float(model.learning_rate_),
        batch_size=min(int(model.batch_size_), MOST_BATCH),
        max_epochs=min(int(model.max_epochs), MOST_EPOCHS),
    )
