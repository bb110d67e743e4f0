"""Text becomes ids and is the same text again, or an error says what is wrong with it."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aigc_lib.tokenizers import Tokenizer, characters, words

LINE = "Who's there?\n\nNay, answer  me--o'er 'tis. "


def test_characters_are_numbered_in_the_order_of_unicode():
    tokenizer = characters("banana 一")
    assert tokenizer.pieces == [" ", "a", "b", "n", "一"]
    assert len(tokenizer) == 5
    ids = tokenizer.encode("一ban")
    assert (ids.dtype, ids.shape) == (torch.int64, (4,))
    assert ids.tolist() == [4, 2, 1, 3]


@given(st.text(min_size=1))
def test_the_ids_of_characters_are_those_of_numpy(text):
    """numpy.unique on the code points numbers them by itself."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    unique, inverse = np.unique(codes, return_inverse=True)
    tokenizer = characters(text)
    assert tokenizer.pieces == [chr(code) for code in unique]
    np.testing.assert_array_equal(tokenizer.encode(text), inverse)


SPACY = st.text(st.sampled_from("ab'’ \n\t\u3000-.一é_1")) | st.text()


@pytest.mark.parametrize(
    "make", [characters, lambda text: words(text, 1), lambda t: words(t, 1, None)]
)
@given(text=SPACY.filter(bool))
def test_any_text_comes_back_from_its_ids(make, text):
    tokenizer = make(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == tokenizer.decode(ids.tolist()) == text
    assert len(set(tokenizer.pieces)) == len(tokenizer)


@given(SPACY)
def test_words_are_cut_so_that_joined_they_are_the_text(text):
    assert "".join(words("a").split(text)) == text


def test_a_word_keeps_each_apostrophe_inside_it():
    assert words("a").split(" the fo'c's'le") == [" the", " fo'c's'le"]


def test_words_take_the_space_before_them_and_marks_and_gaps_stand_apart():
    pieces = ["Who's", " there", "?", "\n\n", "Nay", ",", " answer", " ", " me", "-", "-", "o'er"]
    assert words("a").split(LINE) == [*pieces, " ", "'", "tis", ".", " "]
    assert words("a").split("a [b]\n  c") == ["a", " ", "[", "b", "]", "\n ", " c"]
    assert words("a").split("l’été '") == ["l’été", " ", "'"]


def test_the_vocabulary_of_words_is_what_occurs_often_enough_the_most_frequent_first():
    tokenizer = words("to be or not to be to see", min_count=2)
    assert tokenizer.pieces == ["<unk>", " be", " to"]
    assert words("to be or not to be to see", 1, None).pieces[:3] == [" be", " to", "to"]
    assert words("a a a b", min_count=3).pieces == ["<unk>"]


def test_a_piece_outside_the_vocabulary_has_the_id_of_the_unknown_one():
    tokenizer = words(" be be to to", unknown="<?>")
    assert tokenizer.encode(" be not to see").tolist() == [1, 0, 2, 0]
    assert tokenizer.decode([1, 0, 2, 0]) == " be<?> to<?>"
    tokenizer = characters("ab□", unknown="□")
    assert tokenizer.pieces == ["□", "a", "b"]
    assert tokenizer.decode(tokenizer.encode("a\x00b")) == "a□b"
    tokenizer = Tokenizer(["a", "b"], list, unknown="b")
    assert tokenizer.encode("abc").tolist() == [0, 1, 1]


def test_without_an_unknown_piece_the_error_names_what_is_outside_and_where():
    with pytest.raises(ValueError, match="vocabulary") as error:
        characters("abc").encode("ab é\u200b é")
    assert str(error.value) == (
        r"not in the vocabulary of 3 pieces: ' ', 'é', '\u200b' (U+200B), the first at character 2 "
        "of the text; make the tokenizer from a text that has them, or with a piece that stands "
        "for all others, as unknown='□'"
    )
    with pytest.raises(
        ValueError, match=r"pieces: 'd', 'e', 'f', 'g', 'h' and 2 more, the first at"
    ):
        characters("abc").encode("abcdefghij")
    with pytest.raises(ValueError, match=r"pieces: ' see', the first at character 5 of the text"):
        words("to be to", 1, None).encode("to be see")


@pytest.mark.parametrize("make", [characters, words])
def test_an_empty_text_has_no_vocabulary_but_has_ids(make):
    with pytest.raises(ValueError, match="the text is empty: give one"):
        make("")
    ids = make("a").encode("")
    assert (ids.shape, ids.dtype, make("a").decode(ids)) == ((0,), torch.int64, "")
    assert make("a").decode([]) == ""


@pytest.mark.parametrize("wrong", [3, -1])
@pytest.mark.parametrize("kind", [list, torch.tensor, np.array])
def test_an_id_outside_the_vocabulary_is_named_with_the_size(kind, wrong):
    message = f"the id {wrong} is none of this vocabulary, which has 3 pieces, 0 to 2"
    with pytest.raises(ValueError, match=message):
        characters("abc").decode(kind([0, wrong, 7]))


@pytest.mark.parametrize("ids", [torch.tensor(1), torch.zeros(2, 3, dtype=torch.int64)])
def test_ids_of_another_shape_are_refused(ids):
    with pytest.raises(ValueError, match=rf"shape {re.escape(str(tuple(ids.shape)))}: .* \(N,\)"):
        characters("abc").decode(ids)


def test_a_vocabulary_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="the vocabulary is empty"):
        words("to be", unknown=None)
    with pytest.raises(ValueError, match=r"'b' is in the vocabulary twice"):
        Tokenizer(["a", "b", "b"], list)
    with pytest.raises(ValueError, match=r"unknown='c' is not in the vocabulary"):
        Tokenizer(["a", "b"], list, unknown="c")


def test_decoding_reads_ids_of_a_model_as_they_come():
    tokenizer = characters("abc")
    ids = [torch.tensor(2), torch.tensor(0)]
    assert tokenizer.decode(ids) == tokenizer.decode(torch.stack(ids).to(torch.int32)) == "ca"
