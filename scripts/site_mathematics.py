"""A MkDocs hook: formulas between dollars become MathML, which browsers draw by themselves, without a script."""

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)


def on_page_content(content, **_):
    """The HTML of a page with its formulas drawn."""

    def draw(match):
        block = match[2] == "["
        return convert(html.unescape(match[3]).strip(), display="block" if block else "inline")

    return FORMULA.sub(draw, content)
