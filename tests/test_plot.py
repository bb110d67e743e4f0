"""Pictures carry their text alternative and show what they were given."""

import base64
import html
import io
import re
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from aigc_lib import data, gan, plot
from aigc_lib.backprop import Value


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    yield
    assert plt.get_fignums() == []


def test_to_html_keeps_the_alternative_and_escapes_it():
    plt.plot([1, 2])
    html = plot.to_html('a < b & "c"')
    assert html.startswith(
        '<img alt="a &lt; b &amp; &quot;c&quot;" src="data:image/png;base64,iVBOR'
    )


def test_a_picture_without_a_figure_or_without_words_is_refused():
    with pytest.raises(ValueError, match="no open figure"):
        plot.to_html("nothing")
    plt.figure()
    with pytest.raises(ValueError, match="text alternative"):
        plot.to_html("  ")
    plt.close()


def test_show_displays_one_bundle_of_html_and_words(monkeypatch):
    shown = []
    monkeypatch.setattr(plot, "display", lambda bundle, raw: shown.append((bundle, raw)))
    plot.lines([1, 2], {"up": [1, 2], "down": [2, 1]}, "two lines", xlabel="step")
    ((bundle, raw),) = shown
    assert raw
    assert bundle["text/plain"] == "two lines"
    assert set(bundle) == {"text/html", "text/plain"}


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_graph_draws_every_value_and_every_gradient():
    x, w = Value(2, label="x"), Value(3, label="w")
    root = x * w + x
    root.label = "L"
    root.backward()
    _, ax = plt.subplots()
    alt = plot.graph(ax, root)
    assert {"x\n2", "w\n3", "×\n6", "L\n8"} <= set(texts(ax))
    assert {"+4", "+2", "+1"} <= set(texts(ax))
    assert alt.startswith("Computation graph")
    for fact in ("x = 2, gradient 4", "w = 3, gradient 2", "L = 8, gradient 1"):
        assert fact in alt
    plt.close()


def test_graph_places_operands_left_of_results_and_no_two_boxes_on_each_other():
    a, b = Value(1, label="a"), Value(2, label="b")
    root = ((a * b + a).tanh() - b) ** 2
    places = plot._places(root.order())
    for value in root.order():
        assert all(places[parent][0] < places[value][0] for parent in value.parents)
    assert len(set(places.values())) == len(places)


def far_lines(ax):
    """Return each line of a graph over two columns or more: its ends, and points along it.

    The ends are places in columns and rows, and the points are on the screen, with y upwards.
    """
    ax.figure.canvas.draw()
    found, t = [], np.linspace(0, 1, 101)[:, None]
    for text in ax.texts:
        if getattr(text, "arrow_patch", None) and text.xy[0] - text.xyann[0] > 1:
            start, middle, end = text.arrow_patch.get_path().vertices
            curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end
            found.append((text.xyann, text.xy, curve))
    return found


@pytest.mark.parametrize(
    ("f", "up"),
    [
        (lambda a, b: (a * b).tanh() + a, [False]),  # a is drawn below the boxes between
        (lambda a, b: a + (a * b).tanh(), [True]),  # and here above them
        (lambda a, b: (a * b).tanh() * a + b, [False, True]),
        (lambda a, b: (a * (a * (a * b).tanh() + b).tanh() + b).tanh(), None),
    ],
)
def test_a_far_line_of_a_graph_is_bent_away_from_the_boxes_between(f, up):
    root = f(Value(0.5, label="a"), Value(2, label="b"))
    _, ax = plt.subplots(figsize=(9, 4.2))
    plot.graph(ax, root)
    lines = far_lines(ax)
    assert lines
    places = plot._places(root.order()).values()
    boxes = {text.get_position(): text for text in ax.texts if text.get_bbox_patch()}
    assert set(boxes) == set(places)
    bent = []
    for start, end, curve in lines:
        for place, text in boxes.items():
            if place not in (start, end):
                box = text.get_bbox_patch().get_window_extent()
                inside = (curve > [box.x0, box.y0]) & (curve < [box.x1, box.y1])
                assert not inside.all(1).any()
        bent.append(bool(curve[50, 1] > curve[[0, -1], 1].mean()))
    assert up is None or sorted(bent) == up
    plt.close()


def test_network_writes_every_weight_and_name():
    _, ax = plt.subplots()
    alt = plot.network(ax, [[[2, -1], [-4, 5]], [[3, 7]]], [["p", "q"], ["r", "s"], ["y"]])
    assert set(texts(ax)) == {"2", "-1", "-4", "5", "3", "7", "p", "q", "r", "s", "y"}
    assert alt == "Network with layers of 2 and 2 and 1 units."
    plt.close()


def test_images_gives_each_picture_its_title():
    plot.images(np.zeros((3, 1, 2, 2)), ["a", "b", "c"], columns=2)
    assert [ax.get_title() for ax in plt.gcf().axes] == ["a", "b", "c", ""]
    plt.close()


def test_confusion_writes_every_count_at_its_place():
    plot.confusion(np.array([[5, 1], [0, 7]]), ["a", "b"])
    ax = plt.gca()
    assert [text.get_text() for text in ax.texts] == ["5", "1", "", "7"]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    plt.close()


def test_backoff_writes_the_ten_likeliest_under_their_signs():
    rows = np.vstack([np.full(12, 1 / 12), np.arange(12) / 66])
    pieces = ["\n", *"bcdefghijk", " "]
    _, ax = plt.subplots()
    told = plot.backoff(ax, rows, [""], pieces)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["␣", *"kjihgfedc"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["uniform", "nothing"]
    written = [text.get_text() for text in ax.texts]
    assert written[:10] == ["8.3%"] * 10
    assert written[10:13] == ["16.7%", "15.2%", "13.6%"]
    assert told.startswith("The likeliest to come after nothing: ␣ 16.7%, k 15.2%, j 13.6%;")
    plt.close()


def test_pair_counts_has_the_first_letter_as_row():
    plot.pair_counts(np.array([[0, 5], [1, 2]]), ["\n", "a"])
    ax = plt.gcf().axes[0]
    assert ax.images[0].get_array().tolist() == [[0, 5], [1, 2]]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["↵", "a"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("after this one", "this letter")
    plt.close()


@pytest.mark.parametrize(("end", "verdict"), [(0.5, "loss 1 → 0.25"), (2.0, "diverges 1 → 4")])
def test_descent_tells_whether_the_loss_fell(end, verdict):
    _, ax = plt.subplots()
    alt = plot.descent(ax, np.array([[1.0, 0.0], [end, 0.0]]), (2.0, 3.0))
    assert verdict in alt
    assert verdict in ax.get_title()
    plt.close()


def test_memory_draws_the_stream_the_cell_and_what_the_gates_leave_of_it():
    stream = np.array([0.5, *[0.1] * 11, 1, -0.4, 0.3, 0.2])
    cells = np.array([0.2, *[0.3] * 11, 0.75, 0.6, 0.4, 0.126])
    forget = np.array([0.1] * 13 + [0.9, 0.5, 0.8])
    _, ax = plt.subplots()
    alt = plot.memory(ax, stream, cells, forget, 12)
    told, held, left = ax.lines
    for line, values in ((told, stream), (held, cells)):
        assert line.get_xdata().tolist() == list(range(16))
        assert line.get_ydata().tolist() == values.tolist()
    assert left.get_xdata().tolist() == [12, 13, 14, 15]
    assert left.get_ydata() == pytest.approx([1, 0.9, 0.45, 0.36])
    colors = [line.get_color() for line in ax.lines]
    assert colors == [plot.GREY, plot.VALUE, plot.GRADIENT]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [line.get_label() for line in ax.lines]
    assert labels[:2] == ["the stream", "the cell $c_t$"]
    assert "c_{12}$" in labels[2]  # without the braces the 2 is no index
    assert alt == (
        "A cell is told 1 at step 12; it holds 0.75 then, 0.13 at the end, and the gradient back "
        "to it is halved after 2 steps."
    )
    plt.close()


def test_memory_tells_of_a_gradient_that_stays():
    _, ax = plt.subplots()
    alt = plot.memory(ax, np.ones(4), np.ones(4), np.array([0.1, 0.1, 0.8, 0.7]), 1)
    assert alt.endswith("and the gradient back to it is never halved.")
    plt.close()


def places(ax):
    """Return what is written at each (column, row), and the value of the colour under it."""
    grid = ax.images[0].get_array()
    assert ax.images[0].get_clim() == (-1, 1)  # whatever the values are
    at = {text.get_position(): text.get_text() for text in ax.texts}
    assert len(at) == len(ax.texts) == np.count_nonzero(~np.ma.getmaskarray(grid))
    return {(x, y): (sign, grid[y, x]) for (x, y), sign in at.items()}


def test_activations_put_each_character_on_the_colour_of_its_value():
    values = np.array([1, -1, 0.7, 0.3, -0.65, 0.51, 0, 0.5])
    _, ax = plt.subplots()
    alt = plot.activations(ax, "ab c\ndef", values, width=6)
    assert places(ax) == {
        **{(0, 0): ("a", 1), (1, 0): ("b", -1), (2, 0): ("␣", 0.7), (3, 0): ("c", 0.3)},
        **{(4, 0): ("↵", -0.65), (0, 1): ("d", 0.51), (1, 1): ("e", 0), (2, 1): ("f", 0.5)},
    }
    assert alt == "The unit is above 0.5 at “a”, “␣”, “d”, of “ab␣c↵def”."
    dark = [text.get_text() for text in ax.texts if text.get_color() == "white"]
    assert dark == ["a", "b", "␣", "↵"]
    image = ax.images[0]
    assert image.get_array().shape == (2, 6)
    colors = {value: to_hex(image.cmap(image.norm(value))) for value in (-1, 1)}
    assert colors == {-1: plot.GRADIENT, 1: plot.VALUE}
    assert min(image.cmap(image.norm(0))) > 0.98
    plt.close()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("abcdefg", ["abc", "def", "g"]),
        ("abc", ["abc"]),
        ("ab\nc", ["ab↵", "c"]),
        ("a\n\nbcde", ["a↵", "↵", "bcd", "e"]),
        ("", []),
    ],
)
def test_activations_break_a_line_at_its_end_and_at_the_width(text, rows):
    _, ax = plt.subplots()
    alt = plot.activations(ax, text, np.full(len(text), -0.5), width=3)
    expected = {(x, y): (sign, -0.5) for y, row in enumerate(rows) for x, sign in enumerate(row)}
    assert places(ax) == expected
    assert alt.startswith("The unit is above 0.5 at no character, of “")
    plt.close()


