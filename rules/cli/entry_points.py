"""A command group to which other packages add commands."""

from __future__ import annotations

from importlib.metadata import entry_points

import click


class ExtensibleGroup(click.Group):
    """A group with the commands of an entry-point group, which are imported when they are called."""

    entry_point_group: str

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=self.entry_point_group).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for found in entry_points(group=self.entry_point_group, name=cmd_name):
            command: click.Command = found.load()
            return command
        return None
