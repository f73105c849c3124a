"""Starting points of the explore page that need measurements."""

from __future__ import annotations

from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.explore.presets import EXAMPLES_FILE, Preset, examples_to_json

TARGETS = {"breast_cancer": "diagnosis", "wine": "cultivar", "diabetes": "progression"}


def test_the_examples_start_with_their_measured_facts(golden) -> None:
    found = []
    for name, target in TARGETS.items():
        advice = recommend(example(name), target=target)
        found.append(
            Preset(
                name=name.replace("_", "-"),
                title=f"{name}.csv, {target}",
                group="examples",
                facts=advice.strategy.facts,
                rare_class=advice.record.dataset.rare_class,
            )
        )
    golden(EXAMPLES_FILE, examples_to_json(found))
