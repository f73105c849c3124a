"""Import of Altair with its docstrings, which it needs, where Python drops them (PYTHONOPTIMIZE=2)."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

PACKAGE: Final = "altair"
WITHOUT_DOCSTRINGS: Final = 2  # the value of sys.flags.optimize from which Python drops them


class DocumentedLoader(SourceFileLoader):
    """Compiles a module with its docstrings; nothing is cached, because Python's cache of this level has none."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec", dont_inherit=True, optimize=0)


class DocumentedFinder(MetaPathFinder):
    """Finds the modules of Altair."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = DocumentedLoader(fullname, spec.origin)
        return spec


def keep_docstrings() -> None:
    """Make Altair importable at any level of PYTHONOPTIMIZE; call before it is imported."""
    if sys.flags.optimize >= WITHOUT_DOCSTRINGS and PACKAGE not in sys.modules:
        sys.meta_path.insert(0, DocumentedFinder())
