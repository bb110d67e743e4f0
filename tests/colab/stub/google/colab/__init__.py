"""Stands in for Colab's own package: a kernel loads it as it starts, and that is all it does."""


def load_ipython_extension(shell) -> None:
    """Accept being loaded, as IPython asks of an extension."""
