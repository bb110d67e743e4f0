"""Attention in the open, and the Transformer of 2017 made of it. Lesson 05.

Letters: B batch, T tokens that look (queries), S tokens that are looked at (keys), C width, nh
heads, hs = C/nh head size, V vocabulary. A mask is bool and True where a query may look: this is
how F.scaled_dot_product_attention reads it; in `nn.MultiheadAttention` and the layers made of it
True forbids, so what they are given is `~mask`.

The names of the parameters are PyTorch's, so `ours.load_state_dict(theirs.state_dict())` copies the
weights of an `nn.MultiheadAttention`, `nn.TransformerEncoderLayer` or `nn.TransformerDecoderLayer`.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from aigc_lib.ngram import check_ids, whole


def attention(q, k, v, mask=None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return for each query a mean of the values, weighted by how well their keys fit it.

    output = A v with A = softmax(q kᵀ/√hs), row by row; both are returned. Shapes: q (..., T, hs),
    k (..., S, hs), v (..., S, hv), output (..., T, hv), A (..., T, S). `mask`, bool, broadcast to
    A's shape, is True where a query may look; elsewhere A is 0.

    Raises ValueError for a mask of another shape or type, or with a row of False. Source: Vaswani
    et al. 2017, arXiv:1706.03762, equation 1; lesson 05.
    """
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~check_mask(mask, scores.shape), -math.inf)
    weights = scores.softmax(-1)
    return weights @ v, weights


def causal(T: int) -> torch.Tensor:
    """Return the mask (T, T) with which token t looks at tokens 0 to t: mask[t, s] = (s <= t).

    Source: Vaswani et al. 2017, section 3.2.3; lesson 05.
    """
    return torch.ones(T, T, dtype=torch.bool).tril()


def angles(positions, C: int, base: float = 10000) -> torch.Tensor:
    """Return position · base^(-2i/C) for i = 0 to C/2 - 1: positions (..., T) give (..., T, C/2).

    They are float64, on the CPU. Raises ValueError for a width C that is odd or less than 2.
    Source: Vaswani et al. 2017, section 3.5; lesson 05.
    """
    if whole("C", C, 2) % 2:
        raise ValueError(f"C={C} is odd, and each angle turns 2 columns: give C={C + 1}")
    positions = torch.as_tensor(positions, dtype=torch.float64, device="cpu")
    return positions[..., None] * base ** (-torch.arange(0, C, 2, dtype=torch.float64) / C)


def sinusoidal(T: int, C: int) -> torch.Tensor:
    """Return what tells positions 0 to T-1 apart when it is added to a token's vector: (T, C).

    PE(t, 2i) = sin(t · 10000^(-2i/C)), PE(t, 2i+1) = cos(t · 10000^(-2i/C)), so that PE(t + k) is
    PE(t) turned by angles that depend on k only. Raises ValueError for an odd C. Source: Vaswani
    et al. 2017, section 3.5; lesson 05.
    """
    a = angles(torch.arange(T), C)
    return torch.stack([a.sin(), a.cos()], -1).flatten(-2).float()


def rotary(x: torch.Tensor, positions, base: float = 10000) -> torch.Tensor:
    """Return queries or keys `x` (..., T, hs), each turned by angles that grow with its position.

    The pair (x_{2i}, x_{2i+1}) is rotated by a = position · base^(-2i/hs):
    (x_{2i} cos a - x_{2i+1} sin a, x_{2i} sin a + x_{2i+1} cos a), so that q·k depends on the
    difference of their positions only. `positions` is (T,), or broadcasts to (..., T). Raises
    ValueError for an odd hs. Source: Su et al. 2021, arXiv:2104.09864, equation 34; lesson 05.
    """
    a = angles(positions, x.shape[-1], base)
    cos, sin = a.cos().to(x), a.sin().to(x)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


