"""Pictures of what the lessons compute: drawn with matplotlib, shown with a text alternative."""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display


def to_html(alt: str) -> str:
    """Return the current matplotlib figure as an HTML image that carries `alt`, and close it.

    `alt` says in one or two sentences what the picture shows. An HTML image keeps it in JupyterLab
    and in a page exported by nbconvert; a bare PNG output loses it in both.

    Raises ValueError if there is no open figure or `alt` says nothing.
    """
    if not plt.get_fignums():
        raise ValueError(
            "There is no open figure to show: draw one first, then show it in the same cell."
        )
    if not alt.strip():
        raise ValueError("A picture needs a text alternative: say in a sentence what it shows.")
    png = io.BytesIO()
    plt.savefig(png, format="png", dpi=90, bbox_inches="tight", facecolor="white")
    plt.close()
    data = base64.b64encode(png.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def show(alt: str) -> None:
    """Show the current matplotlib figure with its text alternative `alt`, and close it."""
    display({"text/html": to_html(alt), "text/plain": alt}, raw=True)
