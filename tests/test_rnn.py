"""Recurrent layers against PyTorch's, and the language model against loops and whole passes."""

import copy
import itertools
import math
import re
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torch.nn import functional as F

from aigc_lib import rnn, train
from aigc_lib.rnn import GRU, LSTM, RNN, LanguageModel, Reader, detach, windows

THEIRS = {RNN: nn.RNN, GRU: nn.GRU, LSTM: nn.LSTM}
kinds = pytest.mark.parametrize("kind", THEIRS)
sizes = st.integers(1, 6)


def pair(kind, D, H):
    """Return our layer and PyTorch's, with the same weights, in double precision."""
    theirs = THEIRS[kind](D, H, batch_first=True).double()
    ours = kind(D, H).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def parts(state):
    """Return the tensors of a state as a tuple."""
    return state if isinstance(state, tuple) else (state,)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@kinds
@given(sizes, sizes, sizes, sizes, st.booleans(), st.integers(0, 999))
def test_a_layer_equals_pytorchs_with_the_same_weights(kind, B, T, D, H, given_state, seed):
    torch.manual_seed(seed)
    ours, theirs = pair(kind, D, H)
    found, expected = [], []
    x = torch.randn(B, T, D, dtype=torch.float64)
    first = [torch.randn(B, H, dtype=torch.float64) for _ in range(1 + (kind is LSTM))]
    weight = [torch.randn(*shape, H, dtype=torch.float64) for shape in ((B, T), (B,), (B,))]
    for layer, lift, values in ((ours, lambda h: h, found), (theirs, lambda h: h[None], expected)):
        leaves = [t.clone().requires_grad_() for t in (x, *first)]
        state = tuple(map(lift, leaves[1:])) if kind is LSTM else lift(leaves[1])
        outputs, state = layer(leaves[0], state if given_state else None)
        state = [h.reshape(B, H) for h in parts(state)]
        values += [outputs, *state]
        sums = [(w * h).sum() for w, h in zip(weight, [outputs, *state], strict=False)]
        sum(sums).backward()
        values += [t.grad for t in (leaves if given_state else leaves[:1])]
        values += [weights.grad for weights in layer.parameters()]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        close(one, other)
    names = [[name for name, _ in layer.named_parameters()] for layer in (ours, theirs)]
    assert names[0] == names[1]


@kinds
def test_the_first_weights_are_pytorchs_of_the_same_seed(kind):
    torch.manual_seed(3)
    theirs = THEIRS[kind](7, 5)
    torch.manual_seed(3)
    ours = kind(7, 5)
    for name, weights in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weights)
    theirs.load_state_dict(ours.state_dict())


@kinds
def test_a_step_is_what_the_layer_repeats(kind):
    layer, x = kind(3, 4), torch.randn(2, 5, 3)
    outputs, last = layer(x)
    inputs = layer.inputs(x)
    state = layer.start(inputs)
    for t in range(5):
        h, state = layer.step(inputs[:, t], state)
        assert torch.equal(h, outputs[:, t])
    assert all(map(torch.equal, parts(state), parts(last)))


@kinds
def test_a_state_carried_on_gives_the_outputs_of_one_pass(kind):
    layer, x = kind(3, 4).double(), torch.randn(2, 9, 3, dtype=torch.float64)
    outputs, last = layer(x)
    state, pieces = None, []
    for piece in x.split(4, 1):
        found, state = layer(piece, state)
        pieces.append(found)
        before = state
        state = detach(state)
        assert isinstance(state, tuple) == (kind is LSTM)
        assert all(map(torch.equal, parts(state), parts(before)))
        assert not any(h.requires_grad for h in parts(state))
        assert all(h.requires_grad for h in parts(before))
    close(torch.cat(pieces, 1), outputs)
    for found, expected in zip(parts(state), parts(last), strict=True):
        close(found, expected)


