"""The command ``mriworkbook``: studies, notebooks and editions from a terminal.

Exit codes: 0 done; 1 a problem, said in one paragraph; 2 a word the command does not know;
3 a study is there in part, because the mirror lacks some of its files.
"""

import functools
import sys
from pathlib import Path
from typing import Annotated

import typer

# How much of the practice study each stage is.
STAGES = {
    "core": "three people, about a minute",
    "anatomy": "core, nine more people and a cohort of 200, two to three minutes",
}
PARTIAL = 3
STOPPED = 130
# Errors that are written to be read by learners; those of the system are, too.
KNOWN = (
    ("data_fetch", "FetchError"),
    ("mriworkbook.studies", "UnknownStudy"),
    ("mriworkbook.workspace", "WorkspaceError"),
    ("mriworkbook.editions", "SourceError"),
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The MRI Workbook.")
data_app = typer.Typer(no_args_is_help=True, help="Studies: list, get, find, check.")
notebooks_app = typer.Typer(no_args_is_help=True, help="The episodes, for your own folder.")
editions_app = typer.Typer(no_args_is_help=True, help="For authors: generate the notebooks.")
app.add_typer(data_app, name="data")
app.add_typer(notebooks_app, name="notebooks")
app.add_typer(editions_app, name="editions")

Name = Annotated[str, typer.Argument(help="Study, see `mriworkbook data list`.")]
Subset = Annotated[str, typer.Option(help="How much of a real study: mini, workshop or full.")]
Stage = Annotated[
    str, typer.Option(help="How much of practice: core (3 people) or anatomy (12, and a cohort).")
]


def plainly(command):
    """Say known errors in plain language, without a traceback; a bug keeps its traceback."""

    # Modules are imported inside the commands: `mriworkbook --help` must answer at once.
    @functools.wraps(command)
    def wrapped(*args, **kwargs):
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            _problem("Stopped. Nothing is half-written; type the same command again to go on.")
            raise typer.Exit(STOPPED) from None
        except Exception as error:
            if not _is_known(error):
                raise
            _problem(_words(error))
            raise typer.Exit(1) from None

    return wrapped


def _is_known(error):
    # A class whose module was never imported cannot have been raised.
    classes = [getattr(sys.modules[m], name) for m, name in KNOWN if m in sys.modules]
    return isinstance(error, (OSError, *classes))


def _words(error):
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return str(error)


def _problem(text):
    typer.echo(text, err=True)


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


@data_app.command("list")
@plainly
def data_list():
    """List the studies, how big they are and whether they are here."""
    import data_fetch
    from mriworkbook import store, studies

    for name in studies.known_studies():
        if name == store.PRACTICE:
            _list_practice()
            continue
        here = studies.study_folder(name).is_dir()
        typer.echo(f"{name}{'  (here)' if here else ''}")
        about = data_fetch.dataset(name)
        typer.echo(f"  {about.title}\n  {about.licence}, {about.homepage}\n  {about.citation}")
        for subset, words in about.subsets.items():
            entries = data_fetch.select(data_fetch.manifest(name), subset)
            typer.echo(f"  --subset {subset}: {_amount(entries)}: {words}")


@data_app.command("get")
@plainly
def data_get(
    name: Name,
    mirror: Annotated[
        Path | None, typer.Option(help="Folder with a copy: files at PATH/NAME/...")
    ] = None,
    subset: Subset = "mini",
    stage: Stage = "core",
):
    """Fetch a study, or make the practice study; what is already right is kept.

    --mirror and --subset are for real studies, --stage is for practice.

    Exit code 3: the mirror lacks some files; they are listed, the others are there.
    """
    from mriworkbook import store, studies

    folder = studies.study_folder(name)
    if name == store.PRACTICE:
        _get_practice(mirror, stage)
    else:
        _get(name, folder, mirror, subset)


@data_app.command("path")
@plainly
def data_path(name: Name):
    """Print the folder of a study."""
    typer.echo(_folder_here(name))


@data_app.command("verify")
@plainly
def data_verify(name: Name, subset: Subset = "mini"):
    """Check every file of a study against its checksum.

    Exit code 1: a file is damaged. Exit code 3: files of the subset are absent.
    """
    from mriworkbook import store

    folder = _folder_here(name)
    if name == store.PRACTICE:
        _verify_practice()
    else:
        _verify(name, folder, subset)


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
        _problem(f"{path} is out of step with its source. Type: mriworkbook editions build")
    if stale:
        raise typer.Exit(1)
    typer.echo(f"{len(sources)} notebooks are in step with their sources.")


def _folder_here(name):
    from mriworkbook import studies

    folder = studies.study_folder(name)
    if not folder.is_dir():
        raise studies.StudyNotFound(
            f"{name} is not on this machine (it would be in {folder}). "
            f"Get it: mriworkbook data get {name}"
        )
    return folder


def _list_practice():
    from mriworkbook import practice, store

    here = store.stages_here()
    typer.echo(f"{store.PRACTICE}{'  (here: ' + ', '.join(here) + ')' if here else ''}")
    typer.echo("  Simulated, with known truth; made on this machine, nothing is fetched.")
    for stage in practice.STAGES:
        typer.echo(f"  --stage {stage}: {store.SIZES[stage]}: {STAGES[stage]}")


def _get_practice(mirror, stage):
    from mriworkbook import practice, store

    if stage not in practice.STAGES:
        raise typer.BadParameter(f"{stage!r}: choose one of {', '.join(practice.STAGES)}")
    if mirror is not None:
        typer.echo("The practice study is simulated on this machine; the mirror is not used.")
    damaged = store.verify_practice()
    if damaged:
        typer.echo(f"{len(damaged)} files are gone or changed; the study is made again.")
    folder = store.make_practice(stage, force=bool(damaged))
    typer.echo(f"practice ({', '.join(store.stages_here())}) is in {folder}")


def _get(name, folder, mirror, subset):
    import data_fetch
    from mriworkbook.progress import progress_line

    wanted = data_fetch.select(data_fetch.manifest(name), subset)
    typer.echo(f"{name}, {subset}: {_amount(wanted)}, to {folder}")
    with progress_line(f"Getting {name}") as report:
        result = data_fetch.get(name, folder, mirror=mirror, subset=subset, progress=report)
    typer.echo(f"{len(result.fetched)} files fetched, {len(result.present)} were there already.")
    if result.partial:
        _list_absent(result.absent, f"not in the mirror {mirror}; the study is there in part")
        raise typer.Exit(PARTIAL)


def _verify_practice():
    from mriworkbook import store

    damaged = store.verify_practice()
    if damaged is None:
        damaged = ["The study's stamp is gone or unreadable."]
    if damaged:
        _problem("\n".join([*damaged, f"Gone or changed. Make the study again: {store.REMAKE}"]))
        raise typer.Exit(1)
    typer.echo("practice: every file is as it was made.")


def _verify(name, folder, subset):
    import data_fetch

    found = data_fetch.verify(name, folder, subset=subset)
    typer.echo(f"{name}: {len(found.good)} files are right.")
    for entry, checksum in found.wrong:
        _problem(f"{entry.path}: {entry.algorithm} is {checksum}, expected {entry.checksum}")
    if found.absent:
        _list_absent(found.absent, f"of the {subset} subset not here")
    if found.wrong:
        _problem(f"{len(found.wrong)} files are damaged. Get them: mriworkbook data get {name}")
        raise typer.Exit(1)
    if found.absent:
        raise typer.Exit(PARTIAL)


def _list_absent(entries, why):
    import data_fetch

    typer.echo(f"{len(entries)} files {why}:")
    for entry in entries:
        typer.echo(f"  {entry.path} ({data_fetch.human_size(entry.bytes)}, {entry.url})")


def _amount(entries):
    import data_fetch

    size, unknown = data_fetch.total_size(entries)
    more = f" and {unknown} of unpublished size" if unknown else ""
    return f"{len(entries)} files, {data_fetch.human_size(size)}{more}"
