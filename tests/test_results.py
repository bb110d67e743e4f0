"""The shipped results are of the rows that the tool makes, and a row does what its name says."""

import json
import math
import platform
from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest
import results
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from aigc_lib import data, gan
from aigc_lib.classifier import load_cnn

ROOT = Path(__file__).parent.parent
# What a measure may differ by on another machine: a few pictures of 2,000, or float32 in features.
SHARE = {"abs": 0.003}
MEASURES = {
    "inception_score": {"rel": 1e-3},
    "frechet_distance": {"rel": 1e-3},
    "kernel_distance": {"rel": 1e-3, "abs": 1e-2},
    "precision": SHARE,
    "recall": SHARE,
    "memorised": SHARE,
    "sure": SHARE,
}
tables = pytest.mark.parametrize("name", results.TABLES)
GAMES = {
    name: {row: game for row, (_, game, _) in rows.items() if isinstance(game, results.Game)}
    for name, (rows, _, _) in results.TABLES.items()
}
RING, FASHION, PICTURES = GAMES.values()


def kinds(net: nn.Module) -> set[type]:
    return {type(layer) for layer in net.modules()}


def nets(game: results.Game) -> tuple[nn.Module, nn.Module]:
    trained = game.trainer(0).gan
    return trained.generator, trained.discriminator


def test_every_table_is_listed_and_shipped():
    shipped = {path.stem for path in (ROOT / "data/results").iterdir()}
    assert shipped == results.TABLES.keys() <= set(data.names())


@tables
def test_the_file_has_every_row_and_seed_and_says_how_it_was_made(name):
    rows, _, steps = results.TABLES[name]
    about = data.results(name)
    assert about["command"] == f"python tools/results.py {name}"
    assert about["machine"].endswith(", 1 thread")
    assert 0 < about["minutes"] < 60
    assert about["torch"].startswith("2.")
    assert about["steps"] == steps
    assert list(about["rows"]) == list(rows)
    for row, (setting, _, seeds) in rows.items():
        assert about["rows"][row]["setting"] == setting
        assert list(about["rows"][row]["runs"]) == [str(seed) for seed in seeds]


def test_what_was_measured_of_the_ring_is_possible():
    for row in data.results("gan_ring")["rows"].values():
        for run in row["runs"].values():
            assert run.keys() == {"modes", "good", "kl"}
            assert run["modes"] in range(9)
            assert run["modes"] * 25 / 2500 <= run["good"] <= 1
            assert (run["kl"] is None) == (run["good"] == 0)
            assert 0 <= (run["kl"] or 0) <= round(math.log(8), 4)


def test_what_was_measured_of_pictures_is_possible():
    rows = {
        name: [run["distance"] for run in row["runs"].values()]
        for name, row in data.results("gan_fashion")["rows"].items()
    }
    worst, best = max(rows["uniform noise"]), min(rows["real pictures"])
    for row, distances in rows.items():
        for distance in distances:
            assert distance is None or (best <= distance and distance > 0), row
    assert worst > 10 * max(rows["real pictures"])
    assert max(rows["real pictures"]) < min(rows["DCGAN"]) < worst


def test_what_was_measured_by_each_measure_is_possible():
    rows = data.results("pictures")["rows"]
    for row in rows.values():
        for run in row["runs"].values():
            assert list(run) == list(MEASURES)
            assert 1 <= run["inception_score"] <= 10
            assert run["frechet_distance"] > 0
            for share in ("precision", "recall", "memorised", "sure"):
                assert 0 <= run[share] <= 1
    for run in rows["copies of training pictures"]["runs"].values():
        assert run["memorised"] > 0.999
    for run in rows["one picture a class"]["runs"].values():
        assert run["memorised"] > 0.999
        assert run["recall"] == 0
        assert run["sure"] * 10 == pytest.approx(round(run["sure"] * 10))  # of ten pictures
    for worse in ("autoencoder", "VAE", "GAN", "WGAN-GP", "uniform noise"):
        for measure in ("frechet_distance", "kernel_distance"):
            real, other = (
                [run[measure] for run in rows[row]["runs"].values()]
                for row in ("real pictures", worse)
            )
            assert max(real) < min(other), (worse, measure)


