"""Draws a page as self-contained HTML and as PDF, and writes both into a folder."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Literal

import msgspec
from markupsafe import Markup

from leeward.report.page import _style, _templates
from leeward.report.patients.card import HEIGHT_MM, WIDTH_MM
from leeward.report.patients.paper import Page

TEMPLATES = Path(__file__).parents[1] / "templates"


def bound(page: Page) -> Page:
    """The same page, its figures kept on one line with what follows them: 38,0 °C, 90 %, « mots », mot ?."""
    told = msgspec.json.encode(page).decode()  # compact: each space in it stands inside a text
    return msgspec.json.decode(re.sub(r"(?<=«) | (?=[:;?!»%°])", "\N{NO-BREAK SPACE}", told), type=Page)


def html(page: Page) -> str:
    """One page as HTML that loads nothing and runs no script."""
    base, _ = _style()
    own = _templates().get_template("patients.css").render().strip()
    sheet = f"{base}\n{own}"
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    held = Markup(sheet)  # noqa: S704  our own style sheets, no value from outside in them
    return _templates().get_template("patients.html").render(page=bound(page), sheet=held, allowed=f"sha256-{digest}")


def pdf(page: Page) -> bytes:
    """One page as tagged PDF, drawn with the fonts that Typst brings; a card has two sides of ID-1 size."""
    [made] = _typeset(page, "pdf")
    return made


def pictures(page: Page, *, dots_per_inch: float) -> list[bytes]:
    """The same as PNG, a picture a page: for documentation, and to look at."""
    return _typeset(page, "png", dots_per_inch)


def _typeset(page: Page, form: Literal["pdf", "png"], dots_per_inch: float | None = None) -> list[bytes]:
    """What Typst makes of a page; its words travel as data and are never read as markup."""
    import typst

    file = TEMPLATES / ("patients-card.typ" if page.card else "patients.typ")
    told = {"page": msgspec.json.encode(bound(page)).decode(), "width-mm": str(WIDTH_MM), "height-mm": str(HEIGHT_MM)}
    made: bytes | list[bytes] = typst.compile(
        file, format=form, ppi=dots_per_inch, sys_inputs=told, ignore_system_fonts=True, root=TEMPLATES,
        pdf_standards=["ua-1"] if form == "pdf" else [],  # tagged and titled, in its language: for screen readers
    )  # fmt: skip
    return made if isinstance(made, list) else [made]


def write(page: Page, folder: Path, *, as_html: bool = True, as_pdf: bool = True) -> list[Path]:
    """Writes a page as `NAME.LANGUAGE.html` and `.pdf`; returns the paths. Raises OSError where it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{page.name}.{page.language}"
    written = []
    if as_html:
        written.append(folder / f"{stem}.html")
        written[-1].write_text(html(page), encoding="utf-8")
    if as_pdf:
        written.append(folder / f"{stem}.pdf")
        written[-1].write_bytes(pdf(page))
    return written
