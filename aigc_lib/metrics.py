"""How good is a model of text, and which is the best so far. Lesson 03."""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from aigc_lib import data


def bits_per_character(nats: float, tokens: int, characters: int) -> float:
    """Return what a model pays for a character, in bits: nats · tokens / (characters · ln 2).

    `nats` is its loss, the mean over `tokens`; `characters` is the length of the same text. Only
    this may be compared between models whose tokens differ. Lesson 03.
    """
    return nats * tokens / (characters * math.log(2))


def leaderboard(lesson: str, scores: dict[str, float], tolerance: float = 0.01) -> None:
    """Print the models of all lessons up to `lesson` by their bits a character, the worst first.

    `scores` has what `lesson` has just measured on Shakespeare's test part (`data.HELD_OUT`).
    Raises ValueError, once it has printed, if those are not, to `tolerance`, the scores that
    data/leaderboard.json holds for it, from which later lessons start. Lesson 03.
    """
    record = json.loads((data.folder() / "leaderboard.json").read_text(encoding="utf8"))
    rows = {name: x for key in record if key < lesson for name, x in record[key].items()} | scores
    for name in sorted(rows, key=rows.get, reverse=True):
        print(f"{rows[name]:6.3f} bits a character  {name}{'  (new)' * (name in scores)}")
    kept = record.get(lesson, {})
    if kept.keys() != scores.keys() or any(abs(scores[x] - kept[x]) > tolerance for x in kept):
        raise ValueError(
            f"{lesson} is recorded with {kept}: what it has now is your own result, if you changed "
            "something; else mend it, or write the new scores to data/leaderboard.json"
        )


def verse_lines(poem: str) -> list[str]:
    """Return the lines of a Chinese poem, without the comma or full stop after each. Lesson 03."""
    return re.split("[\uff0c\u3002]", poem.strip("\u3002\n"))


def verse_form(poems: list[str]) -> tuple[float, float, float]:
    """Return the shares of lines of 5 or 7, of quatrains, and of rhymes where there are 4 lines.

    A quatrain has four lines of 5 or four of 7 characters; the rhyme is of its second line with the
    fourth, in today's Mandarin, as `data.pinyin` has it. A share of none is NaN. Lesson 03.
    """
    sound, cut = data.pinyin(), [verse_lines(poem) for poem in poems]
    lengths = [len(line) in (5, 7) for poem in cut for line in poem]
    form = [len(poem) == 4 and {len(line) for line in poem} in ({5}, {7}) for poem in cut]
    ends = [(poem[1][-1:], poem[3][-1:]) for poem in cut if len(poem) >= 4]
    rhyme = [sound[a][0] == sound[b][0] for a, b in ends if a in sound and b in sound]
    return tuple(np.mean(hits) if hits else math.nan for hits in (lengths, form, rhyme))


def ngrams(words: Sequence, n: int) -> Counter:
    """Return how often each run of `n` words, a tuple, occurs in `words`. Lesson 07."""
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))


def distinct(texts: list[Sequence], n: int) -> float:
    """Return distinct-n: the distinct n-grams of all `texts`, which are words, over all n-grams.

    1 says that none comes twice; NaN that there is none. Source: Li et al. 2016, arXiv:1510.03055,
    who divide by the number of words; lesson 07.
    """
    counts = sum((ngrams(words, n) for words in texts), Counter())
    return len(counts) / counts.total() if counts else math.nan


def bleu(words: Sequence, references: list[Sequence], n: int = 4) -> float:
    """Return BLEU-n, from 0 to 1: how much of `words` stands in some of the `references`.

    (p_1 · ... · p_n)^(1/n) · min(1, e^(1 - r/c)), where p_k is the share of the k-grams of `words`
    that a reference has, each counted at most as often as there; c is the length of `words` and r
    that of the reference nearest to it, the shorter of two. Source: Papineni et al. 2002, BLEU: a
    method for automatic evaluation of machine translation, section 2.3; lesson 07.
    """
    log_p = 0.0
    for k in range(1, n + 1):
        mine, known = ngrams(words, k), Counter()
        for reference in references:
            known |= ngrams(reference, k)
        if not (hits := (mine & known).total()):
            return 0.0
        log_p += math.log(hits / mine.total()) / n
    r = min((abs(len(words) - len(reference)), len(reference)) for reference in references)[1]
    return math.exp(log_p + min(0, 1 - r / len(words)))


def self_bleu(texts: list[Sequence], n: int = 4) -> float:
    """Return the mean BLEU-n of each of `texts` against all others: 1 for texts all alike.

    (Of n words at least: BLEU-n is 0 where there is no n-gram.) Raises ValueError for fewer than
    two texts. Source: Zhu et al. 2018, arXiv:1802.01886; lesson 07.
    """
    if len(texts) < 2:
        raise ValueError(f"{len(texts)} text has no others to be compared with: give two at least")
    scores = [bleu(t, texts[:i] + texts[i + 1 :], n) for i, t in enumerate(texts)]
    return sum(scores) / len(scores)
