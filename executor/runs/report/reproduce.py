"""The command that trains as a run was trained."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from executor.runs.files import BUNDLE
from recommender.dataset.memory import UNITS
from recommender.dataset.memory import VARIABLE as MEMORY_VARIABLE
from recommender.speed.device_speed import VARIABLE as DEVICE_VARIABLE

if TYPE_CHECKING:
    from executor.runs.plan import Plan
    from executor.runs.run import Run


def reproduce_command(run: Run) -> str:
    """`recommend train …` with the run's bundle and options, quoted for a shell; "" for a table in memory.

    Where the run chose its devices, the command requests them.
    """
    plan = run.plan
    if plan.dataset is None:
        return ""
    if plan.parent:
        own = plan.model_copy(update={"trials": None})
        return shlex.join(
            ["recommend", "train", "--continue", plan.parent_directory or "RUN", plan.dataset, *_search_options(own)]
        )
    data = [plan.dataset, *plan.request.words(), "--bundle", str(run.directory / BUNDLE)]
    data += [] if plan.after is None else ["--after", plan.after]
    choice = run.summary.devices
    variables = [] if choice is None else [f"{DEVICE_VARIABLE}={choice.request}"]
    variables += [] if plan.streaming is None else [f"{MEMORY_VARIABLE}={plan.streaming.limit / UNITS['MB']}MB"]
    return shlex.join([*variables, "recommend", "train", *data, *_search_options(plan)])


def _search_options(plan: Plan) -> list[str]:
    """The options of the search and its limits."""
    budget = None if plan.budget is None else f"{plan.budget:g}s"
    given: dict[str, object] = {"--budget": budget, "--trials": plan.trials, "--seed": plan.seed}
    given |= {
        "--cluster": plan.cluster,
        "--at-once": plan.at_once,
        "--satisfied-at": plan.satisfied_at,
        "--interval-groups": plan.interval_groups,
    }
    words = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    flags = {"--single": plan.single, "--keep-evaluated": plan.keep_evaluated, "--no-report": not plan.report}
    return [*words, *(flag for flag, is_set in flags.items() if is_set)]
