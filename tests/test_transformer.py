"""Attention and its layers against PyTorch's, the rest against loops and closed forms."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from aigc_lib import transformer
from aigc_lib.transformer import (
    DecoderLayer,
    EncoderLayer,
    MultiHead,
    Transformer,
    angles,
    attention,
    attention_maps,
    causal,
    rotary,
    sinusoidal,
)

sizes, seeds = st.integers(1, 5), st.integers(0, 999)
orders = pytest.mark.parametrize("pre_norm", [False, True])


def close(found, expected, atol=1e-10):
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


def some_mask(*shape):
    """Return a random mask in which each row has a True."""
    mask = torch.rand(shape) < 0.5
    return mask | (torch.arange(shape[-1]) == torch.randint(shape[-1], (*shape[:-1], 1)))


def results(function, parameters, *inputs):
    """Return the output of `function`, and the gradients of the inputs and parameters."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = function(*leaves)
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).sin().view_as(output)
    return [output, *torch.autograd.grad((weight * output).sum(), [*leaves, *parameters])]


def same(ours, theirs, inputs, *calls):
    """Assert that two modules with the same weights have the same values and gradients."""
    names = [name for name, _ in ours.named_parameters()]
    others = dict(theirs.named_parameters())
    assert names == list(ours.state_dict())
    assert set(names) == set(others)
    found = results(calls[0], ours.parameters(), *inputs)
    expected = results(calls[1], [others[name] for name in names], *inputs)
    for one, other in zip(found, expected, strict=True):
        close(one, other)


@given(st.lists(sizes, max_size=2), sizes, sizes, sizes, sizes, st.integers(0, 3), seeds)
def test_attention_is_pytorchs(batch, T, S, hs, hv, masked, seed):
    torch.manual_seed(seed)
    q, k, v = normal(*batch, T, hs), normal(*batch, S, hs), normal(*batch, S, hv)
    mask = [None, some_mask(*batch, T, S), some_mask(T, S), some_mask(*batch, 1, S)][masked]
    found = results(lambda *qkv: attention(*qkv, mask)[0], [], q, k, v)
    theirs = results(lambda *qkv: F.scaled_dot_product_attention(*qkv, mask), [], q, k, v)
    for one, other in zip(found, theirs, strict=True):
        close(one, other)
    output, weights = attention(q, k, v, mask)
    assert weights.shape == (*batch, T, S)
    close(weights.sum(-1), torch.ones(*batch, T, dtype=torch.float64))
    close(torch.einsum("...ts,...sv->...tv", weights, v), output)
    if mask is not None:
        assert ((weights > 0) == mask.expand(weights.shape)).all()


def test_attention_of_two_words_by_hand():
    q, k = torch.tensor([[2.0, 0, 0, 0]]), torch.tensor([[math.log(3), 9, 0, 0], [0, 0, 9, 0]])
    output, weights = attention(q, k, torch.tensor([[8.0], [4.0]]))
    close(weights, torch.tensor([[0.75, 0.25]]), 1e-6)  # the scores are 2 ln 3 / √4 and 0
    close(output, torch.tensor([[7.0]]), 1e-5)


@pytest.mark.parametrize("T", [0, 1, 4])
def test_a_causal_mask_lets_each_look_back_and_at_itself(T):
    assert causal(T).dtype == torch.bool
    assert causal(T).tolist() == [[s <= t for s in range(T)] for t in range(T)]


@pytest.mark.parametrize(("T", "C"), [(1, 2), (7, 6), (700, 64)])
def test_sinusoidal_positions_are_those_of_the_paper(T, C):
    expected = [
        [
            math.sin(t / 10000 ** (c / C)) if c % 2 == 0 else math.cos(t / 10000 ** ((c - 1) / C))
            for c in range(C)
        ]
        for t in range(T)
    ]
    assert sinusoidal(T, C).dtype == torch.float32
    close(sinusoidal(T, C), torch.tensor(expected, dtype=torch.float64).float(), 1e-7)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 16))
