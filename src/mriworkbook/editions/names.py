"""Which names a cell needs from other cells, and which it leaves behind."""

import ast
import builtins

from IPython.core.inputtransformer2 import TransformerManager

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def parse_cell(source):
    """Syntax tree of a cell; IPython magics become the calls that IPython makes of them.

    Examples
    --------
    >>> ast.unparse(parse_cell("x = 1\\n%matplotlib inline"))
    "x = 1\\nget_ipython().run_line_magic('matplotlib', 'inline')"
    """
    return ast.parse(TransformerManager().transform_cell(source))


def names_in_cell(source):
    """Names that a cell takes from elsewhere and names that it binds.

    Parameters
    ----------
    source : str
        Code of a cell.

    Returns
    -------
    needed : set of str
        Names read before the cell itself binds them, builtins left out. Names read inside a
        function count unless the cell binds them anywhere: the function runs later.
    bound : set of str
        Names that exist after the cell has run.

    Examples
    --------
    >>> needed, bound = names_in_cell("import numpy as np\\nx = np.log(x)\\ny = [i for i in x]")
    >>> sorted(needed), sorted(bound)
    (['x'], ['np', 'x', 'y'])
    """
    bound, needed, later = set(), set(), set()
    _scan(parse_cell(source), bound, needed, later)
    return (needed | (later - bound)) - set(dir(builtins)) - {"get_ipython"}, bound


def _scan(node, bound, needed, later):
    """Walk `node` in the order of execution, adding to the three sets."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif node.id not in bound:
            needed.add(node.id)
        return
    if isinstance(node, FUNCTIONS):
        _scan_function(node, bound, needed, later)
        return
    if isinstance(node, ast.ClassDef):
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            _scan(part, bound, needed, later)
        inside = set(bound)
        for part in node.body:
            _scan(part, inside, needed, later)
        bound.add(node.name)
        return
    if isinstance(node, COMPREHENSIONS):
        inside = set(bound)
        for part in (*node.generators, *_children(node, skip="generators")):
            _scan(part, inside, needed, later)
        # A name set by := inside a comprehension outlives it.
        bound.update(n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
        return
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        _scan(ast.Name(node.target.id, ast.Load()), bound, needed, later)
    bound.update(_plain_names(node))
    for part in _in_order(node):
        _scan(part, bound, needed, later)


def _scan_function(node, bound, needed, later):
    arguments = node.args
    for part in (*arguments.defaults, *filter(None, arguments.kw_defaults)):
        _scan(part, bound, needed, later)
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += filter(None, [arguments.vararg, arguments.kwarg])
    body = node.body
    if isinstance(node, ast.Lambda):
        body = [node.body]
    else:
        for part in (*node.decorator_list, *filter(None, [a.annotation for a in named])):
            _scan(part, bound, needed, later)
        bound.add(node.name)
    local, inner, inner_later = {a.arg for a in named}, set(), set()
    for part in body:
        _scan(part, local, inner, inner_later)
    outer = {n for part in body for g in ast.walk(part) if isinstance(g, ast.Global)
             for n in g.names}  # fmt: skip
    later.update((inner | inner_later) - local | outer)


def _children(node, skip):
    for field, value in ast.iter_fields(node):
        if field != skip:
            yield from (v for v in (value if isinstance(value, list) else [value])
                        if isinstance(v, ast.AST))  # fmt: skip


def _in_order(node):
    """Parts of a statement in the order in which they run, not in which they are written."""
    if isinstance(node, ast.Assign):
        return [node.value, *node.targets]
    if isinstance(node, ast.AnnAssign):
        return [node.annotation, *([node.value, node.target] if node.value else [])]
    if isinstance(node, ast.AugAssign | ast.NamedExpr):
        return [node.value, node.target]
    if isinstance(node, ast.For | ast.AsyncFor):
        return [node.iter, node.target, *node.body, *node.orelse]
    if isinstance(node, ast.comprehension):
        return [node.iter, node.target, *node.ifs]
    return list(ast.iter_child_nodes(node))


def _plain_names(node):
    """Names that a node binds as plain text rather than through an `ast.Name`."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(a.asname or a.name.split(".")[0]) for a in node.names}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return {node.name} if node.name else set()
    if isinstance(node, ast.MatchMapping):
        return {node.rest} if node.rest else set()
    return set()
