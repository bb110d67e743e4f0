"""GPT in the open: the decoder-only Transformer, its training, and its bridge to GPT-2. Lesson 06.

Letters: B batch, T tokens, C width, nh heads, hs = C/nh head size, V vocabulary. The names of the
parameters are those of GPT-2 as published, but that its `c_attn` is `q`, `k` and `v` here.
"""

import json
from collections import OrderedDict

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from aigc_lib import data
from aigc_lib.bpe import BPE
from aigc_lib.ngram import check_ids, draw, whole
from aigc_lib.optim import AdamW, Muon, Optimizer, warmup_cosine
from aigc_lib.transformer import check_rows, rotary


class CausalAttention(nn.Module):
    """Multi-head attention of a text to itself: token t looks at tokens 0 to t.

    (B, T, C) in, (B, T, C) out. With `turned`, queries and keys are turned by their positions.
    Raises ValueError for a width that the heads do not divide, or, turned, not into pairs. Source:
    Radford et al. 2018, Improving language understanding by generative pre-training, section 3.1;
    lesson 06.
    """

    def __init__(self, C: int, nh: int, turned: bool):
        super().__init__()
        self.nh, self.turned = whole("nh", nh, 1), turned
        least = 2 * self.nh if turned else self.nh  # columns, which turn in pairs
        if whole("C", C, 1) % least:
            raise ValueError(f"C={C} for nh={nh} and turned={turned}: give a multiple of {least}")
        self.q, self.k, self.v, self.c_proj = (nn.Linear(C, C) for _ in range(4))

    def forward(self, x):
        projected = (f(x).unflatten(2, (self.nh, -1)) for f in (self.q, self.k, self.v))
        q, k, v = (y.transpose(1, 2) for y in projected)  # (B, nh, T, hs)
        if self.turned:
            q, k = (rotary(y, torch.arange(x.shape[1])) for y in (q, k))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A layer of GPT-2: each token looks back, then thinks by itself. (B, T, C) in and out.

    x <- x + attn(ln_1(x)), x <- x + mlp(ln_2(x)), with 4C hidden units and GELU in its tanh form:
    the pre-norm `EncoderLayer` of lesson 05 with a causal mask and another nonlinearity. Source:
    Radford et al. 2019, Language models are unsupervised multitask learners, section 2.3; lesson
    06.
    """

    def __init__(self, C: int, nh: int, turned: bool):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(C), CausalAttention(C, nh, turned)
        self.ln_2, gelu = nn.LayerNorm(C), nn.GELU(approximate="tanh")
        parts = {"c_fc": nn.Linear(C, 4 * C), "gelu": gelu, "c_proj": nn.Linear(4 * C, C)}
        self.mlp = nn.Sequential(OrderedDict(parts))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """A model of the next of V tokens, given up to `longest` before it: a decoder without encoder.

    x = E_token + P_position, then the blocks, then logits_t = E norm(x_t): one table E (V, C) reads
    and writes. This is GPT-2; with `turned` there is no P, and queries and keys are turned instead
    (`rotary`, lesson 05). Weights begin as N(0, 0.02²), divided by √(2 layers) where they write to
    x, and biases as 0. Raises ValueError for sizes that are no whole numbers or do not fit. Source:
    Radford et al. 2019, section 2.3; lesson 06.
    """

    def __init__(self, vocab_size, C, nh, layers, longest, turned=False):
        super().__init__()
        self.vocab_size = whole("vocab_size", vocab_size, 1)
        self.longest = whole("longest", longest, 1)
        self.wte = nn.Embedding(vocab_size, whole("C", C, 1))
        self.wpe = None if turned else nn.Embedding(longest, C)
        self.h = nn.ModuleList(Block(C, nh, turned) for _ in range(whole("layers", layers, 1)))
        self.ln_f = nn.LayerNorm(C)
        for name, w in self.named_parameters():
            if w.ndim == 2:
                nn.init.normal_(w, std=0.02 / (2 * layers) ** (0.5 * ("c_proj" in name)))
            elif name.endswith("bias"):
                nn.init.zeros_(w)

    def forward(self, ids):
        """Return the logits (B, T, V) of the token after each of `ids` (B, T).

        Raises ValueError for ids of another shape or type, outside 0 to V-1, or more than
        `longest` a row.
        """
        check_rows("ids", ids, self, self.longest)
        return self.read(ids)

    def read(self, ids):
        """Return the logits of `ids` that are known to be tokens."""
        x = self.wte(ids)  # (B, T, C)
        if self.wpe is not None:
            x = x + self.wpe.weight[: ids.shape[1]]
        for block in self.h:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)

    def loss(self, ids) -> torch.Tensor:
        """Return the mean nats a token of `ids` (B, T + 1), the first of each row being context.

        Raises ValueError as the model itself does, and for fewer than two tokens a row.
        """
        check_rows("ids", ids, self, self.longest + 1, 2)
        return F.cross_entropy(self.read(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())

    @torch.no_grad()
    def log_probs(self, ids) -> torch.Tensor:
        """Return log p(ids[i] | tokens before it), i = 1 to N-1, in nats: float64, (N-1,).

        The text is read in windows of `longest` tokens that overlap by half, the last by more. Each
        token is scored in the first that has it: given all before it, or at least longest/2.
        Raises ValueError for fewer than two ids, or ids outside 0 to V-1.
        """
        ids = check_ids(ids, self.vocab_size, 2).to(self.wte.weight.device)
        T = min(self.longest, len(ids) - 1)
        rows = ids.unfold(0, T + 1, T - T // 2)
        scores = torch.cat([self.score(part) for part in rows.split(32)])  # (rows, T)
        rest = len(ids) - 1 - T - (len(rows) - 1) * (T - T // 2)  # what no whole window has
        last = self.score(ids[None, -T - 1 :])[0, T - rest :]
        parts = scores[0, : T // 2], scores[:, T // 2 :].flatten(), last
        return torch.cat(parts).cpu().double()

    def score(self, ids):
        """Return log p (B, T) of the tokens of `ids` (B, T + 1) after the first, in nats."""
        return -F.cross_entropy(self.read(ids[:, :-1]).mT, ids[:, 1:], reduction="none")

    @torch.no_grad()
    def sample(self, n, generator, context, temperature=1.0) -> torch.Tensor:
        """Return `n` ids (n,) that go on from `context`, drawn from p^(1/temperature), normalised.

        Each is given the last `longest` tokens. `generator` is a torch.Generator of the CPU. Raises
        ValueError for a context without a token or with ids outside 0 to V-1, and for a temperature
        that is not positive and finite.
        """
        ids = check_ids(context, self.vocab_size, 1)
        for _ in range(whole("n", n, 0)):
            logits = self.read(ids[None, -self.longest :].to(self.wte.weight.device))
            ids = torch.cat([ids, draw(logits[0, -1], generator, temperature)])
        return ids[len(ids) - n :]


class Pretraining:
    """One step of training: a `step` for `fit`, on rows of tokens (B, T + 1).

    The rate of each optimiser follows `warmup_cosine` up to what it was given and down, over
    `steps` steps, a twentieth of them up. Source: lesson 06.
    """

    def __init__(self, model: nn.Module, optimizers: list[Optimizer], steps: int):
        self.model, self.optimizers, self.steps = model, optimizers, steps
        self.rates, self.i = [optimizer.lr for optimizer in optimizers], 0

    def __call__(self, batch: tuple[torch.Tensor]) -> dict:
        """Learn from a batch of `minibatches`; return its loss, nats a token."""
        loss = self.model.loss(*batch)
        loss.backward()
        now = min(self.i, self.steps - 1)
        for optimizer, lr in zip(self.optimizers, self.rates, strict=True):
            optimizer.lr = warmup_cosine(now, self.steps, lr, self.steps // 20)
            optimizer.step()
            optimizer.zero_grad()
        self.i += 1
        return {"loss": loss}


def recipe(model: GPT, lr: float = 0.02) -> list[Optimizer]:
    """Return the optimisers of the course: `Muon` for the blocks' matrices, `AdamW` for the rest.

    The rest, which is embeddings, norms and biases, is not decayed. Source: Jordan et al. 2024;
    the rate was chosen on training text, lesson 06.
    """
    matrices = [w for w in model.h.parameters() if w.ndim == 2]
    chosen = {id(w) for w in matrices}
    rest = [w for w in model.parameters() if id(w) not in chosen]
    return [Muon(matrices, lr), AdamW(rest, lr, betas=(0.9, 0.95), weight_decay=0)]


def to_hf(model: GPT):
    """Return a `transformers.GPT2LMHeadModel` with the weights of `model`, and so its logits.

    Raises ValueError for a model with `turned`, which GPT-2 is not. Lesson 06.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    if model.wpe is None:
        raise ValueError("turned=True, and GPT-2 adds its positions: make the GPT without `turned`")
    sizes = {"n_embd": model.wte.embedding_dim, "n_head": model.h[0].attn.nh}
    sizes |= {"n_layer": len(model.h), "n_positions": model.longest, "vocab_size": model.vocab_size}
    none = {"bos_token_id": None, "eos_token_id": None}
    hf = GPT2LMHeadModel(GPT2Config(**sizes, **none)).eval()
    for ours, theirs in side_by_side(model, hf):
        theirs.copy_(ours)
    return hf


