"""The register of the views."""

VIEWS = {}


def view(function, name=None, about="plain"):
    VIEWS[name or function.__name__, about] = function
    return function
