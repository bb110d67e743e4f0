"""Things to touch: controls above a picture. Where no kernel runs, the picture alone remains."""

from collections.abc import Callable

import ipywidgets
import matplotlib.pyplot as plt

from aigc_lib import plot


class Explorer:
    """Controls above a picture that is drawn anew whenever one of them moves.

    `draw(ax, **values)` draws on a matplotlib `Axes`, given the value of each control by name, and
    returns the picture's text alternative. Only what ipywidgets 7.7 and 8 share is used, and the
    picture is an `HTML` widget, so that the same lesson runs in JupyterLab and in Colab.
    """

    def __init__(
        self,
        draw: Callable[..., str],
        figsize: tuple[float, float],
        **controls: ipywidgets.Widget,
    ):
        self.draw, self.figsize, self.controls = draw, figsize, controls
        self.picture = ipywidgets.HTML()
        self.box = ipywidgets.VBox([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self.redraw, names="value")
        self.redraw()

    def redraw(self, change=None) -> None:
        """Draw the picture from the present values of the controls."""
        _, ax = plt.subplots(figsize=self.figsize)
        self.alt = self.draw(ax, **{name: control.value for name, control in self.controls.items()})
        self.picture.value = plot.to_html(self.alt)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": self.picture.value,
            "text/plain": self.alt,
        }
