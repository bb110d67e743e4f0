"""A control that moves changes the picture; the picture remains without a kernel."""

import math
import re
from itertools import pairwise
from statistics import NormalDist

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy.integrate import quad
from scipy.linalg import sqrtm
from scipy.spatial import cKDTree
from scipy.stats import binomtest, norm, truncnorm
from torch import nn

from aigc_lib import data, plot, tokenizers, transformer, widgets
from aigc_lib.bpe import BPE, readable
from aigc_lib.gan import GAN, LOSSES, MinibatchDeviation, dcgan, perceptrons, ring, ring_centres
from aigc_lib.gpt import GPT
from aigc_lib.ngram import NGram
from aigc_lib.rnn import LSTM, LanguageModel
from aigc_lib.vae import VAE


def neuron(w, b, x):
    return 0.5 * ((w * x + b).sigmoid() - 1) ** 2


def test_graph_explorer_shows_values_and_gradients_at_the_sliders():
    explorer = widgets.graph_explorer(neuron, fixed={"x": 1.0}, w=0.0, b=0.0)
    assert "L = 0.125" in explorer.alt
    assert "w = 0, gradient -0.125" in explorer.alt
    before = explorer.picture.value
    explorer.controls["w"].value = 2.0
    assert "w = 2" in explorer.alt
    assert explorer.picture.value != before


def test_descent_explorer_converges_below_the_limit_and_diverges_above_it():
    explorer = widgets.descent_explorer(curvatures=(1.0, 10.0))
    explorer.controls["lr"].value = 0.19
    assert "diverges" not in explorer.alt
    explorer.controls["lr"].value = 0.21
    assert "diverges" in explorer.alt
    explorer.controls["momentum"].value = 0.2  # the limit is 2 (1 + 0.2) / 10 now
    assert "diverges" not in explorer.alt


@pytest.mark.parametrize(
    "explorer",
    [
        widgets.descent_explorer(),
        widgets.graph_explorer(neuron, fixed={"x": 1.0}, w=0.0, b=0.0),
        widgets.forget_explorer(),
    ],
    ids=["descent", "graph", "forget"],
)
def test_every_corner_of_the_sliders_can_be_drawn(explorer):
    for control in explorer.controls.values():
        for value in (control.min, control.max):
            control.value = value
            assert "<img alt=" in explorer.picture.value
    assert plt.get_fignums() == []


def test_the_output_holds_the_widget_the_picture_and_the_words():
    explorer = widgets.descent_explorer()
    bundle = explorer._repr_mimebundle_()
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.box.model_id
    assert bundle["text/html"] == explorer.picture.value
    assert bundle["text/plain"] == explorer.alt


