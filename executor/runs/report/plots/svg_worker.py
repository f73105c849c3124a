"""Program that draws charts: reads lines of JSON with `spec` and `config`, writes lines with `svg` or `error`.

It runs in a separate process, because V8, which runs Vega-Lite, aborts its process where memory is short.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

import vl_convert


def main() -> None:
    """Answer each line of standard input until it is closed."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource  # noqa: PLC0415  see above

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an abort leaves no core file in the working directory
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what V8 prints must not mix with the output
    for line in sys.stdin.buffer:
        chart = json.loads(line)
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(chart["spec"], config=chart["config"], allowed_base_urls=[])}
        except ValueError as error:
            answer = {"error": str(error)}
        output.write(json.dumps(answer).encode() + b"\n")
        output.flush()


if __name__ == "__main__":
    main()
