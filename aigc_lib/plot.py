"""Pictures of what the lessons compute: drawn with matplotlib, shown with a text alternative."""

import base64
import html
import io
import re
import textwrap
from collections.abc import Callable
from itertools import cycle
from unicodedata import east_asian_width

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, ScalarFormatter
from PIL import Image

from aigc_lib import data, gan


def to_html(alt: str, figure: Figure | None = None) -> str:
    """Return a figure, or the current one, as an HTML image that carries `alt`, and close it.

    `alt` says in one or two sentences what the picture shows. An HTML image keeps it in JupyterLab
    and in a page exported by nbconvert; a bare PNG output loses it in both.

    Raises ValueError if there is no open figure or `alt` says nothing.
    """
    if figure is None and not plt.get_fignums():
        raise ValueError(
            "There is no open figure to show: draw one first, then show it in the same cell."
        )
    if not alt.strip():
        raise ValueError("A picture needs a text alternative: say in a sentence what it shows.")
    figure, png, small = figure or plt.gcf(), io.BytesIO(), io.BytesIO()
    figure.savefig(png, format="png", dpi=80, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    with Image.open(png) as picture:  # 256 colours are enough, and half the bytes
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png")
    data = base64.b64encode(small.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def show(alt: str) -> None:
    """Show the current matplotlib figure with its text alternative `alt`, and close it."""
    display({"text/html": to_html(alt), "text/plain": alt}, raw=True)


# Dark blue for what flows forward, rust for what flows back.
VALUE, GRADIENT, GREY = "#1b3a5c", "#b3401a", "#9aa7b5"


def _places(order: list) -> dict:
    """Return (column, row) of each value: right of its parents, at the height of their middle."""
    column, row = {}, {}
    leaves = [value for value in order if not value.parents]
    for value in order:
        parents = value.parents
        column[value] = 1 + max(column[p] for p in parents) if parents else 0
        row[value] = sum(row[p] for p in parents) / len(parents) if parents else leaves.index(value)
    for leaf in leaves:  # draw a leaf just left of where it is first used
        used_in = [column[value] for value in order if leaf in value.parents]
        column[leaf] = min(used_in, default=1) - 1
    return {value: (column[value], row[value]) for value in order}


def graph(ax, root, gradients: bool = True) -> str:
    """Draw the computation graph that ends in `root` on `ax`; return its text alternative.

    Each box shows a name or an operation and, under it, the value; below the box, or left of it
    where nothing comes in, stands the gradient. `root` is any value with `data`, `grad`, `parents`,
    `label` and `order()`, as the engine of lesson 01 makes it.
    """
    place = _places(root.order())
    box = {"boxstyle": "round,pad=0.3", "fc": "#eef3f8", "ec": VALUE}
    for value, (x, y) in place.items():
        text = f"{value.label}\n{value.data:.4g}"
        ax.text(x, y, text, ha="center", va="center", color=VALUE, fontsize=9, bbox=box, zorder=3)
        if gradients:
            shift, ha, va = (
                ((0, -19), "center", "top") if value.parents else ((-19, 0), "right", "center")
            )
            at = {"xytext": shift, "textcoords": "offset points", "ha": ha, "va": va}
            ax.annotate(f"{value.grad:+.4g}", (x, y), **at, color=GRADIENT, fontsize=9)
        for use, parent in enumerate(value.parents):
            twice, far = value.parents.count(parent) > 1, x - place[parent][0] > 1
            side = 1 if place[parent][1] < y else -1  # around the boxes between, not behind them
            bend = 0.3 * (-1) ** use if twice else 0.4 * far * side
            line = {"arrowstyle": "-", "color": GREY, "connectionstyle": f"arc3,rad={bend}"}
            ax.annotate("", (x, y), place[parent], arrowprops=line, zorder=1)
    columns, rows = zip(*place.values(), strict=True)
    ax.set(xlim=(min(columns) - 0.8, max(columns) + 0.5), ylim=(min(rows) - 0.7, max(rows) + 0.6))
    ax.axis("off")
    named = [v for v in place if v.label.isidentifier() or v is root]
    told = [f"{v.label} = {v.data:.4g}" + f", gradient {v.grad:.4g}" * gradients for v in named]
    return "Computation graph, left to right. " + "; ".join(told) + "."


def network(ax, weights: list, names: list[list[str]]) -> str:
    """Draw a fully connected network on `ax`: one column of units per layer, a weight on each line.

    `weights` are matrices (out, in), from left to right; `names` the units' names, layer by layer.
    Returns the text alternative.
    """
    heights = [np.linspace(0.5, -0.5, len(layer)) * (len(layer) - 1) for layer in names]
    for left, W in enumerate(weights):
        for (out, into), w in np.ndenumerate(np.asarray(W)):
            start, end = (left, heights[left][into]), (left + 1, heights[left + 1][out])
            ax.plot(*zip(start, end, strict=True), color=GREY, lw=1.2, zorder=1)
            x, y = (s + 0.3 * (e - s) for s, e in zip(start, end, strict=True))
            ax.text(x, y, f"{w:g}", color=VALUE, ha="center", va="center", backgroundcolor="white")
    for column, (layer, ys) in enumerate(zip(names, heights, strict=True)):
        ax.scatter([column] * len(ys), ys, s=1500, color="#eef3f8", edgecolor=VALUE, zorder=2)
        for name, y in zip(layer, ys, strict=True):
            ax.text(column, y, name, ha="center", va="center", color=VALUE, zorder=3)
    tallest = max(ys[0] for ys in heights)
    ax.set(xlim=(-0.3, len(names) - 0.7), ylim=(-tallest - 0.4, tallest + 0.4))
    ax.axis("off")
    return f"Network with layers of {' and '.join(str(len(layer)) for layer in names)} units."


def lines(x, curves: dict[str, np.ndarray], alt: str, **settings) -> None:
    """Draw each of `curves` (label -> values at `x`), show the figure with its text alternative.

    `settings` go to `Axes.set`: xlabel, ylabel, xscale="log", ylim and the like.
    """
    _, ax = plt.subplots(figsize=(6, 3.2))
    styles = zip((VALUE, GRADIENT, GREY, "#3f7f5f"), ("-", "-", "--", ":"), strict=True)
    for (label, y), (color, style) in zip(curves.items(), styles, strict=False):
        ax.plot(x, y, style, color=color, label=label)
    ax.set(**settings)
    if len(curves) > 1:  # above the frame, where no curve can run under it
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    show(alt)


def losses(ax, validation: list[float], training: list[float]) -> None:
    """Draw the losses of a run, in nats for ten classes, one of each an epoch, on a log axis."""
    curves = {"validation": (validation, VALUE, "-"), "training": (training, GRADIENT, "--")}
    for name, (values, color, style) in curves.items():
        ax.plot(np.arange(1, len(values) + 1), values, style, color=color, label=name)
    ax.axhline(np.log(10), color=GREY, ls=":", label="guessing")
    ax.set(xlabel="epoch", ylabel="loss (nats)", yscale="log")


def images(pictures: np.ndarray, titles: list[str], columns: int = 10) -> None:
    """Draw pictures (N, 1, H, W) in [0, 1] in a grid of `columns`, each under its title."""
    rows = -(-len(pictures) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(0.9 * columns, 1.15 * rows), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, picture, title in zip(axes.flat, pictures, titles, strict=False):
        ax.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(title, fontsize=9)


def descent(ax, path: np.ndarray, curvatures: tuple[float, float]) -> str:
    """Draw a path (steps + 1, 2) over the bowl L(w) = ½(c1 w1² + c2 w2²); return what it shows."""
    c1, c2 = curvatures
    w1, w2 = np.meshgrid(np.linspace(-5, 5, 121), np.linspace(-3, 3, 91))
    ax.contour(
        w1, w2, 0.5 * (c1 * w1**2 + c2 * w2**2), levels=np.geomspace(0.2, 50, 9), cmap="Blues"
    )
    ax.plot(*path.T, "o-", color=GRADIENT, ms=3, lw=1, clip_on=True)
    ax.plot(*path[0], "s", color=VALUE, ms=7)
    ax.plot(0, 0, "*", color=VALUE, ms=12)
    first, last = (0.5 * (c1 * w[0] ** 2 + c2 * w[1] ** 2) for w in (path[0], path[-1]))
    verdict = "diverges" if last > first else "loss"
    ax.set(xlim=(-5, 5), ylim=(-3, 3), xlabel="$w_1$", ylabel="$w_2$")
    ax.set_title(f"{len(path) - 1} steps: {verdict} {first:.3g} → {last:.3g}")
    return f"Path over a bowl-shaped loss, from square to star; {verdict} {first:.3g} → {last:.3g}."


def visible(piece: str) -> str:
    """Return a piece of text with a sign for each gap: ␣ for a space, ↵ for the end of a line.

    Any other character that has no look of its own is its number, as ‹09› for a tab.
    """
    text = piece.replace(" ", "␣").replace("\n", "↵")
    return "".join(c if c.isprintable() else f"‹{ord(c):02X}›" for c in text)


def backoff(ax, rows: np.ndarray, contexts: list[str], pieces: list[str]) -> str:
    """Draw the ten likeliest pieces in each distribution of a back-off chain; return what it shows.

    `rows` (K + 1, V) are p_0, given nothing, and then p_k, given contexts[k-1]; the last is the
    model's own, and its ten are the columns.
    """
    top = np.argsort(-rows[-1], kind="stable")[:10]
    shown = rows[:, top]
    ax.imshow(np.sqrt(shown), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (k, column), p in np.ndenumerate(shown):
        color = "white" if p > 0.3 else VALUE
        ax.text(column, k, f"{p:.1%}", ha="center", va="center", color=color, fontsize=8)
    given = [f"“{visible(context)}”" if context else "nothing" for context in contexts]
    ax.set_yticks(range(len(rows)), ["uniform", *given])
    ax.set_xticks(range(len(top)), [visible(pieces[i]) for i in top])
    ax.set(xlabel="next", ylabel="given")
    best = ", ".join(f"{visible(pieces[i])} {rows[-1, i]:.1%}" for i in top[:3])
    return f"The likeliest to come after {given[-1]}: {best}; each row knows one character more."


def pair_counts(table: np.ndarray, pieces: list[str]) -> None:
    """Draw how often each of `pieces` (column) follows each (row): a table (V, V) of counts."""
    _, ax = plt.subplots(figsize=(5.6, 5.2))
    mesh = ax.imshow(table, cmap="Blues", norm=PowerNorm(0.5))  # so that rare pairs show
    names = [visible(piece) for piece in pieces]
    ax.set_xticks(range(len(names)), names, fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set(xlabel="this letter", ylabel="after this one")
    plt.colorbar(mesh, label="pairs", shrink=0.8)


def confusion(counts: np.ndarray, names: list[str]) -> None:
    """Draw a confusion matrix (true, read) of counts, with its numbers; the diagonal is right."""
    _, ax = plt.subplots(figsize=(6.4, 5.4))
    ax.imshow(counts, cmap="Blues", vmax=counts.max() / 2)
    for (true, read), n in np.ndenumerate(counts):
        color = "white" if n > counts.max() / 4 else VALUE
        ax.text(read, true, str(n) if n else "", ha="center", va="center", color=color, fontsize=8)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="read as", ylabel="is")


def memory(ax, stream: np.ndarray, cells: np.ndarray, forget: np.ndarray, written: int) -> str:
    """Draw a cell's input, its content and what its forget gates leave of step `written`, (T,)."""
    steps = np.arange(len(cells))
    left = np.cumprod(np.where(steps > written, forget, 1))[written:]
    ax.plot(steps, stream, ".", color=GREY, label="the stream")
    ax.plot(steps, cells, color=VALUE, label="the cell $c_t$")
    label = f"$\\partial c_t/\\partial c_{{{written}}}$, the product of the forget gates"
    ax.plot(steps[written:], left, "--", color=GRADIENT, label=label)
    ax.set(xlabel="step $t$", ylim=(-2.2, 2.2))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    half = np.flatnonzero(left < 0.5)
    lasts = f"is halved after {half[0]} steps" if len(half) else "is never halved"
    return (
        f"A cell is told {stream[written]:.0f} at step {written}; it holds {cells[written]:.2f} "
        f"then, {cells[-1]:.2f} at the end, and the gradient back to it {lasts}."
    )


def activations(ax, text: str, values: np.ndarray, width: int = 60) -> str:
    """Draw `text` on colours: blue where its `values` (N,) are near 1, rust where near -1.

    A line is broken after `width` characters. Returns which pieces are on blue.
    """
    row, places = 0, []
    for i, character in enumerate(text):
        broken = i > 0 and (text[i - 1] == "\n" or places[-1][1] == width - 1)
        row += broken
        places.append((row, 0 if broken or i == 0 else places[-1][1] + 1))
        color = "white" if abs(values[i]) > 0.6 else "black"
        y, x = places[-1]
        ax.text(x, y, visible(character), color=color, ha="center", va="center", fontsize=9)
    grid = np.full((row + 1, width), np.nan)
    for place, value in zip(places, values, strict=True):
        grid[place] = value
    colors = LinearSegmentedColormap.from_list("signs", [GRADIENT, "white", VALUE])
    ax.imshow(grid, cmap=colors, vmin=-1, vmax=1, aspect="auto")
    ax.axis("off")
    marked = "".join(c if v > 0.5 else "\0" for c, v in zip(text, values, strict=True))
    pieces = ", ".join(f"“{visible(piece)}”" for piece in re.split("\0+", marked) if piece)
    return f"The unit is above 0.5 at {pieces or 'no character'}, of “{visible(text)}”."


def looks(ax, weights: np.ndarray, rows: list[str], columns: list[str]) -> str:
    """Draw how much each of `rows` looks at each of `columns`: weights (T, S) from 0 to 1.

    Returns where each row, of the first 40, looks most.
    """
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if len(columns) <= 8:  # else the numbers would run into each other
        for (t, s), a in np.ndenumerate(weights):
            color = "white" if a > 0.5 else VALUE
            ax.text(s, t, f"{a:.2f}", ha="center", va="center", color=color, fontsize=8)
    ax.set_xticks(range(len(columns)), [visible(piece) for piece in columns], parse_math=False)
    ax.set_yticks(range(len(rows)), [visible(piece) for piece in rows], parse_math=False)
    ax.set(xlabel="looked at", ylabel="looks")
    best = zip(rows, weights.argmax(1), weights.max(1), strict=True)
    told = [f"“{visible(row)}” at “{visible(columns[s])}” ({a:.2f})" for row, s, a in best]
    return f"Where each looks most: {', '.join(told[:40])}."


def clock(ax, words: list[str], angles: np.ndarray) -> str:
    """Draw a hand for each of `words` at its angle, in radians; later words have longer hands."""
    reach = np.linspace(0.3, 1.2, len(words))
    for word, angle, r in zip(words, angles, reach, strict=True):
        x, y = r * np.cos(angle), r * np.sin(angle)
        ax.plot([0, x], [0, y], color=GREY, lw=1)
        label = {"color": VALUE, "ha": "center", "va": "center", "backgroundcolor": "white"}
        ax.text(x, y, word, parse_math=False, fontsize=9, **label)
    between = angles[-1] - angles[0]
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.35, 1.35), aspect="equal")
    ax.axis("off")
    return f"From “{words[0]}” to “{words[-1]}” the hand turns by {between:.3f} radians."


def next_tokens(ax, p: np.ndarray, pieces: list[str], read: str = "") -> str:
    """Draw the ten most probable of `pieces`, with their probabilities `p` (V,), after `read`.

    A character that neither the font of `data.chinese_font` nor matplotlib's own has is drawn as □.
    """
    order = np.argsort(-p, kind="stable")
    top, others = order[:10], p[order[10:]].sum()
    bars = ax.barh(range(len(top)), p[top], color=VALUE)
    ax.bar_label(bars, [f"{x:.1%}" for x in p[top]], padding=3)
    names = [visible(pieces[i]) for i in top]
    after = f" after {read}" if read else ""
    font, drawable = _plain()
    ax.set_title(drawable(after.strip()), fontsize=10, **font)
    ax.set_yticks(range(len(top)), map(drawable, names), **font)
    ax.set(xlabel="probability of the next token", xlim=(0, 1.15 * p.max()))
    ax.invert_yaxis()
    best = ", ".join(f"“{name}” {x:.1%}" for name, x in zip(names, p[top], strict=True))
    return f"The likeliest next tokens{after}: {best}; all others {others:.1%}."


def cut_tokens(ax, p: np.ndarray, kept: np.ndarray, pieces: list[str], given: str) -> str:
    """Draw the 16 most probable of `pieces`: solid those that are `kept` (V,), hollow the others.

    A bar is as long as the token's probability `p` (V,) before the cut; what it has after it, when
    those that are kept share the 1 of all, is drawn pale behind it. `given` says what comes before.
    """
    order = np.argsort(-p, kind="stable")[:16]
    share, cut = p[kept].sum(), not kept.all()
    after, shares = p / share, []
    for row, i in enumerate(order):
        if kept[i]:
            ax.barh(row, after[i], color="#b9cbde")
            shares.append(f"{p[i]:.1%}" + f" → {after[i]:.1%}" * cut)
        else:
            shares.append(f"{p[i]:.1%}, cut")
        fill = {"color": VALUE} if kept[i] else {"color": "none", "edgecolor": GREY}
        ax.barh(row, p[i], **fill)
        end, color = (after[i], VALUE) if kept[i] else (p[i], "dimgrey")
        at = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(shares[-1], (end, row), **at, color=color, fontsize=8)
    left = f"{kept.sum():,} of {len(p):,} tokens, which had {share:.1%}"
    left = f"kept: {left if cut else f'all {len(p):,} tokens'}"
    font, drawable = _plain()
    names = [visible(pieces[i]) for i in order]
    ax.set_title(f"{drawable(given)}\n{left}", fontsize=10, **font)
    ax.set_yticks(range(len(order)), map(drawable, names), fontsize=9, **font)
    longest = after[order[0]]  # the most probable is always kept
    ax.set_xlim(0, 1.27 * longest)  # room for the numbers
    ax.set_xticks([x for x in ax.get_xticks() if x <= min(1, 1.27 * longest)])
    label = "probability of the next token"
    ax.set_xlabel(f"{label}; pale: once those that are cut have none" if cut else label)
    ax.invert_yaxis()
    bars = ", ".join(f"“{name}” {told}" for name, told in zip(names, shares, strict=True))
    return f"{given}\n{left}. The likeliest: {bars}.".replace("\n", "; ")


def beam_tree(ax, steps: list[list], greedy: list[tuple], pieces: list[str], read: str) -> str:
    """Draw the texts that a beam search keeps after `read` as a tree, a column for each token.

    `steps` has, of each number of tokens from 1, the texts that are live then, best first, and
    `greedy` the text of the most probable tokens: each text is (ids, log p). Returns these.
    """
    font, drawable = _plain()
    (best, _), last = steps[-1][0], [tuple(ids) for ids, _ in steps[-1]]
    box = {"boxstyle": "round,pad=0.25", "fc": "white"}
    line = {"fontsize": 9, "ha": "center", "va": "center", **font}
    root = drawable(read if len(read) <= 10 else "…" + read[-9:])
    ax.text(0, 0, root, color=VALUE, bbox=box | {"ec": VALUE}, zorder=3, **line)
    heights = {(): 0.0}  # of a text's node
    for t, (found, single) in enumerate(zip(steps, greedy, strict=True), 1):
        column = {tuple(ids): log_p for ids, log_p in [single, *found]}
        column = sorted(column.items(), key=lambda node: (heights[node[0][:-1]], -node[1]))
        for row, (ids, log_p) in enumerate(column):
            start, end = heights[ids[:-1]], row - (len(column) - 1) / 2
            heights[ids] = end
            color, level = (VALUE, 1.4) if ids in [text[:t] for text in last] else (GREY, 1)
            if ids == tuple(best[:t]):
                color, level = GRADIENT, 2.2
            style = "--" if ids == tuple(single[0]) else "-"
            x = [t - 1, t - 0.6, t - 0.4, t]  # level at both ends, so that it passes under no box
            ax.plot(x, [start, start, end, end], style, color=color, lw=level, zorder=level)
            name = visible(pieces[ids[-1]])
            name = drawable(name if len(name) <= 9 else name[:8] + "…")
            look, dark = box | {"ec": color, "ls": style}, "dimgrey" if color == GREY else color
            ax.text(t, end, f"{name}\n{log_p:.2f}", color=dark, bbox=look, zorder=3, **line)
    most = max(heights.values()) + 0.6
    ax.set(xlim=(-0.5, len(steps) + 0.5), ylim=(most, -most))
    ax.axis("off")
    ax.set_position((0, 0.1, 1, 0.78))  # all of the width
    colors = {"best": GRADIENT, "live at the end": VALUE, "dropped": GREY}
    for label, color in colors.items():
        ax.plot([], [], color=color, label=label)
    ax.plot([], [], "--", color="black", label="greedy")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4, frameon=False)

    def told(ids, log_p):
        return f"“{''.join(visible(pieces[i]) for i in ids)}” {log_p:.2f}"

    ends = [f"best: {told(*steps[-1][0])}", f"greedy: {told(*greedy[-1])}"]
    if greedy[-1][0] == best:
        ends = [f"best, and greedy: {told(*greedy[-1])}"]
    ax.set_title(
        drawable("\n".join(["log p of the texts so far, in nats", *ends])), fontsize=10, **font
    )
    kept = [f"{t}: {', '.join(told(*text) for text in found)}" for t, found in enumerate(steps, 1)]
    return f"Texts after {read}, with log p, by number of tokens. {'; '.join([*kept, *ends])}."


def tradeoff(ax, points: dict[str, tuple], human: tuple, chosen: str) -> str:
    """Draw quality against diversity: name -> (distinct-2, nats a token, a text), and `human` so.

    Points of a family, which have the words before the last of their name in common, are joined in
    their order. `chosen`, one of the names or "human text", is ringed; its text stands below.
    """
    families = {}
    for name, point in points.items():
        families.setdefault(name.rsplit(" ", 1)[0], []).append(point[:2])
    styles = zip(cycle((VALUE, GRADIENT, "#3f7f5f", GREY)), cycle("os^Dv"))
    for (family, places), (color, marker) in zip(families.items(), styles, strict=False):
        ax.plot(*zip(*places, strict=True), f"{marker}-", color=color, lw=1, ms=5, label=family)
    x, y, _ = human
    ax.plot(x, y, "*", color="black", ms=13, label="human text", ls="none")
    x, y, text = {**points, "human text": human}[chosen]
    ax.plot(x, y, "o", mfc="none", mec="black", ms=19, mew=1.5)
    ax.set(xlabel="diversity, distinct-2", ylabel="nats a token under the model")
    many = {"ncols": len(families) + 1, "fontsize": 9, "columnspacing": 1.2}
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, **many)
    here = f"{chosen}: distinct-2 {x:.3g}, {y:.3g} nats a token"
    below(ax, f"{here}\n{text}", 7)
    told = [f"{name} {x:.3g}, {y:.3g}" for name, (x, y, _) in points.items()]
    told.append(f"human text {human[0]:.3g}, {human[1]:.3g}")
    return f"{here}, of {'; '.join(told)}. Its text: “{text}”"


