from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import taut.torch
from taut.errors import DataError, ParameterError, StoreError, TrainingError
from taut.techniques import Dropout
from taut.torch.tuned import Tuned
from tests.engine.torch.modules import Pictures, Two, inputs_of, lazy, plain, with_own_dropout

QUICK: dict[str, Any] = {"time_limit": None, "n_candidates": 5, "max_epochs": 3, "n_jobs": 1, "verbose": 0,
                         "batch_size": 16}  # fmt: skip


def pictures(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of three kinds with a bright row, and noise."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    X = rng.normal(size=(n, 1, 8, 8)).astype(np.float32)
    X[np.arange(n), 0, 2 * y] += 2.0
    return X, y


@pytest.fixture(scope="module")
def found() -> Tuned:
    return taut.torch.tune(Pictures, pictures(), **QUICK)


def test_a_network_for_pictures_from_data_to_a_folder(found: Tuned, tmp_path: Path) -> None:
    assert isinstance(found.module, Pictures)
    assert list(found.module.state_dict()) == list(Pictures().state_dict())
    assert not found.module.training
    assert len(found.result.candidates) == 5
    assert [score.recipe.describe() for score in found.result.candidates[:2]] == [
        "early stopping", "no regularization",
    ]  # fmt: skip
    assert found.estimate.loss.low < found.estimate.loss.value < found.estimate.loss.high
    assert "as it is, stopped early" in str(found)
    assert "the module was trained on all 90 of them" in str(found)
    found.save(tmp_path / "net")
    again = taut.torch.load(tmp_path / "net", Pictures)
    x = torch.from_numpy(pictures()[0])
    with torch.no_grad():
        assert torch.equal(again(x), found.module(x))
    told = json.loads((tmp_path / "net" / "tuned.json").read_text())
    assert told["module"] == "Pictures"
    assert told["import_path"] == "tests.engine.torch.modules.Pictures"
    found.save(tmp_path / "net")  # over itself
    assert len(list((tmp_path / "net").iterdir())) == 2


def test_its_report(found: Tuned, tmp_path: Path) -> None:
    found.report(tmp_path / "net.html")
    page = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert "Pictures (954 parameters)" in page or re.search(r"Pictures \([\d,]+ parameters\)", page)
    assert "averages several" not in page  # it is one module
    # It may have regularization of its own: what is not changed is not called unregularized.
    assert "Before: the module as it is" in page
    assert "no regularization" not in page


def test_the_same_call_gives_the_same_and_a_search_continues_from_its_file(tmp_path: Path) -> None:
    whole = taut.torch.tune(plain, numbers(), **QUICK)
    first = taut.torch.tune(plain, numbers(), **QUICK | {"resume": str(tmp_path / "search.db")})
    again = taut.torch.tune(plain, numbers(), **QUICK | {"resume": str(tmp_path / "search.db")})
    for other in (first, again):
        assert other.recipe == whole.recipe
        state = other.module.state_dict()
        assert all(torch.equal(one, state[name]) for name, one in whole.module.state_dict().items())


def numbers(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 4))
    return X.astype(np.float32), (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def test_the_callers_module_and_random_numbers_are_as_before() -> None:
    net = plain()
    before = {name: one.clone() for name, one in net.state_dict().items()}
    torch.manual_seed(5)
    stream, threads = torch.get_rng_state(), torch.get_num_threads()
    with_notes = taut.torch.tune(net, numbers(), **QUICK)
    assert torch.equal(torch.get_rng_state(), stream)
    assert torch.get_num_threads() == threads
    assert net.training
    assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
    assert with_notes.module is not net
    assert any("is copied, and every copy gets new weights" in note for note in with_notes.given.notes)


def test_valid_takes_the_place_of_cross_validation() -> None:
    X, y = numbers(90)
    found = taut.torch.tune(plain, (X[:60], y[:60]), valid=(X[60:], y[60:]), **QUICK)
    assert len(found.given.folds) == 1
    assert found.given.folds[0].validation.tolist() == list(range(60, 90))
    assert "trained on a part" not in str(found)


def test_only_these_techniques_and_ones_own_optimizer() -> None:
    found = taut.torch.tune(
        plain, numbers(), techniques=["dropout"], optimizer=lambda p: torch.optim.SGD(p, lr=0.1), **QUICK
    )
    kinds = {type(one).__name__ for score in found.result.candidates for one in score.recipe.active}
    assert kinds == {"Dropout", "EarlyStopping"}
    assert {score.candidate.learning_rate for score in found.result.candidates} == {0.1}


NET = plain()


class Views(Dataset[Any]):
    """Rows whose training view is disturbed."""

    def __init__(self, X: Any, y: Any, noise: float) -> None:
        self.X, self.y, self.noise = torch.as_tensor(X), y, noise
        self.seen = 0

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, i: int) -> Any:
        self.seen += 1
        return self.X[i] + self.noise * torch.randn(self.X[i].shape), int(self.y[i])


