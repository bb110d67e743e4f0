"""Things to touch: controls above a picture. Where no kernel runs, the picture alone remains."""

import html
import math
import textwrap
from collections.abc import Callable
from itertools import islice
from unicodedata import east_asian_width

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch.nn import functional as F

from aigc_lib import data, metrics, optim, plot
from aigc_lib.backprop import Value, descend
from aigc_lib.bpe import BPE, check_text, each_merge, readable
from aigc_lib.gan import GAN
from aigc_lib.gpt import GPT, check_vocabulary
from aigc_lib.ngram import NGram
from aigc_lib.rnn import LSTM, LanguageModel
from aigc_lib.sampling import beam_search, generate, top_k, top_p, with_temperature
from aigc_lib.tokenizers import Tokenizer
from aigc_lib.transformer import angles
from aigc_lib.vae import VAE, log_normal, slerp


class Explorer:
    """Controls above a picture that is drawn anew whenever one of them moves.

    `draw(ax, **values)` draws on a matplotlib `Axes`, given the value of each control by name, and
    returns the picture's text alternative. Without a `figsize` there is no picture: the text that
    `draw(**values)` returns is shown itself. Only what ipywidgets 7.7 and 8 share is used, and the
    picture is an `HTML` widget, so that the same lesson runs in JupyterLab and in Colab.
    """

    def __init__(
        self,
        draw: Callable[..., str],
        figsize: tuple[float, float] | None,
        **controls: ipywidgets.Widget,
    ):
        self.draw, self.figsize, self.controls = draw, figsize, controls
        self.picture = ipywidgets.HTML()
        self.box = ipywidgets.VBox([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self.redraw, names="value")
        self.redraw()

    def redraw(self, change=None) -> None:
        """Draw the picture from the present values of the controls."""
        values = {name: control.value for name, control in self.controls.items()}
        if self.figsize is None:
            self.alt = self.draw(**values)
            self.picture.value = f'<pre style="line-height: 1.3">{html.escape(self.alt)}</pre>'
            return
        figure = Figure(figsize=self.figsize)  # not pyplot's, which a kernel shows when it likes
        self.alt = self.draw(figure.subplots(), **values)
        self.picture.value = plot.to_html(self.alt, figure)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": self.picture.value,
            "text/plain": self.alt,
        }


def graph_explorer(f: Callable[..., Value], fixed: dict[str, float], **inputs: float) -> Explorer:
    """Sliders for `inputs`; the picture is the graph of f(**inputs, **fixed) with its gradients."""

    def draw(ax, **values):
        leaves = {name: Value(x, label=name) for name, x in {**values, **fixed}.items()}
        root = f(**leaves)
        root.label = "L"
        root.backward()
        return plot.graph(ax, root)

    sliders = {name: _slider(name, x, -10, 10, 0.25) for name, x in inputs.items()}
    return Explorer(draw, (9, 4.2), **sliders)


def descent_explorer(curvatures: tuple[float, float] = (1.0, 10.0), steps: int = 40) -> Explorer:
    """Learning rate and momentum of gradient descent over the bowl L(w) = ½(c1 w1² + c2 w2²)."""

    def draw(ax, lr, momentum):
        path = descend(lambda w: w * curvatures, (-4.0, 2.0), lr, momentum, steps)
        return plot.descent(ax, path, curvatures)

    lr = _slider("learning rate", 0.18, 0.01, 0.4, 0.01)
    return Explorer(draw, (6.5, 4), lr=lr, momentum=_slider("momentum", 0.0, 0.0, 0.95, 0.05))


RULES = {
    "SGD": lambda w, lr: optim.SGD([w], lr),
    "momentum 0.9": lambda w, lr: optim.SGD([w], lr, momentum=0.9),
    "RMSProp": lambda w, lr: optim.RMSProp([w], lr),
    "Adam": lambda w, lr: optim.Adam([w], lr),
}


