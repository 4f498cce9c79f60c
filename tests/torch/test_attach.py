"""A recipe in a training loop of one's own."""

from __future__ import annotations

import copy
import io
import math
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import taut.torch
from taut import (
    L1,
    L2,
    BatchNorm,
    Dropout,
    EarlyStopping,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Recipe,
)
from taut.errors import ParameterError, TrainingError, TrainingWarning
from taut.torch import Loop, attach

X = torch.randn(96, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long() + (X[:, 2] > 0)
EVERYTHING = Recipe(
    L2(0.1), L1(0.02), MaxNorm(2.0), Dropout(0.3, input_rate=0.1), BatchNorm(), InputNoise(0.1),
    EarlyStopping(patience=20),
)  # fmt: skip


def mlp(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))


def adamw(net: nn.Module, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(net.parameters(), **({"lr": 0.01, "weight_decay": 0.0} | options))


def steps(net: nn.Module, optimizer: torch.optim.Optimizer, n: int = 3, start: int = 0) -> None:
    net.train()
    for i in range(start, start + n):
        rows = slice(i % 3 * 32, i % 3 * 32 + 32)
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), Y[rows]).backward()
        optimizer.step()


def valid_loss(net: nn.Module) -> float:
    net.eval()
    with torch.no_grad():
        return float(F.cross_entropy(net(X), Y))


def same(a: nn.Module, b: nn.Module) -> bool:
    one, other = a.state_dict(), b.state_dict()
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def quiet(recipe: Recipe, net: nn.Module, optimizer: Any, inputs: Any = None, **options: Any) -> Loop:
    return attach(recipe, net, optimizer, inputs, verbose=0, **options)


# --- what rides on the optimizer -------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"fused": True}])
def test_decay_is_the_optimizers_own_bit_for_bit_under_a_scheduler(options: dict[str, Any]) -> None:
    ours, theirs = mlp(), mlp()
    weights = [p for p in theirs.parameters() if p.dim() == 2]
    biases = [p for p in theirs.parameters() if p.dim() == 1]
    reference = torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.3}, {"params": biases, "weight_decay": 0.0}],
        lr=0.01,
        **options,
    )
    optimizer = adamw(ours, **options)
    schedulers = [torch.optim.lr_scheduler.CosineAnnealingLR(one, 10) for one in (optimizer, reference)]
    quiet(Recipe(L2(0.3)), ours, optimizer)
    for i in range(12):
        steps(ours, optimizer, 1, i)
        steps(theirs, reference, 1, i)
        for one in schedulers:
            one.step()
    assert same(ours, theirs)


def test_a_group_without_a_learning_rate_does_not_move() -> None:
    net = mlp()
    optimizer = torch.optim.SGD(
        [{"params": [net[0].weight], "lr": 0.0}, {"params": [net[2].weight], "lr": 0.5}], lr=0.1
    )
    quiet(Recipe(L1(1.0)), net, optimizer)
    first, last = net[0].weight.clone(), net[4].weight.clone()
    steps(net, optimizer)
    assert torch.equal(net[0].weight, first)
    assert torch.equal(net[4].weight, last)  # that no optimizer holds
    assert not net[2].weight.any()


def test_l1_gives_exact_zeros_under_any_optimizer() -> None:
    net = mlp()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    quiet(Recipe(L1(0.05)), net, optimizer)
    steps(net, optimizer, 60)
    assert (net[0].weight == 0).sum() > 20
    assert not (net[0].bias == 0).any()


def test_max_norm_bounds_hidden_units_and_leaves_outputs_alone() -> None:
    net = mlp()
    with torch.no_grad():
        net[0].weight.mul_(10)
        net[4].weight.mul_(10)
    optimizer = adamw(net)
    quiet(Recipe(MaxNorm(2.0)), net, optimizer, X)
    steps(net, optimizer)
    assert net[0].weight.norm(dim=1).max() <= 0.5 + 1e-6
    assert net[4].weight.norm(dim=1).max() > 1


