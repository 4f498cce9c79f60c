"""A regressor whose recipe is chosen by cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from taut.estimators.base import predict_values
from taut.estimators.crossvalidated import CrossValidated


class TautRegressorCV(RegressorMixin, CrossValidated):
    """A regressor whose recipe is chosen by cross-validation.

    As :class:`TautClassifierCV`; what is minimized is the squared error.

    Parameters
    ----------
    hidden, activation, n_bins, learning_rate, batch_size, max_epochs, cv, effort, n_candidates, \
time_limit, selection, final, sampler, resume, on_candidate, on_batch, n_jobs, random_state, verbose
        As those of :class:`TautClassifierCV`; folds are not stratified.
    scoring : str, callable or None, default=None
        A scikit-learn scorer to choose among candidates and their epochs by, such as
        ``"neg_mean_absolute_error"``.

    Attributes
    ----------
    recipe_, n_bins_, n_bins_losses_, learning_rate_, batch_size_, network_, best_, baseline_, \
simple_baselines_, candidates_, cv_results_, best_index_, estimate_, importance_, best_epoch_, n_splits_, \
n_rows_, n_identical_rows_, zero_share_, interrupted_, search_seconds_, signs_
        As those of :class:`TautClassifierCV`; losses are squared errors in y's units, scores R squared.
    row_losses_ : float32 array, shape (n_candidates, n_rows)
        Squared error of every row where it was held out, in y's units; float64 where float32 cannot hold it.
    history_ : dict
        ``"none"``, ``"early_stopping"`` and ``"chosen"``: the folds' curves: ``epoch``, ``train_loss``,
        ``validation_loss``.
    """

    _task = "regression"

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict a value for each row, shape (n_rows,)."""
        return predict_values(self, X)
