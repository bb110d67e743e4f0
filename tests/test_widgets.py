"""A control that moves changes the picture; the picture remains without a kernel."""

import ipywidgets
import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from aigc_lib import tokenizers, widgets
from aigc_lib.ngram import NGram


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
    ],
    ids=["descent", "graph"],
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


def test_sampler_writes_what_the_model_of_that_order_draws(rhyme):
    tokenizer, models = rhyme
    explorer = widgets.sampler(models, tokenizer, "to ", 30)
    seen = set()
    for order in models:
        for temperature in (0.5, 1.0):
            for seed in (0, 1):
                settings = {"order": order, "temperature": temperature, "seed": seed}
                for name, value in settings.items():
                    explorer.controls[name].value = value
                generator = torch.Generator().manual_seed(seed)
                ids = models[order].sample(30, generator, tokenizer.encode("to "), temperature)
                assert explorer.alt.endswith(f"\n{tokenizer.decode(ids)}")
                assert explorer.alt.startswith(f"order {order}, temperature {temperature}\n")
                seen.add(explorer.alt)
    assert len(seen) == 12


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
