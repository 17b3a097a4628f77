"""`rasr top`: a live table of the sessions of a server on this machine.

Shows what `/sessions` answers and computes nothing of its own. On a pipe, where nothing can move,
it prints once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rasr.cli.addresses import http_url, server_url
from rasr.cli.screen import console
from rasr.settings import ServerSettings

if TYPE_CHECKING:
    import httpx

_DEFAULT_URL = f"ws://{ServerSettings().host}:{ServerSettings().port}"
_TIMEOUT_S = 5.0
_PIPE_WIDTH = 160
_HEADER_LINES = 6
"""Lines that are not sessions, but for those of engines."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    key: str
    shown: Callable[[Any], str]
    is_number: bool = True


def _seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


def _share(value: float) -> str:
    return f"{value:.0%}"


_COLUMNS = {
    "id": _Column("id", "id", str),
    "peer": _Column("peer", "peer", str, is_number=False),
    "mode": _Column("mode", "mode", str, is_number=False),
    "state": _Column("state", "state", str, is_number=False),
    "property": _Column("property", "property", str, is_number=False),
    "engine": _Column("engine", "engine", str, is_number=False),
    "age": _Column("age", "age_s", _seconds),
    "rounds": _Column("rounds", "rounds", str),
    "audio": _Column("audio", "audio_s", _seconds),
    "rate": _Column("rate", "rate", lambda value: f"{value:.2f}"),
    "speech": _Column("speech", "speech_ratio", _share),
    "backlog": _Column("backlog", "backlog_s", _seconds),
    "last": _Column("last final", "last_final_s", _milliseconds),
    "p95": _Column("p95 final", "p95_final_s", _milliseconds),
}
_LEAST_WANTED = ("mode", "property", "rounds", "audio", "engine", "age", "last", "peer")
"""Columns that a narrow terminal goes without, the first one first."""


