"""GPT against two models of transformers, the rest against loops, PyTorch and closed forms."""

import copy
import itertools
import json
import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy import stats
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM

from aigc_lib import gpt, optim, train, transformer
from aigc_lib.bpe import BPE
from aigc_lib.gpt import (
    GPT,
    Block,
    CausalAttention,
    Pretraining,
    from_hf,
    load_gpt,
    recipe,
    save_gpt,
    to_hf,
)

sizes, seeds = st.integers(1, 4), st.integers(0, 999)
turns = pytest.mark.parametrize("turned", [False, True])
few = settings(max_examples=30)


def close(found, expected, atol=1e-10):
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def model_of(V=5, C=8, nh=2, layers=2, longest=6, turned=False, seed=0):
    """Return a GPT whose weights are large, so that all of them matter, in float32."""
    torch.manual_seed(seed)
    model = GPT(V, C, nh, layers, longest, turned)
    for weights in model.parameters():
        nn.init.normal_(weights, std=0.5)
    return model


def by_hf(model, ids):
    """Return log p of the next token after each of `ids` (B, T), (B, T, V), by GPT-2's code."""
    with torch.no_grad():
        return to_hf(model.float()).double()(ids).logits.log_softmax(-1)


def nats(logits, ids):
    """Return the mean nats a token of `ids` (B, T) after the first, given their logits."""
    log_p, (B, T) = logits.log_softmax(-1), ids.shape
    chosen = [log_p[b, t, ids[b, t + 1]] for b in range(B) for t in range(T - 1)]
    return -sum(chosen) / len(chosen)


@few
@given(sizes, st.integers(2, 6), sizes, sizes, sizes, sizes, st.integers(0, 3), seeds)
def test_logits_loss_and_gradients_are_those_of_gpt2(B, T, V, nh, hs, layers, more, seed):
    ours = model_of(V, nh * hs, nh, layers, T + more, seed=seed)
    theirs, ids = to_hf(ours).double(), torch.randint(V, (B, T))
    single = ours(ids), theirs(ids).logits
    close(single[0].double(), single[1], 1e-4 * (1 + single[1].abs().max().item()))
    ours.double()
    logits = theirs(ids, labels=ids)
    close(ours(ids), logits.logits)
    loss = ours.loss(ids)
    close(loss, nats(logits.logits, ids))
    close(loss.float(), logits.loss.float(), 1e-4)
    loss.backward()
    nats(logits.logits, ids).backward()
    found = {name: w.grad for name, w in ours.named_parameters()}
    for name, w in theirs.transformer.named_parameters():
        if "c_attn" in name:  # (C, 3C) or (3C,)
            for part, grad in zip("qkv", w.grad.chunk(3, -1), strict=True):
                close(found.pop(name.replace("c_attn", part)), grad.T if w.ndim == 2 else grad)
        else:
            transposed = w.ndim == 2 and "wte" not in name and "wpe" not in name
            close(found.pop(name), w.grad.T if transposed else w.grad)
    assert not found


