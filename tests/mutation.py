"""Changes rules and numbers one at a time and runs the tests: a change that no test notices is a gap in the tests.

Both the Python of the rule rooms and the TOML of `knowledge/` are changed, because limits live in the latter.
Survivors that are understood stand in tests/mutation_reasons.toml with their reason; any other makes this fail.

    make mutation                                  everything (hours)
    make mutation ARGS="--only scales --most 50"   fifty changes, spread evenly, of files whose path holds "scales"
    make mutation ARGS="--minutes 50 --jobs 1"     as many as fit, drawn by a fixed seed; survivors print as they come
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
REASONS = ROOT / "tests" / "mutation_reasons.toml"
PYTHON = ("leeward/scales", "leeward/timeline", "leeward/plan")
TABLES = (
    "leeward/knowledge/scales", "leeward/knowledge/carry.toml", "leeward/knowledge/dosing.toml",
    "leeward/knowledge/steroids.toml",
)  # fmt: skip
NOT_RULES = ("test_tidy.py", "test_hazards.py", "test_readme.py", "record", "report")
SECONDS_MOST = 900
_BEFORE = 12
SEED = 2026
# The tests that most likely notice a change of such a file run first; all the others follow, properties last.
FIRST = {
    "test_doses.py": ("plan/amounts", "plan/doses", "plan/limits", "plan/patient", "plan/taper", "dosing.toml"),
    "test_dose_amounts.py": ("plan/words", "plan/steroids", "steroids.toml"),
    "test_crs_scales.py": ("older", "lee", "penn", "mskcc", "cartox", "ctcae", "vasopressor", "inspired"),
    "test_case_tables.py": ("astct", "icans", "timeline", "carry", "course.py", "crs_signs", "outcome", "reasons"),
    "test_scores.py": ("",),
}

SWAPS: dict[type[ast.AST], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.BitAnd: "|", ast.BitOr: "&", ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.FloorDiv: "*", ast.Mod: "*",
    ast.And: "or", ast.Or: "and",
}  # fmt: skip
SIGNS = {
    "<=": r"<=", "<": r"<(?!=)", ">=": r">=", ">": r">(?!=)", "==": r"==", "!=": r"!=", "|": r"\|", "&": r"&",
    "+": r"\+", "-": r"-", "*": r"\*", "//": r"//", "%": r"%", "or": r"\bor\b", "and": r"\band\b",
}  # fmt: skip
SPELT: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.BitAnd: "&", ast.BitOr: "|", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip
NAMES = {"least": "greatest", "greatest": "least", "min": "max", "max": "min", "lead": "lag", "lag": "lead"}


@dataclass(frozen=True)
class Mutant:
    """One change of one place in one file."""

    file: str
    line: int
    was: str
    becomes: str
    start: int
    end: int
    before: str = ""  # what stands before it on its line: a table's line holds several equal numbers

    @property
    def name(self) -> str:
        """How a reason refers to it: by text, since line numbers move."""
        text = (SOURCE / self.file).read_text(encoding="utf-8").splitlines()[self.line - 1].strip()
        return f"{self.file}: {text}: {self.before}{self.was} -> {self.becomes}"


class Text:
    """A Python file as bytes, with the places of its syntax in them."""

    def __init__(self, path: Path) -> None:
        self.file = path.relative_to(SOURCE).as_posix()
        self.raw = path.read_bytes()
        self.starts = [0]
        for line in self.raw.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def begin(self, node: ast.expr) -> int:
        """Where an expression begins."""
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr) -> int:
        """Where it ends."""
        return self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def change(self, start: int, end: int, becomes: str) -> Mutant:
        """The bytes from start to end, replaced."""
        line = self.raw[:start].count(b"\n") + 1
        return Mutant(self.file, line, self.raw[start:end].decode(), becomes, start, end)

    def between(self, left: ast.expr, right: ast.expr, operator: ast.AST) -> Iterator[Mutant]:
        """The operator that stands between two operands, as its neighbour."""
        spelt, becomes = SPELT.get(type(operator)), SWAPS.get(type(operator))
        if spelt is None or becomes is None:
            return
        found = re.search(SIGNS[spelt], self.raw[self.end(left) : self.begin(right)].decode())
        if found:
            start = self.end(left) + found.start()
            yield self.change(start, start + len(found.group()), becomes)


def operations(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, ast.AST]]:
    """The pairs of operands in a piece of syntax, and what stands between them."""
    if isinstance(node, ast.Compare):
        yield from zip([node.left, *node.comparators], node.comparators, node.ops, strict=False)
    elif isinstance(node, ast.BinOp):
        yield node.left, node.right, node.op
    elif isinstance(node, ast.BoolOp):
        for left, right in pairwise(node.values):
            yield left, right, node.op


def spelt_types(tree: ast.AST) -> set[int]:
    """The syntax of types, by identity: nobody runs it, so a change there changes nothing."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            roots.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            roots.append(node.returns)
    return {id(part) for root in roots if root is not None for part in ast.walk(root)}