def test_a_step_that_the_scaler_skips_is_skipped() -> None:
    for fused in (False, True):
        net = mlp()
        optimizer = adamw(net, fused=fused)
        quiet(Recipe(L2(1.0), L1(1.0)), net, optimizer)
        before = copy.deepcopy(net.state_dict())
        scaler = torch.amp.GradScaler("cpu")
        scaler.scale(net(X).sum() * math.inf).backward()
        scaler.step(optimizer)
        scaler.update()
        assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
        optimizer.zero_grad()
        scaler.scale(F.cross_entropy(net(X), Y)).backward()
        scaler.step(optimizer)
        assert not torch.equal(net[0].weight, before["0.weight"])


def test_accumulated_gradients_are_one_step_with_other_masks_for_each_part() -> None:
    net = mlp()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    loop = quiet(Recipe(L2(0.5), Dropout(0.5)), net, optimizer, X)
    weight = net[0].weight.clone()
    net.train()
    a, b = net(X), net(X)
    assert not torch.equal(a, b)
    (a.sum() * 0 + b.sum() * 0).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    assert torch.equal(net[0].weight, weight * 0.95)
    assert (loop._clock.steps, loop._clock.passes) == (1, 2)


def test_checkpointed_activations_are_recomputed_with_the_same_masks() -> None:
    def gradients(checkpointed: bool) -> list[Tensor]:
        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.body = mlp()

            def forward(self, x: Tensor) -> Any:
                if not checkpointed:
                    return self.body(x)
                return torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False)

        net = Net()
        quiet(Recipe(Dropout(0.5)), net, adamw(net), X)
        F.cross_entropy(net(X), Y).backward()
        return [p.grad for p in net.parameters()]  # type: ignore[misc]

    assert all(map(torch.equal, gradients(False), gradients(True)))


def test_lbfgs_is_acted_on_once_a_step_and_trains_batch_norm() -> None:
    net = mlp()
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=5)
    loop = quiet(Recipe(L2(0.01), L1(0.01), BatchNorm()), net, optimizer, X)
    first = net[0].taut_norm.weight.clone()

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(X), Y)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    assert loop._clock.steps == 3 < loop._clock.passes
    assert not torch.equal(net[0].taut_norm.weight, first)
    assert math.isfinite(valid_loss(net))


@pytest.mark.parametrize("by_name", [False, True])
def test_a_closure_changes_nothing(by_name: bool) -> None:
    nets = []
    for closed in (False, True):
        net = mlp()
        optimizer = adamw(net)
        quiet(EVERYTHING, net, optimizer, None if closed else X[:32])
        for i in range(4):
            rows = slice(i % 3 * 32, i % 3 * 32 + 32)

            def closure(net: nn.Module = net, optimizer: Any = optimizer, rows: slice = rows) -> Tensor:
                optimizer.zero_grad()
                loss = F.cross_entropy(net(X[rows]), Y[rows])
                loss.backward()
                return loss

            if closed:
                found = optimizer.step(closure=closure) if by_name else optimizer.step(closure)
                assert math.isfinite(found.detach())
            else:
                closure()
                optimizer.step()
        nets.append(net)
    assert same(*nets)


def test_lbfgs_shrinks_before_its_first_gradient() -> None:
    net = mlp()
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=1)
    quiet(Recipe(L2(0.5)), net, optimizer)
    weight, seen = net[0].weight.clone(), []

    def closure() -> Tensor:
        optimizer.zero_grad()
        seen.append(net[0].weight.detach().clone())
        loss = F.cross_entropy(net(X), Y)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert torch.equal(seen[0], weight * 0.95)


def test_what_has_no_gradient_is_left_alone_as_the_optimizer_does() -> None:
    net = mlp()
    optimizer = adamw(net)
    quiet(Recipe(L2(0.5), L1(0.5)), net, optimizer)
    weight = net[4].weight.clone()
    net[:4](X).sum().backward()
    optimizer.step()
    assert torch.equal(net[4].weight, weight)
    net[0].weight.requires_grad_(False)
    frozen = net[0].weight.clone()
    steps(net, optimizer)
    assert torch.equal(net[0].weight, frozen)


