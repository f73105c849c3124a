"""The user's request about a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rules.decision.option import (
    CHANNELS,
    CHARACTER,
    COLUMN,
    COLUMNS,
    COSTS,
    FIT,
    FORMATS,
    KINDS,
    MISSING,
    RANGE,
    SEQUENCE,
    SIZE,
    STEPS,
    TABLE,
    TASK,
    UNREADABLE,
    Option,
)
from rules.errors import ChoiceError, did_you_mean
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.costs import check_costs
from rules.vocabulary.facts import Task

ImageFit = Literal["stretch", "crop", "pad"]
Unreadable = Literal["refuse", "leave_out"]
Channels = Literal[1, 3]
_CLOSED: Final = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)


def _several(value: object) -> object:
    """A tuple of one text, or of the texts of an iterable."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, Iterable) else value


def _ascending(value: tuple[float, float] | None) -> tuple[float, float] | None:
    if value is not None and not value[0] < value[1]:
        raise ValueError("the first value must be smaller than the second")
    return value


Side = Annotated[int, Field(ge=1)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_several)]
Steps = Annotated[int, Field(ge=1)]


class ImageReading(BaseModel):
    """How image files are read.

    Attributes:
        size (tuple[int, int] | None): Height and width in pixels to which all images are resized. Default None: chosen
            from the images.
        fit (str): How an image with another aspect ratio is resized: "stretch", "crop" or "pad". Default "stretch".
        unreadable (str): Files that are missing or damaged: "refuse" raises an error, "leave_out" skips them.
            Default "refuse".
        channels (int | None): 1 for grey, 3 for colour. Default None: colour if an image has colours.
        value_range (tuple[float, float] | None): Values that become 0 and 255 in images of more than 8 bits. Default
            None: the range of all images.

    Examples:
        >>> ImageReading(size=(32, 32), fit="crop").size
        (32, 32)
    """

    model_config = _CLOSED

    size: Annotated[
        tuple[Side, Side] | None, Option("--image-size", "Pixels to which image files are resized.", SIZE)
    ] = None
    fit: Annotated[
        ImageFit, Option("--image-fit", "How images with another aspect ratio are resized [stretch].", FIT)
    ] = "stretch"
    unreadable: Annotated[
        Unreadable,
        Option(
            "--unreadable-images",
            "Refuse image files that are missing or damaged, or leave them out [refuse].",
            UNREADABLE,
        ),
    ] = "refuse"
    channels: Annotated[
        Channels | None, Option("--image-channels", "1 for grey, 3 for colour [3 if an image has colours].", CHANNELS)
    ] = None
    value_range: Annotated[
        tuple[float, float] | None,
        AfterValidator(_ascending),
        Option("--image-range", "Values that become 0 and 255 in images of more than 8 bits [measured].", RANGE),
    ] = None


class SequenceReading(BaseModel):
    """How the rows of a long table are grouped into sequences.

    Attributes:
        by (str): Column that identifies a sequence: rows with the same value are the steps of one sequence.
        order (str | None): Column that orders the steps. Default None: the order of the file.
        channels (Sequence[str]): Columns with the numbers of a step. Default (): the columns that change within a
            sequence.

    Examples:
        >>> SequenceReading(by="patient", order="hour").by
        'patient'
    """

    model_config = _CLOSED

    by: Annotated[
        str,
        Option("--sequence", "Column that identifies the sequence of each row, in a long table of steps.", SEQUENCE),
    ]
    order: Annotated[
        str | None, Option("--order", "Column that orders the steps of a sequence [order of the file].", COLUMN)
    ] = None
    channels: Annotated[
        Texts,
        Option(
            "--channel",
            "Column with numbers of the steps; repeat it for several [all that change within a sequence].",
            COLUMNS,
        ),
    ] = ()