@pytest.mark.parametrize("row", ["real pictures", "copies of training pictures", "uniform noise"])
def test_a_row_that_needs_no_training_has_the_recorded_quality(row):
    _, source, _ = results.PICTURES[row]
    recorded = data.results("pictures")["rows"][row]["runs"]["3"]
    for name, x in results.quality(source, 3).items():
        assert x == pytest.approx(recorded[name], **MEASURES[name]), name


@pytest.mark.parametrize("row", ["WGAN, clipped", "recommended", "minibatch deviation"])
def test_a_row_of_the_ring_repeats_itself_and_follows_its_seed(row):
    first, again, other = (results.play(RING[row], gan.ring(320, s), 3, s, 50) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_row_of_pictures_repeats_itself(monkeypatch):
    pictures, labels = (part[:2000] for part in data.fashion_mnist()["train"])
    monkeypatch.setattr(results, "fashion", lambda: (pictures, labels, results.features(pictures)))
    first, again = (results.distance(FASHION["DCGAN"], 0, 2) for _ in range(2))
    assert first == again
    assert first["distance"] > 0


def test_what_is_not_finite_has_no_distance():
    for wrong in (math.nan, math.inf):
        broken = results.distance(lambda seed, wrong=wrong: torch.full((10, 1, 28, 28), wrong), 0)
        assert broken == {"distance": None}


def as_rows(pictures: torch.Tensor) -> list[bytes]:
    return [picture.numpy().tobytes() for picture in pictures]


def test_real_pictures_are_not_those_that_copies_are_looked_for_in():
    training = set(as_rows(data.fashion_mnist()["train"][0]))
    for seed in (0, 1):
        real, known = (set(as_rows(make(seed))) for make in (results.real_pictures, results.copies))
        assert real | known <= training
        assert len(real & known) < 3  # some training pictures are there twice
        assert len(real) == len(known) == 2000
    assert real != set(as_rows(results.real_pictures(0)))
    assert known != set(as_rows(results.copies(0)))


def test_one_picture_a_class_is_that():
    made, (pictures, labels) = results.one_a_class(0), results.known(0)
    classes = dict(zip(as_rows(pictures), labels.tolist(), strict=True))
    rows = as_rows(made)
    assert sorted(classes[row] for row in set(rows)) == list(range(10))
    assert {rows.count(row) for row in set(rows)} == {200}


def test_blurred_pictures_are_means_of_nine_pixels():
    made, pictures = results.blurred(0), results.copies(0)
    for row, column in ((1, 1), (13, 20)):
        patch = pictures[:, 0, row - 1 : row + 2, column - 1 : column + 2]
        torch.testing.assert_close(made[:, 0, row, column], patch.mean((1, 2)))
    torch.testing.assert_close(made[:, 0, 0, 0], pictures[:, 0, :2, :2].sum((1, 2)) / 9)


def test_codes_are_drawn_like_others():
    """A variance of n draws is off by about √(2/n) of itself: of 2,000 by 3 %, of 4 by 0.13."""
    codes = torch.tensor([[2.0, 0.0], [1.8, 0.6]]) @ torch.randn(2, 5000) + torch.ones(2, 1)
    drawn = results.like(codes.T, 0)
    torch.testing.assert_close(drawn.mean(0), torch.ones(2), atol=0.2, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), codes.cov(), atol=0.4, rtol=0)
    assert not torch.equal(drawn, results.like(codes.T, 1))