def test_several_optimizers_and_named_parameters() -> None:
    net = mlp()
    first = torch.optim.AdamW(net[0].named_parameters(), lr=0.01, weight_decay=0.0)
    second = torch.optim.SGD([*net[2].parameters(), *net[4].parameters()], lr=0.01)
    loop = quiet(Recipe(L1(0.5), BatchNorm()), net, [first, second], X)
    assert first.param_groups[0]["param_names"] == [
        "weight",
        "bias",
        "0.taut_norm.weight",
        "0.taut_norm.bias",
    ]
    assert [len(one.param_groups[0]["params"]) for one in (first, second)] == [4, 6]
    for _ in range(30):
        first.zero_grad()
        second.zero_grad()
        F.cross_entropy(net(X), Y).backward()
        first.step()
        second.step()
    assert (net[0].weight == 0).any()
    assert (net[2].weight == 0).any()
    loop.strip()
    assert first.param_groups[0]["param_names"] == ["weight", "bias"]
    assert [len(one.param_groups[0]["params"]) for one in (first, second)] == [2, 4]
    assert len(first.state) == 2


# --- dropout and batch norm ------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_batch_norm_trains_and_schedulers_go_on(when: str) -> None:
    net = mlp()
    optimizer = adamw(net)
    if when == "before":
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    loop = quiet(Recipe(BatchNorm()), net, optimizer, X)
    if when == "after":
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    norm = net[0].taut_norm
    before = [p.clone() for p in norm.parameters()]
    for _ in range(3):
        steps(net, optimizer)
        scheduler.step()
    assert not any(map(torch.equal, norm.parameters(), before))
    assert [group["lr"] for group in optimizer.param_groups] == [pytest.approx(1e-5)]
    loop.strip()
    scheduler.step()


def test_a_new_batch_norm_begins_with_the_first_batchs_statistics() -> None:
    net = mlp()
    quiet(Recipe(BatchNorm()), net, adamw(net), X)
    net.train()(X)
    assert torch.allclose(net[0].taut_norm.running_mean, F.linear(X, net[0].weight, net[0].bias).mean(0))


def test_strip_gives_the_module_back_with_its_own_class_and_keys() -> None:
    net = mlp()
    keys, optimizer = list(net.state_dict()), adamw(net)
    loop = quiet(EVERYTHING, net, optimizer, X)
    steps(net, optimizer, 9)
    loss, outputs = valid_loss(net), net(X)
    found = loop.strip()
    assert found is net
    assert type(found) is nn.Sequential
    assert list(net.state_dict()) == keys
    assert torch.allclose(net(X), outputs, atol=4e-6)
    assert valid_loss(net) == pytest.approx(loss, abs=1e-5)
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())
    assert not any(
        one._forward_hooks_with_kwargs or one._forward_pre_hooks_with_kwargs for one in net.modules()
    )
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert loop.strip() is net
    for call in (loop.restore, loop.state_dict, lambda: loop.update(1.0)):
        with pytest.raises(TrainingError, match=r"before strip\(\)"):
            call()
    weight = net[0].weight.clone()
    net.train()
    assert torch.equal(net(X), net(X))
    assert torch.equal(net[0].weight, weight)


def test_a_layer_without_bias_is_declined_in_the_plan() -> None:
    net = nn.Sequential(nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 3))
    with pytest.warns(TrainingWarning, match=r"Batch norm has no effect on Sequential.*no bias"):
        loop = quiet(Recipe(BatchNorm()), net, adamw(net), X)
    assert "No batch norm behind 0" in str(loop.plan)


def test_frozen_tied_and_parametrized_layers_get_no_batch_norm() -> None:
    net = nn.Sequential(*(layer for _ in range(5) for layer in (nn.Linear(8, 8), nn.ReLU())), nn.Linear(8, 3))
    net[0].weight.requires_grad_(False)
    net[4].weight = net[2].weight
    nn.utils.spectral_norm(net[6])
    loop = quiet(Recipe(L2(0.1), BatchNorm()), net, adamw(net), X)
    assert [site.layer for site in loop.plan.norms] == ["8"]
    assert "No batch norm behind 0: it is frozen" in str(loop.plan)
    assert "No batch norm behind 2: its weights are another layer's too" in str(loop.plan)
    assert "No batch norm behind 6: its weights are computed from others" in str(loop.plan)
    assert loop.plan.penalized == ("2.weight", "8.weight", "10.weight")
    steps(net, adamw(net))
    outputs = net.eval()(X)
    assert torch.allclose(loop.strip()(X), outputs, atol=4e-6)
    assert net[4].weight is net[2].weight


