"""Sleeping, OS threads and pools of them, event loops."""

import asyncio
import concurrent.futures
import ctypes
import threading
import time

from .view import slow, upstream, view


@view
def time_sleep(token, seconds):
    time.sleep(seconds)
    return token


@view
def raw_futex(token, seconds):
    # FUTEX_WAIT, for a value that nobody changes.
    word, time_out = ctypes.c_uint32(0), (ctypes.c_long * 2)(*divmod(int(seconds * 1e9), 10**9))
    ctypes.CDLL(None).syscall(202, ctypes.byref(word), 0, 0, ctypes.byref(time_out))
    return token


@view
def hidden_sleep(token, seconds):
    # As a library might that nobody knows: nanosleep, by its number.
    time_to_sleep = (ctypes.c_long * 2)(*divmod(int(seconds * 1e9), 10**9))
    ctypes.CDLL(None).syscall(35, ctypes.byref(time_to_sleep), None)
    return token


@view
def computes(token, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return token


@view
def thread_join(token, seconds):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(slow(token, seconds)))
    thread.start()
    thread.join()
    return answers[0]


@view
def thread_pool(token, seconds):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(slow, [token, token], [seconds, seconds]))
    return answers[0] if answers[0] == answers[1] else "mixed up"


@view
def asyncio_sleep(token, seconds):
    return asyncio.run(asyncio.sleep(seconds, token))


@view
def asyncio_streams(token, seconds):
    async def fetch():
        reader, writer = await asyncio.open_connection(*upstream())
        writer.write(f"GET /?token={token}&for={seconds} HTTP/1.0\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n\r\n")[2].decode()

    return asyncio.run(fetch())


@view
def asyncio_to_thread(token, seconds):
    return asyncio.run(asyncio.to_thread(slow, token, seconds))


@view
def asyncio_subprocess(token, seconds):
    async def run():
        command = f"sleep {seconds}; echo {token}"
        child = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
        return (await child.communicate())[0].decode().strip()

    return asyncio.run(run())
