"""Train the models that the course ships: `python tools/checkpoints.py [NAME ...]`, by default all.

Each becomes one safetensors file in data/checkpoints, whose metadata say how it was made; then
data/prepare.py lists its new sha256. A model sees the training part only and is judged on the
validation part; the test part is not touched.
"""

import math
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from aigc_lib import data, tokenizers, train
from aigc_lib.bpe import BPE, learn
from aigc_lib.classifier import CNN
from aigc_lib.gpt import GPT, Pretraining, about, recipe
from aigc_lib.optim import warmup_cosine
from aigc_lib.rnn import LanguageModel, Reader, windows

ROOT = Path(__file__).resolve().parents[1]
SEED = 0
THREADS = 2


def fashion_cnn() -> tuple[nn.Module, dict]:
    """Return the CNN of lesson 02, trained by its recipe, and the numbers to record with it."""
    fashion = data.fashion_mnist()
    images, labels = fashion["train"]
    mean, std = images.mean().item(), images.std().item()
    torch.manual_seed(SEED)
    model = CNN(mean, std)
    batches, steps = train.minibatches((images, labels), 128, SEED), 5 * (len(labels) // 128)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: warmup_cosine(min(i, steps - 1), steps, lr=1, warmup=steps // 10)
    )

    def step(batch):
        inputs, truth = batch
        loss = F.cross_entropy(model(inputs), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        return {"loss": loss}

    train.fit(step, batches, steps)
    found = accuracy(model, *fashion["validation"])
    return model, {"mean": mean, "std": std, "validation_accuracy": found}


def shakespeare_lstm() -> tuple[nn.Module, dict]:
    """Return lesson 04's LSTM, larger and trained longer than there, and what to record with it."""
    plays = data.shakespeare()
    alphabet = tokenizers.characters(plays["train"])
    torch.manual_seed(SEED)
    model = LanguageModel(len(alphabet), nn.LSTM(48, 512, batch_first=True))
    batches, steps = windows(alphabet.encode(plays["train"]), 64, 100), 8 * 699  # 8 times the text
    train.fit(Reader(model, steps, lr=4e-3), batches, steps)
    loss = -model.log_probs(alphabet.encode(plays["validation"])).mean().item()
    return model, {"pieces": "".join(alphabet.pieces), "validation_bits": loss / math.log(2)}


def shakespeare_gpt() -> tuple[nn.Module, dict]:
    """Return lesson 06's GPT, larger and trained longer than there, and what to record with it.

    It reads the text three times in rows of 64 tokens and then once in rows of 256: a token costs
    less in a short row, and what stands further back is learned in the last pass.
    """
    plays = data.shakespeare()
    tokenizer = BPE(learn(plays["train"], 1024))
    ids = tokenizer.encode(plays["train"])
    torch.manual_seed(SEED)
    model = GPT(len(tokenizer), 192, 6, 6, 256, turned=True)
    short = train.minibatches((ids.unfold(0, 65, 64),), 32, SEED)
    long = train.minibatches((ids.unfold(0, 257, 256),), 8, SEED)
    first, steps = 3 * (len(ids) // 2048), 4 * (len(ids) // 2048)
    step = Pretraining(model, recipe(model), steps)
    train.fit(step, lambda i: (short if i < first else long)(i), steps)
    text = plays["validation"]
    bits = -model.log_probs(tokenizer.encode(text)).sum().item() / len(text) / math.log(2)
    return model.half(), {**about(model, tokenizer), "validation_bits": bits}


MODELS = {
    "fashion_cnn": fashion_cnn,
    "shakespeare_lstm": shakespeare_lstm,
    "shakespeare_gpt": shakespeare_gpt,
}


@torch.no_grad()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the part of the images that `model`, left in evaluation mode, classifies rightly."""
    model.eval()
    return (model(images).argmax(1) == labels).float().mean().item()


def processor() -> str:
    """Return the name of the processor, or its kind where the system does not tell the name."""
    table = Path("/proc/cpuinfo")  # Linux
    text = table.read_text(encoding="utf8", errors="replace") if table.exists() else ""
    found = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def make(name: str, path: Path) -> None:
    """Train the model `name`, write it to `path` with how it was made, and print that."""
    start = time.process_time()  # so that waiting for other programs is left out
    model, numbers = MODELS[name]()
    about = {
        "command": f"python tools/checkpoints.py {name}",
        "seed": SEED,
        "machine": f"{processor()}, {torch.get_num_threads()} threads",
        "minutes": round((time.process_time() - start) / torch.get_num_threads() / 60, 2),
        "torch": torch.__version__,
        **numbers,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), path, {key: str(value) for key, value in about.items()})
    print(path.name, about)


def main(names: list[str]) -> None:
    """Make these checkpoints, or all, and list them."""
    if unknown := [name for name in names if name not in MODELS]:
        sys.exit(f"no checkpoint is called {unknown[0]!r}; there are: {', '.join(MODELS)}")
    torch.set_num_threads(THREADS)
    names = names or list(MODELS)
    for name in names:
        make(name, ROOT / f"data/checkpoints/{name}.safetensors")
    subprocess.run([sys.executable, ROOT / "data/prepare.py", *names], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
