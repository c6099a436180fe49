"""Rules that keep exercises sound; every edition is refused while one is broken.

Each rule takes a notebook from `read_source` (and the name to use in messages) and returns a list
of problems in words: which file and line, what is wrong, how to mend it.
"""

import ast
from dataclasses import dataclass

from mriworkbook import exercises as engine

from .blocks import parse_blocks, read_options, split_gates
from .names import names_in_cell, parse_cell


@dataclass(frozen=True)
class Exercise:
    """One exercise of a source: its label, title, line, and its cells by their numbers."""

    label: str
    title: str
    line: int
    stubs: list
    solutions: list


def cell_tags(cell):
    """Tags of a cell."""
    return set(cell.metadata.get("tags", []))


def find_exercises(notebook, file):
    """Exercises of a notebook with their stub and solution cells, and structural problems.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        From `read_source`.
    file : str
        Named in problems.

    Returns
    -------
    exercises : dict of Exercise
        By label, in the order of the file.
    problems : list of str
    """
    found, problems, current, gate = {}, [], None, None
    for number, cell in enumerate(notebook.cells):
        where = f"{file}, line {cell.metadata['line']}"
        if cell.cell_type == "markdown":
            for kind, content, line in split_gates(cell.source, file, cell.metadata["line"]):
                where = f"{file}, line {line}"
                if kind == "text":
                    for exercise in _exercises_in(content, line):
                        problems += _new_exercise_problems(exercise, found, gate, file)
                        current = found.setdefault(exercise.label, exercise)
                elif kind == "start":
                    problems += _gate_problems(content, found, gate, where)
                    gate = content
                else:
                    if gate is None:
                        problems.append(f"{where}: {{solution-end}} without {{solution-start}}")
                    gate = None
        elif cell.cell_type == "code":
            tags = cell_tags(cell)
            problems += _tag_problems(tags, gate, current, where)
            if "exercise" in tags and current is not None:
                current.stubs.append(number)
            if "solution" in tags and gate in found:
                found[gate].solutions.append(number)
    if gate is not None:
        problems.append(
            f"{file}: the solution of {gate!r} is never closed; add {{solution-end}} after it"
        )
    return found, problems


def _exercises_in(text, line):
    for block in parse_blocks(text):
        if block.kind == "directive" and block.name == "exercise":
            label = str(read_options(block.body)[0].get("label", ""))
            yield Exercise(label, block.argument, line + block.start, [], [])


def _new_exercise_problems(exercise, found, gate, file):
    where = f"{file}, line {exercise.line}"
    if not exercise.label:
        return [f"{where}: an exercise without a label; add a line :label: after its name"]
    if exercise.label in found:
        return [f"{where}: the label {exercise.label!r} is used twice; rename one exercise"]
    if gate is not None:
        return [f"{where}: an exercise inside the solution of {gate!r}; close that solution"]
    return []


def _gate_problems(label, found, gate, where):
    if gate is not None:
        return [f"{where}: a solution inside the solution of {gate!r}; add {{solution-end}}"]
    if label not in found:
        return [
            f"{where}: a solution of {label!r}, but no exercise above has that label; "
            "give both the same label"
        ]
    return []


def _tag_problems(tags, gate, current, where):
    if "solution" in tags and gate is None:
        return [f"{where}: a solution cell outside {{solution-start}} and {{solution-end}}"]
    if gate is not None and "solution" not in tags:
        return [f"{where}: a cell inside the solution of {gate!r}; tag it solution"]
    if "exercise" in tags and current is None:
        return [f"{where}: a stub before any exercise; write the {{exercise}} above it"]
    if "exercise" in tags and "skip-execution" not in tags:
        return [f"{where}: a stub that the book would run; tag it skip-execution as well"]
    return []