def python_mutants(path: Path) -> Iterator[Mutant]:
    """Comparisons, arithmetic and logic turned into their neighbours; greatest and least, first and last swapped."""
    text = Text(path)
    tree = ast.parse(text.raw)
    types = spelt_types(tree)
    for node in ast.walk(tree):
        if id(node) in types:
            continue
        for left, right, operator in operations(node):
            yield from text.between(left, right, operator)
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            yield text.change(text.end(node) - len(node.attr), text.end(node), NAMES[node.attr])


def table_mutants(path: Path) -> Iterator[Mutant]:
    """Each number a little higher and a little lower: `value = 38.0`, `grade = 3`, `ward = 8.0`."""
    raw = path.read_bytes()
    for found in re.finditer(rb'(?m)(?<!#)\b(?!from|checked|year)[\w"-]+ *= *(\d+(?:\.\d+)?)(?=[ ,}\]\n])', raw):
        line_start = raw.rfind(b"\n", 0, found.start()) + 1
        if b"#" in raw[line_start : found.start()]:
            continue
        was = found.group(1).decode()
        step = 0.1 if "." in was else 1
        for becomes in (f"{float(was) + step:g}", f"{float(was) - step:g}"):
            spelt = becomes if "." not in was or "." in becomes else f"{becomes}.0"
            yield Mutant(
                path.relative_to(SOURCE).as_posix(),
                raw[: found.start()].count(b"\n") + 1,
                was,
                spelt,
                found.start(1),
                found.end(1),
                raw[max(line_start, found.start(1) - _BEFORE) : found.start(1)].decode(errors="ignore").lstrip(),
            )


def mutants(only: str) -> list[Mutant]:
    """Every change, in the order of files and lines."""
    found: list[Mutant] = []
    for folder in PYTHON:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            found.extend(python_mutants(path))
    for place in TABLES:
        whole = SOURCE / place
        for path in [whole] if whole.is_file() else sorted(whole.rglob("*.toml")):
            found.extend(table_mutants(path))
    return [mutant for mutant in found if only in mutant.file]


def rule_tests() -> list[Path]:
    """The tests that may notice a changed rule; reading, pages and tidiness cannot."""
    folder = ROOT / "tests"
    return sorted(path for path in folder.rglob("test_*.py") if path.relative_to(folder).parts[0] not in NOT_RULES)


def likeliest_first(tests: list[Path], file: str) -> list[list[str]]:
    """The tests that likely notice a change of this file, then all others, whose collecting alone takes a while."""
    chosen = next(name for name, words in FIRST.items() if any(word in file for word in words))
    likely = [str(path) for path in tests if path.name == chosen]
    others = sorted((path for path in tests if path.name != chosen), key=lambda path: path.parent.name == "properties")
    return [group for group in (likely, [str(path) for path in others]) if group]


