"""Objects come out of buckets, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from rasr.recordings.access import open_access
from rasr.recordings.buckets import (
    Bucket,
    Credentials,
    FolderBucket,
    S3Bucket,
    S3Place,
    StoreBucket,
    parts_of,
)
from rasr.recordings.connecting import Connector
from rasr.recordings.faults import RecordingFault
from rasr.recordings.fetching import Fetched, Fetcher
from rasr.recordings.policy import FetchPolicy, read_url
from rasr.recordings.project_buckets import BucketRefused, ProjectBuckets, StoredBuckets
from rasr.recordings.roles import Roles
from rasr.recordings.spool import RecordingFile
from rasr.settings import RecordingSettings, StoreSettings
from rasr.store.on_demand import StoreOnDemand
from tests.recordings.hosts import Names, Waits, hanging, leading, ranged, saying, serving
from tests.recordings.s3 import BUCKET, S3, s3

BODY = bytes(range(256)) * 4000
KEY = Credentials("AKEXAMPLE", "SKgeheim")
ODD_KEY = "2026/01 ü%25+&='()*~!@#?/语音.wav"
# Of this machine nothing may be asked, but for endpoints that were added.
SETTINGS = RecordingSettings()
ROLE = "arn:aws:iam::123456789012:role/rasr"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    """A server with some objects."""
    with s3({"a.wav": BODY, ODD_KEY: b"odd", "empty": b""}) as running:
        running.put("open.wav", b"for everybody", public=True)
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the recording comes to lie."""
    return tmp_path / "recording"


def content(place: Path) -> bytes:
    return place.read_bytes()


def bucket_at(
    endpoint: str,
    credentials: Credentials | None = KEY,
    *,
    path_style: bool = True,
    names: Names | None = None,
    of: RecordingSettings = SETTINGS,
) -> S3Bucket:
    async def way_in() -> Credentials | None:
        return credentials

    where = S3Place.read(BUCKET, endpoint, "us-east-1", "", path_style=path_style)
    fetcher = Fetcher(of, Connector(names or Names()), Waits())
    return S3Bucket(where, way_in, fetcher, FetchPolicy.of(of))


async def fetched(bucket: Bucket, key: str, place: Path, most_bytes: int = 1 << 30) -> Fetched:
    async with RecordingFile(place, most_bytes) as file:
        return await bucket.fetch(key, file)


async def refused(
    bucket: Bucket, key: str, place: Path, most_bytes: int = 1 << 30
) -> RecordingFault:
    with pytest.raises(RecordingFault) as found:
        await fetched(bucket, key, place, most_bytes)
    assert "geheim" not in found.value.message
    assert "X-Amz" not in found.value.message
    return found.value


@pytest.mark.parametrize(("key", "body"), [("a.wav", BODY), (ODD_KEY, b"odd")])
async def test_an_object_comes_whole(server: S3, place: Path, key: str, body: bytes) -> None:
    found = await fetched(bucket_at(server.url), key, place)
    assert (found.bytes, content(place)) == (len(body), body)


async def test_what_everybody_may_read_needs_no_key(server: S3, place: Path) -> None:
    anonymous = bucket_at(server.url, None)
    await fetched(anonymous, "open.wav", place)
    assert content(place) == b"for everybody"
    fault = await refused(anonymous, "a.wav", place)
    assert fault.code == "SIS.0506"
    assert "does not let this server read the object (HTTP 403)" in fault.message


async def test_an_object_that_is_not_there_is_told(server: S3, place: Path) -> None:
    fault = await refused(bucket_at(server.url), "b.wav", place)
    assert (fault.code, fault.may_pass) == ("SIS.30003", False)
    assert fault.message == "the bucket 'calls' does not have the object (NoSuchKey)"
    gone = S3Place.read("other", server.url, "us-east-1", "", path_style=True)

    async def way_in() -> Credentials:
        return KEY

    fetcher = Fetcher(SETTINGS, Connector(Names()), Waits())
    bucket = S3Bucket(gone, way_in, fetcher, FetchPolicy.of(SETTINGS))
    assert "(NoSuchBucket)" in (await refused(bucket, "a.wav", place)).message


async def test_an_object_of_a_bucket_is_bound_by_the_same_limits(server: S3, place: Path) -> None:
    bucket = bucket_at(server.url)
    await fetched(bucket, "a.wav", place, len(BODY))
    fault = await refused(bucket, "a.wav", place, len(BODY) - 1)
    assert fault.code == "SIS.0537"
    assert "an empty recording" in (await refused(bucket, "empty", place)).message


