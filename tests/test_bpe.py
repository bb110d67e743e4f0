"""Byte-pair encoding finds what Hugging Face's tokenizers finds, and any text comes back."""

import codecs
import json
import re
import sys
import unicodedata
from itertools import islice

import numpy as np
import pytest
import tokenizers
import torch
from hypothesis import given
from hypothesis import strategies as st

from aigc_lib import bpe, data
from aigc_lib.bpe import BPE, count_pairs, cut, each_merge, learn, merge, most_frequent, readable

# Characters that this Python's Unicode has: of newer ones, the two libraries know not the same.
KNOWN = st.characters(exclude_categories=["Cs", "Cn"])
PARTS = [
    "a",
    "b",
    "É",
    "e\u0301",
    "1",
    "²",
    "一",
    "👩🏽\u200d🚀",
    "🇫🇷",
    "\u200d",
    "'",
    "'ll",
    "'Re",
    "_",
]
GAPS = [" ", "  ", "\n", "\r\n", "\t", "\0", "\x1c", "\x85", "\xa0", "\u3000", "\u2028"]
ANY = st.text(KNOWN) | st.lists(st.sampled_from(PARTS + GAPS)).map("".join)
TIED = st.text("ab", max_size=40) | st.text("abc '一é", max_size=40) | ANY


def pieces_by_others(text):
    """Return the pieces that the tokenizers library cuts `text` into."""
    cutter = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return [text[start:end] for _, (start, end) in cutter.pre_tokenize_str(text)]


def learned_by_others(text, vocab_size):
    """Return the merges of the tokenizers library on `text`, and its function text -> ids.

    Byte b is the character 256 + b there, so that its ids, by which it breaks ties, are ours.
    """

    def words(text):
        return ["".join(chr(256 + b) for b in piece.encode()) for piece in pieces_by_others(text)]

    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size,
        show_progress=False,
        initial_alphabet=[chr(256 + byte) for byte in range(256)],
    )
    other = tokenizers.Tokenizer(tokenizers.models.BPE())
    other.train_from_iterator(words(text), trainer)
    pairs = json.loads(other.to_str())["model"]["merges"]
    ids = other.get_vocab()
    merges = [(ids[a], ids[b]) for a, b in pairs]
    assert [ids[a + b] for a, b in pairs] == [*range(256, 256 + len(pairs))]
    return merges, lambda text: other.encode(words(text), is_pretokenized=True).ids


def recounted(text):
    """Yield each merge and its count, all pairs of all words counted anew each time."""
    words, new = [list(piece.encode()) for piece in pieces_by_others(text)], 256
    while pairs := [(w[i], w[i + 1]) for w in words for i in range(len(w) - 1)]:
        best = min(pairs, key=lambda pair: (-pairs.count(pair), pair))
        yield best, pairs.count(best)
        for word in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [new]
                i += 1
        new += 1


@given(ANY)
def test_a_text_is_cut_as_the_tokenizers_library_cuts_it(text):
    assert cut(text) == pieces_by_others(text)


def test_letters_digits_marks_and_gaps_are_those_of_unicode():
    every = map(chr, range(sys.maxunicode + 1))
    known = [c for c in every if unicodedata.category(c) not in ("Cs", "Cn", "Co")]
    text = "".join(f"a{c}1{c} {c}!{c}" for c in known)
    assert cut(text) == pieces_by_others(text)


@given(st.text())
def test_the_pieces_joined_are_the_text(text):
    assert "".join(cut(text)) == text


def test_a_piece_takes_the_space_before_it_and_endings_stand_apart():
    assert cut("They'll see, it's 1603!\n\n  O't") == [
        *["They", "'ll", " see", ",", " it", "'s", " 1603", "!", "\n\n ", " O", "'t"]
    ]
    endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    assert cut("x" + "x".join(endings)) == [part for ending in endings for part in ("x", ending)]
    assert cut("a'Re\nb") == ["a", "'", "Re", "\n", "b"]
    assert cut("白日依山尽，黄河入海流。") == ["白日依山尽", "，", "黄河入海流", "。"]


def test_neighbours_are_counted_as_often_as_their_word_occurs():
    assert count_pairs([([1, 1, 1, 2], 3), ([1, 2], 5), ([7], 9)]) == {(1, 1): 6, (1, 2): 8}
    assert count_pairs([]) == {}


def test_of_the_most_frequent_pairs_the_smallest_comes_first():
    assert most_frequent({(2, 1): 5, (1, 9): 5, (1, 10): 5, (0, 0): 4}) == (1, 9)