@kinds
def test_truncated_gradients_are_those_of_the_last_window_alone(kind):
    ours, theirs = pair(kind, 3, 4)
    x = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    _, state = ours(x[:, :4])
    outputs, _ = ours(x[:, 4:], detach(state))
    outputs.square().sum().backward()
    with torch.no_grad():
        _, state = theirs(x[:, :4])
    outputs, _ = theirs(x[:, 4:].detach(), state)
    outputs.square().sum().backward()
    for found, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(found.grad, expected.grad)
    assert x.grad[:, :4].abs().max() == 0 < x.grad[:, 4:].abs().min()


texts = st.lists(st.integers(0, 9), min_size=2, max_size=80)


@given(texts, sizes, sizes)
def test_windows_follow_one_another_in_each_stream(text, B, length):
    ids = torch.tensor(text)
    steps = (len(text) - 1) // (B * length)
    if steps == 0:
        with pytest.raises(ValueError, match=f"at least {B * length + 1} tokens, .* {len(text)}:"):
            windows(ids, B, length)
        return
    batches = windows(ids, B, length)
    streams = [[] for _ in range(B)]
    for i in range(steps):
        window, fresh = batches(i)
        assert (window.shape, window.dtype) == ((B, length + 1), torch.int64)
        assert fresh is (i == 0)
        for stream, row in zip(streams, window.tolist(), strict=True):
            assert stream[-1:] in ([], row[:1])
            stream += row[1:] if stream else row
    whole = streams[0] + [token for stream in streams[1:] for token in stream[1:]]
    assert whole == text[: len(whole)]
    assert len(text) - len(whole) < B * length
    for i in (0, steps - 1):
        again, fresh = batches(i + 3 * steps)
        assert torch.equal(again, batches(i)[0])
        assert fresh is (i == 0)


def model_of(kind, V=5, D=3, H=4, seed=0):
    torch.manual_seed(seed)
    return LanguageModel(V, kind(D, H)).double()


def by_pytorch(model, ids):
    """Return log p of every next token, given the first of ids (B, T): (B, T, V)."""
    kind = type(model.layer)
    theirs = THEIRS[kind](model.layer.input_size, model.layer.hidden_size, batch_first=True)
    theirs.double().load_state_dict(model.layer.state_dict())
    with torch.no_grad():
        outputs, _ = theirs(model.embedding.weight[ids])
        return (outputs @ model.head.weight.T + model.head.bias).log_softmax(-1)


@kinds
def test_logits_and_loss_are_those_of_pytorchs_layer(kind):
    model, ids = model_of(kind), torch.randint(5, (3, 7))
    expected = by_pytorch(model, ids)
    logits, state = model(ids)
    close(logits.log_softmax(-1), expected)
    nats = [-expected[b, t, ids[b, t + 1]].item() for b in range(3) for t in range(6)]
    loss = model.loss(ids)
    assert loss.item() == pytest.approx(sum(nats) / 18, abs=1e-12)
    loss.backward()
    assert all(weights.grad.abs().max() > 0 for weights in model.parameters())
    assert all(h.shape == (3, 4) for h in parts(state))


@kinds
def test_the_loss_of_a_window_takes_the_state_before_it(kind):
    model, ids = model_of(kind), torch.randint(5, (3, 9))
    _, state = model(ids[:, :4])
    expected = by_pytorch(model, ids)[:, 4:8].gather(2, ids[:, 5:, None])
    close(model.loss(ids[:, 4:], state), -expected.mean())


@kinds
@pytest.mark.parametrize("n", [2, 4, 5, 8, 23])
def test_log_probs_in_chunks_are_those_of_one_pass(kind, n, monkeypatch):
    monkeypatch.setattr(rnn, "CHUNK", 4)
    model, ids = model_of(kind).float(), torch.randint(5, (n,))
    lengths = []
    model.layer.register_forward_hook(lambda layer, x, y: lengths.append(x[0].shape[1]))
    found = model.log_probs(ids)
    assert (found.dtype, found.shape, found.requires_grad) == (torch.float64, (n - 1,), False)
    assert (max(lengths), sum(lengths)) == (min(n - 1, 4), n - 1)
    expected = by_pytorch(model.double(), ids[None])[0]
    expected = -F.cross_entropy(expected[:-1], ids[1:], reduction="none")
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert model.loss(ids[None]).item() == pytest.approx(-expected.mean().item())
    assert torch.equal(model.log_probs(ids.tolist()), model.log_probs(ids.to(torch.uint8)))


