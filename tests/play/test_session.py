"""What a page asks for, and what its session does."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.errors import ParameterError
from taut.learning.training import Control
from taut.play import session as session_module
from taut.play.challenges import CHALLENGES
from taut.play.data import Data
from taut.play.run import Run
from taut.play.session import Session
from taut.play.settings import SettingsError
from taut.techniques import L2, Dropout
from tests.play.helpers import curves_of, finished, quick, weights_of
from tests.play.listening import session

LONG = quick(max_epochs=5000, n_rows=1000, hidden=(64, 64))


def curve(heard: Any, run: int) -> tuple[list[float], list[float]]:
    """A run's losses, put together as the page does."""
    train: list[float] = []
    validation: list[float] = []
    for one in heard.of("frame"):
        if one["run"] == run:
            train[one["from"] :] = one["train"]
            validation[one["from"] :] = one["validation"]
    return train, validation


def test_a_page_is_told_all_that_it_has_to_draw() -> None:
    hello = Session(None, quick(), lambda _: None).hello()
    assert hello["settings"] == quick().to_json()
    assert len(hello["challenges"]) == len(CHALLENGES)
    assert hello["controls"]["problems"][0]["name"] == "moons"


def test_it_trains_what_it_begins_with_to_the_end() -> None:
    settings = quick(max_epochs=40)
    with session(settings) as (_, heard):
        last = heard.over()
        train, validation = curve(heard, 1)
        run = heard.wait("run")
    model = finished(settings).fitted()
    np.testing.assert_allclose(train, model.history_["train_loss"], rtol=1e-5)
    np.testing.assert_allclose(validation, model.history_["validation_loss"], rtol=1e-5)
    assert (last["epoch"], last["kept"]) == (40, 40)
    assert last["numbers"]["score"] == pytest.approx(model.history_["validation_accuracy"][-1], abs=1e-5)
    assert (run["n_training"], run["n_held_out"], run["classes"]) == (40, 40, ["0", "1"])
    kinds = [one["type"] for one in heard.messages]
    assert kinds[:3] == ["run", "view", "frame"]
    assert heard.threads == {"taut-play"}


def test_the_first_epoch_is_shown_at_once() -> None:
    with session(quick(max_epochs=500)) as (_, heard):
        assert len(heard.wait("frame")["train"]) == 1


def test_techniques_are_compared_once_it_is_over() -> None:
    with session(quick(L2(0.1), Dropout(0.2))) as (_, heard):
        heard.wait("without", lambda one: one["technique"] == "dropout")
        assert [one["technique"] for one in heard.of("without")] == ["l2", "dropout"]
        heard.quiet()


def test_a_new_wish_ends_the_run_before() -> None:
    with session(LONG) as (page, heard):
        heard.wait("frame")
        page.set({"max_epochs": 5})
        last = heard.over(2)
        assert last["epoch"] == 5
        runs = [one["run"] for one in heard.of("frame")]
        assert runs == sorted(runs)
        assert max(one["epoch"] for one in heard.of("frame") if one["run"] == 1) < 5000


def test_of_many_wishes_the_last_one_counts() -> None:
    with session(LONG) as (page, heard):
        heard.wait("frame")
        for epochs in range(1, 101):
            page.set({"max_epochs": epochs})
        heard.wait("frame", lambda one: one["state"] == "over" and one["epoch"] == 100)
        assert len(heard.of("run")) < 50


def test_never_are_two_networks_trained_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, most, lock = 0, 0, threading.Lock()
    train = Run.train

    def counted(run: Run, control: Control, until_epoch: int | None = None) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        try:
            train(run, control, until_epoch)
        finally:
            with lock:
                busy -= 1

    monkeypatch.setattr(Run, "train", counted)
    with session(quick(L2(0.1), max_epochs=2000)) as (page, heard):
        for i in range(30):
            page.set({"noise": 0.01 * i})
            page.step() if i % 3 == 0 else page.resume()
        page.set({"max_epochs": 3})
        heard.wait("frame", lambda one: one["epoch"] == 3)
    assert most == 1


def test_wrong_settings_are_told_and_leave_the_run_as_it_is() -> None:
    with session(quick(max_epochs=20)) as (page, heard):
        with pytest.raises(SettingsError, match="noise must be"):
            page.set({"noise": 7})
        assert heard.over()["epoch"] == 20
        assert len(heard.of("run")) == 1


# --- pause, step, reset, pace -------------------------------------------------------------------------------


def paused(page: Session, heard: Any) -> int:
    """Pause it, and say at which epoch it stands."""
    page.pause()
    time.sleep(0.3)
    heard.quiet()
    return len(curve(heard, len(heard.of("run")))[0])


def test_it_is_paused_and_goes_on() -> None:
    with session(LONG) as (page, heard):
        heard.wait("frame")
        epoch = paused(page, heard)
        page.resume()
        assert heard.wait("frame", lambda one: one["epoch"] > epoch)["run"] == 1