def neox(model):
    """Return a GPT-NeoX with the weights of a turned GPT, in double precision.

    It turns column i of a head with column i + hs/2, and has q, k, v head by head in one matrix.
    """
    (V, C), nh = model.wte.weight.shape, model.h[0].attn.nh
    config = GPTNeoXConfig(
        vocab_size=V,
        hidden_size=C,
        num_hidden_layers=len(model.h),
        num_attention_heads=nh,
        intermediate_size=4 * C,
        hidden_act="gelu_new",
        rotary_pct=1.0,
        use_parallel_residual=False,
        max_position_embeddings=model.longest,
    )
    theirs = GPTNeoXForCausalLM(config).double().eval()
    order = [*range(0, C // nh, 2), *range(1, C // nh, 2)]
    names = {"ln_1": "input_layernorm", "ln_2": "post_attention_layernorm"}
    names |= {"attn.c_proj": "attention.dense"}
    names |= {"mlp.c_fc": "mlp.dense_h_to_4h", "mlp.c_proj": "mlp.dense_4h_to_h"}
    weights = {"embed_in.weight": model.wte.weight}
    for kind in ("weight", "bias"):
        weights[f"final_layer_norm.{kind}"] = getattr(model.ln_f, kind)
        for i, block in enumerate(model.h):
            for ours, name in names.items():
                one = getattr(block.get_submodule(ours), kind)
                weights[f"layers.{i}.{name}.{kind}"] = one
            parts = [getattr(f, kind) for f in (block.attn.q, block.attn.k, block.attn.v)]
            q, k, v = (w.unflatten(0, (nh, -1)) for w in parts)  # (nh, hs, ...)
            rows = torch.stack([q[:, order], k[:, order], v], 1).flatten(0, 2)
            weights[f"layers.{i}.attention.query_key_value.{kind}"] = rows
    theirs.gpt_neox.load_state_dict(weights)
    theirs.get_output_embeddings().load_state_dict({"weight": model.wte.weight})
    return theirs


@few
@given(sizes, st.integers(2, 9), sizes, sizes, st.integers(1, 3), sizes, seeds)
def test_logits_and_gradients_of_a_turned_gpt_are_those_of_gpt_neox(B, T, V, nh, hs, layers, seed):
    """To 1e-5 of double precision, since GPT-NeoX has its angles in single precision."""
    ours = model_of(V, nh * 2 * hs, nh, layers, T, True, seed).double()
    theirs, ids = neox(ours), torch.randint(V, (B, T))
    logits = theirs(ids).logits
    close(ours(ids), logits, 1e-5)
    ours.loss(ids).backward()
    nats(logits, ids).backward()
    close(ours.ln_f.weight.grad, theirs.gpt_neox.final_layer_norm.weight.grad, 1e-5)
    tables = theirs.gpt_neox.embed_in.weight.grad + theirs.get_output_embeddings().weight.grad
    close(ours.wte.weight.grad, tables, 1e-5)


def test_a_turned_gpt_sees_differences_of_positions_only(monkeypatch):
    model, ids = model_of(turned=True).double(), torch.randint(5, (3, 6))
    expected = model(ids)

    def shifted(y, positions):
        return transformer.rotary(y, positions + 17)

    with monkeypatch.context() as during:
        during.setattr(gpt, "rotary", shifted)
        close(model(ids), expected)
    same = model(torch.full((1, 6), 3))
    close(same, same[:, :1].expand(1, 6, 5))  # a token among its likes does not know where it is


@turns
def test_the_order_of_what_came_before_matters(turned):
    model = model_of(layers=1, turned=turned).double()
    one, other = model(torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]]))[:, -1]
    assert (one - other).abs().max() > 1e-2


@turns
def test_no_logits_depend_on_what_comes_after(turned):
    model, ids = model_of(turned=turned).double(), torch.randint(5, (2, 6))
    logits = model(ids)
    for t in range(6):
        other = ids.clone()
        other[:, t] = (other[:, t] + 1) % 5
        changed = (model(other) - logits).abs().amax((0, 2))
        assert changed[:t].sum() == 0
        assert changed[t:].min() > 1e-4


@turns
def test_no_gradient_comes_from_what_comes_after(turned):
    torch.manual_seed(0)
    block, x = Block(8, 2, turned).double(), torch.randn(2, 6, 8).double().requires_grad_()
    for t in range(6):
        (grad,) = torch.autograd.grad(block(x)[:, t].square().sum(), x)
        sizes = grad.abs().amax((0, 2))
        assert sizes[t + 1 :].sum() == 0
        assert sizes[: t + 1].min() > 1e-6


@turns
def test_the_first_weights_are_as_stated(turned):
    torch.manual_seed(0)
    V, C, layers = 400, 64, 3
    model = GPT(V, C, 4, layers, 100, turned)
    for name, weights in model.named_parameters():
        if weights.ndim == 2:
            std = 0.02 / math.sqrt(2 * layers) if "c_proj" in name else 0.02
            assert weights.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * 64 * 64))
            assert abs(weights.mean().item()) < 5 * std / 64
        else:
            norm = "ln_" in name and name.endswith("weight")
            assert torch.equal(weights, torch.full_like(weights, float(norm)))
    assert model.loss(torch.randint(V, (8, 101))).item() == pytest.approx(math.log(V), abs=0.05)


@given(st.integers(1, 9), sizes, sizes, sizes, st.integers(1, 9), st.booleans())
def test_the_parameters_are_as_many_as_the_formula_says(V, nh, hs, layers, longest, turned):
    C = 2 * nh * hs
    model = GPT(V, C, nh, layers, longest, turned)
    of_block = 4 * C * C + 8 * C * C + (4 + 4 + 1 + 4) * C  # matrices, biases and norms
    expected = V * C + (0 if turned else longest * C) + layers * of_block + 2 * C
    assert sum(weights.numel() for weights in model.parameters()) == expected