@pytest.mark.parametrize("rule", widgets.RULES)
def test_optimizer_explorer_draws_every_rule_as_torch_would_walk(rule):
    theirs = {
        "SGD": lambda w: torch.optim.SGD([w], 0.01),
        "momentum 0.9": lambda w: torch.optim.SGD([w], 0.01, momentum=0.9),
        "RMSProp": lambda w: torch.optim.RMSprop([w], 0.01),
        "Adam": lambda w: torch.optim.Adam([w], 0.01),
    }[rule]
    w = torch.tensor([-4.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = theirs(w)
    for _ in range(30):
        optimizer.zero_grad()
        (0.5 * (torch.tensor([1.0, 30.0]) * w**2).sum()).backward()
        optimizer.step()
    path = widgets.rule_path(rule, 0.01, (1.0, 30.0), 30)
    assert path.shape == (31, 2)
    assert path[-1] == pytest.approx(w.detach().numpy())
    explorer = widgets.optimizer_explorer()
    before = explorer.picture.value
    explorer.controls["rule"].value = "SGD" if rule != "SGD" else "RMSProp"
    assert explorer.picture.value != before


@pytest.mark.parametrize(
    ("validation", "training", "how"),
    [
        ([2.0, 3.0], [2.0, 1.9], "diverges"),
        ([2.0, float("nan")], [2.0, 1.9], "diverges"),
        ([0.5, 0.6], [0.4, 0.01], "over-fits"),
        ([0.9, 0.8], [0.9, 0.8], "under-fits"),
        ([0.5, 0.5], [0.4, 0.1], "is fine"),
    ],
)
def test_a_run_is_judged_by_its_end(validation, training, how):
    assert widgets.verdict(validation, training) == how


def test_curve_reader_hides_the_end_until_it_is_judged():
    runs = {"A": ([0.8] * 20, [0.7] * 20), "B": ([9.0] * 20, [9.0] * 20)}
    explorer = widgets.curve_reader(runs)
    assert explorer.alt == "Training and validation loss of A, 15 epochs; what will it do?"
    explorer.controls["answer"].value = "diverges"
    assert "20 epochs; not “diverges”: it under-fits" in explorer.alt
    explorer.controls["answer"].value = "under-fits"
    assert "right: it under-fits" in explorer.alt
    explorer.controls["run"].value = "B"
    assert "of B, 20 epochs; not “under-fits”: it diverges" in explorer.alt


def test_an_error_in_draw_is_not_swallowed():
    def draw(ax, x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        widgets.Explorer(draw, (3, 2), x=ipywidgets.FloatSlider())
    plt.close()


@pytest.fixture
def rhyme():
    """A small text, its tokenizer and models of it."""
    text = "to be or not to be, that is the question\n" * 3
    tokenizer = tokenizers.characters(text)
    models = {n: NGram(n, len(tokenizer)).fit(tokenizer.encode(text)) for n in (2, 3, 4)}
    return tokenizer, models


def test_next_explorer_shows_the_chain_for_the_context_that_is_typed(rhyme):
    tokenizer, models = rhyme
    explorer = widgets.next_explorer(models[3], tokenizer, "o b")
    likeliest = models[3].probs(tokenizer.encode("o b")).max().item()
    assert f"come after “␣b”: e {likeliest:.1%}," in explorer.alt
    figure = Figure()
    explorer.draw(figure.subplots(), context="o b")
    given = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert given == ["uniform", "nothing", "“b”", "“␣b”"]
    before = explorer.picture.value
    explorer.controls["context"].value = ""
    assert "come after nothing: " in explorer.alt
    explorer.controls["context"].value = "q"
    assert "come after “q”: u " in explorer.alt
    assert explorer.picture.value != before


def test_next_explorer_tells_of_an_unknown_character(rhyme):
    tokenizer, models = rhyme
    explorer = widgets.next_explorer(models[3], tokenizer, "o b")
    explorer.controls["context"].value = "o éñ"
    assert explorer.alt == "This model has never seen 'éñ': type something else."


def test_sampler_writes_what_the_model_of_that_name_draws(rhyme):
    tokenizer, ngrams = rhyme
    torch.manual_seed(0)
    network = LanguageModel(len(tokenizer), LSTM(3, 4))
    models = {f"order {n}": model for n, model in ngrams.items()} | {"an LSTM": network}
    explorer = widgets.sampler(models, tokenizer, "to ", 30)
    assert list(explorer.controls["model"].options) == list(models)
    assert explorer.alt.startswith("order 4, temperature 1.0\n")
    seen = set()
    for name, model in models.items():
        for temperature in (0.5, 1.0):
            for seed in (0, 1):
                settings = {"model": name, "temperature": temperature, "seed": seed}
                for control, value in settings.items():
                    explorer.controls[control].value = value
                generator = torch.Generator().manual_seed(seed)
                ids = model.sample(30, generator, tokenizer.encode("to "), temperature)
                assert explorer.alt.endswith(f"\n{tokenizer.decode(ids)}")
                assert explorer.alt.startswith(f"{name}, temperature {temperature}\n")
                seen.add(explorer.alt)
    assert len(seen) == 16


def drawn(explorer, **values):
    """Return the axes with what an explorer draws for these values of its controls."""
    ax = Figure().subplots()
    explorer.draw(ax, **values)
    return ax


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


@pytest.mark.parametrize(("keep", "write", "clear"), [(4, -6, 45), (-1.5, 2, 10), (8, 0.5, 59)])
def test_forget_explorer_draws_the_cell_of_a_plain_loop(keep, write, clear):
    stream, cells, left = (
        line.get_ydata()
        for line in drawn(widgets.forget_explorer(), keep=keep, write=write, clear=clear).lines
    )
    assert len(stream) == 60
    assert stream[5] == 1
    assert -1 <= stream.min() < -0.8 < 0.8 < stream.max() <= 1
    c, product, expected, kept = 0, 1, [], []
    for t, x in enumerate(stream):
        i, f = sigmoid(write + 8 * (t == 5)), sigmoid(keep - 12 * (t == clear))
        c = f * c + i * math.tanh(1.5 * x)
        product *= f if t > 5 else 1
        expected.append(c)
        kept.append(product)
    assert cells == pytest.approx(expected, abs=1e-9)
    assert left == pytest.approx(kept[5:], abs=1e-9)


def test_forget_explorer_keeps_the_sign_until_it_is_told_to_forget():
    explorer = widgets.forget_explorer()
    for clear in (10, 30, 59):
        _, cells, _ = (
            line.get_ydata() for line in drawn(explorer, keep=6.0, write=-6.0, clear=clear).lines
        )
        assert cells[5:clear].min() > 0.6
        assert abs(cells[:5]).max() < 0.02
        assert abs(cells[clear:]).max() < 0.05


def test_forget_explorer_moves_with_each_slider():
    explorer = widgets.forget_explorer()
    assert explorer.alt.startswith("A cell is told 1 at step 5; it holds 0.80 then, ")
    pictures = {explorer.picture.value}
    for n, (name, value) in enumerate([("keep", 1.0), ("write", 0.0), ("clear", 15)], 2):
        explorer.controls[name].value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
    assert "is halved after 3 steps" in explorer.alt  # 0.73 to the power of 3 is 0.39


@pytest.mark.parametrize("steps", [12, 30, 90])
def test_forget_explorer_has_as_many_steps_as_asked(steps):
    explorer = widgets.forget_explorer(steps)
    assert explorer.controls["clear"].max == steps - 1
    values = {name: control.value for name, control in explorer.controls.items()}
    assert [len(line.get_ydata()) for line in drawn(explorer, **values).lines] == [
        *(steps, steps),
        steps - 5,
    ]


@pytest.fixture(params=[LSTM, nn.LSTM, nn.GRU])
def units(rhyme, request):
    """An explorer of a small model, and its activations of a text by PyTorch: (T, H)."""
    tokenizer, _ = rhyme
    torch.manual_seed(0)
    layer = LSTM(3, 4) if request.param is LSTM else request.param(3, 4, batch_first=True)
    for weights in layer.parameters():
        nn.init.normal_(weights, std=2)
    model = LanguageModel(len(tokenizer), layer)

    def outputs(text):
        theirs = (nn.GRU if request.param is nn.GRU else nn.LSTM)(3, 4)
        theirs.load_state_dict(layer.state_dict())
        with torch.no_grad():
            return theirs(model.embedding.weight[tokenizer.encode(text)])[0].numpy()

    return widgets.unit_explorer(model, tokenizer, "to be,\nor not", 1), outputs


def test_unit_explorer_colours_the_text_by_what_the_unit_holds(units):
    explorer, outputs = units
    for text, unit in (("to be,\nor not", 1), ("that is the question", 3)):
        ax = drawn(explorer, text=text, unit=unit)
        assert "".join(sign.get_text() for sign in ax.texts) == plot.visible(text)
        grid, values = ax.images[0].get_array(), outputs(text)[:, unit]
        found = [grid[y, x] for x, y in (sign.get_position() for sign in ax.texts)]
        assert found == pytest.approx(values.tolist(), abs=1e-6)
        assert values.max() - values.min() > 0.5


def test_unit_explorer_moves_with_the_text_and_the_unit(units):
    explorer, outputs = units
    assert (explorer.controls["unit"].min, explorer.controls["unit"].max) == (0, 3)
    pictures = {explorer.picture.value}
    for n, (name, value) in enumerate([("text", "that is"), ("unit", 2), ("unit", 3)], 2):
        explorer.controls[name].value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
        assert explorer.alt.endswith(", of “that␣is”.")
        high = outputs("that is")[:, explorer.controls["unit"].value] > 0.5
        pieces = "".join(c if h else "|" for c, h in zip("that␣is", high, strict=True)).split("|")
        told = ", ".join(f"“{piece}”" for piece in pieces if piece) or "no character"
        assert explorer.alt.startswith(f"The unit is above 0.5 at {told}, of ")


def test_unit_explorer_tells_of_unknown_characters_and_of_an_empty_text(units):
    explorer, _ = units
    explorer.controls["text"].value = "to é or ñ"
    assert explorer.alt == "This model has never seen 'éñ': type something else."
    assert "<img" in explorer.picture.value
    explorer.controls["text"].value = ""
    assert "type something" in explorer.alt
    assert "True" not in explorer.alt  # what `or` made of the empty text


def hands(ax):
    """Return the word of each hand of a clock, and its angle."""
    words = [text.get_text() for text in ax.texts]
    tips = [line.get_xydata()[1] for line in ax.lines]
    return words, [math.atan2(y, x) for x, y in tips]


@pytest.mark.parametrize(("C", "pair", "shift"), [(8, 0, 0), (8, 1, 3), (8, 3, 100), (2, 0, 7)])
def test_position_explorer_turns_the_hands_as_rotary_does(C, pair, shift):
    explorer = widgets.position_explorer("the dog", C)
    sentence = "  the dog saw\n the cat "
    ax = drawn(explorer, sentence=sentence, pair=pair, shift=shift)
    words, found = hands(ax)
    assert words == ["the", "dog", "saw", "the", "cat"]
    x = torch.tensor([1.0, 0.0], dtype=torch.float64).repeat(5, C // 2)
    turned = transformer.rotary(x, torch.arange(shift, shift + 5))[:, 2 * pair : 2 * pair + 2]
    expected = [math.atan2(y, x) for x, y in turned.tolist()]
    assert found == pytest.approx(expected, abs=1e-9)
    speed = 10000 ** (-2 * pair / C)
    assert ax.get_title() == f"pair {pair}: {speed:.3g} radians a position, shift {shift}"
    told = explorer.draw(Figure().subplots(), sentence=sentence, pair=pair, shift=shift)
    assert told == (
        f"Pair {pair}, shift {shift}. From “the” to “cat” the hand turns by {4 * speed:.3f} "
        "radians."
    )


def test_position_explorer_moves_with_each_control():
    explorer = widgets.position_explorer("the dog saw the cat", 16)
    pair, shift = explorer.controls["pair"], explorer.controls["shift"]
    assert (pair.min, pair.max, shift.min, shift.max) == (0, 7, 0, 100)
    assert explorer.alt.startswith(f"Pair {pair.value}, shift 0. From “the” to “cat” the hand ")
    pictures = {explorer.picture.value}
    moves = [("pair", 0, "Pair 0, shift 0. From “the” to “cat” the hand turns by 4.000 radians.")]
    moves += [("shift", 9, "Pair 0, shift 9. From “the” to “cat” the hand turns by 4.000 radians.")]
    moves += [
        ("sentence", "a b", "Pair 0, shift 9. From “a” to “b” the hand turns by 1.000 radians.")
    ]
    for n, (name, value, told) in enumerate(moves, 2):
        explorer.controls[name].value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
        assert explorer.alt == told
    assert plt.get_fignums() == []


@pytest.mark.parametrize("C", [2, 4, 64])
def test_position_explorer_can_be_drawn_at_every_corner_and_of_no_words(C):
    explorer = widgets.position_explorer("", C)
    assert "From “nothing” to “nothing” the hand turns by 0.000 radians." in explorer.alt
    for name, last in (("pair", C // 2 - 1), ("shift", 100)):
        for value in (0, last):
            explorer.controls[name].value = value
            assert explorer.controls[name].value == value
            assert f"{name} {value}" in explorer.alt.lower()
            assert "<img alt=" in explorer.picture.value
    explorer.controls["sentence"].value = " \n"
    assert "From “nothing” to “nothing”" in explorer.alt


@pytest.fixture
def looked():
    """An explorer of a made-up model of three heads, the weights of a text, and what was read."""
    read = []

    def weights(text, where):
        T, S = len(text), len(text) + (where == "across")
        generator = torch.Generator().manual_seed(S)
        return (3 * torch.randn(3, T, S, generator=generator)).softmax(-1).numpy()

    def look(text):
        read.append(text)
        if "?" in text:
            raise ValueError(f"this model cannot read {text!r}")
        if "!" in text:
            raise ZeroDivisionError
        return {
            "self": (weights(text, "self"), list(text), list(text)),
            "across": (weights(text, "across"), list(text), [*text.upper(), "."]),
        }

    return widgets.attention_explorer(look, "abc", "across", 3), weights, read


@pytest.mark.parametrize("where", ["self", "across"])
@pytest.mark.parametrize("head", [0, 1, 2, 3])
def test_attention_explorer_draws_a_head_or_the_mean_of_all(looked, where, head):
    explorer, weights, read = looked
    ax = drawn(explorer, text="d ef", where=where, head=head)
    assert read[-1] == "d ef"
    every = weights("d ef", where).tolist()
    means = torch.tensor(every).mean(0)
    expected = torch.tensor(every[head]) if head < 3 else means
    grid = torch.from_numpy(ax.images[0].get_array().data)
    torch.testing.assert_close(grid.double(), expected.double(), rtol=0, atol=1e-6)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["d", "␣", "e", "f"]
    columns = ["D", "␣", "E", "F", "."] if where == "across" else ["d", "␣", "e", "f"]
    assert [label.get_text() for label in ax.get_xticklabels()] == columns
    shown = "the mean of all heads" if head == 3 else f"head {head}"
    assert ax.get_title() == f"{where}, {shown}"
    told = explorer.draw(Figure().subplots(), text="d ef", where=where, head=head)
    most = columns[expected[1].argmax()]
    assert told.startswith(f"{where}, {shown}. Where each looks most: “d” at ")
    assert f"“␣” at “{most}” ({expected[1].max():.2f})" in told


def test_attention_explorer_moves_with_each_control(looked):
    explorer, _, read = looked
    assert set(read) == {"abc"}
    controls = explorer.controls
    assert tuple(controls["where"].options) == ("self", "across")
    assert isinstance(controls["where"], ipywidgets.Dropdown)
    assert (controls["head"].min, controls["head"].max) == (0, 3)
    values = {name: control.value for name, control in controls.items()}
    assert values == {"text": "abc", "where": "across", "head": 3}
    assert explorer.alt.startswith("across, the mean of all heads. Where each looks most: “a” at ")
    pictures, alts = {explorer.picture.value}, {explorer.alt}
    moves = [("head", 0), ("head", 1), ("head", 2), ("where", "self"), ("text", "xyz")]
    for n, (name, value) in enumerate(moves, 2):
        controls[name].value = value
        pictures.add(explorer.picture.value)
        alts.add(explorer.alt)
        assert len(pictures) == len(alts) == n
    assert explorer.alt.startswith("self, head 2. Where each looks most: “x” at ")
    assert read[-1] == "xyz"
    assert plt.get_fignums() == []


def test_attention_explorer_tells_why_a_text_cannot_be_read_and_goes_on(looked):
    explorer, _, _ = looked
    before = explorer.picture.value
    explorer.controls["text"].value = "a?"
    assert explorer.alt == "this model cannot read 'a?'"
    assert explorer.picture.value != before
    assert "<img alt=" in explorer.picture.value
    ax = drawn(explorer, text="a?", where="self", head=0)
    assert ax.get_title() == "this model cannot read 'a?'"
    assert not ax.images
    assert not ax.axison
    explorer.controls["head"].value = 1  # the text is still no good
    assert explorer.alt == "this model cannot read 'a?'"
    explorer.controls["text"].value = "ab"
    assert explorer.alt.startswith("across, head 1. Where each looks most: “a” at ")
    with pytest.raises(ZeroDivisionError):
        drawn(explorer, text="a!", where="self", head=0)


def test_a_text_without_a_picture_is_shown_as_it_is_and_escaped():
    explorer = widgets.Explorer(lambda x: f"{x} < 2\n", None, x=ipywidgets.IntSlider(value=1))
    assert "<pre" in explorer.picture.value
    assert "1 &lt; 2\n</pre>" in explorer.picture.value
    assert explorer._repr_mimebundle_()["text/plain"] == "1 < 2\n"


def test_curve_answers_shows_each_run_under_its_verdict(monkeypatch):
    told = []
    monkeypatch.setattr(widgets.plot, "show", told.append)
    runs = {"A": ([0.8] * 20, [0.7] * 20), "B": ([9.0] * 20, [9.0] * 20)}
    widgets.curve_answers(runs)
    assert [ax.get_title() for ax in plt.gcf().axes] == ["A under-fits", "B diverges"]
    assert [ax.lines[0].get_ydata()[0] for ax in plt.gcf().axes] == [0.8, 9.0]
    plt.close()
    assert told == ["Validation and training losses, epoch by epoch: A under-fits, B diverges."]


def test_a_complaint_with_dollars_is_no_mathematics(looked):
    explorer, *_ = looked
    explorer.controls["text"].value = r"$\q$?"
    assert "cannot read" in explorer.alt


def test_unknown_dollars_are_no_mathematics(rhyme):
    tokenizer, models = rhyme
    explorer = widgets.next_explorer(models[3], tokenizer, "o b")
    explorer.controls["context"].value = "$%$"
    assert explorer.alt == "This model has never seen '$%$': type something else."


def stepped(text, merges):
    """Return the pieces of a text of letters, spaces and marks, and the last pair, by counting."""
    words = [[bytes([b]) for b in w.encode()] for w in re.findall(r" ?\w+| ?[^\w\s]+|\s", text)]
    rank, last = {bytes([b]): b for b in range(256)}, None
    for new in range(256, 256 + merges):
        pairs = [pair for word in words for pair in pairwise(word)]
        if not pairs:
            break
        a, b = min(pairs, key=lambda pair: (-pairs.count(pair), rank[pair[0]], rank[pair[1]]))
        last = a, b, pairs.count((a, b))
        rank[a + b] = new
        for word in words:
            i = 0
            while i < len(word) - 1:
                if word[i] == a and word[i + 1] == b:
                    word[i : i + 2] = [a + b]
                i += 1
    return [piece for word in words for piece in word], last


TO_BE = "to be or not to be, that is the question\n"


@pytest.mark.parametrize("merges", [0, 1, 2, 7, 20])
def test_bpe_stepper_cuts_the_text_as_plain_counting_does(merges):
    text = TO_BE * 3
    explorer = widgets.bpe_stepper(text)
    explorer.controls["merges"].value = merges
    pieces, last = stepped(text, merges)
    head, _, cut = explorer.alt.partition("\n\n")
    shown = "│".join(piece.decode() for piece in pieces).replace(" ", "␣").replace("\n", "↵")
    assert cut.replace("│\n", "│") == shown
    told = [f"123 bytes, {merges} merges, {len(pieces)} tokens"]
    if merges:
        a, b = (piece.decode().replace(" ", "␣") for piece in last[:2])
        told += [f"the last merge: “{a}” and “{b}” stood together {last[2]} times"]
    assert head == "\n".join(told)


def test_bpe_stepper_moves_with_each_control():
    explorer = widgets.bpe_stepper("aaab aab", most=9)
    assert explorer.alt == "8 bytes, 0 merges, 8 tokens\n\na│a│a│b│␣│a│a│b"
    slider = explorer.controls["merges"]
    assert (slider.min, slider.max, slider.value, slider.step) == (0, 9, 0, 1)
    slider.value = 1
    assert explorer.alt.endswith("“a” and “a” stood together 3 times\n\naa│a│b│␣│aa│b")
    slider.value = 9
    assert explorer.alt.startswith("8 bytes, 5 merges, 2 tokens\n")
    assert explorer.alt.endswith("\nno pair is left: each piece is one token\n\naaab│␣aab")
    explorer.controls["text"].value = "<b> $x$ 白"
    assert "no pair is left" in explorer.alt
    assert explorer.alt.endswith("\n\n<│b│>│␣$│x│$│␣白")
    assert "&lt;│b│&gt;" in explorer.picture.value
    assert "<b>" not in explorer.picture.value


@pytest.mark.parametrize("merges", [0, 5])
@pytest.mark.parametrize("text", ["", " ", "\n\t \u3000", " " * 600 + "text"])
def test_bpe_stepper_of_nothing_says_so(text, merges):
    explorer = widgets.bpe_stepper(TO_BE)
    explorer.controls["merges"].value = merges
    explorer.controls["text"].value = text
    assert explorer.alt == "There is nothing to merge: type something."


@pytest.mark.parametrize("merges", [0, 5])
def test_bpe_stepper_tells_of_half_a_character(merges):
    explorer = widgets.bpe_stepper(TO_BE)
    explorer.controls["merges"].value = merges
    explorer.controls["text"].value = "ab\ud83d c"
    assert explorer.alt.startswith("character 2 of the text is U+D83D, half of a surrogate pair")
    explorer.picture.value.encode()
    explorer.controls["text"].value = "ab"
    assert explorer.alt.endswith("a│b" if merges == 0 else "\nab")


def test_bpe_stepper_shows_bytes_and_what_has_no_look():
    explorer = widgets.bpe_stepper("👩\t白白")
    assert explorer.alt.endswith("‹F0›│‹9F›│‹91›│‹A9›│‹09›│‹E7›│‹99›│‹BD›│‹E7›│‹99›│‹BD›")
    explorer.controls["merges"].value = 2
    assert "the last merge: “‹E7›” and “‹99›‹BD›” stood together 2 times" in explorer.alt
    assert explorer.alt.endswith("│白│白")
    explorer.controls["text"].value = "to\nto"
    explorer.controls["merges"].value = 60
    assert explorer.alt.endswith("\n\nto│↵│to")


@pytest.mark.parametrize("text", ["白日依山尽，黄河入海流。", "well-known ", "ab👩 "])
@pytest.mark.parametrize("merges", [0, 60])
@pytest.mark.parametrize("length", [599, 600, 601, 5000])
def test_bpe_stepper_reads_600_characters_in_lines_of_90_columns(text, merges, length):
    text = (text * 5000)[:length]
    explorer = widgets.bpe_stepper(text)
    explorer.controls["merges"].value = merges
    head, _, cut = explorer.alt.partition("\n\n")
    assert head.startswith(f"{len(text[:600].encode())} bytes, ")
    assert ("only the first 600 characters are read" in head) == (length > 600)
    lines = cut.split("\n")
    widths = [sum(1 + (c in "白日依山尽，黄河入海流。👩") for c in line) for line in lines]
    assert max(widths) <= 90
    assert min(widths[:-1]) > 90 - 15  # the next token is not wider
    assert all(line[-1] == "│" for line in lines[:-1])
    if merges:  # enough for these few words
        assert "".join(cut.replace("│", "").split("\n")).replace("␣", " ") == text[:600]


def test_bpe_stepper_fills_a_line_of_wide_characters():
    explorer = widgets.bpe_stepper("白，" * 20)
    explorer.controls["merges"].value = 60
    assert explorer.alt.endswith("\n\n" + "白│，│" * 15 + "\n" + "│".join("白，" * 5))


def test_bpe_stepper_gives_a_token_that_fits_no_line_its_own():
    explorer = widgets.bpe_stepper("a" * 256 + " b", most=10)
    explorer.controls["merges"].value = 10
    assert explorer.alt.endswith(f"\n\n{'a' * 256}│\n␣b")


class Summed(nn.Module):
    """A made-up model: the logits after some tokens are a table's row for their sum."""

    longest = 5

    def __init__(self, vocab_size):
        super().__init__()
        self.vocab_size, generator = vocab_size, torch.Generator().manual_seed(0)
        self.table = nn.Parameter(3 * torch.randn(97, vocab_size, generator=generator))

    def forward(self, ids):
        assert ids.ndim == 2
        assert ids.dtype == torch.int64
        assert ids.shape[1] <= self.longest
        return self.table[ids.cumsum(1) % 97]


MERGES = [
    (116, 104),
    (256, 101),
    (0xE7, 0x99),
    (258, 0xBD),
    (36, 92),
]  # th, the, half of 白, 白, $\


def expected(model, ids):
    """Return the ten likeliest ids after `ids`, each with its probability in percent, plainly."""
    logits = model.table[sum(ids[-5:]) % 97].tolist()
    total = sum(math.exp(x) for x in logits)
    p = [math.exp(x) / total for x in logits]
    return [(i, 100 * p[i]) for i in sorted(range(len(p)), key=lambda i: -p[i])[:10]]


@pytest.mark.parametrize(
    ("prompt", "ids", "read"),
    [
        ("the", [257], "the"),
        (" ", [32], "␣"),
        ("th\n", [256, 10], "th│↵"),
        ("白\t", [259, 9], "白│‹09›"),
        ("👩", [0xF0, 0x9F, 0x91, 0xA9], "‹F0›│‹9F›│‹91›│‹A9›"),
        ("$\\q$", [260, 113, 36], "$\\│q│$"),
        ("<b>", [60, 98, 62], "<│b│>"),
        ("abcdefgh", [100, 101, 102, 103, 104], "d│e│f│g│h"),  # more than `longest`
    ],
)
def test_token_explorer_shows_what_the_model_gives_after_the_prompt(prompt, ids, read):
    tokenizer = BPE(MERGES)
    model = Summed(261)
    explorer = widgets.token_explorer(model, tokenizer, "a")
    before = explorer.picture.value
    explorer.controls["prompt"].value = prompt
    assert explorer.picture.value != before
    ax = drawn(explorer, prompt=prompt)
    top = expected(model, ids)
    assert [100 * bar.get_width() for bar in ax.patches] == pytest.approx([p for _, p in top])
    assert [text.get_text() for text in ax.texts] == [f"{p:.1f}%" for _, p in top]
    special = {256: "th", 257: "the", 258: "‹E7›‹99›", 259: "白", 260: "$\\", 32: "␣", 10: "↵"}
    names = [special.get(i) or (chr(i) if 32 < i < 127 else f"‹{i:02X}›") for i, _ in top]
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert ax.get_title() == f"after {read}"
    told = ", ".join(f"“{name}” {p:.1f}%" for name, (_, p) in zip(names, top, strict=True))
    rest = 100 - sum(p for _, p in top)
    assert (
        explorer.alt == f"The likeliest next tokens after {read}: {told}; all others {rest:.1f}%."
    )


def test_token_explorer_writes_the_end_of_what_is_read():
    model = Summed(261)
    model.longest = 60
    explorer = widgets.token_explorer(model, BPE(MERGES), "a")
    for n, shown in ((25, "│".join("x" * 25)), (26, "…" + "│".join("x" * 26)[-49:])):
        assert drawn(explorer, prompt="x" * n).get_title() == f"after {shown}"
    ax = drawn(explorer, prompt="w" * 100)
    ax.figure.set_size_inches(7, 3.6)
    assert ax.title.get_window_extent().width < ax.get_window_extent().width


def test_token_explorer_tells_why_there_is_nothing_to_draw_and_goes_on():
    explorer = widgets.token_explorer(Summed(261), BPE(MERGES), "a")
    before = explorer.alt
    for prompt, why in (("", "There is nothing to go on from: type"), ("a\ud800", "U+D800, half")):
        explorer.controls["prompt"].value = prompt
        assert why in explorer.alt
        assert "<img" in explorer.picture.value
        ax = drawn(explorer, prompt=prompt)
        assert ax.get_title().replace("\n", " ") == explorer.alt
        assert ax.title.get_color() == plot.GRADIENT
        ax.figure.set_size_inches(7, 3.6)
        assert ax.title.get_window_extent().width < ax.get_window_extent().width
        assert not ax.axison
        assert not ax.patches
    explorer.controls["prompt"].value = "a"
    assert explorer.alt == before
    assert plt.get_fignums() == []


def test_token_explorer_refuses_a_tokenizer_that_does_not_fit():
    for size in (260, 262):
        with pytest.raises(ValueError, match=f"tokenizer of 261 tokens for a model of {size}"):
            widgets.token_explorer(Summed(size), BPE(MERGES), "a")


@pytest.fixture
def tiny():
    """A GPT of random weights, large enough that tokens differ, and its tokenizer."""
    torch.manual_seed(0)
    model = GPT(261, 8, 2, 2, longest=60)
    for w in model.parameters():
        w.requires_grad_(False).mul_(20 if w.ndim == 2 else 1)
    return model, BPE(MERGES)


def ruled(logits, temperature, k, p):
    """Return p after the temperature, and what top-k and then top-p leave of it, plainly."""
    logits = [x / temperature for x in logits]
    total = sum(math.exp(x - max(logits)) for x in logits)
    before = [math.exp(x - max(logits)) / total for x in logits]
    order = sorted(range(len(logits)), key=lambda i: -logits[i])[:k]
    kept, sofar, all_k = [], 0.0, sum(before[i] for i in order)
    for i in order:
        if sofar < p or p == 1:
            kept.append(i)
            sofar += before[i] / all_k
    return before, kept


SHOWN = {256: "th", 257: "the", 258: "‹E7›‹99›", 259: "白", 260: "$\\", 32: "␣", 10: "↵"}


@pytest.mark.parametrize(
    ("prompt", "temperature", "k", "p", "seed"),
    [
        ("the", 1.0, 261, 1.0, 0),
        ("$%$", 0.1, 261, 0.05, 1),
        ("\n", 2.0, 5, 1.0, 20),
        ("白👩", 0.7, 20, 0.6, 3),
        ("abcdefgh" * 4, 1.5, 261, 0.9, 0),
        ("x" * 20, 1.0, 2, 1.0, 0),  # as long as may be
    ],
)
def test_sampling_playground_shows_what_plain_rules_leave(tiny, prompt, temperature, k, p, seed):
    model, tokenizer = tiny
    explorer = widgets.sampling_playground(model, tokenizer, "a")
    settings = {"temperature": temperature, "k": k, "p": p, "seed": seed, "prompt": prompt}
    for name, value in settings.items():
        explorer.controls[name].value = value
    all_ids = tokenizer.encode(prompt).tolist()
    ids, generator, drew = all_ids[-20:], torch.Generator().manual_seed(seed), []
    for _ in range(40):
        logits = model(torch.tensor([ids + drew]))[0, -1].tolist()
        before, kept = ruled(logits, temperature, k, p)
        if not drew:
            first, left = before, set(kept)
        share = sum(before[i] for i in kept)
        weights = [before[i] / share * (i in kept) for i in range(261)]
        weights = torch.tensor(weights, dtype=torch.float64)
        drew.append(torch.multinomial(weights, 1, generator=generator).item())
    ax = drawn(explorer, **settings)
    order = sorted(range(261), key=lambda i: -first[i])[:16]
    bars = [bar for bar in ax.patches if to_hex(bar.get_facecolor()) != "#b9cbde"]
    assert [bar.get_width() for bar in bars] == pytest.approx([first[i] for i in order])
    assert [bar.get_facecolor()[3] for bar in bars] == [i in left for i in order]
    names = [SHOWN.get(i) or (chr(i) if 32 < i < 127 else f"‹{i:02X}›") for i in order]
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    share = f"{len(left)} of 261 tokens, which had {100 * sum(first[i] for i in left):.1f}%"
    kept = "all 261 tokens" if len(left) == 261 else share
    heads = ["only the last 20 of 32 tokens are read"] if len(all_ids) > 20 else []
    heads += [
        f"after {'│'.join(SHOWN.get(i) or (chr(i) if i < 127 else f'‹{i:02X}›') for i in ids)}",
        f"temperature {temperature:.1f}, then top-k {k}, then top-p {p:.2f}",
        f"kept: {kept}",
    ]
    assert ax.get_title().split("\n") == heads
    assert explorer.alt.startswith("; ".join(heads) + ". The likeliest: ")
    written = b"".join(tokenizer.pieces[i] for i in drew)
    assert explorer.alt.endswith(f" The next 40 tokens: “{readable(written)}”")
    told = f"The next 40 tokens, drawn with seed {seed}:\n{readable(written)}"
    plot.below(other := Figure().subplots(), told, 12)
    assert ax.texts[-1].get_text() == other.texts[0].get_text()


def test_sampling_playground_moves_with_each_control(tiny):
    explorer = widgets.sampling_playground(*tiny, "the")
    controls = explorer.controls
    assert [controls[name].value for name in ("temperature", "k", "p", "seed")] == [1, 261, 0.5, 0]
    assert controls["k"].options == (1, 2, 3, 5, 8, 10, 20, 50, 100, 200, 261)
    sliders = {name: controls[name] for name in ("temperature", "p", "seed")}
    ends = {name: (slider.min, slider.max) for name, slider in sliders.items()}
    assert ends == {"temperature": (0.1, 2.0), "p": (0.05, 1.0), "seed": (0, 20)}
    assert not any(controls[name].continuous_update for name in ("k", *sliders))
    seen = {explorer.picture.value}
    moves = [("temperature", 0.5), ("k", 3), ("seed", 1), ("p", 0.3), ("prompt", "th")]
    for n, (name, value) in enumerate(moves, 2):
        controls[name].value = value
        seen.add(explorer.picture.value)
        assert len(seen) == n


def test_sampling_playground_of_a_vocabulary_as_large_as_a_step_names_it_once():
    torch.manual_seed(0)
    explorer = widgets.sampling_playground(
        GPT(500, 4, 1, 1, 50), BPE([(0, i) for i in range(244)]), "a"
    )
    assert explorer.controls["k"].options[-2:] == (200, 500)


@pytest.mark.parametrize("explore", [widgets.sampling_playground, widgets.beam_explorer])
def test_decoding_widgets_tell_why_there_is_nothing_to_draw_and_go_on(tiny, explore):
    explorer = explore(*tiny, "a")
    before = explorer.alt
    for prompt, why in (("", "There is nothing to go on from: type"), ("a\ud800", "U+D800, half")):
        explorer.controls["prompt"].value = prompt
        assert why in explorer.alt
        assert "<img" in explorer.picture.value
    explorer.controls["prompt"].value = "a"
    assert explorer.alt == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("explore", [widgets.sampling_playground, widgets.beam_explorer])
def test_decoding_widgets_refuse_a_tokenizer_that_does_not_fit(tiny, explore):
    with pytest.raises(ValueError, match="tokenizer of 260 tokens for a model of 261"):
        explore(tiny[0], BPE(MERGES[:-1]), "a")


@pytest.mark.parametrize(
    ("prompt", "width", "tokens"),
    [
        ("the", 3, 4),
        ("$%$", 1, 6),
        ("\n", 5, 6),
        ("白👩", 2, 1),
        ("abcdefgh" * 9, 4, 3),
        ("x" * 54, 2, 2),
    ],
)
def test_beam_explorer_shows_the_texts_that_a_plain_beam_keeps(tiny, prompt, width, tokens):
    model, tokenizer = tiny
    ids = tokenizer.encode(prompt).tolist()[-54:]

    def search(width):
        live, steps = [((), 0.0)], []
        for _ in range(tokens):
            met = []
            for text, log_p in live:
                next_p = model(torch.tensor([[*ids, *text]]))[0, -1].double().log_softmax(0)
                met += [((*text, i), log_p + x) for i, x in enumerate(next_p.tolist())]
            live = sorted(met, key=lambda text: -text[1])[:width]
            steps.append(live)
        return steps

    explorer = widgets.beam_explorer(model, tokenizer, "a")
    for name, value in {"prompt": prompt, "width": width, "tokens": tokens}.items():
        explorer.controls[name].value = value
    ax = drawn(explorer, prompt=prompt, width=width, tokens=tokens)
    steps, greedy = search(width), [texts[0] for texts in search(1)]
    names = [plot.visible(readable(piece)) for piece in tokenizer.pieces]

    def told(text, log_p):
        return f"“{''.join(names[i] for i in text)}” {log_p:.2f}"

    read = "│".join(names[i] for i in ids)
    read = read if len(read) <= 50 else "…" + read[-49:]
    kept = "; ".join(
        f"{t}: {', '.join(told(*text) for text in texts)}" for t, texts in enumerate(steps, 1)
    )
    note = "only the last 54 of 72 tokens are read" * (len(prompt) == 72)
    start = f"Texts after {read}, with log p, by number of tokens. {kept}; "
    assert explorer.alt.startswith(f"{note}; {start}" if note else start)
    assert ax.get_title().startswith(note or "log p")
    same = steps[-1][0][0] == greedy[-1][0]
    assert explorer.alt.endswith(f"greedy: {told(*greedy[-1])}.")
    assert ("best, and greedy" in explorer.alt) == same
    nodes = {text: log_p for texts in [*steps, greedy] for text, log_p in texts}
    labels = [text.get_text() for text in ax.texts[1:]]
    assert sorted(label.split("\n")[0] for label in labels) == sorted(names[t[-1]] for t in nodes)
    values = sorted(float(label.split("\n")[1]) for label in labels)
    assert values == pytest.approx(sorted(nodes.values()), abs=0.0051)


def test_beam_explorer_moves_with_each_control(tiny):
    explorer = widgets.beam_explorer(*tiny, "the")
    width, tokens = explorer.controls["width"], explorer.controls["tokens"]
    assert [(s.min, s.value, s.max) for s in (width, tokens)] == [(1, 3, 5), (1, 4, 6)]
    assert not width.continuous_update
    assert not tokens.continuous_update
    seen = {explorer.picture.value}
    for n, (name, value) in enumerate([("width", 4), ("tokens", 5), ("prompt", "th")], 2):
        explorer.controls[name].value = value
        seen.add(explorer.picture.value)
        assert len(seen) == n


def test_tradeoff_explorer_moves_with_the_setting():
    points = {"top-p 0.5": (0.5, 1.0, "a"), "top-p 0.9": (0.7, 2.0, "b\n$%$")}
    explorer = widgets.tradeoff_explorer(points, (0.9, 3.0, "human"))
    setting = explorer.controls["setting"]
    assert setting.options == ("top-p 0.5", "top-p 0.9", "human text")
    assert setting.value == "top-p 0.5"
    seen = set()
    for name, (x, y, text) in {**points, "human text": (0.9, 3.0, "human")}.items():
        setting.value = name
        assert explorer.alt.startswith(f"{name}: distinct-2 {x:.3g}, {y:.3g} nats a token, of ")
        assert explorer.alt.endswith(f" Its text: “{text}”")
        (ring,) = drawn(explorer, setting=name).lines[-1:]
        assert ring.get_xydata().tolist() == [[x, y]]
        seen.add(explorer.picture.value)
    assert len(seen) == 3
    assert plt.get_fignums() == []


RUNS = {
    "parameters": ([7e3, 26e3, 1e5, 4e5], [2.6, 2.53, 2.4, 2.3]),
    "characters read": ([25600 * 2**i for i in range(5)], [3.1, 2.8, 2.6, 2.45, 2.36]),
}


def fitted(x, y):
    """Return a and b of y = a·x^(-b), by the closed form of least squares on logarithms."""
    u, v = [math.log(t) for t in x], [math.log(t) for t in y]
    mu, mv = sum(u) / len(u), sum(v) / len(v)
    slope = sum((s - mu) * (t - mv) for s, t in zip(u, v, strict=True))
    slope /= sum((s - mu) ** 2 for s in u)
    return math.exp(mv - slope * mu), -slope


@pytest.mark.parametrize("grows", RUNS)
@pytest.mark.parametrize("dropped", [(), (1,), (2, 4), (5,), (4, 5)])
def test_scaling_explorer_fits_the_points_that_are_not_left_out(grows, dropped):
    explorer = widgets.scaling_explorer(RUNS)
    explorer.controls["grows"].value = grows
    explorer.controls["dropped"].value = dropped
    x, y = RUNS[grows]
    kept = [i for i in range(len(x)) if i + 1 not in dropped]
    out = [i for i in range(len(x)) if i + 1 in dropped]
    a, b = fitted([x[i] for i in kept], [y[i] for i in kept])
    ax = drawn(explorer, grows=grows, dropped=dropped)
    full, *hollow, line = ax.lines
    assert full.get_xydata().tolist() == [[x[i], y[i]] for i in kept]
    assert [h.get_xydata().tolist() for h in hollow] == [[[x[i], y[i]] for i in out]][: len(out)]
    assert line.get_ydata() == pytest.approx([a * t**-b for t in x])
    assert (ax.get_xlabel(), ax.get_ylabel()) == (grows, "loss, nats a token")
    worst = max(abs(a * x[i] ** -b / y[i] - 1) for i in kept)
    assert explorer.alt.startswith(
        f"Loss against {grows}, {len(kept)} of {len(x)} points: y = {a:.3g} · x^(−{b:.3f}), "
        f"at most {100 * worst:.1f}% off; the points are {y[0]:.3g} at "
    )
    assert explorer.alt.count("(left out)") == len(out)


def test_scaling_explorer_moves_with_each_control():
    explorer = widgets.scaling_explorer(RUNS)
    grows, dropped = (explorer.controls[name] for name in ("grows", "dropped"))
    assert (tuple(grows.options), grows.value) == (("parameters", "characters read"), "parameters")
    assert (tuple(dropped.options), dropped.value) == ((1, 2, 3, 4, 5), ())
    pictures = {explorer.picture.value}
    moves = [(dropped, (1,)), (dropped, (1, 3)), (grows, "characters read"), (dropped, ())]
    for n, (control, value) in enumerate(moves, 2):
        control.value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
    assert plt.get_fignums() == []


def test_scaling_explorer_needs_two_points():
    explorer = widgets.scaling_explorer(RUNS)
    explorer.controls["dropped"].value = (1, 2, 3)
    assert explorer.alt == "A line needs two points: leave fewer out."
    ax = drawn(explorer, grows="parameters", dropped=(1, 2, 3, 4))
    assert ax.get_title() == explorer.alt
    assert not ax.lines
    assert not ax.axison
    explorer.controls["grows"].value = "characters read"  # which has two more
    assert explorer.alt.startswith("Loss against characters read, 2 of 5 points: ")


def test_scaling_explorer_reads_arrays_and_whole_numbers():
    runs = {"x": (np.array([1, 10, 100]), torch.tensor([4.0, 2.0, 1.0]))}
    assert "y = 4 · x^(−0.301), at most 0.0% off" in widgets.scaling_explorer(runs).alt


def toy(z):
    """Return log N(z; 0, 1) + log N(1; z², 0.3²) of a number, by the standard library."""
    return math.log(NormalDist().pdf(z)) - (1 - z * z) ** 2 / 0.18 - math.log(0.3 * SQRT_2PI)


SQRT_2PI = math.sqrt(2 * math.pi)


def log_joint(z):
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z)
    return prior + torch.distributions.Normal(z**2, 0.3).log_prob(torch.ones_like(z))


@pytest.fixture(scope="module")
def bounds():
    """An explorer of the toy, and log p(x) by adaptive quadrature."""
    whole, _ = quad(lambda z: math.exp(toy(z)), -4, 4, points=(-1, 1), epsabs=1e-12)
    return widgets.bound_explorer(log_joint, mu=-0.5, sigma=0.3), math.log(whole)


@pytest.mark.parametrize(
    ("mu", "sigma"), [(0.0, 1.0), (1.0, 0.15), (-1.0, 0.05), (-2.0, 1.5), (2.0, 0.05)]
)
def test_bound_explorer_integrates_as_adaptive_quadrature(bounds, monkeypatch, mu, sigma):
    explorer, evidence = bounds
    monkeypatch.setattr(plot, "bound", lambda ax, *given: given)
    (z, p), (places, q), name, *numbers = explorer.draw(None, mu=mu, sigma=sigma)
    at = NormalDist(mu, sigma)

    def mean(f):
        """Return the mean of f under q; log q in closed form, since the density may be 0."""

        def weighed(z):
            u = (z - mu) / sigma
            return at.pdf(z) * f(z, -u * u / 2 - math.log(sigma * SQRT_2PI))

        ends = mu - 10 * sigma, mu + 10 * sigma
        return quad(weighed, *ends, points=(mu,), epsabs=1e-10, limit=200)[0]

    elbo = mean(lambda z, log_q: toy_far(z) - log_q)
    kl = mean(lambda z, log_q: log_q - (toy_far(z) - evidence))
    assert numbers == pytest.approx([elbo, kl, evidence], rel=1e-8, abs=1e-8)
    assert numbers[0] + numbers[1] == pytest.approx(numbers[2], abs=1e-9)
    assert name == f"N({mu:.2f}, {sigma:.2f}²)".replace("-", "−")
    assert (z[0], z[-1]) == (-4, 4)
    assert p[::100] == pytest.approx([math.exp(toy(x) - evidence) for x in z[::100]], abs=1e-6)
    assert places == pytest.approx(np.linspace(mu - 8 * sigma, mu + 8 * sigma, 2001))
    assert q[::100] == pytest.approx([at.pdf(x) for x in places[::100]], abs=1e-9)


def toy_far(z):
    """Return `toy` where the prior's density is 0 in floating point, too."""
    return -(z * z) / 2 - (1 - z * z) ** 2 / 0.18 - math.log(0.3) - 2 * math.log(SQRT_2PI)


def test_bound_explorer_knows_the_bound_that_is_tight_and_one_of_a_tiny_probability():
    """p(x, z) = p(x) N(z; 0.5, 0.2²), whose posterior q can be, for a p(x) that underflows."""
    posterior = torch.distributions.Normal(0.5, 0.2)
    explorer = widgets.bound_explorer(lambda z: posterior.log_prob(z) - 800, 0.5, 0.2)
    assert explorer.alt.startswith("ELBO −800.00 + KL ")
    assert re.search(r"KL −?0\.00 = log p\(x\) −800\.00, in nats, for q = N\(0\.50, ", explorer.alt)


def test_bound_explorer_moves_with_each_slider(bounds):
    explorer, _ = bounds
    mu, sigma = explorer.controls["mu"], explorer.controls["sigma"]
    assert [(s.min, s.value, s.max, s.step) for s in (mu, sigma)] == [
        (-2, -0.5, 2, 0.05),
        (0.05, 0.3, 1.5, 0.05),
    ]
    assert "for q = N(−0.50, 0.30²)" in explorer.alt
    assert "peaks at z = −0.98 and 0.98." in explorer.alt
    pictures = {explorer.picture.value}
    for n, (slider, value) in enumerate([(mu, 2.0), (sigma, 1.5), (sigma, 0.05), (mu, 1.0)], 2):
        slider.value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
    assert "for q = N(1.00, 0.05²)" in explorer.alt
    assert plt.get_fignums() == []


def causes(K, seed=0):
    """A VAE whose code of a picture is 8 x − 4 of its first K pixels x, and a random decoder."""
    torch.manual_seed(seed)
    model = VAE(nn.Flatten(), nn.Linear(K, 784), K, torch.full((1, 28, 28), 0.3))
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
        for k in range(K):
            model.head.weight[k, k] = 8
            model.head.bias[k] = 8 * 0.3 - 4  # the mean is subtracted first
    pictures = torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    pictures[3, 0, 0, :K] = torch.linspace(1, 0.7, K)  # the farthest, beyond 3.5
    return model, pictures, (8 * pictures.flatten(1)[:, :K] - 4).tolist()


def decoded(model, z):
    """Return the picture (28, 28) of a code, by NumPy."""
    W, b = (p.detach().double().numpy() for p in (model.decoder.weight, model.decoder.bias))
    logits = W @ np.asarray(z) + b + math.log(0.3 / 0.7)
    return (1 / (1 + np.exp(-logits))).reshape(28, 28)


def test_latent_explorer_decodes_the_cross_and_finds_the_nearest():
    model, pictures, codes = causes(2)
    labels = torch.arange(30) % 7
    explorer = widgets.latent_explorer(model, pictures, labels)
    for z1, z2, picture in ((1.0, -2.5, 7), (-3.1, 0.0, 29)):
        ax = drawn(explorer, z1=z1, z2=z2, picture=picture)
        plane, left, right, row = ax.child_axes
        near = sorted(range(30), key=lambda i: math.dist(codes[i], (z1, z2)))[:5]
        found = [label.get_text().split("\n")[0] for label in row.get_xticklabels()]
        assert found == [f"{i}" for i in near]
        strip = np.asarray(row.images[0].get_array())
        shown = [strip[:, 32 * i : 32 * i + 28] for i in range(5)]
        assert np.array_equal(shown, pictures[near, 0])
        assert np.asarray(left.images[0].get_array()) == pytest.approx(
            decoded(model, (z1, z2)), abs=1e-5
        )
        assert np.array_equal(right.images[0].get_array(), pictures[picture, 0])
        assert right.get_title() == f"picture {picture}, ringed\n{data.FASHION[labels[picture]]}"
        (cross,) = [x for x in plane.lines if x.get_marker() == "+" and x.get_mew() == 1.8][-1:]
        assert cross.get_xydata()[-1] == pytest.approx([z1, z2])
        ring = next(line for line in plane.lines if line.get_marker() == "o")
        assert ring.get_xydata()[0] == pytest.approx(codes[picture], abs=1e-5)
        own = next(line for line in plane.lines if line.get_label() == data.FASHION[2])
        assert own.get_xydata() == pytest.approx(np.array(codes[2::7]), abs=1e-5)


def test_latent_explorer_puts_the_cross_on_a_picture_and_draws_once():
    model, pictures, codes = causes(2)
    explorer = widgets.latent_explorer(model, pictures, torch.arange(30) % 10)
    z1, z2, picture = (explorer.controls[name] for name in ("z1", "z2", "picture"))
    assert isinstance(picture, ipywidgets.IntSlider)
    assert (picture.min, picture.max, picture.value) == (0, 29, 0)
    assert [z.value for z in (z1, z2)] == [round(x, 1) for x in codes[0]]
    assert [(z.min, z.max, z.step) for z in (z1, z2)] == [(-4.0, 4.0, 0.1)] * 2  # for picture 3
    told, draw = [], explorer.draw
    explorer.draw = lambda ax, **values: told.append(values) or draw(ax, **values)
    for i in (3, 11):
        picture.value = i
        place = [round(x, 1) for x in codes[i]]
        assert [z.value for z in (z1, z2)] == place
        assert told == [{"z1": place[0], "z2": place[1], "picture": i}]
        told.clear()
    before = explorer.picture.value
    assert f"Picture 11, {data.FASHION[1]}, has its code at " in explorer.alt
    z1.value = 0.5
    z2.value = -1.5
    assert told[1:] == [{"z1": 0.5, "z2": -1.5, "picture": 11}]
    assert "The cross is at (0.5, −1.5); nearest " in explorer.alt
    assert explorer.picture.value != before
    assert plt.get_fignums() == []


def test_latent_explorer_reaches_to_3_5_where_the_codes_do_not():
    model, pictures, _ = causes(2)
    explorer = widgets.latent_explorer(model, pictures / 2 + 0.25, torch.zeros(30, dtype=int))
    assert [explorer.controls[z].max for z in ("z1", "z2")] == [3.5, 3.5]


def test_latent_explorer_says_what_it_cannot_map():
    model, pictures, _ = causes(2)
    labels = torch.zeros(30, dtype=int)
    with pytest.raises(ValueError, match="a map has two directions, and this model K = 3"):
        widgets.latent_explorer(causes(3)[0], pictures, labels)
    with pytest.raises(ValueError, match="30 pictures and 29 labels"):
        widgets.latent_explorer(model, pictures, labels[1:])
    with pytest.raises(ValueError, match="1 pictures: give at least two"):
        widgets.latent_explorer(model, pictures[:1], labels[:1])


def arc(a, b, t):
    """Return the point of a great circle, by the angle of the arccosine."""
    a, b = np.array(a), np.array(b)
    angle = math.acos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def line(a, b, t):
    return (1 - t) * np.array(a) + t * np.array(b)


@pytest.mark.parametrize(
    ("K", "start", "end", "t", "path"),
    [(3, 0, 1, 0.5, "linear"), (3, 5, 2, 0.35, "spherical"), (20, 29, 0, 1.0, "spherical")],
)
def test_interpolation_explorer_walks_as_formulas_in_numpy(K, start, end, t, path):
    model, pictures, codes = causes(K)
    explorer = widgets.interpolation_explorer(model, pictures)
    ax = drawn(explorer, start=start, end=end, t=t, path=path)
    top, big, chart = ax.child_axes
    way = {"linear": line, "spherical": arc}
    strip = np.asarray(top.images[0].get_array())
    shown = [strip[:, 31 * i : 31 * i + 28] for i in range(11)]
    assert np.array_equal(shown[0], pictures[start, 0])
    assert np.array_equal(shown[-1], pictures[end, 0])
    a, b = codes[start], codes[end]
    for i in range(9):
        assert shown[1 + i] == pytest.approx(decoded(model, way[path](a, b, i / 8)), abs=1e-4)
    assert np.asarray(big.images[0].get_array()) == pytest.approx(
        decoded(model, way[path](a, b, t)), abs=1e-4
    )
    labels = [label.get_text() for label in top.get_xticklabels()]
    assert (labels[0], labels[-1]) == (f"picture {start}", f"picture {end}")
    curves = {curve.get_label(): curve for curve in chart.lines}
    for name, walk in way.items():
        lengths = [np.linalg.norm(walk(a, b, i / 40)) for i in range(41)]
        assert curves[name].get_ydata() == pytest.approx(lengths, rel=1e-4)
        assert curves[name].get_xdata() == pytest.approx([i / 40 for i in range(41)])
    assert f"$\\sqrt{{K}}$ = {math.sqrt(K):.2f}" in curves
    (dot,) = [curve for curve in chart.lines if curve.get_marker() == "o"]
    assert dot.get_xydata()[0] == pytest.approx([t, np.linalg.norm(way[path](a, b, t))], rel=1e-3)


def test_interpolation_explorer_moves_with_each_control():
    model, pictures, _ = causes(3)
    explorer = widgets.interpolation_explorer(model, pictures)
    start, end, t, path = explorer.controls.values()
    assert list(explorer.controls) == ["start", "end", "t", "path"]
    assert [(s.description, s.min, s.value, s.max) for s in (start, end)] == [
        ("from", 0, 0, 29),
        ("to", 0, 1, 29),
    ]
    assert (t.min, t.value, t.max, t.step) == (0, 0.5, 1, 0.05)
    assert isinstance(path, ipywidgets.ToggleButtons)
    assert (tuple(path.options), path.value) == (("linear", "spherical"), "linear")
    pictures = {explorer.picture.value}
    moves = [(start, 4), (end, 9), (t, 0.2), (path, "spherical")]
    for n, (control, value) in enumerate(moves, 2):
        control.value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
    assert explorer.alt.startswith("From picture 4 to picture 9, spherical, t = 0.20: the code is ")
    start.value = 9  # the same at both ends
    assert "its picture differs from picture 9 by" in explorer.alt
    assert "nan" not in explorer.alt
    assert plt.get_fignums() == []


def test_interpolation_explorer_says_so_where_there_is_no_one_arc():
    model, pictures, codes = causes(1)
    low, high = (codes.index(pick(codes)) for pick in (min, max))
    explorer = widgets.interpolation_explorer(model, pictures)
    ax = drawn(explorer, start=low, end=high, t=0.5, path="spherical")
    told = ax.get_title().replace("\n", " ")
    assert told.startswith(f"From picture {low} to picture {high}: a and b point in opposite ")
    assert not ax.child_axes
    with pytest.raises(ValueError, match="0 pictures: give at least two"):
        widgets.interpolation_explorer(model, pictures[:0])


@pytest.fixture(scope="module")
def betas():
    """An explorer of three models, the models, their pictures and the codes of these."""
    made = {beta: causes(4, seed) for seed, beta in enumerate((4.0, 0.5, 1.25))}
    pictures = made[0.5][1]
    models = {beta: model for beta, (model, _, _) in made.items()}
    for model in models.values():  # of a spread that differs
        nn.init.constant_(model.head.bias[4:].detach(), -1.5)
    return widgets.beta_explorer(models, pictures), models, pictures


def test_beta_explorer_measures_rate_and_distortion_as_torch_does(betas):
    explorer, models, pictures = betas
    _, curve = drawn(explorer, beta=0.5).child_axes
    expected = []
    noise = torch.randn(30, 4, generator=torch.Generator().manual_seed(0)).double()
    for beta in (0.5, 1.25, 4.0):
        model = models[beta]
        mu = 8 * pictures.double().flatten(1)[:, :4] - 4
        q = torch.distributions.Normal(mu, math.exp(-0.75))
        rate = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
        means = np.stack([decoded(model, z) for z in (mu + math.exp(-0.75) * noise).tolist()])
        log_p = torch.distributions.Bernoulli(torch.from_numpy(means), validate_args=False)
        distortion = -log_p.log_prob(pictures[:, 0].double()).sum((1, 2))
        expected.append([rate.sum(1).mean().item(), distortion.mean().item()])
    assert curve.lines[0].get_xydata() == pytest.approx(np.array(expected), rel=1e-4)
    assert [text.get_text() for text in curve.texts] == ["β = 0.5", "β = 1.25", "β = 4"]


def test_beta_explorer_shows_originals_reconstructions_and_draws_of_the_same_codes(betas):
    explorer, models, pictures = betas
    codes = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).tolist()
    for beta, model in models.items():
        rows, curve = drawn(explorer, beta=beta).child_axes
        grid = np.asarray(rows.images[0].get_array())
        shown = [[grid[y : y + 28, x : x + 28] for x in range(0, 192, 32)] for y in (0, 32, 64)]
        assert np.array_equal(shown[0], pictures[:6, 0])
        mu = 8 * pictures.flatten(1)[:6, :4] - 4
        for seen, z in zip(shown[1] + shown[2], mu.tolist() + codes, strict=True):
            assert seen == pytest.approx(decoded(model, z), abs=1e-4)
        rate, distortion = curve.lines[1].get_xydata()[0]
        assert curve.get_title() == f"β = {beta:g}: rate {rate:.1f}, distortion {distortion:.1f}"


def test_beta_explorer_moves_with_the_slider(betas):
    explorer, models, _ = betas
    slider = explorer.controls["beta"]
    assert isinstance(slider, ipywidgets.SelectionSlider)
    assert tuple(slider.options) == (("0.5", 0.5), ("1.25", 1.25), ("4", 4.0))
    assert slider.value == 1.25  # the one nearest to 1
    seen = set()
    for beta in models:
        slider.value = beta
        assert explorer.alt.startswith(f"β = {beta:g}: rate ")
        seen.add(explorer.picture.value)
    assert len(seen) == 3
    assert plt.get_fignums() == []


def test_beta_explorer_takes_fewer_pictures_than_six_and_says_what_it_cannot_take(betas):
    _, models, pictures = betas
    rows, _ = drawn(widgets.beta_explorer(models, pictures[:2]), beta=4.0).child_axes
    assert rows.images[0].get_array().shape == (3 * 32 - 4, 2 * 32 - 4)
    with pytest.raises(ValueError, match=r"models of K = \[\]: give at least one"):
        widgets.beta_explorer({}, pictures)
    with pytest.raises(ValueError, match=r"models of K = \[2, 4\]: give at least one, all of one"):
        widgets.beta_explorer({**models, 9.0: causes(2)[0]}, pictures)
    with pytest.raises(ValueError, match="1 pictures: give at least two"):
        widgets.beta_explorer(models, pictures[:1])


def test_beta_explorer_follows_no_gradient():
    model, pictures, _ = causes(2)
    followed = []
    model.decoder.register_forward_hook(lambda *_: followed.append(torch.is_grad_enabled()))
    widgets.beta_explorer({1.0: model}, pictures)
    assert followed == [False] * 3  # of the pictures, the reconstructions and the draws


def hermite(f):
    """Return E f(z) of z ~ N(0, 1) by Gauss's rule of 150 points; f is of a float64 tensor."""
    z, w = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(150))
    return (w * f(z)).sum() / SQRT_2PI


def game_losses(loss, theta, a, b):
    """Return what each player minimises, of float64 tensors: the formulas of lesson 09."""

    def D(x):
        return 1 / (1 + torch.exp(-a - b * x))

    d_loss = -hermite(lambda z: D(z).log()) - hermite(lambda z: (1 - D(theta + z)).log())
    pays = {"saturating": lambda D: (1 - D).log(), "non-saturating": lambda D: -D.log()}[loss]
    return d_loss, hermite(lambda z: pays(D(theta + z)))


STATES = [(3.0, 0.0, 0.0), (2.0, 0.7, -1.1), (-1.5, 0.2, 0.8), (0.4, -0.5, 1.3)]


@pytest.mark.parametrize("loss", ["saturating", "non-saturating"])
@pytest.mark.parametrize("state", STATES)
def test_a_move_of_the_game_is_a_step_of_gradient_descent(loss, state):
    theta, a, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in state)
    d_loss, g_loss = game_losses(loss, theta, a, b)
    slopes = [x.item() for x in torch.autograd.grad(d_loss, (a, b), retain_graph=True)]
    moved = [state[0], state[1] - 0.1 * slopes[0], state[2] - 0.1 * slopes[1]]
    assert widgets.game_path(state, "D", loss) == [pytest.approx(moved, abs=1e-9)]
    (slope,) = torch.autograd.grad(g_loss, theta)
    moved = [state[0] - 0.5 * slope.item(), *state[1:]]
    assert widgets.game_path(state, "G", loss) == [pytest.approx(moved, abs=1e-9)]


@pytest.mark.parametrize("loss", ["saturating", "non-saturating"])
def test_the_game_is_played_for_the_losses_of_the_library(loss):
    n = 100_000  # numbers of the same probability, in the place of a batch
    z = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    theta, a, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in STATES[1])
    d_loss, g_loss = LOSSES[loss]
    total = d_loss(a + b * z, a + b * (theta.detach() + z))
    by_a, by_b = (x.item() for x in torch.autograd.grad(total, (a, b)))
    (_, new_a, new_b), (new_theta, *_) = (
        widgets.game_path(STATES[1], move, loss)[0] for move in "DG"
    )
    assert [new_a, new_b] == pytest.approx([0.7 - 0.1 * by_a, -1.1 - 0.1 * by_b], abs=1e-4)
    (slope,) = torch.autograd.grad(g_loss(a + b * (theta + z)), theta)
    assert new_theta == pytest.approx(2.0 - 0.5 * slope.item(), abs=1e-4)
    assert widgets.game_value(*STATES[1]) == pytest.approx(-total.item(), abs=1e-4)


def test_moves_of_the_game_follow_each_other():
    path = widgets.game_path((3.0, 0.0, 0.0), "DGGD", "saturating")
    state = (3.0, 0.0, 0.0)
    for move, reached in zip("DGGD", path, strict=True):
        (state,) = widgets.game_path(state, move, "saturating")
        assert reached == state
    assert widgets.game_path(state, "", "saturating") == []


@pytest.mark.parametrize("state", STATES)
def test_the_value_of_the_game_is_its_integral_and_at_best_that_of_the_divergence(state):
    theta, a, b = state
    p, q = NormalDist(0, 1).pdf, NormalDist(theta, 1).pdf

    def integral(f):
        return quad(f, -12, 12, epsabs=1e-11, limit=300, points=(0, theta))[0]

    def D(x):
        return 1 / (1 + math.exp(-a - b * x))

    value = integral(lambda x: p(x) * math.log(D(x)) + q(x) * math.log(1 - D(x)))
    assert widgets.game_value(*state) == pytest.approx(value, abs=1e-8)

    def kl_to_middle(f):
        return integral(lambda x: f(x) * math.log(f(x) / ((p(x) + q(x)) / 2)))

    jsd = (kl_to_middle(p) + kl_to_middle(q)) / 2
    best = widgets.game_value(theta, theta**2 / 2, -theta)
    assert best == pytest.approx(2 * jsd - math.log(4), abs=1e-8)
    assert value < best


@pytest.mark.parametrize("theta", [1.0, -1.5])
def test_the_discriminator_that_learns_alone_becomes_the_best(theta):
    far, near, last = (
        widgets.game_path((theta, 0.0, 0.0), "D" * n, "saturating")[-1] for n in (40, 200, 2000)
    )
    best = (theta, theta**2 / 2, -theta)
    assert last == pytest.approx(best, abs=1e-3)
    assert math.dist(far, best) > math.dist(near, best) > math.dist(last, best)


def test_a_generator_that_wins_against_a_resting_discriminator_stays_in_sight():
    path = widgets.game_path((3.0, 2.0, -1.5), "G" * 60, "saturating")
    assert path[-1] == (-4.0, 2.0, -1.5)
    assert widgets.game_path((-3.9, 2.0, 1.5), "G" * 60, "saturating")[-1][0] == 4.0


@pytest.fixture
def played(monkeypatch):
    """A game explorer, its buttons by name, and what it gave to `plot.game`, last last."""
    shown, draw = [], plot.game

    def game(ax, path, *numbers):
        shown.append(([tuple(place) for place in path.tolist()], *numbers))
        return draw(ax, path, *numbers)

    monkeypatch.setattr(plot, "game", game)
    explorer = widgets.game_explorer()
    loss, row, picture = explorer.box.children
    assert (loss, picture) == (explorer.controls["loss"], explorer.picture)
    return explorer, {button.description: button for button in row.children}, shown


START = (3.0, 0.0, 0.0)
NAMES = ["train D, 50 steps", "train G, 3 steps", "10 rounds in turn", "start over"]


def test_game_explorer_opens_on_a_game_that_has_gone_around(played):
    explorer, buttons, shown = played
    assert list(buttons) == NAMES
    assert (tuple(explorer.controls["loss"].options), explorer.controls["loss"].value) == (
        ("non-saturating", "saturating"),
        "non-saturating",
    )
    ((path, value, best),) = shown
    assert path == [START, *widgets.game_path(START, "DG" * 50, "non-saturating")]
    thetas = [theta for theta, _, _ in path]
    assert min(thetas) < -0.5 < 0 < thetas[-1] < 0.5  # past the place of rest, and back over it
    assert path[-1][2] > 0  # where the best D has b = −θ < 0
    assert value == widgets.game_value(*path[-1])
    theta = path[-1][0]
    assert best == widgets.game_value(theta, theta**2 / 2, -theta)
    assert value < best
    bundle = explorer._repr_mimebundle_()
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.box.model_id
    assert bundle["text/html"].startswith("<img alt=")
    assert f"θ = {theta:.2f}; D has " in bundle["text/plain"]
    assert "100 steps so far" in bundle["text/plain"]


@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
@pytest.mark.parametrize(
    ("name", "moves"), [(NAMES[0], "D" * 50), (NAMES[1], "G" * 3), (NAMES[2], "DG" * 10)]
)
def test_each_button_of_the_game_makes_its_moves(played, loss, name, moves):
    explorer, buttons, shown = played
    explorer.controls["loss"].value = loss
    before, picture = shown[-1][0], explorer.picture.value
    buttons[name].click()
    after = shown[-1][0]
    assert after == [*before, *widgets.game_path(before[-1], moves, loss)]
    assert shown[-1][1] == widgets.game_value(*after[-1])
    assert explorer.picture.value != picture
    buttons[name].click()
    assert shown[-1][0][: len(after)] == after
    assert len(shown[-1][0]) == len(after) + len(moves)


def test_the_game_starts_over_and_another_loss_goes_on(played):
    explorer, buttons, shown = played
    buttons["start over"].click()
    assert shown[-1][0] == [START]
    assert "θ = 3.00; D has a = 0.00, b = 0.00" in explorer.alt
    assert "0 steps so far" in explorer.alt
    buttons["train D, 50 steps"].click()
    path, *_ = shown[-1]
    theta, a, b = path[-1]
    assert theta == 3  # which only G moves
    assert 0 < a < 4.5  # on the way to the best
    assert -3 < b < 0
    explorer.controls["loss"].value = "saturating"
    assert shown[-1][0] == path
    buttons["train G, 3 steps"].click()
    assert shown[-1][0][-1][0] < 3  # towards the real things
    assert shown[-1][0][-1][1:] == (a, b)
    buttons["start over"].click()
    assert shown[-1][0] == [START]
    assert explorer.controls["loss"].value == "saturating"
    assert plt.get_fignums() == []


def test_where_the_discriminator_wins_only_the_non_saturating_generator_gets_on(played):
    explorer, buttons, shown = played
    moved = {}
    for loss in ("non-saturating", "saturating"):
        explorer.controls["loss"].value = loss
        buttons["start over"].click()
        for _ in range(4):
            buttons["train D, 50 steps"].click()
        assert shown[-1][1] > -0.4  # of −log 4 to 0
        buttons["train G, 3 steps"].click()
        moved[loss] = 3 - shown[-1][0][-1][0]
    assert moved["non-saturating"] > 4 * moved["saturating"] > 0


@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
def test_in_turn_the_players_circle_and_come_to_rest(played, loss):
    explorer, buttons, shown = played
    explorer.controls["loss"].value = loss
    buttons["start over"].click()
    for _ in range(15):
        buttons["10 rounds in turn"].click()
    thetas = np.array([theta for theta, _, _ in shown[-1][0]])[::2]
    signs = np.sign(thetas[np.abs(thetas) > 0.1])
    assert (np.diff(signs) != 0).sum() >= 3
    assert np.abs(thetas[-10:]).max() < 0.1
    assert shown[-1][1] == pytest.approx(-math.log(4), abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_clicks_leaves_the_game(played, seed):
    explorer, buttons, _ = played
    rng, state, most = np.random.default_rng(seed), START, 0.0
    for moves in rng.choice(["D" * 50, "G" * 3, "DG" * 10], 60):
        loss = rng.choice(["saturating", "non-saturating"])
        state = widgets.game_path(state, moves, loss)[-1]
        most = max(most, *map(abs, state))
    assert most < 5
    explorer.controls["loss"].value = "saturating"
    buttons["start over"].click()
    for name in [*NAMES[:2] * 2, *[NAMES[1]] * seed * 3, *NAMES[:3]]:
        buttons[name].click()
        assert "<img alt=" in explorer.picture.value
        assert "nan" not in explorer.alt
    assert plt.get_fignums() == []


def ring_films():
    """Two films of three steps: chance, two modes with six points far out, and the true ring."""
    rng = torch.Generator().manual_seed(0)
    chance = 0.3 * torch.randn(400, 2, generator=rng)
    two = ring_centres()[:2].repeat(200, 1) + 0.02 * torch.randn(400, 2, generator=rng)
    two[:6] = 50.0
    (true,) = ring(400, 0)(0)
    return {"plain": {0: chance, 1000: two, 50: chance}, "R1": {50: two, 0: chance, 1000: true}}


def test_ring_explorer_shows_each_recipe_at_each_step():
    films = ring_films()
    explorer = widgets.ring_explorer(films)
    recipe, step = explorer.controls["recipe"], explorer.controls["step"]
    assert isinstance(recipe, ipywidgets.ToggleButtons)
    assert isinstance(step, ipywidgets.SelectionSlider)
    assert (tuple(recipe.options), recipe.value) == (("plain", "R1"), "plain")
    assert tuple(step.options) == (("0", 0), ("50", 50), ("1,000", 1000))
    assert step.value == 1000
    assert "plain, step 1,000. 400 points over the ring of eight modes: 2 of 8" in explorer.alt
    assert "6 outside" in explorer.alt
    seen = set()
    for name, film in films.items():
        for number, points in film.items():
            recipe.value, step.value = name, number
            told = plot.ring_points(Figure().subplots(), points)
            assert explorer.alt == f"{name}, step {number:,}. {told}"
            assert "<img alt=" in explorer.picture.value
            seen.add(explorer.picture.value)
            ax = drawn(explorer, recipe=name, step=number)
            head, numbers = ax.get_title().split("\n")
            assert head == f"{name}, step {number:,}"
            assert numbers in told
            np.testing.assert_array_equal(ax.lines[-1].get_xydata(), points)
    assert len(seen) == 6
    recipe.value, step.value = "R1", 1000
    assert "8 of 8 modes" in explorer.alt
    assert plt.get_fignums() == []


def test_ring_explorer_names_the_steps_in_which_films_differ():
    films = ring_films()
    del films["R1"][50]
    films["R1"][7] = films["R1"][0]
    match = r"the films 'plain' and 'R1' differ in steps \[7, 50\]: give all the same"
    with pytest.raises(ValueError, match=match):
        widgets.ring_explorer(films)
    with pytest.raises(ValueError, match="no films: give at least one"):
        widgets.ring_explorer({})


def walkable(K=5, batch_norm=False):
    """A GAN of pictures whose generator is one layer, and the noise that `latent_walk` draws."""
    torch.manual_seed(0)
    layers = [nn.Linear(K, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))]
    if batch_norm:
        layers.insert(1, nn.BatchNorm1d(784))
    critic = nn.Sequential(nn.Flatten(), MinibatchDeviation(), nn.Linear(785, 1))
    gan = GAN(nn.Sequential(*layers), critic, K)
    return gan, torch.randn(50, K, generator=torch.Generator().manual_seed(0)).double().numpy()


@pytest.mark.parametrize(
    ("start", "end", "t", "path"),
    [(0, 1, 0.5, "linear"), (49, 7, 0.35, "spherical"), (3, 0, 0.0, "linear")],
)
def test_latent_walk_makes_what_formulas_in_numpy_make(start, end, t, path):
    gan, codes = walkable()
    W, b = (p.detach().double().numpy() for p in gan.generator[0].parameters())

    def made(z):
        return (1 / (1 + np.exp(-W @ z - b))).reshape(28, 28)

    top, big, chart = drawn(
        widgets.latent_walk(gan), start=start, end=end, t=t, path=path
    ).child_axes
    strip = np.asarray(top.images[0].get_array())
    shown = [strip[:, 31 * i : 31 * i + 28] for i in range(11)]
    a, c = codes[start], codes[end]
    way = {"linear": line, "spherical": arc}
    assert shown[0] == pytest.approx(made(a), abs=1e-5)
    assert shown[-1] == pytest.approx(made(c), abs=1e-5)
    for i in range(9):
        assert shown[1 + i] == pytest.approx(made(way[path](a, c, i / 8)), abs=1e-5)
    now = way[path](a, c, t)
    assert np.asarray(big.images[0].get_array()) == pytest.approx(made(now), abs=1e-5)
    curves = {curve.get_label(): curve for curve in chart.lines}
    for name, walk in way.items():
        lengths = [np.linalg.norm(walk(a, c, i / 40)) for i in range(41)]
        assert curves[name].get_ydata() == pytest.approx(lengths, rel=1e-4)
    assert f"$\\sqrt{{K}}$ = {math.sqrt(5):.2f}" in curves


def test_latent_walk_moves_with_each_control():
    explorer = widgets.latent_walk(walkable()[0])
    start, end, t, path = explorer.controls.values()
    assert [(s.description, s.min, s.value, s.max) for s in (start, end)] == [
        ("from", 0, 0, 49),
        ("to", 0, 1, 49),
    ]
    pictures = {explorer.picture.value}
    moves = [(start, 49), (end, 9), (t, 0.95), (path, "spherical")]
    for n, (control, value) in enumerate(moves, 2):
        control.value = value
        pictures.add(explorer.picture.value)
        assert len(pictures) == n
    assert explorer.alt.startswith("From picture 49 to picture 9, spherical, t = 0.95: the code is")
    t.value = 1.0
    assert "from picture 9 by 0.000." in explorer.alt
    end.value = 49  # the same at both ends
    assert "nan" not in explorer.alt
    assert plt.get_fignums() == []


@pytest.mark.parametrize("training", [True, False])
def test_latent_walk_generates_in_evaluation_mode_and_without_gradients(training):
    gan, _ = walkable(batch_norm=True)
    norm = gan.generator[1]
    norm.running_mean.fill_(0.3)
    gan.train(training)
    gan.discriminator.train(not training)
    state = {name: value.clone() for name, value in gan.state_dict().items()}
    rng = torch.get_rng_state()
    followed = []
    gan.generator.register_forward_hook(
        lambda layer, *_: followed.append((layer[1].training, torch.is_grad_enabled()))
    )
    explorer = widgets.latent_walk(gan)
    explorer.controls["t"].value = 0.0
    assert followed == [(False, False)] * 3  # of all 50 pictures, and of each walk
    assert [net.training for net in (gan, gan.generator, norm)] == [training] * 3
    assert gan.discriminator.training != training
    for name, value in gan.state_dict().items():
        assert torch.equal(value, state[name])
    assert torch.equal(torch.get_rng_state(), rng)
    gan.generator.forward = lambda z: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explorer.controls["t"].value = 0.5
    assert gan.generator.training == training


def test_latent_walk_takes_the_codes_to_the_device_of_the_generator():
    gan, codes = walkable()
    gan = gan.to("meta")  # a device that this machine has; what is made there has no numbers
    went = []

    def generator(z):
        went.append(z.device.type)
        return torch.zeros(len(z), 1, 28, 28)

    gan.generator.forward = generator
    pictures = widgets._generate(gan, torch.from_numpy(codes))
    assert pictures.shape == (50, 1, 28, 28)
    assert went == ["meta"]


def test_latent_walk_reads_the_networks_of_the_lesson_and_refuses_points():
    torch.manual_seed(0)
    explorer = widgets.latent_walk(GAN(*dcgan(6, 2), 6, (0, 1)))
    assert "√K = 2.45" in explorer.alt
    with pytest.raises(ValueError, match=r"this GAN makes \(B, 2\): give one that makes pictures"):
        widgets.latent_walk(GAN(*perceptrons(2, 4), 2))
    colours = nn.Sequential(nn.Linear(2, 3 * 4), nn.Unflatten(1, (3, 2, 2)))
    with pytest.raises(ValueError, match=r"this GAN makes \(B, 3, 2, 2\): give one that makes"):
        widgets.latent_walk(GAN(colours, nn.Flatten(), 2))


def test_latent_walk_says_so_where_there_is_no_one_arc():
    gan, codes = walkable(K=1)
    explorer = widgets.latent_walk(gan)
    low, high = int(codes.argmin()), int(codes.argmax())
    explorer.controls["start"].value, explorer.controls["end"].value = low, high
    assert explorer.alt.startswith(f"From picture {low} to picture {high}: a and b point in opp")


@pytest.mark.parametrize("modes", [1, 2, 3, 4])
def test_a_cloud_is_of_the_modes_that_are_left(modes):
    noise = torch.randn(30, 2, generator=torch.Generator().manual_seed(1))
    points = widgets.cloud(noise, shift=1.5, spread=0.6, modes=modes)
    counts = [0] * 4
    for i, (x, y) in enumerate(points.tolist()):
        mode = i % 4
        if mode >= modes:
            mode = i // 4 % modes
        counts[mode] += 1
        centre = widgets.CENTRES[mode].tolist()
        u, v = noise[i].tolist()
        assert (x, y) == pytest.approx((centre[0] + 0.3 * u + 1.5, centre[1] + 0.3 * v), abs=1e-5)
    assert max(counts[:modes]) - min(counts[:modes]) <= 2
    assert sum(counts[:modes]) == 30


def test_a_true_cloud_has_the_moments_of_its_mixture():
    noise = torch.randn(40_000, 2, generator=torch.Generator().manual_seed(1))
    points = widgets.cloud(noise).double().numpy()
    centres = widgets.CENTRES.double().numpy()
    within = centres.T @ centres / 4 - np.outer(centres.mean(0), centres.mean(0))
    assert points.mean(0) == pytest.approx(centres.mean(0), abs=0.05)  # σ of it is 0.009
    assert np.cov(points.T) == pytest.approx(within + np.eye(2) / 4, abs=0.1)


def near_shares(real, made, k=3):
    """Return precision and recall by the trees of scipy."""
    shares = []
    for one, other in ((real, made), (made, real)):
        tree = cKDTree(one)
        radii = tree.query(one, k + 1)[0][:, k]
        d = np.linalg.norm(one[:, None] - other[None], axis=2)
        shares.append((d <= radii[:, None]).any(0).mean())
    return shares


def frechet(a, b):
    """Return the Fréchet distance by the matrix root of scipy."""
    S, T = np.cov(a.T), np.cov(b.T)
    root = sqrtm(S @ T).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(S + T - 2 * root)


def kernel(a, b):
    """Return the kernel distance of points of the plane, by sums over pairs."""

    def mean(x, y, same):
        k = [(u @ v / 2 + 1) ** 3 for i, u in enumerate(x) for v in (y[:i] if same else y)]
        return np.mean(k)

    return mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False)