def test_dropout_of_the_modules_own_is_set_and_set_back() -> None:
    net = nn.Sequential(
        nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)
    )
    loop = quiet(Recipe(Dropout(0.4)), net, adamw(net), X)
    assert net[2].p == 0.4
    assert [site.layer for site in loop.plan.dropout] == ["5"]  # not before 3, where it would be doubled
    net.train()
    entered: list[Tensor] = []
    net[5].register_forward_pre_hook(lambda m, args: entered.append(args[0]))
    net[3].register_forward_pre_hook(lambda m, args: entered.append(args[0]))
    for _ in range(20):
        net(X)
    assert torch.stack(entered[::2]).gt(0).float().mean() == pytest.approx(0.3, abs=0.05)  # half by relu
    loop.strip()
    assert net[2].p == 0.1


@pytest.mark.parametrize(
    ("off", "absent"),
    [
        (None, Recipe()),
        (Recipe(L2(0.0), L1(0.0), Dropout(0.0), InputNoise(0.0)), Recipe()),
        (Recipe(L2(0.1), BatchNorm(), Dropout(0.0)), Recipe(L2(0.1), BatchNorm())),
    ],
)
def test_off_equals_absent(off: Recipe | None, absent: Recipe) -> None:
    nets = []
    for recipe in (off, absent):  # None is no recipe at all
        net = mlp()
        optimizer = adamw(net)
        if recipe is not None:
            quiet(recipe, net, optimizer, X)
        steps(net, optimizer, 6)
        nets.append(net)
    assert same(*nets)


def test_masks_and_noise_have_random_numbers_of_their_own() -> None:
    def trained(seed: int, disturbed: bool) -> nn.Module:
        net = mlp()
        optimizer = adamw(net)
        quiet(Recipe(Dropout(0.3, input_rate=0.1), InputNoise(0.1)), net, optimizer, X, random_state=seed)
        for i in range(4):
            if disturbed:
                torch.rand(7)
            steps(net, optimizer, 1, i)
        return net

    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = trained(0, False)
    assert torch.equal(torch.get_rng_state(), state)
    assert same(first, trained(0, True))
    assert not same(first, trained(1, False))


def test_attach_leaves_mode_random_stream_threads_and_buffers_as_they_are() -> None:
    net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
    net.eval()
    net[0].train()
    state, threads, before = torch.get_rng_state(), torch.get_num_threads(), copy.deepcopy(net)
    quiet(Recipe(L2(0.1), Dropout(0.3)), net, adamw(net), X)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert [one.training for one in net.modules()] == [one.training for one in before.modules()]
    assert same(net, before)
    assert torch.equal(net.eval()(X), before.eval()(X))


def test_a_last_batch_of_one_is_refused_in_a_sentence() -> None:
    net = mlp()
    quiet(Recipe(BatchNorm()), net, adamw(net), X)
    with pytest.raises(TrainingError, match=r"Batch norm behind 0 needs at least two examples.*drop_last"):
        net.train()(X[:1])
    net.eval()(X[:1])


def test_pictures_are_dropped_by_channel_and_normalized() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)
    )
    pictures = torch.randn(6, 1, 8, 8)
    optimizer = adamw(net)
    loop = quiet(Recipe(Dropout(0.5), BatchNorm()), net, optimizer, pictures)
    net.train()(pictures).sum().backward()
    optimizer.step()
    outputs = net.eval()(pictures)
    assert torch.allclose(loop.strip()(pictures), outputs, atol=4e-6)


# --- the plan --------------------------------------------------------------------------------------------


def test_the_plan_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    net = mlp()
    attach(Recipe(L2(0.1), Dropout(0.3)), net, torch.optim.AdamW([*net.parameters()][:4]), X)
    printed = capsys.readouterr().err.splitlines()
    assert printed[:2] == [
        "taut: L2 0.1 + dropout 0.3 on Sequential",
        "0 -> 1 -> [dropout] -> 2 -> 3 -> [dropout] -> 4",
    ]
    assert "taut: no optimizer holds 4.weight: nothing acts on them" in printed
    assert (
        printed[-1]
        == "taut: the optimizer's own weight_decay of 0.01 acts beside L2: set it to 0 for L2 alone"
    )


