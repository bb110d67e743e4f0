"""Make the models that tests/test_ngram.py compares ours with, by KenLM's lmplz.

`python tests/oracle/kenlm.py LMPLZ`, where LMPLZ is the program that KenLM's own CMake builds (the
source distribution of the Python package kenlm 0.3.0 has all it needs, with Boost and Eigen). A
text has a document to a line, its tokens apart by spaces; a model is what lmplz printed.

lmplz 0.3.0 uses the raw count of the last n-gram of each lower order, where the adjusted count is
meant, among the counts of counts (github.com/kpu/kenlm/issues/405). The last is made of the token
that is new last, so both texts end where such a token comes, once.
"""

import gzip
import subprocess
import sys
from pathlib import Path

from aigc_lib import data

HERE = Path(__file__).parent


def texts() -> dict[str, tuple[int, list[str]]]:
    """Return an order and lines: 572 names by character, the beginning of a play by word."""
    scene = [" ".join(line.split()) for line in data.shakespeare()["train"].splitlines()[:150]]
    return {
        "names": (4, [" ".join(name) for name in data.us_names()["train"][:572]]),
        "scene": (3, [line for line in scene if line]),
    }


def main(lmplz: str) -> None:
    """Write each text and its model."""
    for name, (order, lines) in texts().items():
        text = "".join(f"{line}\n" for line in lines).encode()
        command = [lmplz, "--order", str(order), "--discount_fallback"]
        arpa = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True).stdout
        (HERE / f"{name}.txt").write_bytes(text)
        (HERE / f"{name}.arpa.gz").write_bytes(gzip.compress(arpa, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