def test_a_line_is_broken_at_60_and_a_piece_is_told_whole():
    _, ax = plt.subplots()
    alt = plot.activations(ax, "to be " * 12, np.array(([1] * 2 + [0] * 4) * 12))
    assert max(places(ax)) == (59, 0)
    assert max(y for _, y in places(ax)) == 1
    assert alt.startswith("The unit is above 0.5 at “to”, “to”, ")
    plt.close()


@pytest.mark.parametrize("shape", [(3, 4), (2, 8), (4, 3), (3, 9)])
def test_looks_has_a_row_for_each_that_looks(shape):
    T, S = shape
    weights = np.random.default_rng(0).dirichlet(np.ones(S), T)
    weights[1] = [0.2 / (S - 1)] * (S - 1) + [0.8]
    rows, columns = ["to", " be", "\n", "or"][:T], ["I", " am", "\n", *"abcdef"][:S]
    _, ax = plt.subplots()
    alt = plot.looks(ax, weights, rows, columns)
    (image,) = ax.images
    assert image.get_array().tolist() == weights.tolist()
    assert image.get_clim() == (0, 1)  # whatever the weights are
    assert sum(image.cmap(0.0)) > sum(image.cmap(0.5)) + 0.5 > sum(image.cmap(1.0)) + 1
    assert [t.get_text() for t in ax.get_yticklabels()] == ["to", "␣be", "↵", "or"][:T]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["I", "␣am", "↵", *"abcdef"][:S]
    assert (ax.get_yticks().tolist(), ax.get_xticks().tolist()) == (
        list(range(T)),
        list(range(S)),
    )
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("looks", "looked at")
    written = {text.get_position(): (text.get_text(), text.get_color()) for text in ax.texts}
    assert written == {
        (s, t): (f"{a:.2f}", "white" if a > 0.5 else plot.VALUE)
        for (t, s), a in np.ndenumerate(weights)
        if S <= 8
    }
    assert len({color for _, color in written.values()}) == (2 if S <= 8 else 0)
    told = []
    for t, row in enumerate(weights.tolist()):
        most = plot.visible(columns[row.index(max(row))])
        told.append(f"“{plot.visible(rows[t])}” at “{most}” ({max(row):.2f})")
    assert alt == f"Where each looks most: {', '.join(told)}."
    plt.close()


@pytest.mark.parametrize("T", [40, 41, 60])
def test_looks_of_many_is_told_of_the_first_40(T):
    rows = [f"w{t}" for t in range(T)]
    _, ax = plt.subplots()
    alt = plot.looks(ax, np.eye(T), rows, rows)
    assert alt.startswith("Where each looks most: “w0” at “w0” (1.00), “w1” at “w1” (1.00), ")
    assert alt.endswith("“w39” at “w39” (1.00).")
    assert alt.count(" at ") == 40
    assert not ax.texts
    assert len(ax.get_yticklabels()) == T
    plt.close()


def test_looks_needs_a_name_for_each_that_looks():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="zip"):
        plot.looks(ax, np.eye(3), ["a", "b"], ["a", "b", "c"])
    plt.close()


def test_clock_has_a_hand_at_each_angle_longer_and_longer():
    words, turned = ["the", "dog", "the", "end"], np.array([0.3, 2.0, -1.0, 7.5])
    _, ax = plt.subplots()
    alt = plot.clock(ax, words, turned)
    hands = [np.array(line.get_xydata()) for line in ax.lines]
    reach = [np.hypot(*tip) for _, tip in hands]
    assert np.diff(reach).min() > 0.1
    for hand, r, angle in zip(hands, reach, turned, strict=True):
        np.testing.assert_allclose(hand, [[0, 0], [r * np.cos(angle), r * np.sin(angle)]])
    for text, word, (_, tip) in zip(ax.texts, words, hands, strict=True):
        assert text.get_text() == word
        assert text.get_position() == pytest.approx(tuple(tip))
    assert ax.get_aspect() == 1  # else the angles would not look as they are
    assert alt == "From “the” to “end” the hand turns by 7.200 radians."
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert low == -high
        assert high > 1.1 * max(reach)
    plt.close()


def test_clock_writes_each_word_without_mathematics():
    words = ["$\\x$", "$a$"]
    _, ax = plt.subplots()
    alt = plot.clock(ax, words, np.array([0.0, 1.0]))
    assert "<img" in plot.to_html(alt)  # matplotlib knows no \\x
    assert not any(text.get_parse_math() for text in ax.texts)


def test_clock_of_one_word_is_at_rest():
    _, ax = plt.subplots()
    alt = plot.clock(ax, ["the"], np.array([5.0]))
    assert len(ax.lines) == 1
    assert alt == "From “the” to “the” the hand turns by 0.000 radians."
    plt.close()


@pytest.mark.parametrize(
    ("piece", "shown"),
    [(" a\n", "␣a↵"), ("\t", "‹09›"), ("\0", "‹00›"), ("\u200d", "‹200D›"), ("é白👩$", "é白👩$")],
)
def test_what_has_no_look_of_its_own_is_visible(piece, shown):
    assert plot.visible(piece) == shown


def inside(ax, texts):
    """Whether all of `texts` stand within the frame, as drawn."""
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    boxes = [text.get_window_extent() for text in texts]
    across = all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
    return across and all(frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def apart(texts):
    """Whether each of `texts` ends left of where the next begins, as drawn."""
    boxes = [text.get_window_extent() for text in texts]
    return all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_next_tokens_draws_the_ten_likeliest_from_the_top():
    pieces = ["\n", "‹E6›", "\t", " be", "白日", "👩", "$\\q$", "$x$", "<b>", "é", "j", "k", "l"]
    p = np.array([20, 5, 15, 9, 8, 7, 6, 4, 5, 3, 2, 1, 15]) / 100
    ax = Figure(figsize=(7, 3.6)).subplots()
    alt = plot.next_tokens(ax, p, pieces, "to│␣白👩$\\q$")
    order = [0, 2, 12, 3, 4, 5, 6, 1, 8, 7]  # of two as likely, the first comes first
    assert [bar.get_width() for bar in ax.patches] == [p[i] for i in order]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in ax.patches]
    assert middles == pytest.approx(ax.get_yticks().tolist())
    assert {bar.get_x() for bar in ax.patches} == {0}
    assert to_hex(ax.patches[0].get_facecolor()) == plot.VALUE
    tops = [bar.get_window_extent().y1 for bar in ax.patches]
    assert tops == sorted(tops, reverse=True)
    names = ["↵", "‹09›", "l", "␣be", "白日", "👩", "$\\q$", "‹E6›", "<b>", "$x$"]
    shares = ["20.0%", "15.0%", "15.0%", "9.0%", "8.0%", "7.0%", "6.0%", "5.0%", "5.0%", "4.0%"]
    drawn = [label.get_text() for label in ax.get_yticklabels()]
    assert drawn == [name.replace("👩", "□") for name in names]  # which has no letter for it
    assert texts(ax) == shares
    assert ax.get_title() == "after to│␣白□$\\q$"
    assert ax.get_xlabel() == "probability of the next token"
    told = ", ".join(f"“{name}” {share}" for name, share in zip(names, shares, strict=True))
    assert alt == f"The likeliest next tokens after to│␣白👩$\\q$: {told}; all others 6.0%."
    assert "<img" in plot.to_html(alt, ax.figure)  # matplotlib knows no \\q


def test_next_tokens_are_drawn_in_letters_of_the_chinese_font_too(recwarn, caplog):
    def ink(name, read):
        ax = Figure(figsize=(4, 2)).subplots()
        plot.next_tokens(ax, np.array([0.5, 0.5]), [name, "a"], read)
        canvas = FigureCanvasAgg(ax.figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).astype(float)

    box = ink("□", "□")
    assert np.abs(ink("霜", "□") - box).sum() > 1000
    assert np.abs(ink("□", "霜") - box).sum() > 1000
    assert (ink("\U0010fffd", "👩") == ink("‹10FFFD›", "□")).all()
    assert not recwarn.list
    assert not caplog.records


@pytest.mark.parametrize("most", [1, 0.9999, 0.99, 0.5, 0.004])
@pytest.mark.parametrize("size", [(7, 3.6), (6, 3.2)])
def test_next_tokens_write_each_share_inside_the_frame(most, size):
    p = np.full(400, (1 - most) / 399)
    p[3] = most
    ax = Figure(figsize=size).subplots()
    plot.next_tokens(ax, p, ["a"] * 400)
    assert texts(ax)[0] == f"{100 * most:.1f}%"
    assert inside(ax, ax.texts)
    assert ax.patches[0].get_window_extent().width > 0.8 * ax.get_window_extent().width


def test_next_tokens_of_a_small_vocabulary_leave_nothing():
    p = np.array([0.7, 0.1, 0.2000001], np.float32)  # whose sum is a little more than 1
    assert 1 - p.sum() < 0
    ax = Figure().subplots()
    assert plot.next_tokens(ax, p, ["a", "b", "c"]) == (
        "The likeliest next tokens: “a” 70.0%, “c” 20.0%, “b” 10.0%; all others 0.0%."
    )
    assert len(ax.patches) == 3
    assert ax.get_title() == ""


