"""The command that was given, as one line that can be given again."""

from __future__ import annotations

import typer

from taut.cli.voice import shell


def command_line(context: typer.Context) -> str:
    """Write the command with its arguments, and the options that were given by their full names.

    >>> app = typer.Typer()
    >>> @app.command()
    ... def greet(context: typer.Context, name: str, often: int = 1, mark: str = "!") -> None:
    ...     print(command_line(context))
    >>> app(["--often", "3", "Ann Lee"], prog_name="greet", standalone_mode=False)
    greet 'Ann Lee' --often 3
    """
    arguments: list[str] = []
    options: list[str] = []
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source is None or source.name != "COMMANDLINE":
            continue
        given = context.params[str(parameter.name)]
        values = map(str, given if isinstance(given, (list, tuple)) else [given])
        if parameter.param_type_name == "argument":
            arguments += values
        elif isinstance(given, bool):
            options.append(parameter.opts[0])
        else:
            for value in values:
                # What begins with a dash would be taken for an option.
                options += (
                    [f"{parameter.opts[0]}={value}"] if value[:1] == "-" else [parameter.opts[0], value]
                )
    dashed = any(one.startswith("-") for one in arguments)
    words = [*options, "--", *arguments] if dashed else [*arguments, *options]
    return shell([*context.command_path.split(), *words])