def test_a_shifted_position_is_a_rotated_one(t, k, pairs):
    PE = sinusoidal(t + k + 1, 2 * pairs).double()
    for i in range(pairs):
        a = k * 10000 ** (-i / pairs)
        turn = PE.new_tensor(
            [[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]  # of (sine, cosine)
        )
        close(turn @ PE[t, 2 * i : 2 * i + 2], PE[t + k, 2 * i : 2 * i + 2], 1e-6)


@given(sizes, sizes, sizes, st.sampled_from([10000, 100.0, 2]), seeds)
def test_rotary_turns_pairs_as_complex_numbers(B, T, pairs, base, seed):
    torch.manual_seed(seed)
    x, positions = normal(B, T, 2 * pairs), torch.randint(-50, 5000, (T,)).double() / 7
    z = x.numpy()[..., 0::2] + 1j * x.numpy()[..., 1::2]
    for t, i in np.ndindex(T, pairs):
        z[:, t, i] *= np.exp(1j * positions[t].item() * float(base) ** (-2 * i / (2 * pairs)))
    expected = np.stack([z.real, z.imag], -1).reshape(x.shape)
    found = rotary(x, positions, base) if base != 10000 else rotary(x, positions)
    close(found, torch.from_numpy(expected), 1e-9)
    close(found.norm(dim=-1), x.norm(dim=-1))
    close(rotary(x, positions.expand(B, T), base), found)
    close(rotary(x, positions.tolist(), base), found)
    close(rotary(x[0, 0], positions[0], base), found[0, 0])
    assert rotary(x.float(), positions).dtype == torch.float32


@given(sizes, sizes, st.integers(-1000, 1000), seeds)
def test_rotary_scores_depend_on_the_difference_of_positions(T, pairs, shift, seed):
    torch.manual_seed(seed)
    q, k, places = normal(T, 2 * pairs), normal(T, 2 * pairs), torch.arange(T)
    scores = rotary(q, places) @ rotary(k, places).T
    close(rotary(q, places + shift) @ rotary(k, places + shift).T, scores, 1e-9)
    far = rotary(q, places) @ rotary(k, places + 1 + abs(shift)).T
    assert (far - scores).abs().max() > 1e-6


def pair(ours, theirs):
    """Return our module and PyTorch's, in double precision, with the same weights, none 0."""
    theirs, ours = theirs.double(), ours.double()
    for weights in theirs.parameters():
        nn.init.normal_(weights, std=0.5)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def for_pytorch(mask, nh):
    """Return our mask (B, T, S) as `nn.MultiheadAttention` wants it: (B nh, T, S), True forbids."""
    return None if mask is None else ~mask.repeat_interleave(nh, 0)


@given(sizes, sizes, sizes, st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), seeds)
def test_multi_head_attention_is_pytorchs(B, T, S, nh, hs, kind, seed):
    torch.manual_seed(seed)
    theirs = nn.MultiheadAttention(nh * hs, nh, batch_first=True)
    ours, theirs = pair(MultiHead(nh * hs, nh), theirs)
    cross, masked = kind & 1, kind & 2
    S = S if cross else T
    inputs = [normal(B, T, nh * hs), *([normal(B, S, nh * hs)] if cross else [])]
    mask = some_mask(B, T, S) if masked else None

    def by_pytorch(x, m=None, part=0):
        m = x if m is None else m
        options = {"attn_mask": for_pytorch(mask, nh), "average_attn_weights": False}
        return theirs(x, m, m, **options)[part]

    same(ours, theirs, inputs, lambda *x: ours(*x, mask=mask), by_pytorch)
    close(ours.weights(*inputs, mask=mask), by_pytorch(*inputs, part=1))


