"""What benches/beside_computing asks for: a light view, and those that compute in C or Python."""

import functools
import json
import random
import sqlite3
import time
import zlib


def light():
    time.sleep(0.002)


@functools.cache
def login_of_django():
    from django.conf import settings
    from django.contrib.auth import hashers

    settings.configure()
    stored = hashers.make_password("secret")  # PBKDF2 with the default number of rounds
    return lambda: hashers.check_password("secret", stored)


@functools.cache
def picture():
    from PIL import Image

    image = Image.effect_noise((4000, 3000), 50).convert("RGB")
    return lambda: image.resize((2000, 1500), Image.Resampling.LANCZOS)


@functools.cache
def text():
    chance = random.Random(1)
    words = [b"%d " % chance.randrange(10_000) for _ in range(2_000_000)]
    return b"".join(words)[:8 << 20]


@functools.cache
def numbers():
    import numpy

    values = numpy.random.default_rng(1).random(6_000_000)
    return lambda: numpy.sort(values)


@functools.cache
def bcrypt_hash():
    import bcrypt

    stored = bcrypt.hashpw(b"secret", bcrypt.gensalt(12))
    return lambda: bcrypt.checkpw(b"secret", stored)


@functools.cache
def argon2_hash():
    import argon2

    hasher = argon2.PasswordHasher()
    stored = hasher.hash("secret")
    return lambda: hasher.verify(stored, "secret")


def query():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("""
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000000)
            select sum(i) from n""").fetchone()
    connection.close()


def loop():
    total = 0
    for number in range(20_000_000):
        total += number


VIEWS = {
    "light": light,
    "login": lambda: login_of_django()(),
    "pillow": lambda: picture()(),
    "zlib": lambda: zlib.compress(text(), 9),
    "sqlite": query,
    "numpy": lambda: numbers()(),
    "bcrypt": lambda: bcrypt_hash()(),
    "argon2": lambda: argon2_hash()(),
    "python": loop,
}


def application(environ, start_response):
    name = environ["PATH_INFO"].lstrip("/")
    if name:
        VIEWS[name]()
    body = json.dumps({"view": name}).encode()
    start_response("200 OK", [("Content-Type", "application/json"),
                              ("Content-Length", str(len(body)))])
    return [body]
