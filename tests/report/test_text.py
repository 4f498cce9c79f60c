from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.evidence.estimate import Estimate
from taut.evidence.interval import Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.report.text import footnotes, in_words, plain_table, rich_table
from taut.selection.score import CandidateScore
from taut.techniques import L2, Dropout
from tests.report.helpers import (
    EARLY,
    MIXTURE,
    NONE,
    USUAL,
    alone,
    dropped,
    facts_of_search,
    failed,
    scored,
    searched,
    usual,
)  # fmt: skip

NAN = float("nan")


def words(*candidates: CandidateScore) -> str:
    return " ".join(in_words(facts_of_search(searched(TautClassifierCV(), candidates))))


def test_the_plain_table() -> None:
    table = plain_table(facts_of_search(searched(TautClassifierCV(), USUAL)))
    assert table.splitlines() == [
        "                      training loss  validation loss   gap  accuracy  epochs  zero weights",
        "------------------------------------------------------------------------------------------",
        "no regularization              1.20      2.40 ± 0.23  1.20    90.0 %      12           0 %",
        "early stopping alone           0.60      1.20 ± 0.12  0.60    90.0 %      12           0 %",
        "L2 0.1                         0.55      1.10 ± 0.12  0.55    90.0 %      12           0 %",
        "L1 0.01                        0.65      1.30 ± 0.12  0.65    90.0 %      12        50.0 %",
        "dropout 0.5                                 diverged",
        "Batch normalization                        not tried",
        "------------------------------------------------------------------------------------------",
        "chosen recipe                  0.50      1.00 ± 0.12  0.50    90.0 %      12        25.0 %",
    ]


@pytest.mark.parametrize(
    ("loss", "shown"),
    [
        (2949.4, "2949 ± 0"),
        (12.345, "12.3 ± 0.0"),
        (0.05369, "0.0537 ± 0.0000"),
        (0.0, "0 ± 0"),
        (3e-9, "3e-09 ± 0"),
        (1.234e12, "1.23e+12 ± 0"),
    ],
)
def test_losses_of_every_size_have_three_digits(loss: float, shown: str) -> None:
    candidates = [scored(EARLY, [loss, loss]), scored(NONE, [loss * 2, loss * 2])]
    table = plain_table(facts_of_search(searched(TautRegressorCV(), candidates)))
    assert shown in table.splitlines()[-1]
    assert " 0.900 " in table  # R squared is no percentage


def test_the_table_for_a_terminal_says_the_same() -> None:
    facts = facts_of_search(searched(TautClassifierCV(), USUAL))
    out = io.StringIO()
    Console(file=out, width=120, force_terminal=True).print(rich_table(facts))
    for word in plain_table(facts).split():
        assert word.strip("-") in out.getvalue()
    assert "\x1b[1m" in out.getvalue()  # the chosen recipe in bold


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_at_80_columns_no_word_of_the_table_is_cut(scoring: str | None) -> None:
    parts = {"state": "cut off"} | ({"scoring": [0.8, 0.9]} if scoring else {})
    candidates = [scored(EARLY, [0.1234, 0.2], **parts), scored(NONE, [2, 12], **parts)]
    facts = facts_of_search(searched(TautClassifierCV(scoring=scoring), candidates))
    out = io.StringIO()
    Console(file=out, width=80).print(rich_table(facts))
    shown = out.getvalue()
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    for word in plain_table(facts).split():
        assert word.strip("-") in shown


def test_the_footnote_names_the_loss_and_the_folds() -> None:
    (note,) = footnotes(facts_of_search(searched(TautRegressorCV(), USUAL)))
    assert "squared error, without penalties, means of 3 folds ± standard error." in note
    (note,) = footnotes(facts_of_search(searched(TautClassifierCV(), [scored(EARLY, [1.0])])))
    assert "cross-entropy in nats, without penalties, on one validation set." in note


def test_what_was_cut_off_is_marked_and_explained() -> None:
    candidates = [scored(EARLY, [1, 1], state="cut off"), scored(NONE, [2, 2])]
    facts = facts_of_search(searched(TautClassifierCV(), candidates))
    assert "early stopping alone *" in plain_table(facts)
    assert "cut off before its training had ended" in footnotes(facts)[1]