def test_merging_goes_from_left_to_right():
    assert merge([97, 97, 97], (97, 97), 256) == [256, 97]
    assert merge([97] * 4, (97, 97), 256) == [256, 256]
    assert merge([1, 2, 1, 1, 2, 2], (1, 2), 300) == [300, 1, 300, 2]
    assert merge([2, 1], (1, 2), 300) == [2, 1]
    assert merge([], (1, 2), 300) == []


@given(st.lists(st.sampled_from("ab")), st.sampled_from(["ab", "ba", "aa", "bb"]))
def test_merging_is_what_replacing_does_to_a_text(letters, pair):
    ids = list(map(ord, letters))
    merged = merge(ids, tuple(map(ord, pair)), ord("Z"))
    assert "".join(map(chr, merged)) == "".join(letters).replace(pair, "Z")
    assert ids == list(map(ord, letters))


def test_the_merges_of_a_short_text_are_those_found_by_hand():
    assert list(islice(each_merge("aaabdaaabac"), 3)) == [
        *[((97, 97), 4), ((97, 98), 2), ((256, 257), 2)]
    ]
    assert BPE(learn("aaabdaaabac", 259)).encode("aaabdaaabac").tolist() == [
        *[258, 100, 258, 97, 99]
    ]


@given(TIED)
def test_each_merge_has_the_count_that_a_recount_gives(text):
    assert list(each_merge(text)) == list(recounted(text))


@given(TIED.filter(bool), st.sampled_from([256, 257, 260, 300]), TIED)
def test_small_texts_teach_and_encode_as_in_the_tokenizers_library(text, vocab_size, other):
    merges, encode = learned_by_others(text, vocab_size)
    assert learn(text, vocab_size) == merges
    assert len(merges) <= vocab_size - 256
    tokenizer = BPE(merges)
    for x in (text, other):
        assert tokenizer.encode(x).tolist() == encode(x)


@pytest.mark.parametrize("name", ["shakespeare", "quatrains", "names"])
def test_the_courses_texts_teach_and_encode_as_in_the_tokenizers_library(name):
    if name == "shakespeare":
        parts = data.shakespeare()
        train, test = parts["train"][:300_000], parts["test"]
    elif name == "quatrains":
        parts = data.quatrains()
        train, test = ("\n".join(p.text for p in parts[x][:300]) for x in ("train", "test"))
    else:
        parts = data.us_names()
        train, test = ("\n".join(parts[part]) for part in ("train", "test"))
    merges, encode = learned_by_others(train, 600)
    assert learn(train, 600) == merges
    assert len(merges) == 344
    assert BPE(merges).encode(test).tolist() == encode(test)


TOKENIZER = BPE(learn("the cat's hat, that hat; 一丁一七 一丁 👩🏽‍🚀👩🏽‍🚀 éé\r\n\r\n", 300))


@given(ANY | st.text())
def test_any_text_comes_back_from_its_ids(text):
    ids = TOKENIZER.encode(text)
    assert (ids.dtype, ids.ndim) == (torch.int64, 1)
    assert TOKENIZER.decode(ids) == TOKENIZER.decode(ids.tolist()) == text
    assert b"".join(TOKENIZER.pieces[i] for i in ids) == text.encode()


@given(st.lists(st.integers(0, len(TOKENIZER) - 1)))
def test_any_ids_have_a_text(ids):
    """Python's incremental decoder gets the same bytes one by one."""
    reader = codecs.getincrementaldecoder("utf8")("replace")
    read = [reader.decode(bytes([byte])) for i in ids for byte in TOKENIZER.pieces[i]]
    assert TOKENIZER.decode(ids) == "".join(read) + reader.decode(b"", final=True)


def test_a_token_may_end_inside_a_character():
    assert TOKENIZER.decode([0xE4, 0xB8]) == "\ufffd"
    assert TOKENIZER.decode([97, 0xFF, 98]) == "a\ufffdb"
    assert TOKENIZER.decode([0xE4, 0xB8, 0x80]) == "一"


def test_the_vocabulary_is_the_bytes_and_then_the_merges():
    tokenizer = BPE([(97, 98), (256, 99), (257, 256)])
    assert len(tokenizer) == len(tokenizer.pieces) == 259
    assert tokenizer.pieces[:256] == [bytes([byte]) for byte in range(256)]
    assert tokenizer.pieces[256:] == [b"ab", b"abc", b"abcab"]
    assert tokenizer.encode("abcabab").tolist() == [258, 256]


def test_merges_are_made_in_the_order_in_which_they_were_learned():
    assert BPE([(98, 99), (97, 98)]).encode("abc").tolist() == [97, 256]
    assert BPE([(97, 98), (98, 99)]).encode("abc").tolist() == [256, 99]