def test_what_is_learned_is_drawn_from_a_seed_and_looks_like_the_mean_picture(monkeypatch):
    """Few pictures and steps: nearer to the mean picture than the pictures are themselves."""
    pictures, labels = (part[:1000] for part in data.fashion_mnist()["train"])
    monkeypatch.setattr(results, "fashion", lambda: (pictures, labels, None))
    for source in (results.autoencoder_samples, partial(results.vae_samples, steps=20)):
        first, again, other = (source(seed) for seed in (0, 0, 1))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert first.shape == (2000, 1, 28, 28)
        assert 0 <= first.min() < first.max() <= 1
        assert F.mse_loss(first.mean(0), pictures.mean(0)) < pictures.var(0).mean() / 10


def test_the_conditional_vae_makes_all_classes_equally_often():
    made = results.vae_samples(0, 300, K=10, classes=10)
    with torch.no_grad():
        found = load_cnn()(made).argmax(1)
    wanted = torch.arange(2000) % 10
    assert (found == wanted).float().mean() > 0.3  # 0.1 by chance, and 0.55 as written


def test_ring_rows_change_one_thing_of_plain_or_recommended():
    """A Wasserstein row changes what its paper does; and "plain's rates" are plain's."""

    def changed(row: str, base: str) -> set[str]:
        names = [field.name for field in fields(results.Game)]
        return {n for n in names if getattr(RING[row], n) is not getattr(RING[base], n)}

    plain = {
        "saturating": {"loss"},
        "least squares": {"loss"},
        "hinge": {"loss"},
        "label smoothing": {"penalty"},
        "minibatch deviation": {"edit"},
        "spectral norm": {"edit"},
        "R1, weight 0.1": {"penalty"},
        "R1, weight 1": {"penalty"},
        "gradient penalty, weight 0.1": {"penalty"},
        "gradient penalty, weight 1": {"penalty"},
        "no momentum": {"optimizer"},
        "average": {"decay"},
        "both rates 1e-3": {"rates"},
        "both rates 2e-3": {"rates"},
        "WGAN, clipped": {"loss", "turns", "rates", "optimizer", "clip"},
        "WGAN-GP, weight 0.1": {"loss", "turns", "rates", "optimizer", "penalty"},
        "both rates 1e-3, betas (0.5, 0.999)": {"rates", "optimizer"},
        "saturating, both rates 1e-3, betas (0.5, 0.999)": {"loss", "rates", "optimizer"},
        "recommended": {"rates", "optimizer", "penalty", "decay"},
    }
    recommended = {
        "recommended without R1": {"penalty"},
        "recommended without average": {"decay"},
        "recommended without either": {"penalty", "decay"},
        "recommended with momentum": {"optimizer"},
        "recommended with betas (0, 0.999)": {"optimizer"},
        "recommended with betas (0.9, 0.99)": {"optimizer"},
        "recommended with plain's rates": {"rates"},
    }
    assert {"plain", *plain, *recommended} == RING.keys()
    for row, what in plain.items():
        assert changed(row, "plain") == what, row
    for row, what in recommended.items():
        assert changed(row, "recommended") == what, row
    assert RING["recommended with momentum"].optimizer is RING["plain"].optimizer
    assert RING["recommended with plain's rates"].rates == RING["plain"].rates == (1e-3, 3e-4)


@pytest.mark.parametrize(
    ("table", "row", "betas"),
    [
        (RING, "plain", (0.9, 0.999)),
        (RING, "no momentum", (0.0, 0.99)),
        (RING, "both rates 1e-3, betas (0.5, 0.999)", (0.5, 0.999)),
        (RING, "recommended with betas (0, 0.999)", (0.0, 0.999)),
        (RING, "recommended with betas (0.9, 0.99)", (0.9, 0.99)),
        (RING, "WGAN-GP, weight 0.1", (0.0, 0.9)),
        (RING, "saturating, both rates 1e-3, betas (0.5, 0.999)", (0.5, 0.999)),
        (FASHION, "DCGAN", (0.5, 0.999)),
        (FASHION, "the usual momentum", (0.9, 0.999)),
        (FASHION, "WGAN-GP", (0.0, 0.9)),
        (PICTURES, "GAN", (0.5, 0.999)),
        (PICTURES, "WGAN-GP", (0.0, 0.9)),
    ],
)
def test_the_optimizers_have_the_betas_and_the_rate_of_their_own_network(table, row, betas):
    trainer = table[row].trainer(0)
    optimizers = trainer.d_optimizer, trainer.g_optimizer
    networks = trainer.gan.discriminator, trainer.gan.generator
    for optimizer, net, rate in zip(optimizers, networks, table[row].rates, strict=True):
        (group,) = optimizer.param_groups
        assert (group["betas"], group["lr"]) == (betas, rate)
        assert set(map(id, group["params"])) == set(map(id, net.parameters()))


