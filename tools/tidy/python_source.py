"""Rules for Python sources beyond what ruff and mypy see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.tidy.rust_source import banned_word
from tools.tidy.tree import Tree

FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 400
PACKAGE = "python/coulisse/"
# Named by pyproject.toml or run by the interpreter, so nobody imports them.
ENTRY_POINTS = frozenset({"coulisse", "coulisse.cli", "coulisse.__main__"})
# Alembic reads these by their place.
MIGRATIONS = ("coulisse.store.sql.migrations.env", "coulisse.store.sql.migrations.versions.")


def parsed(tree: Tree) -> Iterator[tuple[str, ast.Module]]:
    """Yield every Python file with its syntax tree."""
    for path, content in tree.select(".py"):
        yield path, ast.parse(content, path)


def function_length(tree: Tree) -> Iterator[str]:
    """Find functions that do not fit a screen, docstring included."""
    for path, module in parsed(tree):
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    where = f"{path}:{node.lineno}"
                    yield f"{where}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def module_length(tree: Tree) -> Iterator[str]:
    """Find modules of the package that are more than one room."""
    for path, content in tree.select(".py", under=PACKAGE):
        lines = content.count("\n")
        if lines > MODULE_LINES_MAX:
            yield f"{path}: {lines} lines, at most {MODULE_LINES_MAX}"


def identifiers(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the names that a module gives to things, with their lines."""
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno


def banned_words(tree: Tree) -> Iterator[str]:
    """Find names that say a thing by another word than the glossary's."""
    for path, module in parsed(tree):
        for name, line in identifiers(module):
            if word := banned_word(name):
                yield f"{path}:{line}: `{name}`: the glossary has another word for {word}"


def dead_modules(tree: Tree) -> Iterator[str]:
    """Find modules of the package that no module of the package imports, or loads by its name."""
    modules: dict[str, str] = {}
    for path, _ in tree.select(".py", under=PACKAGE):
        modules[module_of(path)] = path
    imported: set[str] = set()
    for path, module in parsed(tree):
        if path.startswith(PACKAGE):
            imported.update(imports_of(module_of(path), path.endswith("__init__.py"), module))
            constants = (node for node in ast.walk(module) if isinstance(node, ast.Constant))
            imported.update(node.value for node in constants if isinstance(node.value, str))
    for name, path in modules.items():
        is_package = path.endswith("__init__.py")
        if name.startswith(MIGRATIONS):
            continue
        if name not in imported and name not in ENTRY_POINTS and not is_package:
            yield f"{path}: nothing in the package imports it"


def imports_from_the_root(tree: Tree) -> Iterator[str]:
    """Find modules that reach for the public names of the package from inside it.

    The root imports everything, so this is how an import against the layers could hide. Nothing
    stands on the command line, so that may take what users take.
    """
    modules = {module_of(path) for path, _ in tree.select(".py", under=PACKAGE)}
    for path, module in parsed(tree):
        if not path.startswith(PACKAGE) or path.startswith(f"{PACKAGE}cli/"):
            continue
        for node in ast.walk(module):
            for name in names_from_the_root(node):
                if name != "_core" and f"coulisse.{name}" not in modules:
                    yield f"{path}: takes {name} from the root of the package"


def names_from_the_root(node: ast.AST) -> list[str]:
    """Return what a statement takes from the package's root; `*` stands for the root itself."""
    if isinstance(node, ast.ImportFrom) and node.module == "coulisse" and not node.level:
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        return ["*" for alias in node.names if alias.name == "coulisse"]
    return []


def module_of(path: str) -> str:
    """Return the dotted name of a file under python/."""
    dotted = path.removeprefix("python/").removesuffix(".py").replace("/", ".")
    return dotted.removesuffix(".__init__")


def imports_of(name: str, is_package: bool, module: ast.Module) -> Iterator[str]:
    """Yield what a module imports; `from a import b` counts as `a` and as `a.b`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = name.split(".")
                up = up[: len(up) - node.level + (1 if is_package else 0)]
                base = ".".join([*up, base]) if base else ".".join(up)
            yield base
            for alias in node.names:
                yield f"{base}.{alias.name}"
