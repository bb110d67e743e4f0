"""Bits a character, the leaderboard of lessons 03 to 07, and the form of verse."""

import json
import math

import pytest

from aigc_lib import data, metrics


def test_bits_do_not_depend_on_the_tokens():
    # A fair coin's text, as letters and as pairs of letters: 1 bit a letter.
    assert metrics.bits_per_character(0.6931471805599453, 8, 8) == 1
    assert metrics.bits_per_character(2 * 0.6931471805599453, 4, 8) == 1


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    kept = {"03_a": {"coin": 5.0, "count": 2.5}, "04_b": {"net": 2.0}, "05_c": {"x": 1, "y": 1.5}}
    (tmp_path / "leaderboard.json").write_text(json.dumps(kept))


def test_the_leaderboard_has_earlier_lessons_and_this_one(record, capsys):
    metrics.leaderboard("04_b", {"net": 2.004})
    assert capsys.readouterr().out.splitlines() == [
        " 5.000 bits a character  coin",
        " 2.500 bits a character  count",
        " 2.004 bits a character  net  (new)",
    ]


@pytest.mark.parametrize(
    "scores", [{"net": 2.011}, {"net": 1.989}, {"net": 2.0, "other": 1.0}, {"other": 2.0}, {}]
)
def test_scores_that_are_not_the_recorded_ones_are_told(record, scores):
    with pytest.raises(ValueError, match=r"04_b is recorded with \{'net': 2.0\}"):
        metrics.leaderboard("04_b", scores)


def test_each_score_is_compared_and_one_that_is_gone_is_not_shown(record, capsys):
    metrics.leaderboard("05_c", {"x": 1.009, "y": 1.491})
    for scores in ({"x": 1, "y": 1.6}, {"x": 1.1, "y": 1.5}, {"y": 1.5}):
        capsys.readouterr()
        with pytest.raises(ValueError, match="05_c is recorded"):
            metrics.leaderboard("05_c", scores)
    assert "  x" not in capsys.readouterr().out


def test_a_lesson_without_a_record_is_told(record, capsys):
    with pytest.raises(ValueError, match=r"06_d is recorded with \{\}"):
        metrics.leaderboard("06_d", {"new": 0.5})
    assert "0.500 bits a character  new  (new)" in capsys.readouterr().out


# 流 and 楼 rhyme (ou), 家 and 花 too (a), 花 and 鱼 do not (a, ü), as a dictionary has it.
FIVES = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
SEVENS = "一二三四五六书，一二三四五六花。一二三四五六花，一二三四五六鱼。"
MIXED = "一二三四书，一二三四五六家。一二三四鱼，一二三四五六花。"
RAGGED = "一二三四书，一二三鱼。一二三四五书，一二三四家。"
THREE = "一二三四家，一二三四花。一二三四家。"
STRANGE = "一二三四流，一二三四□。一二三四流，一二三四楼。"


@pytest.mark.parametrize(
    ("poems", "shares"),
    [
        ([FIVES], (1, 1, 1)),
        ([SEVENS], (1, 1, 0)),
        ([FIVES, SEVENS], (1, 1, 1 / 2)),
        ([MIXED], (1, 0, 1)),
        ([RAGGED], (2 / 4, 0, 0)),
        ([THREE], (1, 0, math.nan)),
        ([STRANGE], (1, 1, math.nan)),
        ([FIVES.replace("楼", "□")], (1, 1, math.nan)),
        ([""], (0, 0, math.nan)),
        ([], (math.nan, math.nan, math.nan)),
        ([FIVES, THREE], (1, 1 / 2, 1)),
        ([FIVES + "\n", FIVES[:-1]], (1, 1, 1)),
        ([FIVES, SEVENS, MIXED, RAGGED, THREE, STRANGE], (21 / 23, 3 / 6, 2 / 4)),
    ],
)
def test_the_form_of_verse_is_known_of_small_poems(poems, shares, recwarn):
    assert metrics.verse_form(poems) == pytest.approx(shares, nan_ok=True)
    assert not recwarn.list


def test_a_line_of_verse_is_without_its_mark():
    lines = ["白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"]
    assert metrics.verse_lines(FIVES) == metrics.verse_lines(FIVES[:-1] + "。\n") == lines
    assert metrics.verse_lines("白，。日") == ["白", "", "日"]


def test_the_quatrains_have_the_form_that_their_loader_promises():
    lines, form, rhyme = metrics.verse_form([poem.text for poem in data.quatrains()["test"]])
    assert (lines, form) == (1, 1)
    assert 0.75 < rhyme < 0.82