def test_masks_of_multi_head_attention_broadcast():
    ours, x, m = MultiHead(6, 2).double(), normal(2, 3, 6), normal(2, 4, 6)
    for shape in ((3, 4), (2, 1, 4), (1, 3, 4), (4,)):
        mask = some_mask(*shape)
        whole = mask.expand(2, 3, 4).clone()
        close(ours(x, m, mask), ours(x, m, whole))
        close(ours.weights(x, m, mask), ours.weights(x, m, whole))
        assert ((ours.weights(x, m, mask) > 0) == whole[:, None]).all()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: MultiHead(12, 3), lambda: nn.MultiheadAttention(12, 3)),
        (lambda: EncoderLayer(12, 3, 7), lambda: nn.TransformerEncoderLayer(12, 3, 7)),
    ],
)
def test_the_first_weights_are_pytorchs_of_the_same_seed(ours, theirs):
    torch.manual_seed(3)
    expected = theirs().state_dict()
    torch.manual_seed(3)
    ours = ours()
    assert ours.state_dict().keys() == expected.keys()
    for name, weights in ours.state_dict().items():
        assert torch.equal(weights, expected[name])


def layers(kind, B, nh, hs, hidden, pre_norm):
    """Return our layer of a kind, and PyTorch's."""
    theirs = {EncoderLayer: nn.TransformerEncoderLayer, DecoderLayer: nn.TransformerDecoderLayer}
    options = {"dropout": 0, "batch_first": True, "norm_first": pre_norm}
    ours = kind(nh * hs, nh, hidden, pre_norm) if pre_norm else kind(nh * hs, nh, hidden)
    return pair(ours, theirs[kind](nh * hs, nh, hidden, **options))


@orders
@given(sizes, sizes, st.integers(1, 3), st.integers(2, 3), sizes, st.booleans(), seeds)
def test_an_encoder_layer_is_pytorchs(pre_norm, B, T, nh, hs, hidden, masked, seed):
    torch.manual_seed(seed)
    ours, theirs = layers(EncoderLayer, B, nh, hs, hidden, pre_norm)
    mask = some_mask(B, T, T) if masked else None
    calls = (lambda x: ours(x, mask), lambda x: theirs(x, for_pytorch(mask, nh)))
    same(ours, theirs, [normal(B, T, nh * hs)], *calls)


@orders
@given(sizes, sizes, sizes, st.integers(1, 3), st.integers(2, 3), sizes, st.integers(0, 3), seeds)
def test_a_decoder_layer_is_pytorchs(pre_norm, B, T, S, nh, hs, hidden, masked, seed):
    torch.manual_seed(seed)
    ours, theirs = layers(DecoderLayer, B, nh, hs, hidden, pre_norm)
    mask = some_mask(B, T, T) if masked & 1 else None
    memory_mask = some_mask(B, T, S) if masked & 2 else None
    masks = for_pytorch(mask, nh), for_pytorch(memory_mask, nh)
    calls = (lambda x, m: ours(x, m, mask, memory_mask), lambda x, m: theirs(x, m, *masks))
    same(ours, theirs, [normal(B, T, nh * hs), normal(B, S, nh * hs)], *calls)


V, C, HEADS, HIDDEN, LONGEST, PAD = 9, 8, 2, 6, 10, 3
START, END = 1, 0


def model_of(layers=2, seed=0):
    torch.manual_seed(seed)
    model = Transformer(V, C, HEADS, HIDDEN, layers, LONGEST, PAD)
    for weights in [*model.encoder.parameters(), *model.decoder.parameters()]:
        nn.init.normal_(weights, 0 if weights.ndim == 2 or weights.mean() < 0.5 else 1, 0.5)
    return model.double()


def rows(B, T):
    """Return random ids (B, T) that are filled up with padding behind the first one or more."""
    ids = torch.randint(4, V, (B, T))
    return torch.where(torch.arange(T) < torch.randint(1, T + 1, (B, 1)), ids, PAD)