def test_the_clipped_critic_stays_within_its_limit():
    trainer = RING["WGAN, clipped"].trainer(0)
    trainer(gan.ring(640, 0)(0))
    assert isinstance(trainer.d_optimizer, torch.optim.RMSprop)
    critic, generator = (
        max(weight.abs().max().item() for weight in net.parameters())
        for net in (trainer.gan.discriminator, trainer.gan.generator)
    )
    assert critic == pytest.approx(0.1)
    assert generator > 0.2


def test_smoothing_is_the_cross_entropy_of_labels_0_9():
    logits = torch.linspace(-4, 4, 9, dtype=torch.float64)
    ours = F.softplus(-logits).mean() + RING["label smoothing"].penalty(lambda x: x, logits, None)
    theirs = F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, 0.9))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("table", "row", "expected"),
    [
        (RING, "R1, weight 0.1", 0.1 * 9 / 2),
        (RING, "R1, weight 1", 9 / 2),
        (RING, "recommended", 0.1 * 9 / 2),
        (RING, "gradient penalty, weight 0.1", 0.1 * 4),
        (RING, "gradient penalty, weight 1", 4),
        (RING, "WGAN-GP, weight 0.1", 0.1 * 4),
        (FASHION, "R1", 9 / 2),
        (FASHION, "WGAN-GP", 10 * 4),
        (PICTURES, "WGAN-GP", 10 * 4),
    ],
)
def test_penalties_weigh_what_they_say(table, row, expected):
    x = torch.randn(5, 2)
    found = table[row].penalty(lambda x: 3 * x[:, 0], x, x + 1)  # a slope of 3 everywhere
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_edits_of_the_ring_networks():
    generator, discriminator = nets(RING["minibatch deviation"])
    assert gan.MinibatchDeviation in kinds(discriminator)
    assert gan.MinibatchDeviation not in kinds(generator)
    assert discriminator[-1][1].in_features == 65
    generator, discriminator = nets(RING["spectral norm"])
    layers = [layer for layer in discriminator if isinstance(layer, nn.Linear)]
    assert all(parametrize.is_parametrized(layer) for layer in layers)
    assert not any(map(parametrize.is_parametrized, generator))


def has(net: nn.Module, kind: type) -> bool:
    return any(isinstance(layer, kind) for layer in net.modules())


@pytest.mark.parametrize(
    ("row", "in_g", "in_d"),
    [
        ("DCGAN", True, True),
        ("no batch normalisation in G", False, True),
        ("no batch normalisation in D", True, False),
        ("no batch normalisation", False, False),
        ("spectral norm in D", True, False),
        ("R1", True, False),
        ("WGAN-GP", True, False),
        ("fully connected", True, True),
        ("pooling", True, True),
    ],
)
def test_who_has_batch_normalisation_and_else_a_bias(row, in_g, in_d):
    for net, there in zip(nets(FASHION[row]), (in_g, in_d), strict=True):
        assert has(net, nn.modules.batchnorm._BatchNorm) == there
        assert any(getattr(layer, "bias", layer) is None for layer in net.modules()) == there