CUT = {
    "nothing": [True] * 20,
    "some": [True, False, True, True, False] + [False] * 15,
    "all but one": [False] * 3 + [True] + [False] * 16,
}


@pytest.mark.parametrize("name", CUT)
def test_cut_tokens_are_hollow_and_kept_ones_have_what_they_gain(name):
    pieces = ["\n", "$\\q$", " be", "白", "👩", "\t", *"abcdefghijklmn"]
    p = np.array([20, 9, 19, 30, 7, 3, *[1, 0.5] * 4, *[1] * 6]) / 100
    kept = np.array(CUT[name])
    ax = Figure(figsize=(7, 4.6)).subplots()
    alt = plot.cut_tokens(ax, p, kept, pieces, "after 霜👩$\\q$\nso")
    order = [
        3,
        0,
        2,
        1,
        4,
        5,
        6,
        8,
        10,
        12,
        14,
        15,
        16,
        17,
        18,
        19,
    ]  # the first of equal ones first
    before, share = p.tolist(), sum(x for x, k in zip(p.tolist(), CUT[name], strict=True) if k)
    bars = iter(ax.patches)
    for row, i in enumerate(order):
        if kept[i]:
            pale = next(bars)
            assert pale.get_width() == pytest.approx(before[i] / share)
            assert to_hex(pale.get_facecolor()) == "#b9cbde"
            assert pale.get_y() == pytest.approx(row - 0.4)
        bar = next(bars)
        assert (bar.get_x(), bar.get_width()) == (0, before[i])
        assert bar.get_y() + bar.get_height() / 2 == pytest.approx(row)
        if kept[i]:
            assert to_hex(bar.get_facecolor()) == plot.VALUE
        else:
            assert bar.get_facecolor()[3] == 0
            assert to_hex(bar.get_edgecolor()) == plot.GREY
        assert ax.texts[row].get_color() == (plot.VALUE if kept[i] else "dimgrey")
        assert ax.texts[row].xy == (pytest.approx(before[i] / (share if kept[i] else 1)), row)
    assert next(bars, None) is None
    ends = [
        f"{100 * before[i]:.1f}%, cut"
        if not kept[i]
        else f"{100 * before[i]:.1f}%"
        + (f" → {100 * before[i] / share:.1f}%" * (name != "nothing"))
        for i in order
    ]
    assert texts(ax) == ends
    names = ["白", "↵", "␣be", "$\\q$", "👩", "‹09›", *"acegijklmn"]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [label.replace("👩", "□") for label in names]
    assert ax.yaxis_inverted()
    left = {
        "nothing": "kept: all 20 tokens",
        "some": "kept: 3 of 20 tokens, which had 69.0%",
        "all but one": "kept: 1 of 20 tokens, which had 30.0%",
    }[name]
    assert ax.get_title() == f"after 霜□$\\q$\nso\n{left}"
    assert ("pale" in ax.get_xlabel()) == (name != "nothing")
    told = ", ".join(f"“{label}” {end}" for label, end in zip(names, ends, strict=True))
    assert alt == f"after 霜👩$\\q$; so; {left}. The likeliest: {told}."
    assert "<img" in plot.to_html(alt, ax.figure)


@pytest.mark.parametrize("most", [1, 0.9999, 0.5, 0.1, 0.002])
@pytest.mark.parametrize("left", [1, 5, 1000])
def test_cut_tokens_write_inside_the_frame(most, left):
    p = np.full(1000, (1 - most) / 999)
    p[3] = most
    kept = np.isin(np.arange(1000), np.argsort(-p)[:left])
    ax = Figure(figsize=(7, 4.6)).subplots()
    plot.cut_tokens(ax, p, kept, ["a"] * 1000, "so")
    assert inside(ax, ax.texts)
    assert ax.get_xticks().max() <= 1
    assert len(ax.get_xticks()) > 3
    longest = max(bar.get_width() for bar in ax.patches)
    assert longest == pytest.approx(p[3] / p[kept].sum())
    assert longest > 0.7 * ax.get_xlim()[1]
    boxes = [text.get_window_extent() for text in ax.texts]
    assert all(a.y0 >= b.y1 for a, b in pairwise(boxes))
    assert f"{left:,} of 1,000" in ax.get_title() or left == 1000


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n\n b\tc", ["a", "", " b‹09›c"]),
        ("$\\q$ 白👩\r", ["$\\q$ 白□‹0D›"]),
        ("word " * 20, ["word " * 15 + "word", "word word word word"]),
        ("白" * 50, ["白" * 40, "白" * 10]),
        ("x" * 81, ["x" * 80, "x"]),
        ("1\n2\n3\n4", ["1", "2", "3", "4"]),
        ("1\n2\n3\n4\n5", ["1", "2", "3", "4", "…"]),
        ("", [""]),
    ],
)
def test_a_text_below_is_written_as_it_is_in_lines_of_80_columns(text, lines):
    ax = Figure(figsize=(7, 4.6)).subplots()
    ax.set_xlabel("label")
    plot.below(ax, text, 4)
    assert texts(ax) == ["\n".join(lines)]
    assert "<img" in plot.to_html("x", ax.figure)
    written, frame = ax.texts[0].get_window_extent(), ax.get_window_extent()
    assert written.y1 < ax.xaxis.label.get_window_extent().y0
    assert written.x0 == pytest.approx(frame.x0, abs=2)
    assert written.x1 < frame.x1 + 0.1 * ax.figure.bbox.width


PIECES = ["a", "$\\q$", "\n", "白", "👩", " long-winded", "-"]
STEPS = [
    [([0], -1.0), ([1], -1.5), ([2], -2.0)],
    [([1, 3], -1.75), ([0, 0], -2.25), ([0, 4], -2.5)],
    [([1, 3, 5], -2.0), ([1, 3, 6], -3.0), ([0, 0, 0], -4.125)],
]
GREEDY = {
    "kept to the end": [([0], -1.0), ([0, 0], -2.25), ([0, 0, 0], -4.125)],
    "dropped": [([0], -1.0), ([0, 4], -2.5), ([0, 4, 2], -6.0)],
    "best": [([1], -1.5), ([1, 3], -1.75), ([1, 3, 5], -2.0)],
}


@pytest.mark.parametrize("name", GREEDY)
def test_beam_tree_has_a_node_for_each_text_and_a_line_to_it(name):
    greedy = GREEDY[name]
    ax = Figure(figsize=(9, 4.4)).subplots()
    alt = plot.beam_tree(ax, STEPS, greedy, PIECES, "to│␣be│␣霜👩$\\q$")
    root, *nodes = ax.texts
    assert (root.get_text(), root.get_position()) == ("…e│␣霜□$\\q$", (0, 0))
    known = {tuple(ids): log_p for found in [*STEPS, greedy] for ids, log_p in found}
    names = ["a", "$\\q$", "↵", "白", "□", "␣long-wi…", "-"]
    labels = {f"{names[ids[-1]]}\n{log_p:.2f}": ids for ids, log_p in known.items()}
    assert len(labels) == len(known)
    assert sorted(node.get_text() for node in nodes) == sorted(labels)
    place = {labels[node.get_text()]: node.get_position() for node in nodes} | {(): (0, 0)}
    assert all(x == len(ids) for ids, (x, _) in place.items())
    lines = [line for line in ax.lines if len(line.get_xdata())]
    assert len(lines) == len(known)
    final = [tuple(ids) for ids, _ in STEPS[-1]]
    for line, node in zip(lines, nodes, strict=True):
        ids = labels[node.get_text()]
        (x, y), xy = place[ids], line.get_xydata().tolist()
        parent = place[ids[:-1]]
        assert xy[0] == list(parent)
        assert xy[-1] == [x, y]
        assert (xy[1][1], xy[2][1]) == (parent[1], y)
        begins = [text[: len(ids)] == ids for text in final]
        color = plot.GRADIENT if begins[0] else plot.VALUE if any(begins) else plot.GREY
        style = "--" if any(ids == tuple(text) for text, _ in greedy) else "-"
        assert (line.get_color(), line.get_linestyle()) == (color, style)
        assert to_hex(node.get_bbox_patch().get_edgecolor()) == color
        assert node.get_bbox_patch().get_linestyle() == style
        assert line.get_zorder() < node.get_zorder()
        assert line.get_zorder() == max(
            other.get_zorder() for other in lines if other.get_color() == color
        )
    order = {line.get_color(): line.get_zorder() for line in lines}
    assert order[plot.GREY] < order[plot.VALUE] < order[plot.GRADIENT]
    for t in (1, 2, 3):  # no two lines cross, and the more probable of one node's is above
        column = [ids for ids in place if len(ids) == t]
        column.sort(key=lambda ids: place[ids][1])
        parents = [place[ids[:-1]][1] for ids in column]
        assert parents == sorted(parents)
        for a, b in pairwise(column):
            assert a[:-1] != b[:-1] or known[a] >= known[b]
            assert place[b][1] - place[a][1] == 1
        assert place[column[0]][1] == -place[column[-1]][1]
    low, high = ax.get_ylim()
    assert low > high
    best = "“$\\q$白␣long-winded” -2.00"
    last = {
        "kept to the end": f"best: {best}\ngreedy: “aaa” -4.12",
        "dropped": f"best: {best}\ngreedy: “a👩↵” -6.00",
        "best": f"best, and greedy: {best}",
    }[name]
    title = f"log p of the texts so far, in nats\n{last}".replace("👩", "□")
    assert ax.get_title() == title
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["best", "live at the end", "dropped", "greedy"]
    assert alt == (
        "Texts after to│␣be│␣霜👩$\\q$, with log p, by number of tokens. 1: “a” -1.00, “$\\q$” "
        "-1.50, “↵” -2.00; 2: “$\\q$白” -1.75, “aa” -2.25, “a👩” -2.50; "
        f"3: {best}, “$\\q$白-” -3.00, “aaa” -4.12; " + last.replace("\n", "; ") + "."
    )
    assert "<img" in plot.to_html(alt, ax.figure)