def by_pytorch(model, source, target):
    """Return log p of every next token, (B, T, V), by PyTorch's stacks and loops for the rest."""

    def stack(kind, layer, ours):
        options = {"dropout": 0, "batch_first": True}
        theirs = kind(layer(C, HEADS, HIDDEN, **options), len(ours)).double()
        theirs.load_state_dict({f"layers.{name}": x for name, x in ours.state_dict().items()})
        return theirs

    table = model.embedding.weight
    positions = [
        [f(t / 10000 ** (c / C)) for c in range(0, C, 2) for f in (math.sin, math.cos)]
        for t in range(LONGEST)
    ]

    def vectors(ids):
        return math.sqrt(C) * table[ids] + torch.tensor(positions).double()[: ids.shape[1]]

    encoder = stack(nn.TransformerEncoder, nn.TransformerEncoderLayer, model.encoder)
    decoder = stack(nn.TransformerDecoder, nn.TransformerDecoderLayer, model.decoder)
    hidden = source == PAD
    h = decoder(
        vectors(target),
        encoder(vectors(source), src_key_padding_mask=hidden),
        tgt_mask=torch.ones(target.shape[1], target.shape[1]).triu(1).bool(),
        tgt_key_padding_mask=target == PAD,
        memory_key_padding_mask=hidden,
    )
    return (h @ table.T).log_softmax(-1)


@given(sizes, st.integers(1, LONGEST), st.integers(1, LONGEST), st.integers(1, 3), seeds)
def test_the_transformer_is_pytorchs_stacks(B, S, T, layers, seed):
    model, source, target = model_of(layers, seed), rows(B, S), rows(B, T)
    close(model(source, target).log_softmax(-1), by_pytorch(model, source, target))


@given(sizes, st.integers(1, LONGEST), st.integers(2, LONGEST + 1), seeds)
def test_the_loss_is_the_mean_nats_of_what_is_no_padding(B, S, T, seed):
    model, source, target = model_of(seed=seed), rows(B, S), rows(B, T)
    target[0, 1] = 5
    expected = by_pytorch(model, source, target[:, :-1])
    counted = [(b, t) for b in range(B) for t in range(1, T) if target[b, t] != PAD]
    nats = [-expected[b, t - 1, target[b, t]].item() for b, t in counted]
    assert model.loss(source, target).item() == pytest.approx(sum(nats) / len(nats), abs=1e-10)


def test_the_loss_reaches_every_parameter():
    model = model_of()
    model.loss(torch.randint(4, V, (3, 6)), torch.randint(4, V, (3, 5))).backward()
    assert all(weights.grad.abs().max() > 1e-6 for weights in model.parameters())


def test_padding_changes_nothing():
    model, source, target = model_of(), rows(3, 6), rows(3, 5)
    longer, wider = F.pad(source, (0, 3), value=PAD), F.pad(target, (0, 4), value=PAD)
    close(model(longer, wider)[:, :5], model(source, target))
    close(model.loss(longer, wider), model.loss(source, target))


def test_no_prediction_depends_on_what_comes_after_it():
    model, source, target = model_of(), rows(2, 6), torch.randint(4, V, (2, 7))
    logits = model(source, target)
    for t in range(1, 7):
        other = target.clone()
        other[:, t:] = (other[:, t:] - 4 + 1) % 5 + 4
        close(model(source, other)[:, :t], logits[:, :t])
        assert (model(source, other)[:, t] - logits[:, t]).abs().max() > 1e-2


@pytest.mark.parametrize("start", [START, END])
def test_greedy_decoding_takes_the_most_probable_token_until_the_end(start):
    model, n = model_of(seed=21), LONGEST
    source, ended, graphs = rows(12, 6), 0, []
    model.decoder[0].register_forward_hook(lambda layer, x, y: graphs.append(y.requires_grad))
    found = model.decode(source, start, END, n)
    assert (found.shape, found.dtype) == ((12, n), torch.int64)
    assert graphs == n * [False]
    for b in range(12):
        text = [start]
        while len(text) <= n and END not in text[1:]:
            log_p = by_pytorch(model, source[b : b + 1], torch.tensor([text]))
            text.append(log_p[0, -1].argmax().item())
        text = text[1:]
        ended += 1 < len(text) < n
        assert found[b].tolist() == text + (n - len(text)) * [PAD]
    assert ended
    assert torch.equal(model.decode(source, start, END, 2), found[:, :2])


def test_the_table_is_shared_and_as_large_as_the_positions():
    torch.manual_seed(0)
    model = Transformer(500, 64, 4, 8, 1, 50, 0)
    tables = [name for name, weights in model.named_parameters() if 500 in weights.shape]
    assert tables == ["embedding.weight"]
    assert not any("positions" in name for name in model.state_dict())
    std = model.embedding.weight.std().item() * 8
    assert std == pytest.approx(1, abs=5 / math.sqrt(2 * 500 * 64))