def test_what_was_dropped_is_marked_and_explained() -> None:
    candidates = [
        scored(EARLY, [1, 1, 1]),
        scored(NONE, [2, 2, 2]),
        dropped(alone(L2(1)), [1.5, 1.7, NAN]),
        dropped(alone(Dropout(0.5)), [1.5, NAN, NAN]),
    ]
    facts = facts_of_search(searched(TautClassifierCV(), candidates))
    table = plain_table(facts)
    rows = [line.split() for line in table.splitlines()]
    assert "L2 1 - 0.80 1.60 ± 0.10 0.80 90.0 % 12 0 %".split() in rows
    assert "dropout 0.5 - 0.75 1.50 0.75 90.0 % 12 0 %".split() in rows
    assert "nan" not in table
    (_, note) = footnotes(facts)
    assert note == "Marked -: out of the race after some of the folds, whose means these are."
    assert "Marked" not in " ".join(footnotes(facts_of_search(searched(TautClassifierCV(), USUAL))))


def test_what_regularization_did_in_words() -> None:
    found = words(*USUAL)
    assert found.startswith(
        "Regularization lowered the validation loss by 58 % (95 % interval 38 to 79 %) against no "
        "regularization, and by 16.7 % (95 % interval 16.7 to 16.7 %) against early stopping alone."
    )
    assert "chance" not in found


@pytest.mark.fault(66)
def test_that_one_answer_to_all_is_as_good_comes_before_what_regularization_brought() -> None:
    clf = searched(TautClassifierCV(), [scored(EARLY, [1.0, 1.1, 1.2]), scored(NONE, [2, 2.1, 2.2])])
    open_ = SimpleBaseline(
        "constant", "always 'No'", *(np.ones(3),) * 3, None, 0, gain=Interval(0.03, -0.02, 0.08)
    )
    linear = replace(open_, kind="linear", label="linear model")
    clf.simple_baselines_ = {"constant": open_, "linear": linear}
    sentences = in_words(facts_of_search(clf))
    assert sentences[0].startswith("The network is not surely better than always 'No': its loss is 3 %")
    assert sentences[1].startswith("Early stopping alone had the lowest loss")
    assert "a linear model (no hidden layers)" in sentences[-1]
    surely = replace(open_, gain=Interval(0.2, 0.1, 0.3))
    clf.simple_baselines_ = {"constant": surely}
    assert in_words(facts_of_search(clf))[0].startswith("Early stopping alone had the lowest")


@pytest.mark.fault(93)
def test_a_difference_within_chance_is_said_after_what_is_sure() -> None:
    found = words(scored(EARLY, [1, 1, 1]), scored(NONE, [2, 2, 2]), scored(alone(L2(1)), [0.8, 1.1, 0.9]))
    assert found == (
        "Regularization lowered the validation loss by 53 % (95 % interval 34 to 72 %) against no "
        "regularization. The loss is 7 % (95 % interval -31 to 45 %) lower than with early stopping alone, "
        "which may be chance."
    )


@pytest.mark.fault(93)
def test_where_no_gain_is_sure_none_is_claimed() -> None:
    found = words(scored(EARLY, [1, 1, 1]), scored(NONE, [2, 2, 2]), scored(alone(L2(1)), [0.5, 1.4, 0.9]))
    assert found == (
        "That regularization lowers the loss is not sure here. The loss is 53 % (95 % interval -3 to 100 %) "
        "lower than with no regularization, which may be chance. The loss is 7 % (95 % interval -105 to 100 "
        "%) lower than with early stopping alone, which may be chance."
    )


@pytest.mark.fault(93)
def test_early_stopping_alone_at_another_rate_is_no_gain_over_itself() -> None:
    other = replace(scored(EARLY, [0.98, 0.93, 1.0], candidate=usual(EARLY, 0.0003)), batch=0)
    found = words(scored(EARLY, [1, 1, 1]), scored(NONE, [2, 2, 2.1]), scored(alone(L2(1)), [3, 3, 3]), other)
    assert found == (
        "Early stopping alone at a lower learning rate had the lowest loss of the 4 candidates tried; no "
        "other technique added to it. It lowered the validation loss by 52 % (95 % interval 47 to 57 %) "
        "against no regularization. The loss is 3 % (95 % interval -6 to 12 %) lower than with early "
        "stopping alone at the usual learning rate, which may be chance."
    )
    wide = replace(scored(EARLY, [0.9, 0.9], candidate=usual(EARLY, 0.01, (64,))), batch=0)
    found = words(scored(EARLY, [1, 1]), scored(NONE, [2, 2]), wide)
    assert found.startswith(
        "Early stopping alone at a higher learning rate and with other widths had the low"
    )


