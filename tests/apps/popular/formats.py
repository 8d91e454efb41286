"""Documents to bytes and back: codecs that ask Python about what they do not know."""

import io

from .view import (SlowFile, SlowPipe, SlowText, SlowWriter, check, document, fails, known, library,
                   with_things)


@library
def json_of_python():
    import json

    def view(token, rest):
        plain, things = with_things(token)
        check(json.loads(json.dumps(things, default=known(rest))), plain)

        def pairs(found):
            rest()
            return dict(found)

        whole = document(token)
        check(json.loads(json.dumps(whole), object_pairs_hook=pairs), whole)
        wrong = fails(json.JSONDecodeError, json.loads, " " * (int(token) % 50) + "?")
        check(f"char {int(token) % 50})" in wrong, True)

    return view


@library
def csv():
    import csv

    def view(token, rest):
        rows = [[token, f"{number},{token}", '"'] for number in range(20)]
        file = io.StringIO()
        csv.writer(file).writerows(rows)

        def lines():
            for line in file.getvalue().splitlines(True):
                rest()
                yield line

        check(list(csv.reader(lines())), rows)

    return view


@library
def pickle():
    import pickle

    class Slow:
        def __init__(self, token, rest):
            self.token, self.rest = token, rest

        def __reduce__(self):
            self.rest()
            return str, (self.token,)

    def view(token, rest):
        file = SlowFile(pickle.dumps([Slow(token, rest) for _ in range(4)]), rest)
        check(pickle.load(file), [token] * 4)

    return view


@library
def orjson():
    import orjson as codec

    def view(token, rest):
        plain, things = with_things(token)
        check(codec.loads(codec.dumps(things, default=known(rest))), plain)
        check(codec.loads(codec.dumps(document(token))), document(token))
        fails(codec.JSONDecodeError, codec.loads, f"[{token}")

    return view


@library
def ujson():
    import ujson as codec

    def view(token, rest):
        plain, things = with_things(token)
        check(codec.loads(codec.dumps(things, default=known(rest))), plain)
        check(codec.loads(codec.dumps(document(token))), document(token))

    return view


@library
def simplejson():
    import simplejson as codec

    def view(token, rest):
        plain, things = with_things(token)
        check(codec.loads(codec.dumps(things, default=known(rest))), plain)

        def hook(found):
            rest()
            return found

        whole = document(token)
        check(codec.loads(codec.dumps(whole), object_hook=hook), whole)

    return view


@library
def rapidjson():
    import rapidjson as codec

    def view(token, rest):
        plain, things = with_things(token)
        check(codec.loads(codec.dumps(things, default=known(rest))), plain)
        file = SlowWriter(rest)
        codec.dump(document(token), file, chunk_size=64)
        check(codec.load(SlowPipe(file.getvalue(), rest), chunk_size=64), document(token))

    return view


@library
def msgspec():
    import msgspec as codec

    def view(token, rest):
        plain, things = with_things(token)
        coded = codec.msgpack.encode(things, enc_hook=known(rest))
        check(codec.msgpack.decode(coded), plain)

        def hook(wanted, found):
            rest()
            return complex(found, 0)

        numbers = codec.json.decode(f"[{token}, {token}]", type=list[complex], dec_hook=hook)
        check(numbers, [complex(int(token), 0)] * 2)

    return view


@library
def msgpack():
    import msgpack as codec

    def view(token, rest):
        def extended(thing):
            rest()
            return codec.ExtType(7, thing.token.encode())

        def hook(code, found):
            rest()
            return found.decode()

        plain, things = with_things(token)
        coded = codec.packb(things, default=extended) * 2
        unpacker = codec.Unpacker(SlowPipe(coded, rest), ext_hook=hook)
        check(list(unpacker), [plain] * 2)

    return view


@library
def cbor2():
    import cbor2 as codec

    def view(token, rest):
        def default(encoder, thing):
            rest()
            encoder.encode(thing.token)

        plain, things = with_things(token)
        file = SlowFile(codec.dumps(things, default=default), rest)
        check(codec.load(file), plain)

    return view


@library
def pyyaml():
    import yaml

    yaml.CSafeLoader  # libyaml's

    def view(token, rest):
        file = SlowWriter(rest)
        yaml.dump(document(token), file, Dumper=yaml.CSafeDumper, encoding="utf-8")
        check(yaml.load(SlowPipe(file.getvalue(), rest), Loader=yaml.CSafeLoader), document(token))
        wrong = fails(yaml.YAMLError, yaml.load, f"!t{token} b", yaml.CSafeLoader)
        check(f"t{token}" in wrong, True)

    return view


@library
def protobuf():
    from google.protobuf import json_format, message, struct_pb2

    def view(token, rest):
        struct = struct_pb2.Struct()
        struct.update({"token": token, "numbers": [1.5, float(token)]})
        rest()
        coded = struct.SerializeToString()
        rest()
        back = struct_pb2.Struct.FromString(coded)
        check(json_format.MessageToDict(back), {"token": token, "numbers": [1.5, float(token)]})
        rest()
        fails(message.DecodeError, struct_pb2.Struct.FromString, coded[:-1])

    return view


@library
def bson():
    import bson as codec
    from bson.codec_options import CodecOptions, TypeRegistry

    def view(token, rest):
        plain, things = with_things(token)
        options = CodecOptions(type_registry=TypeRegistry(fallback_encoder=known(rest)))
        check(codec.decode(codec.encode(things, codec_options=options)), plain)
        file = SlowFile(codec.encode(document(token)) * 3, rest)
        check(list(codec.decode_file_iter(file)), [document(token)] * 3)

    return view


@library
def pydantic():
    import pydantic as models

    class Model(models.BaseModel):
        token: str
        numbers: list[int]

        @models.field_validator("numbers")
        @classmethod
        def waits(cls, value, info):
            info.context()
            return value

        @models.field_serializer("token")
        def waits_again(self, value, info):
            info.context()
            return value

    def view(token, rest):
        plain = {"token": token, "numbers": [int(token), 1]}
        model = Model.model_validate(plain, context=rest)
        check(model.model_dump(context=rest), plain)
        wrong = fails(models.ValidationError, Model.model_validate,
                      {"token": token, "numbers": [f"no-{token}"]})
        check(f"no-{token}" in wrong, True)

    return view


@library
def jsonschema():
    import jsonschema as schemas

    def view(token, rest):
        schema = {"type": "array", "items": {"enum": [token, int(token)]}}
        schemas.validate([token, int(token)], schema)
        rest()
        wrong = fails(schemas.ValidationError, schemas.validate, [f"no-{token}"], schema)
        check(f"no-{token}" in wrong, True)

    return view


@library
def configured():
    import configparser

    def view(token, rest):
        parser = configparser.ConfigParser()
        parser.read_file(SlowText(f"[one]\ntoken = {token}\n[two]\nagain = %(token)s\n", rest))
        rest()
        check(parser["one"]["token"], token)

    return view
