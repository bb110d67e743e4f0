"""Decoding against transformers, the model that keeps nothing, all texts there are, and chance."""

import copy
import itertools
import math
import re
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_gpt import close, model_of, seeds, sizes, turns
from transformers.generation import logits_process

from aigc_lib.gpt import to_hf
from aigc_lib.sampling import (
    KVCache,
    beam_search,
    generate,
    pick,
    repetition_penalty,
    top_k,
    top_p,
    with_temperature,
)

INF, NAN = math.inf, math.nan
few = settings(max_examples=30)


def cut(ids, seed):
    """Return the columns of `ids` (B, T) in pieces of random lengths, one by one or all at once."""
    T = ids.shape[1]
    torch.manual_seed(seed)
    places = [t for t in range(1, T) if torch.rand(()) < (seed % 3) / 2]
    return torch.tensor_split(ids, places, 1)


@few
@given(
    sizes, st.integers(1, 9), sizes, sizes, sizes, sizes, st.integers(0, 3), st.booleans(), seeds
)
def test_cached_logits_are_those_of_the_model_at_every_position(
    B, T, V, nh, hs, layers, more, turned, seed
):
    model = model_of(V, nh * 2 * hs, nh, layers, T + more, turned, seed)
    ids = torch.randint(V, (B, T))
    for atol, kind in ((1e-10, torch.float64), (1e-4, torch.float32)):
        expected = model.to(kind)(ids)
        cache, found = KVCache(model, B), []
        for piece in cut(ids, seed):
            found.append(cache.read(piece))
            assert cache.length == sum(logits.shape[1] for logits in found)
        found = torch.cat(found, 1)
        assert (found.dtype, found.requires_grad) == (kind, False)
        close(found, expected.detach(), atol * (1 + expected.abs().max().item()))


@turns
@pytest.mark.parametrize("lengths", [[6], 6 * [1], [3, 1, 2], [1, 5], [5, 1]])
def test_it_does_not_matter_how_a_text_is_cut(turned, lengths):
    model, ids = model_of(turned=turned).double(), torch.randint(5, (3, 6))
    cache = KVCache(model, 3)
    found = torch.cat([cache.read(piece) for piece in ids.split(lengths, 1)], 1)
    close(found, model(ids).detach())


@pytest.mark.parametrize("lengths", [6 * [1], [3, 1, 2]])
def test_cached_logits_are_those_of_gpt2_with_its_own_cache(lengths):
    model, ids = model_of(), torch.randint(5, (3, 6))
    hf, model, past = to_hf(model).double(), model.double(), None
    cache = KVCache(model, 3)
    for piece in ids.split(lengths, 1):
        with torch.no_grad():
            theirs = hf(piece, past_key_values=past, use_cache=True)
        past = theirs.past_key_values
        close(cache.read(piece), theirs.logits)
    for layer, (k, v) in zip(past.layers, cache.kv, strict=True):
        close(k, layer.keys)
        close(v, layer.values)


@turns
def test_selected_rows_go_on_as_texts_of_their_own(turned):
    model, ids = model_of(longest=8, turned=turned).double(), torch.randint(5, (3, 4))
    cache = KVCache(model, 3)
    cache.read(ids)
    for rows in ([2, 0, 1], [1, 1, 0, 2, 1], [4, 0], [0, 0]):
        cache.select(torch.tensor(rows))
        ids = torch.cat([ids[rows], torch.randint(5, (len(rows), 1))], 1)
        close(cache.read(ids[:, -1:])[:, 0], model(ids)[:, -1].detach())


@turns
def test_reading_leaves_the_model_as_it_was(turned):
    model, ids = model_of(turned=turned).train(), torch.randint(5, (2, 6))
    model.loss(ids).backward()
    weights = copy.deepcopy(model.state_dict())
    grads = [w.grad.clone() for w in model.parameters()]
    cache = KVCache(model, 2)
    tensors = [cache.read(ids[:, :3]), cache.read(ids[:, 3:4]), cache.kv]
    tensors += [w for layer in cache.layers for w in layer[0]]
    assert not any(found.requires_grad for found in tensors)
    generate(model, ids, 0)
    generate(model, ids[:, :2], 4)
    beam_search(model, ids[0, :2], 2, 3)
    for name, w in model.state_dict().items():
        assert torch.equal(w, weights[name])
    for w, grad in zip(model.parameters(), grads, strict=True):
        assert w.requires_grad
        assert torch.equal(w.grad, grad)
    assert model.training


