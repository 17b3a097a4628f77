"""Jobs on recordings as a page sees them: a server that is played, its answers made by a test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from playwright.sync_api import Page, Route

from tests.browser.script import Said

CREATED = "2026-03-04T08:30:00.000Z"
EXPIRES = "2026-03-07T08:45:00.000Z"
Job = dict[str, Any]


def finished(job_id: str, *said: Said, length_ms: int = 60_000, **result: object) -> Job:
    """A job that is over, and what was heard; `result` is told with each sentence."""
    segments = [
        {
            "start_time": one.segment["start_time"],
            "end_time": one.segment["end_time"],
            "result": one.segment["result"] | result,
        }
        for one in said
    ]
    return {
        "job_id": job_id,
        "status": "FINISHED",
        "create_time": CREATED,
        "expire_time": EXPIRES,
        "progress": 100,
        "audio_duration": length_ms,
        "segments": segments,
    }


@dataclass
class PlayedJobs:
    """Answers the calls on jobs; all else is answered by the page's own server."""

    jobs: list[Job] = field(default_factory=list)
    """The newest first."""
    refusal: tuple[int, dict[str, str]] | None = None
    """Status and body of what POST …/jobs is answered with, where it is not taken."""
    submitted: list[Job] = field(default_factory=list)
    """The bodies of POST …/jobs."""
    forgotten: list[str] = field(default_factory=list)
    uploads: int = 0
    """So many were begun; their ids are `u1`, `u2` and so on."""
    dropped: list[str] = field(default_factory=list)
    """Uploads that the page wants to be forgotten."""
    held: str = ""
    """The upload whose parts get no answer."""

    def attach(self, page: Page) -> None:
        page.route("**/asr/transcriber/**", self._answer)

    def _answer(self, route: Route) -> None:
        method, path = route.request.method, route.request.url.partition("/transcriber/")[2]
        match method, path.partition("?")[0].split("/"):
            case "POST", ["uploads"]:
                self.uploads += 1
                name = f"u{self.uploads}"
                begun = {"upload_id": name, "data_url": f"upload:{name}"}
                _tell(route, 201, begun | {"most_part_bytes": 4 << 20})
            case "PUT", ["uploads", upload_id, _]:
                if upload_id != self.held:
                    route.fulfill(status=204)
            case "DELETE", ["uploads", upload_id]:
                self.dropped.append(upload_id)
                route.fulfill(status=204)
            case "POST", ["jobs"]:
                self._take(route)
            case "GET", ["jobs"]:
                limit = int(parse_qs(path.partition("?")[2])["limit"][0])
                told = [{k: v for k, v in one.items() if k != "segments"} for one in self.jobs]
                _tell(route, 200, {"count": len(told), "jobs": told[:limit]})
            case "GET", ["jobs", job_id]:
                found = next(one for one in self.jobs if one["job_id"] == job_id)
                _tell(route, 400 if found["status"] == "ERROR" else 200, found)
            case "DELETE", ["jobs", job_id]:
                self.forgotten.append(job_id)
                self.jobs = [one for one in self.jobs if one["job_id"] != job_id]
                route.fulfill(status=204)

    def _take(self, route: Route) -> None:
        document = json.loads(route.request.post_data or "")
        self.submitted.append(document)
        if self.refusal is not None:
            _tell(route, *self.refusal)
            return
        job_id = f"job-{len(self.submitted)}"
        waiting = {"job_id": job_id, "status": "WAITING", "create_time": CREATED, "progress": 0}
        self.jobs.insert(0, waiting)
        _tell(route, 200, {"job_id": job_id})


def _tell(route: Route, status: int, document: object) -> None:
    route.fulfill(status=status, content_type="application/json", body=json.dumps(document))