class Request(BaseModel):
    """The user's request about a dataset. Fields without a value are inferred.

    `recommend` and `train` take a request, runs and audit records contain it, and the options of the command line are
    generated from its fields.

    Attributes:
        target (str | Sequence[str]): Column or columns to predict. Default (): proposed from the data.
        task (Task | None): Kind of prediction, or its name. Default None: inferred from the target.
        kinds (Mapping[str, Kind]): Kind of a column, or its name, by column. Default {}: inferred.
        time (str | None): Column that orders the rows in time. Default None.
        entity (str | None): Column of an entity, such as a patient, whose rows are never split; for a forecast, the
            name of each series. Default None.
        split (str | None): Column that assigns each row to training, validation or test. Default None.
        weight (str | None): Column with the weight of each row, a number of at least 0, in training and scores. It is
            not a feature. Default None: each row counts once.
        costs (Mapping[str, Mapping[str, float]]): Cost of a row by its actual and its predicted class, at least 0; of a
            correct prediction 0 by default. Default {}: the metric decides which class is predicted.
        horizon (int | None): Number of steps to forecast, at least 1. Default None: inferred.
        season (int | None): Number of steps of a season; 1 for none. Default None: measured.
        known (Sequence[str]): Columns whose future values are known for a forecast. Default ().
        missing (Sequence[str] | None): Texts that are missing values, in addition to empty cells. Default None: the
            usual texts of the format.
        date_formats (Mapping[str, str]): Format of a column of dates or times, by column: a strptime format, "iso",
            "quarter", "excel" (day numbers of a spreadsheet), "epoch" or "epoch_ms" (seconds or milliseconds since
            1970). Default {}: recognized.
        delimiter (str | None): Character between the cells of a text table. Default None: detected.
        table (str | None): Sheet of a workbook, or table of a database. Default None: the only one.
        images (ImageReading | None): How image files are read. Default None: the defaults of `ImageReading`.
        sequences (SequenceReading | None): How the rows of a long table are grouped into sequences. Default None: each
            row is a sample.

    Raises:
        pydantic.ValidationError: If a field has an invalid value.

    Examples:
        >>> request = Request(target="sold", task="forecasting", time="month", horizon=12)
        >>> request.target, request.task
        (('sold',), <Task.FORECASTING: 'forecasting'>)
    """

    model_config = _CLOSED

    target: Annotated[Texts, Option("--target", "Column to predict; repeat it for several.", COLUMNS)] = Field(
        (), validation_alias="targets", serialization_alias="targets"
    )
    task: Annotated[
        Task | None, Option("--task", "binary, multiclass, regression, … instead of the inferred one.", TASK)
    ] = None
    kinds: Annotated[
        dict[str, Kind],
        Option("--kind", "Read a column as numeric, categorical, text, …; repeat it for several.", KINDS),
    ] = {}
    time: Annotated[str | None, Option("--time", "Column that orders the rows in time.", COLUMN)] = Field(
        None, validation_alias="time_column", serialization_alias="time_column"
    )
    entity: Annotated[
        str | None,
        Option("--entity", "Column of an entity, such as a patient; a split never separates its rows.", COLUMN),
    ] = Field(None, validation_alias="entity_column", serialization_alias="entity_column")
    split: Annotated[
        str | None, Option("--split", "Column that assigns each row to train, validation or test.", COLUMN)
    ] = Field(None, validation_alias="split_column", serialization_alias="split_column")
    weight: Annotated[
        str | None,
        Option("--weight", "Column with the weight of each row in training and scores; not a feature.", COLUMN),
    ] = Field(None, validation_alias="weight_column", serialization_alias="weight_column")
    costs: Annotated[
        dict[str, dict[str, float]],
        BeforeValidator(check_costs),
        Option("--costs", "YAML file: cost of each predicted class, by actual class; predictions minimize it.", COSTS),
    ] = {}
    horizon: Annotated[
        Steps | None, Option("--horizon", "Steps that a forecast looks ahead [by the time between steps].", STEPS)
    ] = None
    season: Annotated[Steps | None, Option("--season", "Steps of a season; 1 for none [measured].", STEPS)] = None
    known: Annotated[
        Texts, Option("--known", "Column whose future values are known; repeat it for several.", COLUMNS)
    ] = ()
    missing: Annotated[
        Texts | None,
        Option(
            "--missing",
            "Text that is a missing value, instead of NA, N/A, NaN, nan, null, NULL and ?; repeat it for several; "
            "'none' if only empty cells are missing.",
            MISSING,
        ),
    ] = None
    date_formats: Annotated[
        dict[str, str],
        Option(
            "--date-format", "Format of dates: %d/%m/%Y, iso, quarter, excel, epoch, …; repeat it for several.", FORMATS
        ),
    ] = {}
    delimiter: Annotated[
        str | None, Option("--delimiter", "Character between the cells of a text table [detected].", CHARACTER)
    ] = None
    table: Annotated[
        str | None, Option("--table", "Sheet of a workbook, or table of a database [the only one].", TABLE)
    ] = None
    images: ImageReading | None = None
    sequences: SequenceReading | None = None

    @classmethod
    def of(cls, request: Request | None, fields: Mapping[str, object], *, called: str = "Request") -> Request:
        """Replace fields of a request.

        Args:
            request: The request; None for the default, in which everything is inferred.
            fields: New values by field name.
            called: Name of the called function in the message.

        Raises:
            TypeError: If there is no such field; the message suggests the nearest.
            ChoiceError: If a value is invalid.
        """
        if request is not None and not isinstance(request, Request):
            raise TypeError(f"{called}() takes a Request after the data, but got {request!r}. Use target=, task=, ….")
        for name in fields:
            if name not in cls.model_fields:
                raise TypeError(
                    f"{called}() got an unexpected keyword argument {name!r}.{did_you_mean(name, cls.model_fields)}"
                )
        own = {} if request is None else {name: getattr(request, name) for name in cls.model_fields}
        return cls._checked(own | dict(fields), by_flag=False)

    @classmethod
    def of_options(cls, texts: Mapping[str, object]) -> Request:
        """Parse options of the command line.

        Args:
            texts: The text by flag, or the texts of an option that can be repeated; None or () for an option without
                a value.

        Raises:
            ChoiceError: If a value is invalid.
        """
        values: dict[str, Any] = {}
        for path, one in option_fields():
            typed = texts.get(one.flag)
            if typed is None or typed == ():
                continue
            place = values
            for name in path[:-1]:
                place = place.setdefault(name, {})
            try:
                place[path[-1]] = one.form.read(typed)
            except ValueError as error:
                wrong = error.args[0] if one.form.several else typed
                raise ChoiceError(f"{one.flag} must be {one.form.wants}, but got {wrong!r}.") from None
        return cls._checked(values, by_flag=True)

    @classmethod
    def _checked(cls, values: Mapping[str, object], *, by_flag: bool) -> Request:
        try:
            return cls(**values)
        except ValidationError as error:
            raise ChoiceError(_problem(error, by_flag=by_flag)) from None

    @property
    def reading(self) -> ImageReading | SequenceReading | None:
        """Settings for images or sequences. Raises ChoiceError if both are given."""
        if self.images is not None and self.sequences is not None:
            raise ChoiceError("Rows must be images or steps of a sequence, not both. Remove --image-* or --sequence.")
        return self.images or self.sequences

    @property
    def times(self) -> frozenset[str]:
        """Columns that the user declared as times."""
        named = {column for column, kind in self.kinds.items() if kind is Kind.DATETIME}
        named |= set() if self.time is None else {self.time}
        return frozenset(named) - self.not_times

    @property
    def not_times(self) -> frozenset[str]:
        """Columns that the user declared as another kind."""
        return frozenset(column for column, kind in self.kinds.items() if kind is not Kind.DATETIME)

    def words(self) -> list[str]:
        """Command-line options of this request."""
        words = []
        for path, one in option_fields():
            value: Any = self
            for name in path:
                value = None if value is None else getattr(value, name)
            if value is not None:
                words += [word for text in one.form.write(value) for word in (one.flag, text)]
        return words