def test_without_inputs_the_first_batch_in_training_finds_the_plan() -> None:
    nets = []
    for inputs in (X[:32], None):
        net = mlp()
        optimizer = adamw(net)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        loop = quiet(EVERYTHING, net, optimizer, inputs)
        net.eval()(X)
        for i in range(4):
            steps(net, optimizer, 1, i)
            scheduler.step()
        assert len(loop.plan.norms) == 2
        nets.append(net)
    assert same(*nets)


def test_without_inputs_and_without_a_forward_pass_inputs_are_asked_for() -> None:
    net = mlp()
    optimizer = adamw(net)
    quiet(Recipe(Dropout(0.3)), net, optimizer)
    net[0](X).sum().backward()
    with pytest.raises(ParameterError, match="give attach an example batch as inputs"):
        optimizer.step()


def test_inputs_by_name_and_dict_outputs() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 3)

        def forward(self, x: Tensor, scale: Tensor) -> dict[str, Tensor]:
            return {"logits": self.last(input=torch.relu(self.first(x) * scale))}

    for inputs in (None, {"x": X, "scale": torch.ones(1)}):
        net = Net()
        optimizer = adamw(net)
        quiet(Recipe(Dropout(0.3)), net, optimizer, inputs)
        out = net(x=X, scale=torch.ones(1))["logits"]
        assert not torch.equal(out, net(x=X, scale=torch.ones(1))["logits"])
        out.sum().backward()
        optimizer.step()
    net = Net()
    quiet(Recipe(Dropout(0.3)), net, adamw(net))
    with pytest.raises(ParameterError, match="in order and by name"):
        net(X, scale=torch.ones(1))


def test_only_the_head_where_that_is_asked_for() -> None:
    net = nn.Sequential(
        nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 8), nn.ReLU(), nn.Linear(8, 3)
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    loop = quiet(Recipe(L2(0.5)), net, optimizer, where="head")
    first, last = net[0].weight.clone(), net[5].weight.clone()
    (net(X[:, None]).sum() * 0).backward()
    optimizer.step()
    assert loop.plan.penalized == ("3.weight", "5.weight")
    assert torch.equal(net[0].weight, first)
    assert not torch.equal(net[5].weight, last)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda net: {"recipe": "l2"}, "recipe must be a taut.Recipe"),
        (lambda net: {"module": 3}, "module must be a torch.nn.Module"),
        (lambda net: {"optimizer": [adamw(net), object()]}, "optimizer must be a torch.optim.Optimizer"),
        (lambda net: {"optimizer": None}, "optimizer must be a torch.optim.Optimizer"),
        (lambda net: {"recipe": Recipe(LabelSmoothing(0.1))}, r"CrossEntropyLoss its label_smoothing=0.1"),
        (lambda net: {"module": torch.compile(net, backend="eager")}, "attach first, then torch.compile"),
        (lambda net: {"module": nn.DataParallel(net)}, "attach first, then wrap it"),
        (lambda net: {"module": nn.LazyLinear(3)}, "lazy layers"),
        (lambda net: {"random_state": -1}, "random_state"),
        (lambda net: {"where": ["fc9"]}, "where names 'fc9', and Sequential has no such layer"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(change: Any, match: str) -> None:
    net = mlp()
    given = {"recipe": Recipe(L2(0.1), Dropout(0.3), BatchNorm()), "module": net, "inputs": X}
    given |= {"optimizer": adamw(net), "verbose": 0} | change(net)
    with pytest.raises(ParameterError, match=match):
        attach(**given)
    untouched(net, given["optimizer"])


def untouched(net: nn.Module, optimizer: Any) -> None:
    assert same(net, mlp())
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())
    for one in optimizer if isinstance(optimizer, list) else [optimizer]:
        if isinstance(one, torch.optim.Optimizer):
            assert not one._optimizer_step_pre_hooks
            assert len(one.param_groups[0]["params"]) == 6


