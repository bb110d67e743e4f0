"""Recurrent networks in the open, and a language model made of one. Lesson 04.

A layer reads a sequence x_1, x_2, ... and keeps a state, which each step makes from the last one.
All layers have one contract, that of PyTorch's with `batch_first=True`:

    outputs, state = layer(x, state)  # x (B, T, D), outputs (B, T, H): h_1, ..., h_T

The state is h_T (B, H), for the LSTM a pair (h_T, c_T); without one the layer starts at zeros. The
names of the parameters are PyTorch's too, so `ours.load_state_dict(theirs.state_dict())` copies
the weights of a `torch.nn` layer of one direction and one layer, and the other way about.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from aigc_lib import data
from aigc_lib.ngram import check_ids, draw, whole
from aigc_lib.optim import warmup_cosine
from aigc_lib.tokenizers import Tokenizer

CHUNK = 1024  # tokens that `log_probs` holds the logits of at a time


class RNN(nn.Module):
    """The plain recurrent layer: h_t = tanh(W x_t + b + U h_{t-1} + d).

    W (H, D) is `weight_ih_l0`, U (H, H) is `weight_hh_l0`, b and d (H,) are the biases; all are
    drawn from U(-1/√H, 1/√H), with PyTorch's numbers for the same seed. Source: Elman 1990;
    lesson 04.
    """

    gates = 1  # how many blocks of H rows the weights have

    def __init__(self, D: int, H: int):
        super().__init__()
        self.input_size, self.hidden_size = D, H
        self.weight_ih_l0 = self._uniform(self.gates * H, D)
        self.weight_hh_l0 = self._uniform(self.gates * H, H)
        self.bias_ih_l0 = self._uniform(self.gates * H)
        self.bias_hh_l0 = self._uniform(self.gates * H)

    def _uniform(self, *shape: int) -> nn.Parameter:
        bound = self.hidden_size**-0.5
        return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))

    def forward(self, x: torch.Tensor, state=None):
        inputs = self.inputs(x)  # of all steps at once, which is what makes it fast
        state = self.start(inputs) if state is None else state
        outputs = []
        for a in inputs.unbind(1):
            h, state = self.step(a, state)
            outputs.append(h)
        return torch.stack(outputs, 1), state

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Return a_t = W x_t + b + d (B, T, H): all that needs no state."""
        return F.linear(x, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0)

    def start(self, inputs: torch.Tensor):
        """Return the state before the first step: zeros."""
        return inputs.new_zeros(len(inputs), self.hidden_size)

    def step(self, a: torch.Tensor, h: torch.Tensor):
        """Return the output and the state after one step, given a_t and the state before it."""
        h = torch.tanh(torch.addmm(a, h, self.weight_hh_l0.T))  # a + U h
        return h, h


class GRU(RNN):
    """The gated recurrent unit: an update gate z keeps h as it is, a reset gate r hides it.

    r = σ(W_r x + b_r + U_r h + d_r), z = σ(W_z x + b_z + U_z h + d_z),
    n = tanh(W_n x + b_n + r ∘ (U_n h + d_n)), h_t = (1 - z) ∘ n + z ∘ h, where h is h_{t-1}. The
    rows of W (3H, D), U (3H, H), b and d (3H,) are those of r, z, n. Here, as in PyTorch, r stands
    after the product with h; its authors have it before: U_n (r ∘ h). Source: Cho et al. 2014,
    arXiv:1406.1078, equations 5 to 8, but for that; lesson 04.
    """

    gates = 3

    def inputs(self, x):
        return F.linear(x, self.weight_ih_l0, self.bias_ih_l0)  # d stands behind r, in `step`

    def step(self, a, h):
        u = F.linear(h, self.weight_hh_l0, self.bias_hh_l0)
        (a_r, a_z, a_n), (u_r, u_z, u_n) = a.chunk(3, 1), u.chunk(3, 1)
        r, z = torch.sigmoid(a_r + u_r), torch.sigmoid(a_z + u_z)
        n = torch.tanh(a_n + r * u_n)
        h = (1 - z) * n + z * h
        return h, h