class RecordedRequest(Request):
    """A request with the limits of the training, as stored in an audit record."""

    budget: float | None
    """Seconds."""
    trials: int | None

    @classmethod
    def recorded(cls, request: Request, *, delimiter: str | None, budget: float | None, trials: int | None) -> Self:
        """Add the limits to a request. delimiter: the one with which the dataset was opened."""
        own = {name: getattr(request, name) for name in Request.model_fields}
        return cls(**own | {"delimiter": delimiter, "budget": budget, "trials": trials})


def option_fields(model: type[BaseModel] = Request) -> Iterator[tuple[tuple[str, ...], Option]]:
    """Path of field names and option of each field with an option."""
    for name, field in model.model_fields.items():
        own = next((one for one in field.metadata if isinstance(one, Option)), None)
        if own is not None:
            yield (name,), own
            continue
        for nested in get_args(field.annotation):
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                yield from (((name, *path), one) for path, one in option_fields(nested))


def _problem(error: ValidationError, *, by_flag: bool) -> str:
    """The first error of a request, in words; by_flag: of options, not of fields."""
    first = error.errors()[0]
    path = tuple(place for place in first["loc"] if isinstance(place, str))
    found = next(((names, one) for names, one in option_fields() if names == path[: len(names)]), None)
    if found is None:
        return f"{'.'.join(path)} cannot be used: {first['msg']}."
    names, one = found
    named = one.flag if by_flag else ".".join(names)
    if first["type"] == "missing":
        own = ", ".join(other.flag if by_flag else ".".join(path) for path, other in _given(names, first["input"]))
        return (
            f"{own} must be used with {named}, {one.form.wants}, but {named} is missing. Add it, or leave out {own}. "
            "--time orders rows that are not steps of sequences."
        )
    if first["type"] == "value_error" and names == ("costs",):
        return f"{named} cannot be used: {first['ctx']['error']}. Correct the costs."
    words = {"task": Task, "kinds": Kind}.get(names[0], ())
    near = did_you_mean(str(first["input"]), words)
    where = f" for {path[-1]!r}" if len(path) > len(names) else ""
    return f"{named} must be {one.form.wants}, but got {first['input']!r}{where}.{near}"


def _given(names: tuple[str, ...], values: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], Option]]:
    """The fields next to a missing one that have values."""
    return ((path, one) for path, one in option_fields() if path[:-1] == names[:-1] and path[-1] in values)
