from collections.abc import Callable

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.errors import ChoiceError, ColumnError, TargetError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

Table = Callable[..., Dataset]
NOISE = np.random.default_rng(11)
WALK = np.round(np.cumsum(NOISE.normal(size=240)), 6)
WHITE = np.round(NOISE.normal(size=240), 6)
MONTHS = [f"{1990 + month // 12}-{month % 12 + 1:02d}-01" for month in range(240)]


def test_features_are_what_is_left(table: Table) -> None:
    dataset = table(
        id=range(1, 41),
        same=["k"] * 40,
        size=WHITE[:40],
        color=["red", "blue"] * 20,
        part=["train", "test"] * 20,
        y=["no", "yes"] * 20,
    )
    roles = infer_roles(dataset, Request(target="y"))
    assert roles.features == ("size", "color")
    assert (roles.split_column, roles.labels) == ("part", ("no", "yes"))
    assert {name: role.kind for name, role in roles.columns.items()} == {
        "id": Kind.IDENTIFIER,
        "same": Kind.CONSTANT,
        "size": Kind.NUMERIC,
        "color": Kind.CATEGORICAL,
        "part": Kind.CATEGORICAL,
        "y": Kind.BOOLEAN,
    }


def test_a_target_is_proposed_by_its_name_and_else_by_its_place(table: Table) -> None:
    columns = {"a": ["p", "q"] * 20, "b": WHITE[:40]}
    named = infer_roles(table(label=[0, 1] * 20, **columns))
    assert (named.targets, named.target_reason) == (("label",), "proposed: the name 'label' contains 'label'")
    last = infer_roles(table(**columns, when=MONTHS[:40]))
    assert last.targets == ("b",)
    assert last.target_reason.startswith("proposed: 'b' is the last suitable column")


def test_no_target_is_proposed_where_none_can_be(table: Table) -> None:
    with pytest.raises(TargetError, match="Choose one with --target"):
        infer_roles(table(id=range(1, 41), when=MONTHS[:40]))


def proposed(table: Table, **columns: object) -> str:
    return infer_roles(table(**columns)).targets[0]


def test_y_next_to_x_is_a_coordinate_unless_it_is_the_only_candidate(table: Table) -> None:
    number, half, word = WHITE[:40], WHITE[40:80], ["p", "q"] * 20
    assert proposed(table, X=number, Y=half, area=word) == "area"
    assert proposed(table, price=word, x=number, y=half, z=WHITE[80:120]) == "price"
    assert proposed(table, y=half, z=number, area=word) == "area"
    assert proposed(table, x=number, y=half) == "y"
    assert proposed(table, y=half, x=number) == "y"
    assert proposed(table, y=half, area=word, x=number) == "y"  # not adjacent


def test_a_class_is_proposed_and_a_subclass_is_not(table: Table) -> None:
    codes, number = [1, 2, 3, 4] * 10, WHITE[:40]
    for name in ("class", "Class", "risk_class", "RiskClass"):
        assert proposed(table, **{name: codes}, x=number) == name
    for name in ("MSSubClass", "sub_class", "subclass", "Pclass", "classes"):
        assert proposed(table, **{name: codes}, price=number) == "price"


def test_a_column_that_cannot_be_learned_is_not_proposed(table: Table) -> None:
    names = [f"car {row % 30}" for row in range(40)]  # 30 in 40 rows: no classes
    assert proposed(table, mpg=WHITE[:40], name=names) == "mpg"
    fewer = [f"car {row % 20}" for row in range(40)]  # 20 in 40 rows: two for each
    assert proposed(table, mpg=WHITE[:40], name=fewer) == "name"


def test_a_target_is_proposed_that_fits_the_task(table: Table) -> None:
    dataset = table(a=WHITE[:60], b=["p", "q"] * 30, c=["r", "s", "t"] * 20)
    assert infer_roles(dataset, Request(task=Task.REGRESSION)).targets == ("a",)
    assert infer_roles(dataset, Request(task=Task.BINARY)).targets == ("b",)
    assert infer_roles(dataset, Request(task=Task.MULTICLASS)).targets == ("c",)


