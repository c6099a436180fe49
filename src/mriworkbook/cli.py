"""The command ``mriworkbook``: studies, notebooks and editions from a terminal.

Exit codes: 0 done; 1 a problem, said in one paragraph; 2 a word the command does not know;
3 a study is there in part, because the mirror lacks some of its files.
"""

from pathlib import Path
from typing import Annotated

import typer

from mriworkbook import data_commands
from mriworkbook.terminal import plainly, problem

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The MRI Workbook.")
notebooks_app = typer.Typer(no_args_is_help=True, help="The episodes, for your own folder.")
editions_app = typer.Typer(no_args_is_help=True, help="For authors: generate the notebooks.")
app.add_typer(data_commands.app, name="data")
app.add_typer(notebooks_app, name="notebooks")
app.add_typer(editions_app, name="editions")


def _version(wanted: bool):
    if wanted:
        from importlib import metadata

        typer.echo(metadata.version("mriworkbook"))
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
):
    """Hands-on brain MRI: studies, notebooks and editions."""


@notebooks_app.command("list")
@plainly
def notebooks_list():
    """List the episodes."""
    from mriworkbook import workspace

    for notebook in workspace.list_notebooks():
        minutes = notebook["minutes"]
        typer.echo(
            f"{notebook['stem']}  {notebook['title']} "
            f"({minutes['teaching']} + {minutes['exercises']} min)"
        )


@notebooks_app.command("copy")
@plainly
def notebooks_copy(
    folder: Annotated[Path, typer.Argument(help="Where your own copies go.")],
):
    """Copy the notebooks to a folder of yours; your own files there are never overwritten."""
    from mriworkbook import workspace

    copied, kept = workspace.copy_notebooks(folder)
    for path in copied:
        typer.echo(f"{path}")
    for path in kept:
        typer.echo(f"{path}  (kept as it was)")


@editions_app.command("build")
@plainly
def editions_build(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Sources; by default notebooks/*.md.")
    ] = None,
    edition: Annotated[str, typer.Option(help="learner or instructor.")] = "learner",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a notebook is out of step.")
    ] = False,
):
    """Generate notebooks from their sources, or check that the committed ones are in step."""
    if edition not in ("learner", "instructor"):
        raise typer.BadParameter(f"{edition!r}: choose learner or instructor")
    if check and edition != "learner":
        raise typer.BadParameter("--check is for the learner notebooks, the committed ones")
    sources = files or sorted(Path("notebooks").glob("*.md"))
    if not sources:
        raise FileNotFoundError(
            f"No sources: {Path.cwd()} has no notebooks/*.md. Go to the checkout or name the files."
        )
    from mriworkbook import editions

    if not check:
        for path in editions.build(sources, edition):
            typer.echo(path)
        return
    stale = editions.check_in_sync(sources)
    for path in stale:
        problem(f"{path} is out of step with its source. Type: mriworkbook editions build")
    if stale:
        raise typer.Exit(1)
    typer.echo(f"{len(sources)} notebooks are in step with their sources.")
