"""Leaderboard of saved results by bencheval, the evaluation of TabArena: Elo, win rate, rank, improvability.

    PYTHON leaderboard.py peers.json ours.json [--budget 60]

PYTHON: of an environment with `pip install --pre bencheval`. The files are lists of results as `comparison.py` saves
them. Only datasets that all systems have are counted; a system without an answer gets the largest error of the others.
Intervals: 95 %, by resampling the datasets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from bencheval.evaluator import BenchmarkEvaluator

DRAWS = 200
TINY = 1e-9  # error of a system without one, so that ratios are defined


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds; results of other budgets are left out")
    given = parser.parse_args()
    rows = pd.DataFrame([one for file in given.files for one in json.loads(file.read_text(encoding="utf-8"))])
    table = errors(rows[rows["budget"] == given.budget])
    print(f"{len(table)} datasets with results of all {len(table.columns)} systems")
    board = leaderboard(table)
    random = np.random.default_rng(0)
    draws = [leaderboard(table.iloc[random.integers(len(table), size=len(table))]) for _ in range(DRAWS)]
    for name in board.columns:
        drawn = np.array([one.loc[board.index, name] for one in draws])
        low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
        board[f"{name} 95 %"] = [f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True)]
    print(board.sort_values("rank").to_string(float_format=lambda value: f"{value:.3g}"))


def errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Error of each system (column) on each dataset (row): 1 - score, or the score of an error metric."""
    found = rows.assign(error=np.where(rows["direction"] == "max", 1 - rows["score"], rows["score"]))
    latest = found.drop_duplicates(["dataset", "peer"], keep="last")
    table = latest.pivot_table(index="dataset", columns="peer", values="error", dropna=False)
    ran = latest.pivot_table(index="dataset", columns="peer", values="seconds")
    table = table[ran.notna().all(axis=1)]
    return table.apply(lambda own: own.fillna(own.max()), axis=1).clip(lower=TINY)


def leaderboard(table: pd.DataFrame) -> pd.DataFrame:
    """Rank, Elo, win rate and improvability of each system."""
    numbered = table.set_axis([f"{name} {number}" for number, name in enumerate(table.index)])
    data = numbered.rename_axis("task").reset_index().melt("task", var_name="method", value_name="metric_error")
    data = data.assign(seed=0, time_train_s=1.0, time_infer_s=1.0)
    evaluator = BenchmarkEvaluator(seed_column="seed")
    board = evaluator.leaderboard(data, elo_kwargs={"BOOTSTRAP_ROUNDS": 1})
    return board[["rank", "elo", "winrate", "improvability"]]


if __name__ == "__main__":
    main()