def below(ax, text: str, most: int) -> None:
    """Write `text` below the axes, as it is, in lines of 80 columns; after `most` comes …."""
    lines = []
    for line in text.split("\n"):
        seen = " ".join(visible(words) for words in line.split(" "))
        wide = "".join(c + "\0" * (east_asian_width(c) in "FW") for c in seen)  # two columns
        lines += [part.replace("\0", "") for part in textwrap.wrap(wide, 80)] or [""]
    font, drawable = _plain()
    font["family"] = ["DejaVu Sans Mono", *font["family"]]
    told = drawable("\n".join(lines if len(lines) <= most else [*lines[:most], "…"]))
    at = {"xycoords": "axes fraction", "xytext": (0, -42), "textcoords": "offset points"}
    ax.annotate(told, (0, 0), **at, va="top", fontsize=9, linespacing=1.3, **font)


def power_law(ax, x: np.ndarray, y: np.ndarray, kept: np.ndarray, a: float, b: float) -> str:
    """Draw numbered points on log axes, those not `kept` hollow, and the line y = a·x^(-b)."""
    ax.plot(x[kept], y[kept], "o", color=VALUE, label="in the fit")
    if not kept.all():
        ax.plot(x[~kept], y[~kept], "o", mfc="none", color=VALUE, label="left out")
    law = f"{a:.3g} · x^({-b:.3f})".replace("-", "−")
    ax.plot(x, a * x**-b, "--", color=GRADIENT, label=law)
    ax.set(xscale="log", yscale="log")
    ax.minorticks_off()
    ax.margins(0.1)  # room for the numbers
    sizes = [EngFormatter(sep="")(float(f"{size:.3g}")) for size in x]
    ax.set_xticks(x, sizes)
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    for i, place in enumerate(zip(x, y, strict=True), 1):
        ax.annotate(f"{i}", place, (5, 5), textcoords="offset points", color=VALUE)
    ax.legend(frameon=False)
    worst = np.abs(a * x[kept] ** -b / y[kept] - 1).max()
    told = zip(y, sizes, kept, strict=True)
    points = ", ".join(f"{z:.3g} at {n}{'' if k else ' (left out)'}" for z, n, k in told)
    fitted = f"{kept.sum()} of {len(x)} points: y = {law}, at most {worst:.1%} off"
    return f"{fitted}; the points are {points}."


