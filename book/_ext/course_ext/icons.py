"""The few icons that the pages use, as a font of some kilobytes.

The theme brings all of Font Awesome twice: as a script of 1.5 MB that replaces elements by
drawings, and as fonts. The script is left out by templates/layout.html. Here the fonts are cut
down to the icons that are named in the built site.
"""

import base64
import io
import re
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import (  # type: ignore[import-untyped]
    Options,
    Subsetter,
    load_font,
    save_font,
)
from sphinx.application import Sphinx

STYLE_SHEET = "icons.css"
THEME = "pydata-sphinx-theme.css"
FACES = [
    ("Font Awesome 6 Free", 900, "fa-solid-900.ttf"),
    ("Font Awesome 6 Free", 400, "fa-regular-400.ttf"),
    ("Font Awesome 6 Brands", 400, "fa-brands-400.ttf"),
]


def write_icons(app: Sphinx, exception: Exception | None) -> None:
    """Write the style sheet with the icons that the site uses."""
    if exception is None and app.builder.name == "html":
        static = Path(app.outdir) / "_static"
        fonts = static / "vendor" / "fontawesome" / "webfonts"
        sheet = style_sheet(used(Path(app.outdir)), fonts)
        (static / STYLE_SHEET).write_text(sheet, encoding="utf-8")
        (static / "scripts" / "fontawesome.js").unlink(missing_ok=True)


def used(site: Path) -> set[int]:
    """Return the code points of all icons that a page, a script or a style sheet names."""
    theme = (site / "_static" / "styles" / THEME).read_text(encoding="utf-8")
    known = code_points(theme)
    scripts = [p for p in site.glob("_static/scripts/*.js") if p.name != "fontawesome.js"]
    named = set()
    for path in [*site.glob("[!_]*.html"), *site.glob("[!_]*/**/*.html"), *scripts]:
        named |= set(re.findall(r"\bfa-[a-z0-9-]+", path.read_text(encoding="utf-8")))
    drawn = {known[name] for name in named & known.keys()}
    # Style sheets draw some by their letter: what the theme calls --pst-icon-..., and a content.
    letters = "".join(re.findall(r'--pst-icon-[a-z-]+:\s*"([^"]*)"', theme))
    for path in site.glob("_static/**/*.css"):
        if path.name not in (THEME, STYLE_SHEET):
            letters += "".join(re.findall(r'content:\s*"([^"]*)"', path.read_text("utf-8")))
    drawn |= {int(code, 16) for code in re.findall(r"\\([ef][0-9a-f]{3})", letters)}
    return drawn | {ord(letter) for letter in letters if 0xE000 <= ord(letter) <= 0xF8FF}


def code_points(sheet: str) -> dict[str, int]:
    """Return the code point of each icon of Font Awesome, from its style sheet."""
    found: dict[str, int] = {}
    rule = r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\?([^"]+)"\}'
    for names, code in re.findall(rule, sheet):
        point = int(code, 16) if len(code) > 1 else ord(code)
        found |= dict.fromkeys(re.findall(r"fa-[a-z0-9-]+", names), point)
    return found


def style_sheet(points: Iterable[int], fonts: Path) -> str:
    """Return fonts of these icons alone, under the names that the theme has for its whole ones."""
    rules = []
    for family, weight, name in FACES:
        options = Options(flavor="woff", notdef_outline=True)
        font = load_font(str(fonts / name), options)
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=set(points) & font.getBestCmap().keys())
        subsetter.subset(font)
        buffer = io.BytesIO()
        save_font(font, buffer, options)
        source = base64.b64encode(buffer.getvalue()).decode()
        rules.append(
            f'@font-face {{ font-family: "{family}"; font-weight: {weight}; '
            f"src: url(data:font/woff;base64,{source}) format('woff'); }}\n"
        )
    return "".join(rules)