def test_a_dataset_with_a_view_for_training_and_one_for_evaluation() -> None:
    X, y = numbers()
    train, evaluation = Views(X, y, 0.5), Views(X, y, 0.0)
    found = taut.torch.tune(plain, (train, evaluation), **QUICK)
    again = taut.torch.tune(plain, (Views(X, y, 0.5), Views(X, y, 0.0)), **QUICK)
    assert train.seen > 0
    assert found.estimate.loss == again.estimate.loss  # the augmentation's random numbers are named too
    tensors = taut.torch.tune(plain, TensorDataset(torch.as_tensor(X), torch.as_tensor(y)), **QUICK)
    assert tensors.estimate.loss == taut.torch.tune(plain, (X, y), **QUICK).estimate.loss


def test_sequences_of_many_lengths_by_ones_own_collate() -> None:
    class Lengths(Dataset[Any]):
        def __len__(self) -> int:
            return 48

        def __getitem__(self, i: int) -> Any:
            return torch.full((2 + i % 5, 3), float(i % 3)), i % 3

    def collate(items: list[Any]) -> Any:
        return nn.utils.rnn.pad_sequence([x for x, _ in items], batch_first=True), torch.tensor(
            [y for _, y in items]
        )

    from tests.engine.torch.modules import Recurrent

    found = taut.torch.tune(Recurrent, Lengths(), collate=collate, **QUICK)
    assert np.isfinite(found.best.loss)


def test_inputs_by_name_text_classes_lazy_layers_and_values() -> None:
    X = inputs_of(Two, 60)
    names = np.array(["a", "b", "c"])[np.arange(60) % 3]
    found = taut.torch.tune(Two, (X, names), **QUICK)
    assert found.given.classes is not None
    assert found.given.classes.tolist() == ["a", "b", "c"]
    assert np.isfinite(taut.torch.tune(lazy, numbers(), **QUICK).best.loss)
    x, _ = numbers()
    value = taut.torch.tune(lambda: nn.Linear(4, 1), (x, x[:, 0] * 2.0), **QUICK)
    assert value.given.trainer.problem.objective.loss_name == "squared error"
    several = taut.torch.tune(lambda: nn.Linear(4, 2), (x, x[:, :2] * 2.0), **QUICK)
    assert several.given.trainer.problem.objective.loss_name == "squared error"
    assert several.simple == ()
    own = taut.torch.tune(lambda: nn.Linear(4, 1), (x, x[:, 0]), loss=nn.functional.l1_loss, **QUICK)
    assert own.given.trainer.problem.objective.loss_name == "l1_loss"
    binary = taut.torch.tune(
        lambda: nn.Linear(4, 1), (x, (x[:, 0] > 0).astype(np.float32)), loss=nn.BCEWithLogitsLoss(), **QUICK
    )
    assert binary.given.trainer.problem.objective.n_classes == 2