def test_the_names_are_those_of_gpt2_but_for_q_k_and_v():
    model, expected = model_of(), set()
    for name in to_hf(model).transformer.state_dict():
        expected |= {name.replace("c_attn", part) for part in "qkv"}
    assert set(model.state_dict()) == expected
    assert set(model_of(turned=True).state_dict()) == expected - {"wpe.weight"}


@turns
def test_the_loss_reaches_every_parameter(turned):
    model = model_of(turned=turned)
    model.loss(torch.randint(5, (3, 7))).backward()
    for name, weights in model.named_parameters():
        least = 0 if name.endswith("attn.k.bias") and not turned else 1e-6  # softmax is blind to it
        assert weights.grad.abs().max() >= least


@turns
def test_the_model_reads_where_its_weights_are(turned):
    """On "meta", a device without values: a tensor left on the CPU would not meet the weights."""
    ids = torch.zeros(2, 5, dtype=torch.int64, device="meta")
    model = model_of(turned=turned).to("meta")
    assert model.read(ids).shape == (2, 5, 5)
    assert model.score(ids).shape == (2, 4)
    devices = []

    def score(ids):
        devices.append(ids.device.type)
        return torch.zeros(len(ids), ids.shape[1] - 1)

    def read(ids):
        devices.append(ids.device.type)
        return torch.zeros(*ids.shape, 5)

    model.score, model.read = score, read
    assert model.log_probs([0] * 30).shape == (29,)
    assert model.sample(2, torch.Generator(), [1]).shape == (2,)
    assert set(devices) == {"meta"}


@turns
def test_half_the_digits_give_nearly_the_loss(turned):
    """As under `train.precision` on a GPU."""
    model, ids = model_of(turned=turned), torch.randint(5, (3, 7))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.loss(ids)
    assert loss.item() == pytest.approx(model.loss(ids).item(), rel=0.05)