@click.command()
@click.argument("url", default=_DEFAULT_URL)
@click.option(
    "--sort",
    type=click.Choice(list(_COLUMNS)),
    default="backlog",
    show_default=True,
    help="Column to sort by: numbers from the largest, words from A.",
)
@click.option("--once", is_flag=True, help="Print once and end, as on a pipe.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.2),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
def top(url: str, sort: str, once: bool, interval: float) -> None:
    """Watch the sessions of the server at URL, which must be on this machine.

    One line for each connection: rate is seconds of audio a second, speech the share of it that is
    decoded, backlog what waits for that; latency is from the end of a sentence to its final. Above
    it how full the server is and how busy its engines are. Ctrl-C ends it.

    A server elsewhere is watched there, or through a tunnel: ssh -L 8765:127.0.0.1:8765 HOST.
    """
    import httpx

    # A proxy has nothing to do with this machine's own server.
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        watch = _Watch(client, server_url(url), sort)
        try:
            if once or not console().is_terminal:
                watch.once(interval)
            else:
                watch.forever(interval)
        except KeyboardInterrupt:
            pass


class _Watch:
    """Draws the table of one server."""

    def __init__(self, client: httpx.Client, url: str, sort: str) -> None:
        self._client = client
        self._url = url
        self._sort = sort
        self._screen = console()

    def once(self, interval_s: float) -> None:
        if not self._screen.is_terminal:
            # A file takes any width.
            self._screen = Console(width=_PIPE_WIDTH)
        _fetch(self._client, self._url)
        # How busy an engine is can be seen after two answers only.
        time.sleep(interval_s)
        self._screen.print(self._picture(None))

    def forever(self, interval_s: float) -> None:
        with Live(console=self._screen, screen=True, auto_refresh=False) as live:
            while True:
                live.update(self._picture(self._screen.height), refresh=True)
                time.sleep(interval_s)

    def _picture(self, height: int | None) -> Group:
        """Header and table, in at most `height` lines; None for any number."""
        body = _fetch(self._client, self._url)
        sessions = _sorted(body["sessions"], self._sort)
        room = len(sessions)
        if height is not None:
            above = len(body["engines"]) + (body.get("jobs") is not None)
            room = max(1, height - _HEADER_LINES - above)
        columns = dict(_COLUMNS)
        unbounded = self._screen.options.update(max_width=_PIPE_WIDTH * 2)
        table = _table(columns, sessions[:room], self._sort)
        for name in _LEAST_WANTED:
            if self._screen.measure(table, options=unbounded).maximum <= self._screen.width:
                break
            if name != self._sort:
                del columns[name]
                table = _table(columns, sessions[:room], self._sort)
        more = len(sessions) - room
        below = [Text(f"and {more} more")] if more > 0 else []
        return Group(*_header(body, self._url), Text(""), table, *below)


def _fetch(client: httpx.Client, url: str) -> Row:
    """What `/sessions` of the server answers.

    Raises:
        click.ClickException: there is no server, or it does not answer to this machine.
    """
    import httpx

    try:
        answer = client.get(f"{http_url(url)}/sessions")
    except httpx.HTTPError as error:
        raise click.ClickException(
            f"there is no server at {url}: {error or type(error).__name__}; start one with "
            "`rasr serve`"
        ) from error
    except httpx.InvalidURL as error:
        raise click.UsageError(f"{url!r} is no address of a server: {error}") from error
    try:
        body = answer.json()
        if answer.status_code == 403:
            raise click.ClickException(
                f"{body['error_msg']}; run `rasr top` where the server runs, or through a tunnel"
            )
        if answer.status_code == 200 and "sessions" in body:
            return cast(Row, body)
    except (ValueError, KeyError, TypeError):
        pass
    raise click.ClickException(
        f"the server at {url} does not tell its sessions (HTTP status {answer.status_code}): it is "
        "another program, or an older rasr"
    )


def _table(columns: Mapping[str, _Column], sessions: list[Row], sort: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, column in columns.items():
        title = f"{column.title} ↓" if name == sort else column.title
        table.add_column(title, justify="right" if column.is_number else "left", no_wrap=True)
    for session in sessions:
        values = ((session[one.key], one.shown) for one in columns.values())
        table.add_row(*(Text("–" if _absent(one) else shown(one)) for one, shown in values))
    return table


def _absent(value: object) -> bool:
    return value is None or value == ""


def _header(body: Row, url: str) -> list[Text]:
    parts = [
        f"rasr {body['version']} at {url}, up {_seconds(body['uptime_s'])}",
        f"connections {body['connections']} of {body['max_connections']}",
        f"rounds {body['rounds']}{_of(body['max_rounds'], str)}",
    ]
    if body["load"] is not None:
        parts.append(f"load {_share(body['load'])}{_of(body['max_load'], _share)}")
    status = Text(" · ".join(parts))
    if not body["ready"]:
        bound = f" ({body['bound']})" if body["bound"] else ""
        status.append(f" · takes no new rounds{bound}", style="bold red")
    return [
        status,
        *(
            Text(
                f"{one['engine']} ({one['model']}): {_carries(one)}"
                f"busy {_share(one['busy_share'])}, "
                f"{one['open_jobs']} utterances open{_of(one['streams'], str)}, "
                f"{one['waiting_jobs']} without a stream, "
                f"oldest step waits {_milliseconds(one['oldest_ready_s'])}{_overload(one)}"
            )
            for one in body["engines"]
        ),
        *_jobs(body.get("jobs")),
    ]


def _jobs(jobs: Row | None) -> list[Text]:
    """How recordings are doing; nothing where there was none."""
    if jobs is None:
        return []
    states = jobs["by_state"]
    speed = "" if jobs["speed"] is None else f", each {jobs['speed']:.1f} times as fast as speech"
    return [
        Text(
            f"recordings: {states['running']} running{speed}, {states['waiting']} waiting, the "
            f"oldest for {_seconds(jobs['oldest_waiting_s'])}, {states['finished']} finished, "
            f"{states['error']} failed"
        )
    ]


def _carries(engine: Row) -> str:
    if engine["carries"] is None:
        return ""
    return f"carries {engine['carries']} who speak without pauses, "


def _overload(engine: Row) -> str:
    level = engine["overload_level"]
    return f", overload level {level}" if level else ""


def _of(most: float | None, shown: Callable[[Any], str]) -> str:
    return "" if most is None else f" of {shown(most)}"


def _sorted(sessions: list[Row], sort: str) -> list[Row]:
    column = _COLUMNS[sort]
    known = [one for one in sessions if not _absent(one[column.key])]
    unknown = [one for one in sessions if _absent(one[column.key])]
    known.sort(key=lambda one: one[column.key], reverse=column.is_number)
    return known + unknown
