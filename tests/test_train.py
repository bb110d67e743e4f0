"""The training loop: what it records, why it stops, what it saves, what it refuses."""

import copy
import functools
import math
import os
import re
import signal
import threading
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from aigc_lib import train

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS, EVERY = 60, 8  # the last evaluation is no multiple of the others


def lesson(width=8):
    """A small lesson with all that has a state: dropout, optimiser, schedule, generator."""
    torch.manual_seed(0)
    x = torch.randn(50, 4)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(0.3), nn.Linear(width, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    noise = torch.Generator().manual_seed(1)

    def step(batch):
        model.train()
        x, y = batch
        x = x + 0.1 * torch.randn(x.shape, generator=noise)
        loss = nn.functional.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        return {"loss": loss}

    def evaluate():
        model.eval()
        with torch.no_grad():
            scores = model(x)
        right = (scores.argmax(1) == y).float().mean()
        return {"loss": nn.functional.cross_entropy(scores, y), "accuracy": right}

    state = {"model": model, "optimiser": optimiser, "schedule": schedule, "noise": noise}
    batches = train.minibatches((x, y), 16, seed=2)
    return SimpleNamespace(step=step, batches=batches, state=state, evaluate=evaluate, model=model)


def fit(course, steps=STEPS, *, step=None, **options):
    """Fit a lesson as the tests do, apart from `options`."""
    options = {"state": course.state, "every": EVERY, "evaluate": course.evaluate} | options
    return train.fit(step or course.step, course.batches, steps, **options)


def everything(course):
    """What a stop must not change: the state of each object, and of PyTorch's own generator."""
    saved = {name: item for name, item in course.state.items() if name != "noise"}
    saved = {name: copy.deepcopy(item.state_dict()) for name, item in saved.items()}
    noise = course.state["noise"].get_state()
    return saved | {"noise": noise, "dropout": torch.get_rng_state()}


def same(a, b):
    """Whether two nested values are equal, bit for bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def breaks(at, action):
    """A counter that does `action` when it is called for the `at`-th time."""
    calls = []

    def count():
        calls.append(None)
        if len(calls) == at:
            action()

    return count


def press():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.pt"


# ---------------------------------------------------------------------------------------- batches


def test_each_epoch_shows_each_example_once_in_another_order():
    batches = train.minibatches((torch.arange(10), torch.arange(10) * 2), 3, seed=0)
    epochs = [[batches(3 * epoch + i) for i in range(3)] for epoch in range(4)]
    orders = [tuple(torch.cat([x for x, _ in epoch]).tolist()) for epoch in epochs]
    assert len(set(orders)) == 4
    for order in orders:
        assert len(order) == len(set(order)) == 9  # the tenth makes no whole batch
    assert all(torch.equal(2 * x, y) for epoch in epochs for x, y in epoch)


def test_a_batch_depends_on_seed_and_number_alone():
    data = (torch.arange(100),)
    batches = train.minibatches(data, 7, seed=5)
    forward = [batches(i)[0].tolist() for i in range(60)]
    torch.rand(3)
    again = train.minibatches(data, 7, seed=5)
    assert [again(i)[0].tolist() for i in reversed(range(60))] == forward[::-1]
    other = train.minibatches(data, 7, seed=6)
    assert sum(other(i)[0].tolist() == forward[i] for i in range(60)) == 0


def test_two_seeds_share_no_epoch():
    # Only the low 32 bits of a seed reach PyTorch's CPU generator, so a plain sum or shift of the
    # two numbers would give one seed's epochs to another.
    orders = {
        tuple(train.minibatches((torch.arange(30),), 30, seed)(epoch)[0].tolist())
        for seed in (0, 1, 2, 2**32, 2**32 + 1, 2**40)
        for epoch in range(6)
    }
    assert len(orders) == 36


def test_batches_stay_on_the_device_of_each_tensor():
    data = (torch.empty(10, 3, device="meta"), torch.arange(10), torch.empty(10, device="meta"))
    assert [part.device.type for part in train.minibatches(data[1:], 4, 0)(0)] == ["cpu", "meta"]
    assert train.minibatches(data[:1], 4, 0)(1)[0].shape == (4, 3)


def test_the_order_is_brought_to_the_device_of_each_tensor(monkeypatch):
    chosen = torch.Tensor.index_select

    def watch(tensor, dim, index):
        assert index.device == tensor.device
        return chosen(tensor, dim, index)

    monkeypatch.setattr(torch.Tensor, "index_select", watch)
    train.minibatches((torch.arange(10), torch.empty(10, device="meta")), 4, 0)(0)


@pytest.mark.parametrize(
    ("data", "batch_size", "message"),
    [
        (torch.arange(9), 3, r"write \(x,\)"),
        ((np.arange(9), np.arange(9)), 3, r"torch.from_numpy\(a\) for an array"),
        ((torch.arange(9), torch.tensor(1)), 3, "at least one dimension"),
        ((torch.arange(9), torch.arange(8)), 3, r"length \[8, 9\]"),
        ((torch.arange(9),), 10, "no batch of 10 .* length .9."),
        ((torch.arange(9),), 0, "no batch of 0"),
        ((), 1, r"length \[\]"),
    ],
)
def test_data_that_make_no_batches_are_refused(data, batch_size, message):
    with pytest.raises(ValueError, match=message):
        train.minibatches(data, batch_size, seed=0)


# ---------------------------------------------------------------------------------------- history


def test_the_history_holds_plain_lists(capsys):
    history = fit(lesson())
    assert list(history) == ["loss", "val_step", "val_loss", "val_accuracy", "stopped"]
    assert history["val_step"] == [8, 16, 24, 32, 40, 48, 56, 60]
    assert len(history["loss"]) == STEPS
    assert len(history["val_loss"]) == len(history["val_accuracy"]) == 8
    numbers = [x for values in list(history.values())[:-1] for x in values]
    assert {type(x) for x in numbers} == {float, int}
    assert history["stopped"] == "finished 60 steps"
    shown = f"loss {history['loss'][-1]:.4g}, val_loss {history['val_loss'][-1]:.4g}"
    accuracy = history["val_accuracy"][-1]
    line = f"finished 60 steps; last {shown}, val_accuracy {accuracy:.4g}\n"
    assert capsys.readouterr().out == line


def test_fit_does_what_a_bare_loop_does():
    ours = lesson()
    history = fit(ours, evaluate=None)
    bare = lesson()
    losses = [bare.step(bare.batches(i))["loss"].item() for i in range(STEPS)]
    assert history == {"loss": losses, "stopped": "finished 60 steps"}
    assert torch.equal(ours.model[0].weight, bare.model[0].weight)


def test_numbers_are_those_of_their_step():
    total = torch.zeros(())
    step = lambda i: {"sum": total.add_(i), "i": i / 3, "numpy": np.float32(i)}  # noqa: E731
    history = train.fit(step, lambda i: i, 25)
    assert {type(x) for x in history["numpy"]} == {float}
    assert history["sum"] == [i * (i + 1) / 2 for i in range(25)]
    assert history["i"] == [i / 3 for i in range(25)]


def test_a_number_may_be_missing_from_some_steps():
    history = train.fit(lambda i: {"even": i} if i % 2 == 0 else {"odd": i}, lambda i: i, 6)
    assert (history["even"], history["odd"]) == ([0, 2, 4], [1, 3, 5])


def test_a_number_that_needs_its_gradient_warns_of_nothing():
    w = torch.ones((), requires_grad=True)
    torch.set_warn_always(True)  # else once only
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = train.fit(lambda i: {"w": w * i}, lambda i: i, 3, evaluate=lambda: {"w": w})
    torch.set_warn_always(False)
    assert (history["w"], history["val_w"]) == ([0, 1, 2], [1])


def test_no_steps_are_no_training(capsys):
    assert train.fit(None, None, 0) == {"stopped": "finished 0 steps"}
    assert capsys.readouterr().out == "finished 0 steps\n"


def test_the_bar_shows_the_current_numbers(capsys):
    train.fit(lambda i: {"loss": i + 0.5}, lambda i: i, 20)
    bar = capsys.readouterr().err
    assert "20/20" in bar
    assert "loss=19.5" in bar


def test_the_bar_shows_numbers_before_the_end(capsys, monkeypatch):
    monkeypatch.setattr(train, "tqdm", functools.partial(train.tqdm, mininterval=0, miniters=1))
    train.fit(lambda i: {"loss": i + 0.5}, lambda i: i, 20)
    assert "loss=9.5" in capsys.readouterr().err


def test_the_bar_of_a_resumed_training_counts_from_there(path, capsys):
    fit(lesson(), 16, checkpoint=path)
    capsys.readouterr()
    fit(lesson(), 40, checkpoint=path)
    bar = capsys.readouterr().err
    assert "16/40" in bar
    assert "40/40" in bar


@pytest.mark.parametrize(
    "returned",
    [
        *(None, 0.5, {"stopped": 1}, {"val_step": 1}, {"step": 1}, {"val_loss": 1}, {1: 1}),
        *({"loss": "0.5"}, {"loss": None}, {"loss": torch.zeros(2)}, {"loss": [1]}, {"loss": 1j}),
    ],
)
def test_other_than_numbers_under_free_names_is_refused(returned):
    for by in ("step", "evaluate"):
        does = {"step": lambda i: {}, "evaluate": dict} | {by: lambda *_: returned}
        said = rf'^{by} returned {re.escape(repr(returned))}: let it return {{"loss": loss, ...}}'
        with pytest.raises(TypeError, match=said):
            train.fit(does["step"], lambda i: i, 3, evaluate=does["evaluate"])


# ------------------------------------------------------------------------------- early stopping


def watched(losses, patience, steps=100, pressed=lambda: None, **options):
    """Fit a model that counts its steps, with the given losses of validation."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    left = iter(losses)

    def step(i):
        with torch.no_grad():
            model.weight += 1
        pressed()
        return {"loss": 0.0}

    def evaluate():
        loss = next(left)
        return {"loss": loss() if callable(loss) else loss}

    options = {"every": 5, "state": {"model": model}, "patience": patience} | options
    history = train.fit(step, lambda i: i, steps, evaluate=evaluate, **options)
    return history, model.weight.item()


def test_patience_goes_back_to_the_best(capsys):
    history, steps = watched([3, 1, 2, 1, 1.5, 9], patience=3)
    why = "no better validation loss in 3 evaluations, back to step 10, val_loss 1"
    assert history["stopped"] == why
    assert (steps, len(history["loss"]), history["val_loss"]) == (10, 25, [3, 1, 2, 1, 1.5])
    assert capsys.readouterr().out == f"{why}; last loss 0, val_loss 1.5\n"


def test_an_improvement_restores_patience():
    history, steps = watched([5, 6, 4, 5, 3, 4, 2], patience=2, steps=35)
    assert (history["stopped"], steps) == ("finished 35 steps, back to step 35, val_loss 2", 35)


def test_steps_that_end_before_patience_go_back_to_the_best_too(path):
    history, steps = watched([5, 3, 4], patience=9, steps=15, checkpoint=path)
    assert (history["stopped"], steps) == ("finished 15 steps, back to step 10, val_loss 3", 10)
    # More steps go on from the last step, not from the best.
    history, steps = watched([2], patience=9, steps=20, checkpoint=path)
    assert (history["stopped"], steps) == ("finished 20 steps, back to step 20, val_loss 2", 20)


def test_a_number_that_is_not_finite_goes_back_to_the_best():
    model = nn.Linear(1, 1)
    bias = model.bias.item()

    def step(i):
        model.bias.data.fill_(math.nan if i == 7 else i)
        return {"loss": model.bias}

    options = {"state": {"model": model}, "evaluate": lambda: {"loss": 1}, "patience": 2}
    history = train.fit(step, lambda i: i, 9, every=5, **options)
    assert history["stopped"].startswith("stopped at step 8, loss is nan")
    assert history["stopped"].endswith(", back to step 5, val_loss 1")
    assert model.bias.item() == 4 != bias


def test_without_any_good_evaluation_the_start_is_the_best():
    history, steps = watched([math.nan, math.inf], patience=2)
    assert (history["stopped"][-28:], steps) == ("back to step 0, val_loss inf", 0)


def test_patience_counts_only_what_it_watched(path):
    first, steps = watched([5, 6, 7], patience=None, steps=15, checkpoint=path)
    assert (first["stopped"], steps) == ("finished 15 steps", 15)
    assert torch.load(path, weights_only=True)["run"]["best"] == {}
    history, steps = watched([math.nan, 9], patience=3, steps=25, checkpoint=path)
    assert (history["stopped"], steps) == ("finished 25 steps, back to step 25, val_loss 9", 25)


def test_patience_given_late_goes_back_to_where_it_was_given(path):
    watched([5, 6], patience=None, steps=10, checkpoint=path)
    history, steps = watched([math.nan, math.nan], patience=2, checkpoint=path)
    assert history["stopped"][:40] == "no better validation loss in 2 evaluatio"
    assert (history["stopped"][-29:], steps) == ("back to step 10, val_loss inf", 10)


def test_evaluations_without_patience_leave_a_best_alone(path):
    watched([3, 4], patience=3, steps=10, checkpoint=path)
    watched([2, 9], patience=None, steps=20, checkpoint=path)
    best = torch.load(path, weights_only=True)["run"]["best"]
    assert (best["loss"], best["step"], best["waited"]) == (3, 5, 1)


def test_patience_that_ends_with_the_last_step_is_the_reason():
    history, steps = watched([1, 2, 2], patience=2, steps=15)
    why = "no better validation loss in 2 evaluations, back to step 5, val_loss 1"
    assert (history["stopped"], steps) == (why, 5)


@pytest.mark.parametrize("at", [15, 12])
def test_a_press_where_training_ends_anyway_goes_back_to_the_best(at):
    # In the last step, and in that whose evaluation ends patience; but not before.
    for patience, why in ((9, "finished 15 steps"), (2, "no better validation loss in 2")):
        history, steps = watched([1, 2, 2], patience, 15, pressed=breaks(at, press))
        if at == 15:
            assert history["stopped"].startswith(why)
            assert history["stopped"].endswith(", back to step 5, val_loss 1")
            assert steps == 5
        else:
            assert (history["stopped"], steps) == ("interrupted at step 12", 12)


def test_a_press_in_an_evaluation_costs_no_step(path):
    history, steps = watched([1, lambda: press() or 2], patience=9, checkpoint=path)
    assert (history["stopped"], history["val_loss"], steps) == (
        "interrupted at step 10",
        [1, 2],
        10,
    )
    assert torch.load(path, weights_only=True)["run"]["step"] == 10


def test_a_second_press_is_no_end_that_goes_back_to_the_best(path):
    twice = lambda: (press(), press())  # noqa: E731
    why = "interrupted at step 11: what came next may be half done"
    history, steps = watched([1, 2], patience=9, pressed=breaks(12, twice), checkpoint=path)
    assert (history["stopped"], steps) == (why, 12)  # the weight has moved, the step is not counted
    assert torch.load(path, weights_only=True)["run"]["step"] == 10


def test_a_second_press_in_an_evaluation_says_what_is_whole():
    history, steps = watched([1, lambda: (press(), press())], patience=9)
    why = "interrupted at step 10: what came next may be half done"
    assert (history["stopped"], len(history["loss"]), steps) == (why, 10, 10)


def test_a_stop_by_patience_is_final(path):
    options = {"patience": 2, "checkpoint": path}
    first = watched([1, 2, 3], **options)
    assert watched([], **options) == first


@pytest.mark.parametrize("cut", [5, 10, 12, 15, 20])
def test_best_and_patience_survive_a_stop(path, cut):
    # A last evaluation that an uninterrupted run has not is avoided by the stop button.
    losses = [3, 1, 2, 1, 1.5, 9]
    one = watched(losses, patience=3)
    options = {"patience": 3, "checkpoint": path, "pressed": breaks(cut, press)}
    history, steps = watched(losses, **options)
    assert (history["stopped"], steps) == (f"interrupted at step {cut}", cut)
    assert watched(losses[cut // 5 :], **options) == one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 2, "evaluate": None}, "patience=2 needs `evaluate`"),
        ({"patience": 2, "state": None}, "patience=2 needs .*`state`"),
        ({"patience": 2, "evaluate": lambda: {"error": 1}}, r"watches \"loss\".*\['error'\]"),
        ({"patience": 0}, "patience=0: .*at least 1"),
        ({"every": 0}, "every=0,.*at least 1"),
        ({"state": None, "checkpoint": "run.pt"}, "'run.pt' needs `state`"),
        (
            {"state": {"lr": 0.1}},
            r"state\['lr'\] is a float: no torch.Generator, so .*load_state_d",
        ),
        (
            {"state": {"a": SimpleNamespace(state_dict=dict)}},
            "needs `state_dict` and `load_state_d",
        ),
        ({"checkpoint": "no/such/run.pt"}, "'no/such/run.pt' needs `state` and an existing folder"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(lesson(), **options)


# ------------------------------------------------------------------------------------ checkpoints


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 24, 59])
def test_resuming_is_never_having_stopped(path, cut):
    whole = lesson()
    history = fit(whole)
    expected = everything(whole)
    stopped = lesson()
    pressed = breaks(cut, press)

    def step(batch):
        pressed()
        return stopped.step(batch)

    first = fit(stopped, step=step, checkpoint=path)
    assert first["stopped"] == f"interrupted at step {cut}"
    assert len(first["loss"]) == cut
    resumed = lesson()
    torch.manual_seed(99)
    assert fit(resumed, checkpoint=path) == history
    assert same(everything(resumed), expected)


@pytest.mark.parametrize("name", ["model", "optimiser", "schedule", "noise"])
def test_each_part_of_the_state_matters(path, name):
    whole, stopped, resumed = lesson(), lesson(), lesson()
    del stopped.state[name], resumed.state[name]
    options = {"evaluate": None, "checkpoint": path}
    fit(whole, evaluate=None)
    fit(stopped, 30, **options)
    fit(resumed, **options)
    assert not torch.equal(whole.model[0].weight, resumed.model[0].weight)


def test_a_checkpoint_is_written_at_every_evaluation_and_at_the_end(path, monkeypatch):
    written = []
    replace = os.replace

    def watch(new, old):
        replace(new, old)
        written.append(torch.load(old, weights_only=True)["run"]["step"])

    monkeypatch.setattr(os, "replace", watch)
    fit(lesson(), checkpoint=path)
    assert written == [8, 16, 24, 32, 40, 48, 56, 60]
    assert list(path.parent.iterdir()) == [path]


def test_a_checkpoint_is_whole_when_the_disk_is_told_to_keep_it(path, monkeypatch):
    kept = []
    load = lambda: torch.load(path.with_name("run.pt.new"), weights_only=True)  # noqa: E731
    monkeypatch.setattr(os, "fsync", lambda file: kept.append(load()["run"]["step"]))
    train.fit(lambda i: {}, lambda i: i, 2, state={"a": nn.Linear(1, 1)}, checkpoint=path)
    assert kept == [2]


@pytest.mark.parametrize("when", ["torch.save", "os.fsync", "os.replace"])
def test_a_stop_while_writing_leaves_the_last_good_checkpoint(path, when, monkeypatch):
    fit(lesson(), 16, checkpoint=path)
    before = path.read_bytes()

    def half(*arguments):
        if when == "torch.save":
            arguments[1].write(before[:100])
            arguments[1].flush()
        raise OSError("the disk is full")

    with monkeypatch.context() as during:
        during.setattr(when, half)
        with pytest.raises(OSError, match="disk is full"):
            fit(lesson(), checkpoint=path)
    assert path.read_bytes() == before
    whole, resumed = lesson(), lesson()
    fit(whole, evaluate=None)
    fit(resumed, evaluate=None, checkpoint=path)
    assert same(everything(whole), everything(resumed))


@pytest.mark.parametrize("rate", [np.float64, np.float32])
def test_numbers_of_numpy_come_back_as_they_were(path, rate):
    def training():
        course = lesson()
        adam = torch.optim.Adam(course.model.parameters(), lr=rate(0.02))
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda i: np.cos(i / 40))
        course.state |= {"optimiser": adam, "schedule": schedule, "noise": lesson().state["noise"]}

        def step(batch):
            course.model.train()
            loss = nn.functional.cross_entropy(course.model(batch[0]), batch[1])
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
            return {"loss": loss}

        course.step = step
        return course

    fit(whole := training(), 32)
    expected = everything(whole)
    fit(training(), 16, checkpoint=path)
    fit(resumed := training(), 32, checkpoint=path)
    assert same(everything(resumed), expected)
    types = [type(one.state["schedule"].get_last_lr()[0]) for one in (whole, resumed)]
    assert types == [np.float64] * 2


def test_arrays_of_numpy_come_back(path):
    kept = SimpleNamespace(x=np.arange(3.0))
    kept.state_dict = lambda: {"x": kept.x}
    kept.load_state_dict = lambda saved: vars(kept).update(saved)
    train.fit(lambda i: {}, lambda i: i, 2, state={"kept": kept}, checkpoint=path)
    kept.x = None
    train.fit(None, None, 2, state={"kept": kept}, checkpoint=path)
    assert kept.x.tolist() == [0, 1, 2]


def test_fewer_steps_than_the_file_holds_are_done(path):
    first = fit(lesson(), 24, checkpoint=path)
    assert fit(lesson(), 16, step=None, checkpoint=path) == first


def changed(path, change):
    """Change what a checkpoint holds."""
    saved = torch.load(path, weights_only=True)
    change(saved)
    torch.save(saved, path)


def test_a_generator_that_this_machine_lacks_is_left_out(path):
    whole, resumed = lesson(), lesson()
    fit(whole, evaluate=None)
    fit(lesson(), 16, checkpoint=path)
    changed(path, lambda saved: saved["generators"].update({"cuda:7": torch.zeros(16).byte()}))
    fit(resumed, evaluate=None, checkpoint=path)
    assert same(everything(whole), everything(resumed))


def test_a_generator_that_the_file_lacks_stays_as_it_is(path, monkeypatch):
    fit(lesson(), 16, checkpoint=path)
    more = train._generators() | {"cuda:7": torch.Generator().manual_seed(3)}
    monkeypatch.setattr(train, "_generators", lambda: more)
    fit(lesson(), 24, checkpoint=path)
    assert more["cuda:7"].initial_seed() == 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="There is a GPU to load to.")
