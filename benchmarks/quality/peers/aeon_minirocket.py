"""aeon's MiniRocket with RidgeClassifierCV on the rows of a file.

Environment: `pip install aeon==1.6.0`. Prints accuracy and processor seconds, without the seconds in which numba
compiles, as JSON. With --write NAME FILE it writes a set that aeon contains instead.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import aeon
import numpy as np
from aeon.datasets import load_classification
from aeon.transformations.collection.convolution_based import MiniRocket
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def write(name: str, path: str) -> dict[str, float]:
    folder = str(Path(aeon.__file__).parent / "datasets" / "data")
    parts = {part: load_classification(name, split=part, extract_path=folder) for part in ("train", "test")}
    np.savez(
        path,
        X=np.concatenate([values for values, _ in parts.values()]).transpose(0, 2, 1).astype(np.float32),
        y=np.concatenate([labels for _, labels in parts.values()]),
        split=np.concatenate([[part] * len(labels) for part, (_, labels) in parts.items()]),
    )
    return {}


def score(path: str) -> dict[str, float]:
    with np.load(path) as arrays:
        values = np.nan_to_num(arrays["X"]).transpose(0, 2, 1)
        labels, is_test = arrays["y"], arrays["split"] == "test"
    MiniRocket(random_state=0).fit_transform(values[:2])  # compiles
    start = processor_seconds()
    features = MiniRocket(random_state=0).fit(values[~is_test])
    model = make_pipeline(StandardScaler(with_mean=False), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))
    model.fit(features.transform(values[~is_test]), labels[~is_test])
    accuracy = model.score(features.transform(values[is_test]), labels[is_test])
    return {"accuracy": float(accuracy), "seconds": processor_seconds() - start}


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(json.dumps(write(*arguments[1:]) if arguments[0] == "--write" else score(*arguments)))