async def test_a_bucket_is_signed_for_anew_and_resumed_after_a_break(place: Path) -> None:
    async with serving(ranged(BODY, 600_000)) as host:
        bucket = bucket_at(host.url("", "files.example"), names=Names())
        assert (await fetched(bucket, "a b.wav", place)).resumed == 1
    assert content(place) == BODY
    queries = [parse_qs(urlsplit(one.path).query) for one in host.asked]
    assert [one["X-Amz-Credential"][0].split("/")[0] for one in queries] == ["AKEXAMPLE"] * 2
    assert all(one["X-Amz-Expires"] == ["900"] for one in queries)
    assert {urlsplit(one.path).path for one in host.asked} == {"/calls/a%20b.wav"}
    # What is signed goes to its host alone, in the URL alone.
    assert "authorization" not in host.asked[0].headers


async def test_a_bucket_stands_before_the_host_or_in_the_path(place: Path) -> None:
    names = Names(calls_obs_example=[["127.0.0.1"]])
    for credentials in (KEY, None):
        async with serving(saying(b"x")) as host:
            bucket = bucket_at(
                host.url("", "obs.example"), credentials, path_style=False, names=names
            )
            await fetched(bucket, "dir/a.wav", place)
        (asked,) = host.asked
        assert asked.headers["host"] == f"calls.obs.example:{host.port}"
        assert urlsplit(asked.path).path == "/dir/a.wav"
    with pytest.raises(RecordingFault, match="it needs path_style"):
        bucket_at("http://10.0.0.1:9000", path_style=False)


def test_a_signature_is_that_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as botocore's, whatever the environment of the server has."""
    from botocore import auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as TheirKey

    for name, value in {
        "AWS_ACCESS_KEY_ID": "ENV",
        "AWS_SECRET_ACCESS_KEY": "ENV",
        "AWS_SESSION_TOKEN": "ENV",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_S3_EXPRESS": "true",
        "AWS_REQUEST_PAYER": "true",
        "AWS_REGION": "env-1",
        "AWS_ENDPOINT_URL": "http://env.example",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    }.items():
        monkeypatch.setenv(name, value)
    where = S3Place.read(BUCKET, "https://obs.example", "cn-north-4", "real", path_style=True)
    for credentials in (KEY, Credentials("AK2", "SK2", "TOKEN")):
        url = where.signed_url("a b.wav", credentials)
        assert url.startswith("https://obs.example/real/a%20b.wav?")
        assert "ENV" not in url
        query = parse_qs(urlsplit(url).query)
        assert query.get("X-Amz-Security-Token") == (
            [credentials.token] if credentials.token else None
        )
        request = AWSRequest("GET", "https://obs.example/real/a%20b.wav")
        at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        monkeypatch.setattr(auth, "get_current_datetime", lambda at=at: at.replace(tzinfo=None))
        theirs = auth.S3SigV4QueryAuth(
            TheirKey(credentials.access_id, credentials.secret, credentials.token),
            "s3",
            "cn-north-4",
            expires=900,
        )
        theirs.add_auth(request)
        signed = parse_qs(urlsplit(request.url).query)
        assert query["X-Amz-Signature"] == signed["X-Amz-Signature"]


def test_credentials_are_not_shown() -> None:
    shown = repr(Credentials("AK", "geheim", "geheim"))
    assert "geheim" not in shown
    assert "AK" in shown


@pytest.mark.parametrize(
    ("status", "body", "code", "said", "may_pass"),
    [
        ("403 No", b"<Error><Code>AccessDenied</Code>", "SIS.0506", "(AccessDenied)", False),
        ("401 No", b"", "SIS.0506", "(HTTP 401)", False),
        ("400 No", b"<Code>ExpiredToken</Code>", "SIS.30003", "answers ExpiredToken", False),
        ("503 No", b"<Code>SlowDown</Code>", "SIS.30003", "answers SlowDown", True),
        ("404 No", b"<Code><script></Code>", "SIS.30003", "(HTTP 404)", False),
        ("418 No", b"<Code>x</Code>" * 100_000, "SIS.30003", "answers x", False),
    ],
)
async def test_what_a_bucket_answers_is_told_by_its_code(
    place: Path, status: str, body: bytes, code: str, said: str, may_pass: bool
) -> None:
    async with serving(saying(body, status)) as host:
        fault = await refused(bucket_at(host.url("")), "a.wav", place)
    assert (fault.code, fault.may_pass) == (code, may_pass)
    assert said in fault.message
    assert len(host.asked) == (5 if may_pass else 1)


