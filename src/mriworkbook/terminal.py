"""What every command shares: exit codes, and errors said in one paragraph.

Exit codes: 0 done; 1 a problem; 2 a word the command does not know; 3 a study is there in part;
130 stopped with Ctrl-C.
"""

import functools
import sys

import typer

PARTIAL = 3
STOPPED = 130
# Errors that are written to be read by learners; those of the system are, too.
KNOWN = (
    ("data_fetch", "FetchError"),
    ("mriworkbook.studies", "UnknownStudy"),
    ("mriworkbook.workspace", "WorkspaceError"),
    ("mriworkbook.editions", "SourceError"),
)


def plainly(command):
    """Say known errors in plain language, without a traceback; a bug keeps its traceback."""

    # Modules are imported inside the commands: `mriworkbook --help` must answer at once.
    @functools.wraps(command)
    def wrapped(*args, **kwargs):
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            problem("Stopped. Nothing is half-written; type the same command again to go on.")
            raise typer.Exit(STOPPED) from None
        except Exception as error:
            if not _is_known(error):
                raise
            problem(_words(error))
            raise typer.Exit(1) from None

    return wrapped


def problem(text):
    """Write to standard error."""
    typer.echo(text, err=True)


def _is_known(error):
    # A class whose module was never imported cannot have been raised.
    classes = [getattr(sys.modules[m], name) for m, name in KNOWN if m in sys.modules]
    return isinstance(error, (OSError, *classes))


def _words(error):
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return str(error)