@pytest.mark.fault(93)
def test_the_estimates_own_interval_of_a_gain_is_told() -> None:
    clf = searched(TautClassifierCV(), USUAL)
    clf.estimate_ = Estimate(
        loss=Interval(0.42, 0.35, 0.5),
        score=Interval(0.851, 0.8, 0.9),
        score_name="accuracy",
        naive_loss=0.4,
        naive_score=0.86,
        gains={"none": Interval(0.5, 0.4, 0.6), "early_stopping": Interval(0.1, -0.02, 0.22)},
    )
    found = in_words(facts_of_search(clf))
    assert found[0] == (
        "Regularization lowered the validation loss by 50 % (95 % interval 40 to 60 %) against no "
        "regularization."
    )
    assert found[1].startswith("The loss is 10 % (95 % interval -2 to 22 %) lower than with early stopping")
    assert found[1].endswith(", which may be chance.")


def test_early_stopping_alone_may_win() -> None:
    found = words(scored(EARLY, [1, 1]), scored(NONE, [2, 2]), scored(alone(L2(1)), [3, 3]))
    assert found.startswith(
        "Early stopping alone had the lowest loss of the 3 candidates tried; no other technique added to it. "
        "It lowered the validation loss by 50.0 % (95 % interval 50.0 to 50.0 %) against no regularization."
    )


def test_no_regularization_may_win() -> None:
    found = words(scored(EARLY, [2, 2]), scored(NONE, [1, 1]), scored(alone(L2(1)), [3, 3]))
    assert found.startswith("Regularization did not help here: the network without any had the lowest loss")


def in_words_of(estimator: TautClassifierCV, *candidates: CandidateScore, best: int | None = None) -> str:
    return " ".join(in_words(facts_of_search(searched(estimator, candidates, best=best))))


@pytest.mark.fault(65)
def test_a_scorer_that_chose_is_named_first_with_its_figures() -> None:
    clf = TautClassifierCV(scoring="roc_auc")
    found = in_words_of(
        clf,
        scored(EARLY, [1, 1], scoring=[0.8, 0.9]),
        scored(NONE, [2, 2], scoring=[0.7, 0.7]),
        scored(alone(L2(1)), [0.5, 0.5], scoring=[0.9, 0.9125]),
    )
    assert found.startswith(
        "Chosen by roc_auc: 0.906 against 0.7 of no regularization and 0.85 of early stopping alone. "
        "Regularization lowered the validation loss by 75.0 % (95 % interval 75.0 to 75.0 %) against no "
        "regularization, and by 50.0 % (95 % interval 50.0 to 50.0 %) against early stopping alone."
    )


@pytest.mark.fault(65)
def test_the_table_shows_the_score_that_chose() -> None:
    clf = TautClassifierCV(scoring="roc_auc")
    found = facts_of_search(
        searched(
            clf,
            (
                scored(EARLY, [1, 1], scoring=[0.8, 0.9]),
                scored(NONE, [2, 2], scoring=[0.7, 0.7]),
                scored(alone(L2(1)), [0.5, 0.5], scoring=[0.9, 0.9125]),
            ),
        )
    )
    head, _, *lines = plain_table(found).splitlines()
    assert head.split()[-5:] == ["accuracy", "roc_auc", "epochs", "zero", "weights"]
    at = head.index("roc_auc")
    shown = [line[at : at + len("roc_auc")].strip() for line in lines if not line.startswith("-")]
    assert shown[:2] == ["0.7", "0.85"]
    assert shown[-1] == "0.906"
    assert [column.header for column in rich_table(found).columns][5] == "roc_auc"
    plain = facts_of_search(searched(TautClassifierCV(), (scored(EARLY, [1, 1]), scored(NONE, [2, 2]))))
    assert "roc_auc" not in plain_table(plain)


@pytest.mark.fault(65)
def test_losses_of_some_folds_are_not_compared_with_those_of_all() -> None:
    worse, cut = scored(alone(L2(1)), [3, 3]), dropped(alone(L2(2)), [0.1, NAN])
    found = words(scored(EARLY, [1, 1]), scored(NONE, [2, 2]), *[worse] * 2, *[cut] * 7, failed(MIXTURE, 2))
    assert "lowest loss of the 4 candidates that had all folds" in found
    assert "12" not in found