@pytest.fixture
def clouded(monkeypatch):
    """A cloud explorer, and what it gave to `plot.clouds`, last last."""
    shown, draw = [], plot.clouds

    def clouds(ax, real, made, measures):
        shown.append((real, made, measures))
        return draw(ax, real, made, measures)

    monkeypatch.setattr(plot, "clouds", clouds)
    return widgets.cloud_explorer(), shown


def set_sliders(explorer, **values):
    for name, value in values.items():
        explorer.controls[name].value = value


def test_cloud_explorer_opens_on_a_cloud_too_narrow_that_has_lost_a_mode(clouded):
    explorer, shown = clouded
    assert {
        name: (c.description, c.min, c.value, c.max) for name, c in explorer.controls.items()
    } == {
        "shift": ("shift", 0, 0, 4),
        "spread": ("spread", 0.2, 0.6, 2),
        "modes": ("modes", 1, 3, 4),
        "copies": ("copies", 0, 0, 1),
        "n": ("made points", 20, 300, 500),
    }
    ((real, made, measures),) = shown
    assert (real.shape, made.shape) == ((500, 2), (300, 2))
    (precision, _, _), (recall, fresh, _) = measures["precision"], measures["recall"]
    assert precision > 0.95
    assert recall < 0.7 < 0.9 < fresh
    assert explorer._repr_mimebundle_()["text/plain"].startswith("500 real and 300 made points: ")