def bound(ax, posterior: tuple, q: tuple, name: str, elbo, kl, evidence: float) -> str:
    """Draw p(z | x) and q, each (z, density), and how ELBO and KL add up to log p(x), in nats.

    The scale below reaches from 8 nats under `evidence`, which is log p(x), whatever q is; `name`
    is that of q. Returns the text alternative.
    """
    z, p = posterior
    ax.fill_between(z, p, color="#9dbbdb", label="p(z | x)")
    ax.plot(*q, color=GRADIENT, label=f"q(z) = {name}")
    top = 1.05 * max(2 * p.max(), q[1].max())  # it rests unless q is narrow
    ax.set(xlim=(z[0], z[-1]), ylim=(0, top), xlabel="z", ylabel="density")
    below, low = ax.inset_axes([0, -0.43, 1, 0.13]), evidence - 8
    end = max(elbo, low)
    below.barh(0, end - low, left=low, color=VALUE, label="ELBO")
    below.barh(0, elbo + kl - end, left=end, color="#e9b7a4", label="KL(q ‖ p(z | x))")
    if elbo < low:
        below.text(low + 0.1, 0, "← the ELBO ends further left", va="center")
    below.axvline(evidence, color="black", lw=2)
    below.text(evidence + 0.1, 0, "log p(x)", va="center")
    below.set(xlim=(low, evidence + 1.2), ylim=(-0.4, 0.4), yticks=[], xlabel="nats")
    handles = [*ax.get_legend_handles_labels()[0], *below.get_legend_handles_labels()[0]]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    told = f"ELBO {elbo:.2f} + KL {kl:.2f} = log p(x) {evidence:.2f}".replace("-", "−")
    ax.set_title(told, pad=45)
    peaks = z[1:-1][(p[1:-1] > p[:-2]) & (p[1:-1] >= p[2:])]
    places = " and ".join(f"{peak:.2f}" for peak in peaks).replace("-", "−")
    return f"{told}, in nats, for q = {name}; p(z | x) has its peaks at z = {places}."


