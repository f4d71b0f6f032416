"""The help of commands with many options: in groups, by what they are about."""

from __future__ import annotations

import click

from dlc2lp.options import OPTIONS, TITLES

#: What every command takes (cli/everywhere), and what click adds.
_OUTPUT = frozenset({"as_json", "all_findings", "verbose", "quiet", "log_file", "help"})

_RUNNING, _TALKING = TITLES[6], "What is said"


class Grouped(click.Command):
    """A command whose options stand in groups in its help; those that are declared nowhere are about running it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups, those of the declared sections in their order."""
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in (*TITLES.values(), _TALKING)}
        for param in self.get_params(ctx):
            if (record := param.get_help_record(ctx)) is not None:
                groups[_group_of(param.name or "")].append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def _group_of(name: str) -> str:
    if name in _OUTPUT:
        return _TALKING
    return TITLES[OPTIONS[name].section.rank] if name in OPTIONS else _RUNNING
