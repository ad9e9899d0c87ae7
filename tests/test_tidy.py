"""The house rules that a machine can hold: sizes, directions between rooms, sources of numbers, words that stay out."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "leeward"
KNOWLEDGE = SOURCE / "knowledge"
RULE_ROOMS = ("scales", "recognition", "risk", "plan")

FUNCTION_LINES = 40
FILE_LINES = 400

Table: TypeAlias = dict[str, Any]
Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

EXCEPTIONS: Table = tomllib.loads((ROOT / "tests" / "tidy_exceptions.toml").read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    """Every text file that git follows or would follow; built and ignored files are not ours to judge."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607  git from PATH, as make does
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    """Our Python, in the product, its tests and its bench."""
    return [path for path in tracked() if path.suffix == ".py"]


def tree(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file as `path::Class.function`, with its lines from `def` to its end."""

    def within(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | Definition):
                if isinstance(child, Definition):
                    yield f"{prefix}{child.name}", (child.end_lineno or child.lineno) - child.lineno + 1
                yield from within(child, f"{prefix}{child.name}.")
            else:
                yield from within(child, prefix)

    yield from within(tree(path), f"{path.relative_to(ROOT).as_posix()}::")


def over(kind: str, sizes: dict[str, int], limit: int) -> list[str]:
    """What is over its limit without standing in the list, or stands in the list without need."""
    excepted = {entry["name"]: entry for entry in EXCEPTIONS.get(kind, [])}
    wrong = [
        f"{name}: {lines} lines, limit {excepted[name]['lines'] if name in excepted else limit}"
        for name, lines in sizes.items()
        if lines > (excepted[name]["lines"] if name in excepted else limit)
    ]
    idle = [f"{name}: no exception needed any more" for name in excepted if sizes.get(name, 0) <= limit]
    bare = [f"{name}: an exception needs its reason" for name, entry in excepted.items() if not entry.get("reason")]
    return wrong + idle + bare


def test_functions_are_short() -> None:
    """A function is read whole, on one screen."""
    sizes = {name: lines for path in python_files() for name, lines in functions(path)}
    assert over("function", sizes, FUNCTION_LINES) == []


def test_files_are_short() -> None:
    """A file is about one thing."""
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()
    }
    assert over("file", sizes, FILE_LINES) == []


def test_exceptions_only_shrink() -> None:
    """The list of exceptions says how many it holds, so that none slips in unseen."""
    assert len(EXCEPTIONS.get("function", [])) + len(EXCEPTIONS.get("file", [])) == EXCEPTIONS["most"]


def test_every_module_says_what_it_is() -> None:
    """Each module and each room opens with what lives there."""
    silent = [path.relative_to(ROOT).as_posix() for path in SOURCE.rglob("*.py") if not ast.get_docstring(tree(path))]
    assert silent == []


def test_every_room_is_a_package() -> None:
    """A folder with Python in it has an `__init__.py`; otherwise no import contract sees it."""
    rooms = {SOURCE, *(path.parent for path in SOURCE.rglob("*.py"))}
    assert sorted(str(room) for room in rooms if not (room / "__init__.py").is_file()) == []


def test_imports_go_one_way(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """From a later room to an earlier one, never back: the contract stands in pyproject.toml."""
    configure()
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", cache_dir=None), capsys.readouterr().out


def numbered(
    node: object, trail: str = "", above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, frozenset[str]]]:
    """Each table that holds a `value`, with the keys known for it: its own, and those of the tables it stands in."""
    if isinstance(node, dict):
        known = above | {key for key, held in node.items() if isinstance(held, str)}
        if isinstance(node.get("value"), int | float) and not isinstance(node.get("value"), bool):
            yield trail, known | frozenset(node)
        for key, held in node.items():
            yield from numbered(held, f"{trail}.{key}", known)
    elif isinstance(node, list):
        for place, held in enumerate(node):
            yield from numbered(held, f"{trail}[{place}]", above)


def test_every_number_has_its_source() -> None:
    """A number in `knowledge/` says where it is printed, how we know it, and when somebody last looked."""
    wanted = {
        "unit": {"unit"},
        "evidence": {"evidence"},
        "a source": {"source", "where", "cite", "why"},
        "checked": {"checked"},
    }
    wanting = [
        f"{path.relative_to(KNOWLEDGE)}{trail}: no {what}"
        for path in sorted(KNOWLEDGE.rglob("*.toml"))
        if path.name != "ward.toml"  # how the service waits and limits is no medicine: each number there says why
        for trail, keys in numbered(tomllib.loads(path.read_text(encoding="utf-8")))
        for what, any_of in wanted.items()
        if not keys & any_of
    ]
    assert wanting == []


def coded(node: object, above: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Each entry that gives a code its meaning, with the keys known for it."""
    if isinstance(node, dict):
        known = above | {key for key, held in node.items() if isinstance(held, str)}
        if isinstance(node.get("code"), str) and "quantity" in node:
            yield node["code"], known | frozenset(node)
        for held in node.values():
            yield from coded(held, known)
    elif isinstance(node, list):
        for held in node:
            yield from coded(held, above)


def test_every_code_has_its_source() -> None:
    """A code that is read as a quantity says who printed it so, and how we know."""
    wanting = [
        f"{path.relative_to(KNOWLEDGE)}: {code}"
        for path in sorted(KNOWLEDGE.rglob("*.toml"))
        for code, keys in coded(tomllib.loads(path.read_text(encoding="utf-8")))
        if not {"source", "evidence"} <= keys
    ]
    assert wanting == []


def cited(node: object) -> Iterator[str]:
    """Each key of `sources.toml` that a file names."""
    if isinstance(node, dict):
        for key, held in node.items():
            if key == "source" and isinstance(held, str):
                yield held
            yield from cited(held)
    elif isinstance(node, list):
        for held in node:
            yield from cited(held)


def test_every_cited_source_is_listed() -> None:
    """A scale's `source` is a key of `knowledge/sources.toml`."""
    listed = tomllib.loads((KNOWLEDGE / "sources.toml").read_text(encoding="utf-8"))
    unlisted = [
        f"{path.relative_to(KNOWLEDGE)}: {source}"
        for path in sorted((KNOWLEDGE / "scales").glob("*.toml"))
        for source in cited(tomllib.loads(path.read_text(encoding="utf-8")))
        if source not in listed
    ]
    assert unlisted == []


def bare_thresholds(path: Path) -> Iterator[str]:
    """Numbers of two digits, or with a fraction, that a rule compares with."""
    for node in ast.walk(tree(path)):
        operands: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"between", "clip"}
        ):
            operands = node.args
        for operand in operands:
            number = operand.operand if isinstance(operand, ast.UnaryOp) else operand
            held = number.value if isinstance(number, ast.Constant) else None
            if isinstance(held, int | float) and not isinstance(held, bool) and (abs(held) >= 10 or held != int(held)):
                yield f"{path.relative_to(ROOT)}:{operand.lineno}: {held}"


