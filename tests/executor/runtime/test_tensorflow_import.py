"""TensorFlow loads without a word; a module that breaks while it loads is heard."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from executor.pipeline.prepare import check_system_date
from executor.runtime import tensorflow_import
from executor.runtime.tensorflow_import import use_tensorflow_backend
from rules.errors import PcwatError, TrainingError

ROOT = str(Path(__file__).parents[3])


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
        "from executor.runtime.tensorflow_import import quiet_tensorflow\n"
        "quiet_tensorflow()\n"
        "import os, sys, tensorflow as tf\n"
        "assert 'keras_tuner' in sys.modules\n"
        "print(float(tf.constant(2.0)))\n"
        "os.write(2, b'heard again')\n"
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "2.0\n", "heard again")


def test_a_tensorflow_that_cannot_be_loaded_is_one_error_with_the_reason(tmp_path: Path) -> None:
    reason = "libtensorflow_cc.so.2: failed to map segment from shared object"
    (tmp_path / "tensorflow.py").write_text(f"raise ImportError({reason!r})\n", encoding="utf-8")
    ran = run(
        "from executor.runtime.tensorflow_import import quiet_tensorflow\n"
        "from rules.errors import PcwatError\n"
        "try:\n"
        "    quiet_tensorflow()\n"
        "except PcwatError as error:\n"
        "    print(error)\n",
        tmp_path,
    )
    assert ran.stdout.startswith(f"TensorFlow cannot be imported: {reason}.")
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("version", "remedy"), [((3, 13), "Run: pip install tensorflow"), ((3, 14), "install pcwat with another Python.")]
)
def test_without_tensorflow_the_remedy_fits_the_version_of_python(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], remedy: str
) -> None:
    monkeypatch.setattr(tensorflow_import, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(PcwatError) as error:
        tensorflow_import.check_tensorflow()
    assert str(error.value).endswith(remedy)


def test_importing_the_module_alone_loads_no_tensorflow_and_leaves_the_environment() -> None:
    ran = run(
        "import os, sys\n"
        "before = dict(os.environ)\n"
        "import executor.runtime.tensorflow_import\n"
        "assert 'tensorflow' not in sys.modules\n"
        "assert dict(os.environ) == before\n"
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_commands_load_no_tensorflow_before_it_is_silenced() -> None:
    ran = run(
        "import sys, executor.cli.commands, executor.pipeline.prepare, executor.runs.report.cli\n"
        "assert not {'tensorflow', 'keras', 'keras_tuner'} & set(sys.modules)\n"
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_a_broken_module_wrote_is_shown(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import os\nos.write(2, b'the reason\\n')\nraise ImportError('no library')\n")
    ran = run("from executor.runtime.tensorflow_import import import_quietly\nimport_quietly('broken')", tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("the reason\n")
    assert "ImportError: no library" in ran.stderr


def test_keras_is_imported_with_tensorflow_whatever_the_environment_says() -> None:
    program = (
        "import os; from executor.runtime.tensorflow_import import use_tensorflow_backend; use_tensorflow_backend(); "
        "print(os.environ['KERAS_BACKEND'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "tensorflow\n"


def test_keras_with_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(config=SimpleNamespace(backend=lambda: "jax")))
    with pytest.raises(PcwatError, match="must be tensorflow, but Keras was imported with jax"):
        use_tensorflow_backend()


def test_a_clock_before_1980_is_refused_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", lambda: time.struct_time((1970, 1, 1, 0, 0, 0, 3, 1, 0)))
    with pytest.raises(TrainingError, match="in 1980 or later"):
        check_system_date()