@kinds
@pytest.mark.parametrize("temperature", [0.5, 1, 2])
def test_samples_are_as_frequent_as_they_are_probable(kind, temperature):
    model = model_of(kind, V=2, seed={RNN: 3, GRU: 2, LSTM: 2}[kind])
    for weights in model.parameters():
        nn.init.normal_(weights, std=0.8)  # so that what came before matters
    context, n, draws = [1, 1, 0], 3, 1500
    generator = torch.Generator().manual_seed(1)
    found = Counter(
        tuple(model.sample(n, generator, context, temperature).tolist()) for _ in range(draws)
    )
    observed, expected = [], []
    for sample in itertools.product(range(2), repeat=n):
        p = (by_pytorch(model, torch.tensor([[*context, *sample]]))[0] / temperature).softmax(-1)
        observed.append(found[sample])
        expected.append(draws * math.prod(p[len(context) - 1 + t, sample[t]] for t in range(n)))
    assert min(expected) > 5
    assert stats.chisquare(observed, expected).pvalue > 0.01


@kinds
def test_a_sample_repeats_and_is_drawn_a_token_a_step(kind):
    model, lengths, graphs = model_of(kind), [], []
    model.layer.register_forward_hook(lambda layer, x, y: lengths.append(x[0].shape[1]))
    model.layer.register_forward_hook(lambda layer, x, y: graphs.append(y[0].requires_grad))
    one, same, other = (
        model.sample(20, torch.Generator().manual_seed(seed), [2, 3, 1]) for seed in (5, 5, 6)
    )
    assert (one.dtype, one.shape) == (torch.int64, (20,))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert lengths == 3 * [3, *19 * [1]]
    assert not any(graphs)
    assert model.sample(0, torch.Generator(), [0]).shape == (0,)
    cold = model.float().sample(9, torch.Generator(), [0], temperature=5e-324).tolist()
    ids = torch.tensor([[0, *cold]])
    assert by_pytorch(model.double(), ids)[0, :-1].argmax(-1).tolist() == cold


@kinds
def test_a_language_model_takes_pytorchs_layer_too(kind):
    ours, ids = model_of(kind), torch.randint(5, (30,))
    theirs = LanguageModel(5, THEIRS[kind](3, 4, batch_first=True)).double()
    theirs.load_state_dict(ours.state_dict())
    close(theirs.log_probs(ids), ours.log_probs(ids))
    generators = [torch.Generator().manual_seed(4) for _ in range(2)]
    samples = [m.sample(30, g, [1]) for m, g in zip((ours, theirs), generators, strict=True)]
    assert torch.equal(*samples)


@kinds
def test_a_carried_state_learns_what_no_window_shows(kind):
    """In 001001..., what follows the first 0 of a window is unknown: ln 2 at 1 of 3 places."""

    def last_loss(carry):
        torch.manual_seed(0)
        model = LanguageModel(2, kind(4, 8))
        optimiser, carried = torch.optim.Adam(model.parameters(), lr=0.03), {}

        def step(batch):
            window, fresh = batch
            state = detach(carried["state"]) if carry and not fresh else None
            logits, carried["state"] = model(window[:, :-1], state)
            loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            return {"loss": loss}

        text = torch.tensor([0, 0, 1]).repeat(100)
        history = train.fit(step, windows(text, 3, 2), 180)
        return sum(history["loss"][-40:]) / 40

    assert last_loss(carry=True) < 0.1 < math.log(2) / 3 - 0.03 < last_loss(carry=False)


