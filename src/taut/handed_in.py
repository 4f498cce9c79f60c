"""What estimators and paths call that stands on the floors above them, handed in by the package.

What ``clf.report()``, ``clf.save()``, ``path.plot()`` and a notebook call works on an estimator or a path,
and so stands above them. ``taut/__init__.py`` runs before any module of taut, also where a pickle is loaded,
and hands these in: functions that import what they need when they are called.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in the package: nothing here takes time
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    import plotly.graph_objects
    import torch

    Path: TypeAlias = str | os.PathLike[str]

#: Of a fitted estimator, to a file, with effects, a diagnosis and paths.
write_report: Callable[[Any, Path, Any, Any, Sequence[Any]], None]
#: A fitted estimator, into a folder.
save: Callable[[Any, Path], None]
#: Of a fitted estimator, with scikit-learn's own form of it.
notebook_html: Callable[[Any, str], str]
#: A fitted estimator as a PyTorch module.
to_torch: Callable[[Any], torch.nn.Module]
#: A fitted estimator, into an ONNX file.
to_onnx: Callable[[Any, Path], None]
#: Of a tuned module, to a file, with effects, a diagnosis and paths.
write_module_report: Callable[[Any, Path, Any, Any, Sequence[Any]], None]
#: Of a regularization path.
figure: Callable[[Any], plotly.graph_objects.Figure]