def sheet(ax, pictures: np.ndarray, columns: int, gap: int = 0) -> None:
    """Draw pictures (N, 1, H, W) in [0, 1] on one sheet, row by row, `gap` pixels between them.

    The ticks are at the middles of the columns and of the rows, still without labels.
    """
    _, _, H, W = pictures.shape
    rows = -(-len(pictures) // columns)
    h, w = H + gap, W + gap
    grid = np.zeros((rows * h - gap, columns * w - gap))
    for i, picture in enumerate(pictures):
        y, x = i // columns * h, i % columns * w
        grid[y : y + H, x : x + W] = picture[0]
    ax.imshow(grid, cmap=plt.get_cmap("gray_r", 16), vmin=0, vmax=1, interpolation="nearest")
    ax.set_xticks(np.arange(columns) * w + (W - 1) / 2, [])
    ax.set_yticks(np.arange(rows) * h + (H - 1) / 2, [])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def rows(pictures: dict[str, np.ndarray]) -> None:
    """Draw rows of pictures (N, 1, H, W) in [0, 1], as many in each, beside their names."""
    (n, _, H, W), *_ = (row.shape for row in pictures.values())
    gap, scale = 2, 2 / 80  # two dots for a pixel, at 80 dots an inch
    size = (n * (W + gap) - gap) * scale, (len(pictures) * (H + gap) - gap) * scale
    ax = plt.figure(figsize=size).add_axes((0, 0, 1, 1))
    sheet(ax, np.concatenate(list(pictures.values())), n, gap)
    ax.set_yticks(ax.get_yticks(), pictures)


# Of ten classes in matplotlib's ten colours: two that look alike to some eyes differ in shape. All
# are upright, since a PNG of 2,000 slanted ones is three times as large.
SHAPES = "ss|+|s+__|"


def latent_map(ax, codes: np.ndarray, labels: np.ndarray, names: list[str]) -> str:
    """Draw codes (N, 2) in the colours of their `labels` (N,), which number `names`.

    Returns the mean code of each class.
    """
    told = []
    for i in np.unique(labels):
        own, shape = codes[labels == i], SHAPES[i]
        look = {"ms": 2.7, "mew": 0} if shape == "s" else {"ms": 3.6, "mew": 1.8}
        ax.plot(*own.T, shape, color=f"C{i}", label=names[i], **look)
        told.append(f"{names[i]} {_place(own.mean(0))}")
    ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    look = {"markerscale": 2.5, "fontsize": 9, "handletextpad": 0.1, "frameon": False}
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), **look)
    return f"Mean codes of {len(codes):,} pictures by class: {', '.join(told)}."