def scores_by_loop(model, ids, T):
    """Return log p of ids[1:], each in the first window of T tokens that has it, and the starts."""
    last = len(ids) - 1 - T  # where a window may begin at most
    starts = sorted({*range(0, last + 1, T - T // 2), last})
    scores, before = [], []
    for i in range(1, len(ids)):
        start = next(s for s in starts if s < i <= s + T)
        log_p = by_hf(model, ids[None, start:i])[0, -1]
        scores.append(log_p[ids[i]])
        before.append(i - start)
    return torch.stack(scores), before


@few
@given(st.integers(1, 7), st.integers(2, 30), seeds)
def test_log_probs_are_those_of_a_loop_over_windows(longest, n, seed):
    model, ids = model_of(longest=longest, seed=seed), torch.randint(5, (n,))
    expected, before = scores_by_loop(model, ids, min(longest, n - 1))
    assert all(given >= min(i, longest / 2) for i, given in enumerate(before, 1))
    found = model.double().log_probs(ids)
    assert (found.dtype, found.shape, found.requires_grad) == (torch.float64, (n - 1,), False)
    close(found, expected)
    if n <= longest + 1:
        close(-found.mean(), model.loss(ids[None]))


@pytest.mark.parametrize("longest", [1, 2, 3, 4, 7, 8])
def test_log_probs_at_the_edges_of_windows(longest):
    model = model_of(longest=longest)
    for n in {2, *(int(x * longest) + d for x in (1, 1.5, 2, 2.5) for d in range(4))} - {1}:
        ids = torch.randint(5, (n,))
        expected, _ = scores_by_loop(model, ids, min(longest, n - 1))
        close(model.double().log_probs(ids), expected)
        assert model.float().log_probs(ids).dtype == torch.float64


def test_many_windows_are_read_a_few_at_a_time():
    model, ids, rows = model_of(longest=2).double(), torch.randint(5, (100,)), []
    model.h[0].register_forward_hook(lambda block, x, y: rows.append(len(y)))
    found = model.log_probs(ids)
    assert max(rows) <= 32 < sum(rows)
    pairs = torch.stack([ids[:-2], ids[1:-1]], 1)
    model.float()
    close(found[1:], by_hf(model, pairs)[:, -1].gather(1, ids[2:, None])[:, 0])
    assert torch.equal(model.log_probs(ids.tolist()), model.log_probs(ids.to(torch.uint8)))


@turns
def test_the_probabilities_of_all_texts_sum_to_one(turned):
    model = model_of(V=3, turned=turned).double()
    texts = itertools.product(range(3), repeat=4)
    p = [model.log_probs([1, *text]).sum().exp().item() for text in texts]
    assert sum(p) == pytest.approx(1)
    assert max(p) > 2 * min(p)


@pytest.mark.parametrize("temperature", [0.5, 1, 2])
@pytest.mark.parametrize("context", [[1], [2, 0, 1, 1, 0]], ids=["short", "longer than the model"])
def test_samples_are_as_frequent_as_they_are_probable(context, temperature):
    model = model_of(V=3, C=4, layers=1, longest=3, seed=7)
    draws, observed, expected = 1500, [], []
    generator = torch.Generator().manual_seed(1)
    found = Counter(
        tuple(model.sample(2, generator, context, temperature).tolist()) for _ in range(draws)
    )
    for sample in itertools.product(range(3), repeat=2):
        text, probability = [*context], 1.0
        for token in sample:
            log_p = by_hf(model, torch.tensor([text[-3:]]))[0, -1]
            probability *= (log_p / temperature).softmax(-1)[token].item()
            text.append(token)
        observed.append(found[sample])
        expected.append(draws * probability)
    assert min(expected) > 20
    assert stats.chisquare(observed, expected).pvalue > 0.01


@turns
def test_a_sample_repeats_and_is_given_the_last_tokens_only(turned):
    model, lengths, graphs = model_of(turned=turned), [], []
    model.h[0].register_forward_hook(lambda block, x, y: lengths.append(x[0].shape[1]))
    model.h[0].register_forward_hook(lambda block, x, y: graphs.append(y.requires_grad))
    one, same, other = (
        model.sample(20, torch.Generator().manual_seed(seed), [2, 3, 1]) for seed in (5, 5, 6)
    )
    assert (one.dtype, one.shape) == (torch.int64, (20,))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert lengths == 3 * [3, 4, 5, *17 * [6]]
    assert not any(graphs)
    long, last = [4, 4, 4, 1, 2, 3, 0, 1, 2], [1, 2, 3, 0, 1, 2]
    samples = (model.sample(9, torch.Generator().manual_seed(0), ids) for ids in (long, last))
    assert torch.equal(*samples)
    assert model.sample(0, torch.Generator(), [0]).shape == (0,)
    text, cold = [0], model.sample(9, torch.Generator(), [0], temperature=5e-324).tolist()
    for token in cold:
        assert model(torch.tensor([text[-6:]]))[0, -1].argmax() == token
        text.append(token)


class Recorded:
    """An optimiser that only writes down its rate."""

    def __init__(self, lr):
        self.lr, self.seen = lr, []

    def step(self):
        self.seen.append(self.lr)

    def zero_grad(self):
        pass


@pytest.mark.parametrize(("steps", "warmup"), [(60, 3), (19, 0), (1, 0)])
def test_the_rates_rise_over_a_twentieth_and_fall_along_a_cosine(steps, warmup):
    optimizers = Recorded(0.5), Recorded(0.02)
    step = Pretraining(model_of(), list(optimizers), steps)
    batch = (torch.randint(5, (2, 4)),)
    for _ in range(steps + 3):
        step(batch)
    rising = [(i + 1) / warmup for i in range(warmup)]
    falling = (1 + np.cos(np.pi * np.arange(steps - warmup) / (steps - warmup))) / 2
    expected = np.array([*rising, *falling, *3 * [falling[-1]]])
    for optimizer, lr in zip(optimizers, (0.5, 0.02), strict=True):
        np.testing.assert_allclose(optimizer.seen, lr * expected, rtol=1e-12)


def matrices_of(model):
    """Return the parameters that are matrices of a block, and the others."""
    named = dict(model.named_parameters())
    chosen = [name for name in named if re.fullmatch(r"h\..*\.(q|k|v|c_proj|c_fc)\.weight", name)]
    return [named.pop(name) for name in chosen], list(named.values())


@turns
def test_the_recipe_gives_each_parameter_to_one_optimiser(turned):
    model = model_of(turned=turned)
    for optimizer, kind, expected in zip(
        recipe(model), (optim.Muon, optim.AdamW), matrices_of(model), strict=True
    ):
        assert type(optimizer) is kind
        assert list(map(id, optimizer.params)) == list(map(id, expected))
        assert optimizer.lr == 0.02
    assert [optimizer.lr for optimizer in recipe(model, 0.3)] == [0.3, 0.3]


def of_recipe(model):
    """Return what `recipe` should, from PyTorch."""
    matrices, rest = matrices_of(model)
    adamw = torch.optim.AdamW(rest, lr=0.02, betas=(0.9, 0.95), weight_decay=0)
    return [torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, momentum=0.95), adamw]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda model: [optim.AdamW(model.parameters(), lr=0.02)],
            lambda model: [torch.optim.AdamW(model.parameters(), lr=0.02)],
        ),
        (recipe, of_recipe),
    ],
    ids=["AdamW", "recipe"],
)
def test_pretraining_learns_as_a_loop_written_out_in_pytorch(ours, theirs, monkeypatch):
    """Muon of neither makes its matrix orthogonal here, where PyTorch's has three digits only."""
    monkeypatch.setattr(optim, "orthogonal", lambda g: g)
    monkeypatch.setattr(
        torch.optim._muon, "_zeropower_via_newtonschulz", lambda g, *settings: g.clone()
    )
    model = model_of().double()
    other, batches = copy.deepcopy(model), [torch.randint(5, (3, 7)) for _ in range(25)]
    step, losses, optimizers = Pretraining(model, ours(model), 22), [], theirs(other)
    for i, ids in enumerate(batches):
        loss = other.loss(ids)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            rate = 1 if i == 0 else (1 + math.cos(math.pi * (min(i, 21) - 1) / 21)) / 2
            optimizer.param_groups[0]["lr"] = 0.02 * rate
            optimizer.step()
        losses.append(loss.item())
        assert step((ids,))["loss"].item() == pytest.approx(losses[-1], abs=1e-9)
    for weights, expected in zip(model.parameters(), other.parameters(), strict=True):
        close(weights, expected, 1e-9)
        assert weights.grad is None


