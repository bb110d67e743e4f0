"""The shipped models load, score what the course says, and tell how they were made."""

import hashlib
import json
import platform
import shutil
from pathlib import Path

import checkpoints
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from aigc_lib import data
from aigc_lib.classifier import CNN, load_cnn

ROOT = Path(__file__).parent.parent
FILE = ROOT / "data/checkpoints/fashion_cnn.safetensors"


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


@pytest.fixture(scope="module")
def fashion():
    return data.fashion_mnist()


def test_the_cnn_recognises_the_test_images(fashion):
    cnn = load_cnn()
    assert not any(module.training for module in cnn.modules())
    assert checkpoints.accuracy(cnn, *fashion["test"]) >= 0.885


def test_features_are_the_64_numbers_from_which_the_last_layer_makes_logits(fashion):
    cnn, images = load_cnn(), fashion["test"][0][:5]
    with torch.no_grad():
        features = cnn.features(images)
        assert features.shape == (5, 64)
        assert features.min() == 0 < features.max()
        assert torch.equal(cnn.head(features), cnn(images))


def test_the_file_says_how_it_was_made(fashion):
    about, images = metadata(FILE), fashion["train"][0]
    assert about["command"] == "python tools/checkpoints.py fashion_cnn"
    assert about["seed"] == "0"
    assert about["machine"].endswith(", 2 threads")
    assert 0 < float(about["minutes"]) < 60
    assert about["torch"].startswith("2.")
    assert (float(about["mean"]), float(about["std"])) == (images.mean(), images.std())
    measured = checkpoints.accuracy(load_cnn(), *fashion["validation"])
    assert float(about["validation_accuracy"]) == pytest.approx(measured, abs=0.001)


def test_loading_draws_nothing_from_the_generator():
    before = torch.get_rng_state()
    load_cnn()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the checkpoint in a data folder of its own, listed in its files.json."""
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(ROOT / "data/files.json", tmp_path)
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    return Path(shutil.copy(FILE, tmp_path / "checkpoints"))


def test_a_damaged_or_missing_checkpoint_is_refused_with_its_remedy(copied):
    content = copied.read_bytes()
    copied.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(data.DataError, match="is damaged") as error:
        load_cnn()
    remedy = "; restore it with: git checkout -- :/data/checkpoints"
    assert str(copied) in str(error.value)
    assert str(error.value).endswith(remedy)
    copied.unlink()
    with pytest.raises(data.DataError, match="is missing") as error:
        load_cnn()
    assert str(error.value) == f"{copied} is missing{remedy}"


def test_a_checkpoint_of_another_shape_is_refused_by_name(copied):
    about, weights = metadata(copied), CNN(0.0, 1.0).state_dict()
    save_file(weights | {"head.bias": torch.zeros(9)}, copied, about)
    listed = json.loads((data.folder() / "files.json").read_text("utf8"))
    found = hashlib.sha256(copied.read_bytes()).hexdigest()
    listed["fashion_cnn"]["files"]["checkpoints/fashion_cnn.safetensors"]["sha256"] = found
    (data.folder() / "files.json").write_text(json.dumps(listed), "utf8")
    with pytest.raises(data.DataError) as error:
        load_cnn()
    message = str(error.value)
    assert message.startswith(f"{copied} does not fit CNN: size mismatch for head.bias: ")
    assert message.endswith("; run: make checkpoints")


@pytest.fixture
def few(fashion, monkeypatch):
    """Only 512 pictures to train on, 100 to validate on, and none to test on."""
    images, labels = fashion["train"]
    parts = {"train": (images[:512], labels[:512]), "validation": (images[-100:], labels[-100:])}
    monkeypatch.setattr(data, "fashion_mnist", lambda: parts)
    return parts


def test_the_tool_makes_the_same_model_twice_without_the_test_part(few, tmp_path):
    weights = []
    for folder in ("first", "second"):
        path = tmp_path / folder / "toy.safetensors"
        checkpoints.make("fashion_cnn", path)
        weights.append(load_file(path))
    assert weights[0].keys() == CNN(0.0, 1.0).state_dict().keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    about = metadata(path)
    assert about.keys() == metadata(FILE).keys()
    assert float(about["mean"]) == few["train"][0].mean()
    assert weights[0]["blocks.1.num_batches_tracked"] == 5 * (512 // 128)
    for private in (platform.node(), str(ROOT), str(tmp_path)):
        assert private not in str(about)


def test_the_tool_trains_and_lists_what_is_named_or_all(monkeypatch):
    made, listed, threads = [], [], []
    monkeypatch.setattr(checkpoints, "make", lambda name, path: made.append((name, path)))
    monkeypatch.setattr(
        checkpoints.subprocess, "run", lambda command, check: listed.append(command)
    )
    monkeypatch.setattr(checkpoints.torch, "set_num_threads", threads.append)
    for names in (["fashion_cnn"], []):
        checkpoints.main(names)
    assert made == [("fashion_cnn", FILE.resolve())] * 2
    assert [command[1:] for command in listed] == [
        [ROOT.resolve() / "data/prepare.py", "fashion_cnn"]
    ] * 2
    assert threads == [2, 2]
    with pytest.raises(SystemExit, match="'cnn'; there are: fashion_cnn"):
        checkpoints.main(["cnn"])
    assert len(made) == 2