def _place(code) -> str:
    """Return a code (2,) as it is told: (0.3, −1.2)."""
    return f"({code[0]:.1f}, {code[1]:.1f})".replace("-", "−")


def latent(ax, codes, labels, names, pictures, z, decoded, chosen: int, near: list[int]) -> str:
    """Draw the map of `codes` with a cross at `z` (2,), what is decoded there and who is near.

    `pictures` (N, 1, H, W) have the `codes` (N, 2) and the `labels` (N,), which number `names`.
    `decoded` (1, H, W) is the picture of `z`; beside it stands the `chosen` picture, whose code is
    ringed, and below it those numbered in `near`.
    """
    ax.axis("off")
    plane = ax.inset_axes([0, 0, 0.44, 1])
    told = latent_map(plane, codes, labels, names)
    most = 1.05 * max(3.5, np.abs(codes).max())  # the map rests wherever the cross is
    plane.set(xlim=(-most, most), ylim=(-most, most))
    for color, mew in (("white", 4), ("black", 1.8)):
        plane.plot(*codes[chosen], "o", mfc="none", mec=color, ms=17, mew=mew)
        plane.plot(*z, "+", color=color, ms=13, mew=mew)
    name = names[labels[chosen]]
    heads = [f"decoded at the cross\n{_place(z)}", f"picture {chosen}, ringed\n{name}"]
    for left, picture, head in zip((0.62, 0.83), (decoded, pictures[chosen]), heads, strict=True):
        beside = ax.inset_axes([left, 0.42, 0.19, 0.46])
        sheet(beside, picture[None], 1)
        beside.set_title(head, fontsize=9)
    row = ax.inset_axes([0.62, 0.02, 0.4, 0.24])
    sheet(row, pictures[near], len(near), 4)
    found = [f"{i} {names[labels[i]]}" for i in near]
    lines = [re.sub("[ /]", "\n", name) for name in found]  # narrow enough to stand side by side
    row.set_xticks(row.get_xticks(), lines, fontsize=8)
    row.set_title("the pictures whose codes are nearest", fontsize=9)
    return (
        f"The cross is at {_place(z)}; nearest are the codes of pictures {', '.join(found)}. "
        f"Picture {chosen}, {name}, has its code at {_place(codes[chosen])}. {told}"
    )