def check_structure(notebook, file):
    """Rule 1: one stub, at least one solution, one label throughout."""
    found, problems = find_exercises(notebook, file)
    for exercise in found.values():
        where = f"{file}, line {exercise.line}: exercise {exercise.label!r}"
        if len(exercise.stubs) != 1:
            problems.append(
                f"{where} has {len(exercise.stubs)} stub cells; it needs exactly one cell tagged "
                "exercise between its text and its solution"
            )
        if not exercise.solutions:
            problems.append(f"{where} has no solution cell; tag at least one cell solution")
        for number in (*exercise.stubs, *exercise.solutions):
            cell = notebook.cells[number]
            for call in _check_calls(_tree(cell)):
                if _label_of(call) != exercise.label:
                    problems.append(
                        f"{file}, line {cell.metadata['line']}: check({_label_of(call)!r}) in a "
                        f"cell of {exercise.label!r}; use one label throughout"
                    )
    return problems


def check_same_ending(notebook, file):
    """Rule 3: stub and solution end in the same ``check`` line."""
    problems = []
    for exercise in find_exercises(notebook, file)[0].values():
        ends = {}
        for kind, numbers in (("stub", exercise.stubs), ("solution", exercise.solutions)):
            checked = [n for n in numbers if _ends_in_check(notebook.cells[n])]
            if len(checked) != 1:
                problems.append(
                    f"{file}, line {exercise.line}: exercise {exercise.label!r}: {len(checked)} "
                    f"of its {len(numbers)} {kind} cells end in check(...); exactly one must"
                )
            else:
                ends[kind] = ast.unparse(_tree(notebook.cells[checked[0]]).body[-1])
        if len(set(ends.values())) == 2:
            problems.append(
                f"{file}, line {exercise.line}: exercise {exercise.label!r}: the stub ends in "
                f"{ends['stub']!r}, the solution in {ends['solution']!r}; make them the same"
            )
    return problems


def check_blanks(notebook, file):
    """Rule 2: a blank is a right-hand side or a body; all else equals the solution."""
    problems = []
    for exercise in find_exercises(notebook, file)[0].values():
        graded = [n for n in exercise.solutions if _ends_in_check(notebook.cells[n])]
        for number in exercise.stubs:
            cell = notebook.cells[number]
            where = f"{file}, line {cell.metadata['line']}: the stub of {exercise.label!r}"
            problems += [f"{where} {text}" for text in _blank_problems(_tree(cell))]
            if len(graded) == 1:
                solution = _tree(notebook.cells[graded[0]])
                difference = _difference(_tree(cell).body, solution.body)
                if difference:
                    problems.append(f"{where} {difference}; outside the blanks they must be equal")
    return problems


def check_leaks(notebook, file):
    """Rules 4 and 5: no cell needs a name that an exercise or its solution left behind."""
    problems, owner = [], {}
    belongs = {
        number: exercise.label
        for exercise in find_exercises(notebook, file)[0].values()
        for number in (*exercise.stubs, *exercise.solutions)
    }
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        label = belongs.get(number)
        needed, bound = names_in_cell(cell.source)
        for name in sorted(needed & owner.keys()):
            if owner[name] != label:
                user = f"a cell of {label!r}" if label else "an ordinary cell"
                problems.append(
                    f"{file}, line {cell.metadata['line']}: {user} uses {name!r}, which exercise "
                    f"{owner[name]!r} binds above; make it in an ordinary cell or rename it"
                )
        for name in bound:
            if label is None:
                owner.pop(name, None)
            else:
                owner[name] = label
    return problems


def check_registered(notebook, file, registry=None):
    """Rule 6: the check of every exercise exists.

    Parameters
    ----------
    notebook, file
        As in the other rules.
    registry : collection of str, optional
        Labels that have a check; by default those of `mriworkbook.exercises`.
    """
    problems = []
    for exercise in find_exercises(notebook, file)[0].values():
        known = engine.labels_like(exercise.label) if registry is None else registry
        if exercise.label and exercise.label not in known:
            problems.append(
                f"{file}, line {exercise.line}: no check is registered for {exercise.label!r}; "
                f"write one in exercises/{engine.module_prefix(exercise.label)}_....py"
            )
    return problems


