"""What helps when: the symptoms with what was measured, as Markdown, as plain text, and as a sheet.

The page of the book, the command `helps` and the sheet to print are made from the same data, and
every measurement is loaded from its record when they are made.

Chapter: notebooks/00_baseline.ipynb
"""

import html
import re
import textwrap
from collections.abc import Iterable, Iterator

from IPython.display import Markdown

from ..lab.study import Finding, Word
from .chapter import chapter
from .measured import Measured, Standing
from .symptoms import SYMPTOMS, TOGETHER, Advice, Avoid, Report, Symptom, symptom

__all__ = ["BADGES", "overview", "plain", "section", "sheet", "what_helps"]

BADGES: dict[Word, str] = {
    "helps": "verdict-helps",
    "hurts": "verdict-hurts",
    "no difference seen": "verdict-none",
    "makes no difference": "verdict-none",
    "depends": "verdict-depends",
    "differs": "verdict-depends",
}
"""How the style sheet calls a verdict."""

NOT_YET = "not measured here yet"
NOT_SEEN = "Not seen to help here: it stands here for what others report."


def what_helps(name: str = "") -> Markdown:
    """Say what helps against a symptom; without a name, what to try first against each.

    Args:
        name: a symptom, such as "over-fitting".

    Raises:
        ValueError: if there is none of that name.
    """
    return Markdown(section(name) if name else overview())


# --- Markdown ---


def overview(page: str = "") -> str:
    """Return a table: the symptoms, how one sees them, what to try first, what that did here.

    Args:
        page: where the sections are that it leads to; "" for the page itself.
    """
    head = ["If you see", "Compare", "Try first", "What it did here"]
    rows = [
        [
            f"[{one.title}]({page}#{one.name})",
            "; ".join(one.compare),
            _first(one.advice[0]),
            _lead(one.advice[0]),
        ]
        for one in SYMPTOMS
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def section(name: str) -> str:
    """Return all that is said of a symptom, without its heading.

    Raises:
        ValueError: if there is none of that name.
    """
    return "\n\n".join(_parts(symptom(name)))


def _parts(one: Symptom) -> Iterator[str]:
    yield f"**How you see it.** {_by_sentence(one.sign)}"
    seen = f"\n{one.seen.described()}." if one.seen else ""
    yield f"**Two numbers to compare:** {'; '.join(one.compare)}.{seen}"
    for place, advice in enumerate(one.advice, start=1):
        yield from _advice(place, advice)
    if one.avoid:
        yield "**What not to do**" if one.advice else "**What was measured here**"
        yield "\n".join(_avoid(avoid) for avoid in one.avoid)
    if one.reports:
        yield "**What others report**"
        yield "\n".join(f"- {_work(report)}: {report.text}" for report in one.reports)


def _advice(place: int, one: Advice) -> Iterator[str]:
    lead = f"**{place}. {one.what}** ({_chapters(one.slugs)})."
    yield f"{lead}\nStart with {one.start}."
    yield f"```python\n{one.code}\n```"
    yield f"*Watch:* {_by_sentence(one.watch)}"
    yield "\n".join(_items(one.measured)) if one.measured else f"- *{NOT_YET.capitalize()}.*"
    words = {found.word for found in (quoted.found() for quoted in one.measured) if found}
    if words and "helps" not in words:
        yield f"*{NOT_SEEN}*"


def _avoid(one: Avoid) -> str:
    where = f" ({_chapters(one.slugs)})" if one.slugs else ""
    text = f"- {_by_sentence(one.text.removesuffix('.'), '  ')}{where}."
    return "\n".join([text, *(f"  {item}" for item in _items(one.measured))])


def _items(measured: Iterable[Measured]) -> Iterator[str]:
    for one in measured:
        found = one.found()
        if found is None:
            yield f"- *not recorded yet*; {one.described()}"
        else:
            yield f"- {badge(found.word)}{found.figures}; {one.described()}"


def _first(one: Advice) -> str:
    return f"[{one.what}]({_notebook(one.slugs[0])}): {one.brief or one.start}"


def _lead(one: Advice) -> str:
    """Say the first measurement of an advice, and where it was made."""
    if not one.measured:
        return NOT_YET
    found = one.measured[0].found()
    if found is None:
        return "not recorded yet"
    return f"{badge(found.word)}{found.figures}; {one.measured[0].described()}"


def badge(word: Word) -> str:
    """Return a verdict as the pages show it."""
    # The punctuation is for those who hear the page, or read it without its style sheet.
    shown = f'<span class="verdict {BADGES[word]}">{word}</span>'
    return f'{shown}<span class="visually-hidden">: </span>'


def _chapters(slugs: Iterable[str]) -> str:
    links = [f"[{chapter(slug).number:02d}]({_notebook(slug)})" for slug in slugs]
    return f"chapter{'s' if len(links) > 1 else ''} {', '.join(links)}"


def _notebook(slug: str) -> str:
    # Right from the pages in book/ and from the chapters in notebooks/.
    return f"../{chapter(slug).notebook}"


def _work(report: Report) -> str:
    target = report.target
    address = target if "://" in target else f"../book/references.md#{target}"
    return f"[{report.label}]({address})"


def _by_sentence(text: str, indent: str = "") -> str:
    return re.sub(r"(?<=[.?!]) (?=[A-Z])", f"\n{indent}", text)


# --- Plain text, for a terminal ---


def plain(name: str = "", width: int = 88) -> str:
    """Return the same as text: all that is said of a symptom, or a line for each.

    Args:
        name: a symptom; "" for all in short.
        width: characters of a line.

    Raises:
        ValueError: if there is none of that name.
    """
    if not name:
        size = max(len(one.name) for one in SYMPTOMS) + 2
        return "\n".join(_short(one, size, width) for one in SYMPTOMS)
    lines, is_code = [symptom(name).title, ""], False
    for line in section(name).splitlines():
        if line.startswith("```"):
            is_code = not is_code
        elif is_code or not line:
            lines.append(f"    {line}" if line else "")
        else:
            indent = " " * (len(line) - len(line.lstrip(" -")))
            lines += textwrap.wrap(_bare(line), width, subsequent_indent=indent)
    return "\n".join(lines)


def _short(one: Symptom, size: int, width: int) -> str:
    first = one.advice[0]
    text = f"{one.name:<{size}}{one.brief}. Try {first.what}: {first.brief}. {_bare(_lead(first))}"
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=" " * size))


