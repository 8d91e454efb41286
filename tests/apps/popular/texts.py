"""Texts, times and digests."""

import hashlib

from .view import check, fails, library


@library
def re_of_python():
    import re

    def view(token, rest):
        def twice(match):
            rest()
            return match[0] * 2

        check(re.sub(r"\d+", twice, f"a{token}b{token}c"), f"a{token * 2}b{token * 2}c")

    return view


@library
def regex():
    import regex as expressions

    def view(token, rest):
        def twice(match):
            rest()
            return match[0] * 2

        text = f"a{token}b{token}c"
        check(expressions.sub(r"\p{N}+", twice, text), f"a{token * 2}b{token * 2}c")
        # Without the GIL.
        found = expressions.findall(r"(?:\p{N}+){e<=1}c", text * 50, concurrent=True)
        check(all(token in part for part in found) and len(found) == 50, True)

    return view


@library
def rapidfuzz():
    from rapidfuzz import distance, fuzz, process

    def view(token, rest):
        def plain(text):
            rest()
            return text.lower()

        choices = [f"X{number}" for number in range(10)] + [f"Y{token}"]
        check(process.extractOne(f"y{token}", choices, processor=plain, scorer=fuzz.ratio),
              (f"Y{token}", 100.0, 10))
        rest()
        check(distance.Levenshtein.distance(token, token + "abc"), 3)

    return view


@library
def tokenizers():
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    def view(token, rest):
        def texts():
            for _ in range(8):
                rest()
                yield f"one w{token} two"

        tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(special_tokens=["[UNK]"], show_progress=False)
        tokenizer.train_from_iterator(texts(), trainer)
        rest()
        [coded, unknown] = tokenizer.encode_batch([f"two w{token}", "three"])
        check((coded.tokens, unknown.tokens), (["two", f"w{token}"], ["[UNK]"]))

    return view


@library
def digests():
    def view(token, rest):
        digest = hashlib.sha256()
        for _ in range(4):
            digest.update(token.encode() * 4096)  # longer than what it does with the GIL
            rest()
        check(digest.digest(), hashlib.sha256(token.encode() * 4 * 4096).digest())
        fails(ValueError, hashlib.new, f"no-{token}")  # OpenSSL keeps an error queue

    return view


@library
def xxhash():
    import xxhash as hashes

    def view(token, rest):
        digest = hashes.xxh3_128(seed=int(token))
        for _ in range(4):
            digest.update(token.encode() * 4096)
            rest()
        check(digest.digest(), hashes.xxh3_128_digest(token.encode() * 4 * 4096, seed=int(token)))

    return view


@library
def mmh3():
    import mmh3 as hashes

    def view(token, rest):
        digest = hashes.mmh3_x64_128(seed=7)
        for _ in range(4):
            digest.update(token.encode() * 4096)
            rest()
        check(digest.digest(), hashes.hash_bytes(token.encode() * 4 * 4096, 7))

    return view


@library
def blake3():
    from blake3 import blake3 as hashed

    def view(token, rest):
        content = token.encode() * 4 * 40_000
        digest = hashed(max_threads=hashed.AUTO)  # rayon's
        for part in range(4):
            digest.update(content[part::4])
            rest()
        alone = hashed(b"".join(content[part::4] for part in range(4))).digest()
        check(digest.digest(), alone)

    return view


@library
def ciso8601():
    import datetime

    import ciso8601 as times

    def view(token, rest):
        moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) + \
            datetime.timedelta(seconds=int(token))
        rest()
        check(times.parse_datetime(moment.isoformat()), moment)

    return view


@library
def zoneinfo():
    import datetime
    import zoneinfo

    winter = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc)
    zoneinfo.ZoneInfo("Europe/Berlin")

    def view(token, rest):
        zone = zoneinfo.ZoneInfo.no_cache("Europe/Berlin")
        rest()
        here = (winter + datetime.timedelta(seconds=int(token) % 3600)).astimezone(zone)
        check((here.hour, here.utcoffset()), (13, datetime.timedelta(hours=1)))

    return view


@library
def decimal():
    import decimal

    def view(token, rest):
        digits = 5 + int(token) % 40
        with decimal.localcontext() as context:
            context.prec = digits
            for _ in range(4):
                rest()
                third = decimal.Decimal(1) / 3
                check(str(third), "0." + "3" * digits)
        check(decimal.getcontext().prec, 28)

    return view