@turns
def test_a_gpt_learns_a_text_that_repeats(turned):
    """In aab aab ..., what follows an a depends on the token before it."""
    torch.manual_seed(0)
    model, text = GPT(3, 16, 2, 2, 8, turned), torch.tensor([0, 0, 1]).repeat(40)
    batches = train.minibatches((text.unfold(0, 9, 1),), 8, 0)
    history = train.fit(Pretraining(model, recipe(model, 0.05), 150), batches, 150)
    assert history["loss"][0] == pytest.approx(math.log(3), abs=0.1)
    assert sum(history["loss"][-5:]) / 5 < 0.12  # the first of 8 costs ln 2 in 2 of 3 rows: 0.06
    found = model.sample(6, torch.Generator().manual_seed(0), [0, 0, 1], temperature=0.1)
    assert found.tolist() == [0, 0, 1, 0, 0, 1]


def test_to_hf_and_back_is_the_same_model():
    model = model_of()
    again = from_hf(to_hf(model))
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, weights in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], weights)
    assert (again.vocab_size, again.longest, again.h[0].attn.nh) == (5, 6, 2)
    hf = to_hf(model)
    assert not hf.training
    assert (hf.config.bos_token_id, hf.config.eos_token_id) == (None, None)  # no id ends a text
    assert hf.lm_head.weight is hf.transformer.wte.weight
    for weights in hf.parameters():
        nn.init.zeros_(weights)
    assert all(weights.abs().max() > 0 for weights in model.parameters())  # they are copies


def hf_of(**changed):
    sizes = {"n_embd": 8, "n_head": 2, "n_layer": 2, "n_positions": 6, "vocab_size": 5}
    return GPT2LMHeadModel(GPT2Config(**sizes, **changed)).eval()


@pytest.mark.parametrize(
    "changed", [{}, {"n_inner": 32}, {"activation_function": "gelu_pytorch_tanh"}]
)
def test_a_gpt2_that_transformers_saved_is_read(changed, tmp_path):
    torch.manual_seed(0)
    theirs = hf_of(**changed)
    for weights in theirs.parameters():
        nn.init.normal_(weights, std=0.5)
    theirs.save_pretrained(tmp_path)
    read = GPT2LMHeadModel.from_pretrained(tmp_path, local_files_only=True)
    ours, ids = from_hf(read), torch.randint(5, (3, 6))
    close(ours.double()(ids), theirs.double()(ids).logits)
    assert all(weights.requires_grad for weights in ours.parameters())
    back = to_hf(ours.float()).double()
    assert back.state_dict().keys() == theirs.state_dict().keys()
    assert all(torch.equal(w, theirs.state_dict()[key]) for key, w in back.state_dict().items())


