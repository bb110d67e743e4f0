"""How good is a model of text, and which is the best so far. Lesson 03."""

import json
import math
import re

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
