"""The data are the ones the course was written with, or an error says how to restore them."""

import gzip
import hashlib
import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from aigc_lib import data

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", data.names())
def test_every_dataset_is_intact(name):
    assert data.verify(name).is_file()


def test_digits_are_those_of_scikit_learn_in_its_order():
    images, labels = data.digits()
    reference = load_digits()
    np.testing.assert_array_equal(images[:, 0], reference.images / 16)
    np.testing.assert_array_equal(labels, reference.target)
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (0, 1)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A data folder of its own with one shipped file."""
    content = gzip.compress(b"1,2\n", mtime=0)
    entry = {
        "file": "toy.csv.gz",
        "sha256": hashlib.sha256(content).hexdigest(),
        "restore": "git x",
    }
    (tmp_path / "toy.csv.gz").write_bytes(content)
    (tmp_path / "files.json").write_text(json.dumps({"toy": entry}))
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    return tmp_path / "toy.csv.gz"


def test_an_intact_shipped_file_is_found(shipped):
    assert data.verify("toy") == shipped


def test_a_flipped_byte_is_refused_with_both_hashes_and_the_remedy(shipped):
    content = bytearray(shipped.read_bytes())
    right = hashlib.sha256(content).hexdigest()
    content[-1] ^= 1
    shipped.write_bytes(content)
    with pytest.raises(data.DataError) as error:
        data.verify("toy")
    for part in (str(shipped), right, hashlib.sha256(content).hexdigest(), "git x"):
        assert part in str(error.value)


def test_a_flipped_byte_in_the_digits_is_refused(tmp_path, monkeypatch):
    content = bytearray(data.find("digits").read_bytes())
    content[100] ^= 1
    damaged = tmp_path / "digits.csv.gz"
    damaged.write_bytes(content)
    monkeypatch.setattr(data, "find", lambda name: damaged)
    with pytest.raises(data.DataError, match="damaged"):
        data.digits()


def test_a_missing_file_is_named_with_the_remedy(shipped):
    shipped.unlink()
    with pytest.raises(data.DataError, match=r"toy\.csv\.gz is missing; restore it with: git x"):
        data.verify("toy")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'digit'; the course has: .*digits"):
        data.find("digit")


def test_prepare_reproduces_the_committed_list_and_table(tmp_path):
    prepare = runpy.run_path(str(ROOT / "data" / "prepare.py"))
    prepare["main"].__globals__["HERE"] = tmp_path
    (tmp_path / "README.md").write_text((ROOT / "data/README.md").read_text("utf8"), "utf8")
    prepare["main"]()
    for name in ("files.json", "README.md"):
        assert (tmp_path / name).read_text("utf8") == (ROOT / "data" / name).read_text("utf8")


def test_the_data_are_found_in_an_installed_wheel(tmp_path):
    """As installed without the clone: aigc_lib with its list inside, run from elsewhere."""
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    source = tmp_path / "source"
    for part in ("aigc_lib", "data"):
        for file in (ROOT / part).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                target = source / file.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CC-BY-4.0"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*wheel, "-w", str(tmp_path), str(source)], check=True)
    (built,) = tmp_path.glob("*.whl")
    installed = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--target", str(installed)]
    subprocess.run([*pip, str(built)], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); from aigc_lib import data; "
        "print(data.__file__); print(data.folder().name, len(data.digits()[1]))"
    )
    out = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert str(installed) in out
    assert out.endswith("shipped 1797\n")
