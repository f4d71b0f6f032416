"""The command that says what the code of a finding means. Light: it reads nothing but its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dlc2lp.cli import output
from dlc2lp.cli.everywhere import everywhere

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Code(click.types.StringParamType):
    """The code of a finding; one that is unknown is told with those that are near."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the codes that begin so."""
        from click.shell_completion import CompletionItem

        from dlc2lp.report.explaining import explanations

        known = explanations().values()
        return [CompletionItem(each.code, help=each.title) for each in known if each.code.startswith(incomplete)]


@click.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...", type=_Code())
@click.option("--list", "as_list", is_flag=True, help="List all codes by topic, as without any CODE.")
@everywhere
def explain(codes: tuple[str, ...], *, as_list: bool) -> int:
    """Say what the CODE of a finding means, why it matters and what to do.

    The code stands in brackets at the end of a finding. Without any, all codes are listed by topic.
    """
    from dlc2lp.report import explaining, looks

    if codes and as_list:
        raise click.UsageError("expected CODE or --list, found both")
    width = looks.width()
    if codes:
        found = explaining.explain_all(codes)
        text = "\n\n".join(explaining.explanation_text(each, width) for each in found)
    else:
        found = tuple(explaining.explanations().values())
        text = explaining.list_text(width)
    output.result(text, explaining.ExplainDocument(explanations=found))
    return 0
