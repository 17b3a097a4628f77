"""A server with accounts for the console, and answers in place of those that it does not give."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.sync_api import Page, Route, expect

from rasr.server.service import Service
from tests.browser.server import ThreadServer
from tests.server.stored import PASSWORD, StoredAccounts, stored_accounts

HOUR_MS = 3_600_000
STEP_MS = 300_000


class ConsoleServer(ThreadServer):
    """Its accounts are in a store: `tests.server.stored`."""

    accounts: StoredAccounts

    def __init__(self, folder: Path, **sections: dict[str, object]) -> None:
        super().__init__(None, None, **sections)
        self._folder = folder
        self._sections = sections | {"server": {"port": self.port} | sections.get("server", {})}
        self._is_made = False

    async def _made(self) -> Service:
        if not self._is_made:
            self.accounts = await stored_accounts(self._folder, **self._sections)
            self._is_made = True
        return self.accounts.service()

    @property
    def console(self) -> str:
        return f"{self.url}/console"


def point(
    at: int, calls: int, delay: float | None = None, refused: int = 0, failed: int = 0
) -> dict[str, object]:
    """A point of the history as the server tells it."""
    return {
        "timestamp": at,
        "successful_calls_of_service": calls,
        "api_calls_with_4xx_response": refused,
        "api_calls_with_5xx_response": failed,
        "average_delay": delay,
    }


@dataclass
class Answers:
    """What the page is answered by us and not by its server; what it asked is kept."""

    vocabularies: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: tuple[str, str] = ("please call doctor ramirez", "please call Doctor Ramírez")
    """Of a sentence without hot words, and with them."""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path and document of what it asked."""

    def attach(self, page: Page) -> None:
        page.route("**/v1/*/monitoring?*", self._monitoring)
        page.route("**/v1/*/usage?*", self._usage)
        page.route("**/v1/*/asr/vocabularies**", self._vocabularies)
        page.route("**/v1/*/asr/vocabularies/**", self._vocabularies)
        page.route("**/v1/*/asr/short-audio", self._short_audio)

    def documents(self, method: str, end: str) -> list[Any]:
        """The documents of questions to a path that ends so."""
        return [one for known, path, one in self.asked if known == method and path.endswith(end)]

    def _monitoring(self, route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        first, last, period = (int(query[name][0]) for name in ("from", "to", "period"))
        step = period * 1000
        times = range(first, last, step)
        real_time, sentences = [], []
        for at in times:
            # A working day, with some noise that is always the same.
            hour, noise = at / HOUR_MS % 24, (at // step * 7919) % 101 / 101
            busy = max(0.0, math.sin((hour - 7) / 12 * math.pi)) * step / STEP_MS
            if busy:
                refused = int(noise > 0.9)
                real_time.append(
                    point(at, round(busy * (18 + 6 * noise)), 180 + 40 * noise, refused)
                )
            calls = round(step / STEP_MS * (5 + 4 * noise))
            sentences.append(point(at, calls, 310 + 60 * noise, 0, int(noise > 0.97)))
        known = {
            "real-time-continue": real_time,
            "sentence-transcription": sentences,
            "vocabularies": [point(times[len(times) // 2], 3, 12.5)],
            "sessions": [point(at, 20, 1.0) for at in times],
        }
        interfaces = [{"interface": name, "datapoints": all} for name, all in known.items()]
        _fulfil(route, {"period": period, "interfaces": interfaces})

    def _usage(self, route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        first, last = query["from"][0], query["to"][0]
        day = f"{first[:8]}02"
        usage = [
            ("real-time", "AKNIGHTLY00000000000", 12, 5400, "seconds"),
            ("real-time", None, 3, 90, "seconds"),
            ("one-sentence", None, 840, 840, "calls"),
        ]
        document = {
            "project_id": "p",
            "from": first,
            "to": last,
            "usage": [
                {
                    "day": day,
                    "service": service,
                    "access_id": access_id,
                    "calls": calls,
                    "amount": amount,
                    "unit": unit,
                    "audio_ms": 1000 * amount,
                }
                for service, access_id, calls, amount, unit in usage
            ],
            "packages": [
                {
                    "id": "1",
                    "service": "real-time",
                    "unit": "seconds",
                    "amount": 36_000,
                    "used": 5490,
                    "starts_at": "2026-03-01T00:00:00Z",
                    "ends_at": "2027-03-01T00:00:00Z",
                }
            ],
            "quotas": [
                {"service": "one-sentence", "unit": "calls", "per_month": 1000, "used": 840}
            ],
            "on_demand": [{"service": "one-sentence", "unit": "calls", "amount": 840}],
            "warnings": [
                {
                    "bound": "quota",
                    "service": "one-sentence",
                    "unit": "calls",
                    "percent": 80,
                    "used": 840,
                    "of": 1000,
                    "message": "80 % of the quota of the month are reached",
                }
            ],
        }
        _fulfil(route, document)

    def _vocabularies(self, route: Route) -> None:
        request = route.request
        path = unquote(urlsplit(request.url).path)
        identifier = path.partition("/asr/vocabularies")[2].lstrip("/")
        document: Any = json.loads(request.post_data) if request.post_data else None
        self.asked.append((request.method, path, document))
        if identifier and identifier not in self.vocabularies:
            _refuse(route, "SIS.0201", "there is no such vocabulary")
        elif request.method == "GET" and not identifier:
            listed = [
                {key: value for key, value in one.items() if key != "contents"}
                for one in self.vocabularies.values()
            ]
            _fulfil(route, {"count": len(listed), "result": listed})
        elif request.method == "GET":
            _fulfil(route, self.vocabularies[identifier])
        elif request.method == "DELETE":
            del self.vocabularies[identifier]
            route.fulfill(status=200, body="")
        elif any(
            one["name"] == document["name"] and key != identifier
            for key, one in self.vocabularies.items()
        ):
            _refuse(route, "SIS.0204", f"'name' is taken: {document['name']!r}")
        else:
            made = identifier or f"v{len(self.vocabularies) + 1}"
            self.vocabularies[made] = {"vocabulary_id": made, **document}
            _fulfil(route, {"vocabulary_id": made})

    def _short_audio(self, route: Route) -> None:
        document = json.loads(route.request.post_data or "")
        self.asked.append(("POST", urlsplit(route.request.url).path, document))
        base64.b64decode(document["data"], validate=True)
        text = self.texts["vocabulary_id" in document["config"]]
        _fulfil(route, {"trace_id": "t", "result": {"text": text, "score": 0.9}})


def vocabulary(name: str, words: Sequence[str], language: str = "english") -> dict[str, Any]:
    """A table as the server tells it."""
    return {
        "vocabulary_id": name,
        "name": name,
        "language": language,
        "description": f"Words of {name}",
        "contents": list(words),
    }


def sign_in(page: Page, user: str = "anna") -> None:
    """By the button in the middle of the console."""
    page.locator("#standing-act").click()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("User", exact=True).fill(user)
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#who-name")).to_have_text(f"{user}, project team")


def sign_in_with_key(page: Page, access: str, secret: str, project: str) -> None:
    page.locator("#standing-act").click()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Access key", exact=True).check()
    dialog.get_by_label("Access key id (AK)").fill(access)
    dialog.get_by_label("Secret (SK)").fill(secret)
    dialog.get_by_label("Project id").fill(project)
    dialog.get_by_role("button", name="Sign in").click()


def go(page: Page, name: str) -> None:
    """To a part of the console."""
    page.get_by_role("navigation", name="Parts of the console").get_by_role(
        "link", name=name, exact=True
    ).click()


def _fulfil(route: Route, document: object) -> None:
    route.fulfill(status=200, content_type="application/json", body=json.dumps(document))


def _refuse(route: Route, code: str, sentence: str) -> None:
    body = {"error_code": code, "error_msg": sentence, "request_id": "r" * 8}
    route.fulfill(status=400, content_type="application/json", body=json.dumps(body))
