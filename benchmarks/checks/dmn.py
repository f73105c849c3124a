"""Compare the DMN export of the shipped rules with an independent engine on random facts.

    npm install --prefix node feelin dmn-moddle
    python -m benchmarks.checks.dmn node --cases 10000 --xsd DMN13.xsd

The engine is feelin, the FEEL interpreter of bpmn.io; dmn-moddle reads the file. With --xsd and the package xmlschema,
the file is also validated against the schema of the OMG.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from rules.decision.dmn.document import to_dmn
from rules.decision.engine import slot_choices
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from tests.random_facts import as_json, random_facts

ENGINE = Path(__file__).with_suffix(".mjs")


def main() -> int:
    """Check the handbook alone and all shipped rules; the exit code is the number of books with a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("node", type=Path, help="folder with node_modules")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--xsd", type=Path)
    options = parser.parse_args()
    return sum(_differs(layers, options) for layers in (SHIPPED_LAYERS[:1], SHIPPED_LAYERS))


def _differs(layers: tuple[str, ...], options: argparse.Namespace) -> bool:
    proved, generator = load_book(layers), random.Random(0)  # noqa: S311  cases of a check
    with tempfile.TemporaryDirectory() as folder:
        book, cases = Path(folder) / "book.dmn", Path(folder) / "cases.jsonl"
        book.write_text(to_dmn(proved), encoding="utf-8")
        if options.xsd is not None:
            import xmlschema  # noqa: PLC0415  only for this option

            xmlschema.XMLSchema(str(options.xsd)).validate(str(book))
        with cases.open("w", encoding="utf-8") as file:
            for _ in range(options.cases):
                facts = random_facts(proved.book, generator)
                choices = {slot.value: str(made.choice) for slot, made in slot_choices(proved, facts).items()}
                file.write(f"{json.dumps([as_json(facts), choices])}\n")
        command = ["node", "--input-type=module", "-", str(book), str(cases)]
        print("+".join(layers), flush=True)
        ended = subprocess.run(command, input=ENGINE.read_bytes(), cwd=options.node, check=False)  # noqa: S603  our own command
        return ended.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
