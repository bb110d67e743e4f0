"""Train the many small models of lessons 09 and 10: `python tools/results.py [NAME ...]`.

By default all. Each table becomes one JSON file in data/results, which says how it was made; then
data/prepare.py lists its new sha256. A row is one way to train, from several seeds: those from 0 on
are what the lesson claims, those from 100 on what the setting was chosen by. A model sees the
training part only and is judged on the validation part; nothing is chosen by the test part.
"""

import functools
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from checkpoints import processor
from torch import nn
from torch.nn import functional as F

from aigc_lib import data, metrics, train, vae
from aigc_lib.classifier import load_cnn
from aigc_lib.gan import (
    GAN,
    Affine,
    Duel,
    MinibatchDeviation,
    clip_weights,
    dcgan,
    first_weights,
    gradient_penalty,
    mode_coverage,
    perceptrons,
    r1,
    ring,
    spectral,
)

ROOT = Path(__file__).resolve().parents[1]
THREADS = 1


def adam(beta1: float, beta2: float) -> Callable:
    """Return what makes Adam of parameters and a rate."""
    return partial(torch.optim.Adam, betas=(beta1, beta2), fused=True)


@dataclass(frozen=True)
class Game:
    """One way to train a GAN; `edit` changes the two networks in place before they are trained."""

    nets: Callable
    K: int
    rates: tuple[float, float]  # the discriminator's, the generator's
    optimizer: Callable
    bounds: tuple[float, float] = (-math.inf, math.inf)
    edit: Callable = lambda generator, discriminator: None
    loss: str = "non-saturating"
    penalty: Callable | None = None
    turns: int = 1
    decay: float = 0.0
    clip: float | None = None  # how large a weight of the discriminator may be

    def trainer(self, seed: int) -> Duel:
        """Return what takes the rounds of this game, from this seed."""
        torch.manual_seed(seed)
        nets = self.nets()
        self.edit(*nets)
        gan = GAN(*nets, self.K, self.bounds)
        g, d = (net.parameters() for net in nets)
        d_optimizer, g_optimizer = map(self.optimizer, (d, g), self.rates)
        if self.clip:
            d_optimizer.register_step_post_hook(lambda *_: clip_weights(nets[1], self.clip))
        rng = torch.Generator().manual_seed(seed)
        options = self.loss, self.penalty, self.turns, self.decay, rng
        return Duel(gan, d_optimizer, g_optimizer, *options)


def play(game: Game, batches: Callable, steps: int, seed: int, n: int) -> torch.Tensor:
    """Return n things that the generator makes after so many rounds."""
    trainer = game.trainer(seed)
    for i in range(steps):
        trainer(batches(i))
    return trainer.average.sample(n, torch.Generator().manual_seed(seed))


def coverage(game: Game, seed: int, steps: int = 3000) -> dict:
    """Return what a GAN of points covers of the ring, of which it has seen fresh ones."""
    points = play(game, ring(128 * game.turns, seed), steps, seed, 2500)
    found = mode_coverage(points)
    return found | {"kl": None if math.isnan(found["kl"]) else round(found["kl"], 4)}


def pictures_of(source: Game | Callable, seed: int, steps: int) -> torch.Tensor:
    """Return 2,000 pictures, made by a game of so many rounds or by a function of a seed."""
    if not isinstance(source, Game):
        return source(seed)
    pictures, *_ = fashion()
    batches = train.minibatches((pictures,), 64 * source.turns, seed)
    return play(source, batches, steps, seed, 2000)


def distance(source: Game | Callable, seed: int, steps: int = 1200) -> dict:
    """Return the Fréchet distance of pictures to the validation part, None if some are not finite.

    They are cut off at 0 and 1.
    """
    made = pictures_of(source, seed, steps)
    if not made.isfinite().all():
        return {"distance": None}
    *_, goal = fashion()
    return {"distance": round(metrics.frechet_distance(features(made.clamp(0, 1)), goal), 3)}


