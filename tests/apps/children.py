"""Children of a request, each begun in another way: what signals they block, ignore and handle."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time

from notes import plain

SAY = ["grep", "^Sig", "/proc/self/status"]
LIBRARY = ctypes.CDLL(os.environ["CHILDREN"])


def own():
    with open("/proc/self/status") as status:
        return "".join(line for line in status if line.startswith("Sig"))


def by_subprocess():
    return subprocess.check_output(SAY, text=True)


def by_subprocess_and_a_function():
    return subprocess.check_output(SAY, text=True, preexec_fn=lambda: None)


def through(begin):
    """What a child says that has the write end of a pipe as its output."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    begin(writer)
    os.close(writer)
    with open(reader) as said:
        return said.read()


def by_fork():
    def begin(writer):
        child = os.fork()
        if child == 0:
            os.write(writer, own().encode())
            os._exit(0)
        os.waitpid(child, 0)

    return through(begin)


def by_posix_spawn():
    def begin(writer):
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1)]
        child = os.posix_spawnp("grep", SAY, os.environ, file_actions=actions)
        os.waitpid(child, 0)

    return through(begin)


def by_system():
    return through(lambda writer: os.system(f"exec {' '.join(SAY)} > /dev/fd/{writer}"))


def by_popen():
    return os.popen("exec " + " ".join(SAY)).read()


def in_c(name):
    def view():
        def begin(writer):
            assert getattr(LIBRARY, name)(writer) == 0

        return through(begin)

    return view


by_vfork_in_c, by_fork_in_c, by_popen_in_c = map(in_c, ("by_vfork", "by_fork", "by_popen"))
by_vfork_and_a_wait_in_c = in_c("by_vfork_and_a_wait")


def by_multiprocessing(way):
    def view():
        with multiprocessing.get_context(way).Pool(1) as pool:
            said = pool.apply(own)
        # Which has ended its children by SIGTERM.
        pool.join()
        return said

    return view


by_multiprocessing_fork = by_multiprocessing("fork")
by_multiprocessing_spawn = by_multiprocessing("spawn")
by_multiprocessing_forkserver = by_multiprocessing("forkserver")


def terminated():
    """A child that waits ends by SIGTERM, and one by SIGHUP."""
    ends = []
    for end in (subprocess.Popen.terminate, lambda child: child.send_signal(1)):
        child = subprocess.Popen(["sleep", "60"])
        end(child)
        ends.append(child.wait())
    return str(ends)


# While the application is loaded, as an application does that has a use for it.
if "OWN_HANDLER" in os.environ:
    signal.signal(signal.SIGHUP, lambda number, frame: os._exit(42))


def own_handler_in_a_fork():
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGHUP)
        # Where handlers wait for the main thread's next step.
        time.sleep(10)
        os._exit(0)
    return "heard" if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42 else "not heard"


def exit_code():
    return str(subprocess.run(["sh", "-c", "exit 3"]).returncode)


def application(environ, start_response):
    sys.stdout.flush()
    view = globals()[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view())