def test_inputs_that_do_not_fit_name_their_shape_and_leave_all_as_it_was() -> None:
    net = mlp()
    optimizer, stream = adamw(net), torch.get_rng_state()
    with pytest.raises(TrainingError, match=r"failed on the example inputs, of shape torch.Size\(\[2, 5\]\)"):
        quiet(Recipe(Dropout(0.3)), net, optimizer, torch.ones(2, 5))
    untouched(net, optimizer)
    assert torch.equal(torch.get_rng_state(), stream)
    loop = quiet(Recipe(Dropout(0.3)), net, optimizer)
    with pytest.raises(TrainingError, match="failed on the example inputs"):
        net(torch.ones(2, 5))
    net(X)  # where the loop goes on, the next batch finds the plan
    assert [site.layer for site in loop.plan.dropout] == ["2", "4"]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_a_script_module_is_refused() -> None:
    net = mlp()
    with pytest.raises(ParameterError, match="is a ScriptModule, into which nothing can be put"):
        quiet(Recipe(L2(0.1)), torch.jit.script(net), adamw(net))


def test_a_module_may_be_called_with_anything_beside_tensors() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru, self.head = nn.GRU(3, 8, num_layers=2, dropout=0.1), nn.Linear(8, 3)

        def forward(self, x: Any, mask: Any, n: int) -> tuple[Tensor, Any]:
            return self.head(self.gru(x)[1][-1]) * n, mask

    net = Net()
    optimizer = adamw(net)
    loop = quiet(Recipe(Dropout(0.5), L2(0.1), InputNoise(0.0)), net, optimizer)
    x = nn.utils.rnn.pack_sequence([torch.ones(3, 3), torch.ones(2, 3)])
    outputs, _ = net(x, None, 2)
    outputs.sum().backward()
    optimizer.step()
    assert [site.layer for site in loop.plan.dropout] == ["head"]
    assert net.gru.dropout == 0.5
    loop.strip()
    assert net.gru.dropout == 0.1


def test_a_transformer_has_its_own_rates_set_and_set_back() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(32, 3))
    keys, tokens = list(net.state_dict()), torch.randn(6, 4, 8)
    before = net.eval()(tokens)
    optimizer = adamw(net)
    with pytest.warns(TrainingWarning, match=r"Batch norm has no effect.*its outputs have 3 axes"):
        loop = quiet(Recipe(Dropout(0.4), L2(0.1), BatchNorm()), net.train(), optimizer, tokens)
    rates = [one.p for one in net.modules() if isinstance(one, nn.Dropout)]
    assert rates == [0.4] * 6
    assert net[0].layers[0].self_attn.dropout == 0.4
    assert torch.allclose(net.eval()(tokens), before, atol=1e-6)
    net.train()(tokens).sum().backward()
    optimizer.step()
    loop.strip()
    assert {one.p for one in net.modules() if isinstance(one, nn.Dropout)} == {0.1}
    assert list(net.state_dict()) == keys


def test_weights_that_are_computed_from_others_are_not_shrunk_and_get_dropout() -> None:
    norm = nn.utils.parametrizations.weight_norm
    net = nn.Sequential(
        norm(nn.Linear(8, 16)), nn.ReLU(), norm(nn.Linear(16, 16)), nn.ReLU(), nn.Linear(16, 3)
    )
    keys, optimizer = list(net.state_dict()), torch.optim.SGD(net.parameters(), lr=0.1)
    loop = quiet(Recipe(L2(0.5), Dropout(0.3), MaxNorm(2.0)), net, optimizer, X)
    assert [site.layer for site in loop.plan.dropout] == ["2", "4"]
    assert loop.plan.penalized == ("4.weight",)
    before = copy.deepcopy(net.state_dict())
    (net(X).sum() * 0).backward()
    optimizer.step()
    assert [name for name in keys if not torch.equal(net.state_dict()[name], before[name])] == ["4.weight"]
    assert list(loop.strip().state_dict()) == keys


