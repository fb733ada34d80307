"""JavaScript modules become one script, in an order in which each finds what it imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2s.errors import UserError
from serving.javascript import bundle


def write(folder: Path, **modules: str) -> Path:
    """Write modules, of which the last one is the entry."""
    for name, code in modules.items():
        (folder / f"{name}.js").write_text(code, encoding="utf-8")
    return folder / f"{list(modules)[-1]}.js"


def test_a_module_stands_behind_those_that_it_imports_and_has_a_scope_of_its_own(tmp_path: Path) -> None:
    (folder := tmp_path / "ui").mkdir()
    entry = write(
        folder,
        low="const hidden = 1;\nexport const one = hidden;\nexport async function two() {}\nexport class Three {}\n",
        middle='import { one } from "./low.js";\nexport const four = one + 3;\n',
        top='import { one as first, two } from "./low.js";\nimport {four} from "./middle.js";\nfirst + four;\n',
    )
    assert bundle(entry) == (
        "const ui_low = (() => {\nconst hidden = 1;\nconst one = hidden;\nasync function two() {}\nclass Three {}\n"
        "return { one, two, Three };\n})();\n"
        "const ui_middle = (() => {\nconst { one } = ui_low;\nconst four = one + 3;\nreturn { four };\n})();\n"
        "const ui_top = (() => {\nconst { one: first, two } = ui_low;\nconst {four} = ui_middle;\nfirst + four;\n"
        "return {  };\n})();\n"
    )


def test_names_that_are_imported_may_stand_on_several_lines(tmp_path: Path) -> None:
    entry = write(tmp_path, a="export const x = 1;\n", b='import {\n  x,\n} from "./a.js";\nx;\n')
    assert "const {\n  x,\n} = " in bundle(entry)


@pytest.mark.parametrize(
    "code", ['import x from "./a.js";', 'import * as x from "./a.js";', "export default 1;", "export { x };"]
)
def test_other_imports_and_exports_are_refused(tmp_path: Path, code: str) -> None:
    with pytest.raises(UserError, match=r"b\.js: cannot be bundled"):
        bundle(write(tmp_path, a="export const x = 1;\n", b=code + "\n"))


def test_a_circle_is_named(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        a='import { y } from "./b.js";\nexport const x = 1;\n',
        b='import { x } from "./a.js";\nexport const y = 1;\n',
    )
    with pytest.raises(UserError, match=r"\.js: modules import each other in a circle"):
        bundle(entry)