def from_hf(hf) -> GPT:
    """Return the GPT that a `transformers.GPT2LMHeadModel` is.

    Raises ValueError if its configuration has what this GPT does not, and names it. Lesson 06.
    """
    config = hf.config
    expected = {"n_inner": (None, 4 * config.n_embd), "layer_norm_epsilon": (1e-5,)}
    expected |= {"activation_function": ("gelu_pytorch_tanh", "gelu_new")}
    expected |= {"scale_attn_weights": (True,), "scale_attn_by_inverse_layer_idx": (False,)}
    expected |= {"add_cross_attention": (False,), "tie_word_embeddings": (True,)}
    for name, known in expected.items():
        if (value := getattr(config, name)) not in known:
            raise ValueError(
                f"its {name} is {value!r}, and this GPT's {known[-1]!r}: give a model with that"
            )
    sizes = config.n_embd, config.n_head, config.n_layer, config.n_positions
    model = GPT(config.vocab_size, *sizes)
    for ours, theirs in side_by_side(model, hf):
        ours.copy_(theirs)
    return model


def side_by_side(model: GPT, hf):
    """Yield each tensor of `model` with the same numbers in `hf`, both to be written to.

    GPT-2's matrices are the transposes of ours; its `c_attn` is our q, k and v, one after another.
    """
    ours = model.state_dict()
    for name, w in hf.transformer.state_dict().items():
        w = w.T if name.startswith("h.") and w.ndim == 2 else w
        if "c_attn" in name:
            for part, rows in zip("qkv", w.chunk(3), strict=True):
                yield ours[name.replace("c_attn", part)], rows
        else:
            yield ours[name], w


