"""TensorFlow loads without a word; a module that breaks while it loads is heard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])


def run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join([ROOT, *map(str, paths)]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_tensorflow_loads_and_computes_without_a_word() -> None:
    ran = run(
        "from executor.quiet import quiet_tensorflow\n"
        "quiet_tensorflow()\n"
        "import os, sys, tensorflow as tf\n"
        "assert 'keras_tuner' in sys.modules\n"
        "print(float(tf.constant(2.0)))\n"
        "os.write(2, b'heard again')\n"
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "2.0\n", "heard again")


def test_importing_the_module_alone_loads_no_tensorflow_and_leaves_the_environment() -> None:
    ran = run(
        "import os, sys\n"
        "before = dict(os.environ)\n"
        "import executor.quiet\n"
        "assert 'tensorflow' not in sys.modules\n"
        "assert dict(os.environ) == before\n"
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_a_broken_module_wrote_is_shown(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import os\nos.write(2, b'the reason\\n')\nraise ImportError('no library')\n")
    ran = run("from executor.quiet import import_quietly\nimport_quietly('broken')", tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("the reason\n")
    assert "ImportError: no library" in ran.stderr
