"""Guidelines as HTML, for the instruction that Label Studio shows."""

import html
import re


def as_html(text: str) -> str:
    """Return the HTML of a little Markdown: headings, paragraphs, lists, bold, italics. Tags in it stay text.

    >>> as_html("# Why\\n\\nBe *fair*:\\n\\n* **now**\\n* <b>")
    '<h4>Why</h4>\\n<p>Be <em>fair</em>:</p>\\n<ul><li><strong>now</strong></li><li>&lt;b&gt;</li></ul>'
    """
    return "\n".join(_block(block.strip()) for block in re.split(r"\n\s*\n", text) if block.strip())


def _block(block: str) -> str:
    lines = block.splitlines()
    if all(re.match(r"[*-] ", line) for line in lines):
        return "<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>"
    if len(lines) == 1 and (heading := re.match(r"#{1,6} (.*)", block)):
        return f"<h4>{_inline(heading[1])}</h4>"
    return f"<p>{_inline(' '.join(line.strip() for line in lines))}</p>"


def _inline(text: str) -> str:
    bold = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html.escape(text.strip()))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", bold)
