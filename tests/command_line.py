"""Type ``mriworkbook ...`` in a test."""

from typer.testing import CliRunner

from mriworkbook import cli


def typed(*words, answer=None):
    """Exit code, standard output and standard error of a command.

    A bug's exception goes through. `answer` is what is typed at the keyboard.
    """
    result = CliRunner().invoke(cli.app, [str(word) for word in words], input=answer)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