layers = pytest.mark.parametrize(
    "kind", [*THEIRS, *THEIRS.values()], ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
TEXT = torch.randint(5, (161,), generator=torch.Generator().manual_seed(1))
STREAMS = windows(TEXT, 4, 5)  # 8 windows a pass


def reading(kind, seed=0, **options):
    """Return a model with a layer of ours or of PyTorch's, in double precision, and its reader."""
    torch.manual_seed(seed)
    options = {"steps": 30, "lr": 0.02, "limit": 0.3} | options
    layer = kind(3, 4) if kind in THEIRS else kind(3, 4, batch_first=True)
    model = LanguageModel(5, layer).double()
    return model, Reader(model, **options)


def read_by_hand(model, n, fraction):
    """Train PyTorch's layer as a reader should, with `fraction(i)` of the rate 0.02 at step i."""
    kind = THEIRS.get(type(model.layer), type(model.layer))
    theirs = kind(3, 4, batch_first=True).double()
    theirs.load_state_dict(model.layer.state_dict())
    embedding, head = copy.deepcopy((model.embedding, model.head))
    parameters = [*embedding.parameters(), *theirs.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=0.02)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, fraction)
    losses, norms, hidden = [], [], None
    for i in range(n):
        ids, fresh = STREAMS(i)
        hidden = None if fresh else hidden
        outputs, hidden = theirs(embedding(ids[:, :-1]), hidden)
        loss = F.cross_entropy(head(outputs).transpose(1, 2), ids[:, 1:])
        optimiser.zero_grad()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(parameters, 0.3).item())
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        hidden = tuple(h.detach() for h in hidden) if kind is nn.LSTM else hidden.detach()
    return parameters, losses, norms


@layers
def test_a_reader_learns_as_a_loop_written_out_in_pytorch(kind):
    """Some gradients are clipped; the text begins again three times, and the rate ends at last."""
    model, reader = reading(kind)

    def fraction(i):  # up in 3 steps of 30, down in the other 27, and on at the last rate
        return (i + 1) / 3 if i < 3 else (1 + math.cos(math.pi * (min(i, 29) - 3) / 27)) / 2

    parameters, losses, norms = read_by_hand(model, 33, fraction)
    found = [reader(STREAMS(i)) for i in range(33)]
    assert [x["loss"].item() for x in found] == pytest.approx(losses, abs=1e-10)
    assert [x["norm"].item() for x in found] == pytest.approx(norms, abs=1e-10)
    assert min(norms) < 0.3 < max(norms)
    for weights, expected in zip(model.parameters(), parameters, strict=True):
        close(weights, expected)
    assert not any(h.requires_grad for h in parts(reader.carried))


@layers
def test_a_fresh_window_is_read_from_no_state(kind):
    model, reader = reading(kind, lr=0.0)
    ids, _ = STREAMS(0)
    of_zeros = model.loss(ids).item()
    for i in range(3):
        reader(STREAMS(i))
    assert reader((ids, True))["loss"].item() == pytest.approx(of_zeros, abs=1e-12)
    assert reader((ids, False))["loss"].item() != pytest.approx(of_zeros, abs=1e-6)


@layers
@pytest.mark.parametrize("killed", [False, True])
def test_reading_that_was_stopped_goes_on_bit_for_bit(kind, killed, tmp_path):
    """The stop is in the middle of a pass, so the next window needs the state carried to it."""
    path = tmp_path / "reader.pt"

    def run(n, seed, batches=STREAMS, checkpoint=path):
        model, reader = reading(kind, seed)
        state = {"model": model, "reader": reader}
        history = train.fit(reader, batches, n, state=state, checkpoint=checkpoint, every=4)
        return model.state_dict(), reader.state_dict(), history

    def power_cut(i):
        if i == 15:
            raise OSError("power cut")
        return STREAMS(i)

    if killed:
        with pytest.raises(OSError, match="power cut"):
            run(22, 0, power_cut)
    else:
        run(12, 0)
    assert torch.load(path)["run"]["step"] == 12
    resumed, whole = run(22, 1), run(22, 0, checkpoint=None)
    assert resumed[2] == whole[2]
    torch.testing.assert_close(resumed[:2], whole[:2], rtol=0, atol=0)
    assert len(parts(resumed[1]["carried"])) == 1 + (kind in (LSTM, nn.LSTM))