def test_no_bare_thresholds() -> None:
    """A limit that a rule compares with comes from `knowledge/`, dated and sourced."""
    files = [path for room in RULE_ROOMS for path in sorted((SOURCE / room).rglob("*.py"))]
    assert [found for path in files for found in bare_thresholds(path)] == []


# Written with brackets so that this file does not hold what it looks for.
KEPT_OUT = {
    "a path of one machine": r"(?<![\w.])/(wor[k]|roo[t]|hom[e]|tm[p])/[a-z.]",
    "a package host": r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|index-ur[l]",
    "a word of the workplace": r"\bsub-?agen[t]s?\b|\bprompt (wri|tol)[dt]\b|\bmain agen[t]\b",
}
BESIDE = r"[.][.]/share[d]"  # only tests and bench may look for third-party data beside the checkout


def mentions(path: Path) -> Iterator[str]:
    """Words in a file that name one machine, one host or the workplace."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    place = path.relative_to(ROOT).as_posix()
    for what, pattern in KEPT_OUT.items():
        for found in re.finditer(pattern, text, re.IGNORECASE):
            yield f"{place}:{text.count(chr(10), 0, found.start()) + 1}: {what}: {found.group()}"
    if not place.startswith(("tests/", "bench/")):
        for found in re.finditer(BESIDE, text):
            yield f"{place}:{text.count(chr(10), 0, found.start()) + 1}: third-party data: {found.group()}"


def test_nothing_names_a_machine_or_a_host() -> None:
    """What is published reads the same on every machine."""
    # The Makefile and the lock files may speak of an index only to leave it out.
    spoken = [found for path in tracked() for found in mentions(path)]
    allowed = [found for found in spoken if found.startswith("Makefile:") and "index-" in found]
    assert [found for found in spoken if found not in allowed] == []


def test_constraints_are_hashed_and_name_no_host() -> None:
    """Every pinned package carries at least one SHA-256, and no line says where to fetch it."""
    for name in ("constraints.txt", "constraints-spark.txt"):
        blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
        assert [block.split()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
        assert "://" not in "".join(blocks)
