from __future__ import annotations

import json
import math
import random
import re
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import taut.torch
from taut.errors import DataError, ParameterError, StoreError, TrainingError
from taut.techniques import BatchNorm, Dropout
from taut.torch.tuned import Tuned
from tests.engine.torch.modules import (
    Pictures,
    Raw,
    Recurrent,
    Sequences,
    Two,
    inputs_of,
    lazy,
    plain,
    with_own_dropout,
)

QUICK: dict[str, Any] = {"time_limit": None, "n_candidates": 5, "max_epochs": 3, "n_jobs": 1, "verbose": 0,
                         "batch_size": 16}  # fmt: skip
LEAST: dict[str, Any] = QUICK | {"n_candidates": 2, "max_epochs": 1, "cv": 2}


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
    assert found.estimate.n_rows == 90
    assert "it is extrapolated: the recipe was trained on half as many examples too" in str(found)
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


def test_what_each_technique_contributed(tmp_path: Path) -> None:
    names = ["batch_norm", "early_stopping"]
    found = taut.torch.tune(Pictures, pictures(), **QUICK | {"techniques": names, "n_candidates": 4})
    found = replace(found, result=replace(found.result, chosen=with_batch_norm(found)))
    effects = found.effects(verbose=0)
    labels = [line.label for line in effects.lines]
    assert labels[0] == "early stopping"
    assert labels[-1] == "batch norm"
    assert sum(line.loss.value for line in effects.lines) == pytest.approx(effects.loss.value)
    found.report(tmp_path / "net.html", effects=effects)
    assert "Effects: what each technique contributed" in (tmp_path / "net.html").read_text(encoding="utf-8")
    with pytest.raises(ParameterError, match="n_seeds"):
        found.effects(n_seeds=0)


def with_batch_norm(found: Tuned) -> int:
    """The first candidate that has it; a few epochs choose by chance."""
    kinds = [score.recipe.get(BatchNorm) for score in found.result.candidates]
    return next(i for i, kind in enumerate(kinds) if kind is not None)


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
DERIVED = nn.Linear(4, 3)
DERIVED.double_weight = DERIVED.weight * 2  # PyTorch refuses to copy what was computed


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
    def packed(items: list[Any]) -> Any:
        sequences = nn.utils.rnn.pack_sequence([x for x, _ in items], enforce_sorted=False)
        return sequences, torch.tensor([y for _, y in items])

    class Lengths(Dataset[Any]):
        def __len__(self) -> int:
            return 48

        def __getitem__(self, i: int) -> Any:
            return torch.full((2 + i % 5, 3), float(i % 3)), i % 3

    def collate(items: list[Any]) -> Any:
        return nn.utils.rnn.pad_sequence([x for x, _ in items], batch_first=True), torch.tensor(
            [y for _, y in items]
        )

    found = taut.torch.tune(Recurrent, Lengths(), collate=collate, **LEAST)
    loader = taut.torch.tune(Recurrent, DataLoader(Lengths(), collate_fn=collate), **LEAST)
    assert np.isfinite(found.best.loss)
    assert loader.estimate.loss == found.estimate.loss  # by the loader's own collate
    with pytest.raises(DataError, match=r"items of Lengths do not fit into one batch.*As collate give"):
        taut.torch.tune(Recurrent, Lengths(), **LEAST)
    with pytest.raises(DataError, match=r"a dict of tensors, and there is PackedSequence"):
        taut.torch.tune(Recurrent, Lengths(), collate=packed, **LEAST)


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


class Answers(nn.Module):
    """Gives its outputs in one of the ways in which modules do."""

    def __init__(self, how: str, n_outputs: int = 3) -> None:
        super().__init__()
        self.how, self.layer = how, nn.Linear(4, n_outputs)

    def forward(self, x: Any) -> Any:
        z = self.layer(x)
        kinds = {"tuple": (z, x), "dict": {"hidden": x, "logits": z}, "object": SimpleNamespace(logits=z)}
        return z[:, 0] if self.how == "squeezed" else kinds[self.how]