def test_the_text_of_transformers_is_ours():
    model = model_of(longest=20)
    expected = to_hf(model).generate(torch.tensor([[1, 2]]), max_new_tokens=15, do_sample=False)
    found = model.sample(15, torch.Generator(), [1, 2], temperature=5e-324)
    assert found.tolist() == expected[0, 2:].tolist()


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("n_inner", 7, "32"),
        ("layer_norm_epsilon", 1e-6, "1e-05"),
        ("activation_function", "gelu", "'gelu_new'"),
        ("scale_attn_weights", False, "True"),
        ("scale_attn_by_inverse_layer_idx", True, "False"),
        ("add_cross_attention", True, "False"),
        ("tie_word_embeddings", False, "True"),
    ],
)
def test_a_gpt2_that_this_gpt_is_not_is_refused(name, value, known):
    message = f"its {name} is {value!r}, and this GPT's {known}: give a model with that"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_hf(hf_of(**{name: value}))


MERGES = [(97, 98), (256, 32), (32, 116)]


def model_and_tokenizer(turned=False):
    return model_of(V=259, C=8, turned=turned), BPE(MERGES)


@turns
def test_a_saved_model_comes_back_in_half_precision_with_its_tokenizer(turned, tmp_path):
    (model, tokenizer), path = model_and_tokenizer(turned), tmp_path / "gpt.safetensors"
    save_gpt(path, model, tokenizer)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        before = torch.get_rng_state()
        found, read = load_gpt(path)
        assert torch.equal(torch.get_rng_state(), before)
    weights = model.state_dict()
    assert found.state_dict().keys() == weights.keys() == load_file(path).keys()
    for name, one in found.state_dict().items():
        assert one.dtype == torch.float32
        assert torch.equal(one, weights[name].half().float())
        assert load_file(path)[name].dtype == torch.float16
    assert read.merges == tokenizer.merges
    assert (found.longest, found.vocab_size, len(found.h)) == (6, 259, 2)
    ids = read.encode("abba at")
    rounded = copy.deepcopy(model).half().float()
    assert torch.equal(found.log_probs(ids), rounded.log_probs(ids))
    assert all(one.requires_grad for one in found.parameters())


def test_the_file_tells_what_the_tensors_do_not(tmp_path):
    path = tmp_path / "gpt.safetensors"
    save_gpt(path, GPT(259, np.int64(8), np.int64(4), 1, np.int64(6), True), BPE(MERGES))
    with safe_open(path, "pt") as file:
        told = {key: json.loads(value) for key, value in file.metadata().items()}
    merges = [list(pair) for pair in MERGES]
    assert told == {"heads": 4, "longest": 6, "turned": True, "merges": merges}


def test_a_model_with_ten_blocks_has_them_all_again(tmp_path):
    model = model_of(V=259, C=2, nh=1, layers=11)
    save_gpt(tmp_path / "gpt.safetensors", model, BPE(MERGES))
    assert len(load_gpt(tmp_path / "gpt.safetensors")[0].h) == 11


def test_a_tokenizer_of_another_size_is_not_saved(tmp_path):
    model, _ = model_and_tokenizer()
    message = "a tokenizer of 258 tokens for a model of 259: its ids mean something else to the"
    with pytest.raises(ValueError, match=message):
        save_gpt(tmp_path / "gpt.safetensors", model, BPE(MERGES[:2]))
    assert not list(tmp_path.iterdir())


def test_a_tokenizer_of_the_same_size_with_other_merges_is_refused(tmp_path):
    """Ids of one are also ids of the other, so that nothing else would tell."""
    tokenizer, other = BPE([(97, 98), (256, 99)]), BPE([(97, 98), (99, 256)])
    save_gpt(tmp_path / "model", GPT(258, 8, 2, 1, 4), tokenizer)
    assert load_gpt(tmp_path / "model", tokenizer)[1].merges == tokenizer.merges
    with pytest.raises(ValueError, match="of 258 tokens has other merges than the one of 258"):
        load_gpt(tmp_path / "model", other)


