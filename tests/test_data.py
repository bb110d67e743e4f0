"""The data are the ones the course was written with, or an error says how to restore them."""

import gzip
import hashlib
import importlib
import json
import random
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageFont
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from aigc_lib import data

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", data.names())
def test_every_dataset_is_intact(name):
    assert all(path.is_file() for path in data.verify(name))


def test_digits_are_those_of_scikit_learn_in_its_order():
    images, labels = data.digits()
    reference = load_digits()
    np.testing.assert_array_equal(images[:, 0], reference.images / 16)
    np.testing.assert_array_equal(labels, reference.target)
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (0, 1)


def test_the_data_can_be_looked_at_without_torch_and_pillow():
    code = (
        "import sys; sys.modules |= dict.fromkeys(['torch', 'PIL', 'safetensors']); "
        "from aigc_lib import data; "
        "[data.verify(name) for name in data.names()]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_checkpoint_is_its_tensors_and_what_was_recorded(tmp_path, monkeypatch):
    path = tmp_path / "toy.safetensors"
    weights = {"b": torch.arange(3), "a.weight": torch.tensor([[0.5, -2.0]])}
    save_file(weights, path, {"seed": "7"})
    found = {path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
    listed = {"toy": {"files": found, "restore": "git x"}}
    (tmp_path / "files.json").write_text(json.dumps(listed))
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    tensors, about = data.checkpoint("toy")
    assert about == {"seed": "7"}
    assert tensors.keys() == weights.keys()
    for name, tensor in weights.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(
        data.DataError, match=r"toy\.safetensors is damaged.*restore it with: git x"
    ):
        data.checkpoint("toy")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A data folder of its own with one shipped file."""
    content = gzip.compress(b"1,2\n", mtime=0)
    entry = {
        "files": {"toy.csv.gz": {"sha256": hashlib.sha256(content).hexdigest()}},
        "restore": "git x",
    }
    (tmp_path / "toy.csv.gz").write_bytes(content)
    (tmp_path / "files.json").write_text(json.dumps({"toy": entry}))
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    return tmp_path / "toy.csv.gz"


def test_an_intact_shipped_file_is_found(shipped):
    assert data.verify("toy") == [shipped]


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
    content = bytearray(data.find("digits")[0].read_bytes())
    content[100] ^= 1
    damaged = tmp_path / "digits.csv.gz"
    damaged.write_bytes(content)
    monkeypatch.setattr(data, "find", lambda name: [damaged])
    with pytest.raises(data.DataError, match="damaged"):
        data.digits()


def test_a_missing_file_is_named_with_the_remedy(shipped):
    shipped.unlink()
    with pytest.raises(data.DataError, match=r"toy\.csv\.gz is missing; restore it with: git x"):
        data.verify("toy")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'digit'; the course has: .*digits"):
        data.find("digit")


@pytest.fixture(scope="module")
def fashion():
    return data.fashion_mnist()


# Of the pixels and then the labels in the idx files of the original, cut to 20,000 and 4,000.
ORIGINAL = {
    "train": "71bb7a4420f9a4dc329740bf41730a82bee233a37c812d5491970eefac21f596",
    "test": "38036d605e453be85038d26cd8835a398ba899831eac4e1ca69b746e3c452ed7",
}
SIZES = {"train": 18_000, "validation": 2_000, "test": 4_000}


def test_fashion_has_its_shapes_types_and_range(fashion):
    assert list(fashion) == list(SIZES)
    for part, (images, labels) in fashion.items():
        assert images.shape == (SIZES[part], 1, 28, 28)
        assert labels.shape == (SIZES[part],)
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert (images.min(), images.max()) == (0, 1)
        assert images.is_contiguous()


def test_fashion_has_the_known_labels(fashion):
    """The first labels as published, and how often each class occurs in the part we ship."""
    train = torch.cat([fashion["train"][1], fashion["validation"][1]])
    test = fashion["test"][1]
    assert train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert test[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    counts = (1935, 2025, 1982, 2011, 1967, 2010, 2068, 2003, 1971, 2028)
    assert tuple(train.bincount().tolist()) == counts
    counts = (406, 395, 413, 396, 414, 384, 388, 414, 416, 374)
    assert tuple(test.bincount().tolist()) == counts


def test_the_classes_are_named_in_their_order(fashion):
    """Seen in the pictures: each class's first picture in train is such a thing."""
    first = [data.FASHION[label] for label in dict.fromkeys(fashion["train"][1].tolist())]
    assert first == [
        *("Ankle boot", "T-shirt/top", "Dress", "Pullover", "Sneaker"),
        *("Sandal", "Trouser", "Shirt", "Coat", "Bag"),
    ]


def test_fashion_is_the_first_part_of_the_original_in_its_order(fashion):
    """Bytes as in the original files: the hash was made from those without the course's code."""
    recorded = json.loads((ROOT / "data/files.json").read_text("utf8"))["fashion_mnist"]
    for part, parts in {"train": ["train", "validation"], "test": ["test"]}.items():
        images = torch.cat([fashion[p][0] for p in parts])
        labels = torch.cat([fashion[p][1] for p in parts])
        pixels = (images * 255).round().to(torch.uint8)
        assert torch.equal(pixels / 255, images)
        content = pixels.numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()
        found = hashlib.sha256(content).hexdigest()
        assert found == ORIGINAL[part] == recorded["content_sha256"][part]


def test_a_picture_stands_on_the_sheet_where_its_number_says(fashion):
    sheet = Image.open(ROOT / "data/fashion_mnist/train.png")
    assert (sheet.size, sheet.mode) == ((2800, 5600), "L")
    for number, (part, index) in {205: ("train", 205), 18_001: ("validation", 1)}.items():
        y, x = divmod(number, 100)
        cut = sheet.crop((28 * x, 28 * y, 28 * x + 28, 28 * y + 28))
        np.testing.assert_array_equal(fashion[part][0][index, 0] * 255, np.asarray(cut))


def test_each_call_gives_the_same_split_in_memory_of_its_own(fashion):
    again = data.fashion_mnist()
    for part in SIZES:
        assert all(map(torch.equal, fashion[part], again[part]))
    first = again["train"][0].clone()
    again["validation"][0].zero_()
    assert torch.equal(again["train"][0], first)
    assert all(map(torch.equal, data.fashion_mnist()["validation"], fashion["validation"]))


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the data folder."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setattr(data, "folder", lambda: tmp_path / "data")
    return tmp_path / "data"


FILES = ["train.png", "train_labels.npy", "test.png", "test_labels.npy"]


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_or_missing_file_of_fashion_is_named_with_its_remedy(name, copied):
    path = copied / "fashion_mnist" / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(data.DataError) as error:
        data.fashion_mnist()
    hashes = [hashlib.sha256(bytes_).hexdigest() for bytes_ in (content, path.read_bytes())]
    remedy = "; restore it with: git checkout -- :/data/fashion_mnist"
    assert all(part in str(error.value) for part in [str(path), *hashes])
    assert str(error.value).endswith(remedy)
    path.unlink()
    with pytest.raises(data.DataError) as error:
        data.fashion_mnist()
    assert str(error.value) == f"{path} is missing{remedy}"


@pytest.fixture
def idx_files(tmp_path, monkeypatch):
    """Idx files as Debian has them, of 5,003 and 2 pictures; picture i is filled with i % 256."""
    for part, n in (("train", 5_003), ("t10k", 2)):
        values = bytes(i % 256 for i in range(n))
        pixels = b"".join(bytes([value]) * 784 for value in values)
        header = n.to_bytes(4, "big")
        size = (28).to_bytes(4, "big")
        for kind, content in (
            ("images-idx3", b"\0\0\x08\x03" + header + size + size + pixels),
            ("labels-idx1", b"\0\0\x08\x01" + header + bytes(v % 10 for v in values)),
        ):
            (tmp_path / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(content, 1))
    monkeypatch.setattr(data, "FULL_FASHION", tmp_path)
    return tmp_path


def test_the_full_set_is_read_from_idx_files_and_its_last_5000_validate(idx_files):
    full = data.fashion_mnist(full=True)
    assert {part: len(labels) for part, (_, labels) in full.items()} == {
        "train": 3,
        "validation": 5_000,
        "test": 2,
    }
    for part, first in (("train", 0), ("validation", 3), ("test", 0)):
        images, labels = full[part]
        values = torch.arange(first, first + len(labels)) % 256
        assert images.shape == (len(labels), 1, 28, 28)
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert torch.equal(images, (values / 255).view(-1, 1, 1, 1).expand_as(images))
        assert torch.equal(labels, values % 10)


def test_the_full_set_is_never_taken_without_asking(idx_files, fashion):
    assert torch.equal(data.fashion_mnist()["test"][1], fashion["test"][1])


def test_without_the_full_set_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "FULL_FASHION", tmp_path / "none")
    with pytest.raises(data.DataError) as error:
        data.fashion_mnist(full=True)
    path = tmp_path / "none" / "train-images-idx3-ubyte.gz"
    assert str(error.value).startswith(f"{path} is missing: ")
    assert str(error.value).endswith("apt-get install --reinstall dataset-fashion-mnist")


TORN = {
    "cut": lambda content: content[: len(content) // 2],
    "no gzip": lambda content: b"no gzip",
    "flipped": lambda content: content[:-9] + bytes([content[-9] ^ 255]) + content[-8:],
    "another shape": lambda content: gzip.compress(gzip.decompress(content)[:-1]),
    "too short": lambda content: gzip.compress(b"\0\0\x08"),
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("tear", TORN)
def test_a_torn_idx_file_is_named_with_its_remedy(tear, idx_files):
    path = idx_files / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(TORN[tear](path.read_bytes()))
    with pytest.raises(data.DataError, match=r"damaged.*; restore it with: apt-get") as error:
        data.fashion_mnist(full=True)
    assert str(path) in str(error.value)


def test_names_are_as_many_as_said_and_none_is_in_two_parts():
    names = data.us_names()
    assert {part: len(found) for part, found in names.items()} == {
        "train": 25_600,
        "validation": 3_200,
        "test": 3_200,
    }
    every = [name for found in names.values() for name in found]
    assert len(set(every)) == 32_000
    assert set("".join(every)) == set("abcdefghijklmnopqrstuvwxyz")


def test_a_name_is_in_the_part_that_its_place_says():
    ranked = (ROOT / "data/us_names.txt").read_text().split("\n")
    assert ranked.pop() == ""
    assert ranked[:5] == ["james", "john", "robert", "michael", "mary"]
    for part, found in data.us_names().items():
        places = {"train": range(8), "validation": [8], "test": [9]}[part]
        assert found == [name for i, name in enumerate(ranked) if i % 10 in places]


@pytest.fixture(scope="module")
def shakespeare():
    return data.shakespeare()


LINES = {
    "to be, or not to be,--that is the question": "train",
    "shall i compare thee to a summer's day?": "train",
    "friends, romans, countrymen, lend me your ears": "validation",
    "if music be the food of love, play on": "validation",
    "all the world's a stage": "test",
    "to-morrow, and to-morrow, and to-morrow": "test",
}


@pytest.mark.parametrize("line", LINES)
def test_a_famous_line_is_in_the_part_of_its_play_alone(line, shakespeare):
    assert [part for part, text in shakespeare.items() if line in text.lower()] == [LINES[line]]


def test_held_out_are_two_whole_plays_a_part(shakespeare):
    total = sum(map(len, shakespeare.values()))
    for part, (comedy, tragedy) in data.HELD_OUT.items():
        text = shakespeare[part]
        assert all(
            len(re.findall(rf"^{title}\n\n", text, re.MULTILINE)) for title in (comedy, tragedy)
        )
        assert len(re.findall(r"^ACT [IV]+\.$", text, re.MULTILINE)) >= 9
        assert 0.045 < len(text) / total < 0.05
        assert comedy not in shakespeare["train"]


def test_shakespeare_is_one_file_of_41_works_cut_at_their_titles(shakespeare):
    whole = gzip.decompress((ROOT / "data/shakespeare.txt.gz").read_bytes()).decode("ascii")
    works = re.split("^# ", whole, flags=re.MULTILINE)[1:]
    assert len(works) == 41
    assert sorted("".join(works)) == sorted("".join(shakespeare.values()))
    assert all(any(work in text for text in shakespeare.values()) for work in works)
    assert "IMOGEN." not in whole


def test_shakespeare_has_nothing_of_the_etext(shakespeare):
    text = "".join(shakespeare.values())
    alphabet = set(
        "\n !\"&'(),-./0123456789:;?[]abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )
    assert set(text) == set(shakespeare["train"]) == alphabet
    assert not re.search(r"\n\n\n|  | \n|\n |THE END\n|by William Shakespeare|(?i:gutenberg)", text)
    for name in ("HAM.", "LEAR.", "ROMEO.", "LYSANDER.", "MACBETH."):
        assert text.count(f"\n\n{name}\n") > 40
        assert not re.search(rf"\n\n(?!{name}){name[:-1]}\.?\n\S", text, re.IGNORECASE)


@pytest.fixture(scope="module")
def quatrains():
    return data.quatrains()


def test_quatrains_are_as_many_as_said_and_in_the_parts_that_their_places_say(quatrains):
    packed = (ROOT / "data/tang/quatrains.tsv.gz").read_bytes()
    rows = [line.split("\t") for line in gzip.decompress(packed).decode().split("\n")[:-1]]
    assert len(rows) == 13_293
    for part, poems in quatrains.items():
        places = {"train": range(8), "validation": [8], "test": [9]}[part]
        expected = [row for i, row in enumerate(rows) if i % 10 in places]
        assert [[poem.author, poem.title, poem.text] for poem in poems] == expected


def test_every_quatrain_has_four_lines_of_five_or_seven_characters(quatrains):
    lengths = set()
    for poem in (poem for poems in quatrains.values() for poem in poems):
        lines = re.split("[，。]", poem.text)
        assert re.sub("[^，。]", "", poem.text) == "，。，。"
        assert lines.pop() == ""
        assert len({len(line) for line in lines}) == 1
        lengths.add(len(lines[0]))
        assert not re.search(r"[\s□○●（）()\[\]《》a-zA-Z0-9]", poem.text)
        assert poem.author.strip()
        assert poem.title.strip()
        assert "（" not in poem.title
    assert lengths == {5, 7}


def test_known_quatrains_are_there_in_simplified_characters(quatrains):
    poems = [poem for part in quatrains.values() for poem in part]
    longing = "红豆生南国，秋来发故枝。愿君多采撷，此物最相思。"
    assert ("王维", "相思", longing) in poems
    assert data.Poem("李白", "静夜思", "床前看月光，疑是地上霜。举头望山月，低头思故乡。") in poems
    snow = [poem.author for poem in poems if poem.text.startswith("千山鸟飞绝，")]
    assert snow == ["柳宗元"]


def test_no_held_out_quatrain_is_a_variant_of_another(quatrains):
    """Each character against the one in its place in each other poem of the same form."""
    for size in (24, 32):
        held_out = [p.text for part in ("validation", "test") for p in quatrains[part]]
        held_out = [text for text in held_out if len(text) == size]
        every = held_out + [p.text for p in quatrains["train"] if len(p.text) == size]
        same = np.zeros((len(held_out), len(every)), np.int8)
        for place in range(size):
            column = np.array([ord(text[place]) for text in every])
            same += column[: len(held_out), None] == column
        np.fill_diagonal(same, 0)
        assert 4 < same.max() < 4 + (size - 4) / 2


SOUNDS = {
    **{"家": ("a", 1), "花": ("a", 1), "天": ("an", 1), "山": ("an", 1), "流": ("ou", 2)},
    **{"水": ("ei", 3), "月": ("ie", 4), "别": ("ie", 2), "云": ("en", 2), "心": ("en", 1)},
    **{"春": ("en", 1), "情": ("eng", 2), "风": ("eng", 1), "中": ("ong", 1), "穷": ("ong", 2)},
    **{"鱼": ("ü", 2), "书": ("u", 1), "思": ("i", 1), "时": ("i", 2), "儿": ("er", 2)},
    **{"多": ("o", 1), "波": ("o", 1), "歌": ("e", 1), "高": ("ao", 1), "桥": ("ao", 2)},
    **{"来": ("ai", 2), "快": ("ai", 4), "霜": ("ang", 1), "乡": ("ang", 1), "子": ("i", 3)},
}


def test_characters_sound_as_a_dictionary_says():
    sounds = data.pinyin()
    assert {character: sounds[character] for character in SOUNDS} == SOUNDS
    finals = "a o e ie ai ei ao ou an en ang eng ong i u ü er"
    assert {final for final, _ in sounds.values()} == set(finals.split())
    assert {tone for _, tone in sounds.values()} == {1, 2, 3, 4}


def test_all_but_27_characters_of_the_quatrains_have_a_sound(quatrains):
    found = {c for poems in quatrains.values() for poem in poems for c in poem.text} - set("，。")
    sounds = data.pinyin()
    assert sounds.keys() < found
    assert (len(found), len(found - sounds.keys())) == (5_158, 27)


def test_lines_two_and_four_rhyme_and_are_level_as_chance_would_not_have_it(quatrains):
    sounds = data.pinyin()
    ends = [
        (poem.text[len(poem.text) // 2 - 2], poem.text[-2])
        for poems in quatrains.values()
        for poem in poems
    ]
    ends = [pair for pair in ends if all(end in sounds for end in pair)]
    rhymes = [sounds[two][0] == sounds[four][0] for two, four in ends]
    level = [sounds[two][1] <= 2 and sounds[four][1] <= 2 for two, four in ends]
    fours = [four for _, four in ends]
    random.Random(0).shuffle(fours)
    chance = [sounds[two][0] == sounds[c][0] for (two, _), c in zip(ends, fours, strict=True)]
    assert 0.78 < np.mean(rhymes) < 0.79
    assert 0.87 < np.mean(level) < 0.88
    assert 0.08 < np.mean(chance) < 0.11


def test_the_font_draws_every_character_of_the_quatrains_and_ascii(quatrains):
    path = data.chinese_font()
    fields = (field for poems in quatrains.values() for poem in poems for field in poem)
    needed = {character for field in fields for character in field}
    assert len(needed) == 5_402
    needed |= set(map(chr, range(32, 127))) | set("□…")
    assert needed <= set(map(chr, FT2Font(str(path)).get_charmap()))
    font = ImageFont.truetype(path, 24)
    boxed = bytes(font.getmask("\U0010fffd"))  # no font has it
    drawn = {character: bytes(font.getmask(character)) for character in needed - set(" \u3000")}
    assert all(any(mask) and mask != boxed for mask in drawn.values())
    assert len(set(drawn.values())) > 0.99 * len(drawn)


def test_the_font_draws_characters_as_they_are_written():
    """Their ink lies in as many rows, or columns, as they have strokes."""
    font = ImageFont.truetype(data.chinese_font(), 64)
    for character, axis, strokes in (("一", 1, 1), ("二", 1, 2), ("三", 1, 3), ("川", 0, 3)):
        mask = font.getmask(character)
        inked = (np.array(mask).reshape(mask.size[::-1]) > 127).any(axis)
        assert np.count_nonzero(np.diff(inked.astype(int), prepend=0) == 1) == strokes


def test_the_font_has_a_name_of_its_own_and_tells_its_licence():
    """The names of its sources are reserved: a changed font must not have them."""
    font = FT2Font(str(data.chinese_font()))
    told = {key[3]: value.decode("utf-16-be") for key, value in font.get_sfnt().items()}
    assert (font.family_name, told[1], told[4], told[6]) == (*["Tang Kai"] * 3, "TangKai-Regular")
    assert "SIL Open Font License, Version 1.1" in told[13]
    licence = (ROOT / "data/LICENSES/chinese_font.txt").read_text("utf8")
    for owner in ("2021-2023 LXGW", "2020 The Klee Project Authors", "2011 GlyphWiki Project"):
        assert owner in told[0]
        assert owner.split()[1] in licence
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence


LOADERS = {
    "fonts/tang_kai.ttf": data.chinese_font,
    "us_names.txt": data.us_names,
    "shakespeare.txt.gz": data.shakespeare,
    "tang/quatrains.tsv.gz": data.quatrains,
    "tang/pinyin.tsv": data.pinyin,
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_damaged_text_or_font_is_named_with_its_remedy(name, copied):
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(data.DataError, match=r"is damaged.*restore it with: git checkout") as error:
        LOADERS[name]()
    assert str(copied / name) in str(error.value)


@pytest.mark.parametrize("name", LOADERS)
def test_a_text_or_font_is_what_its_recorded_content_hash_says(name):
    recorded = json.loads((ROOT / "data/files.json").read_text("utf8"))
    (hashes,) = [entry["content_sha256"] for entry in recorded.values() if name in entry["files"]]
    content = (ROOT / "data" / name).read_bytes()
    if name.endswith(".gz"):
        assert content[4:8] == bytes(4)  # no time of packing
        content = gzip.decompress(content)
    assert hashlib.sha256(content).hexdigest() == hashes[Path(name).name.removesuffix(".gz")]


@pytest.fixture
def prepare(copied, monkeypatch):
    """What prepare.py defines, working on a copy of the data folder."""
    monkeypatch.syspath_prepend(ROOT / "data")
    names = runpy.run_path(str(ROOT / "data" / "prepare.py"))
    names["main"].__globals__["HERE"] = copied
    return names["main"].__globals__


def test_prepare_reproduces_the_committed_list_and_table(prepare, copied):
    (copied / "files.json").unlink()
    readme = (copied / "README.md").read_text("utf8")
    (copied / "README.md").write_text(readme.partition("| name |")[0], "utf8")
    prepare["write_list"](list(prepare["DATASETS"]))
    for name in ("files.json", "README.md"):
        assert (copied / name).read_text("utf8") == (ROOT / "data" / name).read_text("utf8")


def test_prepare_makes_and_lists_only_what_is_named(prepare, copied, monkeypatch):
    made = []
    for name in prepare["MAKERS"]:
        monkeypatch.setitem(prepare["MAKERS"], name, lambda name=name: made.append(name))
    (copied / "fashion_mnist/test.png").write_bytes(b"another")
    prepare["main"](["digits"])
    assert made == []
    assert (copied / "files.json").read_text("utf8") == (ROOT / "data/files.json").read_text("utf8")
    prepare["main"](["fashion_mnist"])
    assert data.find("fashion_mnist") == data.verify("fashion_mnist")
    assert made == ["fashion_mnist"]
    prepare["main"]([])
    assert made[1:] == ["fashion_mnist", "us_names", "shakespeare", "quatrains", "chinese_font"]
    with pytest.raises(SystemExit, match="'fashion'; there are: digits, fashion_mnist"):
        prepare["main"](["fashion"])


def test_prepare_writes_what_the_loader_reads_and_refuses_other_content(prepare, copied):
    pixels = data.read_sheet(copied / "fashion_mnist/test.png")
    labels = np.load(copied / "fashion_mnist/test_labels.npy")
    for name in ("test.png", "test_labels.npy"):
        (copied / "fashion_mnist" / name).unlink()
    with pytest.raises(SystemExit, match=ORIGINAL["test"]):
        prepare["save"]("test", pixels, labels[::-1])
    assert not (copied / "fashion_mnist/test.png").exists()
    prepare["save"]("test", pixels, labels)
    np.testing.assert_array_equal(data.read_sheet(copied / "fashion_mnist/test.png"), pixels)
    np.testing.assert_array_equal(np.load(copied / "fashion_mnist/test_labels.npy"), labels)


@pytest.mark.parametrize("name", ["us_names", "shakespeare", "quatrains"])
def test_prepare_writes_the_texts_bit_for_bit_and_refuses_others(name, prepare, copied):
    texts = {}
    for file in prepare["DATASETS"][name]["files"]:
        content = (copied / file).read_bytes()
        content = gzip.decompress(content) if file.endswith(".gz") else content
        texts[file.removesuffix(".gz")] = content.decode("utf8")
        (copied / file).unlink()
    with pytest.raises(SystemExit, match=rf"{name} .* the content has sha256 .*, expected"):
        prepare["save_texts"](name, {file: text + "\n" for file, text in texts.items()})
    prepare["save_texts"](name, texts)
    assert data.find(name) == data.verify(name)


def test_prepare_makes_the_font_of_the_characters_in_the_quatrains(prepare, copied, monkeypatch):
    content, asked = (copied / "fonts/tang_kai.ttf").read_bytes(), []
    monkeypatch.setattr(prepare["texts"], "download", lambda package, folder: folder)
    prepare["unpack"] = lambda package, folder: None
    made = iter([content[:-1], content])

    def tang_kai(sources, characters):
        asked.append(characters)
        return next(made)

    monkeypatch.setattr(prepare["font"], "tang_kai", tang_kai)
    (copied / "fonts/tang_kai.ttf").unlink()
    with pytest.raises(SystemExit, match=r"tang_kai.ttf: the content has sha256 .*, expected"):
        prepare["chinese_font"]()
    assert not (copied / "fonts/tang_kai.ttf").exists()
    prepare["chinese_font"]()
    assert data.find("chinese_font") == data.verify("chinese_font")
    assert asked[1] == {chr(code) for code in FT2Font(str(data.chinese_font())).get_charmap()}


def test_a_font_takes_a_character_from_the_first_source_that_has_it(tmp_path, monkeypatch):
    """DejaVu Sans, matplotlib's own, has 2,048 units an em, and Tang Kai 1,000."""
    monkeypatch.syspath_prepend(ROOT / "data")
    make = importlib.import_module("font").tang_kai
    sources = [Path(findfont(FontProperties())), data.chinese_font()]
    content = make(sources, set("白Aλ"))
    assert make(sources, set("λA白")) == content
    (tmp_path / "made.ttf").write_bytes(content)
    font, shipped = FT2Font(str(tmp_path / "made.ttf")), FT2Font(str(data.chinese_font()))
    assert set(map(chr, font.get_charmap())) == set("白Aλ")
    assert font.units_per_EM == 1000
    assert font.get_sfnt() == shipped.get_sfnt()  # no name of a source
    for time in ("created", "modified"):  # not when it was made
        assert font.get_sfnt_table("head")[time] == shipped.get_sfnt_table("head")[time]
    made, *sources = (ImageFont.truetype(path, 200) for path in (tmp_path / "made.ttf", *sources))
    for character, source in zip("λA白", (0, 0, 1), strict=True):
        assert abs(made.getlength(character) - sources[source].getlength(character)) < 1
        for ours, theirs in zip(
            made.getbbox(character, anchor="ls"),
            sources[source].getbbox(character, anchor="ls"),
            strict=True,
        ):
            assert abs(ours - theirs) <= 1
    with pytest.raises(ValueError, match=r"no source has the characters \U0010fffd$"):
        make([data.chinese_font()], {"白", "\U0010fffd"})


@pytest.fixture
def texts(monkeypatch):
    """The functions that make the texts."""
    monkeypatch.syspath_prepend(ROOT / "data")
    return importlib.import_module("texts")


def test_an_etext_is_cleaned_of_what_is_not_shakespeares(texts):
    work = (
        "A PLAY\n\nby William Shakespeare\n\n\n\nMONTAGUE,}Heads of \nCAPULET, } two houses.\n"
        + "\nHam.\n  {Aside.] A  _tremor_.\n@@@@\n" * 3
        + "\nHoratio\n[Exit.}\n\nHor.\nAy.\n\nHOR.\nNo.\n\nCome, sir.\n\n____\n\nTHE END\n"
    )
    ham = "HAM.\n[Aside.] A tremor.\n\n"
    rest = "Horatio\n[Exit.]\n\nHor.\nAy.\n\nHOR.\nNo.\n\nCome, sir."
    assert texts.clean(work) == (
        "A PLAY\n\nMONTAGUE, Heads of\nCAPULET, two houses.\n\n" + ham * 3 + rest
    )


def test_of_poems_with_half_their_characters_in_the_same_places_the_first_is_kept(texts):
    first = "一二三四五，六七八九十。甲乙丙丁戊，己庚辛壬癸。"
    half = "一二三四五，六七八九十。子丑寅卯辰，巳午未申酉。"
    less = "一二三四五，六七八九东。子丑寅卯辰，巳午未申酉。"
    long = "一二三四五六七，一二三四五六七。一二三四五六七，一二三四五六七。"
    poems = [
        ("", name, text)
        for name, text in zip("abcde", (long, first, half, less, long), strict=True)
    ]
    assert [name for _, name, _ in texts.distinct(poems)] == ["a", "b", "d"]


def test_what_is_a_quatrain_and_what_is_not(texts):
    assert texts.QUATRAIN.fullmatch("千山鳥飛絕，萬徑人蹤滅。孤舟簑笠翁，獨釣寒江雪。")
    for other in (
        "千山鳥飛絕，萬徑人蹤□。孤舟簑笠翁，獨釣寒江雪。",
        "千山鳥飛絕，萬徑人蹤。孤舟簑笠翁，獨釣寒江雪。",
        "千山鳥飛絕，萬徑人蹤滅。孤舟簑笠翁（一），獨釣寒江雪。",
        "千山鳥飛絕，萬徑人蹤滅。",
        "千山鳥兒飛絕，萬徑人兒蹤滅。孤舟老簑笠翁，獨釣寒江之雪。",
        "千山鳥飛絕，萬徑人蹤滅。黃河之水天上來，奔流到海不復回。",
    ):
        assert not texts.QUATRAIN.fullmatch(other)
    assert texts.title("忆友（一作「怀友」）二首　其一（「其一」据补）") == "忆友 二首 其一"


def test_a_final_is_left_without_its_medial(texts):
    rhymes = {
        "a": "a ia ua", "o": "o uo", "e": "e", "ie": "ie ve", "ai": "ai uai", "ei": "ei uei",
        "ao": "ao iao", "ou": "ou iou", "an": "an ian uan van", "en": "en in uen vn",
        "ang": "ang iang uang", "eng": "eng ing ueng", "ong": "ong iong",
        "i": "i", "u": "u", "ü": "v", "er": "er",
    }  # fmt: skip
    for rhyme, finals in rhymes.items():
        assert {texts.rhyme(final) for final in finals.split()} == {rhyme}


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
        "print(data.__file__); print(len(data.digits()[1]), len(data.fashion_mnist()['test'][1])); "
        "texts = data.us_names, data.shakespeare, data.quatrains; "
        "print(*(len(load()['test']) for load in texts)); "
        "print(len(data.pinyin()), data.chinese_font().name); "
        "print(*sorted(p.name for p in (data.folder() / 'LICENSES').iterdir()), data.folder().name)"
        "\nfrom aigc_lib.classifier import load_cnn; print(type(load_cnn()).__name__); "
        "from aigc_lib import rnn, tokenizers; "
        "lstm = rnn.load_lstm(tokenizers.characters(data.shakespeare()['train'])); "
        "print(type(lstm).__name__)"
    )
    out = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert str(installed) in out
    licences = "chinese_font.txt fashion_mnist.txt quatrains.txt shakespeare.txt us_names.txt"
    assert out.endswith(
        f"1797 4000\n3200 227848 1329\n5131 tang_kai.ttf\n{licences} shipped\nCNN\nLanguageModel\n"
    )
