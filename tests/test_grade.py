"""Grading runs what was handed in, with the course's own checks."""

import csv

import grade
import nbformat
import pytest

RIGHT = "from aigc_lib import check\n\n\ndef f(a):\n    return a * (1 - a)\n\n\n"
CALL = "check.backprop.sigmoid_slope(f)"


def hand_in(folder, name, *cells):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    (folder / name).parent.mkdir(exist_ok=True)
    nbformat.write(nb, folder / name)


def test_each_notebook_is_run_again_and_judged(tmp_path, monkeypatch, capsys):
    hand_in(tmp_path, "anna/01.ipynb", RIGHT + CALL, "1 / 0")
    hand_in(tmp_path, "ben/01.ipynb", RIGHT.replace("1 - a", "1 + a") + CALL)
    hand_in(tmp_path, "cleo/01.ipynb", "import os\nos._exit(1)")
    (tmp_path / "torn.ipynb").write_text("{")
    monkeypatch.setattr("sys.argv", ["grade.py", str(tmp_path), "--seconds", "60"])
    grade.main()
    with open(tmp_path / "grades.csv", encoding="utf8") as file:
        rows = list(csv.reader(file))
    assert [row[:2] for row in rows[1:3]] == [
        ["anna/01.ipynb", "1 of 8"],
        ["ben/01.ipynb", "0 of 8"],
    ]
    assert "sigmoid_slope: wrong" in rows[2][2]
    assert "sigmoid_slope" not in rows[1][2]
    assert [row[2] for row in rows[3:]] == [
        "did not reach its end: DeadKernelError",
        "cannot be graded: NotJSONError",
    ]
    assert "anna/01.ipynb" in capsys.readouterr().out


def test_a_folder_without_notebooks_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["grade.py", str(tmp_path)])
    with pytest.raises(SystemExit):
        grade.main()
    assert "there is no notebook below" in capsys.readouterr().err