def quality(source: Game | Callable, seed: int, steps: int = 2400) -> dict:
    """Return what each measure of lesson 10 says of pictures, to 4 digits."""
    *_, goal = fashion()
    made = features(pictures_of(source, seed, steps))
    p = load_cnn().head(made).softmax(1)
    precision, recall = metrics.precision_recall(goal, made)
    found = {
        "inception_score": metrics.inception_score(p),
        "frechet_distance": metrics.frechet_distance(made, goal),
        "kernel_distance": metrics.kernel_distance(made, goal),
        "precision": precision,
        "recall": recall,
        "memorised": metrics.memorised(made, seen(), goal),
        "sure": (p.amax(1) > 0.9).float().mean().item(),
    }
    return {name: float(f"{x:.4g}") for name, x in found.items()}


@functools.cache
def fashion() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the training pictures, their classes and the features of those of validation."""
    parts = data.fashion_mnist()
    return *parts["train"], features(parts["validation"][0])


@torch.no_grad()
def features(pictures: torch.Tensor) -> torch.Tensor:
    """Return what the classifier of lesson 02 sees in pictures."""
    cnn = load_cnn()
    return torch.cat([cnn.features(some) for some in pictures.split(500)])


@functools.cache
def seen() -> torch.Tensor:
    """Return the features of all training pictures."""
    return features(fashion()[0])


def shuffled(seed: int) -> torch.Tensor:
    """Return the numbers of the training pictures in an order drawn from the seed."""
    return torch.randperm(len(fashion()[0]), generator=torch.Generator().manual_seed(seed))


def known(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return 2,000 training pictures, and their classes."""
    pictures, labels, _ = fashion()
    some = shuffled(seed)[2000:4000]
    return pictures[some], labels[some]


def real_pictures(seed: int) -> torch.Tensor:
    """Return 2,000 other training pictures."""
    return fashion()[0][shuffled(seed)[:2000]]


def copies(seed: int) -> torch.Tensor:
    """Return what is `known`."""
    return known(seed)[0]


def one_a_class(seed: int) -> torch.Tensor:
    """Return ten of the `known` pictures, 200 times each: those that most surely are of a class."""
    pictures, _ = known(seed)
    surest = load_cnn().head(features(pictures)).softmax(1).argmax(0)
    return pictures[surest].repeat(200, 1, 1, 1)


def unseen_pictures(seed: int) -> torch.Tensor:
    """Return 2,000 pictures of the test part, by which nothing is chosen."""
    pictures, _ = data.fashion_mnist()["test"]
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))
    return pictures[order[:2000]]


def blurred(seed: int) -> torch.Tensor:
    """Return the `known` pictures, each pixel the mean of the 3x3 about it."""
    return F.avg_pool2d(known(seed)[0], 3, stride=1, padding=1)


