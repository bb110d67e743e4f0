"""The shipped models load, score what the course says, and tell how they were made."""

import hashlib
import json
import math
import platform
import re
import shutil
from pathlib import Path

import checkpoints
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from aigc_lib import data, tokenizers
from aigc_lib.bpe import learn
from aigc_lib.classifier import CNN, load_cnn
from aigc_lib.gpt import load_gpt
from aigc_lib.rnn import LSTM, LanguageModel, load_lstm

ROOT = Path(__file__).parent.parent
FILES = {name: ROOT / f"data/checkpoints/{name}.safetensors" for name in checkpoints.MODELS}
models = pytest.mark.parametrize("name", FILES)


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


@pytest.fixture(scope="module")
def fashion():
    return data.fashion_mnist()


@pytest.fixture(scope="module")
def plays():
    return data.shakespeare()


@pytest.fixture(scope="module")
def alphabet(plays):
    return tokenizers.characters(plays["train"])


@pytest.fixture(scope="module")
def load(alphabet):
    """What loads each model, by name."""
    return {
        "fashion_cnn": load_cnn,
        "shakespeare_lstm": lambda: load_lstm(alphabet),
        "shakespeare_gpt": load_gpt,
    }


def test_each_model_that_the_tool_makes_can_be_loaded(load):
    assert load.keys() == FILES.keys()


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


@models
def test_the_file_is_small_and_says_how_it_was_made(name):
    about = metadata(FILES[name])
    assert about["command"] == f"python tools/checkpoints.py {name}"
    assert about["seed"] == "0"
    assert about["machine"].endswith(", 2 threads")
    assert 0 < float(about["minutes"]) < 60
    assert about["torch"].startswith("2.")
    assert FILES[name].stat().st_size <= 8_000_000


def test_the_cnn_tells_what_it_was_trained_on_and_its_accuracy(fashion):
    about, images = metadata(FILES["fashion_cnn"]), fashion["train"][0]
    assert (float(about["mean"]), float(about["std"])) == (images.mean(), images.std())
    measured = checkpoints.accuracy(load_cnn(), *fashion["validation"])
    assert float(about["validation_accuracy"]) == pytest.approx(measured, abs=0.001)


def test_the_lstm_tells_its_characters_and_what_it_pays_for_one(plays, alphabet):
    """Only the first 20,000 characters of validation are read: they cost 0.009 bits less."""
    about = metadata(FILES["shakespeare_lstm"])
    assert about["pieces"] == "".join(sorted(set(plays["train"])))
    ids = alphabet.encode(plays["validation"][:20_000])
    measured = -load_lstm(alphabet).log_probs(ids).mean().item() / math.log(2)
    assert float(about["validation_bits"]) == pytest.approx(measured, abs=0.03)


def test_the_gpt_has_its_tokenizer_and_tells_what_it_pays_for_a_character(plays):
    """Only the first 20,000 characters of validation are read, so the bits are near, not equal."""
    model, tokenizer = load_gpt()
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert tokenizer.merges == learn(plays["train"], 1024)
    text = plays["validation"][:20_000]
    bits = -model.log_probs(tokenizer.encode(text)).sum().item() / len(text) / math.log(2)
    about = metadata(FILES["shakespeare_gpt"])
    assert float(about["validation_bits"]) == pytest.approx(bits, abs=0.03)