def test_a_second_recipe_is_refused_until_the_first_is_stripped() -> None:
    net = mlp()
    optimizer = adamw(net)
    loop = quiet(Recipe(Dropout(0.3)), net, optimizer, X)
    for one in (net, copy.deepcopy(net)):
        with pytest.raises(ParameterError, match=r"attached to this Sequential already: strip\(\)"):
            quiet(Recipe(L2(0.1)), one, optimizer)
    loop.strip()
    quiet(Recipe(L2(0.1)), net, optimizer)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_attach_before_compile_works() -> None:
    torch._dynamo.reset()
    nets = []
    for compiled in (False, True):
        net = mlp()
        optimizer = adamw(net)
        loop = quiet(EVERYTHING, net, optimizer, X)
        called = torch.compile(net, backend="eager") if compiled else net
        steps(called, optimizer, 12)  # type: ignore[arg-type]
        loop.update(valid_loss(net))
        nets.append(loop.strip())
    assert same(*nets)
    torch._dynamo.reset()


# --- update, restore -------------------------------------------------------------------------------------


def test_patience_ends_training_and_the_best_weights_come_back() -> None:
    net = mlp()
    optimizer = adamw(net)
    loop = quiet(Recipe(BatchNorm(), EarlyStopping(patience=2)), net, optimizer, X)
    losses, kept, ended = [3.0, 2.0, 2.5, torch.tensor(2.1, requires_grad=True)], None, []
    for loss in losses:
        steps(net, optimizer)
        ended.append(loop.update(loss))
        if loop.best_epoch == 2 and kept is None:
            kept = copy.deepcopy(net)
    assert ended == [False, False, False, True]
    assert (loop.epoch, loop.best_epoch, loop.best_loss) == (4, 2, 2.0)
    assert kept is not None
    assert not same(net, kept)  # what was kept does not go on with training
    loop.restore()
    assert same(net, kept)
    steps(net, optimizer)
    loop.restore()
    assert same(net, kept)


def test_min_delta_counts() -> None:
    net = mlp()
    loop = quiet(Recipe(EarlyStopping(patience=2, min_delta=0.5)), net, adamw(net))
    assert [loop.update(one) for one in (1.0, 0.8, 0.6)] == [False, False, True]
    assert loop.best_epoch == 1


def test_without_early_stopping_the_last_weights_stay() -> None:
    net = mlp()
    optimizer = adamw(net)
    loop = quiet(Recipe(L2(0.1)), net, optimizer)
    for loss in (1.0, 2.0, 3.0):
        steps(net, optimizer)
        assert loop.update(loss) is False
    last = copy.deepcopy(net.state_dict())
    loop.restore()
    assert all(torch.equal(one, last[name]) for name, one in net.state_dict().items())
    assert (loop.best_epoch, loop.best_loss) == (1, 1.0)


def test_losses_that_are_not_finite_never_become_the_best_and_are_told_once() -> None:
    net = mlp()
    loop = quiet(Recipe(EarlyStopping(patience=3)), net, adamw(net))
    with pytest.warns(TrainingWarning, match="validation loss of epoch 1 is nan") as told:
        assert [loop.update(one) for one in (math.nan, -math.inf, math.inf)] == [False, False, True]
    assert len(told) == 1
    with pytest.warns(TrainingWarning, match="No epoch had a finite validation loss"):
        loop.restore()
    assert loop.update(1.0) is False
    assert loop.best_epoch == 4


def test_an_optimizer_that_was_copied_is_noticed() -> None:
    for copied in (copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))):
        net = mlp()
        optimizer = adamw(net)
        loop = quiet(Recipe(L1(0.1)), net, optimizer)
        steps(net, optimizer)
        assert loop.update(2.0) is False
        net_, optimizer_ = copied((net, optimizer))
        steps(net_, optimizer_)
        loop.update(2.0)  # nothing was trained that the loop knows of
        unhooked = adamw(net)
        unhooked.load_state_dict(optimizer.state_dict())
        steps(net, unhooked)
        with pytest.warns(TrainingWarning, match="copied or unpickled has lost its hooks"):
            loop.update(1.0)
        loop.update(1.0)


# --- copies and checkpoints ------------------------------------------------------------------------------


