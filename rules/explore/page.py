"""The page as one self-contained HTML file, which makes no requests."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from rules.explore.content import page_data
from rules.text.templating import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.explore.content import ShownBook
    from rules.explore.presets import Preset

FOLDER: Final = Path(__file__).parent
MODULES: Final = FOLDER / "modules"
ORDER: Final = (
    "numbers", "engine", "space", "flips", "linked", "scale", "state", "elements", "plots", "evidence", "controls",
    "details", "main",
)  # fmt: skip
"""JavaScript modules, each after those that it uses while it is loaded."""
_IMPORT: Final = re.compile(r'^import .* from "\./\w+\.mjs";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?:function\*?|const|class) (\w+)", re.MULTILINE)


def explore_page(books: Sequence[ShownBook], *, start: Preset | None = None, title: str = "Explore the rules") -> str:
    """Write the page.

    books: the first one is selected. start: the facts that the page starts with; by default the first configuration of
    the notes.
    """
    style = (FOLDER / "templates" / "explore.css").read_text(encoding="utf-8")
    script = script_text()
    return (
        environment("rules.explore")
        .get_template("explore.html")
        .render(
            title=title,
            style=Markup(style),  # noqa: S704  our own file
            script=Markup(script),  # noqa: S704  as above
            style_hash=_hash(style),
            script_hash=_hash(script),
            data=embedded_json(page_data(books, start=start)),
        )
    )


def script_text() -> str:
    """All modules as one: each in a function of its own, which returns what it exports."""
    return "\n" + "\n".join(_as_function((MODULES / f"{name}.mjs").read_text(encoding="utf-8")) for name in ORDER)


def _as_function(module: str) -> str:
    names = ", ".join(_EXPORT.findall(module))
    body = _EXPORT.sub(lambda found: found[0].removeprefix("export "), _IMPORT.sub("", module))
    return f"const {{ {names} }} = (() => {{\n{body}return {{ {names} }};\n}})();\n" if names else f"{{\n{body}}}\n"


def embedded_json(value: dict[str, Any]) -> Markup:
    r"""JSON for a script element: it contains no character that HTML or JavaScript could interpret.

    >>> print(embedded_json({"name": "</script>&\u2028"}))
    {"name":"\u003c/script\u003e\u0026\u2028"}
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPED))  # noqa: S704  escaped in the line before


_ESCAPED: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def _hash(text: str) -> str:
    """Hash of an inline script or style for a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
