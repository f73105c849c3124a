"""The explore page: its engine equals the Python engine, in Node and in Chromium, and it is used as a reader would."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks.checks.explore import ANSWERS, Case, node_answers, random_cases, remembered_cells
from recommender.audit.dependent_facts import _class_sizes
from recommender.audit.explore import explore
from recommender.audit.subject import Subject
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.decision.counterfactual import flips
from rules.errors import ChoiceError
from rules.explore.books import shown_books
from rules.explore.content import page_data
from rules.explore.page import explore_page
from rules.explore.presets import PRESETS
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.scorecard.shipped import measured_score
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Slot
from tests.effort import EFFORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from rules.explore.content import ShownBook

CASES: Final = 20 * EFFORT
PHONE: Final = 390  # pixels


@pytest.fixture(scope="module")
def books() -> list[ShownBook]:
    return shown_books()


@pytest.fixture(scope="module")
def answered(books: list[ShownBook]) -> tuple[list[Case], list[Any]]:
    """Random cases, and the answers of the Python engine."""
    with remembered_cells():
        cases, answers = zip(*random_cases(books, page_data(books), seed=0, count=CASES), strict=True)
    return list(cases), list(answers)


def test_node_decides_as_python(books: list[ShownBook], answered: tuple[list[Case], list[Any]]) -> None:
    if shutil.which("node") is None:
        pytest.skip("no Node on the PATH; Chromium runs the same test")
    cases, answers = answered
    assert node_answers(page_data(books), cases) == answers


@pytest.fixture(scope="module")
def address(books: list[ShownBook], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("explore") / "explore.html"
    path.write_text(explore_page(books), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page, which must write nothing to the console and request nothing."""
    context = browser.new_context()
    said: list[str] = []
    asked: list[str] = []

    def open_page(hash_: str = "", *, at: str = address, **viewport: int) -> Page:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        if viewport:
            page.set_viewport_size({"width": 1280, "height": 800} | viewport)  # type: ignore[arg-type]
        page.goto(at + hash_)
        return page

    yield open_page
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []


def chosen(page: Page, slot: str) -> str:
    return page.locator(f"label.slot:has(input[value={slot}]) .choice").inner_text()


def test_chromium_decides_as_python(opened: Callable[..., Page], answered: tuple[list[Case], list[Any]]) -> None:
    cases, answers = answered
    found = opened().evaluate(f"cases => ({ANSWERS})(explore, cases)", [case.to_json() for case in cases])
    assert found == answers


def test_moving_a_slider_changes_the_choice_and_says_so(opened: Callable[..., Page]) -> None:
    page = opened("#preset=imbalanced-classification&slot=metric&imbalance_ratio=4.5")
    assert chosen(page, "metric") == "f1 (average binary)"
    page.get_by_label("imbalance ratio, slider").focus()
    for _ in range(9):  # positions: from 4.5 : 1 to the threshold at 4 : 1
        if chosen(page, "metric") != "f1 (average binary)":
            break
        page.keyboard.press("ArrowLeft")
    assert page.get_by_label("imbalance ratio", exact=True).input_value() == "4"
    assert chosen(page, "metric") == "roc_auc"
    assert page.get_by_label("minority class rows", exact=True).input_value() == "600"  # of 3,000 rows
    assert "Performance metric: f1 (average binary) → roc_auc" in page.locator("#changed").inner_text()
    assert page.locator("tr.decides").inner_text().startswith("P002")
    assert page.locator("#fact-imbalance_ratio-choices").inner_text() == (
        "Thresholds: 1.5, 4. Choice in ascending order: accuracy up to 1.5, roc_auc up to 4, f1 (average binary)."
    )
    assert "imbalance_ratio=4" in page.url


def test_a_link_opens_its_state_and_leaves_out_what_cannot_be(opened: Callable[..., Page]) -> None:
    page = opened(
        "#book=handbook&preset=image-tasks&rows=49999&slot=tuner&classes=0&color=red&pin.activation=tanh&pin.loss=nothing"
    )
    assert page.locator("#book").input_value() == "handbook"
    assert page.locator("#details .choice-name").inner_text() == "hyperband"
    assert page.get_by_label("rows", exact=True).input_value() == "49999"
    assert page.locator("#fact-classes").input_value() == "10"
    assert chosen(page, "activation") == "tanh"
    assert chosen(page, "initializer") == "xavier"  # W003, which only a pin can reach