def test_a_piece_is_merged_once_and_the_ids_do_not_depend_on_what_came_before(monkeypatch):
    one, other = BPE(TOKENIZER.merges), BPE(TOKENIZER.merges)
    first, second = "that hat, the cat", " hat that 一丁 the hat"
    there = [one.encode(text).tolist() for text in (first, second)]
    back = [other.encode(text).tolist() for text in (second, first)]
    assert there == back[::-1] == [BPE(one.merges).encode(t).tolist() for t in (first, second)]
    monkeypatch.setattr(bpe, "merge", None)
    assert one.encode(f"{second}\n{first}").tolist() == [*there[1], 10, *there[0]]


def test_text_teaches_until_every_piece_is_one_token():
    merges = learn("to be or not to be", 10_000)
    assert BPE(merges).encode("to be or not to be").shape == (6,)
    assert learn("to be or not to be", np.int64(256 + len(merges))) == merges
    assert learn("to be or not to be", 258) == merges[:2]
    assert learn("a", 300) == learn("to be", 256) == list(each_merge("")) == []


def test_a_tokenizer_is_made_again_from_its_merges_as_text():
    again = BPE(json.loads(json.dumps(TOKENIZER.merges)))
    assert again.merges == TOKENIZER.merges
    assert again.pieces == TOKENIZER.pieces
    assert again.merges != BPE(TOKENIZER.merges[:-1]).merges


def test_a_token_is_shown_as_text_and_a_part_of_a_character_as_its_bytes():
    assert readable(b" the") == " the"
    assert readable("一".encode()) == "一"
    assert readable("一".encode()[:2] + b"a\n") == "‹E4›‹B8›a\n"
    assert readable("👩".encode()[1:] + "é".encode()) == "‹9F›‹91›‹A9›é"
    assert readable(b"\xff\x80\xed\xa0\x80") == "‹FF›‹80›‹ED›‹A0›‹80›"


@pytest.mark.parametrize("make", [bpe.check_text, cut, TOKENIZER.encode, lambda t: learn(t, 300)])
def test_half_of_a_surrogate_pair_is_named_with_its_place(make):
    with pytest.raises(ValueError, match=r"character 2 of the text is U\+D83D, half of a") as error:
        make("a👩\ud83d\udc69")
    remedy = re.search(r"text\.encode.*decode\(\)", str(error.value))[0]
    assert eval(remedy, {"text": "a👩\ud83d"}) == "a👩?"


def test_an_empty_text_teaches_nothing_but_has_ids():
    with pytest.raises(ValueError, match="the text is empty: give one"):
        learn("", 300)
    ids = TOKENIZER.encode("")
    assert (ids.shape, ids.dtype, TOKENIZER.decode(ids)) == ((0,), torch.int64, "")
    assert TOKENIZER.decode([]) == ""


@pytest.mark.parametrize("vocab_size", [255, 0, -1, 300.0, "300", None, True])
def test_a_vocabulary_holds_at_least_the_bytes(vocab_size):
    message = re.escape(f"vocab_size={vocab_size!r}: give a whole number of at least 256")
    with pytest.raises(ValueError, match=message):
        learn("to be", vocab_size)


@pytest.mark.parametrize("wrong", [len(TOKENIZER), -1])
@pytest.mark.parametrize("kind", [list, torch.tensor, np.array])
def test_an_id_outside_the_vocabulary_is_named_with_its_bounds(kind, wrong):
    message = rf"ids\[1\] is {wrong}, and the tokens are 0 to {len(TOKENIZER) - 1}: encode with"
    with pytest.raises(ValueError, match=message):
        TOKENIZER.decode(kind([0, wrong, 7]))


@pytest.mark.parametrize("ids", [torch.tensor(1), torch.zeros(2, 3, dtype=torch.int64), [0.5]])
def test_ids_of_another_kind_are_refused(ids):
    with pytest.raises(ValueError, match=r"give whole numbers, shape \(N,\)"):
        TOKENIZER.decode(ids)


@pytest.mark.parametrize("pair", [(97, 257), (257, 97), (-1, 97), (97,), (97, 98, 99), "ab"])
def test_a_merge_of_what_is_not_there_yet_is_refused(pair):
    message = rf"merge 1 is {re.escape(str(tuple(pair)))}, .* 0 to 256, those before it: give all"
    with pytest.raises(ValueError, match=message):
        BPE([(97, 98), pair])
    with pytest.raises(ValueError, match=r"merge 0 is .* 0 to 255, those before it"):
        BPE(TOKENIZER.merges[20:])


def test_a_merge_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match=r"merges 0 and 2 are both \(97, 98\): give each pair"):
        BPE([(97, 98), (98, 99), [97, 98]])