def test_a_step_is_one_epoch() -> None:
    settings = quick(max_epochs=4)
    with session(settings) as (page, heard):
        page.reset()
        heard.wait("run", lambda one: one["state"] == "paused")
        run = len(heard.of("run"))
        for epoch in (1, 2, 3):
            page.step()
            frame = heard.wait("frame", lambda one, at=(run, epoch): (one["run"], one["epoch"]) == at)
            assert frame["state"] == "paused"
            heard.quiet(0.05)
        page.step()
        heard.over(run)
    train, _ = curve(heard, run)
    np.testing.assert_allclose(train, finished(settings).fitted().history_["train_loss"], rtol=1e-5)


def test_a_network_that_is_stepped_to_its_end_is_compared_too() -> None:
    with session(quick(L2(0.1), max_epochs=1)) as (page, heard):
        page.reset()
        heard.wait("run", lambda one: one["state"] == "paused")
        page.step()
        heard.wait("without", lambda one: one["run"] == len(heard.of("run")))


def test_reset_waits_before_the_first_epoch() -> None:
    with session(quick()) as (page, heard):
        heard.over()
        page.reset()
        assert heard.wait("run", lambda one: one["run"] == 2)["state"] == "paused"
        heard.quiet()
        page.resume()
        heard.over(2)


def test_the_pace_is_kept_and_changes_nothing_else() -> None:
    settings = quick(max_epochs=8)
    with session(LONG) as (page, heard):
        heard.wait("frame")
        page.set_pace(20.0)
        before, start = len(heard), time.monotonic()
        page.set(settings.to_json())
        last = heard.wait("frame", lambda one: one["state"] == "over", before)
        assert time.monotonic() - start > 0.3  # eight epochs, a twentieth of a second each
        train, _ = curve(heard, last["run"])
    np.testing.assert_allclose(train, finished(settings).fitted().history_["train_loss"], rtol=1e-5)


def test_a_wish_does_not_wait_for_a_slow_pace() -> None:
    with session(quick(max_epochs=50)) as (page, heard):
        page.set_pace(1e-3)
        page.set({"max_epochs": 2})
        heard.wait("run", lambda one: one["settings"]["max_epochs"] == 2)
        page.set_pace(0.0)
        heard.wait("frame", lambda one: one["state"] == "over" and one["epoch"] == 2)


# --- on from here -------------------------------------------------------------------------------------------


def test_on_from_here_the_network_goes_on() -> None:
    with session(quick(max_epochs=10)) as (page, heard):
        heard.over()
        page.set(quick(L2(20.0), max_epochs=20).to_json(), onward=True)
        changed = heard.wait("changed")
        assert (changed["run"], changed["epoch"]) == (1, 10)
        heard.wait("frame", lambda one: one["epoch"] == 20)
        assert len(heard.of("run")) == 1
        assert heard.of("without") == []
    train, _ = curve(heard, 1)
    expected = Run(quick(max_epochs=10), quick().data(None))
    expected.train(Control())
    expected.change(quick(L2(20.0), max_epochs=20))
    expected.train(Control())
    np.testing.assert_allclose(train, expected.training.curve.train, rtol=1e-5)


@pytest.mark.parametrize(
    "change", [{"hidden": [4]}, {"noise": 0.1}, {"held_out": 0.3}, {"n_bins": 3}], ids=str
)
def test_with_other_units_or_rows_nothing_can_go_on(change: dict[str, Any]) -> None:
    with session(quick()) as (page, heard):
        heard.over()
        page.set(change, onward=True)
        heard.over(2)
        assert heard.of("changed") == []


def test_on_from_here_a_paused_network_stays_paused() -> None:
    with session(LONG) as (page, heard):
        heard.wait("frame")
        epoch = paused(page, heard)
        page.set({"learning_rate": 1e-4}, onward=True)
        assert heard.wait("changed")["epoch"] >= epoch
        heard.quiet()


# --- looking ------------------------------------------------------------------------------------------------


def test_other_columns_are_looked_at() -> None:
    with session(quick(problem="needles", max_epochs=3)) as (page, heard):
        heard.over()
        n = len(heard)
        page.look((7, 30))
        assert heard.wait("view", after=n)["names"] == ["x7", "x30"]
        assert heard.wait("frame", after=n)["said"]["shades"]
        n = len(heard)
        page.look((5,))
        assert heard.wait("view", after=n)["kind"] == "curve"
        n = len(heard)
        page.set({"max_epochs": 4})
        assert "values" in heard.over(2)["said"]  # it is the same table, looked at in the same way
        assert [one["type"] for one in heard.messages[n:]].count("view") == 0


@pytest.mark.parametrize("columns", [(99, 1), (1, 1), (42,)])
def test_columns_that_are_not_there_are_passed_over(columns: tuple[int, ...]) -> None:
    with session(quick(problem="needles", max_epochs=3)) as (page, heard):
        heard.over()
        n = len(heard)
        page.look(columns)
        assert heard.wait("view", after=n)["columns"] == [0, 1]
        assert heard.of("fault") == []


