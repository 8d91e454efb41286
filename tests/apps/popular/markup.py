"""XML, HTML and templates: parsers of C that call Python, and keep an error log."""

import io

from .view import SlowPipe, check, fails, library

ITEMS = 30


def xml(token):
    items = "".join(f"<item number='{number}'>{token}</item>" for number in range(ITEMS))
    return f"<?xml version='1.0'?><all>{items}</all>".encode()


def html(token):
    items = "".join(f"<li class=item>{token}" for _ in range(ITEMS))
    return f"<title>{token}</title><ul>{items}</ul>"


@library
def etree():
    from xml.etree import ElementTree

    def view(token, rest):
        parsed = ElementTree.iterparse(SlowPipe(xml(token), rest))
        check([item.text for _, item in parsed if item.tag == "item"], [token] * ITEMS)
        fails(ElementTree.ParseError, ElementTree.fromstring, f"<a>{token}")

    return view


@library
def expat():
    from xml.parsers import expat

    def view(token, rest):
        found = []

        def text(data):
            rest()
            found.append(data)

        parser = expat.ParserCreate()
        parser.CharacterDataHandler = text
        parser.ParseFile(SlowPipe(xml(token), rest))
        check("".join(found), token * ITEMS)

    return view


@library
def lxml():
    from lxml import etree

    sheet = etree.XML("""
        <xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                        xmlns:own="urn:own">
          <xsl:template match="/"><o><xsl:for-each select="//item[position() &lt; 5]">
            <i><xsl:value-of select="own:waits(string(.))"/></i>
          </xsl:for-each></o></xsl:template>
        </xsl:stylesheet>""")

    def view(token, rest):
        parsed = etree.iterparse(SlowPipe(xml(token), rest), tag="item")
        check([item.text for _, item in parsed], [token] * ITEMS)

        def waits(context, text):
            rest()
            return f"{text}!"

        transform = etree.XSLT(sheet, extensions={("urn:own", "waits"): waits})
        made = transform(etree.fromstring(xml(token)))
        check([item.text for item in made.getroot()], [f"{token}!"] * 4)
        check(made.getroot().xpath("count(//i)"), 4.0)

    return view


@library
def lxml_errors():
    from lxml import etree

    def view(token, rest):
        # libxml2 tells a thread's log about errors, and lxml looks there for its exception.
        parser = etree.XMLParser()
        wrong = fails(etree.XMLSyntaxError, etree.parse,
                      SlowPipe(f"<a><b{token}>{'x' * 200}</c></a>".encode(), rest), parser)
        check(f"b{token}" in wrong, True)
        check([f"b{token}" in entry.message for entry in parser.error_log][:1], [True])

    return view


@library
def lxml_html():
    from lxml import html as pages

    def view(token, rest):
        page = pages.parse(SlowPipe(html(token).encode(), rest)).getroot()
        check([item.text for item in page.iter("li")], [token] * ITEMS)
        check(page.findtext(".//title"), token)

    return view


@library
def beautifulsoup():
    import bs4
    import lxml.etree  # noqa: F401

    def view(token, rest):
        page = bs4.BeautifulSoup(SlowPipe(html(token).encode(), rest), "lxml")

        def is_item(tag):
            rest()
            return tag.name == "li"

        check([item.text for item in page.find_all(is_item)], [token] * ITEMS)

    return view


@library
def selectolax():
    from selectolax.lexbor import LexborHTMLParser

    def view(token, rest):
        page = LexborHTMLParser(html(token))
        rest()
        check([item.text() for item in page.css("li.item")], [token] * ITEMS)

    return view


@library
def jinja2():
    import jinja2 as templates

    environment = templates.Environment(autoescape=True)
    source = "{% for item in items %}{{ waits() }}<{{ item }}>{% endfor %}"

    def view(token, rest):
        def waits():
            rest()
            return "&"

        template = environment.from_string(source)
        check(template.render(items=[token] * 5, waits=waits), f"&amp;<{token}>" * 5)

    return view


@library
def markupsafe():
    import markupsafe as safe

    class Slow:
        def __init__(self, token, rest):
            self.token, self.rest = token, rest

        def __html__(self):
            self.rest()
            return safe.Markup(f"<b>{self.token}</b>")

    def view(token, rest):
        text = safe.Markup("{} {}").format(Slow(token, rest), f"<{token}>")
        check(str(text), f"<b>{token}</b> &lt;{token}&gt;")
        check(str(safe.escape(Slow(token, rest))), f"<b>{token}</b>")

    return view


@library
def sax():
    from xml import sax

    class Handler(sax.ContentHandler):
        def __init__(self, rest):
            super().__init__()
            self.rest, self.found = rest, []

        def characters(self, content):
            self.rest()
            self.found.append(content)

    def view(token, rest):
        handler = Handler(rest)
        sax.parse(io.BytesIO(xml(token)), handler)
        check("".join(handler.found), token * ITEMS)

    return view