def test_unknown_and_inapplicable_facts_can_be_set(opened: Callable[..., Page]) -> None:
    page = opened("#preset=imbalanced-classification&slot=metric")
    page.get_by_label("imbalance ratio: known or not").select_option("unknown")
    assert "provisional" in page.locator("label.slot:has(input[value=metric])").inner_text()
    page.get_by_label("imbalance ratio: known or not").select_option("n/a")
    assert chosen(page, "metric") == "accuracy"
    page.locator("#fact-task").select_option("regression")
    assert chosen(page, "metric") == "rmse"
    page.get_by_label("rows", exact=True).fill("-3")
    page.keyboard.press("Tab")
    problem = "rows must be a whole number, at least 1. The value is 3,000 again."
    assert page.locator(".fact:has(#fact-rows) small").inner_text() == problem


def test_the_nearest_change_leads_to_the_choice_that_it_names(opened: Callable[..., Page]) -> None:
    page = opened("#preset=imbalanced-classification&slot=metric")
    row = page.locator(".flips li").first
    assert "row" in row.locator(".how").inner_text()
    becomes = page.evaluate(
        "() => explore.flips(explore.model, explore.model.books[0], "
        "Object.fromEntries(Object.entries(explore.model.presets[1].facts).map(([k, value]) => [k, {value}])), {}, '', "
        "['metric']).metric[0].becomes"
    )
    row.get_by_role("button").press("Enter")
    assert chosen(page, "metric") == becomes
    assert page.evaluate("document.activeElement.id") == "nearest"  # another Enter changes nothing
    announced = page.locator("#changed").inner_text()
    assert "Performance metric: f1 (average binary) → " in announced
    page.locator("input[value=loss]").check(force=True)
    assert page.locator("#changed").inner_text() == announced
    assert page.locator("#preset option:checked").inner_text() == "Changed: Imbalanced classification, 9:1"


def test_thresholds_of_one_fact_lead_to_the_choices_that_they_name(opened: Callable[..., Page]) -> None:
    page = opened("#preset=imbalanced-classification&slot=metric")
    rows = page.locator("#details .flips").last.locator("li")
    texts = [text.split("\n") for text in rows.all_inner_texts()]
    assert [how for how, _, _ in texts if not how.startswith("rows")] == [
        "imbalance ratio ≤ 4 then minority class rows = 600",  # of 3,000 rows
        "imbalance ratio ≤ 1.5 then minority class rows = 1,200",
        "imbalance ratio > 79 then minority class rows = 37",  # 3,000 / 80 = 37.5, which is 38
        "minority class rows ≤ 37 then imbalance ratio = 80.08",
        "minority class rows ≥ 600 then imbalance ratio = 4",
        "minority class rows ≥ 1,200 then imbalance ratio = 1.5",
    ]
    becomes = texts[-1][1]
    rows.last.get_by_role("button").click()
    assert f"→ {chosen(page, 'metric')}" == becomes


def test_the_bundle_the_details_and_the_list_show_the_same_measured_error(opened: Callable[..., Page]) -> None:
    page = opened("#preset=classification&slot=loss", width=PHONE)
    score = measured_score("C103", "categorical_crossentropy (label smoothing 0.1)")
    assert score is not None
    effect = next(one.effect for one in score.alternatives if one.choice == "categorical_crossentropy")
    ratio, low, high = (f"+{100 * (one - 1):.1f} %" for one in (effect.ratio, effect.low, effect.high))
    shown = f"error {ratio} ({low} to {high}; {effect.datasets} datasets): more error"
    assert shown in page.locator("label.slot:has(input[value=loss])").inner_text()
    assert shown in page.locator("#details").inner_text()
    page.get_by_role("link", name="Where evidence rules replace the handbook").click()
    box = page.get_by_role("heading", name="Where evidence rules replace the handbook").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < PHONE
    assert "slot=loss" in page.url
    row = page.locator("#replaced tr").filter(has_text="C103").inner_text()
    assert all(part in row for part in (f"{ratio} ({low} to {high})", f"{effect.datasets} datasets", "more error"))
    assert "holdout (no extras) → holdout\n" not in page.locator("#replaced").inner_text()  # the same trainings