def test_outputs_in_a_tuple_a_dict_an_object_or_one_number_a_row() -> None:
    X, y = numbers()
    losses = {taut.torch.tune(partial(Answers, how), (X, y), **LEAST).best.loss
              for how in ("tuple", "dict", "object")}  # fmt: skip
    assert len(losses) == 1
    one = partial(Answers, "squeezed", 1)
    for loss in (None, nn.L1Loss()):
        assert np.isfinite(taut.torch.tune(one, (X, X[:, 0]), loss=loss, **LEAST).best.loss)


def test_targets_of_several_values() -> None:
    X, _ = numbers()

    def name(y: Any, loss: Any, make: Any = plain) -> str:
        found = taut.torch.tune(make, (X, y), loss=loss, **LEAST)
        return str(found.given.trainer.problem.objective.loss_name)

    shares = torch.softmax(torch.as_tensor(X[:, :3]), dim=1)
    assert name((X[:, :3] > 0).astype(np.float32), nn.BCEWithLogitsLoss()) == "BCEWithLogitsLoss"
    assert name(shares, nn.CrossEntropyLoss()) == "CrossEntropyLoss"
    assert name(shares[:, 0], nn.BCEWithLogitsLoss(), lambda: nn.Linear(4, 1)) == "BCEWithLogitsLoss"
    pictures = torch.randn(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = taut.torch.tune(
        lambda: nn.Conv2d(1, 3, 1),
        (pictures, (pictures[:, 0] > 0).long()),
        loss=nn.CrossEntropyLoss(),
        **LEAST,
    )
    assert np.isfinite(found.best.loss)  # a class for every pixel


def test_groups_stay_together() -> None:
    groups = np.repeat(np.arange(12), 5)
    found = taut.torch.tune(plain, numbers(), groups=groups, **LEAST)
    for fold in found.given.folds:
        assert not set(groups[fold.train]) & set(groups[fold.validation])
    with pytest.raises(DataError, match="groups has 10 rows"):
        taut.torch.tune(plain, numbers(), groups=groups[:10], **LEAST)
    with pytest.raises(ParameterError, match="groups are for cross-validation"):
        taut.torch.tune(plain, numbers(), groups=groups, valid=numbers(), **LEAST)


class Augmented(Dataset[Any]):
    """Disturbs rows by NumPy's and Python's own random numbers."""

    def __init__(self, noise: float) -> None:
        self.noise = noise

    def __len__(self) -> int:
        return 24

    def __getitem__(self, i: int) -> Any:
        rows, classes = numbers()
        noise = self.noise * np.random.standard_normal(4) * random.random()
        return torch.as_tensor(rows[i] + noise.astype(np.float32)), int(classes[i])


class Locked(Augmented):
    """What cannot be pickled."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.lock = threading.Lock()


def test_what_cannot_be_sent_to_worker_processes_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    lock = threading.Lock()
    several = LEAST | {"n_jobs": 2, "engine": "torch", "n_candidates": 8}
    for make, data in ((lambda lock=lock: plain(), numbers()), (plain, Locked())):
        with pytest.raises(TrainingError, match=r"cannot be sent to worker processes.*with n_jobs=1"):
            taut.torch.tune(make, data, **several)


def test_a_dataset_with_classes_as_text_leaves_random_numbers_alone() -> None:
    class Named(Dataset[Any]):
        def __len__(self) -> int:
            return 24

        def __getitem__(self, i: int) -> Any:
            return torch.randn(4), "abc"[i % 3]

    stream = torch.get_rng_state()
    found = taut.torch.tune(plain, Named(), **LEAST)
    assert found.given.classes is not None
    assert found.given.classes.tolist() == ["a", "b", "c"]
    assert torch.equal(torch.get_rng_state(), stream)


def test_augmentations_by_other_random_streams_are_repeated_and_leave_them_alone() -> None:
    streams = str(np.random.get_state()), random.getstate()
    losses = {
        taut.torch.tune(plain, (Augmented(noise), Augmented(0.0)), **LEAST).best.loss
        for noise in (0.5, 0.5, 0)
    }
    assert len(losses) == 2
    assert (str(np.random.get_state()), random.getstate()) == streams


def test_batches_of_one_get_no_batch_norm() -> None:
    single = LEAST | {"batch_size": 1, "engine": "torch", "n_candidates": 6}
    found = taut.torch.tune(plain, numbers(12), **single)
    assert "No batch norm: a batch of one example has no variance." in found.plan.declined
    assert "[batch norm]" not in str(found.plan)


def double() -> nn.Module:
    class Double(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = plain().double()

        def forward(self, x: Any) -> Any:
            return self.net(x.double())

    return Double()


def test_tied_weights_without_any_to_penalize_lazy_layers_and_float64(tmp_path: Path) -> None:
    X, y = numbers()
    for make, target in ((Raw, np.arange(60) % 5), (lazy, y), (double, y)):
        found = taut.torch.tune(make, (X, target), **LEAST)
        found.save(tmp_path / make.__name__)
        stream = torch.get_rng_state()
        again = taut.torch.load(tmp_path / make.__name__, make)
        assert torch.equal(torch.get_rng_state(), stream)
        assert torch.equal(again(torch.as_tensor(X)), found.module(torch.as_tensor(X)))
        if make is Raw:
            assert found.network.zero_share == 0.0
            assert again.head.weight is again.embedding.weight


def test_a_module_that_was_given_begins_anew_in_all_its_parts() -> None:
    found = taut.torch.tune(Sequences(), (inputs_of(Sequences, 24), np.arange(24) % 3), **LEAST)
    assert not any("have no reset_parameters()" in note for note in found.given.notes)
    one, other = found.given.module.make(), found.given.module.make()
    name = "encoder.layers.0.self_attn.in_proj_weight"
    assert not torch.equal(one.get_parameter(name), other.get_parameter(name))


class Faulty(nn.Module):
    """Goes wrong in one of the ways in which modules do."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.one, self.two = how, nn.Linear(4, 8), nn.Linear(8, 3)
        if how == "frozen":
            self.requires_grad_(False)
        if how == "mixed":
            self.two.double()

    def forward(self, x: Any) -> Any:
        h = torch.sigmoid(self.one(x))
        if self.how == "training" and self.training:
            raise KeyError("weights")
        if self.how == "later" and self.training and len(x) > 4:
            raise AssertionError("more than four")
        z = self.two(h)
        if self.how == "in place":
            h.mul_(2.0)
        if self.how == "mean":
            return z.mean(dim=0, keepdim=True)
        if self.how == "row" and len(x) > 4:
            return z[1:]
        return z * math.nan if self.how == "nan" else z


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        (
            "training",
            TrainingError,
            r"Faulty failed on 4 examples, inputs of shape \(4, 4\): KeyError: 'weights'",
        ),
        (
            "later",
            TrainingError,
            r"Faulty failed on inputs of shape \(16, 4\): AssertionError: more than four",
        ),
        ("in place", TrainingError, r"Faulty has no gradient on inputs of shape \(16, 4\): .*inplace"),
        ("nan", TrainingError, "Faulty gives NaN before any training"),
        ("mean", TrainingError, r"Faulty gives outputs of shape \(1, 3\) for 4 examples"),
        ("row", TrainingError, r"Faulty gives outputs of shape \(15, 3\) for 16 examples"),
        ("frozen", ParameterError, "Faulty has no parameters that training changes"),
        ("mixed", ParameterError, "parameters of float32 and float64"),
    ],
)
def test_a_module_that_goes_wrong_is_named_and_all_is_as_before(how: str, error: Any, message: str) -> None:
    net = Faulty(how).eval()
    before = {name: one.clone() for name, one in net.state_dict().items()}
    stream, threads = torch.get_rng_state(), torch.get_num_threads()
    quick = {name: value for name, value in LEAST.items() if name not in ("time_limit", "n_candidates")}
    for call in (
        lambda: taut.torch.tune(net, numbers(), **LEAST),
        lambda: taut.torch.diagnose(net, numbers(), **quick),
        lambda: taut.torch.regularization_path(net, numbers(), "l2", [0.1], **quick),
    ):
        with pytest.raises(error, match=message):
            call()
        assert torch.equal(torch.get_rng_state(), stream)
        assert torch.get_num_threads() == threads
        assert not any(one.training for one in net.modules())
        assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
        assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())