def find_problems(notebook, file, registry=None):
    """Problems of all rules; an empty list for a sound source."""
    problems = [*check_structure(notebook, file), *check_same_ending(notebook, file)]
    problems += [*check_blanks(notebook, file), *check_leaks(notebook, file)]
    return problems + check_registered(notebook, file, registry)


def _tree(cell):
    return parse_cell(cell.source)


def _is_check(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check"


def _check_calls(tree):
    return [node for node in ast.walk(tree) if _is_check(node)]


def _label_of(call):
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) else None


def _ends_in_check(cell):
    last = _tree(cell).body[-1:]
    return bool(last) and isinstance(last[0], ast.Expr) and _is_check(last[0].value)


def _is_blank(node):
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _blank_body(function):
    """Whether a function's body, but for its docstring, is one blank."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    return len(body) == 1 and isinstance(body[0], ast.Expr) and _is_blank(body[0].value)


def _blank_problems(tree):
    """What is wrong with the blanks of a stub: their places, and uses before ``check``."""
    allowed, blanked = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and _blank_body(node):
            allowed.add(node.body[-1].value)
        if isinstance(node, ast.Subscript):  # img[..., 0] and tuple[int, ...] are no blanks
            allowed |= {n for n in ast.walk(node.slice) if _is_blank(n)}
    blanks = {n for n in ast.walk(tree) if _is_blank(n)} - allowed
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_blank(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(isinstance(t, ast.Name) for t in targets):
                blanks.discard(node.value)
                blanked |= {t.id for t in targets}
    functions = any(isinstance(n, ast.FunctionDef) and _blank_body(n) for n in ast.walk(tree))
    if not blanked and not blanks and not functions:
        return ["has no blank; put ... where the learner is to write"]
    problems = [
        f"has a blank inside a line ({ast.unparse(_statement(tree, blank))!r}); make it the whole "
        "right-hand side of `name = ...`, or a whole function body"
        for blank in sorted(blanks, key=lambda b: (b.lineno, b.col_offset))
    ]
    return problems + [
        f"uses {name!r} before check although it is still blank; this raises in the untouched stub"
        for name in sorted(_touched(tree, blanked))
    ]


def _statement(tree, node):
    """The innermost statement of `tree` that holds `node`."""
    holders = [s for s in ast.walk(tree) if isinstance(s, ast.stmt) and node in ast.walk(s)]
    return holders[-1]


def _touched(tree, blanked):
    """Blank names that code outside functions does more with than hand them to ``check``."""
    found = set()

    def walk(node, safe):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.update({node.id} & blanked if not safe else ())
            return
        harmless = ast.Assign | ast.Tuple | ast.List | ast.Dict | ast.keyword | ast.Expr
        for child in ast.iter_child_nodes(node):
            walk(child, safe and (isinstance(node, harmless) or _is_check(node)))

    for statement in tree.body:
        walk(statement, True)
    return found


def _difference(stub, solution):
    """The first difference outside the blanks in words, or ''."""
    for mine, theirs in zip(stub, solution, strict=False):
        if not _matches(mine, theirs):
            return f"has {ast.unparse(mine)!r} where its solution has {ast.unparse(theirs)!r}"
    if len(stub) != len(solution):
        return f"has {len(stub)} statements, its solution {len(solution)}"
    return ""


def _matches(stub, solution):
    """Whether two syntax trees are equal, a blank of the stub standing for anything."""
    if type(stub) is not type(solution):
        return False
    if isinstance(stub, list):
        return len(stub) == len(solution) and all(map(_matches, stub, solution))
    if not isinstance(stub, ast.AST):
        return stub == solution
    skip = set()
    if isinstance(stub, ast.Assign | ast.AnnAssign) and _is_blank(stub.value):
        skip = {"value"}
    if isinstance(stub, ast.FunctionDef) and _blank_body(stub):
        skip = {"body"}
        if ast.get_docstring(stub) != ast.get_docstring(solution):
            return False
    return all(
        _matches(getattr(stub, field, None), getattr(solution, field, None))
        for field in stub._fields
        if field not in skip
    )
