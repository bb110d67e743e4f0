"""What lesson 02 teaches of classifiers: a multilayer perceptron and a small convolutional network.

Both take images (B, 1, 28, 28) in [0, 1] and return logits (B, 10).
"""

import torch
from torch import nn

from aigc_lib import data


class MLP(nn.Module):
    """Multilayer perceptron: 784 pixels, standardised, then `hidden` ReLU units, then 10 logits.

    `mean` and `std` are those of the training pixels. Source: lesson 02.
    """

    def __init__(self, mean: float, std: float, hidden: int = 256):
        super().__init__()
        self.mean, self.std = mean, std
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(28 * 28, hidden), nn.ReLU(), nn.Linear(hidden, 10)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers((x - self.mean) / self.std)


class CNN(nn.Module):
    """Two blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 pooling, then two layers.

    `features` returns the 64 numbers (B, 64) from which the last layer makes its logits: later
    lessons compare pictures by them. Source: LeCun et al. 1998, section II; lesson 02.
    """

    def __init__(self, mean: float, std: float):
        super().__init__()
        self.mean, self.std = mean, std
        self.blocks = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),  # (B, 16, 28, 28)
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 16, 14, 14)
            nn.Conv2d(16, 32, 3, padding=1),  # (B, 32, 14, 14)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 32, 7, 7)
            nn.Flatten(),  # (B, 1568)
            nn.Linear(7 * 7 * 32, 64),
            nn.ReLU(),  # (B, 64), the features
        )
        self.head = nn.Linear(64, 10)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks((x - self.mean) / self.std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def load_cnn() -> CNN:
    """Return the trained `CNN` that the course ships, in evaluation mode, on the CPU.

    Its `features` (B, 64), for images (B, 1, 28, 28) in [0, 1], are the ReLU units before the last
    layer, so none is negative; pictures that look alike to it have features that lie close. It
    never saw the validation and test parts. Source: lesson 02's recipe, run by `make checkpoints`;
    the file's metadata record the run. Lesson 02.

    Raises DataError as `data.verify` does, or if the file fits another network than `CNN`.
    """
    weights, about = data.checkpoint("fashion_cnn")
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, only to be replaced
        cnn = CNN(float(about["mean"]), float(about["std"]))
    try:
        cnn.load_state_dict(weights)
    except RuntimeError as error:
        (path,), why = data.find("fashion_cnn"), str(error).splitlines()[-1].strip()
        raise data.DataError(f"{path} does not fit CNN: {why}; run: make checkpoints") from error
    return cnn.eval()