def rule_path(rule: str, lr: float, curvatures: tuple[float, float], steps: int) -> np.ndarray:
    """Return the path (steps + 1, 2) of an optimiser of `RULES` from (−4, 2) down the bowl."""
    w = torch.tensor([-4.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer, path = RULES[rule](w, lr), [w.detach().numpy().copy()]
    for _ in range(steps):
        w.grad = w.detach() * torch.tensor(curvatures, dtype=torch.float64)
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def optimizer_explorer(curvatures: tuple[float, float] = (1.0, 30.0), steps: int = 60) -> Explorer:
    """Optimiser and learning rate over the bowl L(w) = ½(c1 w1² + c2 w2²), from lesson 02."""

    def draw(ax, rule, lr):
        told = plot.descent(ax, rule_path(rule, 10**lr, curvatures, steps), curvatures)
        ax.set_title(f"{rule}, learning rate {10**lr:.2g}, {ax.get_title()}")
        return f"{rule}, learning rate {10**lr:.2g}: {told}"

    rule = ipywidgets.Dropdown(options=list(RULES), value="Adam", description="optimiser")
    lr = _slider("log10 of lr", -1.0, -3.0, 0.0, 0.1)
    return Explorer(draw, (6.5, 4), rule=rule, lr=lr)


def verdict(validation: list[float], training: list[float]) -> str:
    """Return how a run ended, from its losses by epoch in nats, for ten classes.

    It diverges if validation ends worse than guessing (log 10), over-fits if that ends more than a
    tenth above its lowest, under-fits if training still loses over half a nat, else is fine.
    """
    if not validation[-1] < np.log(10):
        return "diverges"
    if validation[-1] > 1.1 * min(validation):
        return "over-fits"
    return "under-fits" if training[-1] > 0.5 else "is fine"


def curve_reader(runs: dict[str, tuple[list, list]]) -> Explorer:
    """Curves whose end is hidden until the learner has judged them, from lesson 02.

    `runs` has a name -> (validation losses, training losses), one of each an epoch.
    """

    def draw(ax, run, answer):
        validation, training = runs[run]
        ended = verdict(validation, training)
        shown = 15 if answer == "?" else len(training)
        plot.losses(ax, validation[:shown], training[:shown])
        ax.set_xlim(0, len(training))
        ax.legend(loc="upper right")
        told = {"?": "what will it do?", ended: f"right: it {ended}"}
        told = told.get(answer, f"not “{answer}”: it {ended}")
        ax.set_title(f"{run}: {told}")
        return f"Training and validation loss of {run}, {shown} epochs; {told}"

    run = ipywidgets.Dropdown(options=list(runs), description="run")
    verdicts = ["?", "under-fits", "over-fits", "diverges", "is fine"]
    answer = ipywidgets.ToggleButtons(options=verdicts, description="this run")
    return Explorer(draw, (6.5, 3.6), run=run, answer=answer)


def curve_answers(runs: dict[str, tuple[list, list]]) -> None:
    """Show the runs of `curve_reader` whole, side by side, each under its verdict."""
    figure, axes = plt.subplots(1, len(runs), figsize=(2.8 * len(runs), 2.8))
    told = [f"{run} {verdict(*losses)}" for run, losses in runs.items()]
    for ax, title, losses in zip(axes, told, runs.values(), strict=True):
        plot.losses(ax, *losses)
        ax.set_title(title)
        ax.set_ylabel("loss (nats)" if ax is axes[0] else "")
        ax.yaxis.set_minor_formatter(NullFormatter())  # its labels would run into the neighbour
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False)
    figure.subplots_adjust(bottom=0.3, wspace=0.3)
    plot.show(f"Validation and training losses, epoch by epoch: {', '.join(told)}.")


def next_explorer(model: NGram, tokenizer: Tokenizer, context: str) -> Explorer:
    """Type a context: the chain of distributions of the next character, from lesson 03."""

    def draw(ax, context):
        if told := _unseen(ax, context, tokenizer):
            return told
        ids = tokenizer.encode(context)
        known = [context[len(context) - k :] for k in range(min(model.order, len(context) + 1))]
        rows = model.backoff(ids)[: len(known) + 1]
        return plot.backoff(ax, rows.numpy(), known, tokenizer.pieces)

    text = ipywidgets.Text(value=context, description="context")
    return Explorer(draw, (7.5, 3.6), context=text)


def sampler(models: dict, tokenizer: Tokenizer, start: str, length: int) -> Explorer:
    """Model and temperature of a sample of `length` characters after `start`, from lesson 03.

    `models` has a name -> a model whose `sample` draws ids, as `NGram` and `LanguageModel` have it.
    """
    context = tokenizer.encode(start)

    def draw(model, temperature, seed):
        generator = torch.Generator().manual_seed(seed)
        ids = models[model].sample(length, generator, context, temperature)
        return f"{model}, temperature {temperature:.1f}\n{'-' * 60}\n" + tokenizer.decode(ids)

    names = list(models)
    wide = {"description_width": "100px"}
    model = ipywidgets.SelectionSlider(
        options=names, value=names[len(names) // 2], description="model", style=wide
    )
    seed = _slider("seed", 0, 0, 20, 1)
    temperature = _slider("temperature", 1.0, 0.1, 2.0, 0.1)
    for slow in (model, temperature, seed):
        slow.continuous_update = False  # a long sample is drawn once the slider rests
    return Explorer(draw, None, model=model, temperature=temperature, seed=seed)


def forget_explorer(steps: int = 60) -> Explorer:
    """Gates of an LSTM of one unit that is to keep the 1 of step 5 in a stream of noise: lesson 04.

    Its three inputs are the stream, a sign to write, at step 5, and one to forget, at a step of
    choice.
    """
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, only to be replaced
        cell = LSTM(3, 1)
    cell = cell.double().requires_grad_(False)
    cell.weight_hh_l0.zero_()
    weights = [[0, 8, 0], [0, 0, -12], [1.5, 0, 0], [0, 0, 0]]  # of i, f, g, o
    cell.weight_ih_l0[:] = torch.tensor(weights)
    noise = torch.rand(steps, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    stream = torch.stack([2 * noise - 1, torch.zeros(steps), torch.zeros(steps)], 1)
    stream[5, :2] = 1

    def draw(ax, keep, write, clear):
        cell.bias_ih_l0[:] = torch.tensor([write, keep, 0, 0])
        cell.bias_hh_l0.zero_()
        told, cells, state = stream.clone(), [], None
        told[clear, 2] = 1
        for x in told[:, None, None]:  # (1, 1, 3), a step at a time
            _, state = cell(x, state)
            cells.append(state[1].item())
        forget = torch.sigmoid(keep + told @ cell.weight_ih_l0[1])
        return plot.memory(ax, told[:, 0].numpy(), np.array(cells), forget.numpy(), 5)

    keep = _slider("forget bias", 4.0, -2.0, 8.0, 0.5)
    write = _slider("input bias", -6.0, -8.0, 0.0, 0.5)
    return Explorer(
        draw, (7, 3.4), keep=keep, write=write, clear=_slider("forget at", 45, 10, steps - 1, 1)
    )


def unit_explorer(model: LanguageModel, tokenizer: Tokenizer, text: str, unit: int) -> Explorer:
    """Type a text: it is coloured by what a unit of the layer holds after each character.

    Only its first 8 lines and 480 characters are drawn. From lesson 04.
    """

    @torch.no_grad()
    def draw(ax, text, unit):
        if not text:
            return _refuse(ax, "There is nothing to read: type something.")
        if told := _unseen(ax, text, tokenizer):
            return told
        text = "".join(text.splitlines(True)[:8])[:480]
        outputs, _ = model.layer(model.embedding(tokenizer.encode(text)[None]))
        return plot.activations(ax, text, outputs[0, :, unit].numpy())

    words = ipywidgets.Textarea(value=text, description="text", layout={"width": "90%"})
    units = _slider("unit", unit, 0, model.layer.hidden_size - 1, 1)
    return Explorer(draw, (9, 2.4), text=words, unit=units)


def position_explorer(sentence: str, C: int) -> Explorer:
    """Turn a pair of columns by the positions of the words of a sentence, from lesson 05.

    Of `C` columns each pair is a clock, which rotary and sinusoidal positions turn; a shift moves
    the whole sentence.
    """

    def draw(ax, sentence, pair, shift):
        words = sentence.split() or ["nothing"]
        turned = angles(torch.arange(shift, shift + len(words)), C)[:, pair].numpy()
        told = plot.clock(ax, words, turned)
        speed = angles(1, C)[pair].item()
        ax.set_title(f"pair {pair}: {speed:.3g} radians a position, shift {shift}")
        return f"Pair {pair}, shift {shift}. {told}"

    words = ipywidgets.Text(value=sentence, description="sentence")
    pair, shift = _slider("pair", 1, 0, C // 2 - 1, 1), _slider("shift", 0, 0, 100, 1)
    return Explorer(draw, (5, 4.4), sentence=words, pair=pair, shift=shift)


def attention_explorer(look: Callable, text: str, where: str, heads: int) -> Explorer:
    """Type a text: where a model looks as it reads, by layer and head, from lesson 05.

    `look(text)` returns a dict: name of an attention -> (weights (nh, T, S), T pieces that look, S
    pieces that are looked at); of a text that cannot be read it raises ValueError. `where` is the
    name that is shown first.
    """

    def draw(ax, text, where, head):
        try:
            weights, rows, columns = look(text)[where]
        except ValueError as error:
            return _refuse(ax, str(error))
        shown = "the mean of all heads" if head == heads else f"head {head}"
        ax.set_title(f"{where}, {shown}")
        told = plot.looks(ax, weights.mean(0) if head == heads else weights[head], rows, columns)
        return f"{where}, {shown}. {told}"

    names = ipywidgets.Dropdown(options=list(look(text)), value=where, description="attention")
    words = ipywidgets.Text(value=text, description="text")
    head = _slider("head", heads, 0, heads, 1)
    return Explorer(draw, (7.5, 4.2), text=words, where=names, head=head)


def bpe_stepper(text: str, most: int = 60) -> Explorer:
    """Byte-pair encoding of a typed text, one merge at a time, from lesson 06.

    Only the first 600 characters of the text are read.
    """

    def draw(text, merges):
        read = text[:600]
        if not read.strip():
            return "There is nothing to merge: type something."
        try:
            check_text(read)
        except ValueError as error:
            return str(error)
        made = list(islice(each_merge(read), merges))
        tokenizer = BPE([pair for pair, _ in made])
        shown = [plot.visible(readable(piece)) for piece in tokenizer.pieces]
        ids = tokenizer.encode(read).tolist()
        told = [f"{len(read.encode())} bytes, {len(made)} merges, {len(ids)} tokens"]
        if len(read) < len(text):
            told += ["only the first 600 characters are read"]
        for (a, b), n in made[-1:]:
            told += [f"the last merge: “{shown[a]}” and “{shown[b]}” stood together {n} times"]
        if len(made) < merges:
            told += ["no pair is left: each piece is one token"]
        return "\n".join([*told, "", _lines([shown[i] for i in ids], 90)])

    words = ipywidgets.Textarea(value=text, description="text", layout={"width": "90%"})
    return Explorer(draw, None, text=words, merges=_slider("merges", 0, 0, most, 1))


def token_explorer(model, tokenizer: BPE, prompt: str) -> Explorer:
    """Type a prompt: how probable the model holds what may come next, from lesson 06.

    `model` gives the logits (B, T, V) of ids (B, T) and has `longest`, as `GPT` does.
    """
    check_vocabulary(model.vocab_size, tokenizer)
    shown = [plot.visible(readable(piece)) for piece in tokenizer.pieces]
    device = next(model.parameters()).device

    @torch.no_grad()
    def draw(ax, prompt):
        try:
            ids = _prompt(prompt, tokenizer)[-model.longest :]
        except ValueError as error:
            return _refuse(ax, str(error))
        read = _read(ids, shown)
        p = model(ids[None].to(device))[0, -1].softmax(0).cpu().numpy()
        return plot.next_tokens(ax, p, shown, read)

    words = ipywidgets.Textarea(value=prompt, description="prompt", layout={"width": "90%"})
    return Explorer(draw, (7, 3.6), prompt=words)


def sampling_playground(model: GPT, tokenizer: BPE, prompt: str) -> Explorer:
    """Type a prompt: what temperature, then top-k, then top-p leave of what may come next.

    They are applied in this order, and 40 tokens that `generate` draws so stand below. From lesson
    07.
    """
    V = len(check_vocabulary(model.vocab_size, tokenizer))
    shown = [plot.visible(readable(piece)) for piece in tokenizer.pieces]
    device, most = model.wte.weight.device, model.longest - 40

    @torch.no_grad()
    def draw(ax, prompt, temperature, k, p, seed):
        def rule(logits, ids):
            return top_p(top_k(with_temperature(logits, temperature), k), p)

        try:
            text = _prompt(prompt, tokenizer)
        except ValueError as error:
            return _refuse(ax, str(error))
        ids = text[-most:][None]
        logits = model(ids.to(device))[:, -1].cpu().double()
        before = with_temperature(logits, temperature).softmax(1)[0].numpy()
        kept = rule(logits, ids).isfinite()[0].numpy()
        given = f"after {_read(ids[0], shown)}\ntemperature {temperature:.1f}, then top-k {k}"
        given += f", then top-p {p:.2f}"
        if len(text) > most:
            given = f"only the last {most} of {len(text)} tokens are read\n{given}"
        told = plot.cut_tokens(ax, before, kept, shown, given)
        drawn = generate(model, ids, 40, torch.Generator().manual_seed(seed), rule)[0]
        written = readable(b"".join(tokenizer.pieces[i] for i in drawn))
        plot.below(ax, f"The next 40 tokens, drawn with seed {seed}:\n{written}", 12)
        return f"{told} The next 40 tokens: “{written}”"

    sizes = 1, 2, 3, 5, 8, 10, 20, 50, 100, 200, 500, 1000
    k = ipywidgets.SelectionSlider(
        options=[*(k for k in sizes if k < V), V],
        value=V,
        description="top-k",
        style={"description_width": "100px"},
    )
    sliders = {
        "temperature": _slider("temperature", 1.0, 0.1, 2.0, 0.1),
        "k": k,
        "p": _slider("top-p", 0.5, 0.05, 1.0, 0.05),
        "seed": _slider("seed", 0, 0, 20, 1),
    }
    for slow in sliders.values():
        slow.continuous_update = False  # text is drawn once the slider rests
    words = ipywidgets.Textarea(value=prompt, description="prompt", layout={"width": "90%"})
    return Explorer(draw, (7, 4.6), prompt=words, **sliders)


def beam_explorer(model: GPT, tokenizer: BPE, prompt: str) -> Explorer:
    """Type a prompt: the texts that a beam search keeps after each token, and greedy's. Lesson 07.

    With neither an end nor a correction of length, those after t tokens are the result for n = t.
    """
    check_vocabulary(model.vocab_size, tokenizer)
    shown = [plot.visible(readable(piece)) for piece in tokenizer.pieces]
    most = model.longest - 6

    def draw(ax, prompt, width, tokens):
        try:
            text = _prompt(prompt, tokenizer)
        except ValueError as error:
            return _refuse(ax, str(error))
        ids = text[-most:]
        each = [beam_search(model, ids, n, width) for n in range(1, tokens + 1)]
        steps = [[(found.ids, found.log_p) for found in texts] for texts in each]
        new = beam_search(model, ids, tokens, 1)[0].ids
        log_p = model.log_probs([*ids.tolist(), *new])[-tokens:].cumsum(0).tolist()
        greedy = [(new[:n], x) for n, x in enumerate(log_p, 1)]
        told = plot.beam_tree(ax, steps, greedy, shown, _read(ids, shown))
        if len(text) > most:
            note = f"only the last {most} of {len(text)} tokens are read"
            ax.title.set_text(f"{note}\n{ax.get_title()}")
            told = f"{note}; {told}"
        return told

    words = ipywidgets.Textarea(value=prompt, description="prompt", layout={"width": "90%"})
    width, tokens = _slider("width", 3, 1, 5, 1), _slider("tokens", 4, 1, 6, 1)
    for slow in (width, tokens):
        slow.continuous_update = False  # the model reads anew once the slider rests
    return Explorer(draw, (9, 4.4), prompt=words, width=width, tokens=tokens)


def tradeoff_explorer(points: dict[str, tuple], human: tuple) -> Explorer:
    """Choose a setting of a sampler: its quality and diversity among the others'. From lesson 07.

    `points` has a setting, as "top-p 0.9" -> (distinct-2, mean nats a token, a text), and `human`
    is the same of human text.
    """

    def draw(ax, setting):
        return plot.tradeoff(ax, points, human, setting)

    setting = ipywidgets.Dropdown(options=[*points, "human text"], description="setting")
    return Explorer(draw, (7, 4), setting=setting)


def scaling_explorer(runs: dict[str, tuple]) -> Explorer:
    """Fit a power law to losses, and leave points out of it, from lesson 06.

    `runs` has what grows -> (its sizes, the losses), each a sequence of numbers, smallest first.
    """
    points = max(len(x) for x, _ in runs.values())

    def draw(ax, grows, dropped):
        x, y = (np.asarray(numbers, float) for numbers in runs[grows])
        kept = ~np.isin(np.arange(1, len(x) + 1), dropped)
        if kept.sum() < 2:
            return _refuse(ax, "A line needs two points: leave fewer out.")
        slope, log_a = np.polyfit(np.log(x[kept]), np.log(y[kept]), 1)
        ax.set(xlabel=grows, ylabel="loss, nats a token")
        told = plot.power_law(ax, x, y, kept, math.exp(log_a), -slope)
        return f"Loss against {grows}, {told}"

    grows = ipywidgets.ToggleButtons(options=list(runs))
    dropped = ipywidgets.SelectMultiple(
        options=range(1, points + 1), description="leave out", rows=min(points, 6)
    )
    return Explorer(draw, (6.5, 4), grows=grows, dropped=dropped)


def bound_explorer(
    log_joint: Callable[[torch.Tensor], torch.Tensor], mu: float = 0.0, sigma: float = 1.0
) -> Explorer:
    """Move q = N(μ, σ²): how the ELBO and the KL share one log p(x), from lesson 08.

    `log_joint(z)` is log p(x, z), in nats, of each z of a float64 tensor (N,); its integral over z
    from −4 to 4 is p(x). Each of the three numbers is an integral of its own, by trapezoids.
    """
    wide = torch.linspace(-4, 4, 2001, dtype=torch.float64)
    joint = log_joint(wide)
    most = joint.max()  # so that no e^joint is lost for being small
    evidence = most + torch.trapezoid((joint - most).exp(), wide).log()
    posterior = wide.numpy(), (joint - evidence).exp().numpy()

    def draw(ax, mu, sigma):
        z = mu + sigma * torch.linspace(-8, 8, 2001, dtype=torch.float64)  # all of q
        log_q = log_normal(z[:, None], mu, z.new_tensor([2 * math.log(sigma)]))
        q, joint = log_q.exp(), log_joint(z)
        elbo = torch.trapezoid(q * (joint - log_q), z)
        kl = torch.trapezoid(q * (log_q - (joint - evidence)), z)
        name = f"N({mu:.2f}, {sigma:.2f}²)".replace("-", "−")
        numbers = elbo.item(), kl.item(), evidence.item()
        return plot.bound(ax, posterior, (z.numpy(), q.numpy()), name, *numbers)

    mu, sigma = _slider("μ", mu, -2.0, 2.0, 0.05), _slider("σ", sigma, 0.05, 1.5, 0.05)
    return Explorer(draw, (6.5, 3.2), mu=mu, sigma=sigma)


def latent_explorer(model: VAE, pictures: torch.Tensor, labels: torch.Tensor) -> Explorer:
    """Move a cross over a map of codes μ: what is decoded there, and who is near. Lesson 08.

    `pictures` (N, 1, 28, 28) have `labels` (N,) that number `data.FASHION`. Where no JavaScript may
    run, no point can be clicked: the slider "picture" is the click, and puts the cross on the code
    of the picture of that number, as near as the steps of z1 and z2 allow. Raises ValueError unless
    the model has K = 2, and for fewer than two pictures or another number of labels.
    """
    if model.K != 2:
        raise ValueError(f"a map has two directions, and this model K = {model.K}: train K = 2")
    codes = _codes(model, pictures)
    if len(labels) != len(codes):
        raise ValueError(f"{len(codes)} pictures and {len(labels)} labels: give one for each")
    shown = codes.numpy(), labels.cpu().numpy(), data.FASHION, pictures.cpu().numpy()

    def draw(ax, z1, z2, picture):
        z = torch.tensor([z1, z2])
        near = (codes - z).norm(dim=1).argsort()[:5].tolist()
        return plot.latent(ax, *shown, z.numpy(), _decode(model, z[None])[0], picture, near)

    def place(change):
        for slider, x in zip(cross, codes[picture.value].tolist(), strict=True):
            slider.unobserve(explorer.redraw, names="value")  # so that it is drawn once, not thrice
            slider.value = round(x, 1)
            slider.observe(explorer.redraw, names="value")

    most = max(3.5, math.ceil(10 * codes.abs().max()) / 10)
    cross = [
        _slider(f"z{k}", round(x, 1), -most, most, 0.1) for k, x in enumerate(codes[0].tolist(), 1)
    ]
    picture = _slider("picture", 0, 0, len(codes) - 1, 1)
    picture.observe(place, names="value")  # before the explorer does
    explorer = Explorer(draw, (9.6, 4), z1=cross[0], z2=cross[1], picture=picture)
    return explorer


PATHS = {"linear": torch.lerp, "spherical": slerp}


def interpolation_explorer(model: VAE, pictures: torch.Tensor) -> Explorer:
    """Walk from the code μ of one picture to another's, straight or on an arc, from lesson 08.

    `pictures` are (N, 1, H, W). Raises ValueError for fewer than two.
    """
    codes = _codes(model, pictures)
    return _walk(codes, pictures.cpu().numpy(), lambda z: _decode(model, z))


def latent_walk(gan: GAN) -> Explorer:
    """Walk from one noise of a GAN to another, straight or on an arc, from lesson 09.

    There are 50 of them to choose from, drawn with seed 0, and what is made of each is its picture.
    Raises ValueError unless the GAN makes pictures (B, 1, H, W).
    """
    _check_pictures(gan)
    codes = gan.noise(50, torch.Generator().manual_seed(0)).cpu()
    return _walk(codes, _generate(gan, codes), lambda z: _generate(gan, z))


def _walk(codes: torch.Tensor, seen: np.ndarray, decode: Callable) -> Explorer:
    """Return an explorer of the ways between codes (N, K), whose pictures are `seen` (N, 1, H, W).

    `decode(codes)` makes pictures (B, 1, H, W) of codes (B, K).
    """
    T = torch.linspace(0, 1, 41).tolist()

    def draw(ax, start, end, t, path):
        def way(name, times):
            return torch.stack([PATHS[name](codes[start], codes[end], t) for t in times])

        try:
            lengths = {name: way(name, T).norm(dim=1).numpy() for name in PATHS}
        except ValueError as error:
            return _refuse(ax, f"From picture {start} to picture {end}: {error}.")
        row = decode(way(path, [*(i / 8 for i in range(9)), t]))
        ends = [(i, seen[i]) for i in (start, end)]
        K = codes.shape[1]
        return plot.interpolation(ax, ends, row[:-1], row[-1], t, path, lengths, K)

    start, end = (_slider(name, i, 0, len(codes) - 1, 1) for i, name in enumerate(("from", "to")))
    path = ipywidgets.ToggleButtons(options=list(PATHS), description="path")
    t = _slider("t", 0.5, 0.0, 1.0, 0.05)
    return Explorer(draw, (9.6, 4), start=start, end=end, t=t, path=path)


def beta_explorer(models: dict[float, VAE], pictures: torch.Tensor) -> Explorer:
    """Choose β: what its model reconstructs and draws, and its rate and distortion. Lesson 08.

    `models` has β -> the model trained with it. Each rate and distortion is a mean over `pictures`
    (N, 1, H, W), by the same draws; the six pictures of the prior are of the same codes. Raises
    ValueError for no models, models of different K and fewer than two pictures.
    """
    if len(widths := {model.K for model in models.values()}) != 1:
        raise ValueError(f"models of K = {sorted(widths)}: give at least one, all of one K")
    originals, rows, points = pictures[:6], {}, {}
    for beta, model in sorted(models.items()):
        reconstructions = _decode(model, _codes(model, originals))
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            distortion, rate = model.terms(pictures.to(model.mean.device), generator=generator)
        points[beta] = rate.sum(1).mean().item(), distortion.mean().item()
        generator = torch.Generator().manual_seed(0)
        draws = model.sample(len(originals), generator).cpu().numpy()
        rows[beta] = originals.cpu().numpy(), reconstructions, draws

    def draw(ax, beta):
        return plot.beta(ax, *rows[beta], points, beta)

    chosen = ipywidgets.SelectionSlider(
        options=[(f"{beta:g}", beta) for beta in points],
        value=min(points, key=lambda beta: abs(beta - 1)),
        description="β",
        style={"description_width": "100px"},
    )
    return Explorer(draw, (9.6, 3.6), beta=chosen)


def game_path(start: tuple, moves: str, loss: str) -> list[tuple]:
    """Return (θ, a, b) after each of `moves` of the game on a line, from `start`. Lesson 09.

    Real things are x ~ N(0, 1), made ones θ + z with z ~ N(0, 1), and D has the logit a + bx. A
    move "D" is a step of gradient descent on −V(D, G) at rate 0.1, a move "G" one at rate ½ on what
    the generator pays by `loss`, "saturating" or "non-saturating". Each mean is an integral, by
    trapezoids. θ goes no farther than ±4, so that the game remains in sight.
    """
    (theta, a, b), path = start, []
    z = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    for move in moves:
        x = theta + z
        real, fake = torch.sigmoid(a + b * z), torch.sigmoid(a + b * x)
        if move == "D":
            a += 0.1 * (_mean(1 - real, z) - _mean(fake, z))
            b += 0.1 * (_mean((1 - real) * z, z) - _mean(fake * x, z))
        else:
            slope = -b * _mean(fake if loss == "saturating" else 1 - fake, z)
            theta = min(max(theta - slope / 2, -4.0), 4.0)
        path.append((theta, a, b))
    return path


def game_value(theta: float, a: float, b: float) -> float:
    """Return V(D, G) = E log D(x) + E log(1 − D(θ + z)), in nats, for D's logit a + bx.

    That of the best D, which has a = θ²/2 and b = −θ, is 2·JSD − log 4. Lesson 09.
    """
    z = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    return _mean(F.logsigmoid(a + b * z) + F.logsigmoid(-a - b * (theta + z)), z)


def _mean(values: torch.Tensor, z: torch.Tensor) -> float:
    """Return the mean of `values` at evenly spaced z (N,) under N(0, 1), by trapezoids."""
    return torch.trapezoid(values * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi), z).item()


def game_explorer() -> Explorer:
    """Play generator against discriminator on a line by hand, a few steps a click. Lesson 09.

    The moves are those of `game_path`; another loss goes on from where the game stands. "start
    over" returns to θ = 3 and D = ½. The first picture is after 50 rounds in turn, so that also
    where no kernel runs one sees the path go past the place of rest and around it, and D that still
    leans the way that was right before.
    """
    path = [(3.0, 0.0, 0.0)]
    path += game_path(path[0], "DG" * 50, "non-saturating")
    clicks = {
        "train D, 50 steps": "D" * 50,
        "train G, 3 steps": "G" * 3,
        "10 rounds in turn": "DG" * 10,
        "start over": "",
    }

    def draw(ax, loss):
        theta, *logit = path[-1]
        best = game_value(theta, theta**2 / 2, -theta)
        told = plot.game(ax, np.array(path), game_value(theta, *logit), best)
        ax.set_title(f"{ax.get_title()}; next for G: {loss}")
        return f"{told[:-1]}; next for G: {loss}."

    def play(button):
        if moves := clicks[button.description]:
            path.extend(game_path(path[-1], moves, loss.value))
        else:
            del path[1:]
        explorer.redraw()

    loss = ipywidgets.ToggleButtons(options=["non-saturating", "saturating"], description="loss")
    buttons = [ipywidgets.Button(description=name) for name in clicks]
    for button in buttons:
        button.on_click(play)
    explorer = Explorer(draw, (9.6, 3.6), loss=loss)
    explorer.box.children = [loss, ipywidgets.HBox(buttons), explorer.picture]
    return explorer


def ring_explorer(films: dict[str, dict[int, torch.Tensor]]) -> Explorer:
    """Choose a recipe and a step of its training: what it makes of the ring. From lesson 09.

    `films` has name -> step -> points (N, 2). Raises ValueError as `plot.film_steps` does.
    """
    steps = plot.film_steps(films)

    def draw(ax, recipe, step):
        told = plot.ring_points(ax, films[recipe][step])
        ax.set_title(f"{recipe}, step {step:,}\n{ax.get_title()}", fontsize=10)
        return f"{recipe}, step {step:,}. {told}"

    recipe = ipywidgets.ToggleButtons(options=list(films), description="recipe")
    step = ipywidgets.SelectionSlider(
        options=[(f"{step:,}", step) for step in steps],
        value=steps[-1],
        description="step",
        style={"description_width": "100px"},
    )
    return Explorer(draw, (5, 4.6), recipe=recipe, step=step)


CENTRES = torch.tensor([[-2.2, 1.2], [1.6, 2.4], [-1.0, -2.2], [2.2, -1.0]])


def cloud(noise: torch.Tensor, shift=0.0, spread=1.0, modes=4) -> torch.Tensor:
    """Return a point for each `noise` (n, 2), of the first `modes` of four Gaussians. Lesson 10.

    It is c + ½·spread·noise, moved to the right by `shift`, where c is the `CENTRES` of a mode: the
    four come in turn, and a point whose mode is not there goes to one of the others in turn.
    """
    i = torch.arange(len(noise))
    mode = torch.where(i % 4 < modes, i % 4, i // 4 % modes)
    return CENTRES[mode] + spread / 2 * noise + torch.tensor([shift, 0.0])


def cloud_explorer() -> Explorer:
    """Spoil a cloud of made points, and see which measure notices. From lesson 10.

    Features are points of the plane: 500 real ones and 500 held out of four Gaussians, and made
    ones as `cloud` makes them, of which a share are copies of the real ones. The noise is the same
    at all sliders, so that points move and do not jump. The column "new real" is of as many points
    of the four Gaussians, what a generator without fault would make.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 500, 2, generator=generator)
    real, held_out = cloud(noise[0]), cloud(noise[1])

    def measure(made):
        return [
            metrics.frechet_distance(real, made),
            metrics.kernel_distance(real, made),
            *metrics.precision_recall(real, made, k=3),
            metrics.copied(made, real, held_out),
        ]

    names = "Fréchet distance", "kernel distance", "precision", "recall", "copied"

    def draw(ax, shift, spread, modes, copies, n):
        made, fresh = cloud(noise[2, :n], shift, spread, modes), cloud(noise[2, :n])
        copy = round(copies * n)
        made[:copy] = real[:copy]
        columns = zip(measure(made), measure(fresh), "0011½", strict=True)
        return plot.clouds(ax, real.numpy(), made.numpy(), dict(zip(names, columns, strict=True)))

    sliders = {
        "shift": _slider("shift", 0.0, 0.0, 4.0, 0.1),
        "spread": _slider("spread", 0.6, 0.2, 2.0, 0.1),
        "modes": _slider("modes", 3, 1, 4, 1),
        "copies": _slider("copies", 0.0, 0.0, 1.0, 0.05),
        "n": _slider("made points", 300, 20, 500, 20),
    }
    return Explorer(draw, (9.6, 4), **sliders)


def truncated(z: torch.Tensor, t: float) -> torch.Tensor:
    """Return what noise z ~ N(0, 1) becomes if it is to be from −t to t: the order is kept.

    Φ⁻¹(Φ(−t) + Φ(z)·(Φ(t) − Φ(−t))), which has the distribution of N(0, 1) drawn again until it is
    within ±t; z itself for t = ∞. Source: for GANs Brock et al. 2019, section 3.1; lesson 10.
    """
    low, high = torch.special.ndtr(torch.tensor([-t, t], dtype=torch.float64))
    return torch.special.ndtri(low + torch.special.ndtr(z.double()) * (high - low)).to(z.dtype)


BOUNDS = 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf


def truncation_explorer(
    model: GAN, real_features: torch.Tensor, features: Callable[[torch.Tensor], torch.Tensor]
) -> Explorer:
    """Cut off the noise of a GAN at ±t: how true its pictures are, and how diverse. Lesson 10.

    For each t of `BOUNDS` 500 pictures are made of the same noise, `truncated`, and measured once;
    `features` makes of pictures (B, 1, H, W), on the CPU, what `real_features` (N, F) are of real
    ones. Raises ValueError unless the GAN makes pictures, and as `metrics.precision_recall` does.
    """
    _check_pictures(model)
    z = model.noise(500, torch.Generator().manual_seed(0)).cpu()
    shown, points = {}, {}
    for t in BOUNDS:
        made = _generate(model, truncated(z, t))
        with torch.no_grad():
            found = features(torch.from_numpy(made))
        shares = metrics.precision_recall(real_features, found, k=3)
        points[t] = *shares, metrics.frechet_distance(real_features, found)
        shown[t] = made[:12]

    def draw(ax, t):
        return plot.truncation(ax, shown[t], points, t)

    bound = ipywidgets.SelectionSlider(
        options=[(plot.bound_name(t), t) for t in BOUNDS],
        value=1.0,
        description="t",
        style={"description_width": "100px"},
    )
    return Explorer(draw, (9.6, 4), t=bound)


SIDES = "left", "right"


def blind_test(real: torch.Tensor, made: torch.Tensor, pairs: int = 20) -> Explorer:
    """Say which of two pictures is real, for so many `pairs`: can you tell? From lesson 10.

    Pictures (N, 1, H, W) in [0, 1] are drawn of both without return, and a coin decides which is on
    the left; "start over" draws new ones. Raises ValueError for fewer pictures than pairs, for no
    pair, and for pictures of different sizes.
    """
    if not 1 <= pairs <= min(len(real), len(made)) or real.shape[1:] != made.shape[1:]:
        shapes = " and ".join(str(tuple(x.shape)) for x in (real, made))
        raise ValueError(f"{pairs} pairs of {shapes}: give as many pictures at least, of one size")
    generator = torch.Generator().manual_seed(0)
    trials, answers = [], []

    def deal():
        answers.clear()
        drawn = [x.cpu()[torch.randperm(len(x), generator=generator)[:pairs]] for x in (real, made)]
        coins = torch.randint(2, (pairs,), generator=generator).tolist()  # 1: real on the right
        both = torch.stack(drawn, 1).numpy()
        trials[:] = [(both[i, ::-1] if coin else both[i], coin) for i, coin in enumerate(coins)]

    def draw(ax):
        n = len(answers)
        wrong = [i for i in range(n) if answers[i] != trials[i][1]]
        told = "Answer with the buttons, which need a running kernel."
        if n:
            low, high = metrics.wilson_interval(n - len(wrong), n)
            told = f"{n - len(wrong)} of {n} right, 95 % interval {low:z.2f} to {high:z.2f}."
        if n < pairs:
            told = f"Pair {n + 1} of {pairs}: which is real, the left or the right one? {told}"
            plot.pairs(ax, trials[n][0][None], [""])
            heads = []
        else:
            told += f" Guessing, ½, lies {'in' if low <= 0.5 <= high else 'out'}side."
            told += f" {len(wrong)} wrong{': here are the first 20' * (len(wrong) > 20)}."
            heads = [f"{i + 1}: real is {SIDES[trials[i][1]]}" for i in wrong]
            plot.pairs(ax, np.array([trials[i][0] for i in wrong[:20]]), heads[:20])
        ax.set_title(textwrap.fill(told, 80), fontsize=10)
        return " ".join([told, *(f"Pair {head}." for head in heads)])

    def answer(button):
        if button.description == "start over":
            deal()
        elif len(answers) < pairs:
            answers.append(SIDES.index(button.description))
        explorer.redraw()

    buttons = [ipywidgets.Button(description=name) for name in (*SIDES, "start over")]
    for button in buttons:
        button.on_click(answer)
    deal()
    explorer = Explorer(draw, (7, 3.6))
    explorer.box.children = [ipywidgets.HBox(buttons), explorer.picture]
    return explorer


def _check_pictures(gan: GAN) -> None:
    """Raise ValueError unless `gan` makes pictures (B, 1, H, W)."""
    if len(gan.shape) != 3 or gan.shape[0] != 1:
        shape = ", ".join(map(str, gan.shape))
        raise ValueError(f"this GAN makes (B, {shape}): give one that makes pictures (B, 1, H, W)")


@torch.no_grad()
def _codes(model: VAE, pictures: torch.Tensor) -> torch.Tensor:
    """Return the codes μ (N, K) of `pictures`, on the CPU; raise ValueError for fewer than two."""
    if len(pictures) < 2:
        raise ValueError(f"{len(pictures)} pictures: give at least two, as (N, 1, H, W)")
    return model.encode(pictures.to(model.mean.device))[0].cpu()


@torch.no_grad()
def _decode(model: VAE, codes: torch.Tensor) -> np.ndarray:
    """Return the pictures (B, 1, H, W) that codes (B, K) stand for."""
    return model.decode(codes.to(model.mean.device)).cpu().numpy()


def _generate(gan: GAN, codes: torch.Tensor) -> np.ndarray:
    """Return what the generator makes of noise (B, K), on any device: (B, 1, H, W)."""
    place = next(gan.generator.parameters()).device
    return gan.decode(codes.to(place)).cpu().numpy()


def _prompt(text: str, tokenizer: BPE) -> torch.Tensor:
    """Return the ids of `text`; raise ValueError if it has none."""
    if not text:
        raise ValueError("There is nothing to go on from: type something.")
    return tokenizer.encode(text)


def _read(ids: torch.Tensor, shown: list[str]) -> str:
    """Return the tokens `ids` as they are shown, with │ between them: the last 50 characters."""
    read = "│".join(shown[i] for i in ids)
    return read if len(read) <= 50 else "…" + read[-49:]


def _lines(pieces: list[str], width: int) -> str:
    """Return `pieces` with │ between them, in lines of at most `width` columns if a piece fits."""
    lines, column = [[]], 0
    for piece in pieces:
        needed = 1 + sum(2 if east_asian_width(c) in "FW" else 1 for c in piece)
        if lines[-1] and column + needed > width:
            lines.append([])
            column = 0
        lines[-1].append(piece)
        column += needed
    return "│\n".join("│".join(line) for line in lines)


def _unseen(ax, text: str, tokenizer: Tokenizer) -> str:
    """Say on `ax` which characters of `text` the vocabulary lacks; return it, or nothing."""
    if unknown := "".join(c for c in text if c not in tokenizer.pieces):
        return _refuse(ax, f"This model has never seen {unknown!r}: type something else.")
    return ""


def _refuse(ax, told: str) -> str:
    """Say on an empty `ax` why there is nothing to draw; return it."""
    ax.axis("off")
    ax.set_title(textwrap.fill(told, 70), color=plot.GRADIENT, fontsize=9, parse_math=False)
    return told


def _slider(name: str, value: float, low: float, high: float, step: float):
    """Return a slider for numbers of the kind of `step`: whole or not."""
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    wide = {"description_width": "100px"}
    return kind(value=value, min=low, max=high, step=step, description=name, style=wide)
