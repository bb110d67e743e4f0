"""Text as tokens that are learned from a text: byte-pair encoding, as in GPT-2. Lesson 06.

The ids 0 to 255 are the bytes of UTF-8. A merge is a pair of ids, and merge number i makes the id
256 + i, whose bytes are those of the first and then those of the second: so the merges, in their
order, are all that there is to know of a tokenizer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, count, islice, pairwise

import regex
import torch

from aigc_lib.ngram import check_ids, whole

PIECE = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def cut(text: str) -> list[str]:
    """Return the pieces of `text`, which no token reaches across; joined they are the text again.

    A run of letters, of digits or of marks takes one space before it along; English endings as 's
    and 'll, and all other white space, stand apart. Raises ValueError as `check_text` does. Source:
    Radford et al. 2019, section 2.2, and the pattern in their encoder.py; lesson 06.
    """
    return PIECE.findall(check_text(text))


def count_pairs(words: Iterable) -> Counter:
    """Return how often each two ids are neighbours in `words`: pairs of ids (N,) and how often.

    In aaa, the pair (a, a) is there twice. Lesson 06.
    """
    counts = Counter()
    for ids, n in words:
        for pair in pairwise(ids):
            counts[pair] += n
    return counts


def most_frequent(counts: Counter) -> tuple[int, int]:
    """Return the pair that has the highest count, of several the one with the smallest ids.

    Lesson 06.
    """
    most = max(counts.values())
    return min(pair for pair, n in counts.items() if n == most)


def merge(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    """Return `ids` with `new` in each place of `pair`, from left to right: aaa becomes (aa)a.

    Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909, algorithm 1; lesson 06.
    """
    (a, b), merged = pair, []
    for token in ids:
        if token == b and merged and merged[-1] == a:
            merged[-1] = new
        else:
            merged.append(token)
    return merged


def each_merge(text: str) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the merges that `text` teaches, each with its count, until every piece is one token.

    The next merge is the most frequent pair of the text as the merges so far have left it. Only
    words that hold the pair are counted again. Raises ValueError as `check_text` does. Lesson 06.
    """
    words = [(list(piece.encode()), n) for piece, n in Counter(cut(text)).items()]
    counts, where = Counter(), defaultdict(set)  # of a pair: how often, and in which words
    changed = range(len(words))
    for new in count(256):
        counts.update(count_pairs(words[i] for i in changed))
        for i in changed:
            for pair in pairwise(words[i][0]):
                where[pair].add(i)
        if not any(counts.values()):
            return
        pair = most_frequent(counts)
        yield pair, counts[pair]
        changed = where.pop(pair)
        counts.subtract(count_pairs(words[i] for i in changed))
        for i in changed:
            ids, n = words[i]
            words[i] = merge(ids, pair, new), n


def learn(text: str, vocab_size: int) -> list[tuple[int, int]]:
    """Return the merges that `text` teaches, as many as make V = `vocab_size` ids of the bytes.

    There are fewer if every piece of the text is one token before. Raises ValueError for an empty
    text, as `check_text` does, and if V is not a whole number of at least 256. Lesson 06.
    """
    if not text:
        raise ValueError("the text is empty: give one to learn the merges from")
    merges = islice(each_merge(text), whole("vocab_size", vocab_size, 256) - 256)
    return [pair for pair, _ in merges]


class BPE:
    """A vocabulary of V tokens: the 256 bytes, and of each of `merges` the bytes of both its ids.

    `pieces` has the bytes of each id. Any text has ids and comes back from them. Two are the same
    if their `merges` are, and from json.dumps(merges), read again, BPE makes the same. Raises
    ValueError as `check_merges` does. Source: Radford et al. 2019, section 2.2; lesson 06.
    """

    def __init__(self, merges: list[tuple[int, int]]):
        self.merges = check_merges(merges)
        self.pieces = [bytes([byte]) for byte in range(256)]
        for a, b in self.merges:
            self.pieces.append(self.pieces[a] + self.pieces[b])
        self._new = {pair: new for new, pair in enumerate(self.merges, 256)}
        self._known = {}  # a piece of text -> its ids

    def __len__(self) -> int:
        """Return V, the size of the vocabulary."""
        return len(self.pieces)

    def encode(self, text: str) -> torch.Tensor:
        """Return the ids (N,), int64, of the N tokens of `text`; a piece is merged only once.

        Raises ValueError as `check_text` does.
        """
        pieces = cut(text)
        for piece in pieces:
            if piece not in self._known:
                self._known[piece] = self._merged(list(piece.encode()))
        ids = chain.from_iterable(map(self._known.__getitem__, pieces))
        return torch.tensor(list(ids), dtype=torch.int64)

    def _merged(self, ids: list[int]) -> list[int]:
        """Return `ids` after all the merges they hold, in the order in which those were learned."""
        while pairs := self._new.keys() & pairwise(ids):
            new, pair = min((self._new[pair], pair) for pair in pairs)
            ids = merge(ids, pair, new)
        return ids

    def decode(self, ids) -> str:
        """Return the text of `ids` (N,), with � for bytes that are no character of UTF-8.

        Raises ValueError for an id outside 0 to V - 1 and for ids of another shape.
        """
        ids = check_ids(ids, len(self), 0).tolist()
        return b"".join(map(self.pieces.__getitem__, ids)).decode("utf8", "replace")


def readable(piece: bytes) -> str:
    """Return the text of a token, with each byte that is no whole character as ‹E6›. Lesson 06."""
    text = piece.decode("utf8", "surrogateescape")  # which makes U+DC80 + b of such a byte 128 + b
    return regex.sub(r"\p{Cs}", lambda half: f"‹{ord(half[0]) - 0xDC00:02X}›", text)


def check_text(text: str) -> str:
    """Return `text`, if UTF-8 can write it: it has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {error.start} of the text is U+{ord(text[error.start]):04X}, half of a "
            "surrogate pair, which UTF-8 cannot write: put a ? there, as "
            "text.encode('utf8', 'replace').decode() does"
        ) from None
    return text


def check_merges(merges) -> list[tuple[int, int]]:
    """Return `merges` as a list of pairs, each of two ids before its own, and none twice."""
    numbers = {}
    for i, pair in enumerate(map(tuple, merges)):
        if len(pair) != 2 or not all(isinstance(a, int) and 0 <= a < 256 + i for a in pair):
            raise ValueError(
                f"merge {i} is {pair}, which is no pair of ids from 0 to {255 + i}, those before "
                "it: give all merges, in the order in which they were learned"
            )
        if pair in numbers:
            raise ValueError(f"merges {numbers[pair]} and {i} are both {pair}: give each pair once")
        numbers[pair] = i
    return list(numbers)