class MultiHead(nn.Module):
    """nh attentions side by side, each in hs = C/nh columns of its own.

    head_i = attention(x W_i^Q, m W_i^K, m W_i^V), and the output (B, T, C) is [head_1 ... head_nh]
    W^O, where the queries come from x (B, T, C), the keys and values from the memory m (B, S, C):
    from x itself if none is given. `in_proj_weight` (3C, C) has the rows of W^Q, W^K, W^V, first
    drawn as PyTorch draws them. `mask`, bool, broadcast to (B, T, S), is True where a query may
    look; it holds for every head.

    Raises ValueError for a width that the heads do not divide, and a mask of another shape or type,
    or with a row of False. Source: Vaswani et al. 2017, section 3.2.2; lesson 05.
    """

    def __init__(self, C: int, nh: int):
        super().__init__()
        if whole("C", C, 1) % whole("nh", nh, 1):
            raise ValueError(f"C={C} columns for nh={nh} heads: give a C that nh divides")
        self.nh = nh
        self.out_proj = nn.Linear(C, C)
        self.in_proj_weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * C, C)))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * C))
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x, memory=None, mask=None):
        y = F.scaled_dot_product_attention(*self.heads(x, memory, mask))  # (B, nh, T, hs)
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def weights(self, x, memory=None, mask=None) -> torch.Tensor:
        """Return the attention weights (B, nh, T, S), which the fused function never forms."""
        return attention(*self.heads(x, memory, mask))[1]

    def heads(self, x, memory, mask):
        """Return the queries (B, nh, T, hs), keys and values (B, nh, S, hs), and mask of all."""
        memory = x if memory is None else memory
        W, b = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        qkv = [F.linear(*one) for one in zip((x, memory, memory), W, b, strict=True)]
        if mask is not None:
            mask = check_mask(mask, (*x.shape[:2], memory.shape[1]))[:, None]
        return *(y.unflatten(2, (self.nh, -1)).transpose(1, 2) for y in qkv), mask


class EncoderLayer(nn.Module):
    """Each token looks at all others, then thinks by itself: (B, T, C) in, (B, T, C) out.

    x <- norm(x + f(x)), as in 2017, or with `pre_norm` x <- x + f(norm(x)), for f = `self_attn`
    and f(x) = W_2 max(0, W_1 x + b_1) + b_2, with `hidden` units. `mask` is that of `MultiHead`.
    Source: Vaswani et al. 2017, sections 3.1 and 3.3; pre-norm: Xiong et al. 2020,
    arXiv:2002.04745; lesson 05.
    """

    def __init__(self, C: int, nh: int, hidden: int, pre_norm: bool = False):
        super().__init__()
        self.pre_norm = pre_norm
        self.self_attn = MultiHead(C, nh)
        self.linear1, self.linear2 = nn.Linear(C, hidden), nn.Linear(hidden, C)
        self.norm1, self.norm2 = nn.LayerNorm(C), nn.LayerNorm(C)

    def forward(self, x, mask=None):
        x = self.add(x, self.norm1, lambda x: self.self_attn(x, mask=mask))
        return self.add(x, self.norm2, self.feed_forward)

    def add(self, x, norm, f):
        """Return x with f added, normalised after it (2017) or before it."""
        return x + f(norm(x)) if self.pre_norm else norm(x + f(x))

    def feed_forward(self, x):
        """Return W_2 max(0, W_1 x + b_1) + b_2, for each token by itself."""
        return self.linear2(self.linear1(x).relu())


class DecoderLayer(EncoderLayer):
    """An encoder layer that, between its two parts, also looks at a memory (B, S, C).

    `mask`, broadcast to (B, T, T), is of the tokens among themselves: give `causal(T)` where each
    is to be predicted from those before it. `memory_mask` broadcasts to (B, T, S). Source: Vaswani
    et al. 2017, section 3.1; lesson 05.
    """

    def __init__(self, C: int, nh: int, hidden: int, pre_norm: bool = False):
        super().__init__(C, nh, hidden, pre_norm)
        self.multihead_attn, self.norm3 = MultiHead(C, nh), nn.LayerNorm(C)

    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.add(x, self.norm1, lambda x: self.self_attn(x, mask=mask))
        x = self.add(x, self.norm2, lambda x: self.multihead_attn(x, memory, memory_mask))
        return self.add(x, self.norm3, self.feed_forward)