class Endless(IterableDataset[Any]):
    """A stream, with a length."""

    def __len__(self) -> int:
        return 10

    def __iter__(self) -> Any:
        return iter(())


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
        ({"techniques": [3]}, ParameterError, "each of techniques must be a name .* it is 3"),
        ({"optimizer": lambda p: 3}, ParameterError, "gives an optimizer"),
        ({"optimizer": torch.optim.SGD, "learning_rate": 0.1}, ParameterError, "give one of them"),
        ({"device": "nowhere"}, ParameterError, "nowhere"),
        ({"where": ["0", "fc9"]}, ParameterError, "where names 'fc9', and Sequential has no such layer"),
        ({"where": 3}, ParameterError, "where must be 'everywhere', 'head' or names of layers"),
        ({"device": None}, ParameterError, "device must be 'auto'"),
        ({"device": "meta"}, ParameterError, "finds none that it can use"),
        ({"optimizer": "sgd"}, ParameterError, "must be a function that gives an optimizer"),
        ({"optimizer": torch.optim.LBFGS}, ParameterError, "in a loop of your own, with taut.torch.attach"),
        ({"module": DERIVED}, ParameterError, "Linear cannot be copied: give a function"),
        ({"data": Endless()}, DataError, "Endless is not map-style"),
        (
            {"valid": (np.zeros((5, 3)), np.zeros(5, int))},
            DataError,
            r"\(60, 4\), and that of valid \(5, 3\)",
        ),
        ({"valid": (np.zeros((5, 4)), np.zeros((5, 2)))}, DataError, "y has the shape"),
        (
            {"module": lambda: nn.Linear(4, 1), "data": (np.ones((9, 4)), np.ones((9, 3)))},
            TrainingError,
            r"outputs of shape \(4, 1\) and a target of shape \(4, 3\)",
        ),
        (
            {"module": lambda: nn.Linear(4, 4), "data": (np.ones((9, 4)), np.ones(9)), "loss": nn.L1Loss()},
            TrainingError,
            r"outputs of shape \(4, 4\) and a target of shape \(4,\)",
        ),
        (
            {"loss": nn.BCEWithLogitsLoss(), "data": (np.ones((9, 4)), np.arange(9) % 2)},
            TrainingError,
            r"outputs of shape \(4, 3\)",
        ),
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
    net = plain().eval()
    before, stream = {name: one.clone() for name, one in net.state_dict().items()}, torch.get_rng_state()
    diagnosis = taut.torch.diagnose(net, numbers(), engine="torch", **quick)
    assert "Sequential (" in str(diagnosis)
    taut.torch.regularization_path(net, numbers(), "l2", [0.1], engine="torch", **quick)
    assert torch.equal(torch.get_rng_state(), stream)
    assert not net.training
    assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
    path = taut.torch.regularization_path(plain, numbers(), "dropout", [0.2, 0.5], **quick)
    assert [point.strength for point in path.points] == [0.0, 0.2, 0.5]
    with pytest.raises(ParameterError, match="Dropout finds no place in Linear"):
        taut.torch.regularization_path(lambda: nn.Linear(4, 3), numbers(), "dropout", **quick)


def test_the_plan_is_told_before_training(capsys: Any) -> None:
    taut.torch.tune(plain, numbers(), **QUICK | {"verbose": 1, "max_epochs": 1, "n_candidates": 2})
    said = capsys.readouterr().err
    assert said.startswith("taut: Sequential (323 parameters)\n0 -> [batch norm] -> 1 -> [dropout] -> 2")


@pytest.mark.fault(46)
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said() -> None:
    for call in (taut.torch.tune, taut.torch.diagnose):
        with pytest.raises(ParameterError, match=r"device is 'cuda', and PyTorch finds none that it can use"):
            call(plain, numbers(), device="cuda", verbose=0)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_a_script_module_is_refused() -> None:
    with pytest.raises(ParameterError, match="is a ScriptModule, into which nothing can be put"):
        taut.torch.tune(torch.jit.script(plain()), numbers(), **LEAST)
