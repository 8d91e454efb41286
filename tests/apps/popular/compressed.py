"""Compression: streams that wait in the middle, and work without the GIL."""

import io

from .view import Rest, SlowPipe, check, fails, library


def content(token):
    return "".join(f"{token} {number} " for number in range(3000)).encode()


def pieces(whole):
    size = 1 + len(whole) // Rest.TIMES
    return [whole[start:start + size] for start in range(0, len(whole), size)]


def in_pieces(whole, rest, process, end=lambda: b""):
    """What a stream makes of it, with a rest after each piece."""
    made = []
    for piece in pieces(whole):
        made.append(process(piece))
        rest()
    return b"".join(made) + end()


@library
def zlib():
    import zlib as codec

    def view(token, rest):
        compress, decompress = codec.compressobj(6), codec.decompressobj()
        coded = in_pieces(content(token), rest, compress.compress, compress.flush)
        check(in_pieces(coded, rest, decompress.decompress, decompress.flush), content(token))
        fails(codec.error, codec.decompress, token.encode())

    return view


@library
def bz2():
    import bz2 as codec

    def view(token, rest):
        compress, decompress = codec.BZ2Compressor(1), codec.BZ2Decompressor()
        coded = in_pieces(content(token), rest, compress.compress, compress.flush)
        check(in_pieces(coded, rest, decompress.decompress), content(token))

    return view


@library
def lzma():
    import lzma as codec

    def view(token, rest):
        compress, decompress = codec.LZMACompressor(preset=0), codec.LZMADecompressor()
        coded = in_pieces(content(token), rest, compress.compress, compress.flush)
        check(in_pieces(coded, rest, decompress.decompress), content(token))

    return view


@library
def gzip():
    import gzip

    def view(token, rest):
        coded = gzip.compress(content(token), 1)
        with gzip.GzipFile(fileobj=SlowPipe(coded, rest)) as file:
            check(file.read(), content(token))

    return view


@library
def lz4():
    from lz4 import block, frame

    def view(token, rest):
        compress, decompress = frame.LZ4FrameCompressor(), frame.LZ4FrameDecompressor()
        begun = compress.begin()
        coded = begun + in_pieces(content(token), rest, compress.compress, compress.flush)
        check(in_pieces(coded, rest, decompress.decompress), content(token))
        check(block.decompress(block.compress(content(token))), content(token))

    return view


@library
def zstandard():
    import zstandard as codec

    def view(token, rest):
        coded = codec.ZstdCompressor(level=3, threads=1).stream_reader(
            SlowPipe(content(token), rest)).read()
        back = codec.ZstdDecompressor().stream_reader(SlowPipe(coded, rest)).read()
        check(back, content(token))
        fails(codec.ZstdError, codec.ZstdDecompressor().decompress, token.encode())

    return view


@library
def brotli():
    import brotli as codec

    def view(token, rest):
        compress, decompress = codec.Compressor(quality=4), codec.Decompressor()
        coded = in_pieces(content(token), rest, compress.process, compress.finish)
        check(in_pieces(coded, rest, decompress.process), content(token))

    return view


@library
def snappy():
    import snappy as codec

    def view(token, rest):
        coded = io.BytesIO()
        codec.stream_compress(SlowPipe(content(token), rest), coded)
        back = io.BytesIO()
        codec.stream_decompress(SlowPipe(coded.getvalue(), rest), back)
        check(back.getvalue(), content(token))

    return view
