"""`leeward risk`: published risk scores before a T-cell therapy and early after it, with base rates; no colours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from leeward.commands.options import WRONG_ARGUMENTS, Asked, AsOf, Mapping, PathArgument, Zone

At = Annotated[str, typer.Option(help="before-lymphodepletion, day-1, day0, day+1 or day+3")]
Files = Annotated[
    list[Path] | None,
    typer.Option(help="TOML with your own coefficients of a score that is not shipped (docs/risk.md)"),
]
Cohort = Annotated[Path | None, typer.Option(help="another record of yours, in which percentiles are taken")]


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def risk(
        path: PathArgument,
        at: At = "before-lymphodepletion",
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        patient: Annotated[str | None, typer.Option(help="one patient; percentiles stay those of all")] = None,
        score: Annotated[list[str] | None, typer.Option(help="only this score (may be given several times)")] = None,
        product: Annotated[str | None, typer.Option(help="the product, where none is on record")] = None,
        disease: Annotated[str | None, typer.Option(help="the disease, where none is on record")] = None,
        coefficients: Files = None,
        cohort: Cohort = None,
        out: Annotated[Path | None, typer.Option(help="write a page per patient into this folder")] = None,
        table: Annotated[
            Path | None, typer.Option(help="write scores and graded outcomes as CSV, for `leeward validate`")
        ] = None,
        as_of: AsOf = None,
        assume_trigger: Annotated[
            str | None, typer.Option(help="the planned or assumed infusion, as for grade")
        ] = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say each published risk score as a range, whether it applies, how it fared elsewhere, and base rates."""
        made = _question(at, product, disease, coefficients or [])
        _known(score or [], made)
        record, question = asked(path, as_of, assume_trigger, None, zone, mapping)
        held = None
        if cohort is not None:
            from leeward.cohort.risk import values_of

            held = values_of(*asked(cohort, as_of, assume_trigger, None, zone, mapping), made)
        _answered(record, question, made, held, _Wanted(patient, score or [], json=json, out=out, table=table))


class _Wanted:
    """What is to come out: of whom, which scores, in which form."""

    def __init__(
        self, patient: str | None, scores: list[str], *, json: bool, out: Path | None, table: Path | None
    ) -> None:
        self.patient, self.scores, self.json, self.out, self.table = patient, scores, json, out, table


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_ARGUMENTS)


def _question(at: str, product: str | None, disease: str | None, files: list[Path]) -> Any:
    """What is asked of risk; what nobody knows is a wrong argument, said with what there is."""
    from leeward.cohort.risk import Asked as Made
    from leeward.knowledge import BadKnowledge
    from leeward.knowledge.therapies import treatments
    from leeward.knowledge.vocabulary import quantities
    from leeward.risk.coefficients import load_file
    from leeward.risk.definitions import moments

    if at not in moments():
        _fail(f"no moment '{at}'; there is {', '.join(moments())}")
    by_name = {name.lower(): one.inn for one in treatments() for name in one.names}
    if product is not None and product.lower() not in by_name:
        _fail(f"no product '{product}' is known; docs/therapies.md lists them")
    words = {word: name for name, held in quantities()["disease"].words.items() for word in (name, *held)}
    if disease is not None and disease.lower() not in words:
        _fail(f"no disease '{disease}'; there is {', '.join(quantities()['disease'].words)}")
    try:
        loaded = tuple(load_file(file) for file in files)
    except (BadKnowledge, OSError) as error:
        _fail(str(error))
    named = by_name[product.lower()] if product else None
    return Made(at=at, product=named, disease=words[disease.lower()] if disease else None, coefficients=loaded)


def _known(wanted: list[str], made: Any) -> None:
    """A score that nobody knows, or that is not shipped and has no file, is said at once."""
    from leeward.risk.answers import refusal
    from leeward.risk.definitions import adapters, rules

    filled = {one.score for one in made.coefficients}
    for name in wanted:
        if name in adapters() and name not in filled:
            _fail(refusal(name))
        if name not in rules() and name not in adapters():
            _fail(f"no score '{name}'; there is {', '.join((*sorted(rules()), *sorted(adapters())))}")


def _answered(record: Any, question: Any, made: Any, held: Any, wanted: _Wanted) -> None:
    """Lines of JSON, words, pages or a table."""
    import msgspec

    from leeward.cohort.risk import answers
    from leeward.cohort.risk_table import to_csv
    from leeward.report.risk import write_page
    from leeward.report.risk_in_words import in_words

    if wanted.table is not None:
        try:
            count = to_csv(record, question, made, wanted.table)
        except OSError as error:
            _fail(f"cannot write: {error}")
        typer.echo(f"{count} patients in {wanted.table}", err=True)
        return
    seen = False
    for patient, answer in answers(record, question, made, cohort=held):
        if wanted.patient not in (None, patient):
            continue
        seen = True
        if wanted.scores:
            answer["scores"] = {name: one for name, one in answer["scores"].items() if name in wanted.scores}
        if wanted.out is not None:
            typer.echo(str(write_page(answer, wanted.out)))
        elif wanted.json:
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        else:
            typer.echo(in_words(answer))
    if not seen and wanted.patient is not None:
        _fail(f"no patient '{wanted.patient}' in this record")