def test_the_page_fits_a_phone(opened: Callable[..., Page]) -> None:
    page = opened("#preset=breast-cancer&slot=metric", width=PHONE)
    for slot in ("metric", "optimizer", "validation"):
        page.locator(f"input[value={slot}]").check(force=True)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert page.locator(".bar").is_visible()
    page.locator("label.slot:has(input[value=loss])").click()
    page.wait_for_function("Math.abs(document.getElementById('details').getBoundingClientRect().top) < 2")
    for scheme, background in {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == background


def test_pins_are_saved_as_a_bundle_that_training_reads(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened("#preset=breast-cancer&slot=optimizer&pin.optimizer=adagrad&pin.loss=focal")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as bundle.yaml").click()
    assert download.value.suggested_filename == "bundle.yaml"
    download.value.save_as(tmp_path / "bundle.yaml")
    bundle = Bundle.read(tmp_path / "bundle.yaml")
    assert (str(bundle.optimizer), str(bundle.loss)) == ("adagrad", "focal")
    assert str(bundle.metric) == "roc_auc"


def test_every_choice_of_the_books_is_written_as_a_bundle_reads_it(
    opened: Callable[..., Page], books: list[ShownBook], tmp_path: Path
) -> None:
    data = page_data(books)
    by_slot: dict[str, list[int]] = {slot: list(found) for slot, found in data["pinnable"].items()}
    for rule in data["rules"]:
        by_slot[rule["slot"]].append(rule["choice"])
    page = opened()
    for turn in range(max(map(len, by_slot.values()))):
        decisions = {slot: {"choice": found[turn % len(found)]} for slot, found in by_slot.items()}
        text = page.evaluate("decisions => explore.bundleText(explore.model, decisions, [])", decisions)
        (tmp_path / "bundle.yaml").write_text(text, encoding="utf-8")
        bundle = Bundle.read(tmp_path / "bundle.yaml")
        assert {slot.value: str(bundle.choice(slot)) for slot in Slot} == {
            slot: data["choices"][one["choice"]]["text"] for slot, one in decisions.items()
        }


def test_class_sizes_follow_as_in_what_if(opened: Callable[..., Page]) -> None:
    names = ("rows", "imbalance_ratio", "minority_class_rows")
    settings = [{names[0]: 700}, {names[1]: 3.5}, {names[2]: 40}, {names[2]: 2_900}, {names[1]: 2.0, names[2]: 45}]
    page = opened()
    for preset in (PRESETS[0], PRESETS[1], PRESETS[2]):
        facts = {
            name: {"value": fact.value}
            for name, fact in preset.facts.items()
            if isinstance(fact.value, str | int | float)
        }
        for values in settings:
            known = page.evaluate("facts => ({ ...explore.model.absent, ...facts })", facts)
            found = page.evaluate(
                "([facts, values]) => explore.setFacts(explore.model, facts, values)", [known, values]
            )
            try:
                expected: dict[str, Any] = _class_sizes(preset.facts, values)
            except ChoiceError:
                assert found["problem"]
            else:
                assert {name: found["facts"][name]["value"] for name in found["moved"]} == expected


def test_the_page_of_a_dataset_starts_with_its_facts_intervals_and_flips(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    advice = recommend(example("breast_cancer"), target="diagnosis")
    subject = Subject(record=advice.record, path=None, layers=SHIPPED_LAYERS)
    path = tmp_path / "page.html"
    path.write_text(explore(subject), encoding="utf-8")
    page = opened("#slot=tuner", at=path.as_uri())
    assert page.locator("h1").inner_text() == "Explore the decision on breast_cancer.csv"
    assert {slot.value: chosen(page, slot.value) for slot in Slot} == {
        slot.value: str(advice.bundle.choice(slot)) for slot in Slot
    }
    fragile = [slot for slot in Slot if "fragile" in page.locator(f"label.slot:has(input[value={slot}])").inner_text()]
    assert fragile == [slot for slot, decision in advice.record.decisions.items() if decision.fragile]
    assert page.locator(".fact:has(#fact-trial_budget) .interval").is_visible()
    page.locator("input[value=metric]").check(force=True)
    facts, proved = advice.record.measurements(), subject.book()
    nearest = flips(proved, facts, rare_class="malignant", slots=[Slot.METRIC])[Slot.METRIC]
    near = [flip.how for flip in nearest if flip.is_near]
    shown = page.locator("#details .flips").first.locator(".how").all_inner_texts()
    assert [text.split(" then ")[0] for text in shown] == near
