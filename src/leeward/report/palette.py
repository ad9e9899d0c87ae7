"""Colours by name, for light and for dark: one place for the chart, the page and its style sheet.

The grade ladder and the oxygen steps each fall in lightness from step to step, so they hold in greyscale and for
every kind of colour vision; no meaning rests on colour alone (numerals, hatching and words carry it too).
"""

from __future__ import annotations

LIGHT = {
    "ink": "#17242c",
    "soft": "#55646c",
    "line": "#e6eae8",
    "rule": "#c2cac7",
    "panel": "#ffffff",
    "accent": "#1c6e7d",
    "accent-pale": "#c4e0e4",
    "accent-mid": "#7fbac4",
    "warn": "#8f4700",
    "fever": "#c4481f",
    "oxygen-0": "#edf1f2",
    "oxygen-1": "#c9dfec",
    "oxygen-2": "#94bdd9",
    "oxygen-3": "#3f78a6",
    "oxygen-4": "#1d4a73",
    "on-oxygen-low": "#17242e",
    "on-oxygen-high": "#fdfdfe",
    "grade-0": "#d3dad6",
    "grade-1": "#f3dc9b",
    "grade-2": "#eba63f",
    "grade-3": "#d1532a",
    "grade-4": "#8a1739",
    "grade-5": "#3a0d25",
    "on-accent": "#17242f",
    "on-pale": "#17242d",
    "on-deep": "#fefefe",
}

DARK = {
    "ink": "#e4eaec",
    "soft": "#a2b0b7",
    "line": "#273137",
    "rule": "#46535b",
    "panel": "#171e22",
    "accent": "#7cc4d1",
    "accent-pale": "#1f444c",
    "accent-mid": "#2f7482",
    "warn": "#f0ab63",
    "fever": "#f08a62",
    "oxygen-0": "#2a343a",
    "oxygen-1": "#2f4d63",
    "oxygen-2": "#3d6d92",
    "oxygen-3": "#5b93bf",
    "oxygen-4": "#9cc8e8",
    "on-oxygen-low": "#e4eaed",
    "on-oxygen-high": "#10202b",
    "grade-0": "#4a565b",
    "grade-1": "#e3ca84",
    "grade-2": "#e09a35",
    "grade-3": "#d75b32",
    "grade-4": "#b02a55",
    "grade-5": "#7a1f55",
    "on-accent": "#e4eaee",
    "on-pale": "#17242d",
    "on-deep": "#fefefe",
}

DEEP = 3
"""From this grade on a numeral stands in the light colour."""


def grade_fill(grade: int) -> str:
    """Colour of a grade (0 to 5)."""
    return LIGHT[f"grade-{min(max(grade, 0), 5)}"]


def numeral(grade: int) -> str:
    """Colour of the numeral on a grade's colour."""
    return LIGHT["on-deep" if grade >= DEEP else "on-pale"]


def variables(of: dict[str, str]) -> str:
    """CSS custom properties of a palette."""
    return "".join(f"--{name}:{colour};" for name, colour in of.items())


def svg_rules() -> str:
    """CSS by which a drawing made in the light palette follows the page's own: `[fill="#17242c"]{fill:var(--ink)}`."""
    follows = "".join(
        f'svg [fill="{colour}"]{{fill:var(--{name})}}svg [stroke="{colour}"]{{stroke:var(--{name})}}'
        for name, colour in LIGHT.items()
    )
    on_paper = ",".join(f'svg text[fill="{LIGHT[name]}"]' for name in ("ink", "soft", "warn", "fever"))
    return f"{follows}{on_paper}{{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}}"