class Transformer(nn.Module):
    """The encoder-decoder of 2017: from source ids (B, S) to target ids (B, T), of V tokens.

    One table E (V, C) serves both sides and the output: a token enters as √C E_token + PE(t), and
    logits_t = E h_t, with h_t of the last decoder layer. A row is filled up with the id `padding`
    at its end, which nobody looks at and `loss` does not count; a target begins with a start id.
    Neither may have more than `longest` tokens to read. Source: Vaswani et al. 2017, sections 3.1
    and 3.4; lesson 05.
    """

    def __init__(self, vocab_size, C, nh, hidden, layers, longest, padding):
        super().__init__()
        self.vocab_size, self.longest = whole("vocab_size", vocab_size, 1), longest
        self.padding = check_ids([padding], vocab_size, 1).item()
        self.embedding = nn.Embedding(vocab_size, C)
        nn.init.normal_(self.embedding.weight, std=C**-0.5)  # √C E is then of the size of PE
        self.register_buffer("positions", sinusoidal(longest, C), persistent=False)
        self.encoder = nn.ModuleList(EncoderLayer(C, nh, hidden) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(C, nh, hidden) for _ in range(layers))

    def forward(self, source, target):
        """Return the logits (B, T, V) of the token after each of `target` (B, T).

        Raises ValueError for ids of another shape or type, outside 0 to V-1 or too many to a row,
        and for a row that begins with padding.
        """
        check_rows("target", target, self, self.longest)
        return self.predict(target, *self.encode(source))

    def embed(self, ids):
        """Return √C E_token + PE(t), (B, T, C)."""
        C = self.embedding.embedding_dim
        return self.embedding(ids) * C**0.5 + self.positions[: ids.shape[1]]

    def encode(self, source):
        """Return the memory (B, S, C) and its mask (B, 1, S): where it is no padding."""
        check_rows("source", source, self, self.longest)
        x, mask = self.embed(source), (source != self.padding)[:, None]
        for layer in self.encoder:
            x = layer(x, mask)
        return x, mask

    def predict(self, target, memory, memory_mask):
        """Return the logits (B, T, V), given the memory and the mask that `encode` returned."""
        x, mask = self.embed(target), (target != self.padding)[:, None]
        mask = mask & causal(target.shape[1]).to(mask.device)
        for layer in self.decoder:
            x = layer(x, memory, mask, memory_mask)
        return F.linear(x, self.embedding.weight)

    def loss(self, source, target) -> torch.Tensor:
        """Return the mean nats a token of `target` (B, T), given the true ones before it.

        The first of each row, the start, and padding are not counted. Raises ValueError as the
        model itself does, and for a target of one token.
        """
        check_rows("target", target, self, self.longest + 1, 2)
        logits = self.predict(target[:, :-1], *self.encode(source))
        wanted = target[:, 1:].flatten()
        return F.cross_entropy(logits.flatten(0, 1), wanted, ignore_index=self.padding)

    @torch.no_grad()
    def decode(self, source, start: int, end: int, n: int) -> torch.Tensor:
        """Return the tokens (B, n) that follow `start`: each the most probable after those before.

        A row is over with its first `end`, and padding from there. Every step reads the whole row
        again. Raises ValueError as the model itself does, and for more than `longest` tokens.
        """
        check_ids([start, end], self.vocab_size, 2)
        ids = source.new_full((len(source), whole("n", n, 1) + 1), self.padding)
        ids[:, 0] = start
        check_rows(f"n={n} tokens and a start", ids, self, self.longest + 1)
        memory, mask = self.encode(source)
        for t in range(1, n + 1):
            token = self.predict(ids[:, :t], memory, mask)[:, -1].argmax(-1)
            over = (ids[:, 1:t] == end).any(1)
            ids[:, t] = torch.where(over, self.padding, token)
        return ids[:, 1:]