def test_an_error_about_a_proposed_target_says_so_and_names_the_option(table: Table) -> None:
    flawed = {"x": WHITE[:40], "label": [*WHITE[:39], "inf"]}
    with pytest.raises(TargetError, match=r"The target 'label' was proposed: .*; choose another with --target\."):
        infer_roles(table(**flawed))
    with pytest.raises(TargetError) as given:
        infer_roles(table(**flawed), Request(target="label"))
    assert "proposed" not in str(given.value)
    with pytest.raises(TargetError, match=r"have two distinct values, but 'label' has 40.* was proposed"):
        infer_roles(table(x=WHITE[:40], label=WHITE[40:80]), Request(task=Task.BINARY))
    with pytest.raises(ColumnError, match=r"except for the target b \(proposed: .*; use --target to choose another\)"):
        infer_roles(table(same=["k"] * 40, b=["p", "q"] * 20))


def test_where_only_numbers_with_commas_are_left_they_are_named(table: Table) -> None:
    with pytest.raises(ColumnError, match=r"Column 'a' has numbers with .* decimal commas and is read as text: write"):
        infer_roles(table(a=[f"{row},125" for row in range(1, 41)], y=["p", "q"] * 20))


def test_a_wrong_name_is_met_with_the_nearest(table: Table) -> None:
    dataset = table(churn=[0, 1] * 20, age=WHITE[:40])
    with pytest.raises(TargetError, match=r"got 'chrun'. Did you mean 'churn'\? Columns: churn, age"):
        infer_roles(dataset, Request(target="chrun"))
    with pytest.raises(ColumnError, match=r"time column must be .* Did you mean 'age'"):
        infer_roles(dataset, Request(target="churn", time="agee"))
    with pytest.raises(ColumnError, match=r"column of --kind must be"):
        infer_roles(dataset, Request(target="churn", kinds={"agee": Kind.NUMERIC}))


def test_a_column_plays_one_part(table: Table) -> None:
    dataset = table(churn=[0, 1] * 20, age=WHITE[:40])
    with pytest.raises(TargetError, match="both target and entity column"):
        infer_roles(dataset, Request(target="churn", entity="churn"))
    with pytest.raises(TargetError, match="distinct"):
        infer_roles(dataset, Request(target=["churn", "churn"]))


def test_a_kind_is_overridden_where_the_values_allow_it(table: Table) -> None:
    dataset = table(y=[0, 1] * 20, n=[1, 2, 3, 4] * 10, w=["1", "2", "x", "4"] * 10)
    roles = infer_roles(dataset, Request(target="y", kinds={"n": Kind.INTEGER_CODE, "w": Kind.IDENTIFIER}))
    assert (roles.columns["n"].kind, roles.columns["n"].reason) == (Kind.INTEGER_CODE, "given by --kind")
    assert roles.features == ("n",)
    with pytest.raises(ColumnError, match="'w' is 'x' in row 3"):
        infer_roles(dataset, Request(target="y", kinds={"w": Kind.NUMERIC}))
    with pytest.raises(ColumnError, match="kind datetime must be datetime"):
        infer_roles(dataset, Request(target="y", kinds={"w": Kind.DATETIME}))


def test_graded_words_are_ordinal_and_yes_or_no_is_boolean(table: Table) -> None:
    dataset = table(y=WHITE[:60], risk=["low risk", "mid risk", "high risk"] * 20, sure=["yes", "no"] * 30)
    roles = infer_roles(dataset, Request(target="y"))
    assert roles.columns["risk"].kind is Kind.ORDINAL
    assert roles.columns["risk"].reason.endswith("low risk < mid risk < high risk")
    assert roles.columns["sure"].kind is Kind.BOOLEAN


def test_a_split_column_that_is_given_names_known_parts(table: Table) -> None:
    columns = {"y": [0, 1] * 20, "x": WHITE[:40]}
    spelt = infer_roles(table(**columns, part=[" Train", "DEV"] * 20), Request(target="y", split="part"))
    assert spelt.split_column == "part"
    with pytest.raises(ColumnError, match="'fold 3' in row 40"):
        infer_roles(table(**columns, part=[*["train"] * 39, "fold 3"]), Request(target="y", split="part"))
    with pytest.raises(ColumnError, match="must have rows with the value 'train'"):
        infer_roles(table(**columns, part=["test"] * 40), Request(target="y", split="part"))