async def test_a_bucket_leads_nowhere_that_may_not_be_asked(place: Path) -> None:
    for location in ("http://127.0.0.2/", "http://169.254.169.254/"):
        async with serving(leading(location)) as host:
            assert (await refused(bucket_at(host.url("")), "a.wav", place)).code == "SIS.0608"
        assert len(host.asked) == 1


async def test_a_bucket_that_hangs_is_given_up(place: Path) -> None:
    # Long enough to be asked in, on a machine that is busy.
    quick = RecordingSettings(silence_s=0.5, attempts=2)
    async with serving(hanging) as host:
        fault = await refused(bucket_at(host.url(""), of=quick), "a.wav", place)
    assert fault.message == "files.example sends nothing for too long"


@pytest.mark.parametrize(
    "endpoint",
    ["", "obs.example", "ftp://obs.example", "https://a:b@obs.example", "https://o.example/path"],
)
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(RecordingFault, match="endpoint"):
        S3Place.read(BUCKET, endpoint, "r", "", path_style=True)


BAD_KEYS = ["", "/a", "a/", "a//b", ".", "..", "../etc/passwd", "a/../b", "a/./b", "a\x00b", "a\nb"]


@pytest.mark.parametrize("key", [*BAD_KEYS, "a" * 1025, "ü" * 600, "\ud800"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(RecordingFault) as found:
        parts_of(key)
    assert found.value.code == "SIS.0032"
    assert "the key of the object is" in found.value.message
    assert len(found.value.message) < 250


@given(st.text(max_size=40))
def test_a_key_has_parts_that_lead_down(key: str) -> None:
    try:
        parts = parts_of(key)
    except RecordingFault:
        return
    assert "/".join(parts) == key
    assert not {"", ".", ".."} & set(parts)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files, links that lead out of it, and what is no file."""
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "a.wav").write_bytes(BODY)
    (root / "dir" / "b ü%2F.wav").write_bytes(b"b")
    (root / "empty").touch()
    (tmp_path / "secret").write_bytes(b"geheim")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "inner").symlink_to(root / "a.wav")
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    return root


async def test_a_folder_gives_its_files(root: Path, place: Path) -> None:
    bucket = FolderBucket("files", root)
    assert await fetched(bucket, "a.wav", place, len(BODY)) == Fetched(len(BODY), "", 0)
    assert content(place) == BODY
    await fetched(bucket, "dir/b ü%2F.wav", place)
    assert content(place) == b"b"
    assert (await refused(bucket, "a.wav", place, len(BODY) - 1)).code == "SIS.0537"
    assert "is empty" in (await refused(bucket, "empty", place)).message


@pytest.mark.parametrize(
    "key",
    [
        *("link", "out/secret", "inner", "dir", "pipe", "none", "none/a", "a.wav/b", "a" * 300),
        *("dir/../../secret", "..%2Fsecret", "*", "~", "dir\\b"),
    ],
)
async def test_there_is_no_way_out_of_a_folder(root: Path, place: Path, key: str) -> None:
    fault = await refused(FolderBucket("files", root), key, place)
    assert fault.code == ("SIS.0032" if ".." in key.split("/") else "SIS.30003")
    assert str(root) not in fault.message
    assert b"geheim" not in content(place)


async def test_a_store_in_memory_is_a_bucket_too(place: Path) -> None:
    store = MemoryStore()
    store.put("dir/a.wav", BODY)
    store.put("empty", b"")
    bucket = StoreBucket("memory", store)
    assert (bucket.name, await fetched(bucket, "dir/a.wav", place, len(BODY))) == (
        "memory",
        Fetched(len(BODY), "", 0),
    )
    assert content(place) == BODY
    assert (await refused(bucket, "dir/a.wav", place, len(BODY) - 1)).code == "SIS.0537"
    assert (await refused(bucket, "none", place)).code == "SIS.30003"
    assert "is empty" in (await refused(bucket, "empty", place)).message
    for key in BAD_KEYS:
        assert (await refused(bucket, key, place)).code == "SIS.0032"


def buckets_of(
    store: StoreOnDemand | None = None,
    of: RecordingSettings = SETTINGS,
    now: list[float] | None = None,
) -> ProjectBuckets:
    connector = Connector(Names())
    times = now or [datetime.now(UTC).timestamp()]
    own = StoredBuckets(store or StoreOnDemand(StoreSettings(url="sqlite:////none/store.db"), {}))
    roles = Roles(of, connector, lambda: times[0])
    return ProjectBuckets(of, own, Fetcher(of, connector, Waits()), roles)


def with_buckets(**buckets: Mapping[str, object]) -> RecordingSettings:
    return RecordingSettings.model_validate({"buckets": buckets})


async def test_a_bucket_of_the_settings_is_for_the_projects_that_it_names(
    server: S3, root: Path, place: Path
) -> None:
    one = {"kind": "folder", "folder": str(root), "projects": ("p1",)}
    s3_bucket = {"kind": "s3", "endpoint": server.url, "bucket": BUCKET, "path_style": True}
    key = {"access_id": "AK", "secret": "geheim"}
    found = buckets_of(of=with_buckets(files=one, everybody={**s3_bucket, **key}, public=s3_bucket))
    for project, name in (("p1", "files"), ("p2", "everybody")):
        await fetched(await found.find(project, name), "a.wav", place)
        assert content(place) == BODY
    await fetched(await found.find("p2", "public"), "open.wav", place)
    for project, name in (("p2", "files"), ("p1", "none"), ("p1", ""), ("p1", "x" * 900)):
        with pytest.raises(RecordingFault, match="gives this server no bucket") as fault:
            await found.find(project, name)
        assert fault.value.code == "SIS.0506"
    # Whether another project has it is not told.
    assert "p1" not in str(fault.value)


@pytest.mark.parametrize(
    ("bucket", "said"),
    [
        ({"kind": "folder"}, r"buckets\.x\.folder is ''; needed: an absolute path"),
        ({"kind": "folder", "folder": "here"}, "needed: an absolute path"),
        ({"kind": "s3"}, r"buckets\.x: endpoint is empty"),
        ({"kind": "s3", "endpoint": "obs"}, "endpoint has no scheme"),
        ({"kind": "s3", "endpoint": "https://o.example", "access_id": "AK"}, "secret together"),
        ({"kind": "s3", "endpoint": "https://o.example", "secret": "geheim"}, "secret together"),
    ],
)
def test_a_bucket_of_the_settings_that_cannot_be_is_told(
    bucket: dict[str, object], said: str
) -> None:
    with pytest.raises(BucketRefused, match=said) as refused:
        buckets_of(of=with_buckets(x=bucket))
    assert "geheim" not in str(refused.value)


@pytest.fixture
def store_settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(url=f"sqlite:///{tmp_path}/store/store.db")


async def add(store: StoreOnDemand, project: str, server: S3, **way_in: Any) -> str:
    opened = await store.kept()
    async with opened.writing() as work:
        made = await work.projects.create("default", project, "", 0.0)
        way_in |= {"endpoint": server.url, "region": "us-east-1", "bucket": BUCKET}
        await work.buckets.add(made, "mine", 0.0, path_style=True, **way_in)
    return made.id


async def test_a_project_has_buckets_of_its_own_until_they_are_revoked(
    server: S3, store_settings: StoreSettings, place: Path
) -> None:
    store = StoreOnDemand(store_settings, {})
    try:
        found = buckets_of(store)
        with pytest.raises(RecordingFault, match="no bucket 'mine'"):
            await found.find("anybody", "mine")  # there is no store yet
        ours = await add(store, "a", server, key=("AK", "geheim"))
        await fetched(await found.find(ours, "mine"), "a.wav", place)
        assert content(place) == BODY
        with pytest.raises(RecordingFault, match="no bucket 'mine'"):
            await found.find("b" * 32, "mine")
        async with (await store.kept()).writing() as work:
            await work.buckets.revoke(await work.projects.get("default", "a"), "mine")
        with pytest.raises(RecordingFault, match="no bucket 'mine'"):
            await found.find(ours, "mine")
    finally:
        await store.close()


async def test_a_server_brings_recordings_of_urls_and_buckets_and_leaves_nothing(
    server: S3, store_settings: StoreSettings, tmp_path: Path
) -> None:
    store = StoreOnDemand(store_settings, {})
    settings = RecordingSettings(folder=str(tmp_path / "spool"), allowed_hosts=("127.0.0.1",))
    try:
        ours = await add(store, "a", server, key=("AK", "geheim"))
        async with open_access(settings, {}, store) as access:
            async with access.spool.place() as place, serving(saying(BODY)) as host:
                url = host.url(host="127.0.0.1")
                assert (await access.fetch_url(url, place / "x")).bytes == len(BODY)
                assert content(place / "x") == BODY
                # A step that is done again finds what it has left, and does it anew.
                assert (await access.fetch_object(ours, "mine", ODD_KEY, place / "x")).bytes == 3
                assert content(place / "x") == b"odd"
                with pytest.raises(RecordingFault, match="data_url begins with file:"):
                    access.at_url("file:///etc/passwd")
                assert access.callbacks.read(url).host == "127.0.0.1"
        assert names_in(tmp_path / "spool") == []
    finally:
        await store.close()


def names_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def with_roles(endpoint: str) -> RecordingSettings:
    return RecordingSettings(
        role_endpoint=endpoint, role_access_id="AKSERVER", role_secret="SKgeheim"
    )


async def test_a_role_that_a_project_grants_is_taken(
    server: S3, store_settings: StoreSettings, place: Path
) -> None:
    store = StoreOnDemand(store_settings, {})
    try:
        ours = await add(store, "a", server, role=ROLE)
        bucket = await buckets_of(store, with_roles(server.url)).find(ours, "mine")
        await fetched(bucket, "a.wav", place)
        assert content(place) == BODY
        none = await buckets_of(store).find(ours, "mine")
        fault = await refused(none, "a.wav", place)
        assert (fault.code, "takes no roles" in fault.message) == ("SIS.0506", True)
    finally:
        await store.close()


def given_role(until: datetime, number: int) -> bytes:
    return (
        "<R><Credentials>"
        f"<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>geheim</SecretAccessKey>"
        f"<SessionToken>T/+{number}=</SessionToken><Expiration>{until.isoformat()}</Expiration>"
        "</Credentials></R>"
    ).encode()


async def test_a_role_is_taken_for_one_project_and_anew_before_it_ends() -> None:
    start = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    now = [start]
    answers = [
        saying(given_role(datetime.fromtimestamp(start + 3600 * n, UTC), n)) for n in (1, 2, 3)
    ]
    async with serving(*answers) as host:
        roles = Roles(with_roles(host.url("")), Connector(Names()), lambda: now[0])
        first = await roles.take(ROLE, "p1")
        assert first == Credentials("ASIA1", "geheim", "T/+1=")
        now[0] += 3299
        assert await roles.take(ROLE, "p1") == first
        now[0] += 2
        assert (await roles.take(ROLE, "p1")).access_id == "ASIA2"
        # A role that was granted for one project does not open another one's bucket.
        assert (await roles.take(ROLE, "p2")).access_id == "ASIA3"
    forms = [parse_qs(one.body.decode()) for one in host.asked]
    assert [one["ExternalId"] for one in forms] == [["p1"], ["p1"], ["p2"]]
    assert {one["RoleArn"][0] for one in forms} == {ROLE}
    assert all("SKgeheim" not in str(one) for one in host.asked)
    assert (
        host.asked[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKSERVER/")
    )


@pytest.mark.parametrize(
    ("status", "body", "said", "may_pass"),
    [
        ("403 No", b"<Code>AccessDenied</Code>", "does not give the role (AccessDenied)", False),
        ("503 No", b"", "(HTTP 503)", True),
        ("200 OK", b"<html>", "something else than a role", False),
        ("200 OK", given_role(datetime(2026, 1, 1), 1)[:90], "something else than", False),
        ("200 OK", b"x" * 100_000, "answers with too much", False),
    ],
)
async def test_a_role_that_is_not_given_is_told(
    status: str, body: bytes, said: str, may_pass: bool
) -> None:
    async with serving(saying(body, status)) as host:
        roles = Roles(with_roles(host.url("")), Connector(Names()), lambda: 0.0)
        with pytest.raises(RecordingFault) as found:
            await roles.take(ROLE, "p1")
    assert said in found.value.message
    assert (found.value.code, found.value.may_pass) == ("SIS.0506", may_pass)
    assert "geheim" not in found.value.message


def test_where_roles_are_taken_is_a_url() -> None:
    with pytest.raises(RecordingFault, match=r"recordings\.role_endpoint has no scheme"):
        Roles(with_roles("sts"), Connector(Names()), lambda: 0.0)


def test_what_signs_a_url_is_not_shown() -> None:
    where = S3Place.read(BUCKET, "https://obs.example", "r", "", path_style=True)
    target = read_url(where.signed_url("a.wav", KEY), "the object")
    assert b"X-Amz-Signature" in target.path
    assert str(target) == "https://obs.example/calls/a.wav"
    assert "X-Amz" not in repr(target)


async def test_without_what_signs_a_bucket_says_how_to_have_it(
    server: S3, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    fault = await refused(bucket_at(server.url), "a.wav", place)
    assert fault.code == "SIS.30003"
    assert "pip install 'rasr[buckets]'" in fault.message
    # What everybody may read is not signed.
    await fetched(bucket_at(server.url, None), "open.wav", place)
    assert content(place) == b"for everybody"


def test_what_signs_is_not_imported_before_it_is_needed() -> None:
    code = "import rasr.recordings.access, sys; sys.exit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