@pytest.mark.parametrize("width", [1, 3, 5])
@pytest.mark.parametrize("tokens", [1, 4, 6])
def test_no_label_of_a_beam_tree_overlaps_or_is_cut_off(width, tokens):
    texts_of = [[[i] * t for i in range(1, width + 1)] for t in range(1, tokens + 1)]
    steps = [[(ids, -111.11 - ids[0]) for ids in found] for found in texts_of]
    greedy = [([1, *[0] * (t - 1)], -222.22) for t in range(1, tokens + 1)]
    ax = Figure(figsize=(9, 4.4)).subplots()
    plot.beam_tree(ax, steps, greedy, ["WWWWWWWWWWWW", *"白" * 5], "│W" * 20)
    FigureCanvasAgg(ax.figure).draw()
    assert "WWWWWWWW…" in ax.texts[-1].get_text() + "".join(texts(ax)) or tokens == 1
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts]
    frame = ax.figure.bbox
    assert all(box.x0 >= frame.x0 and box.x1 <= frame.x1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    title, legend = ax.title.get_window_extent(), ax.get_legend().get_window_extent()
    assert not any(box.overlaps(other) for box in boxes for other in (title, legend))


POINTS = {
    "temperature 0.5": (0.5, 1.5, "a\n$%$\n白👩"),
    "top-p 0.9": (0.9, 2.5, "b"),
    "temperature 1.0": (0.75, 2.0, "1\n2\n3\n4\n5\n6\n7"),
    "top-p 0.95": (1.0, 3.0, "c"),
    "top-k $x^": (0.25, 1.25, ""),
    "greedy": (0.125, 0.5, "e"),
}
HUMAN = (0.875, 4.0, "Deny thy father.")


@pytest.mark.parametrize("chosen", [*POINTS, "human text"])
def test_tradeoff_joins_families_and_rings_the_chosen_point(chosen):
    ax = Figure(figsize=(7, 4)).subplots()
    alt = plot.tradeoff(ax, POINTS, HUMAN, chosen)
    *families, human, ring = ax.lines
    assert [line.get_xydata().tolist() for line in families] == [
        [[0.5, 1.5], [0.75, 2.0]],
        [[0.9, 2.5], [1.0, 3.0]],
        [[0.25, 1.25]],
        [[0.125, 0.5]],
    ]
    assert {line.get_linestyle() for line in families} == {"-"}
    assert len({line.get_color() for line in families}) == 4
    assert len({line.get_marker() for line in families}) == 4
    assert (human.get_marker(), human.get_xydata().tolist()) == ("*", [[0.875, 4.0]])
    x, y, text = {**POINTS, "human text": HUMAN}[chosen]
    assert ring.get_xydata().tolist() == [[x, y]]
    assert ring.get_markerfacecolor() == "none"
    assert ring.get_markersize() > human.get_markersize()
    labels = [label.get_text() for label in ax.get_legend().get_texts()]
    assert labels == ["temperature", "top-p", "top-k", "greedy", "human text"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "diversity, distinct-2",
        "nats a token under the model",
    )
    here = f"{chosen}: distinct-2 {x:.3g}, {y:.3g} nats a token"
    drawn = {"temperature 1.0": "1\n2\n3\n4\n5\n6\n…"}.get(chosen, text.replace("👩", "□"))
    assert texts(ax) == [f"{here}\n{drawn}"]
    assert alt == (
        f"{here}, of temperature 0.5 0.5, 1.5; top-p 0.9 0.9, 2.5; temperature 1.0 0.75, 2; "
        "top-p 0.95 1, 3; top-k $x^ 0.25, 1.25; greedy 0.125, 0.5; human text 0.875, 4. "
        f"Its text: “{text}”"
    )
    assert "<img" in plot.to_html(alt, ax.figure)
    frame, size = ax.get_window_extent(), ring.get_markersize() / 72 * ax.figure.dpi / 2
    (px, py) = ax.transData.transform((x, y))
    assert frame.x0 < px - size
    assert px + size < frame.x1
    assert frame.y0 < py - size
    assert py + size < frame.y1
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= ax.figure.bbox.x1
    assert legend.height < 30


SIZES = {
    "parameters": ([7e3, 26e3, 1e5, 4e5], ["7k", "26k", "100k", "400k"]),
    "characters": (
        [25600, 51200, 102400, 204800, 409600],
        ["25.6k", "51.2k", "102k", "205k", "410k"],
    ),
    "two decades": ([1e4, 1e5, 1e6], ["10k", "100k", "1M"]),
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("out", [[], [0], [0, 2]])
def test_power_law_draws_points_hollow_where_left_out_and_the_line(name, out):
    x, sizes = np.array(SIZES[name][0]), SIZES[name][1]
    y, kept = 5 * x**-0.1 * np.linspace(1, 1.04, len(x)), np.ones(len(x), bool)
    kept[out] = False
    ax = Figure(figsize=(6.5, 4)).subplots()
    alt = plot.power_law(ax, x, y, kept, 5.0, 0.1)
    *points, line = ax.lines
    full = [i for i in range(len(x)) if i not in out]
    for drawn, chosen in zip(points, [full, out] if out else [full], strict=True):
        assert drawn.get_xydata().tolist() == [[x[i], y[i]] for i in chosen]
        assert (drawn.get_marker(), drawn.get_linestyle()) == ("o", "None")
        assert drawn.get_color() == plot.VALUE
    assert [drawn.get_markerfacecolor() for drawn in points] == [plot.VALUE, "none"][: len(points)]
    assert line.get_xdata().tolist() == x.tolist()
    assert line.get_ydata() == pytest.approx([5 / size**0.1 for size in x])
    assert (line.get_color(), line.get_linestyle()) == (plot.GRADIENT, "--")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["in the fit", *["left out"][: len(out)], "5 · x^(−0.100)"]
    assert texts(ax) == [f"{i + 1}" for i in range(len(x))]
    assert [text.xy for text in ax.texts] == list(zip(x, y, strict=True))
    worst = max(abs(5 / x[i] ** 0.1 / y[i] - 1) for i in full)
    told = [f"{y[i]:.3g} at {sizes[i]}{' (left out)' * (i in out)}" for i in range(len(x))]
    assert alt == (
        f"{len(full)} of {len(x)} points: y = 5 · x^(−0.100), at most {100 * worst:.1f}% off; "
        f"the points are {', '.join(told)}."
    )


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("slope", [0.02, 0.1, 0.3])
def test_power_law_has_ticks_that_can_be_read(name, slope):
    x, sizes = np.array(SIZES[name][0]), SIZES[name][1]
    ax = Figure(figsize=(6.5, 4)).subplots()
    plot.power_law(ax, x, 9 * x**-slope, np.ones(len(x), bool), 9, slope)
    assert inside(ax, [*ax.texts, ax.get_legend()])
    assert [label.get_text() for label in ax.get_xticklabels()] == sizes
    assert apart(ax.get_xticklabels())
    for axis in (ax.xaxis, ax.yaxis):
        assert not [label for label in axis.get_ticklabels(minor=True) if label.get_text()]
    (low, high), labels = ax.get_ylim(), ax.get_yticklabels()
    seen = [label for label in labels if low <= label.get_position()[1] <= high]
    assert 3 <= len(seen) <= 8
    for label in seen:
        assert float(label.get_text()) == pytest.approx(label.get_position()[1])
    boxes = [label.get_window_extent() for label in seen]
    assert all(a.y1 < b.y0 for a, b in pairwise(boxes))
    points = ax.transData.transform(ax.lines[0].get_xydata())
    legend = ax.get_legend().get_window_extent()
    assert not any(legend.contains(*point) for point in points)


def test_power_law_that_rises_has_one_sign():
    x = np.array([1.0, 10.0])
    ax = Figure().subplots()
    alt = plot.power_law(ax, x, 2 * x**0.1, np.ones(2, bool), 2.0, -0.1)
    assert "y = 2 · x^(0.100), at most 0.0% off" in alt


@pytest.fixture
def verses(monkeypatch, recwarn, caplog):
    """Draw verse; return the pixels (H, W), 0 to 1, and the text alternative."""

    def draw(columns):
        shown = []
        monkeypatch.setattr(plot, "display", lambda bundle, raw: shown.append(bundle))
        plot.verses(columns)
        (bundle,) = shown
        image = re.fullmatch('<img alt="([^"]*)" src=".*,([^"]*)">', bundle["text/html"])
        alt, png = image.groups()
        assert html.unescape(alt) == bundle["text/plain"]
        picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("L")
        return np.asarray(picture) / 255, bundle["text/plain"]

    yield draw
    assert not recwarn.list
    assert not caplog.records


def bands(pixels, axis, gap):
    """How many parts of a picture have ink, with at least `gap` blank pixels between two."""
    (inked,) = (pixels < 0.7).any(axis).nonzero()
    return 1 + np.count_nonzero(np.diff(inked) > gap)


FONT = str(data.chinese_font())
VERSE = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"


def test_verse_is_drawn_in_four_lines_and_told_in_the_same(verses):
    pixels, alt = verses({"王之涣": VERSE})
    assert alt == "王之涣\n白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层楼。"
    assert bands(pixels, 1, 3) == 5
    assert pixels[0].min() == 1
    assert 300 < (pixels < 0.5).sum() < pixels.size / 4


def test_each_character_is_drawn_as_itself_in_a_heading_too(verses):
    """None as an empty box; a character of many strokes has more ink than one of few."""
    few, many = (verses({"": character})[0] for character in "一霜")
    assert (1 - many).sum() > 3 * (1 - few).sum()
    for columns in ({"": "霜"}, {"霜": ""}, {"order 3, 霜": "a"}):
        boxed = {head.replace("霜", "□"): text.replace("霜", "□") for head, text in columns.items()}
        pixels, boxes = verses(columns)[0], verses(boxed)[0]
        assert pixels.shape != boxes.shape or np.abs(pixels - boxes).sum() > 10


def test_what_no_font_has_is_drawn_as_a_box_and_told_as_it_is(verses):
    strange = "\U0010fffd"
    pixels, alt = verses({f"a{strange}": f"白{strange}日。"})
    boxes, _ = verses({"a□": "白□日。"})
    np.testing.assert_array_equal(pixels, boxes)
    assert alt == f"a{strange}\n白{strange}日。"


def test_a_heading_is_drawn_in_letters_that_the_chinese_font_lacks_and_without_mathematics(verses):
    assert not {"λ", "é"} & {chr(c) for c in font_manager.get_font(FONT).get_charmap()}
    boxed, *drawn = (verses({heading: "白"})[0] for heading in "□λé")
    assert all(boxed.shape != one.shape or (boxed != one).any() for one in drawn)
    for plain, dollars in (({"λ": ""}, {"$λ$": ""}), ({"": "白"}, {"": "$白$"})):
        assert verses(dollars)[0].shape[1] > verses(plain)[0].shape[1] + 12


def test_texts_stand_side_by_side_however_wide_the_heading_and_the_verse(verses):
    for columns in (
        {"a heading of many wide WWWWWW words": "白。", "b": "日。", "c": "月。"},
        {"a": "一二三四五六七八九十一二三四五", "b": "WWWWWWWWWWWWWWWW", "c": "月。"},
    ):
        pixels, alt = verses(columns)
        assert bands(pixels, 0, 25) == 3
        assert bands(pixels, 0, 60) == 1
        assert alt == "\n\n".join(f"{head}\n{text}" for head, text in columns.items())


def test_of_a_long_text_eight_lines_are_drawn_and_of_a_long_line_16_characters(verses):
    _, alt = verses({"a": "花，" * 8})
    assert alt == "a" + "\n花，" * 8
    pixels, alt = verses({"a": "花，" * 9})
    assert alt == "a" + "\n花，" * 8 + "\n…"
    assert bands(pixels, 1, 3) == 10
    for length, line in ((16, "花" * 16), (17, "花" * 15 + "…")):
        assert verses({"a": "花" * length})[1] == f"a\n{line}"


def test_a_sample_is_cut_where_its_line_ends_and_may_be_empty(verses):
    _, alt = verses({"a": "\n白日，。山\n\n黄河。\n", "b": ""})
    assert alt == "a\n白日，\n。\n山\n黄河。\n\nb\n"


def test_the_font_is_registered_once(verses):
    for _ in range(2):
        verses({"a": "白"})
    assert [font.fname for font in font_manager.fontManager.ttflist].count(FONT) == 1


@pytest.mark.parametrize(("elbo", "kl"), [(-3.5, 2.25), (-1.25, 0.0), (-9.0, 7.75), (-40.0, 38.75)])
def test_bound_adds_the_two_up_to_a_line_that_rests(elbo, kl):
    z = np.linspace(-4, 4, 81)
    p = np.exp(-8 * (np.abs(z) - 1) ** 2)
    q = z[40:60], np.full(20, 0.5)
    ax = Figure(figsize=(6.5, 3.2)).subplots()
    alt = plot.bound(ax, (z, p), q, "N(1.00, 0.30²)", elbo, kl, -1.25)
    (area,), (line,) = ax.collections, ax.lines
    top = {x: y for x, y in area.get_paths()[0].vertices if y}
    assert top == pytest.approx({x: y for x, y in zip(z, p, strict=True) if y})
    assert line.get_xydata() == pytest.approx(np.transpose(q))
    (below,) = ax.child_axes
    blue, pale = below.patches
    low, high = below.get_xlim()
    assert (low, high) == (-9.25, pytest.approx(-0.05))  # wherever the ELBO is
    assert blue.get_x() == low
    assert blue.get_x() + blue.get_width() == pytest.approx(max(elbo, low))
    assert pale.get_x() == pytest.approx(max(elbo, low))
    assert pale.get_x() + pale.get_width() == pytest.approx(-1.25)
    (rest,) = below.lines
    assert set(rest.get_xdata()) == {-1.25}
    assert texts(below) == ["← the ELBO ends further left", "log p(x)"][int(elbo > low) :]
    told = f"ELBO {elbo:.2f} + KL {kl:.2f} = log p(x) -1.25".replace("-", "−")
    assert ax.get_title() == told
    assert alt == (
        f"{told}, in nats, for q = N(1.00, 0.30²); p(z | x) has its peaks at z = −1.00 and 1.00."
    )
    legend = {
        text.get_text(): h
        for text, h in zip(ax.get_legend().get_texts(), ax.get_legend().legend_handles, strict=True)
    }
    assert list(legend) == ["p(z | x)", "q(z) = N(1.00, 0.30²)", "ELBO", "KL(q ‖ p(z | x))"]
    assert legend["ELBO"].get_facecolor() == blue.get_facecolor() != pale.get_facecolor()
    assert (ax.get_xlabel(), ax.get_ylabel(), below.get_xlabel()) == ("z", "density", "nats")
    assert ax.get_xlim() == (-4, 4)
    FigureCanvasAgg(ax.figure).draw()  # that of a bare Figure draws nothing
    boxes = [part.get_window_extent() for part in (ax.title, ax.get_legend())]
    assert boxes[0].y0 > boxes[1].y1
    labels = ax.xaxis.label.get_window_extent()
    assert below.get_window_extent().y1 < labels.y0
    assert inside(below, below.texts)


def test_bound_shows_the_whole_of_a_narrow_q_and_rests_for_a_wide_one():
    z = np.linspace(-4, 4, 81)
    tops = []
    for peak in (0.2, 1.9, 8.0):
        ax = Figure().subplots()
        plot.bound(ax, (z, np.exp(-(z**2))), (z, peak * np.exp(-(z**2))), "q", -2, 1, -1)
        tops.append(ax.get_ylim())
    assert tops == [(0, 2.1), (0, 2.1), (0, pytest.approx(8.4))]


def pieces(ax, columns, gap=0, H=28, W=28):
    """Cut what `sheet` drew into pictures again: (N, H, W), row by row."""
    (image,) = ax.images
    grid = np.asarray(image.get_array())
    rows, width = (grid.shape[0] + gap) // (H + gap), columns * (W + gap) - gap
    assert grid.shape == (rows * (H + gap) - gap, width)
    corners = [(y * (H + gap), x * (W + gap)) for y in range(rows) for x in range(columns)]
    return np.stack([grid[y : y + H, x : x + W] for y, x in corners])


@pytest.mark.parametrize(("N", "columns", "gap"), [(6, 3, 0), (6, 6, 2), (5, 2, 1), (1, 1, 0)])
def test_sheet_puts_each_picture_at_its_place(N, columns, gap):
    pictures = np.random.default_rng(0).random((N, 1, 3, 4))
    ax = Figure().subplots()
    plot.sheet(ax, pictures, columns, gap)
    found = pieces(ax, columns, gap, 3, 4)
    assert found[:N].tolist() == pictures[:, 0].tolist()
    assert not found[N:].any()
    (image,) = ax.images
    inked = sum(picture.sum() for picture in pictures)
    assert image.get_array().sum() == pytest.approx(inked)  # nothing in the gaps
    assert image.get_clim() == (0, 1)  # whatever the pixels are
    assert sum(image.cmap(0.0)[:3]) == 3
    assert sum(image.cmap(1.0)[:3]) == 0
    assert ax.get_xticks().tolist() == [1.5 + x * (4 + gap) for x in range(columns)]
    assert ax.get_yticks().tolist() == [1 + y * (3 + gap) for y in range(-(-N // columns))]
    assert not any(label.get_text() for label in ax.get_xticklabels() + ax.get_yticklabels())


def test_rows_stand_beside_their_names():
    made = np.random.default_rng(0).random((2, 5, 1, 28, 28))
    plot.rows({"originals": made[0], "β = 4": made[1]})
    ax = plt.gca()
    gap = np.asarray(ax.images[0].get_array()).shape[0] - 56
    assert pieces(ax, 5, gap).tolist() == made.reshape(10, 28, 28).tolist()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["originals", "β = 4"]
    plt.close()


CLASSES = np.array([0, 5, 5, 9, 0, 9, 5])
CODES = np.array([[1, 2], [-1, 0.5], [-2, 0.7], [0, -3], [2, 2.4], [0.5, -2], [-3, 0.6]])


def test_latent_map_draws_each_class_in_a_look_of_its_own():
    labels = np.arange(40) % 10
    codes = np.random.default_rng(0).normal(size=(40, 2))
    ax = Figure(figsize=(6, 5)).subplots()
    alt = plot.latent_map(ax, codes, labels, data.FASHION)
    for i, line in enumerate(ax.lines):
        assert line.get_xydata().tolist() == codes[labels == i].tolist()
        assert line.get_linestyle() == "None"
    assert len({to_hex(line.get_color()) for line in ax.lines}) == 10
    shapes = [line.get_marker() for line in ax.lines]
    for alike in ((2, 5, 3, 8), (0, 4), (1, 8), (6, 7)):  # in hue, to those who see two hues
        assert len({shapes[i] for i in alike}) == len(alike)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == data.FASHION
    FigureCanvasAgg(ax.figure).draw()
    assert ax.get_legend().get_window_extent().x0 > ax.get_window_extent().x1
    assert ax.get_aspect() == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_1$", "$z_2$")
    assert alt.startswith("Mean codes of 40 pictures by class: T-shirt/top (")


def test_latent_map_tells_the_mean_code_of_each_class_there_is():
    ax = Figure().subplots()
    alt = plot.latent_map(ax, CODES, CLASSES, data.FASHION)
    assert alt == (
        "Mean codes of 7 pictures by class: T-shirt/top (1.5, 2.2), Sandal (−2.0, 0.6), "
        "Ankle boot (0.2, −2.5)."
    )
    assert [line.get_label() for line in ax.lines] == ["T-shirt/top", "Sandal", "Ankle boot"]


def test_latent_shows_the_cross_the_ring_and_who_is_near():
    pictures = np.random.default_rng(0).random((7, 1, 28, 28))
    decoded = np.random.default_rng(1).random((1, 28, 28))
    ax = Figure(figsize=(9.6, 4)).subplots()
    z, near = np.array([-1.24, 0.6]), [1, 2, 6, 0, 4]
    alt = plot.latent(ax, CODES, CLASSES, data.FASHION, pictures, z, decoded, 3, near)
    plane, left, right, row = ax.child_axes
    assert not ax.axison
    assert plane.get_xlim() == plane.get_ylim() == pytest.approx((-3.675, 3.675))
    others = Figure().subplots()
    told = plot.latent_map(others, CODES, CLASSES, data.FASHION)
    for line, other in zip(plane.lines, others.lines, strict=False):
        assert line.get_xydata().tolist() == other.get_xydata().tolist()
    marks = [(line.get_marker(), line.get_xydata().tolist()) for line in plane.lines[3:]]
    assert marks == [("o", [[0, -3]]), ("+", [[-1.24, 0.6]])] * 2
    assert [line.get_markeredgecolor() for line in plane.lines[3:]] == ["white"] * 2 + ["black"] * 2
    assert pieces(left, 1).tolist() == decoded.tolist()
    assert pieces(right, 1).tolist() == pictures[3].tolist()
    assert pieces(row, 5, 4).tolist() == pictures[near, 0].tolist()
    assert left.get_title() == "decoded at the cross\n(−1.2, 0.6)"
    assert right.get_title() == "picture 3, ringed\nAnkle boot"
    names = ["1\nSandal", "2\nSandal", "6\nSandal", "0\nT-shirt\ntop", "4\nT-shirt\ntop"]
    assert [label.get_text() for label in row.get_xticklabels()] == names
    assert alt == (
        "The cross is at (−1.2, 0.6); nearest are the codes of pictures 1 Sandal, 2 Sandal, "
        "6 Sandal, 0 T-shirt/top, 4 T-shirt/top. Picture 3, Ankle boot, has its code at "
        f"(0.0, −3.0). {told}"
    )
    FigureCanvasAgg(ax.figure).draw()
    assert apart(row.get_xticklabels())
    assert apart([left.title, right.title])
    assert plane.get_legend().get_window_extent().x1 < left.get_window_extent().x0
    assert row.title.get_window_extent().y1 < left.get_window_extent().y0


@pytest.mark.parametrize(("path", "t"), [("linear", 0.25), ("spherical", 1.0), ("linear", 0.05)])
def test_interpolation_shows_the_walk_and_its_length(path, t):
    made = np.random.default_rng(0).random((12, 1, 28, 28))
    ends, row, now = [(7, made[0]), (1234, made[1])], made[2:11], made[11]
    steps = np.linspace(0, 1, 41)
    lengths = {"linear": 4 - 2 * steps, "spherical": 3 + steps**2}
    ax = Figure(figsize=(9.6, 4)).subplots()
    alt = plot.interpolation(ax, ends, row, now, t, path, lengths, 9)
    top, big, chart = ax.child_axes
    assert not ax.axison
    assert pieces(top, 11, 3).tolist() == [
        made[0, 0].tolist(),
        *row[:, 0].tolist(),
        made[1, 0].tolist(),
    ]
    assert pieces(big, 1).tolist() == now.tolist()
    labels = [label.get_text() for label in top.get_xticklabels()]
    assert (labels[0], labels[-1]) == ("picture 7", "picture 1234")
    assert [float(label) for label in labels[1:-1]] == [i / 8 for i in range(9)]
    assert path in top.get_title()
    assert big.get_title() == f"$t$ = {t:.2f}"
    curves = {line.get_label(): line for line in chart.lines if line.get_label()[0] != "_"}
    assert list(curves) == ["linear", "spherical", "$\\sqrt{K}$ = 3.00"]
    for name, values in lengths.items():
        assert curves[name].get_xydata() == pytest.approx(np.stack([steps, values], 1))
    assert set(curves["$\\sqrt{K}$ = 3.00"].get_ydata()) == {3}
    assert curves["$\\sqrt{K}$ = 3.00"].get_linestyle() == "--"
    (dot,) = [line for line in chart.lines if line.get_marker() == "o"]
    here = {"linear": 4 - 2 * t, "spherical": 3 + t**2}[path]
    assert dot.get_xydata() == pytest.approx(np.array([[t, here]]))
    assert dot.get_color() == curves[path].get_color()
    assert (chart.get_xlabel(), chart.get_ylabel()) == ("$t$", "length ‖$z$‖")
    assert chart.get_ylim()[0] == 0
    off = [np.abs(now - end).mean() for end in made[:2]]
    assert alt == (
        f"From picture 7 to picture 1234, {path}, t = {t:.2f}: the code is {here:.2f} long, and "
        f"its picture differs from picture 7 by {off[0]:.3f} a pixel, from picture 1234 by "
        f"{off[1]:.3f}. Length of the code: linear 4.00 at the start, 3.00 half-way, 2.00 at the "
        "end; spherical 3.00 at the start, 3.25 half-way, 4.00 at the end; √K = 3.00."
    )
    FigureCanvasAgg(ax.figure).draw()
    assert apart(top.get_xticklabels())
    assert top.xaxis.get_tightbbox().y0 > big.title.get_window_extent().y1


RATES = {0.1: (47.4, 225.9), 1: (15.5, 238.2), 4.0: (6.5, 255.2), 20.0: (0.0, 295.2)}


@pytest.mark.parametrize("chosen", RATES)
def test_rate_distortion_joins_the_points_and_rings_the_chosen_one(chosen):
    ax = Figure(figsize=(3.5, 3)).subplots()
    alt = plot.rate_distortion(ax, RATES, chosen)
    curve, ring = ax.lines
    assert curve.get_xydata().tolist() == [list(place) for place in RATES.values()]
    assert curve.get_linestyle() == "-"
    assert ring.get_xydata().tolist() == [list(RATES[chosen])]
    assert ring.get_markersize() > 2 * curve.get_markersize()
    names = [f"β = {beta:g}" for beta in RATES]
    assert {text.get_text(): text.xy for text in ax.texts} == dict(
        zip(names, RATES.values(), strict=True)
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        *("rate, nats a picture", "distortion, nats a picture"),
    )
    rate, distortion = RATES[chosen]
    here = f"β = {chosen:g}: rate {rate}, distortion {distortion}"
    assert ax.get_title() == here
    assert alt == (
        f"{here} nats a picture, of β = 0.1: 47.4, 225.9; β = 1: 15.5, 238.2; "
        "β = 4: 6.5, 255.2; β = 20: 0.0, 295.2."
    )
    FigureCanvasAgg(ax.figure).draw()
    assert inside(ax, ax.texts)


def test_beta_has_a_row_of_each_kind_beside_the_curve():
    made = np.random.default_rng(0).random((3, 6, 1, 28, 28))
    ax = Figure(figsize=(9.6, 3.6)).subplots()
    alt = plot.beta(ax, *made, RATES, 4.0)
    rows, curve = ax.child_axes
    assert not ax.axison
    assert pieces(rows, 6, 4).tolist() == made.reshape(18, 28, 28).tolist()
    names = ["originals", "decoded\nfrom their μ", "decoded from\nN(0, I)"]
    assert [label.get_text() for label in rows.get_yticklabels()] == names
    told = plot.rate_distortion(Figure().subplots(), RATES, 4.0)
    assert curve.get_title() == told.split(" nats")[0]
    error = np.abs(made[1] - made[0]).mean()
    assert alt == (
        f"{told} The reconstructions shown differ from the originals by {error:.3f} a pixel."
    )


PATH = np.array([[3.0, 0.0, 0.0], [3.0, 0.08, -0.15], [2.5, 0.08, -0.15], [-1.25, 0.5, -1.75]])


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("n", [1, 3, 4])
def test_game_draws_both_sides_and_the_path_of_both(n):
    ax = Figure(figsize=(9.6, 3.6)).subplots()
    path = PATH[:n]
    theta, a, b = path[-1]
    alt = plot.game(ax, path, -1.2341, -0.5)
    assert not ax.axison
    left, right = ax.child_axes
    made, logistic, best = left.lines
    x = made.get_xdata()
    assert (x[0], x[-1]) == left.get_xlim() == (-7, 7)

    def density(mean):
        at = torch.distributions.Normal(mean, 1.0)
        return at.log_prob(torch.tensor(x)).exp().numpy()

    (real,) = left.collections
    top = {place: y for place, y in real.get_paths()[0].vertices if y}
    assert top == pytest.approx({u: y for u, y in zip(x, density(0.0), strict=True) if y})
    assert made.get_ydata() == pytest.approx(density(theta))
    assert logistic.get_ydata() == pytest.approx(torch.sigmoid(torch.tensor(a + b * x)).numpy())
    logit = torch.tensor(theta**2 / 2 - theta * x)
    assert best.get_ydata() == pytest.approx(torch.sigmoid(logit).numpy())
    assert [line.get_linestyle() for line in left.lines] == ["-", "-", "--"]
    assert left.get_ylim() == (0, 1.03)
    assert legend(left) == ["real, p = N(0, 1)", "made, q = N(θ, 1)", "D(x)", "best D, p/(p + q)"]
    curves = dict(zip(legend(right), right.lines, strict=True))
    assert list(curves) == ["path so far", "now", "D at its best", "both at rest"]
    assert curves["path so far"].get_xydata().tolist() == path[:, [0, 2]].tolist()
    assert curves["now"].get_xydata().tolist() == [[theta, b]]
    assert [tuple(place) for place in curves["D at its best"].get_xydata()] == [(-5, 5), (5, -5)]
    assert curves["both at rest"].get_xydata().tolist() == [[0, 0]]
    low, high = right.get_xlim()
    assert -low == high > 4
    assert right.get_ylim() == pytest.approx((-2.0125, 2.0125) if n == 4 else (-1.15, 1.15))
    told = f"V(D, G) = −1.234; with the best D 2·JSD − log 4 = −0.500; θ = {theta:.2f}"
    told = told.replace("-", "−")
    assert ax.get_title() == told
    more = f"D has a = {a:.2f}, b = {b:z.2f}, the best D a = {theta**2 / 2:.2f}, b = {-theta:.2f}"
    assert alt == f"{told}; {more.replace('-', '−')}; {n - 1} steps so far."
    FigureCanvasAgg(ax.figure).draw()
    assert left.get_tightbbox().x1 < right.get_tightbbox().x0
    for part in (left, right):
        assert part.get_legend().get_window_extent().y1 < ax.title.get_window_extent().y0
        assert part.get_window_extent().y1 < part.get_legend().get_window_extent().y0


def test_game_writes_no_minus_before_a_nought():
    alt = plot.game(Figure().subplots(), np.array([[-0.001, -0.001, -0.001]]), -1.386, -1.386)
    assert "−0.00" not in alt


def clusters(counts, further=0.0):
    """Return so many points at each of the eight centres, all of them `further` out than these."""
    places = gan.ring_centres().repeat_interleave(torch.tensor(counts), 0)
    return places * (1 + further / 2)


def marked(ax):
    """Return the numbers of the centres in circles and of those in diamonds, counting from 0°."""
    found = {}
    for line in ax.lines[:2]:
        assert np.hypot(*line.get_xydata().T) == pytest.approx(2)
        angles = np.arctan2(line.get_ydata(), line.get_xdata())
        found[line.get_marker()] = sorted(int(k) % 8 for k in np.round(angles / (np.pi / 4)))
    return found


@pytest.mark.parametrize(
    ("counts", "covered"),
    [
        ([30, 0, 25, 24, 0, 100, 0, 0], [0, 2, 5]),
        ([25] * 8, list(range(8))),
        ([24] * 8, []),
        ([0, 0, 0, 0, 0, 0, 0, 40], [7]),
    ],
)
def test_ring_marks_what_is_covered_and_what_is_not(counts, covered):
    ax = Figure(figsize=(5, 4.6)).subplots()
    points = clusters(counts, 0.05)  # within 3σ = 0.06
    alt = plot.ring_points(ax, points)
    lost = [k for k in range(8) if k not in covered]
    assert marked(ax) == {"o": covered, "D": lost}
    share = np.array(counts) / sum(counts)
    kl = sum(s * np.log(8 * s) for s in share if s)
    told = f"{len(covered)} of 8 modes, 100.0% good, KL {kl:z.2f} nats"
    assert ax.get_title() == told
    where = ", ".join(f"{45 * k}°" for k in lost)
    where = f"; not covered are those at {where}" if lost else ""
    assert alt == f"{sum(counts):,} points over the ring of eight modes: {told}{where}."
    assert legend(ax) == ["covered", "not covered"]
    assert ax.get_aspect() == 1
    assert ax.get_xlim() == ax.get_ylim() == (-3.2, 3.2)
    circles, diamonds, dots = ax.lines
    assert {line.get_markerfacecolor() for line in (circles, diamonds)} == {"none"}
    assert circles.get_markeredgecolor() != diamonds.get_markeredgecolor()
    np.testing.assert_array_equal(dots.get_xydata(), points)
    assert dots.get_linestyle() == "None"


@pytest.mark.parametrize("scale", [1, 0.35])
def test_points_that_sit_on_a_centre_are_seen_inside_its_mark(scale):
    figure = Figure(figsize=(4 * scale, 4 * scale), dpi=80)
    ax = figure.add_axes((0, 0, 1, 1))
    counts = [100, 10, 0, 0, 100, 0, 0, 0]
    plot._modes(ax, clusters(counts), scale)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    red = np.asarray(canvas.buffer_rgba())[::-1, :, 0]
    *marks, dots = ax.lines
    assert min(mark.get_markersize() for mark in marks) > 2 * dots.get_markersize()
    places = np.floor(ax.transData.transform(gan.ring_centres().numpy())).astype(int)
    dark = [bool((red[y - 1 : y + 2, x - 1 : x + 2] < 110).any()) for x, y in places]
    assert dark == [n > 0 for n in counts]


def test_ring_counts_what_is_bad_outside_or_no_number():
    points = torch.cat([clusters([30] * 8), torch.zeros(40, 2), torch.full((20, 2), 4.0)])
    points[-1] = torch.tensor([float("nan"), 0.0])
    points[-2] = torch.tensor([0.0, float("-inf")])
    points[-3] = torch.tensor([0.0, -3.3])
    points[-4] = torch.tensor([3.1, -3.1])  # in the corner, and seen
    ax = Figure(figsize=(5, 4.6)).subplots()
    alt = plot.ring_points(ax, points)
    told = "8 of 8 modes, 80.0% good, KL 0.00 nats, 19 outside"
    assert ax.get_title() == told
    assert alt == f"300 points over the ring of eight modes: {told}."
    assert "<img" in plot.to_html(alt, ax.figure)


def test_ring_of_no_good_point_has_no_divergence():
    ax = Figure().subplots()
    alt = plot.ring_points(ax, torch.full((1200, 2), float("nan")))
    told = "0 of 8 modes, 0.0% good, KL undefined, 1,200 outside"
    assert ax.get_title() == told
    assert alt.startswith(f"1,200 points over the ring of eight modes: {told}; not covered are ")
    assert "nan" not in alt
    assert marked(ax) == {"o": [], "D": list(range(8))}
    assert "<img" in plot.to_html(alt, ax.figure)


FILMS = {
    "non-saturating": {2000: clusters([100] * 3 + [0] * 5), 0: torch.zeros(100, 2)},
    "with the gradient penalty": {0: clusters([80, *[0] * 7]), 2000: clusters([40] * 8)},
}


@pytest.fixture
def filmed(monkeypatch):
    """Show films; return the axes by row and column, and the text alternative."""

    def showing(*arguments):
        kept = []
        monkeypatch.setattr(plot, "show", lambda alt: kept.append((plt.gcf(), alt)))
        plot.film(*arguments)
        ((figure, alt),) = kept
        plt.close(figure)
        columns = figure.axes[0].get_subplotspec().get_gridspec().ncols
        return np.array(figure.axes).reshape(-1, columns), alt

    return showing


@pytest.mark.parametrize("steps", [None, [2000], [2000, 0]])
def test_film_has_a_row_for_each_recipe_and_a_column_for_each_step(filmed, steps):
    axes, alt = filmed(FILMS, steps) if steps else filmed(FILMS)
    columns = steps or [0, 2000]
    assert axes.shape == (2, len(columns))
    covered = {("non-saturating", 0): 0, ("non-saturating", 2000): 3}
    covered |= {("with the gradient penalty", 0): 1, ("with the gradient penalty", 2000): 8}
    told = []
    for row, (name, film) in zip(axes, FILMS.items(), strict=True):
        for ax, step in zip(row, columns, strict=True):
            modes = covered[name, step]
            np.testing.assert_array_equal(ax.lines[2].get_xydata(), film[step])
            assert len(marked(ax)["o"]) == modes
            assert ax.get_xlabel() == f"{modes} of 8"
            assert ax.get_title() == (f"step {step:,}" if name == "non-saturating" else "")
            assert ax.get_legend() is None
            assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
            assert ax.get_aspect() == 1
        found = ", ".join(f"{covered[name, s]} of 8 modes at step {s:,}" for s in columns)
        told.append(f"{name}: {found}")
    names = [row[0].get_ylabel() for row in axes]
    assert names == ["non-saturating", "with the\ngradient\npenalty"]
    assert not any(ax.get_ylabel() for ax in axes[:, 1:].flat)
    assert alt == f"Points over the ring of eight modes. {'; '.join(told)}."
    FigureCanvasAgg(axes[0, 0].figure).draw()
    assert apart([ax.title for ax in axes[0]])
    for ax in axes[:, 0]:
        assert ax.yaxis.label.get_window_extent().x1 < ax.get_window_extent().x0
    above, below = axes[:, 0]
    assert above.xaxis.label.get_window_extent().y0 > below.get_window_extent().y1


def test_film_is_shown_with_its_words(monkeypatch):
    shown = []
    monkeypatch.setattr(plot, "display", lambda bundle, raw: shown.append(bundle))
    plot.film(FILMS)
    (bundle,) = shown
    assert bundle["text/plain"].startswith("Points over the ring of eight modes. non-saturating: 0")
    assert bundle["text/html"].startswith("<img alt=")


def test_films_of_other_steps_are_refused():
    assert plot.film_steps(FILMS) == [0, 2000]
    odd = {**FILMS, "hinge": {0: torch.zeros(9, 2), 30: torch.zeros(9, 2)}}
    match = r"the films 'non-saturating' and 'hinge' differ in steps \[30, 2000\]: give all the"
    for refuse in (plot.film_steps, plot.film):
        with pytest.raises(ValueError, match=match):
            refuse(odd)
        with pytest.raises(ValueError, match="no films: give at least one"):
            refuse({})
    match = r"the films have no steps \[5, 7\]: choose of \[0, 2000\]"
    with pytest.raises(ValueError, match=match):
        plot.film(FILMS, [0, 5, 7])


MEASURES = {
    "Fréchet distance": (1234.567, -0.001, "0"),
    "precision": (0.5, 0.98, "1"),
    "copied": (-0.25, 0.5, "½"),
}


def test_clouds_draws_both_beside_a_table():
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(40, 2)), rng.normal(size=(7, 2))
    ax = Figure(figsize=(9.6, 4)).subplots()
    alt = plot.clouds(ax, real, made, MEASURES)
    assert not ax.axison
    plane, table = ax.child_axes
    below, above = plane.lines
    assert below.get_xydata().tolist() == real.tolist()
    assert above.get_xydata().tolist() == made.tolist()
    assert [line.get_marker() for line in plane.lines] == ["o", "x"]
    assert legend(plane) == ["40 real", "7 made"]
    assert plane.get_aspect() == 1
    assert not table.axison
    rows = [texts(table)[i : i + 4] for i in range(0, 16, 4)]
    assert rows == [
        ["", "made", "new real", "best"],
        ["Fréchet distance", "1,234.57", "0.00", "0"],
        ["precision", "0.50", "0.98", "1"],
        ["copied", "−0.25", "0.50", "½"],
    ]
    assert alt == (
        "40 real and 7 made points: Fréchet distance 1,234.57 (new real points 0.00, best 0); "
        "precision 0.50 (new real points 0.98, best 1); "
        "copied −0.25 (new real points 0.50, best ½)."
    )
    FigureCanvasAgg(ax.figure).draw()
    for i in range(4, 16, 4):
        assert apart(table.texts[i : i + 4])
    assert apart(table.texts[1:4])
    assert plane.get_tightbbox().x1 < table.texts[4].get_window_extent().x0
    heights = [table.texts[i].get_window_extent() for i in range(1, 16, 4)]
    assert all(a.y0 > b.y1 for a, b in pairwise(heights))
    colors = {to_hex(table.texts[i].get_color()) for i in (1, 5, 9, 13)}
    assert colors == {to_hex(above.get_color())} != {to_hex(table.texts[6].get_color())}


BOUNDS = {0.5: (0.9, 0.2, 30.0), 2.0: (0.8, 0.6, 8.25), np.inf: (0.7, 0.75, 10.0)}


@pytest.mark.parametrize(
    ("chosen", "at", "name"), [(0.5, 0, "0.5"), (2.0, 1, "2"), (np.inf, 2, "∞")]
)
def test_truncation_rings_the_chosen_bound_beside_its_pictures(chosen, at, name):
    made = np.random.default_rng(0).random((12, 1, 28, 28))
    ax = Figure(figsize=(9.6, 4)).subplots()
    alt = plot.truncation(ax, made, BOUNDS, chosen)
    sheet, shares, distance = ax.child_axes
    assert pieces(sheet, 4, 3).tolist() == made[:, 0].tolist()
    precision, ring_p, recall, ring_r = shares.lines
    frechet, ring_d = distance.lines
    for k, (curve, ring) in enumerate(((precision, ring_p), (recall, ring_r), (frechet, ring_d))):
        values = [point[k] for point in BOUNDS.values()]
        assert curve.get_xydata().tolist() == [[i, y] for i, y in enumerate(values)]
        assert ring.get_xydata().tolist() == [[at, values[at]]]
        assert ring.get_markerfacecolor() == "none"
    assert legend(shares) == ["precision", "recall"]
    handles = shares.get_legend().legend_handles
    assert [h.get_color() for h in handles] == [precision.get_color(), recall.get_color()]
    assert [label.get_text() for label in distance.get_xticklabels()] == ["0.5", "2", "∞"]
    assert list(distance.get_xticks()) == list(shares.get_xticks()) == [0, 1, 2]
    assert distance.get_ylabel() == "Fréchet distance"
    assert shares.get_ylim()[0] < 0 < 1 < shares.get_ylim()[1]
    assert distance.get_ylim()[0] < 0 < 30 < distance.get_ylim()[1]
    lines = [
        "t = 0.5: precision 0.90, recall 0.20, Fréchet distance 30",
        "t = 2: precision 0.80, recall 0.60, Fréchet distance 8.25",
        "t = ∞: precision 0.70, recall 0.75, Fréchet distance 10",
    ]
    assert lines[at].startswith(f"t = {name}: ")
    assert ax.get_title() == lines[at]
    assert alt == (f"{lines[at]}; 12 of the pictures are shown. Of all bounds, {'; '.join(lines)}.")
    FigureCanvasAgg(ax.figure).draw()
    assert sheet.get_tightbbox().x1 < distance.get_tightbbox().x0
    assert shares.get_window_extent().y0 > distance.get_window_extent().y1
    assert shares.get_legend().get_window_extent().y1 < ax.title.get_window_extent().y0


@pytest.mark.parametrize("n", [0, 1, 3, 5, 6, 20])
def test_pairs_stand_side_by_side_each_under_its_head(n):
    pictures = np.random.default_rng(0).random((n, 2, 1, 28, 28))
    heads = [f"{i + 1}: real is right" for i in range(n)]
    ax = Figure(figsize=(7, 3.6)).subplots()
    plot.pairs(ax, pictures, heads)
    assert not ax.axison
    parts = ax.child_axes
    assert [part.get_title() for part in parts] == heads
    for part, pair in zip(parts, pictures, strict=True):
        assert pieces(part, 2, 4).tolist() == pair[:, 0].tolist()
    FigureCanvasAgg(ax.figure).draw()
    frame = ax.get_window_extent()
    boxes = [part.get_window_extent() for part in parts]
    for row in range(0, n, 5):
        line = boxes[row : row + 5]
        assert all(a.x1 < b.x0 for a, b in pairwise(line))
        assert {round(box.y1) for box in line} == {round(line[0].y1)}
        assert apart([part.title for part in parts[row : row + 5]])
        if row:
            assert boxes[row - 5].y0 > parts[row].title.get_window_extent().y1
    for box in boxes:
        assert frame.x0 - 1 <= box.x0
        assert box.x1 <= frame.x1 + 1
        assert frame.y0 - 1 <= box.y0
        assert (frame.y1 - box.y1) / frame.height % (1 / -(-n // 5)) == pytest.approx(0.1)
        assert box.width * 80 / ax.figure.dpi >= 60  # a dot at least for each pixel
    for part in parts:
        assert part.title.get_window_extent().y1 <= frame.y1


SCORES = {"WGAN-GP": (8.1, -1.0, 9.0), "VAE, β = 1": (30.0, 30.0, 30.0), "GAN": (12.3456, 10, 15)}


@pytest.fixture
def boarded(monkeypatch):
    """Show a board; return its axes and the text alternative."""

    def showing(*arguments):
        kept = []
        monkeypatch.setattr(plot, "show", lambda alt: kept.append((plt.gcf(), alt)))
        plot.board(*arguments)
        ((figure, alt),) = kept
        plt.close(figure)
        return figure.axes[0], alt

    return showing


@pytest.mark.parametrize(
    ("better", "order"), [("lower", ["WGAN-GP", "GAN", "VAE, β = 1"]), ("higher", None)]
)
def test_board_has_the_best_model_at_the_top(boarded, better, order):
    order = order or ["VAE, β = 1", "GAN", "WGAN-GP"]
    ax, alt = boarded(SCORES, "Fréchet distance", better)
    FigureCanvasAgg(ax.figure).draw()
    heights = {label.get_text(): label.get_window_extent().y0 for label in ax.get_yticklabels()}
    assert sorted(heights, key=heights.get, reverse=True) == order
    (dots,) = ax.lines
    assert list(dots.get_xdata()) == [SCORES[name][0] for name in order]
    assert list(dots.get_ydata(orig=False)) == [0, 1, 2]
    (lines,) = ax.collections
    ends = [segment[:, 0].tolist() for segment in lines.get_segments()]
    assert ends == [list(SCORES[name][1:]) for name in order]
    assert [segment[:, 1].tolist() for segment in lines.get_segments()] == [
        [i, i] for i in range(3)
    ]
    assert ax.get_xlabel() == f"Fréchet distance, {better} is better"
    told = {
        "WGAN-GP": "WGAN-GP 8.1 (−1 to 9)",
        "VAE, β = 1": "VAE, β = 1 30 (30 to 30)",
        "GAN": "GAN 12.35 (10 to 15)",
    }
    told = "; ".join(told[name] for name in order)
    assert alt == f"Fréchet distance, {better} is better, the best first: {told}."


def test_board_is_shown_with_its_words(monkeypatch):
    shown = []
    monkeypatch.setattr(plot, "display", lambda bundle, raw: shown.append(bundle))
    plot.board({"one": (1, 1, 1)}, "recall", "higher")
    (bundle,) = shown
    assert bundle["text/plain"] == "recall, higher is better, the best first: one 1 (1 to 1)."
    assert bundle["text/html"].startswith("<img alt=")


def test_board_refuses_what_is_no_interval_and_no_direction():
    for row in ((3, 4, 5), (3, 1, 2), (float("nan"), 1, 2), (1, float("nan"), 2)):
        with pytest.raises(ValueError, match=r"B: the mean .+ is not from .+: mend its row"):
            plot.board({"A": (1, 1, 1), "B": row}, "recall", "higher")
    with pytest.raises(ValueError, match="1 rows, 'up' is better: give some, 'lower' or 'higher'"):
        plot.board({"A": (1, 1, 1)}, "recall", "up")
    with pytest.raises(ValueError, match="0 rows, 'lower' is better: give some"):
        plot.board({}, "recall", "lower")