def interpolation(ax, ends, row, now, t: float, path: str, lengths: dict, K: int) -> str:
    """Draw the decodings `row` (9, 1, H, W) of a path between the pictures `ends`, and its length.

    `ends` has a number -> a picture (1, H, W) for both ends; `now` (1, H, W) is decoded at `t`.
    `lengths` has the name of each path, of which `path` is walked, -> ‖z‖ (T,) at as many t from 0
    to 1; a code drawn from N(0, I) is about √K long.
    """
    ax.axis("off")
    (start, first), (end, last) = ends
    top = ax.inset_axes([0, 0.62, 1, 0.3])
    sheet(top, np.stack([first, *row, last]), 11, 3)
    steps = [f"{s:.3g}" for s in np.linspace(0, 1, len(row))]
    top.set_xticks(top.get_xticks(), [f"picture {start}", *steps, f"picture {end}"])
    top.set_title(f"decoded along the {path} path, by $t$")
    big = ax.inset_axes([0, 0, 0.3, 0.46])
    sheet(big, now[None], 1)
    big.set_title(f"$t$ = {t:.2f}")
    chart, told = ax.inset_axes([0.42, 0.06, 0.4, 0.44]), []
    for (name, values), color in zip(lengths.items(), (VALUE, GRADIENT), strict=False):
        chart.plot(np.linspace(0, 1, len(values)), values, color=color, label=name)
        told.append(
            f"{name} {values[0]:.2f} at the start, {values[len(values) // 2]:.2f} half-way, "
            f"{values[-1]:.2f} at the end"
        )
        if name == path:
            here = np.interp(t, np.linspace(0, 1, len(values)), values)
            chart.plot(t, here, "o", color=color, ms=8)
    chart.axhline(K**0.5, color=GREY, ls="--", label=f"$\\sqrt{{K}}$ = {K**0.5:.2f}")
    longest = max(K**0.5, *(values.max() for values in lengths.values()))
    chart.set(xlabel="$t$", ylabel="length ‖$z$‖", ylim=(0, 1.15 * longest))
    chart.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    off = [np.abs(now - picture).mean() for picture in (first, last)]
    return (
        f"From picture {start} to picture {end}, {path}, t = {t:.2f}: the code is {here:.2f} long, "
        f"and its picture differs from picture {start} by {off[0]:.3f} a pixel, from picture {end} "
        f"by {off[1]:.3f}. Length of the code: {'; '.join(told)}; √K = {K**0.5:.2f}."
    )


def rate_distortion(ax, points: dict[float, tuple], chosen: float) -> str:
    """Draw the mean rate and distortion, in nats a picture, of each β; ring the `chosen` β."""
    ax.plot(*zip(*points.values(), strict=True), "o-", color=VALUE)
    for beta, place in points.items():
        ax.annotate(f"β = {beta:g}", place, (9, 6), textcoords="offset points")
    rate, distortion = points[chosen]
    ax.plot(rate, distortion, "o", mfc="none", mec=GRADIENT, ms=15, mew=2)
    ax.set(xlabel="rate, nats a picture", ylabel="distortion, nats a picture")
    most = max(rate for rate, _ in points.values())
    ax.set_xlim(-0.06 * most, 1.45 * most)  # room for the names
    ax.margins(y=0.2)
    here = f"β = {chosen:g}: rate {rate:.1f}, distortion {distortion:.1f}"
    ax.set_title(here)
    told = [f"β = {beta:g}: {r:.1f}, {d:.1f}" for beta, (r, d) in points.items()]
    return f"{here} nats a picture, of {'; '.join(told)}."


def beta(ax, originals, reconstructions, draws, points: dict[float, tuple], chosen: float) -> str:
    """Draw three rows of pictures (n, 1, H, W), and `rate_distortion` of `points` beside them."""
    ax.axis("off")
    rows, curve = ax.inset_axes([0.03, 0, 0.6, 1]), ax.inset_axes([0.74, 0.06, 0.36, 0.84])
    sheet(rows, np.concatenate([originals, reconstructions, draws]), len(originals), 4)
    names = ["originals", "decoded\nfrom their μ", "decoded from\nN(0, I)"]
    rows.set_yticks(rows.get_yticks(), names)
    error = np.abs(reconstructions - originals).mean()
    told = rate_distortion(curve, points, chosen)
    return f"{told} The reconstructions shown differ from the originals by {error:.3f} a pixel."


def game(ax, path: np.ndarray, value: float, best: float) -> str:
    """Draw the game of N(0, 1) and N(θ, 1) at the end of its `path` (n, 3), of θ, a and b.

    Left stand the densities, D(x) = 1/(1 + e^(−a − bx)) and p/(p + q), the best D; right the path
    of θ and b, whose line b = −θ is where D is best and whose star is where both rest. `value` is
    V(D, G) in nats, and `best` that of the best D, 2·JSD − log 4. Returns the text alternative.
    """
    ax.axis("off")
    theta, a, b = path[-1]
    x = np.linspace(-7, 7, 281)
    p, q = (np.exp(-((x - mean) ** 2) / 2) / np.sqrt(2 * np.pi) for mean in (0, theta))
    left, right = ax.inset_axes([0, 0, 0.52, 0.8]), ax.inset_axes([0.62, 0, 0.38, 0.8])
    left.fill_between(x, p, color="#9dbbdb", label="real, p = N(0, 1)")
    left.plot(x, q, color=GRADIENT, label="made, q = N(θ, 1)")
    left.plot(x, 1 / (1 + np.exp(-a - b * x)), color="black", label="D(x)")
    left.plot(x, p / (p + q), "--", color="dimgrey", label="best D, p/(p + q)")
    left.set(xlim=(-7, 7), ylim=(0, 1.03), xlabel="$x$", ylabel="density, D")
    right.plot(path[:, 0], path[:, 2], "o-", color=VALUE, lw=1, ms=2.5, label="path so far")
    right.plot(theta, b, "o", mfc="none", mec=GRADIENT, ms=11, mew=2, ls="none", label="now")
    right.plot([-5, 5], [5, -5], "--", color="dimgrey", lw=1, label="D at its best")
    right.plot(0, 0, "*", color="black", ms=12, ls="none", label="both at rest")
    most = 1.15 * max(1, np.abs(path[:, 2]).max())
    right.set(xlim=(-4.3, 4.3), ylim=(-most, most), xlabel="θ, within ±4")
    right.set_ylabel("$b$, the slope of D's logit")
    for part in (left, right):
        part.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    told = f"V(D, G) = {value:z.3f}; with the best D 2·JSD − log 4 = {best:z.3f}; θ = {theta:z.2f}"
    told = told.replace("-", "−")
    ax.set_title(told)
    more = f"{told}; D has a = {a:z.2f}, b = {b:z.2f}, the best D a = {theta**2 / 2:z.2f}, "
    more += f"b = {-theta:z.2f}; {len(path) - 1} steps so far."
    return more.replace("-", "−")