class LSTM(RNN):
    """Long short-term memory: a cell c that is added to, behind gates i (in), f (keep), o (out).

    i, f, o = σ(W x + b + U h + d) and g = tanh(W x + b + U h + d), each with rows of its own: those
    of W (4H, D), U (4H, H), b and d (4H,) are of i, f, g, o. Then c_t = f ∘ c_{t-1} + i ∘ g and
    h_t = o ∘ tanh(c_t). The state is the pair (h, c). Source: Hochreiter and Schmidhuber 1997, with
    the forget gate of Gers, Schmidhuber and Cummins 2000; lesson 04.
    """

    gates = 4

    def start(self, inputs):
        return super().start(inputs), super().start(inputs)

    def step(self, a, state):
        h, c = state
        i, f, g, o = torch.addmm(a, h, self.weight_hh_l0.T).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)


def detach(state):
    """Return the state, a tensor or a tuple of them, cut from the graph that made it.

    Given to the next window, it carries what was read there, and no gradient back: this is
    truncated backpropagation through time. Source: Williams and Peng 1990; lesson 04.
    """
    return state.detach() if isinstance(state, torch.Tensor) else tuple(s.detach() for s in state)


def windows(ids: torch.Tensor, batch_size: int, length: int) -> Callable:
    """Return `batches(i)`, which gives the i-th window (B, length + 1) of B streams, and `fresh`.

    The text `ids` (N,), int64, on any device, is cut into B = `batch_size` pieces of equal length,
    a stream each. A window begins with the last token of the one before it, which was only a target
    there: so the state after the first `length` tokens of window i - 1 is the one before window i.
    Where it is not, as a pass over the text begins again, every (N - 1) // (B length) windows,
    `fresh` is True. Fewer than B length tokens, at the end of the text, are left out.

    Raises ValueError for a text that is none or has no window for each stream. Lesson 04.
    """
    B, length = whole("batch_size", batch_size, 1), whole("length", length, 1)
    if not isinstance(ids, torch.Tensor) or ids.ndim != 1 or ids.dtype != torch.int64:
        raise ValueError(f"{ids!r:.60} is no text: give a tensor of ids (N,), int64")
    steps = (len(ids) - 1) // (B * length)
    if steps < 1:
        raise ValueError(
            f"batch_size={B} and length={length} need a text of at least {B * length + 1} tokens, "
            f"and this one has {len(ids)}: give a longer text or smaller numbers"
        )
    streams = ids.unfold(0, steps * length + 1, steps * length)[:B]

    def batches(i: int) -> tuple[torch.Tensor, bool]:
        start = i % steps * length
        return streams[:, start : start + length + 1], start == 0

    return batches


class LanguageModel(nn.Module):
    """A model of the next of V = `vocab_size` tokens, given the state that the last ones left.

    logits_t = A h_t + a, with h_t from the layer, which reads a learned vector (D,) of each token.
    `layer` is an `RNN`, `GRU` or `LSTM`, or one of torch.nn with `batch_first=True`, whose state
    then has a dimension more. Source: Mikolov et al. 2010, Recurrent neural network based language
    model; lesson 04.
    """

    def __init__(self, vocab_size: int, layer: nn.Module):
        super().__init__()
        self.vocab_size = whole("vocab_size", vocab_size, 1)
        self.embedding = nn.Embedding(vocab_size, layer.input_size)
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size, vocab_size)

    def forward(self, ids: torch.Tensor, state=None):
        """Return the logits (B, T, V) of the token after each of `ids` (B, T), and the state.

        Raises ValueError for another shape or type, no token, or ids outside 0 to V-1.
        """
        return self._read(self._check(ids, 1), state)

    def _read(self, ids: torch.Tensor, state):
        outputs, state = self.layer(self.embedding(ids), state)
        return self.head(outputs), state

    def loss(self, ids: torch.Tensor, state=None) -> torch.Tensor:
        """Return the mean nats a token of `ids` (B, T), the first of each row being context only.

        Raises ValueError as the model itself does, and for fewer than two tokens a row.
        """
        logits, _ = self._read(self._check(ids, 2)[:, :-1], state)
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    def _check(self, ids: torch.Tensor, least: int) -> torch.Tensor:
        """Return `ids`, if they are tokens (B, T), int64, T at least `least`."""
        if ids.ndim != 2 or ids.shape[1] < least or ids.dtype != torch.int64:
            raise ValueError(
                f"ids of shape {tuple(ids.shape)} and {ids.dtype}: give (B, T), int64, with T at "
                f"least {least}; one text (N,) is ids[None]"
            )
        if len(wrong := ids[(ids < 0) | (ids >= self.vocab_size)]):
            raise ValueError(
                f"the id {wrong[0]} is none of the tokens, 0 to {self.vocab_size - 1}: encode with "
                "the tokenizer of this vocabulary"
            )
        return ids

    @torch.no_grad()
    def log_probs(self, ids) -> torch.Tensor:
        """Return log p(ids[i] | all tokens before it), i = 1 to N-1, in nats: float64, (N-1,).

        The text is read in chunks, whose state is carried on, so its length costs time and no
        memory. Raises ValueError for fewer than two ids, or ids outside 0 to V-1.
        """
        ids = check_ids(ids, self.vocab_size, 2).to(self.head.weight.device)
        state, parts = None, []
        for start in range(0, len(ids) - 1, CHUNK):
            chunk = ids[start : start + CHUNK + 1]
            logits, state = self(chunk[None, :-1], state)
            parts.append(-F.cross_entropy(logits[0], chunk[1:], reduction="none"))
        return torch.cat(parts).cpu().double()

    @torch.no_grad()
    def sample(self, n, generator, context, temperature=1.0) -> torch.Tensor:
        """Return `n` ids (n,) that go on from `context`, drawn from p^(1/temperature), normalised.

        `generator` is a torch.Generator of the CPU. Raises ValueError for a context without a
        token or with ids outside 0 to V-1, and for a temperature that is not positive and finite.
        """
        ids = torch.empty(whole("n", n, 0), dtype=torch.int64)
        x, state = check_ids(context, self.vocab_size, 1), None
        for i in range(n):
            logits, state = self(x[None].to(self.head.weight.device), state)
            ids[i] = x = draw(logits[0, -1], generator, temperature)
        return ids