def verdict(copy: Path, mutant: Mutant | None, tests: list[Path]) -> str:
    """`killed`, `survived` or `too long`: the tests run on a copy of the source that bears the change."""
    original = b""
    if mutant is not None:
        original = (copy / mutant.file).read_bytes()
        changed = original[: mutant.start] + mutant.becomes.encode() + original[mutant.end :]
        (copy / mutant.file).write_bytes(changed)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        for group in likeliest_first(tests, mutant.file if mutant else ""):
            done = subprocess.run(
                [*command, *group], cwd=ROOT, env=environment, capture_output=True, timeout=SECONDS_MOST, check=False
            )
            if done.returncode != 0:
                break
    except subprocess.TimeoutExpired:
        return "too long"
    finally:
        if mutant is not None:
            (copy / mutant.file).write_bytes(original)
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout.decode()[-2000:]}")
    return "survived" if done.returncode == 0 else "killed"


def reasons() -> dict[str, str]:
    """Survivors that are understood: their name and why no test can or need notice."""
    if not REASONS.is_file():
        return {}
    return {entry["name"]: entry["reason"] for entry in tomllib.loads(REASONS.read_text("utf-8")).get("survivor", [])}


def main() -> int:
    """Runs the changes and prints survivors; 1 if one has no reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only files whose path holds this")
    parser.add_argument("--most", type=int, default=0, help="at most so many changes, spread evenly (0: all)")
    parser.add_argument("--minutes", type=float, default=0, help="begin no change after so long (0: no limit)")
    parser.add_argument("--after", type=int, default=0, help="leave out so many changes that were judged before")
    parser.add_argument("--jobs", type=int, default=2, help="test runs at the same time")
    parser.add_argument("--tests", nargs="*", default=None, help="tests to run instead of all that concern rules")
    parser.add_argument("--list", action="store_true", help="print the changes and stop")
    asked = parser.parse_args()
    chosen = mutants(asked.only)
    if asked.most and len(chosen) > asked.most:
        chosen = [chosen[place * len(chosen) // asked.most] for place in range(asked.most)]
    if asked.list:
        print("\n".join(mutant.name for mutant in chosen))
        return 0
    if asked.minutes:
        random.Random(SEED).shuffle(chosen)  # noqa: S311 - a sample that can be drawn again, not a secret
    chosen = chosen[asked.after :]
    tests = [Path(test) for test in asked.tests] if asked.tests else rule_tests()
    return judge(chosen, asked.jobs, tests, asked.minutes * 60 or float("inf"))


def judge(chosen: list[Mutant], jobs: int, tests: list[Path], seconds_most: float) -> int:
    """Runs the tests once on the unchanged source, then once for each change, several at a time."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Path] = Queue()
        for number in range(jobs):
            copies.put(Path(shutil.copytree(SOURCE, Path(folder) / str(number))))

        def run(mutant: Mutant | None) -> str:
            if time.monotonic() - began > seconds_most:
                return "not begun"
            copy = copies.get()
            try:
                said = verdict(copy, mutant, tests)
            finally:
                copies.put(copy)
            if mutant is not None:
                print(f"{said}: {mutant.name}", flush=True)
            return said

        if run(None) != "survived":
            print("The tests fail on the unchanged source; mend that first.")
            return 2
        with ThreadPoolExecutor(jobs) as pool:
            verdicts = list(pool.map(run, chosen))
    judged = {mutant: said for mutant, said in zip(chosen, verdicts, strict=True) if said != "not begun"}
    return report(judged, time.monotonic() - began)


def report(verdicts: dict[Mutant, str], seconds: float) -> int:
    """Prints what survived; 1 if a survivor has no reason."""
    explained = reasons()
    survivors = [mutant for mutant, said in verdicts.items() if said == "survived"]
    bare = [mutant for mutant in survivors if mutant.name not in explained]
    for mutant in survivors:
        print(f"{mutant.file}:{mutant.line}: survived: {mutant.name.split(': ', 1)[1]}")
        print(f"    {explained.get(mutant.name, 'no reason given')}")
    killed = sum(said != "survived" for said in verdicts.values())
    print(f"{len(verdicts)} changes: {killed} noticed, {len(survivors)} survived, {len(bare)} of them without a reason")
    print(f"{seconds:.0f} s")
    return 1 if bare else 0


if __name__ == "__main__":
    raise SystemExit(main())
