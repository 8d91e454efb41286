#!/usr/bin/env python3
"""What the command says where it cannot serve: `refusals.py PYTHON`, of an environment that holds a copy of
the interpreter and the wheel. The environment is of no use afterwards."""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

NOBODY = 65534


def said(*command, **more):
    """Exit code and standard error."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    return ended.returncode, ended.stderr


def not_preloaded(python):
    code, text = said(python, "-c", "from unicoro import _engine; _engine.run()")
    assert code == 1 and text.startswith("unicoro: the engine is not preloaded: start it as `unicoro`"), text


def interrupted(python):
    """Ctrl-C in the moment before the interpreter is started once more."""
    code, text = said(
        python,
        "-c",
        "import os, signal, unicoro._command as command\n"
        "os.execv = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "command.main()",
    )
    assert (code, text) == (-signal.SIGINT, ""), (code, text)


def children_keep_their_interrupts(python):
    """multiprocessing runs the script anew in the children that it spawns: they are not the server."""
    script = os.path.join(os.path.dirname(python), "unicoro")
    code, text = said(
        python,
        "-c",
        "import runpy, signal, sys\n"
        f"runpy.run_path({script!r}, run_name='__mp_main__')\n"
        "import unicoro.__main__\n"
        "sys.exit(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)",
        # As a terminal starts it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (code, text) == (0, ""), (code, text)


def version(python):
    script = "import unicoro; print(unicoro.__version__, *unicoro.version_info)"
    ended = subprocess.run([python, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    text, *numbers = ended.stdout.split()
    assert re.findall(r"\d+", text)[:3] == numbers, ended.stdout
    gone = f"d=$(mktemp -d); cd $d; rmdir $d; exec '{python}' -m unicoro --version"
    ended = subprocess.run(["bash", "-c", gone], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0 and text in ended.stdout, ended


def another_environment(python):
    """As pipx has it: the server in one environment, the application in another, which is activated."""
    with tempfile.TemporaryDirectory() as other:
        open(os.path.join(other, "pyvenv.cfg"), "w").close()
        command = [python, "-m", "unicoro", "--bind", "127.0.0.1:0", "no_such_module"]
        more = {"env": {**os.environ, "VIRTUAL_ENV": other}, "cwd": other}
        code, text = said(*command, **more)
        assert code == 3 and f"{other}, which is activated, is another one: install unicoro there" in text, text
        os.mkdir(os.path.join(other, "bin"))
        open(os.path.join(other, "bin/unicoro"), "w").close()
        code, text = said(*command, **more)
        assert code == 3 and f"another one: start {other}/bin/unicoro if" in text, text


def without_proc(python):
    if os.getuid() or not shutil.which("unshare"):
        return "not tried: it takes root and unshare"
    there = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    if said(*there, "true")[0]:
        return "not tried: nothing can be mounted here"
    code, text = said(*there, python, "-m", "unicoro", "--version")
    assert code == 1 and "it takes /proc to be mounted" in text and "Traceback" not in text, text
    return "refused"


def other_pythons(python):
    """Those that it does not serve find the package where somebody has put it on their path."""
    home = os.path.dirname(os.path.dirname(python))
    (package,) = glob.glob(os.path.join(home, "lib/python3*/site-packages"))
    with open(os.path.join(os.path.dirname(__file__), "../../pyproject.toml")) as file:
        first, behind = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', file.read()).groups()
    served = f"it serves CPython 3.{first} to 3.{int(behind) - 1}"
    pythons = glob.glob(os.path.expanduser("~/.pyenv/versions/3.[89].*/bin/python3"))
    for other in pythons:
        code, text = said(other, "-m", "unicoro", "--version", env={**os.environ, "PYTHONPATH": package})
        assert code == 1 and served in text and "pip install" not in text, text
    return f"{len(pythons)} tried"


def capabilities(python):
    """The dynamic linker preloads nothing into a program that has more rights than who starts it."""
    if os.getuid() or not shutil.which("setcap"):
        return "not tried: it takes root and setcap"
    subprocess.run(["setcap", "cap_net_bind_service=ep", python], check=True)
    drop = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    try:
        if said(python, "-c", "import unicoro", **drop)[0]:
            return "not tried: nobody cannot run this interpreter"
    except PermissionError:
        return "not tried: nobody cannot run this interpreter"
    code, text = said(python, "-m", "unicoro", "--version", **drop)
    assert code == 1 and "does not preload the engine into" in text and "capabilities" in text, text
    subprocess.run(["setcap", "-r", python], check=True)
    return "refused"


def closed_to_its_user(python):
    """Root starts the server, whose workers become somebody who may not enter the environment."""
    if os.getuid():
        return "not tried: it takes root"
    home = os.path.dirname(os.path.dirname(python))
    os.chmod(home, 0o700)
    command = [python, "-m", "unicoro", "--user", "nobody", "--bind", "127.0.0.1:0", "no_such_module"]
    code, text = said(*command)
    os.chmod(home, 0o755)
    assert code == 1 and "may not enter" in text and "where Python's" in text, (code, text)
    assert "cannot be printed" not in text, text
    return "refused"


def another_minor_version(python):
    engines = glob.glob(os.path.join(os.path.dirname(python), "../lib/python3*/site-packages/unicoro/_engine.*.so"))
    assert len(engines) == 1, engines
    os.rename(engines[0], engines[0].replace(".cpython-3", ".cpython-2"))
    code, text = said(python, "-m", "unicoro", "--version")
    version = ".".join(map(str, sys.version_info[:2]))
    assert code == 1 and f"not installed for CPython {version}: {python} -m pip install unicoro" in text, text


def main(python):
    not_preloaded(python)
    interrupted(python)
    children_keep_their_interrupts(python)
    version(python)
    another_environment(python)
    print("-- a system without /proc:", without_proc(python))
    print("-- interpreters that it does not serve:", other_pythons(python))
    print("-- an interpreter with capabilities:", capabilities(python))
    print("-- an environment that the server's user may not enter:", closed_to_its_user(python))
    another_minor_version(python)
    print("-- refusals are as they should be", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