def test_the_columns_of_the_table_before_are_forgotten() -> None:
    with session(quick(problem="needles", max_epochs=3)) as (page, heard):
        heard.over()
        page.look((40, 41))
        page.set({"problem": "moons"})
        heard.over(2)
        assert heard.of("view")[-1]["columns"] == [0, 1]
        assert heard.of("fault") == []


def test_the_first_network_of_a_table_says_which_columns_to_look_at() -> None:
    with session(quick(problem="breast_cancer", max_epochs=10)) as (_, heard):
        heard.over()
        first, *_, last = heard.of("view")
        assert first["columns"] == [0, 1]
        assert last["columns"] != [0, 1]


def test_the_code_is_that_of_the_network(tmp_path: Any) -> None:
    with session(quick(L2(0.1))) as (page, heard):
        heard.over()
        page.code()
        codes = {one["name"]: one["code"] for one in heard.wait("code")["codes"]}
    assert set(codes) == {"taut", "torch", "keras"}
    names: dict[str, Any] = {}
    exec(compile(codes["taut"], "code.py", "exec"), names)
    model = finished(quick(L2(0.1))).fitted()
    assert weights_of(names["model"]) == weights_of(model)
    assert curves_of(names["model"]) == curves_of(model)


# --- challenges ---------------------------------------------------------------------------------------------


def test_a_challenge_is_begun_and_solved() -> None:
    gap = next(one for one in CHALLENGES if one.name == "gap")
    with session(quick()) as (page, heard):
        heard.over()
        page.challenge("gap")
        heard.over(2)
        heard.quiet()
        assert heard.of("checked") == []
        page.set(gap.answer)
        assert heard.wait("checked")["solved"] is True


def test_a_challenge_is_measured_by_its_own_network_however_soon_one_moves_on() -> None:
    gap = next(one for one in CHALLENGES if one.name == "gap")
    with session(quick()) as (page, heard):
        page.challenge("gap")
        page.set(gap.answer)  # before the first network was trained
        found = heard.wait("checked")
    assert found["solved"] is True
    from taut.play.settings import read
    from taut.play.words import standing

    first = standing(finished(read(gap.start, None)))
    assert f"and {first.validation:.3g} at first" in found["sentence"]


def test_a_challenge_that_is_not_there() -> None:
    with session(quick()) as (page, _), pytest.raises(ParameterError, match="no challenge 'none'"):
        page.challenge("none")


# --- what goes wrong ----------------------------------------------------------------------------------------


def test_a_closed_session_ends_its_thread_in_the_middle_of_training() -> None:
    with session(LONG) as (page, heard):
        heard.wait("frame")
        page.close()
        heard.quiet()
        assert not page._thread.is_alive()


def test_a_session_that_never_began_can_be_closed() -> None:
    with session(quick(), begin=False) as (page, heard):
        page.close()
        assert len(heard) == 0


def test_a_table_that_cannot_be_trained_is_told_and_the_session_lives_on() -> None:
    one_class = Data(np.random.default_rng(0).standard_normal((40, 2)), np.zeros(40), "classification", "bad")
    with session(quick(problem="own"), one_class) as (page, heard):
        assert "class" in heard.wait("fault")["sentence"]
        page.resume()
        page.set({"problem": "moons"})
        heard.wait("frame", lambda one: one["state"] == "over")


def test_a_fault_of_ours_is_told_and_the_session_lives_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise AssertionError("it broke")

    monkeypatch.setattr(session_module, "histogram", broken)
    with session(quick()) as (page, heard):
        assert heard.wait("fault")["sentence"] == "it broke"
        monkeypatch.undo()
        page.set({"noise": 0.1})
        heard.wait("frame", lambda one: one["state"] == "over")
    assert "AssertionError" in capsys.readouterr().err


def test_a_network_that_diverges_is_told() -> None:
    with session(quick(L2(1e308))) as (page, heard):
        last = heard.over()
        assert last["state"] == "diverged"
        assert last["seen"].startswith("Training diverged")
        assert last["numbers"]["validation"] is None
        page.set({"techniques": {"l2": {"on": False}}})
        assert heard.over(2)["state"] == "over"


def test_memory_that_runs_out_has_words() -> None:
    def none(_: Any) -> Any:
        raise MemoryError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "histogram", none)
        with session(quick()) as (_, heard):
            assert heard.wait("fault")["sentence"] == "There is not enough memory for this."


def test_settings_are_over_those_that_are_wished_already() -> None:
    with session(replace(quick(), max_epochs=3), begin=False) as (page, heard):
        page.set({"noise": 0.9})
        page.set({"n_rows": 50})
        page.begin()
        heard.over()
        settings = heard.wait("run")["settings"]
        assert (settings["noise"], settings["n_rows"]) == (0.9, 50)
