"""Libraries of which each has a way of its own to keep something for each thread."""

import io
import time
from typing import Annotated

import numpy
from lxml import etree
from pydantic import AfterValidator, TypeAdapter, ValidationError

from .views import Views, unless_equal

application = Views()


class Slow(io.BytesIO):
    def read(self, size=-1):
        time.sleep(0.001)
        return super().read(min(size, 40) if size > 0 else size)


@application.view
def lxml_reads_slowly(number):
    """libxml2 keeps for each thread where its errors go, and the last one."""
    breaks = "\n" * (number % 50)
    sound = f"<all>{breaks}<one>{number}</one>{breaks}</all>".encode()
    found = etree.parse(Slow(sound)).findtext("one")
    if found != str(number):
        return f"another's document: {found}"
    try:
        etree.parse(Slow(f"<all>{breaks}<number{number}></wrong></all>".encode()))
    except etree.XMLSyntaxError as error:
        wanted = number % 50 + 1
        if f"number{number} " not in str(error) or error.lineno != wanted:
            return f"another's error: {error}"
        last = error.error_log.last_error
        return unless_equal((last.line, f"number{number}" in last.message), (wanted, True))
    return "nothing raised"


@application.view
def lxml_transforms_slowly(number):
    """Functions of Python's in XPath and XSLT, which wait."""
    def slowly(context, text):
        time.sleep(0.002)
        return f"{text}-{number}"

    document = etree.fromstring(f"<all><one>{number}</one></all>")
    functions = {("own", "slowly"): slowly}
    found = document.xpath("f:slowly(string(one))", namespaces={"f": "own"}, extensions=functions)
    style = etree.XSLT(etree.fromstring(
        '<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform" xmlns:f="own">'
        '<x:template match="/"><out><x:value-of select="f:slowly(string(all/one))"/></out>'
        "</x:template></x:stylesheet>"), extensions=functions)
    return unless_equal((found, style(document).getroot().text), (f"{number}-{number}",) * 2)


@application.view
def numpy_settings(number):
    ways = ["ignore", "raise", "print", "warn"]
    with numpy.errstate(divide=ways[number % 4]):
        time.sleep(0.002)
        found = numpy.geterr()["divide"]
    matrix = numpy.full((80, 80), number % 7, dtype=float)
    right = bool((matrix @ matrix == 80.0 * (number % 7) ** 2).all())
    return unless_equal((found, right), (ways[number % 4], True))


@application.view
def numpy_calls_back(number):
    """A ufunc of Python's waits in the midst of a loop of numpy's."""
    def slowly(value):
        time.sleep(0.0005)
        return value + number

    found = numpy.frompyfunc(slowly, 1, 1)(numpy.arange(4)).tolist()
    return unless_equal(found, [number, number + 1, number + 2, number + 3])


@application.view
def pydantic_validates_slowly(number):
    def slowly(value):
        time.sleep(0.001)
        if value != number:
            raise ValueError(f"not {number}")
        return value

    numbers = TypeAdapter(list[Annotated[int, AfterValidator(slowly)]])
    good = numbers.validate_python([number, str(number)])
    try:
        numbers.validate_python([number, number + 1])
    except ValidationError as error:
        found = error.errors()[0]["msg"]
        return unless_equal((good, found), ([number] * 2, f"Value error, not {number}"))
    return "nothing raised"