@pytest.mark.parametrize(
    "sliders",
    [
        {},
        {"shift": 1.3, "spread": 1.6, "modes": 2, "copies": 0.25, "n": 60},
        {"shift": 4.0, "copies": 0.6, "n": 100},
    ],
)
def test_cloud_explorer_measures_what_scipy_measures(clouded, sliders):
    explorer, shown = clouded
    set_sliders(explorer, **sliders)
    real, made, measures = shown[-1]
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 500, 2, generator=generator)
    first, held_out, new = (widgets.cloud(x).double().numpy() for x in noise)
    assert real == pytest.approx(first)
    names = ["Fréchet distance", "kernel distance", "precision", "recall", "copied"]
    assert list(measures) == names
    assert [best for *_, best in measures.values()] == ["0", "0", "1", "1", "½"]
    for column, points in enumerate((made.astype(float), new[: len(made)])):
        near, far = (cKDTree(x).query(points)[0] for x in (first, held_out))
        values = [frechet(first, points), kernel(first, points), *near_shares(first, points)]
        values.append((near < far).mean())
        found = [measures[name][column] for name in names]
        assert found == pytest.approx(values, rel=1e-5, abs=1e-5)


def test_copies_are_exact_and_as_many_as_the_slider_says(clouded):
    explorer, shown = clouded
    set_sliders(explorer, modes=4, spread=1.0, n=200)
    for share in (0.0, 0.25, 0.6, 1.0):
        explorer.controls["copies"].value = share
        real, made, measures = shown[-1]
        places = {tuple(point) for point in real.tolist()}
        assert sum(tuple(point) in places for point in made.tolist()) == round(200 * share)
        assert measures["copied"][0] == pytest.approx(share + (1 - share) / 2, abs=0.08)
    assert measures["copied"][0] == 1
    assert measures["precision"][0] == 1
    assert len({tuple(point) for point in made.tolist()}) == 200


