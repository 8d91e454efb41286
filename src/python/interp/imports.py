"""Changes modules once they have run, whoever imports them and whenever. Run by imports.rs, which
provides ``note``.
"""

import sys


class Finder:
    """An entry of ``sys.meta_path``. Finds nothing by itself: it sees to it that what others find is
    changed once it has run. ``change_of(name)`` is called with the module then; None: it stays as it
    is. It is never taken out again: a thread that goes through the list would miss the next one.
    """

    def __init__(self, change_of):
        self.change_of = change_of

    def find_spec(self, name, path=None, target=None):
        change = self.change_of(name)
        if not change:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find and finder is not self else None
            if spec is not None:
                break
        else:
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            # A zip file's loader is shared by its modules. And asked before: gevent's modules take
            # the names of those that Cython made of them.
            is_meant = module.__name__ == name
            run(module)
            if is_meant:
                change(module)

        try:
            spec.loader.exec_module = exec_module
        except (AttributeError, TypeError):
            note(f"{name} cannot be adapted: {type(spec.loader).__name__} loads it")  # noqa: F821
        return spec