def _modes(ax, points: torch.Tensor, scale: float) -> dict:
    """Draw points (N, 2) over the ring's centres; return `gan.mode_coverage` and what lies outside.

    At a `scale` of 1 the axes are some 4 inches wide. To the numbers it adds "covered", whether
    each mode is.
    """
    points, centres = points.cpu(), gan.ring_centres()
    near = torch.cdist(points, centres).argmin(1)
    covered = []
    for k in range(len(centres)):  # by the measure itself, of the points near this centre alone
        own = torch.where((near == k)[:, None], points, torch.inf)
        covered.append(gan.mode_coverage(own)["modes"] == 1)
    looks = {True: ("o", "#3f7f5f", "covered"), False: ("D", GRADIENT, "not covered")}
    for has, (marker, color, label) in looks.items():
        places = centres[torch.tensor(covered) == has].T
        size = (20 if has else 14) * scale
        look = {"mfc": "none", "mec": color, "mew": 2.5 * scale**0.5, "ms": size, "ls": "none"}
        ax.plot(*places, marker, label=label, **look)
    ax.plot(*points.T, "o", color=VALUE, ms=3.5 * scale**0.5, mew=0, alpha=0.5)
    ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
    outside = (~(points.abs() <= 3.2).all(1)).sum().item()  # NaN as well
    return {**gan.mode_coverage(points), "covered": covered, "outside": outside}


def ring_points(ax, points: torch.Tensor) -> str:
    """Draw points (N, 2) over the eight centres of `gan.ring_centres`, and what they cover.

    A circle is around each centre that is covered, a diamond around each other one, by
    `gan.mode_coverage`. Returns the text alternative.
    """
    found = _modes(ax, points, 1)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
    kl = "undefined" if np.isnan(found["kl"]) else f"{found['kl']:z.2f} nats"
    told = f"{found['modes']} of 8 modes, {found['good']:.1%} good, KL {kl}"
    if found["outside"]:
        told += f", {found['outside']:,} outside"
    ax.set_title(told)
    lost = [f"{45 * k}°" for k, has in enumerate(found["covered"]) if not has]
    lost = f"; not covered are those at {', '.join(lost)}" if lost else ""
    return f"{len(points):,} points over the ring of eight modes: {told}{lost}."


def film_steps(films: dict[str, dict]) -> list[int]:
    """Return the steps that `films`, name -> step -> points, have in common, in their order.

    Raises ValueError for no films, and unless all have the same steps.
    """
    if not films:
        raise ValueError("no films: give at least one, as name -> step -> points (N, 2)")
    (first, steps), *others = films.items()
    for name, other in others:
        if differ := sorted(set(steps) ^ set(other)):
            raise ValueError(
                f"the films {first!r} and {name!r} differ in steps {differ}: give all the same"
            )
    return sorted(steps)


def film(films: dict[str, dict], steps: list[int] | None = None) -> None:
    """Show `films`, name -> step -> points (N, 2) of the ring: a row for each, a column for a step.

    Without `steps` all are shown. Below each picture stands how many modes of 8 are covered. Raises
    ValueError as `film_steps` does, and for steps that the films lack.
    """
    known = film_steps(films)
    steps = known if steps is None else steps
    if lacking := [step for step in steps if step not in known]:
        raise ValueError(f"the films have no steps {lacking}: choose of {known}")
    size = 1.35 * len(steps), 1.5 * len(films)
    _, axes = plt.subplots(len(films), len(steps), figsize=size, squeeze=False)
    told = []
    for row, (name, points) in zip(axes, films.items(), strict=True):
        found = []
        for ax, step in zip(row, steps, strict=True):
            modes = _modes(ax, points[step], 0.35)["modes"]
            ax.set(xticks=[], yticks=[])
            ax.set_xlabel(f"{modes} of 8", fontsize=8, labelpad=2)
            found.append(f"{modes} of 8 modes at step {step:,}")
        side = {"rotation": 0, "ha": "right", "va": "center", "fontsize": 9}
        row[0].set_ylabel(textwrap.fill(name, 14), **side)
        told.append(f"{name}: {', '.join(found)}")
    for ax, step in zip(axes[0], steps, strict=True):
        ax.set_title(f"step {step:,}", fontsize=9)
    show(f"Points over the ring of eight modes. {'; '.join(told)}.")


def clouds(ax, real: np.ndarray, made: np.ndarray, measures: dict[str, tuple]) -> str:
    """Draw points of the plane, `made` (M, 2) over `real` (N, 2), beside a table of `measures`.

    `measures` has a name -> (its value, that of as many new real points, the best, as a word).
    Returns the text alternative.
    """
    ax.axis("off")
    plane, table = ax.inset_axes([0, 0, 0.52, 0.88]), ax.inset_axes([0.56, 0, 0.46, 0.88])
    plane.plot(*real.T, "o", color="#9dbbdb", ms=5, mew=0, label=f"{len(real)} real")
    plane.plot(*made.T, "x", color=GRADIENT, ms=4, mew=1.2, label=f"{len(made)} made")
    plane.set(xlim=(-6.5, 10), ylim=(-6.5, 6.5), aspect="equal", xticks=range(-6, 11, 2))
    look = {"ncols": 2, "frameon": False, "markerscale": 1.5}
    plane.legend(loc="lower center", bbox_to_anchor=(0.5, 1), **look)
    table.axis("off")
    lines, told = [("", "made", "new real", "best")], []
    for name, (*both, best) in measures.items():
        value, fresh = (f"{x:z,.2f}".replace("-", "−") for x in both)
        lines.append((name, value, fresh, best))
        told.append(f"{name} {value} (new real points {fresh}, best {best})")
    for i, line in enumerate(lines):
        for x, words in zip((0, 0.63, 0.87, 1), line, strict=True):
            side = {"ha": "right" if x else "left", "color": GRADIENT if x == 0.63 else "black"}
            table.text(x, 0.88 - 0.15 * i, words, va="center", **side)
    return f"{len(real)} real and {len(made)} made points: {'; '.join(told)}."


