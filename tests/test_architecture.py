"""Who may import whom, and that one name leads to one module: the contracts, and what they cannot say."""

from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

import fashion_lib

LIBRARY = Path(fashion_lib.__file__).parent
MODULES = sorted(path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py") if path.name != "__init__.py")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "tools"}


def test_the_import_contracts_hold(monkeypatch, capsys):
    monkeypatch.chdir(LIBRARY.parent)
    assert lint_imports() == 0, capsys.readouterr().out


def test_no_module_imports_itself_by_a_detour():
    graph = grimp.build_graph("fashion_lib", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 100
    TopologicalSorter(imports).prepare()  # CycleError names the circle


def test_no_two_modules_share_a_name_and_none_has_a_vague_one():
    assert len(MODULES) > 100
    names = Counter(path.stem for path in MODULES)
    assert [name for name, count in names.items() if count > 1] == []
    assert VAGUE.isdisjoint(names)


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=str)
def test_every_room_says_what_it_is_for(folder):
    source = (LIBRARY / folder / "__init__.py").read_text(encoding="utf-8")
    assert source.startswith('"""') and len(source.split('"""')[1]) > 30


@pytest.mark.parametrize("path", sorted((LIBRARY.parent / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_no_test_imports_a_test(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("from test_", "import test_"))] == []
