"""Run the notebooks that a class handed in, and tell which exercises are done.

python tools/grade.py FOLDER [--seconds N]

Each notebook below FOLDER runs again from its first cell, with this course's own checks; a cell
gets N seconds (120). Prints a table, also as FOLDER/grades.csv. It runs students' code: use a
machine that you can spare.
"""

import argparse
import csv
import json
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
REPORT = "import json\nfrom aigc_lib.check.judge import board\nprint(json.dumps(board))"


def statuses(path: Path, seconds: int) -> dict[str, dict[str, str]]:
    """Return lesson -> exercise -> status, as the checks say when the notebook at `path` is run.

    Raises CellTimeoutError or DeadKernelError if it does not reach its end.
    """
    nb = nbformat.read(path, as_version=4)
    nb.cells.append(nbformat.v4.new_code_cell(REPORT))
    client = NotebookClient(
        nb,
        timeout=seconds,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": ROOT / "notebooks"}},
    )
    client.execute()
    return json.loads(nb.cells[-1].outputs[-1].text)


def row(path: Path, seconds: int) -> tuple[str, str]:
    """Return what to write beside a notebook: how many are done, and what the others are."""
    try:
        board = statuses(path, seconds)
    except (CellTimeoutError, DeadKernelError) as error:
        return "", f"did not reach its end: {type(error).__name__}"
    except Exception as error:  # a file that is no notebook, or one that broke the report
        return "", f"cannot be graded: {type(error).__name__}"
    found = {}
    for exercises in board.values():
        if set(exercises.values()) != {"not checked"}:
            found |= exercises
    done = sum(status == "ok" for status in found.values())
    return f"{done} of {len(found)}", ", ".join(f"{n}: {s}" for n, s in found.items() if s != "ok")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.rglob("*.ipynb"))
    if not paths:
        parser.error(f"there is no notebook below {arguments.folder}")
    rows = []
    for path in paths:
        name = path.relative_to(arguments.folder).as_posix()
        rows.append((name, *row(path, arguments.seconds)))
        print("{:40} {:8} {}".format(*rows[-1]), flush=True)
    with open(arguments.folder / "grades.csv", "w", newline="", encoding="utf8") as file:
        csv.writer(file).writerows([("file", "done", "not done"), *rows])


if __name__ == "__main__":
    main()
