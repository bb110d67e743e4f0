"""The course's data: found on this disk, checked against its sha256, never fetched.

`data/files.json` lists every dataset with its file, source, licence and hash. A file is either
shipped in `data/` or part of a package that the course depends on; `data/prepare.py` makes the
first kind and writes the list.
"""

import gzip
import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np


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


def find(name: str) -> Path:
    """Return the path of the file of dataset `name`, whether or not it is there.

    Raises ValueError that lists the known names if there is no such dataset.
    """
    if name not in (files := _files()):
        raise ValueError(
            f"no dataset is called {name!r}; the course has: {', '.join(sorted(files))}"
        )
    entry = files[name]
    if "package" not in entry:
        return folder() / entry["file"]
    package, _, inside = entry["file"].partition("/")
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent / inside if spec else Path(entry["file"])


def verify(name: str) -> Path:
    """Return the path of the file of dataset `name`, once its sha256 is the recorded one.

    Raises ValueError for an unknown name; DataError, which says how to restore the file, if it is
    missing or differs.
    """
    path, entry = find(name), _files()[name]
    if not path.is_file():
        raise DataError(f"{path} is missing; restore it with: {entry['restore']}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != entry["sha256"]:
        raise DataError(
            f"{path} is damaged or of another version: its sha256 is {found}, "
            f"the course needs {entry['sha256']}; restore it with: {entry['restore']}"
        )
    return path


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,797 handwritten digits, in the order of the file, and their labels 0 to 9.

    Images are (N, 1, 8, 8) in [0, 1], labels (N,) integers. The labels repeat one form of about
    130 digits fourteen times: neighbouring rows come from the same hand. Source: E. Alpaydin and
    C. Kaynak 1998, through scikit-learn. Raises DataError as `verify` does. Lesson 01.
    """
    with gzip.open(verify("digits"), "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    return table[:, :64].reshape(-1, 1, 8, 8) / 16, table[:, 64].astype(int)