def test_a_part_is_asked_of_rows_with_a_target_only(table: Table) -> None:
    dataset = table(y=[*[0, 1] * 20, None], x=WHITE[:41], part=[*["train", "test"] * 20, "unknown"])
    assert infer_roles(dataset, Request(target="y", split="part")).split_column == "part"


def test_a_time_column_holds_numbers_or_time_stamps_throughout(table: Table) -> None:
    dataset = table(y=[0, 1] * 20, x=WHITE[:40], when=MONTHS[:40], typo=[*MONTHS[:39], "soon"], who=["a b", "c d"] * 20)
    for name in ("x", "when"):
        assert infer_roles(dataset, Request(target="y", time=name)).time_column == name
    with pytest.raises(ColumnError, match="dates, times or numbers, but 'who' is 'a b' in row 1"):
        infer_roles(dataset, Request(target="y", time="who"))
    with pytest.raises(ColumnError, match="'typo' is 'soon' in row 40"):
        infer_roles(dataset, Request(target="y", time="typo"))


def test_words_that_name_other_things_than_parts_are_no_split(table: Table) -> None:
    assert infer_roles(table(y=WHITE[:60], mode=["train", "bus"] * 30), Request(target="y")).split_column is None
    assert infer_roles(table(y=WHITE[:60], mode=["test", "valid"] * 30), Request(target="y")).split_column is None


def test_nothing_to_learn_from_is_an_error(table: Table) -> None:
    with pytest.raises(ColumnError, match="must be at least one feature"):
        infer_roles(table(y=[0, 1] * 20, same=["k"] * 40), Request(target="y"))


def test_a_number_that_follows_itself_at_even_times_is_forecast(table: Table) -> None:
    roles = infer_roles(table(when=MONTHS, y=WALK), Request(target="y"))
    assert (roles.task, roles.time_column, roles.features) == (Task.FORECASTING, "when", ())
    assert "100% of its steps are 1 months" in roles.task_reason


def test_a_row_number_is_time_unless_it_is_called_an_identifier(table: Table) -> None:
    steps = infer_roles(table(step=range(240), y=WALK), Request(target="y"))
    assert (steps.task, steps.time_column, steps.columns["step"].kind) == (Task.FORECASTING, "step", Kind.NUMERIC)
    numbers = infer_roles(table(row_id=range(240), x=WHITE, y=WALK), Request(target="y"))
    assert (numbers.task, numbers.features) == (Task.REGRESSION, ("x",))


def test_white_noise_classes_and_uneven_times_are_not_forecast(table: Table) -> None:
    assert infer_roles(table(when=MONTHS, y=WHITE), Request(target="y")).task is Task.REGRESSION
    assert infer_roles(table(when=MONTHS, y=["a"] * 120 + ["b"] * 120), Request(target="y")).task is Task.BINARY
    uneven = [f"2020-{1 + row // 28:02d}-{1 + row % 28:02d} 00:{(row * 7) % 60:02d}:00" for row in range(240)]
    assert infer_roles(table(when=uneven, y=WALK), Request(target="y")).task is Task.REGRESSION


