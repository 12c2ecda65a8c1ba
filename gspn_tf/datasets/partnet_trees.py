"""PartNet's trees of parts: as annotated, and as merged for the benchmark.

A node has an "id", a "name" and perhaps "children"; a leaf names the meshes that it is
made of, "objs". A node of the merged tree (result_after_merging.json) comes of the node
"ori_id" of the original one (result.json).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gspn_tf.data.classes import ClassList
from gspn_tf.files.errors import ScanError


class Part(NamedTuple):
    """A part instance: its row 1..C in the class list, its leaf ids in result.json."""

    row: int
    leaves: list[int]


def check_same_shape(tree: list, merged: list, folder: Path) -> None:
    """ScanError where most leaves of a merged tree have other meshes than in `tree`."""
    meshes = {str(node["id"]): _meshes(node) for _, node in _walk(tree, folder)}
    leaves = [node for _, node in _walk(merged, folder) if _is_leaf(node)]
    named = [leaf for leaf in leaves if _meshes(leaf)]
    other = sum(_meshes(leaf) != meshes.get(str(leaf.get("ori_id"))) for leaf in named)
    if 2 * other > len(named):
        raise ScanError(
            f"{folder}/result_after_merging.json belongs to another shape than "
            f"result.json: {other} of its {len(named)} leaves have other objs"
        )


def leaves_below(tree: list, folder: Path) -> dict[int, list[int]]:
    """For each node id of result.json, the ids of the leaves below it (or its own)."""
    found = {}
    for _, node in _walk(tree, folder):
        leaves = [child["id"] for _, child in _walk([node], folder) if _is_leaf(child)]
        found[node["id"]] = leaves
    return found


def find_parts(
    tree: list, original: dict[int, list[int]], classes: ClassList, folder: Path
) -> Iterator[Part]:
    """The parts that a final tree has of the classes, in its order."""
    rows = {name: row for row, name in enumerate(classes.names, start=1)}
    for path, node in _walk(tree, folder):
        if path not in rows:
            continue
        leaves = []
        for _, leaf in _walk([node], folder):
            if not _is_leaf(leaf):
                continue
            source = leaf.get("ori_id")
            if not isinstance(source, int) or source not in original:
                raise ScanError(
                    f"{folder}: ori_id of {path} in result_after_merging.json must be "
                    f"an id of result.json, got {source}"
                )
            leaves += original[source]
        yield Part(rows[path], leaves)


def _walk(nodes: list, folder: Path, above: str = "") -> Iterator[tuple[str, dict]]:
    """The nodes of a tree with their paths, depth first."""
    if not isinstance(nodes, list):
        raise ScanError(f"{folder}: parts must be a list, got {str(nodes)[:80]}")
    for node in nodes:
        match node:
            case {"id": int(), "name": str(name)}:
                path = f"{above}/{name}" if above else name
            case _:
                raise ScanError(
                    f"{folder}: a part must have an id and a name, got {str(node)[:80]}"
                )
        yield path, node
        yield from _walk(node.get("children") or [], folder, path)


def _meshes(node: dict) -> set[str]:
    objs = node.get("objs")
    return set(map(str, objs)) if isinstance(objs, list) else set()


def _is_leaf(node: dict) -> bool:
    return not node.get("children")
