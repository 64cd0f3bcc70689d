"""The repository's rules about itself: what no compiler, linter or type checker looks at.

A check is a function from a `Tree` of files to sentences that say what is wrong and where; no
sentence means all is well. `tests/test_tidy.py` runs each on this repository, and on a small tree
with a fault planted in it, so that no check can fall asleep.
"""

from collections.abc import Callable, Iterator

from tools.tidy import docs, project, python_source, rust_source, text
from tools.tidy.tree import Tree

__all__ = ["CHECKS", "Tree"]

CHECKS: dict[str, Callable[[Tree], Iterator[str]]] = {
    check.__name__: check
    for check in (
        text.leftover_markers,
        text.registry_hosts,
        text.machine_paths,
        text.line_length,
        text.module_names,
        python_source.function_length,
        python_source.module_length,
        python_source.banned_words,
        python_source.dead_modules,
        python_source.imports_from_the_root,
        rust_source.file_length,
        rust_source.function_length_setting,
        rust_source.banned_identifiers,
        rust_source.crate_edges,
        rust_source.no_std_crates,
        rust_source.unsafe_code,
        docs.dead_links,
        docs.make_targets,
        docs.decision_index,
        docs.invariants_name_their_keeper,
        docs.readme_figures,
        project.locks,
        project.dependencies,
    )
}
