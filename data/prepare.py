"""Make every data file of the course, and the list of them: run `python data/prepare.py`.

Needs the course's environment. A dataset that the course ships is built here from its registry
package; one that comes with a dependency is only hashed. Writes `files.json` and the table in
README.md.
"""

import hashlib
import importlib.util
import json
from pathlib import Path

HERE = Path(__file__).parent

# What the course says of each dataset; `file` starts with the package's name where it has one.
DATASETS = {
    "digits": {
        "file": "sklearn/datasets/data/digits.csv.gz",
        "package": "scikit-learn",
        "content": "1,797 handwritten digits, 8x8 grey, by 13 writers",
        "source": "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998 (its test set)",
        "licence": "CC BY 4.0, inside scikit-learn (BSD-3-Clause)",
        "lessons": ["01_backprop"],
        "restore": "python -m pip install --force-reinstall --no-deps scikit-learn",
    },
}


def describe(entry: dict) -> dict:
    """Return `entry` with the size and the sha256 of its file."""
    package, _, inside = entry["file"].partition("/")
    file = Path(importlib.util.find_spec(package).origin).parent / inside
    content = file.read_bytes()
    return {**entry, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def table(files: dict[str, dict]) -> str:
    """Return the Markdown table of all datasets."""
    rows = [
        "| name | content | file | bytes | licence | source | lessons | sha256 |",
        "|" + " --- |" * 8,
    ]
    for name, entry in files.items():
        where = f"`{entry['file']}`" + (f" in {entry['package']}" if "package" in entry else "")
        lessons = ", ".join(entry["lessons"])
        rows.append(
            f"| `{name}` | {entry['content']} | {where} | {entry['bytes']:,} | {entry['licence']} "
            f"| {entry['source']} | {lessons} | `{entry['sha256']}` |"
        )
    return "\n".join(rows) + "\n"


def main() -> None:
    files = {name: describe(entry) for name, entry in DATASETS.items()}
    text = json.dumps(files, indent=2, ensure_ascii=False) + "\n"
    (HERE / "files.json").write_text(text, encoding="utf8")
    readme = HERE / "README.md"
    prose = readme.read_text(encoding="utf8").partition("| name |")[0]
    readme.write_text(prose + table(files), encoding="utf8")


if __name__ == "__main__":
    main()
