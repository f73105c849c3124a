"""A request: its fields, its options, and how the record keeps it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.request import ImageReading, RecordedRequest, Request, SequenceReading, option_fields
from rules.errors import ChoiceError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task
from tests.requests import CASES, from_options

COLUMN = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="%"), min_size=1)


def test_every_field_has_an_option_or_is_a_group_of_fields_that_have_one() -> None:
    optioned = {path[0] for path, _ in option_fields()}
    assert optioned == set(Request.model_fields)
    for group, model in (("images", ImageReading), ("sequences", SequenceReading)):
        assert {path[1] for path, _ in option_fields() if path[0] == group} == set(model.model_fields)


def test_every_option_has_a_case() -> None:
    assert [option.flag for _, option in option_fields()] == list(CASES)


@pytest.mark.parametrize("flag", CASES)
def test_a_request_becomes_options_that_make_it_again(flag: str) -> None:
    words = CASES[flag].words()
    assert flag in words
    assert from_options(words) == CASES[flag]


@given(
    request=st.builds(
        Request,
        target=st.lists(COLUMN, max_size=2),
        task=st.sampled_from([None, *Task]),
        kinds=st.dictionaries(COLUMN, st.sampled_from(Kind), max_size=2),
        time=st.none() | COLUMN,
        horizon=st.none() | st.integers(1, 10**6),
        missing=st.none() | st.lists(COLUMN | st.just("none"), max_size=2, unique=True),
        date_formats=st.dictionaries(COLUMN, st.sampled_from(["iso", "%Y-%m-%d", "FY%y=%m"]), max_size=2),
        images=st.none()
        | st.builds(
            ImageReading,
            size=st.none() | st.tuples(st.integers(1, 1024), st.integers(1, 1024)),
            value_range=st.none() | st.tuples(st.floats(-1e9, 0), st.floats(1e-9, 1e9)),
        ),
    )
)
def test_any_request_becomes_options_that_make_it_again(request: Request) -> None:
    assert from_options(request.words()) == request


@pytest.mark.parametrize("flag", CASES)
def test_a_record_keeps_a_request(flag: str) -> None:
    request = CASES[flag]
    recorded = RecordedRequest.recorded(request, delimiter=request.delimiter, budget=60.0, trials=None)
    read = RecordedRequest.model_validate_json(recorded.model_dump_json())
    assert read == recorded
    assert read.words() == request.words()


def test_the_names_in_a_file_are_those_of_earlier_versions() -> None:
    kept = json.loads(Request(target="y", time="t", entity="e", split="s").model_dump_json())
    assert {kept["targets"][0], kept["time_column"], kept["entity_column"], kept["split_column"]} == {*"ytes"}
    assert Request.model_validate(kept) == Request(target="y", time="t", entity="e", split="s")


def test_a_former_name_of_a_task_is_read() -> None:
    assert Request(task="multi_regression").task is Task.MULTIOUTPUT_REGRESSION


def test_fields_replace_those_of_a_request() -> None:
    request = Request.of(Request(target="a", horizon=3), {"target": ["b", "c"], "time": "t"})
    assert request == Request(target=["b", "c"], horizon=3, time="t")


def test_an_unknown_field_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(TypeError, match=r"recommend\(\) got an unexpected keyword argument 'traget'\. .*'target'\?"):
        Request.of(None, {"traget": "y"}, called="recommend")
    with pytest.raises(TypeError, match=r"takes a Request after the data, but got 'y'\. Use target="):
        Request.of("y", {})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"task": "binry"}, r"task must be one of binary, .*, but got 'binry'\. Did you mean 'binary'\?"),
        ({"kinds": {"a": "nummeric"}}, r"kinds must be .* but got 'nummeric' for 'a'\. Did you mean 'numeric'\?"),
        ({"horizon": 0}, "horizon must be a positive whole number of steps, but got 0"),
        ({"target": 3}, "target must be a column or columns, but got 3"),
        ({"images": {"fit": "squash"}}, r"images\.fit must be one of stretch, crop, pad, but got 'squash'"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused(fields: dict, says: str) -> None:
    with pytest.raises(ChoiceError, match=says):
        Request.of(None, fields)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--task", "binry"], "--task must be one of binary"),
        (["--kind", "a"], "--kind must be COLUMN=KIND, .* but got 'a'"),
        (["--kind", "a=text", "--kind", "a=numeric"], "--kind must be COLUMN=KIND, once per column"),
        (["--date-format", "iso"], "--date-format must be COLUMN=FORMAT"),
        (["--horizon", "0"], "--horizon must be a positive whole number of steps, but got '0'"),
        (["--season", "week"], "--season must be a positive whole number of steps, but got 'week'"),
        (["--image-size", "0x4"], "--image-size must be HEIGHTxWIDTH from 1 to 1,024 pixels each.* but got '0x4'"),
        (["--image-size", "1025"], "but got '1025'"),
        (["--image-range", "5:2"], "--image-range must be LOW:HIGH"),
        (["--missing", "none", "--missing", "NA"], "--missing must be texts, or 'none' alone"),
        (
            ["--order", "step"],
            "--order must be used with --sequence, a column that .*, but --sequence is missing. Add it",
        ),
    ],
)
def test_a_value_that_an_option_cannot_have_is_refused_by_the_name_of_the_option(words: list, says: str) -> None:
    with pytest.raises(ChoiceError, match=says):
        from_options(words)


def test_rows_are_read_as_images_or_as_steps_not_as_both() -> None:
    both = Request(images=ImageReading(), sequences=SequenceReading(by="a"))
    with pytest.raises(ChoiceError, match="not both"):
        _ = both.reading
