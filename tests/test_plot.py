"""Pictures carry their text alternative and show what they were given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from aigc_lib import plot
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


@pytest.mark.parametrize(("end", "verdict"), [(0.5, "loss 1 → 0.25"), (2.0, "diverges 1 → 4")])
def test_descent_tells_whether_the_loss_fell(end, verdict):
    _, ax = plt.subplots()
    alt = plot.descent(ax, np.array([[1.0, 0.0], [end, 0.0]]), (2.0, 3.0))
    assert verdict in alt
    assert verdict in ax.get_title()
    plt.close()
