"""Text as numbers, and back: by character and by word. Lesson 03."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import repeat

import numpy as np
import torch


class Tokenizer:
    """A vocabulary of V pieces of text; a piece's id is its place in the list, 0 to V − 1.

    `split` cuts a text into pieces that joined are the text again, and `encode` takes their ids, so
    decode(encode(text)) = text if every piece is in the vocabulary. With `unknown`, which is one of
    `pieces`, a piece outside has the id of that one. Raises ValueError for a vocabulary that is
    empty, has a piece twice or lacks `unknown`. Source: lesson 03.
    """

    def __init__(
        self, pieces: list[str], split: Callable[[str], list[str]], unknown: str | None = None
    ):
        self.pieces, self.split, self.unknown = list(pieces), split, unknown
        self._ids = {piece: i for i, piece in enumerate(self.pieces)}
        if not self.pieces:
            raise ValueError("the vocabulary is empty: give a tokenizer at least one piece")
        if len(self._ids) < len(self.pieces):
            twice = next(piece for piece, n in Counter(self.pieces).items() if n > 1)
            raise ValueError(f"{_shown(twice)} is in the vocabulary twice: give each piece once")
        if unknown is not None and unknown not in self._ids:
            raise ValueError(f"unknown={unknown!r} is not in the vocabulary: add it to `pieces`")

    def __len__(self) -> int:
        """Return V, the size of the vocabulary."""
        return len(self.pieces)

    def encode(self, text: str) -> torch.Tensor:
        """Return the ids (N,), int64, of the N pieces of `text`.

        Raises ValueError, which names them and the place of the first, if there are pieces outside
        the vocabulary and no `unknown` stands for them.
        """
        pieces = self.split(text)
        if self.unknown is None:
            ids = map(self._ids.__getitem__, pieces)
        else:
            ids = map(self._ids.get, pieces, repeat(self._ids[self.unknown]))
        try:
            return torch.from_numpy(np.fromiter(ids, np.int64, len(pieces)))
        except KeyError:
            raise ValueError(self._complaint(pieces)) from None

    def _complaint(self, pieces: list[str]) -> str:
        """Return which pieces are outside the vocabulary, where, and what to do."""
        outside = [place for place, piece in enumerate(pieces) if piece not in self._ids]
        names = list(dict.fromkeys(pieces[place] for place in outside))
        shown = ", ".join(map(_shown, names[:5])) + (
            f" and {len(names) - 5} more" * (len(names) > 5)
        )
        return (
            f"not in the vocabulary of {len(self)} pieces: {shown}, the first at character "
            f"{sum(map(len, pieces[: outside[0]]))} of the text; make the tokenizer from a text "
            "that has them, or with a piece that stands for all others, as unknown='□'"
        )

    def decode(self, ids) -> str:
        """Return the text of `ids` (N,), a tensor or a list; an unknown piece stays what it is.

        Raises ValueError for an id outside the vocabulary and for ids of another shape.
        """
        ids = torch.as_tensor(ids)
        if ids.ndim != 1:
            raise ValueError(
                f"ids of shape {tuple(ids.shape)}: decode takes (N,), a text at a time"
            )
        if len(wrong := ids[(ids < 0) | (ids >= len(self))]):
            raise ValueError(
                f"the id {wrong[0]} is none of this vocabulary, which has {len(self)} pieces, "
                f"0 to {len(self) - 1}: decode with the tokenizer that encoded the text"
            )
        return "".join(map(self.pieces.__getitem__, ids.tolist()))


def _shown(piece: str) -> str:
    """Return a piece as Python writes it and, of what cannot be seen, the code points."""
    points = " ".join(f"U+{ord(character):04X}" for character in piece)
    return repr(piece) if piece.isprintable() else f"{piece!r} ({points})"


def characters(text: str, unknown: str | None = None) -> Tokenizer:
    """Return a tokenizer whose pieces are the characters of `text`, in the order of Unicode.

    With `unknown`, that piece is put before them and has the id 0. Raises ValueError for an empty
    text. Lesson 03.
    """
    return _tokenizer(sorted(set(_not_empty(text))), list, unknown)


def words(text: str, min_count: int = 2, unknown: str | None = "<unk>") -> Tokenizer:
    """Return a tokenizer of the words, marks and gaps that `text` has at least `min_count` times.

    A word, with the apostrophes inside it, takes one space before it along, as " o'er"; each mark
    is a piece, and so is any other white space. `unknown` has the id 0, and after it come the
    pieces by how often they occur, then in the order of the text. Raises ValueError for an empty
    text. Source: the space before a word is as in GPT-2, Radford et al. 2019; lesson 03.
    """
    counts = Counter(WORDS.findall(_not_empty(text))).most_common()
    return _tokenizer([piece for piece, n in counts if n >= min_count], WORDS.findall, unknown)


WORDS = re.compile(r" ?\w+(?:['’]\w+)*|[^\w\s]|\s+?(?= \w)|\s+")


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("the text is empty: give one that has the pieces of the vocabulary")
    return text


def _tokenizer(pieces: list[str], split: Callable, unknown: str | None) -> Tokenizer:
    if unknown is None:
        return Tokenizer(pieces, split)
    return Tokenizer([unknown, *(piece for piece in pieces if piece != unknown)], split, unknown)
