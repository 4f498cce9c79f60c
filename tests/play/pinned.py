"""A run as the page pins it."""

from __future__ import annotations

from typing import Any

from tests.play.helpers import quick


def pinned(**changes: Any) -> dict[str, Any]:
    return {
        "label": "no regularization (8, seed 0)",
        "problem": "moons",
        "settings": quick().to_json(),
        "train": [0.6, 0.5, 0.4],
        "validation": [0.7, 0.65, 0.66],
        "kept": 3,
        "numbers": {
            "train": 0.4, "validation": 0.66, "gap": 0.26, "score": 0.8,
            "zero_share": 0.0, "dead": 0, "units": 8,
        },
        "seen": "Training loss 0.4, validation 0.66.",
        "loss": "cross-entropy",
        "task": "classification",
        "target": "y",
    } | changes  # fmt: skip