def test_a_scorer_may_choose_one_with_a_higher_loss_and_then_nothing_else_is_claimed() -> None:
    clf = TautClassifierCV(scoring="accuracy")
    found = in_words_of(
        clf,
        scored(EARLY, [1, 1], scoring=[0.8, 0.8]),
        scored(NONE, [2, 2], scoring=[0.7, 0.7]),
        scored(alone(L2(1)), [2.5, 2.5], scoring=[0.9, 0.9]),
    )
    assert found.startswith("Chosen by accuracy: 0.9 against 0.7 of no regularization and 0.8 of early")
    assert "The chosen recipe did not lower the validation loss." in found
    assert "lowest" not in found
    found = in_words_of(
        clf,
        scored(EARLY, [1, 1], scoring=[0.8, 0.8]),
        scored(NONE, [2, 2], scoring=[0.9, 0.9]),
        scored(alone(L2(1)), [2.5, 2.5], scoring=[0.1, 0.1]),
    )
    assert found.startswith(
        "Chosen by accuracy: 0.9 against 0.8 of early stopping alone. No regularization was chosen."
    )
    assert "did not help" not in found


def test_the_smallest_gap_within_one_standard_error_is_said() -> None:
    clf = TautClassifierCV(selection="1se")
    reason = (
        "Others had a lower loss: of those within one standard error of the best, this one has the smallest "
        "gap."
    )
    assert reason in in_words_of(clf, *USUAL, best=2)
    assert reason not in in_words_of(clf, *USUAL)
    found = in_words_of(clf, *USUAL, best=0)
    assert found.startswith(
        "Early stopping alone was chosen. It lowered the validation loss by 50 % (95 % interval 29 to 71 %) "
        "against no regularization. " + reason
    )
    assert "lowest" not in found


def test_that_no_technique_was_tried_is_said() -> None:
    found = words(scored(EARLY, [1, 1]), scored(NONE, [2, 2]))
    assert found == (
        "Early stopping alone had the lowest loss of the 2 candidates tried. It lowered the validation loss "
        "by 50.0 % (95 % interval 50.0 to 50.0 %) against no regularization. No technique but early stopping "
        "was tried: give more time, or more candidates."
    )


def test_baselines_that_diverged_are_named() -> None:
    found = words(failed(EARLY, 2), failed(NONE, 2), scored(alone(L2(1)), [3, 3]))
    assert found.startswith("The chosen recipe had the lowest loss of the 3 candidates tried.")
    assert "Without regularization, training diverged." in found


def test_one_validation_set_cannot_tell_chance() -> None:
    found = words(
        scored(EARLY, [2.0]), scored(NONE, [3.0]), scored(MIXTURE, [1.0]), scored(alone(L2(1)), [2.5])
    )
    assert "nothing tells how much of this is chance" in found


@pytest.mark.parametrize(
    ("best", "shown"), [(0.9996, "less than 0.1 %"), (0.996, "0.4 %"), (0.5, "50.0 %"), (0.004, "99.6 %")]
)
def test_shares_are_never_more_than_they_are(best: float, shown: str) -> None:
    found = words(scored(EARLY, [1, 1]), scored(NONE, [1, 1]), scored(alone(L2(1)), [best, best]))
    assert f"by {shown} (95 % interval" in found


def test_caution_is_said() -> None:
    another_rate = scored(EARLY, [0.99, 0.99], candidate=usual(EARLY, 0.003))
    found = in_words_of(TautClassifierCV(), scored(EARLY, [1, 1]), scored(NONE, [2, 2]), another_rate,
                        scored(alone(L2(1)), [0.98, 0.98]), best=2)  # fmt: skip
    assert found.startswith(
        "Early stopping alone was chosen. It lowered the validation loss by 50.5 % (95 % interval 50.5 to "
        "50.5 %) against no regularization. Others had a lower loss, but what they gained over early "
        "stopping alone is less sure."
    )


def test_what_to_expect_on_unseen_rows_is_said() -> None:
    clf = TautClassifierCV()
    clf.estimate_ = Estimate(
        loss=Interval(0.42, 0.35, 0.5),
        score=Interval(0.851, 0.8, 0.9),
        score_name="accuracy",
        naive_loss=0.4,
        naive_score=0.86,
    )
    found = in_words_of(clf, *USUAL)
    assert (
        "On unseen rows expect a loss of 0.42 (95 % interval 0.35 to 0.5) and accuracy 85.1 % (80.0 % to "
        "90.0 %), corrected for having picked the best: uncorrected it is 0.4." in found
    )
    assert "average" not in found
    clf.estimate_ = replace(clf.estimate_, n_bagged=3, n_averaged=5, score_name="roc_auc")
    clf.estimate_ = replace(clf.estimate_, score=Interval(0.7, NAN, NAN))
    found = in_words_of(clf, *USUAL)
    assert "and roc_auc 0.700, corrected for having picked the best: uncorrected that of the folds'" in found
    assert found.endswith(
        "That is of the saved model, an average of 5 networks: extrapolated from the folds' networks one by "
        "one and from averages of 3, all on rows that they had not seen."
    )
