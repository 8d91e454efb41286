"""The command `unicoro`: has this interpreter start once more, in the same process, with the engine
preloaded, because its calls must stand before libc's where the dynamic linker looks. The library hides
itself from LD_PRELOAD then, so children do not get it.
"""

import os
import signal
import sys

# "asked PID": by us. "done PID": the library was preloaded (wheel/src/preload.rs).
STATE = "UNICORO_PRELOAD"
# pyproject.toml says the same.
FIRST, LAST = (3, 10), (3, 14)


def main():
    # Before more is imported: until the server listens, Ctrl-C ends the process and says nothing. A
    # disposition that somebody has chosen, such as that of a script's `&`, is left alone. Not where this
    # module is imported: multiprocessing runs the script anew in its children, which are not the server.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    state = os.environ.pop(STATE, "")
    if state == f"done {os.getpid()}":
        serve()
    elif state == f"asked {os.getpid()}":
        sys.exit(
            f"unicoro: the dynamic linker does not preload the engine into {os.path.realpath(sys.executable)}: "
            "it does not for programs with capabilities or a set-user-ID bit; use an interpreter without"
        )
    else:
        begin_again()


def serve():
    from unicoro import _engine

    # Where the script lies, or the current directory: no place of the application's modules. What the
    # application is to find is in the settings (chdir, pythonpath).
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        del sys.path[0]
    _engine.run()


def begin_again():
    engine = find_engine()
    try:
        # Not a wrapper, which the interpreter may have been started by.
        program = os.readlink("/proc/self/exe")
    except OSError as error:
        sys.exit(f"unicoro: /proc/self/exe cannot be read ({error.strerror}): it takes /proc to be mounted")
    others = os.environ.get("LD_PRELOAD")
    os.environ["LD_PRELOAD"] = ":".join(filter(None, [preloadable(engine), others]))
    os.environ[STATE] = f"asked {os.getpid()}"
    os.execv(program, [sys.executable, *sys.orig_argv[1:]])


def find_engine():
    import importlib.util
    import platform

    spec = importlib.util.find_spec("unicoro._engine")
    if spec is not None and spec.origin is not None:
        return spec.origin
    version = name(sys.version_info[:2])
    served = f"CPython {name(FIRST)} to {name(LAST)}"
    if sys.implementation.name != "cpython" or not FIRST <= sys.version_info[:2] <= LAST:
        kind = platform.python_implementation()
        sys.exit(f"unicoro: it serves {served}, and {sys.executable} is {kind} {version}")
    if "t" in sys.abiflags:
        sys.exit(f"unicoro: it serves {served} with a GIL, and {sys.executable} is free-threaded")
    sys.exit(f"unicoro: it was not installed for CPython {version}: {sys.executable} -m pip install unicoro")


def name(version):
    return ".".join(map(str, version))


def preloadable(path):
    """The path, or another to the same file: LD_PRELOAD cannot say blanks, colons and dollars."""
    if not set(path) & set(" :$"):
        return path
    number = os.open(path, os.O_RDONLY)
    os.set_inheritable(number, True)
    return f"/proc/self/fd/{number}"