@turns
def test_after_an_error_the_cache_is_as_before(turned):
    model, ids = model_of(turned=turned).double(), torch.randint(5, (2, 6))
    cache = KVCache(model, 2)
    close(cache.read(ids[:, :4]), model(ids[:, :4]).detach())
    message = (
        "4 tokens are read and 3 more are given, and the model has longest=6: start a new cache "
        "with a shorter text"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        cache.read(ids[:, :3])
    with pytest.raises(ValueError, match=r"^ids of 1 rows for a cache of 2: give a row for each"):
        cache.read(ids[:1, :1])
    for wrong in (ids[:, :2] + 5, ids[:, :2].double()):
        with pytest.raises((IndexError, RuntimeError)):
            cache.read(wrong)
    assert cache.length == 4
    close(cache.read(ids[:, 4:]), model(ids)[:, 4:].detach())
    with pytest.raises(ValueError, match=r"^6 tokens are read and 1 more"):
        cache.read(ids[:, :1])


@turns
def test_the_cache_is_where_the_weights_are_and_as_large_as_stated(turned):
    """On "meta", a device without values: a tensor left on the CPU would not meet the weights."""
    model = model_of(layers=3, longest=7, turned=turned).to("meta")
    cache, ids = KVCache(model, 2), torch.zeros(2, 3, dtype=torch.int64, device="meta")
    assert cache.kv.shape == (3, 2, 2, 2, 7, 4)  # (layers, 2, B, nh, longest, hs)
    assert cache.turns.is_meta if turned else cache.turns is None
    assert cache.read(ids).shape == (2, 3, 5)
    assert cache.read(ids[:, :1]).shape == (2, 1, 5)


def uncached(model, ids, n, choose):
    """Return the `n` tokens that `choose` takes, one after another, reading all anew for each."""
    with torch.no_grad():
        for _ in range(n):
            ids = torch.cat([ids, choose(model(ids)[:, -1])[:, None]], 1)
    return ids[:, len(ids[0]) - n :]


@few
@given(sizes, st.integers(1, 4), st.integers(0, 5), st.integers(2, 9), st.booleans(), seeds)
def test_greedy_tokens_are_the_most_probable(B, T, n, V, turned, seed):
    model = model_of(V, longest=T + n, turned=turned, seed=seed)
    ids = torch.randint(V, (B, T))
    kept = ids.clone()
    found = generate(model.double(), ids, n)
    assert (found.shape, found.dtype) == ((B, n), torch.int64)
    assert torch.equal(found, uncached(model, ids, n, lambda logits: logits.argmax(-1)))
    assert torch.equal(ids, kept)
    if n and not turned:
        assert torch.equal(found, by_transformers(model, ids, n))


def by_transformers(model, ids, n, **options):
    """Return what `generate` of transformers adds to `ids`, not drawn."""
    hf = to_hf(model.float()).double()
    model.double()
    told = {"attention_mask": torch.ones_like(ids), "pad_token_id": 0, "do_sample": False}
    found = hf.generate(ids, max_new_tokens=n, min_new_tokens=n, **told, **options)
    return found if "num_beams" in options else found[:, ids.shape[1] :]


def test_of_equal_logits_the_first_is_picked():
    logits = torch.tensor([[1.0, 3, 3], [2, 2, 2], [-INF, -INF, -5]])
    assert pick(logits).tolist() == [1, 0, 2]


def plain(logits, text):
    return [math.exp(x) for x in logits]


def cooled(logits, text):
    return [math.exp(x / 0.5) for x in logits]


def two_best(logits, text):
    least = sorted(logits)[-2]
    return [math.exp(x) * (x >= least) for x in logits]


def nucleus(logits, text):
    """Keep the smallest set of tokens that has 0.7 of the probability, found among all sets."""
    p = [math.exp(x) / sum(map(math.exp, logits)) for x in logits]
    sets = (s for k in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), k))
    enough = [s for s in sets if sum(p[i] for i in s) >= 0.7]
    best = min(enough, key=lambda s: (len(s), -sum(p[i] for i in s)))
    return [x * (i in best) for i, x in enumerate(p)]