class Reader:
    """One step of training on windows that follow each other: a `step` for `fit`.

    Each step reads a window from the state that the one before left, cut from the graph (truncated
    backpropagation through time), clips the gradient to the norm `limit` and takes a step of AdamW,
    with `warmup_cosine` up to the rate `lr` and down in `steps`. Name it to `fit` beside the model:
    it holds what else must survive a stop, the carried state included. Source: lesson 04.
    """

    def __init__(self, model: LanguageModel, steps: int, lr: float, limit: float = 1.0):
        self.model, self.limit, self.carried = model, limit, None
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        self.rate = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda i: warmup_cosine(min(i, steps - 1), steps, 1, steps // 10)
        )

    def __call__(self, batch: tuple[torch.Tensor, bool]) -> dict:
        """Learn from a window of `windows`; return its loss, nats a token, and gradient's norm."""
        ids, fresh = batch
        logits, state = self.model(ids[:, :-1], None if fresh else self.carried)
        loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.limit)
        self.optimizer.step()
        self.rate.step()
        self.carried = detach(state)
        return {"loss": loss, "norm": norm}

    def state_dict(self) -> dict:
        """Return what `fit` saves: the carried state, the optimiser and the schedule."""
        parts = {name: getattr(self, name).state_dict() for name in ("optimizer", "rate")}
        return parts | {"carried": self.carried}

    def load_state_dict(self, saved: dict) -> None:
        """Go on from what `state_dict` returned."""
        self.optimizer.load_state_dict(saved["optimizer"])
        self.rate.load_state_dict(saved["rate"])
        device, state = self.model.head.weight.device, saved["carried"]  # `fit` reads to the CPU
        if state is not None:
            pair = isinstance(state, tuple)
            state = tuple(h.to(device) for h in state) if pair else state.to(device)
        self.carried = state


def load_lstm(tokenizer: Tokenizer) -> LanguageModel:
    """Return the language model of Shakespeare that the course ships, on the CPU.

    Its layer is a `torch.nn.LSTM` of 512 units. `tokenizer` has the vocabulary that it was trained
    with: `characters(data.shakespeare()["train"])`. It never saw the validation and test plays.
    Source: lesson 04's recipe, run longer by `make checkpoints`; the file's metadata record the
    run. Raises ValueError for another vocabulary, DataError as `data.verify` does. Lesson 04.
    """
    weights, about = data.checkpoint("shakespeare_lstm")
    if tokenizer.pieces != (pieces := list(about["pieces"])):
        raise ValueError(
            f"this vocabulary of {len(tokenizer)} pieces is not the one of {len(pieces)} that the "
            "model was trained with, so its ids mean something else: give the tokenizer "
            'characters(data.shakespeare()["train"])'
        )
    rows, D = weights["layer.weight_ih_l0"].shape
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, only to be replaced
        model = LanguageModel(len(pieces), nn.LSTM(D, rows // 4, batch_first=True))
    model.load_state_dict(weights)
    return model