def test_a_transformer_learns_to_reverse():
    torch.manual_seed(0)
    model = Transformer(8, 16, 2, 32, 1, 6, 0)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        source = torch.randint(3, 8, (64, 4))
        target = F.pad(F.pad(source.flip(1), (1, 0), value=1), (0, 1), value=2)
        optimiser.zero_grad()
        model.loss(source, target).backward()
        optimiser.step()
    source = torch.randint(3, 8, (200, 4))
    right = (model.decode(source, 1, 2, 5)[:, :4] == source.flip(1)).all(1)
    assert right.double().mean() > 0.9


def test_attention_maps_are_what_each_part_looks_at():
    model, source, target = model_of(), rows(2, 6), rows(2, 5)
    maps = attention_maps(model, source, target)
    parts = ["self_attn", "multihead_attn"]
    assert list(maps) == [f"encoder.{i}.self_attn" for i in range(2)] + [
        f"decoder.{i}.{part}" for i in range(2) for part in parts
    ]
    x, mask = model.embed(source), (source != PAD)[:, None]
    close(maps["encoder.0.self_attn"], model.encoder[0].self_attn.weights(x, mask=mask))
    for name, weights in maps.items():
        T, S = (6, 6) if "encoder" in name else (5, 6) if "multi" in name else (5, 5)
        assert weights.shape == (2, HEADS, T, S)
        assert not weights.requires_grad
        close(weights.sum(-1), torch.ones(2, HEADS, T, dtype=torch.float64))
        seen = (target if name.startswith("decoder") and "self" in name else source) != PAD
        assert ((weights > 0).any(2) <= seen[:, None]).all()
    with pytest.raises(ValueError, match="the id 99"):
        attention_maps(model, source, target + 99 - target)
    assert not any(part._forward_hooks for part in model.modules())


@given(sizes, sizes, st.integers(1, 4), st.integers(1, 4), st.integers(1, 40))
def test_the_counts_are_those_of_the_layer(B, T, nh, hs, hidden):
    layer = EncoderLayer(nh * hs, nh, hidden)
    count = sum(weights.numel() for weights in layer.parameters())
    assert transformer.parameters(nh * hs, hidden) == count
    x = torch.randn(B, T, nh * hs)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        layer(x)  # the counter knows matrix products, and not the CPU's fused attention
    assert B * T * transformer.flops(nh * hs, hidden, T) == counter.get_total_flops()


MODEL, HEAD = model_of(), MultiHead(4, 2)
X, IDS = torch.zeros(2, 3, 4), torch.full((2, 4), 5)
Q, BLIND = torch.zeros(3, 4), torch.tensor([[True, True], [False, False], [False, True]])