def test_our_layer_with_the_weights_of_the_lstm_reads_a_text_alike(plays, alphabet):
    theirs = load_lstm(alphabet)
    ours = LanguageModel(len(alphabet), LSTM(theirs.layer.input_size, theirs.layer.hidden_size))
    ours.load_state_dict(theirs.state_dict())
    ids = alphabet.encode(plays["validation"][:300])
    torch.testing.assert_close(ours.log_probs(ids), theirs.log_probs(ids), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "other",
    [
        lambda pieces: pieces[::-1],
        lambda pieces: pieces[:-1],
        lambda pieces: [*pieces, "é"],
        lambda pieces: [*pieces[:-1], "é"],
    ],
    ids=["order", "fewer", "more", "another"],
)
def test_the_lstm_refuses_another_vocabulary(alphabet, other):
    pieces = other(alphabet.pieces)
    message = (
        f"this vocabulary of {len(pieces)} pieces is not the one of 79 that the model was trained "
        "with, so its ids mean something else: give the tokenizer "
        'characters(data.shakespeare()["train"])'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load_lstm(tokenizers.Tokenizer(pieces, list))


@models
def test_loading_draws_nothing_from_the_generator(name, load):
    before = torch.get_rng_state()
    load[name]()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Copies of the checkpoints in a data folder of its own, listed in its files.json."""
    shutil.copytree(ROOT / "data/checkpoints", tmp_path / "checkpoints")
    shutil.copy(ROOT / "data/files.json", tmp_path)
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    return tmp_path / "checkpoints"


@models
def test_a_damaged_or_missing_checkpoint_is_refused_with_its_remedy(name, load, copied):
    path = copied / f"{name}.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(data.DataError, match="is damaged") as error:
        load[name]()
    remedy = "; restore it with: git checkout -- :/data/checkpoints"
    assert str(path) in str(error.value)
    assert str(error.value).endswith(remedy)
    path.unlink()
    with pytest.raises(data.DataError, match="is missing") as error:
        load[name]()
    assert str(error.value) == f"{path} is missing{remedy}"


def test_a_checkpoint_of_another_shape_is_refused_by_name(copied):
    path = copied / "fashion_cnn.safetensors"
    about, weights = metadata(path), CNN(0.0, 1.0).state_dict()
    save_file(weights | {"head.bias": torch.zeros(9)}, path, about)
    listed = json.loads((data.folder() / "files.json").read_text("utf8"))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    listed["fashion_cnn"]["files"]["checkpoints/fashion_cnn.safetensors"]["sha256"] = found
    (data.folder() / "files.json").write_text(json.dumps(listed), "utf8")
    with pytest.raises(data.DataError) as error:
        load_cnn()
    message = str(error.value)
    assert message.startswith(f"{path} does not fit CNN: size mismatch for head.bias: ")
    assert message.endswith("; run: make checkpoints")


@pytest.fixture
def few(fashion, plays, monkeypatch):
    """512 pictures to train on, 100 to validate on; 2 steps on 9,000 characters; no test parts."""
    images, labels = fashion["train"]
    pictures = {"train": (images[:512], labels[:512]), "validation": (images[-100:], labels[-100:])}
    texts = {"train": plays["train"][:9000], "validation": plays["train"][:500]}
    monkeypatch.setattr(data, "fashion_mnist", lambda: pictures)
    monkeypatch.setattr(data, "shakespeare", lambda: texts)
    fit = checkpoints.train.fit

    def quick(make):
        def make_quickly():
            with monkeypatch.context() as during:
                during.setattr(
                    checkpoints.train, "fit", lambda step, batches, steps: fit(step, batches, 2)
                )
                return make()

        return make_quickly

    for name in ("shakespeare_lstm", "shakespeare_gpt"):
        monkeypatch.setitem(checkpoints.MODELS, name, quick(checkpoints.MODELS[name]))
    return {"fashion_cnn": pictures, "shakespeare_lstm": texts, "shakespeare_gpt": texts}


@models
def test_the_tool_makes_the_same_model_twice_without_the_test_part(name, few, tmp_path):
    weights = []
    for folder in ("first", "second"):
        path = tmp_path / folder / "toy.safetensors"
        checkpoints.make(name, path)
        weights.append(load_file(path))
    assert weights[0].keys() == load_file(FILES[name]).keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    about = metadata(path)
    assert about.keys() == metadata(FILES[name]).keys()
    train = few[name]["train"]
    if name == "fashion_cnn":
        assert float(about["mean"]) == train[0].mean()
        assert weights[0]["blocks.1.num_batches_tracked"] == 5 * (512 // 128)
    elif name == "shakespeare_lstm":
        assert about["pieces"] == "".join(sorted(set(train)))
    else:
        assert list(map(tuple, json.loads(about["merges"]))) == learn(train, 1024)
    for private in (platform.node(), str(ROOT), str(tmp_path)):
        assert private not in str(about)


def test_the_tool_trains_and_lists_what_is_named_or_all(monkeypatch):
    made, listed, threads = [], [], []
    monkeypatch.setattr(checkpoints, "make", lambda name, path: made.append((name, path)))
    monkeypatch.setattr(
        checkpoints.subprocess, "run", lambda command, check: listed.append(command)
    )
    monkeypatch.setattr(checkpoints.torch, "set_num_threads", threads.append)
    every = [(name, path.resolve()) for name, path in FILES.items()]
    for names, expected in ([["shakespeare_lstm"], every[1:2]], [[], every]):
        made.clear()
        checkpoints.main(names)
        assert made == expected
        called = [ROOT.resolve() / "data/prepare.py", *(name for name, _ in expected)]
        assert listed.pop()[1:] == called
    assert (threads, listed) == ([2, 2], [])
    made.clear()
    with pytest.raises(SystemExit, match="'cnn'; there are: fashion_cnn, shakespeare_lstm, shakes"):
        checkpoints.main(["shakespeare_lstm", "cnn"])
    assert made == []
