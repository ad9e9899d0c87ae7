"""The page of risk scores: all that the answer says, nothing from outside, no colour of a grade, no markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from tests.risk.bedside import PLAIN, answered, without

from leeward.report import palette
from leeward.report.risk import page


class Words(HTMLParser):
    """Collects what a page shows and which elements it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.given: list[tuple[str, str | None]] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        self.tags.append(tag)
        self.given += attrs
        self._hidden = tag == "style"

    def handle_data(self, data: str) -> None:
        """Notes words that are shown."""
        if not self._hidden:
            self.text.append(data)


def shown(made: str) -> Words:
    """A page as a reader sees it."""
    words = Words()
    words.feed(made)
    return words


def test_scores_base_rates_and_refusals_are_on_the_page(tmp_path: Path) -> None:
    """Beside each other: what this patient's values give, and what was published of the product."""
    text = " ".join(" ".join(shown(page(answered(tmp_path, list(PLAIN))["P"])).text).split())
    for said in ("m-EASIX", "15", "log2 1.585", "ZUMA-1", "94 %", "13 %", "another disease", "Above 4.67: no."):
        assert said in text
    assert "its terms of use forbid redistribution" in text
    assert "not a medical device" in text
    assert "no percentile" in text


def test_nothing_is_loaded_and_nothing_runs(tmp_path: Path) -> None:
    """One file that needs no other."""
    made = page(answered(tmp_path, list(PLAIN))["P"])
    words = shown(made)
    assert not {"script", "link", "img", "iframe", "object"} & set(words.tags)
    assert not [name for name, _ in words.given if name in ("src", "style") or name.startswith("on")]
    assert [value for name, value in words.given if name == "href" and not str(value).startswith("#")] == []


def test_no_traffic_light(tmp_path: Path) -> None:
    """No element of the page bears a grade's class, and drawings use the accent only."""
    two = [
        *PLAIN,
        *[("Q", at, what, value.replace("300", "900"), unit, text) for _, at, what, value, unit, text in PLAIN],
    ]
    made = page(answered(tmp_path, two)["P"])
    assert 'class="strip"' in made
    drawn = "".join(re.findall(r"<svg.*?</svg>", made, re.DOTALL))
    assert set(re.findall(r'fill="(#[0-9a-f]+)"', drawn)) <= {palette.LIGHT[name] for name in ("ink", "rule", "accent")}
    assert not [value for name, value in shown(made).given if name == "class" and re.search(r"\bg[0-5]\b", str(value))]


def test_markup_of_a_record_is_shown_as_text(tmp_path: Path) -> None:
    """A patient's id may hold anything."""
    lines = [("<b>&P", hours, quantity, value, unit, text) for _, hours, quantity, value, unit, text in PLAIN]
    made = page(answered(tmp_path, lines)["<b>&P"])
    assert "<b>&P" not in made
    assert "&lt;b&gt;&amp;P" in made


def test_what_is_missing_is_named_in_words(tmp_path: Path) -> None:
    """Missing LDH, and a product that nobody knows: said, and nothing invented."""
    lines = [*without("ldh", "trigger"), ("P", 0.0, "trigger", "", "", "wonder-cel")]
    text = " ".join(" ".join(shown(page(answered(tmp_path, lines)["P"])).text).split())
    assert "lactate dehydrogenase" in text
    assert "not known" in text
    assert "None: the product is not on record" in text
    assert "1 × word-unknown" in text