def test_a_copy_of_the_module_shares_nothing_with_it() -> None:
    net = mlp()
    optimizer = adamw(net)
    loop = quiet(EVERYTHING, net, optimizer, X)
    steps(net, optimizer)
    saved = io.BytesIO()
    torch.save(net, saved)
    saved.seek(0)
    before = copy.deepcopy(net.state_dict())
    clock = (loop._clock.steps, loop._clock.passes)
    for other in (copy.deepcopy(net), torch.load(saved, weights_only=False)):
        assert torch.equal(net.eval()(X), other.eval()(X))
        other.train()(X)
        assert (loop._clock.steps, loop._clock.passes) == clock
        assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
        outputs = other.eval()(X)
        assert loop.strip(other) is other
        assert torch.allclose(other(X), outputs, atol=4e-6)
        assert list(other.state_dict()) == list(mlp().state_dict())
    assert hasattr(net[0], "taut_norm")


def test_an_average_of_weights_has_batch_norm_too() -> None:
    net = mlp()
    optimizer = adamw(net)
    loop = quiet(Recipe(BatchNorm()), net, optimizer, X)
    average = torch.optim.swa_utils.AveragedModel(net, use_buffers=True)
    for i in range(6):
        steps(net, optimizer, 1, i)
        average.update_parameters(net)
    outputs = average.eval()(X)
    loop.strip(average.module)
    assert torch.allclose(average(X), outputs, atol=4e-6)


def test_a_state_does_not_go_on_with_training() -> None:
    net = mlp()
    optimizer = adamw(net)
    loop = quiet(EVERYTHING, net, optimizer, X)
    steps(net, optimizer)
    loop.update(1.0)
    state = loop.state_dict()
    before = copy.deepcopy(state)
    steps(net, optimizer)
    loop.update(0.5)
    for name, one in before["best"].items():
        assert torch.equal(state["best"][name], one)
    assert torch.equal(state["norms"]["0"]["running_mean"], before["norms"]["0"]["running_mean"])
    assert (state["epoch"], state["best_loss"]) == (1, 1.0)


LOSSES = (3.0, 2.0, 1.0, 1.5, 2.5, 1.2)  # the best epoch is before the checkpoint's end


def test_training_continues_from_a_checkpoint_bit_for_bit() -> None:
    def new() -> tuple[nn.Module, Any, Any, Loop]:
        net = mlp()
        optimizer = adamw(net)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        return net, optimizer, scheduler, quiet(EVERYTHING, net, optimizer, X)

    def train(net: Any, optimizer: Any, scheduler: Any, loop: Loop, epochs: range) -> None:
        for epoch in epochs:
            steps(net, optimizer, 3, 3 * epoch)
            scheduler.step()
            loop.update(LOSSES[epoch])

    at_once = new()
    train(*at_once, range(6))

    first = new()
    train(*first, range(3))
    saved = io.BytesIO()
    torch.save([one.state_dict() for one in first], saved)
    saved.seek(0)
    second = new()
    for one, state in zip(second, torch.load(saved, weights_only=True), strict=True):
        one.load_state_dict(state)
    train(*second, range(3, 6))

    assert same(at_once[0], second[0])
    loops = at_once[-1], second[-1]
    assert loops[0].best_epoch == loops[1].best_epoch == 3
    assert loops[0].best_loss == loops[1].best_loss
    for loop in loops:
        loop.restore()
    assert same(at_once[0], second[0])
    assert same(loops[0].strip(), loops[1].strip())


def test_patience_is_counted_over_a_checkpoint() -> None:
    net = mlp()
    loop = quiet(Recipe(EarlyStopping(patience=3)), net, adamw(net))
    for loss in (1.0, 2.0, 2.0):
        loop.update(loss)
    other = mlp(1)
    again = quiet(Recipe(EarlyStopping(patience=3)), other, adamw(other))
    again.load_state_dict(loop.state_dict())
    assert again.update(2.0) is True
    again.restore()
    assert same(net, other)


def test_a_state_of_another_recipe_is_refused() -> None:
    net, other = mlp(), mlp()
    state = quiet(Recipe(BatchNorm()), net, adamw(net), X).state_dict()
    loop = quiet(Recipe(L2(0.1)), other, adamw(other))
    with pytest.raises(ParameterError, match="batch norm behind 0, 2, and the module behind no layer"):
        loop.load_state_dict(state)
    with pytest.raises(ParameterError, match="not the state of a loop"):
        loop.load_state_dict({})


def test_it_is_public() -> None:
    assert {"Loop", "attach"} <= set(taut.torch.__all__)