def test_a_checkpoint_of_a_gpu_is_resumed_without_one(path, monkeypatch):
    with monkeypatch.context() as during:
        during.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        first = fit(lesson(), 16, checkpoint=path)
    assert b"cuda:0" in path.read_bytes()
    assert fit(lesson(), 16, checkpoint=path) == first


def test_a_finished_training_is_not_repeated(path, capsys):
    first = fit(lesson(), checkpoint=path)
    again = lesson()
    assert fit(again, step=None, checkpoint=str(path)) == first
    assert f"{path} goes on from step 60; delete it to start anew" in capsys.readouterr().out


def truncated(whole, path):
    path.write_bytes(whole[: len(whole) // 2])


def flipped(whole, path):
    at = whole.index(b"loss")
    path.write_bytes(whole[:at] + b"L" + whole[at + 1 :])


def first_byte(whole, path):
    path.write_bytes(b"p" + whole[1:])


def encrypted(whole, path):
    at = whole.index(b"PK\1\2") + 8  # the flags of the first file in the directory
    path.write_bytes(whole[:at] + b"\1" + whole[at + 1 :])


def foreign(content):
    return lambda whole, path: torch.save(content, path)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (truncated, "is damaged (File is not a zip file)"),
        (lambda whole, path: path.write_bytes(b""), "is damaged (File is not a zip file)"),
        (lambda whole, path: path.write_bytes(whole[:-1]), "is damaged (File is not a zip file)"),
        (flipped, "is damaged (the checksum of archive/data.pkl is wrong)"),
        (first_byte, "is damaged (the checksum of archive/data.pkl is wrong)"),
        (encrypted, "is damaged (File 'archive/data.pkl' is encrypted"),
        (lambda whole, path: path.write_text("hello"), "was not written by fit"),
        (foreign({"kind": "aigc_lib.train, 0", "run": {}}), "was not written by fit"),
        (foreign(nn.Linear(1, 1).state_dict()), "was not written by fit"),
        (foreign({"kind": SimpleNamespace()}), "was not written by fit"),
        (foreign([1, 2]), "was not written by fit"),
        (foreign({"kind": train.KIND, "run": SimpleNamespace()}), "was not written by fit"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(path, damage, found):
    fit(lesson(), 16, checkpoint=path)
    damage(path.read_bytes(), path)
    expect_refusal(path, lesson(), found)


def expect_refusal(path, course, found):
    """Check that `fit` refuses the file, and changes neither it nor the state."""
    file, before = path.read_bytes(), everything(course)
    with pytest.raises(train.CheckpointError) as refused:
        fit(course, checkpoint=path)
    message = str(refused.value)
    assert message.startswith(f"{path} ")
    assert found in message
    assert message.endswith("; delete it to start anew, or give `checkpoint` another path")
    assert isinstance(refused.value, RuntimeError)
    assert path.read_bytes() == file
    assert same(everything(course), before)


def test_a_checkpoint_of_another_shape_is_refused(path):
    fit(lesson(), 16, checkpoint=path)
    expect_refusal(path, lesson(width=9), "size mismatch for 3.weight")


def test_a_checkpoint_of_another_state_is_refused(path):
    fit(lesson(), 16, checkpoint=path)
    other = lesson()
    other.state["averages"] = nn.Linear(1, 1)
    expect_refusal(path, other, "'noise': 'Generator'}, and `state` names {'model': 'Sequential', ")


@pytest.mark.parametrize("names", [("SGD", "Adam"), ("AdamW", "Adam")])
def test_a_checkpoint_of_another_optimiser_is_refused(path, names):
    old, new = lesson(), lesson()
    for course, name in zip((old, new), names, strict=True):
        optimiser = getattr(torch.optim, name)(course.model.parameters(), lr=0.1)
        course.state = {"model": course.model, "optimiser": optimiser, "noise": old.state["noise"]}
    fit(old, 16, checkpoint=path)
    expect_refusal(
        path, new, f"'optimiser': '{names[0]}', 'noise': 'Generator'}}, and `state` names"
    )


def test_an_error_without_a_word_is_named(path):
    course = lesson()
    fit(course, 16, checkpoint=path)

    def refuse(saved):
        if saved["0.weight"].abs().sum():
            course.model.load_state_dict = lambda _: None
            raise AssertionError

    course.model.load_state_dict = refuse
    with pytest.raises(
        train.CheckpointError, match=r"does not fit this training: AssertionError\(\);"
    ):
        fit(course, checkpoint=path)


def test_a_load_that_fails_half_way_is_undone(path):
    course = lesson()
    fit(course, 16, checkpoint=path)
    other = lesson()
    other.state["optimiser"].add_param_group({"params": [torch.zeros(1)]})
    expect_refusal(path, other, "different number of parameter groups")


# ------------------------------------------------------------------------- interrupts, divergence


def test_the_stop_button_ends_cleanly(path, capsys):
    course, pressed = lesson(), breaks(37, press)

    def step(batch):
        pressed()
        return course.step(batch)

    before = signal.getsignal(signal.SIGINT)
    history = fit(course, step=step, checkpoint=path)
    assert signal.getsignal(signal.SIGINT) is before
    assert history["stopped"] == "interrupted at step 37"
    assert (len(history["loss"]), history["val_step"]) == (37, [8, 16, 24, 32])
    assert "interrupted at step 37; last loss " in capsys.readouterr().out
    assert torch.load(path, weights_only=True)["run"]["step"] == 37


def test_a_second_press_does_not_wait_and_writes_nothing(path):
    course, pressed = lesson(), breaks(37, lambda: (press(), press()))

    def step(batch):
        pressed()
        return course.step(batch)

    history = fit(course, step=step, checkpoint=path)
    assert history["stopped"] == "interrupted at step 36: what came next may be half done"
    assert len(history["loss"]) == 36
    assert torch.load(path, weights_only=True)["run"]["step"] == 32


def test_the_handler_of_before_is_there_again_after_an_error():
    mine = lambda *_: None  # noqa: E731
    before = signal.signal(signal.SIGINT, mine)
    try:
        with pytest.raises(ZeroDivisionError):
            train.fit(lambda i: press() or 1 / 0, lambda i: i, 1)
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_without_signals_trains():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(fit(lesson(), 9)))
    thread.start()
    thread.join()
    assert histories[0]["stopped"] == "finished 9 steps"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [1, 33, 40])
def test_a_loss_that_is_not_finite_ends_the_training(path, value, at, capsys):
    course = lesson()
    now = iter(range(1, STEPS + 1))

    def step(batch):
        numbers = course.step(batch)
        if next(now) < at:
            return numbers | {"kl": 0.0}
        with torch.no_grad():
            course.model[0].weight.fill_(math.nan)
        return numbers | {"kl": torch.tensor(value)}

    history = fit(course, step=step, checkpoint=path)
    assert history["stopped"].startswith(f"stopped at step {at}, kl is {value} (usual causes: a le")
    assert history["stopped"] in capsys.readouterr().out
    assert len(history["kl"]) == len(history["loss"]) == at
    assert next(now) == at + 1
    assert path.exists() == (at > 8)
    if path.exists():
        saved = torch.load(path, weights_only=True)
        assert saved["run"]["step"] == (at - 1) // EVERY * EVERY
        assert saved["state"]["model"]["0.weight"].isfinite().all()


@pytest.mark.parametrize("at", [16, STEPS])
def test_a_parameter_that_is_not_finite_is_not_saved(path, at):
    # The loss of this step is finite; that of the next would not be.
    course = lesson()
    spoil = breaks(at, lambda: course.model[3].bias.data.fill_(math.inf))

    def step(batch):
        numbers = course.step(batch)
        spoil()
        return numbers

    history = fit(course, step=step, checkpoint=path)
    assert history["stopped"].startswith(f"stopped at step {at}, the norm of model is inf (usual")
    saved = torch.load(path, weights_only=True)
    assert saved["run"]["step"] == (at - 1) // EVERY * EVERY


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_parameter_is_looked_at_when_the_stop_button_is_pressed(path, checkpoint):
    course, calls = lesson(), breaks(13, press)
    spoil = breaks(13, lambda: course.model[3].bias.data.fill_(math.inf))

    def step(batch):
        numbers = course.step(batch)
        spoil(), calls()
        return numbers

    history = fit(course, step=step, checkpoint=path if checkpoint else None)
    assert history["stopped"].startswith("stopped at step 13, the norm of model is inf")
    assert not checkpoint or torch.load(path, weights_only=True)["run"]["step"] == 8


def test_a_frozen_parameter_is_looked_at_too():
    course = lesson()
    course.model[0].requires_grad_(False)
    course.model[0].bias.data[0] = math.inf
    history = fit(course, step=lambda batch: {})
    assert history["stopped"].startswith("stopped at step 8, the norm of model is inf")


@pytest.mark.parametrize("spoils", ["number", "parameter"])
def test_what_is_not_finite_is_not_evaluated(spoils):
    course = lesson()

    def step(batch):
        if spoils == "parameter":
            course.model[3].bias.data.fill_(math.nan)
        return {"loss": math.nan if spoils == "number" else 0.0}

    history = train.fit(step, lambda i: i, 1, state=course.state, evaluate=pytest.fail)
    assert "val_step" not in history


def test_a_mask_of_infinities_is_no_parameter(path):
    course = lesson()
    course.model.register_buffer("mask", torch.tensor(-math.inf))
    assert fit(course, checkpoint=path)["stopped"] == "finished 60 steps"


# ------------------------------------------------------------------------------ memory, precision


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((torch.zeros(48, 3), torch.zeros(48)), "try a batch of 24, not 48"),
        (torch.zeros(7, 3), "try a batch of 3, not 7"),
        ((torch.zeros(2, 3),), "try a batch of 1, not 2"),
        ((torch.zeros(1, 3),), "try a smaller batch or model"),
        ({"x": torch.zeros(6, 3)}, "try a batch of 3, not 6"),
        ([torch.tensor(1.0), ([torch.zeros(6, 3)], 2)], "try a batch of 3, not 6"),
        ([4, 5], "try a smaller batch or model"),
        (3, "try a smaller batch or model"),
    ],
)
def test_too_little_memory_names_the_batch_size_to_try(batch, message):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    for step, batches, said in (
        (full, lambda i: batch, f"no memory on the GPU for step 0: {message}$"),
        (None, full, "no memory on the GPU for step 0: try a smaller batch or model$"),
    ):
        with pytest.raises(RuntimeError, match=said) as failed:
            train.fit(step, batches, 1)
        assert not isinstance(failed.value, torch.OutOfMemoryError)
        assert isinstance(failed.value.__cause__, torch.OutOfMemoryError)


def test_another_error_of_a_step_passes_as_it_is():
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    def step(batch):
        raise error

    with pytest.raises(RuntimeError) as failed:
        train.fit(step, lambda i: i, 1)
    assert failed.value is error


@pytest.mark.filterwarnings("ignore:.*CUDA is not available")
@pytest.mark.parametrize("there", [True, False])
def test_mixed_precision_is_used_only_where_hardware_has_it(there, monkeypatch):
    # A GPU without bfloat16 emulates it, slowly, and says that it is supported.
    supported = lambda including_emulation=True: there or including_emulation  # noqa: E731
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    context = train.precision("cuda")
    assert isinstance(context, torch.autocast) == there
    assert not there or context.fast_dtype == torch.bfloat16


@pytest.mark.parametrize("device", ["cpu", "mps", torch.device("cpu")])
def test_elsewhere_precision_changes_nothing(device):
    with train.precision(device):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert not isinstance(train.precision(device), torch.autocast)