def test_own_dropout_is_the_baseline_and_its_rate_is_searched() -> None:
    found = taut.torch.tune(with_own_dropout, numbers(), techniques=[Dropout], **QUICK)
    assert found.plan.rates == ("2",)
    assert found.module[2].p == 0.5  # type: ignore[index,union-attr]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"module": 3}, ParameterError, "must be a function that makes one"),
        ({"module": lambda: 3}, ParameterError, "must make a torch.nn.Module"),
        ({"module": lambda net=NET: net}, ParameterError, "gives the same one"),
        ({"module": lambda: nn.Linear(5, 3)}, TrainingError, r"Linear failed on 4 examples.*\(4, 4\)"),
        ({"module": lambda: nn.Linear(4, 2)}, TrainingError, "2 logits a row, and y has 3 classes"),
        ({"data": (np.zeros((5, 4)), np.zeros(4))}, DataError, "has 5 rows, and y has 4"),
        ({"data": 3}, DataError, "data must be"),
        ({"data": (np.full((5, 4), np.nan), np.zeros(5, int))}, DataError, "missing or infinite in row 1"),
        ({"data": (np.array([["a"]] * 5), np.zeros(5, int))}, DataError, "X must be numbers"),
        ({"techniques": ["l3"]}, ParameterError, "l3"),
        ({"techniques": [3]}, ParameterError, "one is 3"),
        ({"optimizer": lambda p: 3}, ParameterError, "gives an optimizer"),
        ({"optimizer": torch.optim.SGD, "learning_rate": 0.1}, ParameterError, "give one of them"),
        ({"device": "nowhere"}, ParameterError, "nowhere"),
        ({"loss": nn.CrossEntropyLoss}, ParameterError, "must be an instance"),
        ({"loss": lambda z, y: nn.functional.cross_entropy(z, y)}, ParameterError, "reduction='none'"),
        ({"batch_size": 0}, ParameterError, "batch_size"),
        ({"max_epochs": 0.5}, ParameterError, "max_epochs"),
        ({"random_state": None}, ParameterError, "random_state"),
    ],
)
def test_what_cannot_be_used_is_said(changes: Any, error: Any, message: str) -> None:
    given: dict[str, Any] = {"module": plain, "data": numbers(), **QUICK, **changes}
    with pytest.raises(error, match=message):
        taut.torch.tune(given.pop("module"), given.pop("data"), **given)


def test_a_folder_that_is_damaged_or_of_another_module(found: Tuned, tmp_path: Path) -> None:
    found.save(tmp_path / "net")
    with pytest.raises(StoreError, match="is of another Pictures than this Sequential: they differ in"):
        taut.torch.load(tmp_path / "net", plain)
    file = next((tmp_path / "net").glob("*.safetensors"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(StoreError, match="is damaged"):
        taut.torch.load(tmp_path / "net", Pictures)
    file.unlink()
    with pytest.raises(StoreError, match="lacks its numbers"):
        taut.torch.load(tmp_path / "net", Pictures)
    (tmp_path / "net" / "tuned.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        taut.torch.load(tmp_path / "net", Pictures)
    with pytest.raises(StoreError, match="holds no tuned module"):
        taut.torch.load(tmp_path, Pictures)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"other than a tuned module, such as 'mine.txt'"):
        found.save(tmp_path / "other")


def test_a_diagnosis_and_a_path() -> None:
    quick = {name: value for name, value in QUICK.items() if name not in ("time_limit", "n_candidates")}
    diagnosis = taut.torch.diagnose(plain, numbers(), engine="torch", **quick)
    assert "Sequential (" in str(diagnosis)
    path = taut.torch.regularization_path(plain, numbers(), "dropout", [0.2, 0.5], **quick)
    assert [point.strength for point in path.points] == [0.0, 0.2, 0.5]
    with pytest.raises(ParameterError, match="Dropout finds no place in Linear"):
        taut.torch.regularization_path(lambda: nn.Linear(4, 3), numbers(), "dropout", **quick)


def test_the_plan_is_told_before_training(capsys: Any) -> None:
    taut.torch.tune(plain, numbers(), **QUICK | {"verbose": 1, "max_epochs": 1, "n_candidates": 2})
    said = capsys.readouterr().err
    assert said.startswith("taut: Sequential (323 parameters)\n0 -> [batch norm] -> 1 -> [dropout] -> 2")
