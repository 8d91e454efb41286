"""matplotlib, as a server uses it: a figure for each request, with texts. FreeType reads the fonts from
files of Python's, by a module made with pybind11, for each thread once.

The pictures of one number are the same whoever makes them.
"""

import io
import itertools
import os
import sys

from matplotlib.figure import Figure

from .views import Views

if "INTERVAL" in os.environ:
    sys.setswitchinterval(float(os.environ["INTERVAL"]))

# A file each, with all that is read from it.
FONTS = list(itertools.product(
    ["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"], ["normal", "bold"], ["normal", "italic"]))

application = Views()
pictures = {}


@application.view
def savefig(number):
    kind = number % 4
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([1, 2, 3], [1, kind, 2])
    axes.set_xticks([])
    axes.set_title(r"$\alpha_%d$" % kind)
    for line, (family, weight, style) in enumerate(FONTS):
        text = f"figure {kind}, line {line}"
        figure.text(0.1, line / 12, text, family=family, weight=weight, style=style)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    first = pictures.setdefault(kind, picture.getvalue())
    return None if picture.getvalue() == first else f"another picture of kind {kind}"
