"""Plausible wrong answers to the exercises of lesson 05, each with words of its hint."""

import math

import torch


def attend(scale=lambda q, k: math.sqrt(q.shape[1]), dim=1):
    """Return a scaled_attention with this divisor, and the softmax over this dimension."""
    return lambda q, k, v: (q @ k.T / scale(q, k)).softmax(dim) @ v


def crossed(ask="x", look="memory", exchanged=False, own=True, scale=2**0.5):
    """Return a cross_attention with what the arguments change."""

    def cross_attention(x, memory, W_Q, W_K, W_V):
        of = {"x": x, "memory": memory}
        q, k, v = of[ask] @ W_Q, of[look] @ W_K, of[look] @ (W_V if own else W_K)
        k, v = (v, k) if exchanged else (k, v)
        return (q @ k.T / scale).softmax(1) @ v

    return cross_attention


def clocks(exponent=2, kind=torch.float64):
    """Return sine and cosine (T, C/2) of the angles with this factor in the exponent."""

    def both(T, C):
        theta = 10000 ** (-exponent * torch.arange(C // 2, dtype=kind) / C)
        angle = torch.arange(T)[:, None] * theta
        return angle.sin(), angle.cos()

    return both


def turn(angle=lambda t, theta: t * theta, signs=(-1, 1), order=(0, 1)):
    """Return a rotate_pair with this angle, these signs of the sines, and this order."""

    def rotate_pair(pair, t, theta):
        (x, y), a = pair.unbind(1), angle(t, theta)
        turned = (x * a.cos() + signs[0] * y * a.sin(), signs[1] * x * a.sin() + y * a.cos())
        return torch.stack([turned[i] for i in order], 1)

    return rotate_pair


def count(attentions=1, maps=4, bias=1, thinks=1, norms=2, more=1, each=2):
    """Return a layer_parameters with these numbers of parts; `more` is a decoder's second part."""

    def layer_parameters(C, hidden, decoder):
        attention = maps * (C * C + bias * C)
        norm = (norms + more * decoder) * each * C
        thought = 2 * C * hidden + thinks * (hidden + C)
        return (attentions + more * decoder) * attention + thought + norm

    return layer_parameters


WRONG = {
    "scaled_attention": [
        (attend(lambda q, k: 1), "not divided by √d"),
        (attend(lambda q, k: q.shape[1]), "the root of d"),
        (attend(lambda q, k: math.sqrt(len(k))), "not the number of keys"),
        (attend(lambda q, k: 1 / math.sqrt(q.shape[1])), "do not multiply"),
        (attend(dim=0), "each row adds up to 1"),
        (lambda q, k, v: q @ k.T / math.sqrt(q.shape[1]) @ v, "The softmax is missing"),
        (lambda q, k, v: (q @ k.T / math.sqrt(q.shape[1])).softmax(1), "These are the weights"),
    ],
    "causal_mask": [
        (lambda T, past: ~torch.ones(T, past + T).bool().tril(past), "upside down"),
        (lambda T, past: torch.ones(T, past + T).bool().tril(past - 1), "look at itself"),
        (lambda T, past: torch.ones(T, past + T).bool().tril(), "token past + t"),
        (lambda T, past: torch.ones(T, past + T).bool().triu(past), "not ahead"),
        (lambda T, past: torch.ones(T, T).bool().tril(), "past + T in all"),
        (lambda T, past: torch.ones(T, past + T).tril(past), "it is bool"),
    ],
    "mended_attention": [
        (
            lambda q, k, v, m: (q @ k.T / math.sqrt(q.shape[1])).softmax(1).masked_fill(~m, 0) @ v,
            "do not add up to 1",
        ),
        (
            lambda q, k, v, m: (q @ k.T / math.sqrt(q.shape[1])).masked_fill(~m, 0).softmax(1) @ v,
            "e⁰ is 1",
        ),
        (lambda q, k, v, m: (q @ k.T / math.sqrt(q.shape[1])).softmax(1) @ v, "mask is gone"),
        (
            lambda q, k, v, m: (
                (q @ k.T / math.sqrt(q.shape[1])).masked_fill(m, -math.inf).softmax(1) @ v
            ),
            "where the mask is True",
        ),
        (
            lambda q, k, v, m: torch.nn.functional.scaled_dot_product_attention(
                q[None], k[None], v[None], is_causal=True
            )[0],
            "the mask that is given",
        ),
    ],
    "split_heads": [
        (lambda x, nh: x.reshape(len(x), nh, x.shape[1], -1), "Tokens were mixed"),
        (lambda x, nh: x.unflatten(2, (-1, nh)).permute(0, 3, 1, 2), "neighbouring columns"),
        (lambda x, nh: x.unflatten(2, (nh, -1)), "Exchange the two"),
    ],
    "cross_attention": [
        (crossed(look="x"), "self-attention"),
        (crossed(ask="memory", look="x"), "it asks"),
        (crossed(exchanged=True), "they are exchanged"),
        (crossed(scale=1), "not divided"),
        (crossed(scale=2), "not of x"),
        (crossed(own=False), "a map of their own"),
    ],
    "positions": [
        (lambda T, C: torch.cat(clocks()(T, C), 1), "take turns"),
        (lambda T, C: torch.stack(clocks()(T, C)[::-1], 2).flatten(1), "even columns"),
        (lambda T, C: torch.stack(clocks(1)(T, C), 2).flatten(1), "with the 2"),
        (
            lambda T, C: torch.stack(
                [clocks(1)(T, 2 * C)[0][:, ::2], clocks(1)(T, 2 * C)[1][:, 1::2]], 2
            ).flatten(1),
            "PE(t, 2i)",
        ),
        (lambda T, C: torch.stack(clocks()(T, C), 2).flatten(1).T, "A position is a row"),
        (lambda T, C: torch.stack(clocks()(T + 1, C), 2).flatten(1)[1:], "first position is 0"),
        (lambda T, C: torch.stack(clocks(4)(T, C), 2).flatten(1), "do not double it"),
        (lambda T, C: torch.stack(clocks(1, torch.float32)(T, C), 2).flatten(1), "with the 2"),
        (
            lambda T, C: torch.stack(clocks(2, torch.float32)(T, C), 2).flatten(1),
            "ompute in float64",
        ),
    ],
    "rotate_pair": [
        (turn(signs=(1, -1)), "the other way"),
        (turn(signs=(1, 1)), "One of the two sines"),
        (turn(lambda t, theta: torch.full_like(t, theta)), "another one for each row"),
        (turn(lambda t, theta: t), "The angle is t·theta"),
        (turn(order=(1, 0)), "are exchanged"),
        (lambda pair, t, theta: turn()(pair, t, theta).T, "A pair is a row"),
    ],
    "layer_parameters": [
        (count(bias=0), "a bias of C"),
        (count(thinks=0), "hidden + C biases"),
        (count(each=0), "The norms learn"),
        (count(each=1), "a scale and a shift"),
        (count(maps=3), "W^O is one"),
        (count(more=0), "a second attention"),
    ],
}