def test_what_the_user_says_about_time_wins(table: Table) -> None:
    assert infer_roles(table(when=MONTHS, y=WALK), Request(target="y", task=Task.REGRESSION)).time_column is None
    white = infer_roles(table(when=MONTHS, y=WHITE), Request(target="y", task=Task.FORECASTING))
    assert (white.task, white.time_column) == (Task.FORECASTING, "when")
    bare = infer_roles(table(x=WHITE, y=WALK), Request(target="y", task=Task.FORECASTING))
    assert (bare.time_column, bare.time_reason) == (None, "file order")
    assert bare.task_reason == "given by --task; there is no time column, so the file order is used"
    days = [row // 24 for row in range(240)]
    declared = infer_roles(table(day=days, y=WALK), Request(target="y", time="day"))
    assert (declared.task, declared.time_column) == (Task.FORECASTING, "day")


def test_several_series_in_one_table_are_distinguished(table: Table) -> None:
    times = [month for month in MONTHS[:80] for _ in range(3)]
    dataset = table(when=times, shop=["n", "s", "w"] * 80, y=np.repeat(WALK[:80], 3) + [0, 9, 99] * 80)
    roles = infer_roles(dataset, Request(target="y"))
    assert (roles.task, roles.time_column, roles.entity_column) == (Task.FORECASTING, "when", "shop")


def test_a_time_that_repeats_without_an_entity_names_the_column_that_tells_the_series_apart(table: Table) -> None:
    dataset = table(day=sorted([*MONTHS[:30]] * 3), shop=["a", "b", "c"] * 30, y=WALK[:90])
    with pytest.raises(ColumnError, match=r"most rows have the same 'day' as another row\. Add --entity shop"):
        infer_roles(dataset, Request(target="y", task=Task.FORECASTING, time="day"))
    assert infer_roles(dataset, Request(target="y", time="day")).task is Task.REGRESSION
    roles = infer_roles(dataset, Request(target="y", task=Task.FORECASTING, time="day", entity="shop"))
    assert roles.entity_column == "shop"


def test_an_index_of_joined_tables_without_a_name_is_not_learned_from(table: Table) -> None:
    index = [*range(30), *range(30)]
    dataset = table(column_1=index, column_2=[90, *index[1:]], x=WHITE[:60], y=["a", "b"] * 30)
    roles = infer_roles(dataset, Request(target="y"))
    assert roles.columns["column_1"].kind is Kind.IDENTIFIER
    assert roles.features == ("column_2", "x")


def test_a_weight_column_is_neither_a_feature_nor_a_proposed_target(table: Table) -> None:
    roles = infer_roles(table(x=WHITE[:40], y=["no", "yes"] * 20, w=[1.5, 2.0] * 20), Request(weight="w"))
    assert (roles.weight_column, roles.targets, roles.features) == ("w", ("y",), ("x",))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -2.5, *[1.0] * 38], r"in 'w' must be finite numbers of at least 0 .* but got '-2.5' in row 2"),
        ([1.0, None, *[1.0] * 38], r"but got none in row 2\. Correct the value, or use 0 to leave the row out"),
        (["1.0", "heavy", *["1.0", "2.0"] * 19], "but got 'heavy' in row 2"),
        ([0.0] * 40, "must not all be 0"),
    ],
)
def test_a_weight_that_cannot_be_used_is_named_with_its_row(table: Table, weights: list[object], message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        infer_roles(table(x=WHITE[:40], y=["no", "yes"] * 20, w=weights), Request(target="y", weight="w"))


def test_the_weight_of_a_row_without_target_is_not_needed(table: Table) -> None:
    columns = {"x": WHITE[:40], "y": [None, *["no", "yes"] * 19, "no"], "w": [None, *[1.0, 2.0] * 19, 1.0]}
    assert infer_roles(table(**columns), Request(target="y", weight="w")).weight_column == "w"


def test_a_column_has_one_role_besides_weight_and_forecasts_have_no_weights(table: Table) -> None:
    dataset = table(month=MONTHS, w=np.arange(240.0) + 1, sold=WALK)
    with pytest.raises(ColumnError, match="'w' is both weight column and entity column"):
        infer_roles(dataset, Request(target="sold", weight="w", entity="w"))
    with pytest.raises(TargetError, match="'sold' is both target and weight column"):
        infer_roles(dataset, Request(target="sold", weight="sold"))
    with pytest.raises(TargetError, match=r"Rows of a forecast cannot have weights, .* or use --task regression"):
        infer_roles(dataset, Request(target="sold", weight="w"))


def test_costs_are_in_the_order_of_the_labels_and_apply_to_exclusive_classes_only(table: Table) -> None:
    costs = {"yes": {"no": 5}, "no": {"yes": 1}}
    dataset = table(x=WHITE[:40], y=["no", "yes"] * 20)
    assert infer_roles(dataset, Request(target="y", costs=costs)).costs == ((0, 1), (5, 0))
    with pytest.raises(ChoiceError, match="Costs apply to exclusive classes, but the task is regression"):
        infer_roles(dataset, Request(target="x", costs=costs))