def test_a_made_cloud_without_fault_is_the_new_real_one(clouded):
    explorer, shown = clouded
    set_sliders(explorer, modes=4, spread=1.0, n=500)
    *_, measures = shown[-1]
    for value, fresh, _ in measures.values():
        assert value == fresh
    assert measures["Fréchet distance"][0] < 0.05
    assert min(measures[name][0] for name in ("precision", "recall")) > 0.9
    assert measures["copied"][0] == pytest.approx(0.5, abs=0.08)
    explorer.controls["shift"].value = 2.0
    assert shown[-1][2]["Fréchet distance"][0] > 3.5  # 2² of the means alone
    assert shown[-1][2]["Fréchet distance"][1] == measures["Fréchet distance"][1]


def test_points_move_with_the_sliders_and_do_not_jump(clouded):
    explorer, shown = clouded
    before = shown[-1][1]
    explorer.controls["shift"].value = 0.5
    assert shown[-1][1] - before == pytest.approx(np.tile([0.5, 0.0], (300, 1)), abs=1e-5)
    before = shown[-1][1]
    explorer.controls["spread"].value = 0.7
    assert 0 < np.abs(shown[-1][1] - before).max() < 0.25  # 0.05 of a noise
    before = shown[-1][1]
    explorer.controls["n"].value = 320
    assert (shown[-1][1][:300] == before).all()
    before = shown[-1][1]
    explorer.controls["modes"].value = 4  # only a quarter goes to the mode that comes back
    assert ((shown[-1][1] != before).any(1)).sum() == 80