def save_gpt(path, model: GPT, tokenizer: BPE) -> None:
    """Write `model` and its tokenizer to one file of safetensors, in half precision (float16).

    Raises ValueError as `about` does. Lesson 06.
    """
    weights = {name: w.half() for name, w in model.state_dict().items()}
    save_file(weights, path, about(model, tokenizer))


def about(model: GPT, tokenizer: BPE) -> dict[str, str]:
    """Return what the tensors of `model` do not tell: its heads, its positions, the merges.

    Raises ValueError for a tokenizer of another size than the model's vocabulary. Lesson 06.
    """
    check_vocabulary(model.vocab_size, tokenizer)
    told = {"heads": model.h[0].attn.nh, "longest": model.longest, "turned": model.wpe is None}
    return {key: json.dumps(value) for key, value in {**told, "merges": tokenizer.merges}.items()}


def load_gpt(path=None, tokenizer: BPE | None = None) -> tuple[GPT, BPE]:
    """Return a model that `save_gpt` wrote, in float32 on the CPU, and its tokenizer.

    Without a path it is the one that the course ships: trained on Shakespeare's training plays
    alone by `make checkpoints`; the file's metadata record the run. Raises ValueError for a file
    without a tokenizer or with one of another size, and if `tokenizer` is given and has other
    merges than the file; DataError as `data.verify` does. Lesson 06.
    """
    weights, told = data.checkpoint("shakespeare_gpt") if path is None else data.tensors(path)
    if "merges" not in (told or {}):
        raise ValueError(f"{path} has no tokenizer in its metadata: give a file of `save_gpt`")
    keys = ("heads", "longest", "turned", "merges")
    heads, longest, turned, merges = (json.loads(told[key]) for key in keys)
    V, C = weights["wte.weight"].shape
    its = check_vocabulary(V, BPE(merges))
    if tokenizer is not None and tokenizer.merges != its.merges:
        raise ValueError(
            f"a tokenizer of {len(tokenizer)} tokens has other merges than the one of {V} that the "
            "model was trained with, so its ids mean something else: use the one in the file"
        )
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("h."))
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, only to be replaced
        model = GPT(V, C, heads, layers, longest, turned)
    model.load_state_dict(weights)
    return model, its


def check_vocabulary(vocab_size: int, tokenizer) -> BPE:
    """Return `tokenizer`, if it has as many tokens as the model."""
    if len(tokenizer) != vocab_size:
        raise ValueError(
            f"a tokenizer of {len(tokenizer)} tokens for a model of {vocab_size}: its ids mean "
            "something else to the model; give the tokenizer whose ids the model was trained on"
        )
    return tokenizer