def attention_maps(model: nn.Module, *inputs) -> dict[str, torch.Tensor]:
    """Return the weights (B, nh, T, S) of each `MultiHead` in `model`, as it reads `inputs`.

    Their names are the modules': "encoder.0.self_attn", "decoder.1.multihead_attn". Lesson 05.
    """
    maps, hooks = {}, []
    for name, layer in model.named_modules():
        if hasattr(layer, "weights"):

            def keep(layer, args, kwargs, output, name=name):
                maps[name] = layer.weights(*args, **kwargs)

            hooks.append(layer.register_forward_hook(keep, with_kwargs=True))
    try:
        with torch.no_grad():
            model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return maps


def parameters(C: int, hidden: int) -> int:
    """Return how many numbers an encoder layer learns: 4C² + 2C·hidden, and 9C + hidden more.

    W^Q, W^K, W^V, W^O and their biases are 4(C² + C), W_1, W_2 and theirs 2C·hidden + hidden + C,
    the two norms 4C. The heads cut the C columns up, so their number does not matter. Lesson 05.
    """
    return 4 * (C * C + C) + 2 * C * hidden + hidden + C + 4 * C


def flops(C: int, hidden: int, T: int) -> int:
    """Return the additions and multiplications a token, as an encoder layer reads T of them.

    Each of the 4C² + 2C·hidden weights costs a multiplication and an addition, whatever T is; the
    scores q kᵀ and the means A v cost 2TC each, causal or not. Only matrix products are counted.
    Source: after Kaplan et al. 2020, arXiv:2001.08361, table 1, which has 2TC for both; lesson 05.
    """
    return 2 * (4 * C * C + 2 * C * hidden) + 4 * T * C


def check_mask(mask, shape) -> torch.Tensor:
    """Return `mask` as a view of `shape` (..., T, S), if it lets every query look at a key."""
    shape = tuple(shape)
    if mask.dtype != torch.bool:
        raise ValueError(f"a mask of {mask.dtype}: give torch.bool, True where a query may look")
    try:
        view = mask.expand(shape)
    except RuntimeError:
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} for weights of shape {shape}: give one that "
            "broadcasts to theirs, whose last dimensions are queries and keys"
        ) from None
    if len(rows := (~mask.any(-1)).nonzero()):
        raise ValueError(
            f"row {rows[0].tolist()} of the mask of shape {tuple(mask.shape)} is all False, so its "
            "query may look at nothing: let it look at one key, at least"
        )
    return view


def check_rows(name, ids, model, most, least=1) -> None:
    """Raise ValueError if `ids` are no rows (B, T) of tokens that `model` can read."""
    if ids.ndim != 2 or ids.dtype != torch.int64:
        raise ValueError(f"{name} of shape {tuple(ids.shape)} and {ids.dtype}: give (B, T), int64")
    if not least <= ids.shape[1] <= most:
        raise ValueError(
            f"{name}: {ids.shape[1]} ids a row, and with longest={model.longest} it may have "
            f"{least} to {most}: give other rows or a model with a larger `longest`"
        )
    if len(wrong := ids[(ids < 0) | (ids >= model.vocab_size)]):
        raise ValueError(
            f"{name}: the id {wrong[0]} is none of the tokens, 0 to {model.vocab_size - 1}: encode "
            "with the tokenizer of this vocabulary"
        )
    padding = getattr(model, "padding", -1)  # a model without padding has no such id
    if len(rows := (ids[:, 0] == padding).nonzero()):
        raise ValueError(
            f"{name}[{rows[0].item()}] begins with the padding {padding}: pad rows at the end"
        )