def penalised(logits, text):
    pairs = enumerate(logits)
    return [math.exp(x if i not in text else x / 1.5 if x > 0 else x * 1.5) for i, x in pairs]


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        (plain, None),
        (cooled, lambda logits, ids: with_temperature(logits, 0.5)),
        (two_best, lambda logits, ids: top_k(logits, 2)),
        (nucleus, lambda logits, ids: top_p(logits, 0.7)),
        (penalised, lambda logits, ids: repetition_penalty(logits, ids, 1.5)),
    ],
    ids=["plain", "temperature", "top-k", "top-p", "repetition"],
)
@pytest.mark.parametrize("n", [1, 2])
def test_tokens_are_as_frequent_as_they_are_probable(weights, rule, n):
    """Each text of `n` tokens, its probability reckoned with transformers and plain Python."""
    V, rows, prompt = (4, 4000, [1, 3]) if n == 2 else (7, 3000, [2, 0, 2])
    model = model_of(V, C=4, layers=1, seed=7).double()
    hf, observed, expected = to_hf(model.float()).double(), [], []
    generator = torch.Generator().manual_seed(3)
    drawn = generate(model, torch.tensor([prompt]).repeat(rows, 1), n, generator, rule)
    found = Counter(map(tuple, drawn.tolist()))
    for sample in itertools.product(range(V), repeat=n):
        text, p = list(prompt), 1.0
        for token in sample:
            with torch.no_grad():
                chances = weights(hf(torch.tensor([text])).logits[0, -1].tolist(), text)
            p *= chances[token] / sum(chances)
            text.append(token)
        if p == 0:
            assert found[sample] == 0
        else:
            observed.append(found[sample])
            expected.append(rows * p)
    assert len(expected) > 1
    assert min(expected) > 5
    assert stats.chisquare(observed, expected).pvalue > 0.01


