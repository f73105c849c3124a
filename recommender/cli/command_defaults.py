"""Default options from the project's settings file: a table per command, such as [train] with budget = "10m".

The settings file also lists the project's books (see rules.rulebook.project_settings). The command line takes
precedence over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from rules.decision.request import option_fields
from rules.errors import SettingsError, did_you_mean
from rules.text.wording import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules.rulebook.project_settings import Settings

NEVER: Final = frozenset({"book", "force", "help", "quiet", "resume", "verbose", "version"})
"""Options that a settings file cannot set in a table: `book` is above all tables, the others are for one call."""
OUTPUTS: Final = frozenset({"directory", "output", "record"})
"""Options that name outputs: the settings of a project must not decide which files are overwritten."""


def command_defaults(
    group: click.Group, context: click.Context, verb: str, settings: Settings, *, called: Mapping[str, str]
) -> dict[str, Any]:
    """Defaults of the called command, by parameter, for click's `default_map`.

    called: commands whose tables have another name. Raises SettingsError on an unknown table, an unknown option, or an
    invalid value.
    """
    names = {called.get(name, name): name for name in group.list_commands(context)}
    for table in settings.commands:
        if table not in names:
            raise SettingsError(
                f"{settings.path}: settings are book, and a table for each command ({', '.join(names)}), "
                f"but got [{table}].{did_you_mean(table, names)}"
            )
    name = called.get(verb, verb)
    command = group.get_command(context, verb)
    if name not in settings.commands or command is None:
        return {}
    return {verb: _defaults(command, settings.commands[name], name, settings)}


def settings_text(settings: Settings, verb: str) -> list[str]:
    """The settings of a command, as text."""
    found = settings.commands.get(verb, {})
    texts = [f"{key} = {value!r}" for key, value in found.items()]
    if settings.books:
        texts.insert(0, f"book = {list(settings.books)!r}")
    return [f"{settings.path}: {', '.join(texts)}"] if texts else []


def _defaults(command: click.Command, table: Mapping[str, Any], name: str, settings: Settings) -> dict[str, Any]:
    place = f"{settings.path}: [{name}]"
    if isinstance(command, click.Group):
        context, defaults = click.Context(command), {}
        for key, value in table.items():
            below = command.get_command(context, key)
            if below is None or not isinstance(value, dict):
                known = command.list_commands(context)
                raise SettingsError(
                    f"{place} must contain tables named after its commands ({', '.join(known)}), such as "
                    f"[{name}.{known[0]}], but got {key} = {excerpt(value)}.{did_you_mean(key, known)}"
                )
            defaults[key] = _defaults(below, value, f"{name}.{key}", settings)
        return defaults
    options = {_name(option): option for option in _options(command.params)}
    for key in table:
        if key in OUTPUTS:
            raise SettingsError(
                f"{place} must not set output paths, but got {key} = {excerpt(table[key])}. Remove the line, and use "
                f"--{key} on the command line."
            )
        if key not in options:
            raise SettingsError(
                f"{place} must contain options of 'recommend {name.replace('.', ' ')}' ({', '.join(options)}), but got "
                f"{key!r}.{did_you_mean(key, options)}"
            )
    return {
        str(options[key].name): _value(options[key], value, f"{place} {key}", command, settings)
        for key, value in table.items()
    }


def _options(params: Iterable[click.Parameter]) -> Iterable[click.Option]:
    return (param for param in params if isinstance(param, click.Option) and _name(param) not in NEVER | OUTPUTS)


def _name(option: click.Option) -> str:
    """The name of an option without dashes."""
    return max(option.opts, key=len).lstrip("-")


def _value(option: click.Option, value: object, place: str, command: click.Command, settings: Settings) -> object:
    """A value of the file, converted for its option. Raises SettingsError if the option does not accept it."""
    if option.is_flag is not isinstance(value, bool):
        wanted = "true or false" if option.is_flag else f"a value of {option.opts[0]}"
        raise SettingsError(f"{place} must be {wanted}, but got {excerpt(value)}.")
    several = value if isinstance(value, list) else [value]
    if option.is_flag:
        return value
    if any(not isinstance(one, str | int | float) for one in several) or (len(several) != 1 and not option.multiple):
        raise SettingsError(
            f"{place} must be {'values' if option.multiple else 'one value'}, but got {excerpt(value)}."
        )
    texts = [str(one) for one in several]
    if isinstance(option.type, click.Path):
        texts = [str(settings.path.parent / text) for text in texts]
    given = texts if option.multiple else texts[0]
    try:
        option.type_cast_value(click.Context(command), given)
    except click.BadParameter as error:
        raise SettingsError(f"{place} is not valid for {option.opts[0]}: {error.message}") from None
    field = next((field for _, field in option_fields() if field.flag == option.opts[0]), None)
    if field is not None:
        try:
            field.form.read(given)
        except ValueError:
            raise SettingsError(f"{place} must be {field.form.wants}, but got {excerpt(value)}.") from None
    return given
