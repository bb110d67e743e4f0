"""The one command for those who edit notebooks.

python tools/notebooks.py run [NAME ...]   run notebooks from a fresh kernel, save their outputs
python tools/notebooks.py address          write the address in pyproject.toml wherever it stands
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from outputs import WIDGET as WIDGET_VIEW
from outputs import is_bar

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
GITHUB = r"https://github\.com/([\w-]+/[\w.-]*[\w-])"
CLONED = re.compile(rf"git clone .*?{GITHUB}")


def address(root: Path = ROOT) -> str:
    """Return the course's address, which has one source: `[project.urls] Source`.

    Raises ValueError if it is not a repository on GitHub.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    source = project["urls"]["Source"]
    found = source.rstrip("/").removesuffix(".git")  # what git names its folder by
    if not re.fullmatch(GITHUB, found):
        raise ValueError(
            f"pyproject.toml's Source is {source!r}: write it as "
            "https://github.com/OWNER/REPOSITORY (Colab opens notebooks from GitHub only)."
        )
    return found


def setup_cell(address: str) -> str:
    """Return the first code cell of every lesson of the course at `address`."""
    folder = address.split("/")[-1]
    return f"""\
import importlib, os, sys

if "google.colab" in sys.modules and not os.path.isdir("{folder}"):
    !git clone --quiet --depth 1 {address}
sys.path += [os.path.abspath(p) for p in ("..", "{folder}")]
device = importlib.import_module("aigc_lib.lesson").start(seed=0)"""


def launch_link(address: str, name: str) -> str:
    """Return the link in a lesson's first cell that opens the notebook `name` in Colab."""
    github = f"https://colab.research.google.com/github/{slug(address)}"
    return f"[Open in Colab]({github}/blob/main/notebooks/{name})"


def clean(nb: nbformat.NotebookNode) -> None:
    """Take out of `nb` whatever differs from one run, or one editor, to the next."""
    nb.metadata = nbformat.from_dict(METADATA)
    for cell in nb.cells:
        cell.metadata = {key: cell.metadata[key] for key in cell.metadata if key == "tags"}
        if cell.cell_type == "code" and not cell.source.strip():
            cell.update(execution_count=None, outputs=[])
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_bar(output)]
        for number, output in enumerate(cell.get("outputs", [])):
            if WIDGET_VIEW in output.get("data", {}):
                output.data[WIDGET_VIEW]["model_id"] = f"{cell.id}-{number}"


def save(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8", newline="\n")
    new.replace(path)


def reason(error: CellExecutionError | DeadKernelError) -> str:
    """Return in one line why a cell failed."""
    if isinstance(error, DeadKernelError):
        return "the kernel died"
    return f"{error.ename}: {error.evalue}".partition("\n")[0]


def run(path: Path) -> None:
    """Run the notebook at `path` in a fresh kernel, in its folder, and save its outputs.

    Raises RuntimeError, and leaves the file as it was, if a cell fails.
    """
    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(
        nb,
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--log-level=ERROR"],  # else it warns that it listens on this machine
    )
    with client.setup_kernel():
        for index, cell in enumerate(nb.cells):
            try:
                client.execute_cell(cell, index)
            except (CellExecutionError, DeadKernelError) as error:
                raise RuntimeError(
                    f"{path.name}, cell [{client.code_cells_executed}]: {reason(error)} "
                    "(the file is as it was: mend the cell and run again)"
                ) from error
    clean(nb)
    save(path, nbformat.writes(nb) + "\n")


def slug(address: str) -> str:
    """Return the owner/repository of the GitHub address `address`."""
    return address.removeprefix("https://github.com/")


def readdress(text: str, old: set[str], here: str) -> str:
    """Return `text` with each owner/repository in `old`, and `cd repository`, as in `here`."""
    for name in old:
        repository = re.escape(name.split("/")[1])
        text = re.sub(rf"/{re.escape(name)}(?![\w-])", f"/{slug(here)}", text)
        text = re.sub(rf"\bcd {repository}(?![\w-])", f"cd {slug(here).split('/')[1]}", text)
    return text


def readdress_notebook(text: str, old: set[str], here: str) -> str:
    """Return the notebook `text` with its setup cell and its links made for the address `here`."""
    nb = nbformat.reads(text, as_version=4)
    before = [cell.source for cell in nb.cells]
    for cell in nb.cells:
        cell.source = readdress(cell.source, old, here)
    setup = next(cell for cell in nb.cells if cell.cell_type == "code")
    if CLONED.search(setup.source):
        setup.source = setup_cell(here)
    unchanged = before == [cell.source for cell in nb.cells]
    return text if unchanged else nbformat.writes(nb) + "\n"


def misaddressed(root: Path = ROOT) -> dict[Path, str]:
    """Return each file that does not say the address in pyproject.toml, with what it should say.

    Which links are the course's own? The first `git clone` in the README and in each notebook (its
    setup cell) names the address that the file was written for.
    """
    here = address(root)
    pages = {path: path.read_text("utf-8") for path in root.glob("*.md")}
    notebooks = {path: path.read_text("utf-8") for path in root.glob("notebooks/*.ipynb")}
    clones = [pages.get(root / "README.md", ""), *notebooks.values()]
    old = {found[1].removesuffix(".git") for found in map(CLONED.search, clones) if found}
    wanted = {path: readdress(text, old, here) for path, text in pages.items()}
    wanted |= {path: readdress_notebook(text, old, here) for path, text in notebooks.items()}
    return {path: text for path, text in wanted.items() if text != (pages | notebooks)[path]}


def chosen(names: list[str]) -> list[Path]:
    """Return the notebooks called `names`, or all; exit with a sentence if one is unknown."""
    known = {path.stem: path for path in sorted(ROOT.glob("notebooks/*.ipynb"))}
    for name in names:
        if name not in known:
            sys.exit(f"No notebook is called {name!r}: choose among {', '.join(known)}.")
    return [known[name] for name in names or known]


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="run notebooks from a fresh kernel, save outputs")
    runner.add_argument("names", nargs="*", metavar="NAME", help="such as 01_backprop; else all")
    commands.add_parser("address", help="write the address in pyproject.toml wherever it stands")
    asked = parser.parse_args()
    if asked.command == "address":
        try:
            wanted = misaddressed()
        except ValueError as error:
            sys.exit(str(error))
        for path, text in wanted.items():
            save(path, text)
            print(f"{path.relative_to(ROOT)} now says {address()}")
    else:
        for path in chosen(asked.names):
            try:
                run(path)
            except RuntimeError as error:
                sys.exit(str(error))
            print(f"{path.name} ran and is saved")


if __name__ == "__main__":
    main()