@layers
def test_a_state_that_was_saved_elsewhere_goes_where_the_model_is(kind):
    """As `fit` resumes on a GPU, from a file read to the CPU: "meta" is a device without values."""
    _, reader = reading(kind)
    reader(STREAMS(0))
    saved = reader.state_dict()
    with torch.device("meta"):
        _, reader = reading(kind)
    reader.load_state_dict(saved)
    assert {h.device.type for h in parts(reader.carried)} == {"meta"}
    reader.model(torch.zeros(4, 5, dtype=torch.int64), reader.carried)


MODEL = model_of(LSTM)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LanguageModel(0, RNN(2, 3)), "vocab_size=0: give a whole number of at least 1"),
        (lambda: LanguageModel(2.5, RNN(2, 3)), "vocab_size=2.5: give a whole number"),
        (lambda: windows(torch.arange(9), 0, 2), "batch_size=0: give a whole number of at least 1"),
        (lambda: windows(torch.arange(9), 2, 0), "length=0: give a whole number of at least 1"),
        (lambda: windows(torch.arange(9), 2, 1.5), "length=1.5: give a whole number"),
        (lambda: windows(torch.arange(0), 1, 1), "a text of at least 2 tokens, and this one has 0"),
        (
            lambda: windows(torch.arange(35), 1, 35),
            "batch_size=1 and length=35 need a text of at least 36 tokens, and this one has 35: "
            "give a longer text or smaller numbers",
        ),
        (lambda: windows(torch.ones(2, 9).long(), 1, 1), "is no text: give a tensor of ids (N,)"),
        (lambda: windows(torch.zeros(9), 1, 1), "is no text: give a tensor of ids (N,), int64"),
        (lambda: windows("to be or not", 1, 1), "'to be or not' is no text: give a tensor of ids"),
        (lambda: MODEL(torch.arange(4)), "ids of shape (4,) and torch.int64: give (B, T), int64"),
        (lambda: MODEL(torch.zeros(3, 0).long()), "ids of shape (3, 0) and torch.int64: give (B"),
        (lambda: MODEL(torch.zeros(3, 4)), "ids of shape (3, 4) and torch.float32: give (B, T), i"),
        (lambda: MODEL(torch.tensor([[1, 5]])), "the id 5 is none of the tokens, 0 to 4: encode"),
        (lambda: MODEL(torch.tensor([[1, -1]])), "the id -1 is none of the tokens, 0 to 4"),
        (lambda: MODEL.loss(torch.arange(4)), "(B, T), int64, with T at least 2; one text (N,) is"),
        (lambda: MODEL.loss(torch.zeros(3, 1).long()), "ids of shape (3, 1) and torch.int64"),
        (lambda: MODEL.loss(torch.tensor([[1, 0, 5]])), "the id 5 is none of the tokens, 0 to 4"),
        (lambda: MODEL.log_probs([]), "a text of 0 tokens is too short: give at least 2"),
        (lambda: MODEL.log_probs([1]), "a text of 1 tokens is too short: give at least 2"),
        (lambda: MODEL.log_probs([0, 5]), "ids[1] is 5, and the tokens are 0 to 4"),
        (lambda: MODEL.log_probs([[0, 1]]), "ids of shape (1, 2) and torch.int64: give whole"),
        (lambda: MODEL.log_probs([0.0, 1.0]), "ids of shape (2,) and torch.float32: give whole"),
        (lambda: MODEL.log_probs("emma"), "'emma' is not ids: encode the text with a tokenizer"),
        (lambda: MODEL.sample(2, None, []), "a text of 0 tokens is too short: give at least 1"),
        (lambda: MODEL.sample(2, None, [7]), "ids[0] is 7, and the tokens are 0 to 4"),
        (lambda: MODEL.sample(-1, None, [0]), "n=-1: give a whole number of at least 0"),
        (lambda: MODEL.sample(2, None, [0], 0), "temperature=0: give a positive number"),
        (lambda: MODEL.sample(2, None, [0], -1), "temperature=-1: give a positive number"),
        (lambda: MODEL.sample(2, None, [0], math.nan), "temperature=nan: give a positive number"),
        (lambda: MODEL.sample(2, None, [0], math.inf), "temperature=inf: give a positive number"),
        (lambda: MODEL.sample(2, None, [0], "1"), "temperature='1': give a positive number"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