def truncation(ax, pictures: np.ndarray, points: dict[float, tuple], chosen: float) -> str:
    """Draw pictures (12, 1, H, W) made of noise within ±`chosen`, and the measures of each bound.

    `points` has a bound, the last of which may be infinite -> (precision, recall, Fréchet
    distance). Returns the text alternative.
    """
    ax.axis("off")
    made, shares, distance = (
        ax.inset_axes(place)
        for place in ([0, 0, 0.46, 0.86], [0.56, 0.49, 0.44, 0.37], [0.56, 0, 0.44, 0.37])
    )
    sheet(made, pictures, 4, 3)
    bounds = [bound_name(t) for t in points]
    x, at = np.arange(len(points)), list(points).index(chosen)
    precision, recall, frechet = np.array(list(points.values())).T
    curves = [
        (shares, precision, "s-", VALUE, "precision"),
        (shares, recall, "o-", GRADIENT, "recall"),
        (distance, frechet, "^-", "dimgrey", None),
    ]
    for part, y, style, color, name in curves:
        part.plot(x, y, style, color=color, ms=4, label=name)
        part.plot(at, y[at], "o", mfc="none", mec="black", ms=13, mew=1.5)
    shares.set(xticks=x, xticklabels=[], ylim=(-0.15, 1.15))
    shares.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    distance.set(xlabel="$t$, the noise is within ±$t$", ylabel="Fréchet distance")
    distance.set_xticks(x, bounds)
    distance.set_ylim(-0.15 * frechet.max(), 1.15 * frechet.max())
    told = [
        f"t = {name}: precision {p:.2f}, recall {r:.2f}, Fréchet distance {d:.3g}"
        for name, (p, r, d) in zip(bounds, points.values(), strict=True)
    ]
    ax.set_title(told[at])
    return f"{told[at]}; 12 of the pictures are shown. Of all bounds, {'; '.join(told)}."


def bound_name(t: float) -> str:
    """Return a bound of the noise as it is told, as 0.5 or ∞."""
    return f"{t:g}".replace("inf", "∞")


def pairs(ax, pictures: np.ndarray, heads: list[str]) -> None:
    """Draw pairs of pictures (n, 2, 1, H, W) in [0, 1], side by side, each pair under its head."""
    ax.axis("off")
    columns = max(1, min(5, len(pictures)))
    h, w = 1 / max(1, -(-len(pictures) // columns)), 1 / columns
    for i, (pair, head) in enumerate(zip(pictures, heads, strict=True)):
        row, column = divmod(i, columns)
        part = ax.inset_axes([column * w, 1 - (row + 1) * h, 0.9 * w, h - 0.1], anchor="N")
        sheet(part, pair, 2, 4)
        part.set_title(head, fontsize=9)


def board(rows: dict[str, tuple], measure: str, better: str) -> None:
    """Show models by one measure, the best at the top: a dot for the mean, a line for its interval.

    `rows` has a name -> (mean, low, high), as over the seeds of its training, and `better` is
    "lower" or "higher". Raises ValueError for another word, for no rows, and unless low ≤ mean ≤
    high.
    """
    if better not in ("lower", "higher") or not rows:
        raise ValueError(f"{len(rows)} rows, {better!r} is better: give some, 'lower' or 'higher'")
    for name, (mean, low, high) in rows.items():
        if not low <= mean <= high:
            raise ValueError(f"{name}: the mean {mean} is not from {low} to {high}: mend its row")
    order = sorted(rows, key=lambda name: rows[name][0], reverse=better == "higher")
    mean, low, high = np.array([rows[name] for name in order], float).T
    _, ax = plt.subplots(figsize=(6, 0.8 + 0.4 * len(rows)))
    ax.hlines(order, low, high, color=VALUE, lw=2)
    ax.plot(mean, order, "o", color=VALUE, ms=8)
    ax.set_ylim(len(rows) - 0.5, -0.5)  # the first at the top
    ax.set_xlabel(f"{measure}, {better} is better")
    ax.grid(axis="x", color=GREY, alpha=0.4)
    told = []
    for name in order:
        numbers = "{:.4g} ({:.4g} to {:.4g})".format(*rows[name]).replace("-", "−")
        told.append(f"{name} {numbers}")
    show(f"{measure}, {better} is better, the best first: {'; '.join(told)}.")


def _plain() -> tuple[dict, Callable[[str], str]]:
    """Return settings that draw a text as it is, and what makes □ of what no font has."""
    chinese, known = _chinese()
    font = {"family": [*plt.rcParams["font.family"], chinese], "parse_math": False}
    return font, lambda words: "".join(c if c in known else "□" for c in words)


def _chinese() -> tuple[str, set[str]]:
    """Make the shipped font known to matplotlib; return its name, and what can be drawn."""
    path = str(data.chinese_font())
    if path not in [font.fname for font in font_manager.fontManager.ttflist]:
        font_manager.fontManager.addfont(path)
    default = font_manager.findfont(font_manager.FontProperties())
    fonts = [font_manager.get_font(file) for file in (path, default)]
    known = {chr(code) for font in fonts for code in font.get_charmap()}
    return fonts[0].family_name, known | {"\n"}


def verses(columns: dict[str, str]) -> None:
    """Show Chinese verse side by side, heading -> text; the text alternative is the same words.

    A line ends with ， or 。 or where the text breaks it. At most 8 lines of a text are drawn, and
    at most 16 characters of a line; … stands for the rest. A character that neither the font of
    `data.chinese_font` nor matplotlib's own has is drawn as □. Raises DataError as `data.verify`
    does. Lesson 03.
    """
    font, drawable = _plain()
    families = font["family"]
    figure, told, left = plt.figure(figsize=(1, 1)), [], 0.0  # an inch, so places are in inches
    for heading, text in columns.items():
        verse = _verse(text)
        told.append(f"{heading}\n{verse}")
        above = font | {"va": "bottom", "fontsize": 13, "color": VALUE}
        below = font | {"va": "top", "fontsize": 17, "linespacing": 1.5}
        below["family"] = [families[-1], *families[:-1]]  # the Chinese font first
        column = [
            figure.text(left, 0.1, drawable(heading), **above),
            figure.text(left, 0, drawable(verse), **below),
        ]
        left = 0.4 + max(words.get_window_extent().x1 for words in column) / figure.dpi
    show("\n\n".join(told))


def _verse(text: str) -> str:
    """Return the lines of `text` that `verses` draws."""
    lines = [line for line in re.split(r"(?<=[，。])|\n", text) if line]
    lines = [line if len(line) <= 16 else line[:15] + "…" for line in lines]
    return "\n".join(lines if len(lines) <= 8 else [*lines[:8], "…"])
