"""The judge itself: what it complains of, in which order, and that it never raises."""

import numpy as np
import pytest
import torch

from aigc_lib.check import judge
from aigc_lib.check.judge import Attempt, Wrong, exercise, expect


@pytest.fixture(autouse=True)
def own_board(monkeypatch):
    monkeypatch.setattr(judge, "board", {})


def double(fn):
    """A check for the tests: twice an array."""
    expect(fn(np.array([1.0, 2.0])), [2.0, 4.0], "twice x", [([3.0, 6.0], "not three times")])


def verdict(answer):
    return exercise(double)(lambda x: answer)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("text", "twice x should be an array of shape (2,), not 'text' (str)."),
        ([1.0, [2.0]], "should be an array"),
        (np.array([None, 1.0]), "should be an array"),
        ([[2.0, 4.0]], "twice x has shape (1, 2) instead of (2,)."),
        (2.0, "twice x has shape () instead of (2,)."),
        ([2, 4], "dtype int64 instead of float64"),
        (np.array([2, 4], np.float32), "dtype float32 instead of float64"),
        ([np.nan, 4.0], "twice x contains nan."),
        ([2.0, np.inf], "twice x contains inf."),
        ([3.0, 6.0], "not three times"),
        ([2.0, 5.0], "twice x is [2., 5.], but it should be [2., 4.]."),
    ],
)
def test_a_wrong_value_gets_one_sentence(answer, sentence):
    result = verdict(answer)
    assert result.status == "wrong"
    assert sentence in result.sentence


def test_the_right_value_is_accepted_as_list_and_as_array():
    assert verdict([2.0, 4.0]).status == "ok"
    assert verdict(np.array([2.0, 4.0])).status == "ok"


def test_a_hint_follows_a_wrong_shape_that_a_known_mistake_has():
    with pytest.raises(Wrong, match=r"has shape .* It is transposed"):
        expect(
            np.zeros((3, 2)), np.zeros((2, 3)), mistakes=[(np.zeros((3, 2)), "It is transposed")]
        )


def test_a_mistake_without_a_finite_value_matches_nothing():
    for wrong in (np.inf, -np.inf, np.nan):
        mistakes = [([wrong, 6.0], "an infinite mistake"), ([3.0, 6.0], "not three times")]
        for answer, hint in (([3.0, 6.0], "not three times"), ([2.0, 7.0], "twice, please")):
            with pytest.raises(Wrong, match=hint) as raised:
                expect(np.array(answer), [2.0, 4.0], mistakes=mistakes, hint="twice, please")
            assert "infinite" not in str(raised.value)


def vector_and_table(kind):
    return kind(np.ones(4)), kind(np.ones((4, 3)))


@pytest.mark.parametrize("kind", [np.array, torch.tensor], ids=["NumPy", "torch"])
@pytest.mark.parametrize("fn", [lambda p, Q: p + Q, lambda p, Q: p * Q, lambda p, Q: Q @ p])
def test_shapes_that_do_not_fit_are_named(fn, kind):
    result = exercise(lambda attempt: attempt(*vector_and_table(kind)))(fn)
    assert "the shapes do not fit at `" in result.sentence
    assert "you were given p (4,), Q (4, 3). In `P @ Q`" in result.sentence


@pytest.mark.parametrize("kind", [np.array, torch.tensor], ids=["NumPy", "torch"])
@pytest.mark.parametrize("fn", [lambda p, Q: p if p == 0 else Q, lambda p, Q: max(p, 0.5)])
def test_one_truth_asked_of_many_numbers_is_explained(fn, kind):
    result = exercise(lambda attempt: attempt(*vector_and_table(kind)))(fn)
    assert "here are many at `" in result.sentence
    assert "`torch.where` or `clamp` (in NumPy `np.where`" in result.sentence


@pytest.mark.parametrize("number", [1, 0.5])
def test_a_plain_number_in_a_function_of_torch_is_explained(number):
    result = exercise(lambda attempt: attempt(number))(lambda t: torch.sin(t))
    assert "it raised TypeError: sin(): argument" in result.sentence
    assert "for a plain number there is `math`" in result.sentence


def test_a_function_that_changes_its_argument_is_refused():
    def change(x):
        x *= 2
        return x

    result = exercise(double)(change)
    assert "changed its argument `x`" in result.sentence


def test_a_tensor_that_is_learned_is_compared_too():
    def twice(fn):
        fn(torch.ones(2, requires_grad=True))

    assert exercise(twice)(lambda x: 2 * x).status == "ok"
    result = exercise(twice)(lambda x: x.detach().mul_(2))
    assert "changed its argument" in result.sentence


def test_a_call_instead_of_a_function_is_explained():
    assert "without calling it, not 3" in exercise(double)(3).sentence


def test_even_a_check_that_stumbles_does_not_raise():
    def stumbles(fn):
        return fn(1).no_such_attribute

    assert "cannot be used" in exercise(stumbles)(lambda x: x).sentence


def test_an_object_that_refuses_to_be_shown_does_not_escape():
    class Refuses:
        def __repr__(self):
            raise SystemExit

        __array__ = __repr__

    assert exercise(double)(Refuses()).status == "wrong"
    assert verdict(Refuses()).status == "wrong"


def test_a_part_that_is_not_implemented_is_not_a_stub():
    def calls_one(x):
        return next(iter([lambda: exec("raise NotImplementedError('inside')")]))()

    assert "it raised NotImplementedError: inside" in exercise(double)(calls_one).sentence


def test_values_that_look_equal_are_told_apart():
    assert "relative error of 1e-06" in verdict([2.0, 4.000004]).sentence


def test_a_stub_passes_through():
    def stub(x):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        Attempt(stub)(1)
    assert exercise(double)(stub).status == "not attempted"


def test_the_summary_counts_what_was_checked(capsys):
    check = exercise(double)
    judge.summary()
    assert capsys.readouterr().out == ""  # a lesson that nobody touched is not shown
    check(lambda x: 3 * x)
    capsys.readouterr()
    judge.summary()
    assert capsys.readouterr().out == "test_judge: 0 of 1 exercises done\n  ✗ double: wrong\n"
    check(lambda x: 2 * x)
    capsys.readouterr()
    judge.summary()
    assert capsys.readouterr().out == "test_judge: 1 of 1 exercises done\n  ✓ double: ok\n"


def test_a_result_shows_nothing_of_its_own_in_a_notebook():
    from IPython.core.formatters import DisplayFormatter

    assert DisplayFormatter().format(verdict([2.0, 4.0])) == ({}, {})
