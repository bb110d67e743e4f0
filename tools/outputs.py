"""What a run of a notebook shows, against what the saved notebook shows.

Shared by the two places where every lesson must run, Colab (tools/colab.py) and JupyterLab in a
browser (tests/test_browser.py), and by what saves notebooks. Texts are left to nbval.
"""

import html
import re

WIDGET = "application/vnd.jupyter.widget-view+json"


def is_bar(output) -> bool:
    """Say whether an output is tqdm's progress bar, which is of no use once a cell has run."""
    data = output.get("data", {})
    return WIDGET in data and re.match(r"\s*\d+%\|", data.get("text/plain", "")) is not None


def pictures(cell) -> list[str]:
    """Return the text alternative of each picture in the outputs of `cell`, in order."""
    pages = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    return [html.unescape(alt) for alt in re.findall(r'<img\b[^>]*?\balt="([^"]*)"', pages)]


def widgets(cell) -> list[str]:
    """Return the model id of each widget in the outputs of `cell`, in order."""
    bundles = [output.get("data", {}) for output in cell.outputs if not is_bar(output)]
    return [bundle[WIDGET]["model_id"] for bundle in bundles if WIDGET in bundle]


def alarms(cell) -> list[str]:
    """Return each exception and each warning (text on stderr) in the outputs of `cell`."""
    errors = [f"{o.ename}: {o.evalue}" for o in cell.outputs if o.output_type == "error"]
    return errors + [o.text for o in cell.outputs if o.get("name") == "stderr"]


def difference(saved, ran) -> str:
    """Return how the outputs of the cell `ran` fall short of those `saved`, or an empty string.

    A cell whose outputs nbval does not compare may word its text alternatives anew.
    """
    if len(alarms(ran)) > len(alarms(saved)):
        return f"shows {alarms(ran)[-1].strip().splitlines()[0]!r}"
    if len(widgets(ran)) != len(widgets(saved)):
        return f"shows {len(widgets(ran))} widgets instead of {len(widgets(saved))}"
    if len(pictures(ran)) != len(pictures(saved)):
        return f"shows {len(pictures(ran))} pictures instead of {len(pictures(saved))}"
    compared = "nbval-ignore-output" not in saved.metadata.get("tags", [])
    if compared and pictures(ran) != pictures(saved):
        return f"shows pictures of {pictures(ran)} instead of {pictures(saved)}"
    return ""


def differences(saved, ran) -> list[str]:
    """Return one line for each cell of the notebook `ran` that falls short of `saved`."""
    pairs = zip(saved.cells, ran.cells, strict=False)  # a run may append cells of its own
    found = [
        (number, difference(*pair))
        for number, pair in enumerate(pairs, 1)
        if pair[0].cell_type == "code"
    ]
    return [f"cell {number} {what}" for number, what in found if what]
