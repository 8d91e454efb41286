"""The two ends of a FIFO, opened by two requests: by os.open, by io.open, or by fopen in C."""

import ctypes
import os

from notes import note, plain

libc = ctypes.CDLL(None, use_errno=True)
libc.fopen.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
libc.fileno.argtypes = [ctypes.c_void_p]


def path_of(name):
    path = os.path.join(os.environ["SCRATCH"], name)
    if not os.path.exists(path):
        os.mkfifo(path)
    return path


def read_os(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 100).decode()
    finally:
        os.close(fd)


def write_os(path):
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b"through")
    os.close(fd)


def read_io(path):
    with open(path) as file:
        return file.read()


def write_io(path):
    with open(path, "w") as file:
        file.write("through")


def read_c(path):
    file = libc.fopen(path.encode(), b"r")
    # Not by fgets: what glibc's streams read waits in glibc.
    text = os.read(libc.fileno(file), 100).decode()
    libc.fclose(file)
    return text


def write_c(path):
    file = libc.fopen(path.encode(), b"w")
    os.write(libc.fileno(file), b"through")
    libc.fclose(file)


def application(environ, start_response):
    view = environ["PATH_INFO"].lstrip("/")
    if view == "hello":
        return plain(start_response, "hello")
    path = path_of(environ["QUERY_STRING"])
    note(f"{view} {environ['QUERY_STRING']}")
    return plain(start_response, globals()[view](path) or "written")
