"""What is held against the features: findings around the episode, what is made of them, and which meet a feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.recognition.features import ANCHORS, Feature, as_table, number
from leeward.timeline.columns import back, front, nothing, packed, pick, quotient, true
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

SHOWN = ("patient", "quantity", "at_s", "until_s", "low", "high", "text", "site", "source", "place")
_OPEN = float("inf")
_ON_AIR, _WITHOUT, _UNTREATED = "spo2-on-room-air", "spo2-without-device", "spo2-untreated"


def around(known: ir.Table, cases: ir.Table, quantities: Sequence[str]) -> ir.Table:
    """The findings that a feature, a test or a derived quantity can be read from: SHOWN, with as_of_s and dose_s."""
    rows = known.filter(known.quantity.isin(sorted(quantities)))
    rows = rows.join(cases.select("patient", "as_of_s", "dose_s"), "patient")
    lookback_s = int(number("lookback") * DAY_S)
    rows = rows.filter((rows.at_s <= rows.as_of_s) & (rows.at_s >= rows.dose_s - lookback_s))
    return rows.select(*SHOWN, "as_of_s", "dose_s")


def observed(around: ir.Table, cases: ir.Table, *, room_air: bool = False) -> ir.Table:
    """Findings with what is made of them: SHOWN. A made value stands at the time of the finding that completed it."""
    drawn = around.filter(around.low.notnull() & (around.low > -_OPEN) & (around.high < _OPEN))
    parts = [around.select(*SHOWN), _of_the_episode(cases), _against_baseline(drawn), _against_previous(drawn),
             _by_support(around, room_air=room_air), _corrected(drawn)]  # fmt: skip
    return parts[0].union(*parts[1:])


def _made(rows: ir.Table, quantity: str | Any, low: Any, high: Any) -> ir.Table:
    """Rows of a derived quantity."""
    kind = ibis.literal(quantity) if isinstance(quantity, str) else quantity
    made = rows.mutate(quantity=kind, low=low.cast("float64"), high=high.cast("float64"), text=ibis.null("string"))
    return made.select(*SHOWN)


def _of_the_episode(cases: ir.Table) -> ir.Table:
    """What the course itself says: time from dose to onset and since, doses, episodes, masking."""
    about = cases.filter(cases.state != "none").mutate(
        quantity=ibis.literal(""), until_s=nothing(), text=ibis.null("string"), site=ibis.null("string"),
        source=ibis.literal("the graded course"), place=ibis.null("string"), low=0.0, high=0.0,
    )  # fmt: skip
    hours = {
        "onset-after-dose": (about.onset_s - about.dose_s) / HOUR_S,
        "since-onset": (about.as_of_s - about.onset_s) / HOUR_S,
    }
    counts = {"dose-number": about.doses, "episode-number": about.episode, "masked-onset": about.masked}
    began = about.mutate(at_s=about.onset_s)
    made = [_made(began, name, amount, amount) for name, amount in {**hours, **counts}.items()]
    return made[0].union(*made[1:])


_BASELINES = {
    "ferritin": "ferritin-over-baseline",
    "creatinine": "creatinine-over-baseline",
    "body-weight": "weight-over-baseline",
}


def _against_baseline(drawn: ir.Table) -> ir.Table:
    """Values after the dose against the last one before it: a ratio for ferritin, a difference for the others."""
    rows = drawn.filter(drawn.quantity.isin(list(_BASELINES)))
    own = ibis.window(group_by=[rows.patient, rows.quantity])
    rows = rows.mutate(base_s=ibis.ifelse(rows.at_s <= rows.dose_s, rows.at_s, None).max().over(own))
    ends = {f"base_{side}": ibis.ifelse(rows.at_s == rows.base_s, rows[side], None) for side in ("low", "high")}
    own = ibis.window(group_by=[rows.patient, rows.quantity])
    rows = rows.mutate(base_low=ends["base_low"].min().over(own), base_high=ends["base_high"].max().over(own))
    rows = rows.filter((rows.at_s > rows.dose_s) & (rows.base_low > 0))
    ratio = rows.quantity == "ferritin"
    least, most = quotient(rows.low, rows.high, rows.base_low, rows.base_high)
    low = pick([(ratio, least)], rows.low - rows.base_high)
    high = pick([(ratio, most)], rows.high - rows.base_low)
    return _made(rows, pick([(rows.quantity == name, made) for name, made in _BASELINES.items()], ""), low, high)


def _against_previous(drawn: ir.Table) -> ir.Table:
    """Each ferritin over the one before it, where that is fresh enough."""
    rows = drawn.filter(drawn.quantity == "ferritin")
    order = ibis.window(group_by=[rows.patient], order_by=[rows.at_s, rows.low])
    before = {f"before_{name}": rows[name].lag().over(order) for name in ("low", "high", "at_s")}
    rows = rows.mutate(**before)
    near = rows.at_s - rows.before_at_s <= int(number("previous-within") * HOUR_S)
    rows = rows.filter(near & (rows.at_s > rows.before_at_s) & (rows.before_high > 0))
    return _made(rows, "ferritin-over-previous", *quotient(rows.low, rows.high, rows.before_low, rows.before_high))


def _by_support(around: ir.Table, *, room_air: bool) -> ir.Table:
    """Saturations charted on room air; and the last one of all, where no oxygen has been charted since it.

    That one is untreated on room air, or has no device where none had been charted of late. Where the source declares
    it (`room_air`), no device charted means room air.
    """
    rows = around.filter(around.quantity.isin(["spo2", "oxygen-device"]))
    device = rows.quantity == "oxygen-device"
    # A device charted at the second of a saturation belongs to it, so it sorts first.
    order = ibis.window(group_by=[rows.patient], order_by=[rows.at_s, true(~device)], rows=(None, 0))
    # The last device, its time in front; of two at one second one that is not room air wins.
    last = pick([(device, packed(rows.at_s, true(rows.text != "room-air"), 1))], None)
    rows = rows.mutate(last=last.max().over(order))
    charted = rows.at_s - front(rows.last, 1) <= int(number("room-air-stands") * HOUR_S)
    on_air, unknown = true(charted & (back(rows.last, 1) == 0)) == 1, true(charted) == 0
    support = pick([(on_air, _ON_AIR), (unknown, _ON_AIR if room_air else _WITHOUT)], "")
    own = ibis.window(group_by=[rows.patient])
    treats = (rows.quantity == "spo2") | (rows.text != "room-air")
    rows = rows.mutate(support=support, last_s=ibis.ifelse(treats, rows.at_s, None).max().over(own))
    rows = rows.filter((rows.quantity == "spo2") & (rows.support != ""))
    still, air = rows.filter(rows.at_s == rows.last_s), rows.filter(rows.support == _ON_AIR)
    untreated = pick([(still.support == _ON_AIR, _UNTREATED)], _WITHOUT)
    return _made(air, _ON_AIR, air.low, air.high).union(_made(still, untreated, still.low, still.high))


def _corrected(drawn: ir.Table) -> ir.Table:
    """Total calcium corrected for an albumin that is fresh enough; a normal albumin or more corrects nothing."""
    rows = drawn.filter(drawn.quantity.isin(["calcium", "albumin"]))
    albumin = rows.quantity == "albumin"
    order = ibis.window(group_by=[rows.patient], order_by=[rows.at_s, true(~albumin)], rows=(None, 0))
    rows = rows.mutate(albumin_s=ibis.ifelse(albumin, rows.at_s, None).max().over(order))
    filled = ibis.window(group_by=[rows.patient, rows.albumin_s])
    rows = rows.mutate(albumin=ibis.ifelse(rows.quantity == "albumin", rows.low, None).min().over(filled))
    fresh = rows.at_s - rows.albumin_s <= int(number("albumin-within") * HOUR_S)
    rows = rows.filter((rows.quantity == "calcium") & fresh)
    added = ibis.greatest(number("usual-albumin") - rows.albumin, 0.0) * number("calcium-per-albumin")
    return _made(rows, "corrected-calcium", rows.low + added, rows.high + added)


def latest(observed: ir.Table) -> ir.Table:
    """The last finding of each quantity."""
    last = observed.group_by(["patient", "quantity"]).agg(at_s=observed.at_s.max())
    rows = observed.semi_join(last, ["patient", "quantity", "at_s"])
    rows = rows.mutate(place_=ibis.row_number().over(_newest(rows, [rows.patient, rows.quantity])))
    return rows.filter(rows.place_ == 0).select(*SHOWN)


def _newest(rows: ir.Table, by: Sequence[Any]) -> Any:
    """Newest first; what is charted at one second in an order that never depends on arrival."""
    return ibis.window(group_by=by, order_by=[rows.at_s.desc(), rows.low.desc(), rows.text, rows.source, rows.place])


def met(observed: ir.Table, cases: ir.Table, one_row: ir.Table, features: Sequence[tuple[str, Feature]]) -> ir.Table:
    """Which finding meets which feature, one row each: SHOWN with `feature`. Of several the newest is shown.

    A value whose bounds straddle a limit meets no feature: it is neither for nor against.
    """
    rows = observed.join(as_table(features, one_row), "quantity")
    about = cases.select(
        "patient", "as_of_s", "dose_s", "onset_s", "tocilizumab_s", "adult", "child", "product", "state"
    )
    rows = rows.join(about, "patient")
    rows = rows.filter(((rows.state != "none") | (rows.always == 1)) & _in_window(rows) & _about(rows))
    seen = ibis.window(group_by=[rows.patient, rows.feature])
    rows = rows.mutate(last_s=rows.at_s.max().over(seen))
    rows = rows.filter(_value(rows) & ((rows.every == 1) | (rows.at_s == rows.last_s)))
    rows = rows.mutate(place_=ibis.row_number().over(_newest(rows, [rows.patient, rows.feature])))
    return rows.filter(rows.place_ == 0).select(*SHOWN, "feature")


def _in_window(rows: ir.Table) -> Any:
    """Whether a finding lies in the feature's window; without its anchor (no tocilizumab) it does not."""
    anchors = dict(zip(ANCHORS, (rows.as_of_s, rows.dose_s, rows.onset_s, rows.tocilizumab_s), strict=True))
    anchor_s = pick([(rows.anchor == code, anchors[name]) for code, name in enumerate(ANCHORS)], nothing())
    return (rows.at_s >= anchor_s + rows.from_s) & (rows.at_s <= anchor_s + rows.to_s)


def _about(rows: ir.Table) -> Any:
    """Whether the feature is meant for this patient: age, product, tocilizumab. Age unknown: the child's limit."""
    age = (rows.ages == 0) | ((rows.ages == 1) & (rows.adult == 1)) | ((rows.ages == 2) & (rows.adult == 0))
    product = (rows.of_product == "") | (rows.of_product == rows["product"])
    untouched = (rows.before == 0) | rows.tocilizumab_s.isnull() | (rows.at_s < rows.tocilizumab_s)
    return age & product & untouched


def _value(rows: ir.Table) -> Any:
    """Whether a finding surely meets the limits, holds one of the words, or is there at all."""
    number_ = (rows.asks == 0) & (rows.low >= rows.least) & (rows.high <= rows.most)
    word = (rows.asks == 1) & rows.words.contains(ibis.literal("|") + rows.text + "|")
    gave = (rows.asks == 2) & (rows.high.isnull() | (rows.high != 0))
    return number_.fill_null(False) | word.fill_null(False) | gave
