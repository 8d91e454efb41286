"""Pictures: Pillow's codecs and matplotlib's C++ between files of Python's."""

import io

from .view import SlowFile, SlowWriter, check, fails, library


@library
def pillow():
    from PIL import Image, UnidentifiedImageError

    def view(token, rest):
        colour = tuple(int(token) // 256 ** place % 256 for place in range(3))
        image = Image.new("RGB", (160, 120), colour)
        image.putpixel((1, 1), (1, 2, 3))
        file = SlowWriter(rest)
        image.save(file, "PNG")
        back = Image.open(SlowFile(file.getvalue(), rest))
        back.load()
        check((back.getpixel((0, 0)), back.getpixel((1, 1))), (colour, (1, 2, 3)))
        photo = io.BytesIO()
        image.resize((320, 240), Image.Resampling.LANCZOS).save(photo, "JPEG", quality=95)
        seen = Image.open(SlowFile(photo.getvalue(), rest)).convert("RGB").getpixel((200, 200))
        check(max(abs(one - other) for one, other in zip(seen, colour)) < 12, True)
        fails(UnidentifiedImageError, Image.open, io.BytesIO(token.encode()))

    return view


@library
def matplotlib():
    from matplotlib import font_manager, ft2font
    from matplotlib.figure import Figure

    path = font_manager.findfont("DejaVu Sans")
    with open(path, "rb") as file:
        font = file.read()

    def draw(number, file):
        figure = Figure(figsize=(2, 1.5), dpi=40)
        axes = figure.subplots()
        axes.plot([number * x % 7 for x in range(8)])
        axes.set_title(f"number {number}")
        figure.savefig(file, format="png")
        return file.getvalue()

    drawn = [draw(number, io.BytesIO()) for number in range(4)]

    def view(token, rest):
        number = int(token) % 4
        check(draw(number, SlowWriter(rest)) == drawn[number], True)
        face = ft2font.FT2Font(SlowFile(font, rest))
        face.set_text(token)
        check((face.family_name, face.get_char_index(65) > 0), ("DejaVu Sans", True))

    return view
