"""`rasr tls`: a certificate for a first try."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click


@click.group()
def tls() -> None:
    """TLS: https and wss."""


@tls.command("self-signed")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where rasr-cert.pem and rasr-key.pem are written. Default: here.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name or address by which the server is reached, beside this machine's own. Repeat for "
    "several.",
)
@click.option("--force", is_flag=True, help="Replace the files that are there.")
def self_signed(folder: Path, names: tuple[str, ...], force: bool) -> None:
    """Make a certificate that no authority has signed, for a first try.

    Browsers warn of it, and programs have to be told to trust it. It is for localhost and for the
    names and addresses of this machine, and for 397 days.

    \b
      rasr tls self-signed
      rasr serve --tls-cert rasr-cert.pem --tls-key rasr-key.pem
    """
    from rasr.server import certificate

    wanted = [*certificate.own_names(), *names]
    try:
        made = certificate.self_signed(wanted, datetime.now(UTC))
        cert, key = made.write(folder, force=force)
    except FileExistsError as error:
        raise click.ClickException(f"{error} is there; --force replaces it") from error
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}") from error
    except ValueError as error:
        raise click.ClickException(f"--name: {error}") from error
    click.echo(f"for {', '.join(wanted)}")
    click.echo(f"rasr serve --tls-cert {cert} --tls-key {key}")