def test_draws_repeat_with_their_seed_and_rows_are_drawn_apart():
    model, ids = model_of(), torch.tensor([[1, 2]]).repeat(50, 1)
    one, same, other = (
        generate(model, ids, 4, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert len(one.unique(dim=0)) > 10


def test_a_rule_is_given_float64_and_the_whole_text():
    model, ids, given = model_of(), torch.tensor([[1, 2], [3, 4], [0, 0]]), []

    def rule(logits, text):
        given.append((logits, text))
        return logits.clone().index_fill_(1, logits.argmax(1)[:1], -INF)

    found = generate(model, ids, 4, rule=rule)
    whole = torch.cat([ids, found], 1)
    for t, (logits, text) in enumerate(given, 2):
        assert (logits.dtype, logits.shape, logits.device.type) == (torch.float64, (3, 5), "cpu")
        assert torch.equal(text, whole[:, :t])
        close(logits, model(text)[:, -1].detach().double(), 1e-4)
        assert whole[0, t] == logits[0].argsort()[-2]  # the best one is forbidden
    assert len(given) == 4


def test_the_context_may_be_filled_and_nothing_may_be_asked_for():
    model, ids = model_of(longest=6), torch.tensor([[1, 2, 3]])
    assert generate(model, ids, 3).shape == (1, 3)
    assert generate(model, ids, 0).shape == (1, 0)
    assert generate(model, ids.repeat(1, 2), 0).shape == (1, 0)
    for alpha in (0, 1):
        assert beam_search(model, ids.repeat(1, 2)[0], 0, 3, alpha) == [([], 0, 0)]


def rows_of(seed, kinds=("normal", "ties", "far", "forbidden")):
    """Return logits (B, V) of one of these kinds, in double precision, for a seed."""
    torch.manual_seed(seed)
    B, V = torch.randint(1, 7, (2,)).tolist()
    logits, kind = torch.randn(B, V, dtype=torch.float64), kinds[seed % len(kinds)]
    if kind == "ties":
        logits = logits.round()
    elif kind == "far":
        logits = 40 * logits
    elif kind == "forbidden":
        keep = torch.arange(B)[:, None], torch.randint(V, (B, 1))
        logits = logits.masked_fill(
            (torch.rand(B, V) < 0.5).index_put(keep, torch.tensor(False)), -INF
        )
    return logits


many = given(st.integers(0, 9999))


@many
def test_rules_are_those_of_transformers(seed):
    logits = rows_of(seed)
    (B, V), kept = logits.shape, logits.clone()
    k, x = 1 + seed % V, 0.05 + torch.rand(()).item()
    ids = torch.randint(V, (B, 1 + seed % 5))
    for found, theirs in (
        (with_temperature(logits, x), logits_process.TemperatureLogitsWarper(x)),
        (top_k(logits, k), logits_process.TopKLogitsWarper(k)),
        (
            repetition_penalty(logits, ids, 1 + x),
            logits_process.RepetitionPenaltyLogitsProcessor(1 + x),
        ),
    ):
        close(found, theirs(ids, logits))
        assert found.dtype == torch.float64
    p = min(x, 0.999)
    theirs = logits_process.TopPLogitsWarper(p)(ids, logits)
    close(top_p(logits, p).sort().values, theirs.sort().values)  # which of two equals is free
    assert torch.equal(logits, kept)
    if not (logits.sort().values.diff() == 0).any():
        close(top_p(logits, p), theirs)


@many
def test_a_nucleus_is_the_smallest_set_with_enough(seed):
    logits = rows_of(seed)
    p = 0.02 + 0.97 * torch.rand(()).item()
    for row, found in zip(logits, top_p(logits, p), strict=True):
        kept = found > -INF
        assert torch.equal(found[kept], row[kept])
        chances = sorted(row.softmax(-1).tolist(), reverse=True)
        fewest = next(n for n in range(1, len(row) + 1) if sum(chances[:n]) > p - 1e-12)
        assert kept.sum() == fewest
        assert row.softmax(-1)[kept].sum().item() == pytest.approx(sum(chances[:fewest]))
    assert torch.equal(top_p(logits, 1), logits)
    close(top_p(logits + 3, p) - 3, top_p(logits, p))


@many
def test_the_order_of_the_vocabulary_does_not_matter(seed):
    logits = rows_of(seed, ("normal", "far"))
    (B, V), p = logits.shape, 0.02 + 0.97 * torch.rand(()).item()
    order, ids = torch.randperm(V), torch.randint(V, (B, 3))
    for rule in (
        lambda logits, ids: with_temperature(logits, 0.3),
        lambda logits, ids: top_k(logits, 1 + seed % V),
        lambda logits, ids: top_p(logits, p),
        lambda logits, ids: repetition_penalty(logits, ids, 1.7),
    ):
        close(rule(logits[:, order], order.argsort()[ids]), rule(logits, ids)[:, order])


def test_rules_at_their_edges():
    ties = torch.tensor([[1.0, 2, 2, 2, 0]])
    assert (top_k(ties, 2) > -INF).tolist() == [[False, True, True, True, False]]
    assert (top_k(ties, 4) > -INF).tolist() == [[True, True, True, True, False]]
    assert torch.equal(top_k(ties, 5), ties)
    assert torch.equal(top_k(ties[0], 1), top_k(ties, 1)[0])
    even = torch.zeros(1, 4)
    for p, count in ((1e-9, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (0.76, 4), (1, 4)):
        assert (top_p(even, p) > -INF).tolist() == [[i < count for i in range(4)]]
    assert torch.equal(top_p(even[0], 0.5), top_p(even, 0.5)[0])
    far = torch.tensor([[0.0, -800, -INF]])
    assert torch.equal(top_p(far, 1.0), far)  # what is too rare for a float is not forbidden
    logits = torch.tensor([[2.0, -2, 0, 3, -INF]])
    ids = torch.tensor([[0, 0, 1, 2, 4]])  # once or twice is the same
    assert repetition_penalty(logits, ids, 2).tolist() == [[1, -4, 0, 3, -INF]]
    assert torch.equal(repetition_penalty(logits, ids, 1), logits)


def texts_of(V, n, end):
    """Yield all texts of `n` tokens, and all shorter ones that end with `end`."""
    for length in range(1, n + 1):
        for text in itertools.product(range(V), repeat=length):
            if end not in text[:-1] and (length == n or text[-1] == end):
                yield list(text)


def log_p_of(model, prompt, text):
    """Return log p of `text` after `prompt`, in nats."""
    with torch.no_grad():
        log_p = model(torch.tensor([[*prompt, *text]]))[0].log_softmax(-1)
    return sum(log_p[len(prompt) + i - 1, token].item() for i, token in enumerate(text))


def best_first(model, prompt, texts, alpha):
    """Return the texts with log p and score as triples, the highest score first."""
    scored = [(text, log_p_of(model, prompt, text)) for text in texts]
    return sorted(((t, x, x / len(t) ** alpha) for t, x in scored), key=lambda one: -one[2])


def same(found, expected):
    """Compare hypotheses with triples; equal scores do not occur."""
    assert [h.ids for h in found] == [text for text, _, _ in expected]
    for h, (_, log_p, score) in zip(found, expected, strict=True):
        assert h.log_p == pytest.approx(log_p, abs=1e-10)
        assert h.score == pytest.approx(score, abs=1e-10)


@turns
@pytest.mark.parametrize("end", [None, 0, 2])
@pytest.mark.parametrize("alpha", [0, 0.7, 1, 3])
def test_a_wide_beam_is_an_exhaustive_search(turned, end, alpha):
    V, n, prompt = 3, 4, [1, 0]
    model = model_of(V, turned=turned, seed=3).double()
    expected = best_first(model, prompt, texts_of(V, n, end), alpha)
    same(beam_search(model, prompt, n, V**n, alpha, end), expected)
    for width in (V ** (n - 1), V ** (n - 1) + 1):  # enough to meet all texts
        same(beam_search(model, prompt, n, width, alpha, end), expected[:width])


@few
@given(st.integers(1, 4), sizes, st.integers(1, 9), st.sampled_from([0, 0.5, 2.0]), seeds)
def test_a_beam_is_that_of_a_loop(V, n, width, alpha, seed):
    model, prompt = model_of(V, seed=seed).double(), [seed % V, 0]
    end = (None, *range(V))[seed % (V + 1)]
    live, met = [[]], []
    for _ in range(n):
        longer = [[*text, token] for text in live for token in range(V)]
        ranked = [text for text, _, _ in best_first(model, prompt, longer, 0)]
        met += [text for text in ranked[:width] if text[-1] == end]
        live = [text for text in ranked if text[-1] != end][:width]
    found = beam_search(model, prompt, n, width, alpha, end)
    same(found, best_first(model, prompt, met + live, alpha)[:width])
    for text, _, _ in found:
        assert len(text) == n or text[-1] == end
        assert end not in text[:-1]


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_beams_are_those_of_transformers(width, alpha):
    model, ids = model_of(V=9, longest=9).double(), torch.tensor([[1, 2, 3]])
    options = {"num_beams": width, "num_return_sequences": width, "length_penalty": alpha}
    options |= {"return_dict_in_generate": True, "output_scores": True}
    theirs = by_transformers(model, ids, 6, **options)
    found = beam_search(model, ids[0], 6, width, alpha)
    assert [h.ids for h in found] == theirs.sequences[:, 3:].tolist()
    if width == 1:  # which transformers takes for greedy search, without scores
        assert found[0].ids == generate(model, ids, 6)[0].tolist()
    else:
        close(torch.tensor([h.score for h in found]), theirs.sequences_scores.float(), 1e-5)


@pytest.mark.parametrize("width", [2, 3, 6])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_beams_that_may_end_are_those_of_transformers(width, alpha, seed):
    model, ids = model_of(V=9, longest=9, seed=seed).double(), torch.tensor([[1, 2, 3]])
    options = {"num_beams": width, "num_return_sequences": width, "length_penalty": alpha}
    options |= {"early_stopping": "never", "eos_token_id": 4, "pad_token_id": 4}
    hf, told = to_hf(model.float()).double(), {"attention_mask": torch.ones_like(ids)}
    theirs = hf.generate(ids, max_new_tokens=6, do_sample=False, **told, **options)[:, 3:].tolist()
    model.double()
    cut = [row[: row.index(4) + 1] if 4 in row else row for row in theirs]
    assert [h.ids for h in beam_search(model, ids[0], 6, width, alpha, end=4)] == cut


def test_greed_is_a_beam_of_one_up_to_its_end():
    model, ids = model_of(V=9, longest=9).double(), torch.tensor([[1, 2, 3]])
    (greedy,) = generate(model, ids, 6).tolist()
    found = beam_search(model, ids[0], 6, 1, end=greedy[2])[0]
    first = greedy.index(greedy[2])
    assert found.ids[: first + 1] == greedy[: first + 1]


MODEL, IDS, ALL = model_of(), torch.full((2, 4), 3), torch.arange(5)
LOGITS = torch.zeros(2, 5, dtype=torch.float64)
NO_POSITIVE = (0, -1, NAN, INF, -INF, True, "1", None, 1j)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        *(
            (
                lambda x=x: with_temperature(LOGITS, x),
                f"temperature={x!r}: give a positive number; for its limit at 0, the most probable "
                "token, `pick` without a generator",
            )
            for x in NO_POSITIVE
        ),
        *(
            (lambda k=k: top_k(LOGITS, k), f"k={k!r}: give a whole number of at least 1")
            for k in (0, -1, 2.5, 2.0, NAN, INF, True, "1", None)
        ),
        (lambda: top_k(LOGITS, 6), "k=6 of a vocabulary of 5 tokens: give 1 to 5"),
        *(
            (lambda p=p: top_p(LOGITS, p), f"p={p!r}: give a probability above 0 and up to 1")
            for p in (*NO_POSITIVE, 2, 1.001)
        ),
        *(
            (
                lambda x=x: repetition_penalty(LOGITS, IDS, x),
                f"penalty={x!r}: give a number of at least 1",
            )
            for x in (*NO_POSITIVE, 0.99)
        ),
        *(
            (
                lambda x=x: beam_search(MODEL, [1], 2, 3, x),
                f"alpha={x!r}: give 0, for no correction by length, or more",
            )
            for x in NO_POSITIVE[1:]
        ),
        *(
            (
                lambda x=x: beam_search(MODEL, [1], 2, x),
                f"width={x!r}: give a whole number of at least 1",
            )
            for x in (0, -1, 2.5, True, "3", None)
        ),
        *(
            (
                lambda x=x: beam_search(MODEL, [1], 2, 3, end=x),
                f"end={x!r}: give a whole number of at least 0",
            )
            for x in (-1, 1.0, True, False, "3")
        ),
        (
            lambda: beam_search(MODEL, [1], 2, 3, end=5),
            "end=5 is none of the tokens, 0 to 4: give one, or None",
        ),
        *(
            (
                lambda n=n, search=search: search(n),
                f"n={n!r}: give a whole number of at least 0",
            )
            for n in (-1, 1.5, True, "3", None)
            for search in (
                lambda n: beam_search(MODEL, [1], n, 2),
                lambda n: generate(MODEL, IDS, n),
            )
        ),
        (
            lambda: generate(MODEL, IDS, 3),
            "4 tokens and 3 more are 7, and the model has longest=6: give the last 3 at most, or "
            "ask for fewer",
        ),
        (
            lambda: beam_search(MODEL, [1], 9, 2),
            "1 tokens and 9 more are 10, and the model has longest=6: give the last 1 at most, or "
            "ask for fewer",
        ),
        (
            lambda: generate(MODEL, IDS.repeat(1, 2), 0),
            "8 tokens and 0 more are 8, and the model has longest=6: give the last 6 at most, or "
            "ask for fewer",
        ),
        (lambda: beam_search(MODEL, [1] * 8, 0, 2), "8 tokens and 0 more are 8, and the model has"),
        (lambda: generate(MODEL, IDS[:, :0], 2), "the prompt is empty: give at least a token, as"),
        (lambda: beam_search(MODEL, [], 2, 3), "a text of 0 tokens is too short: give at least 1"),
        (lambda: generate(MODEL, IDS[:0], 2), "rows=0: give a whole number of at least 1"),
        (lambda: KVCache(MODEL, 0), "rows=0: give a whole number of at least 1"),
        (lambda: KVCache(MODEL, 1.5), "rows=1.5: give a whole number of at least 1"),
        (lambda: generate(MODEL, IDS[0], 2), "ids of shape (4,) and torch.int64: give (B, T), int"),
        (lambda: generate(MODEL, IDS.double(), 2), "ids of shape (2, 4) and torch.float64: give"),
        (lambda: beam_search(MODEL, IDS, 2, 3), "ids of shape (2, 4) and torch.int64: give whole"),
        (
            lambda: beam_search(MODEL, [0.5], 2, 3),
            "ids of shape (1,) and torch.float32: give whole",
        ),
        (lambda: beam_search(MODEL, "to be", 2, 3), "'to be' is not ids: encode the text"),
        (
            lambda: generate(MODEL, IDS + 2, 2),
            "ids: the id 5 is none of the tokens, 0 to 4: encode",
        ),
        (lambda: generate(MODEL, IDS - 4, 2), "ids: the id -1 is none of the tokens, 0 to 4"),
        (lambda: beam_search(MODEL, [0, 5], 2, 3), "ids[1] is 5, and the tokens are 0 to 4"),
        *(
            (
                lambda x=x, generator=generator: generate(
                    MODEL, IDS, 2, generator, lambda logits, ids: logits.index_fill(1, ALL, x)
                ),
                f"row 0 of the logits has {x} as its highest: nothing can be picked; if a rule or "
                "constraint made them, let it leave a token",
            )
            for x in (-INF, NAN, INF)
            for generator in (None, torch.Generator())
        ),
        (
            lambda: pick(torch.tensor([[0.0, -INF], [NAN, 0.0], [-INF, -INF]])),
            "row 1 of the logits has nan as its highest",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        call()