def ids(*row):
    return torch.tensor([[4, 4, 4][: len(row)], row])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: attention(Q, Q[:2], Q[:2], BLIND),
            "row [1] of the mask of shape (3, 2) is all False, so its query may look at nothing",
        ),
        (
            lambda: attention(Q, Q, Q, causal(2)),
            "a mask of shape (2, 2) for weights of shape (3, 3): give one that broadcasts",
        ),
        (lambda: attention(Q, Q, Q, torch.ones(2, 3, 3).bool()), "shape (2, 3, 3) for weights of"),
        (lambda: attention(Q, Q, Q, torch.zeros(3, 3)), "a mask of torch.float32: give torch.bool"),
        (lambda: angles([1], 5), "C=5 is odd, and each angle turns 2 columns: give C=6"),
        (lambda: sinusoidal(3, 7), "C=7 is odd"),
        (lambda: sinusoidal(3, 0), "C=0: give a whole number of at least 2"),
        (lambda: rotary(torch.zeros(2, 3), torch.arange(2)), "C=3 is odd"),
        (lambda: MultiHead(8, 3), "C=8 columns for nh=3 heads: give a C that nh divides"),
        (lambda: MultiHead(8, 0), "nh=0: give a whole number of at least 1"),
        (lambda: MultiHead(0, 1), "C=0: give a whole number of at least 1"),
        (lambda: EncoderLayer(6, 4, 5), "C=6 columns for nh=4 heads"),
        (lambda: DecoderLayer(6, 4, 5), "C=6 columns for nh=4 heads"),
        (lambda: HEAD(X, mask=causal(4)), "a mask of shape (4, 4) for weights of shape (2, 3, 3)"),
        (lambda: HEAD(X, X[:, :2], causal(3)), "shape (3, 3) for weights of shape (2, 3, 2)"),
        (lambda: HEAD(X, X[:, :2], BLIND), "row [1] of the mask of shape (3, 2) is all False"),
        (
            lambda: HEAD.weights(X, X[:, :2], torch.stack([~BLIND, BLIND])),
            "row [0, 0] of the mask of shape (2, 3, 2) is all False",
        ),
        (lambda: HEAD(X, mask=torch.ones(2, 2, 3, 3).bool()), "a mask of shape (2, 2, 3, 3) for"),
        (lambda: HEAD(X, mask=torch.zeros(3, 3)), "a mask of torch.float32: give torch.bool"),
        (lambda: Transformer(0, 4, 2, 4, 1, 9, 0), "vocab_size=0: give a whole number"),
        (lambda: Transformer(5, 4, 2, 4, 1, 9, 5), "ids[0] is 5, and the tokens are 0 to 4"),
        (lambda: Transformer(5, 4, 3, 4, 1, 9, 0), "C=4 columns for nh=3 heads"),
        (lambda: Transformer(5, 3, 1, 4, 1, 9, 0), "C=3 is odd"),
        (lambda: MODEL(IDS[0], IDS), "source of shape (4,) and torch.int64: give (B, T), int64"),
        (lambda: MODEL(IDS, IDS.double()), "target of shape (2, 4) and torch.float64: give (B, T)"),
        (
            lambda: MODEL(IDS.repeat(1, 3), IDS),
            "source: 12 ids a row, and with longest=10 it may have 1 to 10",
        ),
        (
            lambda: MODEL(IDS, IDS.repeat(1, 3)),
            "target: 12 ids a row, and with longest=10 it may have 1 to 10",
        ),
        (lambda: MODEL(IDS[:, :0], IDS), "source: 0 ids a row, and with longest=10 it may have 1"),
        (lambda: MODEL(ids(4, 9), IDS), "source: the id 9 is none of the tokens, 0 to 8: encode"),
        (lambda: MODEL(IDS, ids(4, -1)), "target: the id -1 is none of the tokens, 0 to 8"),
        (lambda: MODEL(ids(3, 3), IDS), "source[1] begins with the padding 3: pad rows at the end"),
        (lambda: MODEL(IDS, ids(3, 4)), "target[1] begins with the padding 3"),
        (lambda: MODEL.loss(IDS, IDS[:, :1]), "target: 1 ids a row, and with longest=10 it may"),
        (
            lambda: MODEL.loss(IDS, IDS.repeat(1, 3)),
            "target: 12 ids a row, and with longest=10 it ",
        ),
        (lambda: MODEL.loss(IDS, ids(4, 9)), "target: the id 9 is none of the tokens"),
        (lambda: MODEL.loss(ids(4, 9), IDS), "source: the id 9 is none of the tokens"),
        (lambda: MODEL.decode(ids(4, 9), 1, 0, 4), "source: the id 9 is none of the tokens"),
        (lambda: MODEL.decode(IDS, 9, 0, 4), "ids[0] is 9, and the tokens are 0 to 8"),
        (lambda: MODEL.decode(IDS, 1, 9, 4), "ids[1] is 9, and the tokens are 0 to 8"),
        (lambda: MODEL.decode(IDS, 1, 0, 0), "n=0: give a whole number of at least 1"),
        (
            lambda: MODEL.decode(IDS, 1, 0, 11),
            "n=11 tokens and a start: 12 ids a row, and with longest=10 it may have 1 to 11",
        ),
        (lambda: MODEL.decode(IDS, 3, 0, 4), "begins with the padding 3"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