@pytest.mark.parametrize("n", [20, 500])
@pytest.mark.parametrize("shift", [0.0, 4.0])
@pytest.mark.parametrize("spread", [0.2, 2.0])
def test_every_corner_of_the_clouds_is_drawn_in_sight(clouded, n, shift, spread):
    explorer, shown = clouded
    for modes, copies in ((1, 0.0), (4, 1.0), (4, 0.0)):
        values = {"shift": shift, "spread": spread, "modes": modes, "copies": copies, "n": n}
        plane, _ = drawn(explorer, **values).child_axes
        *_, measures = shown[-1]
        for line in plane.lines:
            x, y = line.get_data()
            low, high = plane.get_xlim()
            assert low < x.min() < x.max() < high
            low, high = plane.get_ylim()
            assert low < y.min() < y.max() < high
        assert all(math.isfinite(x) for *both, _ in measures.values() for x in both)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("t", widgets.BOUNDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_is_cut_off_as_scipy_cuts_it_off(t, dtype):
    z = torch.randn(2000, 3, generator=torch.Generator().manual_seed(3), dtype=dtype)
    cut = widgets.truncated(z, t)
    assert cut.dtype == dtype
    theirs = truncnorm.ppf(norm.cdf(z.double().numpy()), -t, t)
    assert cut.double().numpy() == pytest.approx(theirs, abs=1e-6)
    assert cut.abs().max() <= t
    assert (cut.flatten().argsort() == z.flatten().argsort()).all() or dtype == torch.float32
    if t == math.inf:
        assert cut.double().numpy() == pytest.approx(z.double().numpy(), abs=1e-6)


@pytest.fixture
def cut_off(monkeypatch):
    """A truncation explorer, its parts, what was asked of `features`, what was drawn, last last."""
    gan, _ = walkable(batch_norm=True)
    with torch.no_grad():
        gan.generator[0].weight.mul_(6)
    W = torch.randn(784, 4, generator=torch.Generator().manual_seed(2)) / 28
    asked, shown, draw = [], [], plot.truncation

    def features(pictures):
        asked.append((pictures, torch.is_grad_enabled()))
        return pictures.flatten(1) @ W

    def truncation(ax, *arguments):
        shown.append(arguments)
        return draw(ax, *arguments)

    monkeypatch.setattr(plot, "truncation", truncation)
    real = gan.sample(400, torch.Generator().manual_seed(5)).flatten(1) @ W
    explorer = widgets.truncation_explorer(gan, real, features)
    return explorer, gan, real, W, asked, shown


def test_truncation_explorer_measures_each_bound_once_at_the_start(cut_off):
    _, gan, real, W, asked, shown = cut_off
    assert [tuple(pictures.shape) for pictures, _ in asked] == [(500, 1, 28, 28)] * 8
    assert not any(followed for _, followed in asked)
    z = torch.randn(500, 5, generator=torch.Generator().manual_seed(0))[:50].double().numpy()
    layer, bn = gan.generator[:2]
    weight, bias = (p.detach().double().numpy() for p in layer.parameters())
    _, points, chosen = shown[-1]
    assert chosen == 1
    assert tuple(points) == widgets.BOUNDS == (0.1, 0.25, 0.5, 1, 1.5, 2, 3, math.inf)
    for (t, found), (pictures, _) in zip(points.items(), asked, strict=True):
        cut = truncnorm.ppf(norm.cdf(z), -t, t)
        logits = (cut @ weight.T + bias) / math.sqrt(1 + bn.eps)  # as in evaluation mode
        made = 1 / (1 + np.exp(-logits))
        assert pictures[:50].flatten(1).numpy() == pytest.approx(made, abs=1e-5)
        made = (pictures.flatten(1) @ W).double().numpy()
        theirs = real.double().numpy()
        expected = [*near_shares(theirs, made), frechet(theirs, made)]
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    recalls = [recall for _, recall, _ in points.values()]
    assert recalls[0] < 0.1 < 0.8 < recalls[-1]
    assert points[0.1][2] > points[1.0][2] > points[math.inf][2]


def test_truncation_explorer_shows_twelve_pictures_of_each_bound(cut_off):
    explorer, _, _, _, asked, shown = cut_off
    slider = explorer.controls["t"]
    names = ["0.1", "0.25", "0.5", "1", "1.5", "2", "3", "∞"]
    assert isinstance(slider, ipywidgets.SelectionSlider)
    assert tuple(slider.options) == tuple(zip(names, widgets.BOUNDS, strict=True))
    seen = set()
    for name, t, (made, _) in zip(names, widgets.BOUNDS, asked, strict=True):
        slider.value = t
        pictures, points, chosen = shown[-1]
        assert chosen == t
        assert (pictures == made[:12].numpy()).all()
        p, r, d = points[t]
        told = f"t = {name}: precision {p:.2f}, recall {r:.2f}, Fréchet distance {d:.3g}"
        assert explorer.alt.startswith(f"{told}; 12 of the pictures are shown.")
        seen.add(explorer.picture.value)
    assert len(seen) == 8
    assert len(asked) == 8  # no more than at the start
    assert plt.get_fignums() == []


def test_truncation_explorer_refuses_points_and_features_of_another_width():
    with pytest.raises(ValueError, match=r"this GAN makes \(B, 2\): give one that makes pictures"):
        widgets.truncation_explorer(GAN(*perceptrons(2, 4), 2), torch.rand(9, 2), lambda x: x)
    gan, _ = walkable()
    with pytest.raises(ValueError, match=r"features of shapes \(9, 2\) and \(500, 784\)"):
        widgets.truncation_explorer(gan, torch.rand(9, 2), lambda x: x.flatten(1))


def test_truncation_explorer_takes_the_noise_in_the_type_of_the_generator():
    gan, _ = walkable()
    explorer = widgets.truncation_explorer(
        gan.double(), torch.rand(9, 28).double(), lambda x: x[:, 0, 5]
    )
    assert "t = 1: precision" in explorer.alt


def numbered(n, low):
    """Return n pictures of one grey each, from `low` on: the number of one is read off its grey."""
    greys = low + torch.arange(n) / 1000
    return greys[:, None, None, None].expand(n, 1, 28, 28).clone()


@pytest.fixture
def blind(monkeypatch):
    """Make blind tests; give what each drew, last last, as pairs of greys in thousandths."""
    shown, draw = [], plot.pairs

    def pairs(ax, pictures, heads):
        greys = [[round(1000 * picture.mean()) for picture in pair] for pair in pictures]
        shown.append((greys, list(heads)))
        return draw(ax, pictures, heads)

    monkeypatch.setattr(plot, "pairs", pairs)

    def test(*arguments):
        explorer = widgets.blind_test(*arguments)
        row, picture = explorer.box.children
        assert picture is explorer.picture
        return explorer, {button.description: button for button in row.children}, shown

    return test


REAL, MADE = numbered(60, 0.5), numbered(40, 0.1)  # 500 to 559, and 100 to 139


def side_of_real(shown):
    ((left, right),) = shown[-1][0]
    assert (left >= 500) != (right >= 500)
    return "left" if left >= 500 else "right"


@pytest.mark.parametrize(
    ("pairs", "wrong"), [(20, [0, 3, 4, 19]), (20, []), (6, [0, 1, 2, 3, 4, 5]), (1, [0])]
)
def test_a_blind_test_counts_the_right_answers(blind, pairs, wrong):
    explorer, buttons, shown = blind(REAL, MADE, pairs)
    assert list(buttons) == ["left", "right", "start over"]
    hits, seen, sides = 0, [], []
    for i in range(pairs):
        ((pair,), heads) = shown[-1]
        assert heads == [""]
        sides.append(side_of_real(shown))
        seen.append(pair)
        start = f"Pair {i + 1} of {pairs}: which is real, the left or the right one? "
        if i == 0:
            told = f"{start}Answer with the buttons, which need a running kernel."
        else:
            ci = binomtest(hits, i).proportion_ci(method="wilson")
            told = f"{start}{hits} of {i} right, 95 % interval {ci.low:z.2f} to {ci.high:z.2f}."
        assert explorer.alt == told
        other = {"left": "right", "right": "left"}
        buttons[other[sides[i]] if i in wrong else sides[i]].click()
        hits += i not in wrong
    ci = binomtest(hits, pairs).proportion_ci(method="wilson")
    where = "inside" if ci.low <= 0.5 <= ci.high else "outside"
    told = f"{hits} of {pairs} right, 95 % interval {ci.low:z.2f} to {ci.high:z.2f}. "
    told += f"Guessing, ½, lies {where}. {len(wrong)} wrong."
    heads = [f"{i + 1}: real is {sides[i]}" for i in wrong]
    assert explorer.alt == " ".join([told, *(f"Pair {head}." for head in heads)])
    assert shown[-1] == ([seen[i] for i in wrong], heads)
    picked = sorted(grey for pair in seen for grey in pair)
    assert len(set(picked)) == 2 * pairs  # without return
    before = explorer.picture.value
    buttons["left"].click()  # after the end
    explorer.redraw()  # for what goes wrong in a click is not raised
    assert explorer.picture.value == before
    assert plt.get_fignums() == []


def test_a_blind_test_tells_chance_from_skill_by_the_interval(blind):
    explorer, buttons, shown = blind(REAL, MADE, 20)
    for hits, where in ((14, "inside"), (15, "outside"), (5, "outside")):
        for i in range(20):
            side = side_of_real(shown)
            buttons[side if i < hits else {"left": "right", "right": "left"}[side]].click()
        assert f"{hits} of 20 right" in explorer.alt
        assert f"Guessing, ½, lies {where}." in explorer.alt
        buttons["start over"].click()


def test_a_blind_test_starts_over_with_other_pairs(blind):
    explorer, buttons, shown = blind(REAL, MADE)
    first = [shown[-1][0][0]]
    for _ in range(19):
        buttons["left"].click()
        first.append(shown[-1][0][0])
    buttons["start over"].click()
    assert explorer.alt.startswith("Pair 1 of 20: which is real, the left or the right one? Answer")
    second = [shown[-1][0][0]]
    for _ in range(19):
        buttons["right"].click()
        second.append(shown[-1][0][0])
    assert first != second
    for pairs in (first, second):
        assert 4 <= sum(left >= 500 for left, _ in pairs) <= 16
    assert [a >= 500 for a, _ in first] != [a >= 500 for a, _ in second]
    _, _, again = blind(REAL, MADE)
    assert again[-1][0][0] == first[0]  # by the seed


def test_a_blind_test_draws_and_not_the_first_ones(blind):
    state = torch.get_rng_state()
    _, buttons, shown = blind(REAL, MADE, 30)
    for _ in range(29):
        buttons["left"].click()
    reals = [max(pair) for ((pair,), _) in shown]
    mades = [min(pair) for ((pair,), _) in shown]
    assert len(reals) == 30
    assert max(reals) > 530
    assert max(mades) > 130
    assert reals != sorted(reals)
    assert torch.equal(torch.get_rng_state(), state)


def test_no_page_of_a_blind_test_tells_before_the_answer_which_is_real(monkeypatch):
    shape = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)).expand(
        9, -1, -1, -1
    )
    other = 1 - shape

    def pages(real, made, coin):
        """Return all that the page gets before each answer, where each real one lies so."""
        monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.full((9,), coin))
        explorer = widgets.blind_test(real, made, 9)
        row, _ = explorer.box.children
        seen = []
        for _ in range(9):
            bundle = explorer._repr_mimebundle_()
            states = [
                {k: v for k, v in part.get_state().items() if k not in ("layout", "style")}
                for part in (*row.children, explorer.picture)
            ]
            seen.append((bundle["text/html"], bundle["text/plain"], states))
            row.children[coin].click()  # the right answer
        assert explorer.alt.startswith("9 of 9 right")
        return seen

    assert pages(shape, other, 0) == pages(other, shape, 1)  # the same pictures on each side
    same = pages(shape, shape, 0), pages(shape, shape, 1)
    assert same[0] == same[1]
    for html, plain, _ in same[0]:
        assert html.count(plain) == 1
        assert "real is" not in html.replace("which is real", "")


def test_a_blind_test_of_many_shows_the_first_twenty_that_were_wrong(blind):
    explorer, buttons, shown = blind(REAL, MADE, 25)
    for _ in range(25):
        buttons["left" if side_of_real(shown) == "right" else "right"].click()
    greys, heads = shown[-1]
    assert len(greys) == len(heads) == 20
    assert [head.split(":")[0] for head in heads] == [str(i) for i in range(1, 21)]
    assert "25 wrong: here are the first 20. Pair 1: real is " in explorer.alt
    assert "Pair 25: real is " in explorer.alt


def test_a_blind_test_needs_pictures_enough_of_one_size():
    for real, made, pairs in ((REAL, MADE, 41), (MADE, REAL, 41), (REAL, MADE, 0)):
        with pytest.raises(ValueError, match=rf"{pairs} pairs of \(\d0, 1, 28, 28\) and "):
            widgets.blind_test(real, made, pairs)
    with pytest.raises(ValueError, match=r"and \(40, 1, 28, 27\): give as many pictures at least"):
        widgets.blind_test(REAL, MADE[..., 1:])
    assert widgets.blind_test(REAL, MADE, 40).alt.startswith("Pair 1 of 40: ")