def uniform_noise(seed: int) -> torch.Tensor:
    """Return 2,000 pictures that show nothing."""
    return torch.rand(2000, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def like(codes: torch.Tensor, seed: int) -> torch.Tensor:
    """Return 2,000 draws from the Gaussian with the mean and the covariance of codes (N, K)."""
    noise = torch.randn(2000, codes.shape[1], generator=torch.Generator().manual_seed(seed))
    return codes.mean(0) + noise @ torch.linalg.cholesky(codes.T.cov()).T


def autoencoder_samples(seed: int) -> torch.Tensor:
    """Return 2,000 pictures of lesson 08's autoencoder, of codes from one Gaussian like theirs."""
    pictures, *_ = fashion()
    torch.manual_seed(seed)
    encoder, decoder = vae.dense(784, 200, 10)
    to_code = nn.Sequential(encoder, nn.Linear(200, 10))
    model = nn.Sequential(to_code, decoder, nn.Unflatten(1, (1, 28, 28)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, fused=True)
    batches = train.minibatches((pictures,), 128, seed)
    for i in range(1000):
        (x,) = batches(i)
        loss = F.binary_cross_entropy_with_logits(model(x), x, reduction="sum") / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return model[1:](like(to_code(pictures), seed)).sigmoid()


def vae_samples(seed: int, steps: int, K: int = 20, classes: int = 0) -> torch.Tensor:
    """Return 2,000 mean pictures of lesson 08's VAE, of all classes alike if it is told of them."""
    pictures, labels, _ = fashion()
    torch.manual_seed(seed)
    model = vae.VAE(*vae.dense(784, 200, K + classes), K, pictures.mean(0), classes=classes)
    part = (pictures, labels) if classes else (pictures,)
    step, batches = vae.Trainer(model, steps), train.minibatches(part, 128, seed)
    for i in range(steps):
        step(batches(i))
    wanted = torch.arange(2000) % classes if classes else None
    return model.sample(2000, torch.Generator().manual_seed(seed), wanted)


def smoothing(a: float) -> Callable:
    """Return the penalty that makes real things real to 1 − a only.

    (1 − a)·softplus(−x) + a·softplus(x) is softplus(−x) + a·x.
    """
    return lambda critic, real, fake: a * critic(real).mean()


def r1_penalty(weight: float) -> Callable:
    """Return R1 as a penalty."""
    return lambda critic, real, fake: weight * r1(critic, real)


def slope_penalty(weight: float) -> Callable:
    """Return the gradient penalty of WGAN-GP as a penalty."""
    return lambda critic, real, fake: weight * gradient_penalty(critic, real, fake)


def watch_batches(generator: nn.Sequential, discriminator: nn.Sequential) -> None:
    """Put minibatch deviation before the discriminator's last layer."""
    last = discriminator[-1]
    discriminator[-1] = nn.Sequential(
        MinibatchDeviation(), nn.Linear(last.in_features + 1, last.out_features)
    )


def swap(net: nn.Sequential, kind: type, other: Callable) -> None:
    """Put `other` of each layer of a kind in its place."""
    for i, layer in enumerate(net):
        if isinstance(layer, kind):
            net[i] = other(layer)


def no_norm(*nets: nn.Sequential) -> None:
    """Take out batch normalisation; the layers before it get the biases that it had."""
    for net in nets:
        swap(net, nn.modules.batchnorm._BatchNorm, lambda norm: nn.Identity())
        for layer in net:
            if getattr(layer, "bias", layer) is None:
                width = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
                layer.bias = nn.Parameter(torch.zeros(width))


def own_weights(*nets: nn.Sequential) -> None:
    """Draw first weights as PyTorch does."""
    for layer in nn.ModuleList(nets).modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()


def pooled(generator: nn.Sequential, discriminator: nn.Sequential) -> None:
    """Put 3x3 convolutions with resizing before them or pooling behind in the place of strides."""

    def convolution(old: nn.Module) -> nn.Module:
        sizes, bias = (old.in_channels, old.out_channels, 3), old.bias is not None
        return nn.Conv2d(*sizes, padding=1, bias=bias)

    swap(
        generator,
        nn.ConvTranspose2d,
        lambda old: nn.Sequential(nn.Upsample(scale_factor=2), convolution(old)),
    )
    swap(discriminator, nn.Conv2d, lambda old: nn.Sequential(convolution(old), nn.MaxPool2d(2)))
    generator.apply(first_weights)
    discriminator.apply(first_weights)


def connected() -> tuple[nn.Module, nn.Module]:
    """Return fully connected networks of pictures, with two hidden layers each."""
    generator = nn.Sequential(
        nn.Linear(64, 256, bias=False),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Linear(256, 256, bias=False),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Linear(256, 784),
        nn.Unflatten(1, (1, 28, 28)),
        nn.Tanh(),
        Affine(0.5, 0.5),
    )
    discriminator = nn.Sequential(
        Affine(2, -1),
        nn.Flatten(),
        nn.Linear(784, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 256, bias=False),
        nn.BatchNorm1d(256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
    )
    return generator.apply(first_weights), discriminator.apply(first_weights)


CLAIM, CHOICE = tuple(range(5)), tuple(range(100, 105))
BOTH = CLAIM + CHOICE

PLAIN = Game(lambda: perceptrons(2), 2, (1e-3, 3e-4), adam(0.9, 0.999))
PLAIN_WASSERSTEIN = replace(PLAIN, loss="wasserstein", turns=5)
RECOMMENDED = replace(
    PLAIN, rates=(2e-3, 2e-3), optimizer=adam(0.0, 0.99), penalty=r1_penalty(0.1), decay=0.99
)

# name -> what is done, in words; the game; from which seeds
RING = {
    "plain": (
        "non-saturating, Adam 1e-3 (D) and 3e-4 (G), betas (0.9, 0.999), 1 turn",
        PLAIN,
        BOTH,
    ),
    "saturating": ("plain, with the saturating loss", replace(PLAIN, loss="saturating"), CLAIM),
    "least squares": ("plain, with least squares", replace(PLAIN, loss="least squares"), CLAIM),
    "hinge": ("plain, with the hinge loss", replace(PLAIN, loss="hinge"), CLAIM),
    "label smoothing": (
        "plain, real things are real to 0.9 only",
        replace(PLAIN, penalty=smoothing(0.1)),
        CLAIM,
    ),
    "minibatch deviation": (
        "plain, with minibatch deviation before the last layer of D",
        replace(PLAIN, edit=watch_batches),
        CLAIM,
    ),
    "spectral norm": (
        "plain, with spectral normalisation in D",
        replace(PLAIN, edit=lambda generator, discriminator: spectral(discriminator)),
        CLAIM,
    ),
    "R1, weight 0.1": (
        "plain, with R1 of weight 0.1",
        replace(PLAIN, penalty=r1_penalty(0.1)),
        CLAIM,
    ),
    "R1, weight 1": ("plain, with R1 of weight 1", replace(PLAIN, penalty=r1_penalty(1.0)), CLAIM),
    "gradient penalty, weight 0.1": (
        "plain, with the gradient penalty of weight 0.1",
        replace(PLAIN, penalty=slope_penalty(0.1)),
        CLAIM,
    ),
    "gradient penalty, weight 1": (
        "plain, with the gradient penalty of weight 1",
        replace(PLAIN, penalty=slope_penalty(1.0)),
        CLAIM,
    ),
    "no momentum": (
        "plain, with betas (0, 0.99)",
        replace(PLAIN, optimizer=adam(0.0, 0.99)),
        CLAIM,
    ),
    "average": (
        "plain, judged by the moving average of G, decay 0.99",
        replace(PLAIN, decay=0.99),
        CLAIM,
    ),
    "both rates 1e-3": ("plain, both rates 1e-3", replace(PLAIN, rates=(1e-3, 1e-3)), CLAIM),
    "both rates 2e-3": ("plain, both rates 2e-3", replace(PLAIN, rates=(2e-3, 2e-3)), CLAIM),
    "WGAN, clipped": (
        "plain, Wasserstein, 5 turns, RMSprop 5e-4, weights of D within 0.1",
        replace(PLAIN_WASSERSTEIN, rates=(5e-4, 5e-4), optimizer=torch.optim.RMSprop, clip=0.1),
        CLAIM + CHOICE[:2],
    ),
    "WGAN-GP, weight 0.1": (
        "plain, Wasserstein, 5 turns, Adam 1e-3, betas (0, 0.9), gradient penalty of weight 0.1",
        replace(
            PLAIN_WASSERSTEIN,
            rates=(1e-3, 1e-3),
            optimizer=adam(0.0, 0.9),
            penalty=slope_penalty(0.1),
        ),
        CLAIM + CHOICE[:2],
    ),
    "both rates 1e-3, betas (0.5, 0.999)": (
        "plain, both rates 1e-3, betas (0.5, 0.999)",
        replace(PLAIN, rates=(1e-3, 1e-3), optimizer=adam(0.5, 0.999)),
        CLAIM,
    ),
    "saturating, both rates 1e-3, betas (0.5, 0.999)": (
        "plain, with the saturating loss, both rates 1e-3, betas (0.5, 0.999)",
        replace(PLAIN, loss="saturating", rates=(1e-3, 1e-3), optimizer=adam(0.5, 0.999)),
        BOTH,
    ),
    "recommended": (
        "non-saturating, Adam 2e-3 both, betas (0, 0.99), R1 of weight 0.1, average of decay 0.99",
        RECOMMENDED,
        BOTH,
    ),
    "recommended without R1": (
        "recommended, without R1",
        replace(RECOMMENDED, penalty=None),
        BOTH,
    ),
    "recommended without average": (
        "recommended, judged by G itself",
        replace(RECOMMENDED, decay=0.0),
        CLAIM,
    ),
    "recommended without either": (
        "recommended, without R1, judged by G itself",
        replace(RECOMMENDED, penalty=None, decay=0.0),
        BOTH,
    ),
    "recommended with momentum": (
        "recommended, betas (0.9, 0.999)",
        replace(RECOMMENDED, optimizer=PLAIN.optimizer),
        CLAIM,
    ),
    "recommended with betas (0, 0.999)": (
        "recommended, betas (0, 0.999): no momentum, a long memory of squares",
        replace(RECOMMENDED, optimizer=adam(0.0, 0.999)),
        CLAIM,
    ),
    "recommended with betas (0.9, 0.99)": (
        "recommended, betas (0.9, 0.99): momentum, a short memory of squares",
        replace(RECOMMENDED, optimizer=adam(0.9, 0.99)),
        CLAIM,
    ),
    "recommended with plain's rates": (
        "recommended, Adam 1e-3 (D) and 3e-4 (G)",
        replace(RECOMMENDED, rates=PLAIN.rates),
        CLAIM,
    ),
}

DCGAN = Game(lambda: dcgan(64, 16), 64, (2e-3, 2e-3), adam(0.5, 0.999), bounds=(0.0, 1.0))
FEW, TRIED = (0, 1, 2), (100, 101)

FASHION = {
    "DCGAN": (
        "all rules, 1200 rounds of 64, non-saturating, Adam 2e-3, betas (0.5, 0.999)",
        DCGAN,
        FEW + TRIED,
    ),
    "rate 1e-3": ("Adam 1e-3", replace(DCGAN, rates=(1e-3, 1e-3)), TRIED),
    "rate 4e-3": ("Adam 4e-3", replace(DCGAN, rates=(4e-3, 4e-3)), TRIED),
    "the paper's rate": ("Adam 2e-4", replace(DCGAN, rates=(2e-4, 2e-4)), FEW),
    "the usual momentum": ("betas (0.9, 0.999)", replace(DCGAN, optimizer=adam(0.9, 0.999)), FEW),
    "no batch normalisation in G": (
        "biases in its place",
        replace(DCGAN, edit=lambda g, d: no_norm(g)),
        FEW,
    ),
    "no batch normalisation in D": (
        "biases in its place",
        replace(DCGAN, edit=lambda g, d: no_norm(d)),
        FEW,
    ),
    "no batch normalisation": ("biases in its place", replace(DCGAN, edit=no_norm), FEW),
    "ReLU in D": (
        "in the place of leaky ReLU",
        replace(DCGAN, edit=lambda g, d: swap(d, nn.LeakyReLU, lambda old: nn.ReLU())),
        FEW,
    ),
    "leaky ReLU in G": (
        "in the place of ReLU",
        replace(DCGAN, edit=lambda g, d: swap(g, nn.ReLU, lambda old: nn.LeakyReLU(0.2))),
        FEW,
    ),
    "no tanh": (
        "pixels without bounds, cut off at 0 and 1 only to be judged",
        replace(
            DCGAN,
            bounds=PLAIN.bounds,
            edit=lambda g, d: swap(g, nn.Tanh, lambda old: nn.Identity()),
        ),
        FEW,
    ),
    "PyTorch's first weights": ("its own for each layer", replace(DCGAN, edit=own_weights), FEW),
    "pooling": (
        "3x3 convolutions and max-pooling in D, upsampling in G, in the place of strides",
        replace(DCGAN, edit=pooled),
        FEW,
    ),
    "fully connected": (
        "two hidden layers of 256 in G and in D, with batch normalisation",
        replace(DCGAN, nets=connected),
        FEW,
    ),
    "spectral norm in D": (
        "in the place of batch normalisation",
        replace(DCGAN, edit=lambda g, d: (no_norm(d), spectral(d))),
        FEW,
    ),
    "R1": (
        "of weight 1, in the place of batch normalisation in D",
        replace(DCGAN, penalty=r1_penalty(1.0), edit=lambda g, d: no_norm(d)),
        FEW,
    ),
    "WGAN-GP": (
        "1 turn, betas (0, 0.9), penalty of weight 10, no batch normalisation in D",
        replace(
            DCGAN,
            loss="wasserstein",
            optimizer=adam(0.0, 0.9),
            penalty=slope_penalty(10.0),
            edit=lambda g, d: no_norm(d),
        ),
        FEW,
    ),
    "real pictures": ("2,000 training pictures", real_pictures, FEW),
    "VAE of lesson 08": (
        "500 steps; mean pictures of codes from N(0, I)",
        partial(vae_samples, steps=500),
        FEW,
    ),
    "uniform noise": ("each pixel from U(0, 1)", uniform_noise, FEW),
}

PICTURES = {
    "real pictures": ("2,000 of the test part", unseen_pictures, CLAIM),
    "autoencoder": (
        "dense, 10 numbers a code, 1000 steps of 128; codes from one Gaussian fitted to theirs",
        autoencoder_samples,
        CLAIM,
    ),
    "VAE": (
        "dense, K = 20, 2000 steps of 128; mean pictures of codes from N(0, I)",
        partial(vae_samples, steps=2000),
        CLAIM,
    ),
    "conditional VAE": (
        "VAE, with K = 10 and the class, all classes equally often",
        partial(vae_samples, steps=2000, K=10, classes=10),
        CLAIM,
    ),
    "GAN": (
        "DCGAN, 2400 rounds of 64, non-saturating, Adam 2e-3, betas (0.5, 0.999)",
        DCGAN,
        CLAIM,
    ),
    "WGAN-GP": (
        "GAN, 1 turn, betas (0, 0.9), penalty of weight 10, no batch normalisation in D",
        FASHION["WGAN-GP"][1],
        CLAIM,
    ),
    "copies of training pictures": ("2,000 of them", copies, CLAIM),
    "training pictures, blurred": ("the same, by a mean over 3x3 pixels", blurred, CLAIM),
    "one picture a class": ("ten of the same, 200 times each", one_a_class, CLAIM),
    "uniform noise": ("each pixel from U(0, 1)", uniform_noise, CLAIM),
}

# name -> the rows, how one is judged, and how many rounds a game has
TABLES = {
    "gan_ring": (RING, coverage, 3000),
    "gan_fashion": (FASHION, distance, 1200),
    "pictures": (PICTURES, quality, 2400),
}


def make(name: str, path: Path) -> None:
    """Train and judge the rows of the table `name`, print them and write all of them to `path`."""
    rows, judge, steps = TABLES[name]
    start, found = time.process_time(), {}  # waiting for other programs is left out
    for row, (setting, source, seeds) in rows.items():
        runs = {str(seed): judge(source, seed, steps) for seed in seeds}
        found[row] = {"setting": setting, "runs": runs}
        print(f"{row:31}", *("/".join(map(str, run.values())) for run in runs.values()), flush=True)
    about = {
        "command": f"python tools/results.py {name}",
        "machine": f"{processor()}, {torch.get_num_threads()} thread",
        "minutes": round((time.process_time() - start) / 60, 2),
        "torch": torch.__version__,
        "steps": steps,
        "rows": found,
    }
    text = json.dumps(about, indent=2, ensure_ascii=False)
    one_line = re.sub(r"\{[^{}]*\}", lambda run: " ".join(run[0].split()), text)  # for each run
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(one_line + "\n", "utf8")
    unfinished.replace(path)


def main(names: list[str]) -> None:
    """Make these tables, or all, and list them."""
    if unknown := [name for name in names if name not in TABLES]:
        sys.exit(f"no table of results is called {unknown[0]!r}; there are: {', '.join(TABLES)}")
    torch.set_num_threads(THREADS)
    names = names or list(TABLES)
    for name in names:
        make(name, ROOT / f"data/results/{name}.json")
    subprocess.run([sys.executable, ROOT / "data/prepare.py", *names], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