def _bare(text: str) -> str:
    """Take the marks of Markdown and HTML from a line."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"<[^>]*>", "", text))
    return re.sub(r"\*\*|(?<!\w)\*|\*(?!\w)|`", "", text)


# --- The sheet: one page of A4, which needs no style sheet and no network ---

SHEET_STYLE = """\
@page { size: A4; margin: 8mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 194mm; font: 6.6pt/1.22 "Liberation Sans", Arial, Helvetica,
  sans-serif; color: #000; background: #fff; }
h1 { margin: 0; font-size: 13pt; line-height: 1.1; }
p { margin: 0.8mm 0; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { padding: 0.45mm 0.9mm; vertical-align: top; text-align: left; overflow-wrap: anywhere; }
thead th { border-bottom: 0.5mm solid #000; font-size: 7pt; }
tbody { border-bottom: 0.25mm solid #000; break-inside: avoid; }
tbody tr + tr td { border-top: 0.1mm dotted #777; }
tbody th { font-weight: normal; }
tbody th b { font-size: 7.6pt; }
.not { font-style: italic; }
.sign { font-weight: bold; white-space: nowrap; }
footer { margin-top: 1mm; font-size: 6.2pt; }
@media screen { body { padding: 4mm; font-size: 9pt; max-width: 250mm; } footer { font-size: 8pt; }
  tbody th b, thead th { font-size: 9.5pt; } h1 { font-size: 16pt; } }
@media screen and (max-width: 40rem) {
  table, tbody, tr, td, tbody th { display: block; width: auto; } colgroup, thead { display: none; }
  tbody { padding: 2mm 0; } tbody tr + tr td { border-top: 0; }
  tbody tr + tr { border-top: 0.1mm dotted #777; }
  td[data-label]::before { content: attr(data-label) ": "; font-weight: bold; } }
"""

SIGNS: dict[Word, str] = {
    "helps": "▲",
    "hurts": "▼",
    "no difference seen": "○",
    "makes no difference": "=",
    "depends": "◆",
    "differs": "◆",
}
"""A verdict in one letter that prints in black and white."""

COLUMNS = {
    "You see": 16,
    "Try": 23,
    "Watch": 15,
    "Measured here": 26,
    "Papers": 20,
}
"""Of the sheet, with their widths in hundredths."""


def sheet(address: str = "") -> str:
    """Return the cheat sheet: a page of HTML that prints on one side of A4.

    Args:
        address: where the whole page is, seen from the sheet; "" for no link.
    """
    whole = f'<a href="{address}">What helps when</a>' if address else "What helps when"
    columns = "".join(f'<col style="width: {width}%">' for width in COLUMNS.values())
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    body = "\n".join(_block(one) for one in SYMPTOMS)
    legend = "; ".join(
        f'<span class="sign">{sign}</span> {word}'
        for word, sign in SIGNS.items()
        if word not in ("differs", "depends")
    )
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What helps when: a sheet to print</title>
<link rel="icon" href="data:,">
<style>
{SHEET_STYLE}</style>
</head>
<body>
<h1>What helps when</h1>
<p>Change one thing at a time, with the same seeds, on validation images.
{legend}: mean difference with its interval, in points (%) unless said otherwise.
The settings, the code and the rest are on the page {whole} of the course.</p>
<table>
<colgroup>{columns}</colgroup>
<thead><tr>{head}</tr></thead>
{body}
</table>
<footer>{_together()}</footer>
</body>
</html>
"""


def _block(one: Symptom) -> str:
    """Return the rows of one symptom."""
    shown = one.advice[:2]
    avoided = [avoid for avoid in one.avoid if avoid.brief][:1]
    papers = "; ".join(f"{_brief(one)}" for one in one.reports if one.brief)
    rows, span = [], len(shown) + len(avoided)
    told = f"<b>{_escaped(one.title)}</b><br>{_escaped(one.brief)}"
    for place, advice in enumerate(shown):
        first = f'<th scope="rowgroup" rowspan="{span}">{told}</th>' if place == 0 else ""
        last = _cell("Papers", papers, span) if place == 0 else ""
        tried = f"<b>{_escaped(advice.what)}</b>: {_escaped(advice.brief)}{_numbers(advice.slugs)}"
        cells = [
            _cell("Try", tried),
            _cell("Watch", _escaped(advice.watch_brief)),
            _cell("Here", _quoted(advice.measured)),
        ]
        rows.append(f"<tr>{first}{''.join(cells)}{last}</tr>")
    for avoid in avoided:
        tried = f'<span class="not">Not: {_escaped(avoid.brief)}{_numbers(avoid.slugs)}</span>'
        here = _cell("Here", _quoted(avoid.measured[:1]))
        rows.append(f'<tr><td colspan="2">{tried}</td>{here}</tr>')
    return f"<tbody>{''.join(rows)}</tbody>"


def _cell(label: str, text: str, span: int = 1) -> str:
    spans = f' rowspan="{span}"' if span > 1 else ""
    named = f' data-label="{label}"' if label and text else ""
    return f"<td{spans}{named}>{text}</td>"


def _quoted(measured: Iterable[Measured]) -> str:
    """Say the first measurement, and the first one from another place."""
    first, told = next(iter(measured), None), []
    if first is None:
        return NOT_YET
    other = next((one for one in measured if one.place != first.place), None)
    for one in (first, other):
        found = one.found() if one else None
        if one and found:
            told.append(f"{_sign(found)} {_unit(found)}{_where(one, found)}")
    return "<br>".join(told)


def _sign(found: Finding) -> str:
    sign = SIGNS[found.word]
    return f'<span class="sign" title="{found.word}">{sign}</span>'


def _unit(found: Finding) -> str:
    """Return a difference with its interval; points are not named, since the head names them."""
    return _escaped(str(found.difference).removesuffix(f" {found.metric.unit}"))


def _where(one: Measured, found: Finding) -> str:
    """Say where it was seen in a word or two, and in what, where that is not the accuracy."""
    metric = found.metric
    short = {"accuracy": "", "ece": " ECE", "nll": " NLL"}
    name = short.get(metric.name, f" {_escaped(metric.label)}")
    place = one.setting if isinstance(one, Standing) else f"ch. {chapter(one.slug).number:02d}"
    against = f", against {_escaped(one.against_what)}" if one.against_what else ""
    return f"{name} ({place}{against})"


def _brief(report: Report) -> str:
    return f"{_escaped(report.brief)} ({_escaped(report.label)})"


def _numbers(slugs: Iterable[str]) -> str:
    return " [" + ", ".join(f"{chapter(slug).number:02d}" for slug in slugs) + "]" if slugs else ""


def _together() -> str:
    told = [
        f"{_escaped(avoid.brief)} {_quoted(avoid.measured)}"
        for avoid in TOGETHER.avoid
        if avoid.brief
    ]
    papers = [_brief(report) for report in TOGETHER.reports if report.brief]
    return f"<b>{TOGETHER.title}.</b> {'; '.join([*told, *papers])}. Numbers in brackets: chapters."


def _escaped(text: str) -> str:
    return html.escape(_bare(text))