def test_edits_of_the_picture_networks():
    assert nn.LeakyReLU not in kinds(nets(FASHION["ReLU in D"])[1])
    assert nn.ReLU in kinds(nets(FASHION["ReLU in D"])[1])
    leaky = kinds(nets(FASHION["leaky ReLU in G"])[0])
    assert nn.LeakyReLU in leaky
    assert nn.ReLU not in leaky
    assert nn.Tanh not in kinds(nets(FASHION["no tanh"])[0])
    assert FASHION["no tanh"].bounds == (-math.inf, math.inf)
    generator, discriminator = nets(FASHION["pooling"])
    assert nn.ConvTranspose2d not in kinds(generator)
    convolutions = [m for net in (generator, discriminator) for m in net.modules()]
    assert {m.stride for m in convolutions if isinstance(m, nn.Conv2d)} == {(1, 1)}
    dense = kinds(nets(FASHION["fully connected"])[0]) | kinds(nets(FASHION["fully connected"])[1])
    assert not dense & {nn.Conv2d, nn.ConvTranspose2d}
    layers = [m for m in nets(FASHION["spectral norm in D"])[1] if hasattr(m, "weight")]
    assert all(map(parametrize.is_parametrized, layers))


def test_first_weights_are_the_papers_or_pytorchs():
    """Of 64 · 1568 weights from N(0, 0.02²), and of as many from U(−1/8, 1/8)."""
    ours, theirs = (
        nets(FASHION[row])[0][0].weight.std().item() for row in ("DCGAN", "PyTorch's first weights")
    )
    assert ours == pytest.approx(0.02, rel=0.01)
    assert theirs == pytest.approx(1 / 8 / math.sqrt(3), rel=0.01)


def test_every_game_can_be_played():
    """A batch of 10 or, in five turns, of two points or pictures each."""
    points, pictures = gan.ring(10, 0)(0), (data.fashion_mnist()["train"][0][:10],)
    for batch, games in ((points, RING), (pictures, FASHION)):
        for row, game in games.items():
            assert math.isfinite(game.trainer(0)(batch)["generator"]), row


def test_the_tool_writes_the_whole_table_or_nothing(monkeypatch, tmp_path):
    path = tmp_path / "results/toy.json"
    rows = {"one": ("a setting", None, (0, 100)), "two": ("another", None, (0,))}

    def judge(source, seed, steps):
        return {"modes": seed, "kl": None}

    monkeypatch.setitem(results.TABLES, "toy", (rows, judge, 7))
    results.make("toy", path)
    about = json.loads(path.read_text("utf8"))
    runs = {"0": {"modes": 0, "kl": None}, "100": {"modes": 100, "kl": None}}
    assert about["rows"]["one"] == {"setting": "a setting", "runs": runs}
    assert about.keys() == data.results("gan_ring").keys()
    assert path.read_text("utf8").count("\n") < 30
    for private in (platform.node(), str(ROOT), str(tmp_path)):
        assert private not in path.read_text("utf8")

    def breaks(source, seed, steps):
        raise RuntimeError("stopped")

    before = path.read_bytes()
    monkeypatch.setitem(results.TABLES, "toy", (rows, breaks, 7))
    with pytest.raises(RuntimeError, match="stopped"):
        results.make("toy", path)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def test_the_tool_makes_and_lists_what_is_named_or_all(monkeypatch):
    made, listed, threads = [], [], []
    monkeypatch.setattr(results, "make", lambda name, path: made.append((name, path)))
    monkeypatch.setattr(results.subprocess, "run", lambda command, check: listed.append(command))
    monkeypatch.setattr(results.torch, "set_num_threads", threads.append)
    every = [(name, ROOT.resolve() / f"data/results/{name}.json") for name in results.TABLES]
    for names, expected in ([["gan_fashion"], every[1:2]], [[], every]):
        made.clear()
        results.main(names)
        assert made == expected
        called = [ROOT.resolve() / "data/prepare.py", *(name for name, _ in expected)]
        assert listed.pop()[1:] == called
    assert (threads, listed) == ([1, 1], [])
    made.clear()
    with pytest.raises(SystemExit, match="'ring'; there are: gan_ring, gan_fashion, pictures"):
        results.main(["gan_ring", "ring"])
    assert made == []