def test_a_file_of_another_tokenizer_or_none_is_not_read(tmp_path):
    (model, tokenizer), path = model_and_tokenizer(), tmp_path / "gpt.safetensors"
    save_gpt(path, model, tokenizer)
    with safe_open(path, "pt") as file:
        told = file.metadata()
    save_file(load_file(path), path, told | {"merges": json.dumps(MERGES[:1])})
    with pytest.raises(ValueError, match="a tokenizer of 257 tokens for a model of 259: its ids"):
        load_gpt(path)
    for metadata in (None, {"heads": "2"}):
        save_file(load_file(path), path, metadata)
        message = f"{path} has no tokenizer in its metadata: give a file of `save_gpt`"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            load_gpt(path)


MODEL, IDS = model_of(), torch.full((2, 4), 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GPT(0, 8, 2, 1, 9), "vocab_size=0: give a whole number of at least 1"),
        (lambda: GPT(5, 0, 2, 1, 9), "C=0: give a whole number of at least 1"),
        (lambda: GPT(5, -8, 2, 1, 9), "C=-8: give a whole number of at least 1"),
        (lambda: GPT(5, 8.0, 2, 1, 9), "C=8.0: give a whole number"),
        (lambda: GPT(5, 8, 0, 1, 9), "nh=0: give a whole number of at least 1"),
        (lambda: GPT(5, 8, 2, 0, 9), "layers=0: give a whole number of at least 1"),
        (lambda: GPT(5, 8, 2, 1, 0), "longest=0: give a whole number of at least 1"),
        (lambda: GPT(5, 8, 2, 1, 0, True), "longest=0: give a whole number of at least 1"),
        (lambda: GPT(5, 8, 3, 1, 9), "C=8 for nh=3 and turned=False: give a multiple of 3"),
        (lambda: GPT(5, 6, 2, 1, 9, True), "C=6 for nh=2 and turned=True: give a multiple of 4"),
        (lambda: CausalAttention(0, 2, False), "C=0: give a whole number of at least 1"),
        (lambda: Block(8, 3, False), "C=8 for nh=3 and turned=False"),
        (lambda: MODEL(IDS[0]), "ids of shape (4,) and torch.int64: give (B, T), int64"),
        (lambda: MODEL(IDS.int()), "ids of shape (2, 4) and torch.int32: give (B, T), int64"),
        (lambda: MODEL(IDS[:, :0]), "ids: 0 ids a row, and with longest=6 it may have 1 to 6"),
        (
            lambda: MODEL(IDS.repeat(1, 2)),
            "ids: 8 ids a row, and with longest=6 it may have 1 to 6: give other rows or a model",
        ),
        (lambda: MODEL(IDS + 2), "ids: the id 5 is none of the tokens, 0 to 4: encode with"),
        (lambda: MODEL(IDS - 4), "ids: the id -1 is none of the tokens, 0 to 4"),
        (lambda: MODEL.loss(IDS[:, :1]), "ids: 1 ids a row, and with longest=6 it may have 2 to 7"),
        (lambda: MODEL.loss(IDS.repeat(1, 2)), "ids: 8 ids a row, and with longest=6 it may have"),
        (lambda: MODEL.loss(IDS + 2), "ids: the id 5 is none of the tokens"),
        (lambda: MODEL.loss(IDS[0]), "ids of shape (4,) and torch.int64: give (B, T), int64"),
        (lambda: MODEL.log_probs([]), "a text of 0 tokens is too short: give at least 2"),
        (lambda: MODEL.log_probs([1]), "a text of 1 tokens is too short: give at least 2"),
        (lambda: MODEL.log_probs([0, 5]), "ids[1] is 5, and the tokens are 0 to 4"),
        (lambda: MODEL.log_probs(IDS), "ids of shape (2, 4) and torch.int64: give whole numbers"),
        (lambda: MODEL.log_probs("to be"), "'to be' is not ids: encode the text with a tokenizer"),
        (lambda: MODEL.sample(2, None, []), "a text of 0 tokens is too short: give at least 1"),
        (lambda: MODEL.sample(2, None, [0, -1]), "ids[1] is -1, and the tokens are 0 to 4"),
        (lambda: MODEL.sample(-1, None, [0]), "n=-1: give a whole number of at least 0"),
        (lambda: MODEL.sample(1.5, None, [0]), "n=1.5: give a whole number of at least 0"),
        (lambda: MODEL.sample(2, None, [0], 0), "temperature=0: give a positive number"),
        (lambda: MODEL.sample(2, None, [0], math.inf), "temperature=inf: give a positive number"),
        (
            lambda: to_hf(model_of(turned=True)),
            "turned=True, and GPT-2 adds its positions: make the GPT without `turned`",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
