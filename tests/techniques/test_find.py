from __future__ import annotations

import pytest

from taut.errors import ParameterError
from taut.techniques import TECHNIQUES, BatchNorm, EarlyStopping
from taut.techniques.base import Technique
from taut.techniques.find import find


@pytest.mark.parametrize("kind", TECHNIQUES)
def test_a_technique_is_found_by_both_its_names(kind: type[Technique]) -> None:
    assert find(kind.name) is find(kind.__name__) is kind


@pytest.mark.parametrize("name", ["batch_norm", "batch-norm", "batch norm", "BatchNorm", "BATCHNORM"])
def test_names_are_found_however_they_are_written(name: str) -> None:
    assert find(name) is BatchNorm


def test_a_wrong_name_has_a_hint() -> None:
    with pytest.raises(ParameterError, match=r"'early-stoping'; did you mean early_stopping\?"):
        find("early-stoping")
    names = ", ".join(kind.name for kind in TECHNIQUES)
    with pytest.raises(ParameterError, match=rf"'xyz'; there are {names}\."):
        find("xyz")
    assert find("earlystopping") is EarlyStopping
