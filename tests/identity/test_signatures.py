"""Signatures: those of the official clients hold, and no request that is another one does."""

from __future__ import annotations

import hmac
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rasr.identity.signatures import (
    EMPTY_HASH,
    SKEW_S,
    Request,
    SignatureExpired,
    SignatureFault,
    canonical_path,
    canonical_query,
    canonical_request,
    is_signed,
    read_signature,
    request_line,
    sign,
)
from tests.identity.signing import AK, DATE, NOW, PROJECT, SK, sha256, signed

STREAM = f"/v1/{PROJECT}/rasr/continue-stream"
TTS = f"/v1/{PROJECT}/tts"


def request(
    method: str,
    path: str,
    query: str = "",
    *,
    signature: str,
    names: str = "host;x-sdk-date",
    date: str = DATE,
    **headers: str,
) -> Request:
    """A request with a signature of this text; `_` in the name of a header is a hyphen."""
    authorization = f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders={names}, Signature={signature}"
    sent = {"x-sdk-date": date, "authorization": authorization} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Request(
        method,
        path.encode(),
        query.encode(),
        [(name.encode(), value.encode()) for name, value in sent.items()],
    )


def holds(
    one: Request, body: bytes = b"", *, secret: str = SK, names: tuple[bytes, ...] = ()
) -> bool:
    signature = read_signature(one, NOW)
    return signature.body_fits(sha256(body)) and signature.fits(one, secret, sha256(body), names)


def with_header(one: Request, name: str, value: str | None) -> Request:
    """With another value of this header; None: without it."""
    kept = [pair for pair in one.headers if pair[0] != name.encode()]
    added = [] if value is None else [(name.encode(), value.encode())]
    return replace(one, headers=[*kept, *added])


def test_vector_of_a_handshake() -> None:
    assert holds(
        request(
            "GET",
            STREAM,
            signature="32f79578ce094204b751adc2cad47d9a857b06af4bc47315b15e45e9d9976424",
            host="127.0.0.1:9001",
        )
    )


def test_a_client_signs_a_handshake_as_the_vector_is_signed() -> None:
    handshake = Request("GET", STREAM.encode(), b"", [(b"host", b"127.0.0.1:9001")])
    assert sign(handshake, AK, SK, NOW) == {
        "X-Sdk-Date": DATE,
        "Authorization": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;x-sdk-date, "
        "Signature=32f79578ce094204b751adc2cad47d9a857b06af4bc47315b15e45e9d9976424",
    }


VECTOR_TTS = request(
    "POST",
    TTS,
    signature="7a4cc69eb2b0cbb6842c68ee417b9920a511561cfd96b9d6761c00a977ba097c",
    names="content-type;host;x-sdk-date",
    host="sis.example.com",
    content_type="application/json",
)


def test_vector_of_a_body() -> None:
    assert holds(VECTOR_TTS, b'{"text": "hi"}')
    assert not holds(VECTOR_TTS, b'{"text": "ho"}')
    assert not holds(VECTOR_TTS)


@pytest.mark.parametrize(
    "query",
    [
        "&audio_format=wav&obs_object_key=data/a%20b%E4%B8%AD.wav&add_punc=yes",
        "&audio_format=wav&obs_object_key=data%2Fa%20b%E4%B8%AD.wav&add_punc=yes",
        "add_punc=yes&obs_object_key=data%2Fa%20b%e4%b8%ad.wav&audio_format=wav&=left-out",
    ],
)
def test_vector_of_a_query(query: str) -> None:
    assert holds(
        request(
            "POST",
            f"/v1/{PROJECT}/asr/flash",
            query,
            signature="320c8a11344ffaed1dd8e1ad69c862ac61032ed89f3d3d9972f0e3a0d5bad3e0",
            names="content-type;host;x-sdk-date",
            host="sis.example.com",
            content_type="application/json",
        )
    )


def test_the_canonical_request_has_its_six_parts() -> None:
    assert (
        canonical_request(
            request_line(VECTOR_TTS),
            VECTOR_TTS,
            ("content-type", "host", "x-sdk-date"),
            None,
            EMPTY_HASH.encode(),
        )
        == (
            f"POST\n/v1/{PROJECT}/tts/\n\n"
            f"content-type:application/json\nhost:sis.example.com\nx-sdk-date:{DATE}\n\n"
            f"content-type;host;x-sdk-date\n{EMPTY_HASH}"
        ).encode()
    )


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (b"/", b"/"),
        (b"/a", b"/a/"),
        (b"/a/", b"/a/"),
        (b"/a//b", b"/a//b/"),
        (b"/%61%2Fb", b"/a/b/"),
        (b"/a;b=c", b"/a%3Bb%3Dc/"),
        (b"/%e4%b8%ad", b"/%E4%B8%AD/"),
        (b"/%ff", b"/%FF/"),
        (b"/%2e%2e/a", b"/../a/"),
        (b"/a~-_.", b"/a~-_./"),
        (b"/%7Bvocabulary_id%7D", b"/%7Bvocabulary_id%7D/"),
    ],
)
def test_paths_are_decoded_and_encoded_anew(path: bytes, canonical: bytes) -> None:
    assert canonical_path(path) == canonical


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"", b""),
        (b"b=2&a=1", b"a=1&b=2"),
        (b"a=2&a=1", b"a=1&a=2"),
        (b"a", b"a="),
        (b"&a=1&=x&&", b"a=1"),
        (b"a=b+c", b"a=b%2Bc"),
        (b"a=b%20c", b"a=b%20c"),
        (b"a=b=c", b"a=b%3Dc"),
        (b"%61=%2F", b"a=%2F"),
        (b"a=1;b=2", b"a=1%3Bb%3D2"),
    ],
)
def test_queries_are_sorted_and_encoded_anew(query: bytes, canonical: bytes) -> None:
    assert canonical_query(query) == canonical
    assert canonical_query(canonical) == canonical


# What the official client signs

WORD = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=8
)
HOST = st.sampled_from(
    ["127.0.0.1:8765", "localhost:80", "[::1]:8765", "SIS.Example.com", "sis.example.com:443"]
)


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    HOST,
    st.lists(WORD, min_size=1, max_size=4),
    st.lists(st.tuples(WORD, WORD), max_size=4),
    st.binary(max_size=40),
)
def test_what_the_official_signer_signs_holds(
    method: str, host: str, path: list[str], query: list[tuple[str, str]], body: bytes
) -> None:
    assume(not any("%" in part for part in path))
    headers = {"Content-Type": "application/json;charset=utf-8", "User-Agent": "sdk/3"}
    one = signed(method, host, "/" + "/".join(path), query, headers, body)
    assert holds(one, body)


@pytest.mark.parametrize("body", [b"", b"RIFF...."])
def test_what_the_official_signer_does_not_sign_of_a_body_may_be_anything(body: bytes) -> None:
    one = signed("POST", "127.0.0.1:1", TTS, headers={"Content-Type": "audio/wav"}, body=body)
    assert one.values("x-sdk-content-sha256") == [b"UNSIGNED-PAYLOAD"]
    assert holds(one, body)
    assert holds(one, b"another") is bool(body)


def test_a_declared_hash_has_to_be_that_of_the_body() -> None:
    declared = {"X-Sdk-Content-Sha256": sha256(b"body"), "Content-Type": "application/json"}
    one = signed("POST", "127.0.0.1:1", TTS, headers=declared, body=b"body")
    assert holds(one, b"body")
    assert not holds(one, b"another")


def test_a_declared_hash_that_is_not_signed_counts_for_nothing() -> None:
    attacked = with_header(VECTOR_TTS, "x-sdk-content-sha256", sha256(b'{"text": "hi"}'))
    assert holds(attacked, b'{"text": "hi"}')
    assert not holds(attacked, b'{"text": "ho"}')
    assert not holds(
        with_header(VECTOR_TTS, "x-sdk-content-sha256", "UNSIGNED-PAYLOAD"), b'{"text": "ho"}'
    )


@pytest.mark.parametrize("declared", ["", "unsigned-payload", "STREAMING", "A" * 64, "0" * 63])
def test_a_declared_hash_has_its_form(declared: str) -> None:
    one = request(
        "POST",
        TTS,
        signature="0" * 64,
        names="x-sdk-content-sha256;x-sdk-date",
        x_sdk_content_sha256=declared,
    )
    with pytest.raises(SignatureFault, match="no hash"):
        read_signature(one, NOW)


@pytest.mark.parametrize(
    ("signed_host", "received"),
    [
        ("sis.example.com:443", "sis.example.com"),
        ("sis.example.com:80", "sis.example.com"),
        ("sis.example.com", "sis.example.com:80"),
        ("SIS.Example.COM:443", "SIS.Example.COM"),
        ("[::1]:80", "[::1]"),
    ],
)
def test_hosts_that_libraries_change(signed_host: str, received: str) -> None:
    one = signed("GET", signed_host, STREAM)
    assert holds(with_header(one, "host", received))


@pytest.mark.parametrize(
    ("signed_host", "received"),
    [
        ("sis.example.com", "SIS.example.com"),
        ("sis.example.com", "evil.example.com"),
        ("sis.example.com:8443", "sis.example.com"),
        ("[::1]:80", "[::2]:80"),
    ],
)
def test_other_hosts_do_not_hold(signed_host: str, received: str) -> None:
    assert not holds(with_header(signed("GET", signed_host, STREAM), "host", received))


def test_behind_a_proxy_the_servers_other_names_hold() -> None:
    one = with_header(signed("GET", "sis.example.com", STREAM), "host", "10.0.0.7:8765")
    assert not holds(one)
    assert holds(one, names=(b"other.example.com", b"sis.example.com"))


# Time


@pytest.mark.parametrize("off", [-SKEW_S, 0.0, SKEW_S])
def test_a_clock_may_be_wrong_by_fifteen_minutes(off: float) -> None:
    assert read_signature(signed("GET", "127.0.0.1:1", STREAM), NOW + off).access_id == AK


@pytest.mark.parametrize("off", [-SKEW_S - 1, SKEW_S + 1])
def test_past_it_a_signature_is_expired(off: float) -> None:
    with pytest.raises(SignatureExpired):
        read_signature(signed("GET", "127.0.0.1:1", STREAM), NOW + off)


@pytest.mark.parametrize(
    "date",
    ["", "20260102T030405", "2026-01-02T03:04:05Z", "20261302T030405Z", "٢0260102T030405Z", "0"],
)
def test_a_date_has_its_form(date: str) -> None:
    with pytest.raises(SignatureFault, match="X-Sdk-Date"):
        read_signature(with_header(signed("GET", "127.0.0.1:1", STREAM), "x-sdk-date", date), NOW)


# Form


@pytest.mark.parametrize(
    "authorization",
    [
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 ",
        "SDK-HMAC-SHA512 Access=a, SignedHeaders=x-sdk-date, Signature=" + "0" * 64,
        "V11-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=" + "0" * 64,
        "SDK-HMAC-SHA256 Access=, SignedHeaders=x-sdk-date, Signature=" + "0" * 64,
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=, Signature=" + "0" * 64,
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=" + "0" * 63,
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=" + "A" * 64,
        "SDK-HMAC-SHA256 SignedHeaders=x-sdk-date, Access=a, Signature=" + "0" * 64,
        "SDK-HMAC-SHA256 Access=" + "a" * 129 + ", SignedHeaders=x-sdk-date, Signature=" + "0" * 64,
        "SDK-HMAC-SHA256 Access=a b, SignedHeaders=x-sdk-date, Signature=" + "0" * 64,
        "SDK-HMAC-SHA256 Access=a,Access=b, SignedHeaders=x-sdk-date, Signature=" + "0" * 64,
    ],
)
def test_what_is_not_well_formed_is_refused(authorization: str) -> None:
    one = with_header(signed("GET", "127.0.0.1:1", STREAM), "authorization", authorization)
    with pytest.raises(SignatureFault, match="well formed"):
        read_signature(one, NOW)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("host", "X-Sdk-Date is not among"),
        ("x-sdk-date;host", "not sorted"),
        ("host;host;x-sdk-date", "not sorted"),
        ("Host;x-sdk-date", "small letters"),
        (";x-sdk-date", "small letters"),
        ("host;x-not-there;x-sdk-date", "0 headers x-not-there"),
    ],
)
def test_the_names_of_signed_headers(names: str, told: str) -> None:
    one = request("GET", STREAM, signature="0" * 64, names=names, host="127.0.0.1")
    with pytest.raises(SignatureFault, match=told):
        read_signature(one, NOW)


@pytest.mark.parametrize("name", ["host", "x-sdk-date", "content-type", "authorization"])
def test_of_what_is_signed_there_is_one(name: str) -> None:
    (value,) = VECTOR_TTS.values(name)
    twice = replace(VECTOR_TTS, headers=[*VECTOR_TTS.headers, (name.encode(), value)])
    with pytest.raises(SignatureFault, match=f"2 headers {name}"):
        read_signature(twice, NOW)


def test_a_header_that_is_not_signed_may_come_twice() -> None:
    more = [(b"cookie", b"a"), (b"cookie", b"b")]
    assert holds(replace(VECTOR_TTS, headers=[*VECTOR_TTS.headers, *more]), b'{"text": "hi"}')


def test_what_is_meant_to_be_a_signature() -> None:
    assert is_signed("SDK-HMAC-SHA256 Access=a")
    assert is_signed("SDK-HMAC-SHA256")
    assert not is_signed("SDK-HMAC-SHA2567 x")
    assert not is_signed("Bearer a")
    assert not is_signed("")


# Attack

MUTATED_BODY = b'{"name": "team"}'
SIGNED = signed(
    "PUT",
    "127.0.0.1:8765",
    f"/v1/{PROJECT}/asr/vocabularies/some id",
    [("limit", "10"), ("name", "a b+c")],
    {"Content-Type": "application/json", "X-Project-Id": PROJECT},
    MUTATED_BODY,
)


def test_the_request_that_is_mutated_holds() -> None:
    assert holds(SIGNED, MUTATED_BODY)
    assert not holds(SIGNED, MUTATED_BODY, secret=SK[:-1])
    assert not holds(SIGNED, MUTATED_BODY, secret="")


def mutations(text: bytes) -> st.SearchStrategy[bytes]:
    """Other bytes: one replaced, left out or put in."""
    place = st.integers(0, len(text) - 1)
    byte = st.integers(33, 126).map(lambda code: bytes([code]))
    return st.one_of(
        st.tuples(place, byte).map(lambda at: text[: at[0]] + at[1] + text[at[0] + 1 :]),
        place.map(lambda at: text[:at] + text[at + 1 :]),
        st.tuples(place, byte).map(lambda at: text[: at[0]] + at[1] + text[at[0] :]),
    ).filter(lambda other: other != text)


@given(st.sampled_from(["method", "path", "query", "body", "headers"]), st.data())
def test_no_mutation_of_what_is_signed_holds(part: str, data: st.DataObject) -> None:
    other, body = SIGNED, MUTATED_BODY
    match part:
        case "method":
            methods = ["GET", "POST", "DELETE", "PATCH", "PUTT", "PU"]
            other = replace(SIGNED, method=data.draw(st.sampled_from(methods)))
        case "path":
            path = data.draw(mutations(SIGNED.path))
            # What decodes to the same is the same, and a slash at the end is not signed.
            assume(unquote_to_bytes(path).rstrip(b"/") != unquote_to_bytes(SIGNED.path))
            other = replace(SIGNED, path=path)
        case "query":
            query = data.draw(mutations(SIGNED.query))
            # The application is given the canonical query: what is the same there is the same.
            assume(canonical_query(query) != canonical_query(SIGNED.query))
            other = replace(SIGNED, query=query)
        case "body":
            body = data.draw(mutations(MUTATED_BODY))
        case "headers":
            name = data.draw(
                st.sampled_from(["host", "content-type", "x-project-id", "x-sdk-date"])
            )
            (value,) = SIGNED.values(name)
            changed = data.draw(mutations(value)).decode()
            other = with_header(SIGNED, name, changed)
    try:
        assert not holds(other, body)
    except SignatureFault:
        pass


@given(mutations(SIGNED.values("authorization")[0]))
def test_no_mutation_of_the_signature_holds(changed: bytes) -> None:
    other = with_header(SIGNED, "authorization", changed.decode())
    try:
        signature = read_signature(other, NOW)
    except SignatureFault:
        return
    # Another access id has another secret; the rest does not hold even with this one.
    assume(signature.access_id == AK)
    assume(changed.replace(b" ", b"") != SIGNED.values("authorization")[0].replace(b" ", b""))
    assert not signature.fits(other, SK, sha256(MUTATED_BODY))


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(left: str, right: str) -> bool:
        compared.append((left, right))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", compare)
    one = signed("GET", "127.0.0.1:8765", STREAM)
    assert holds(one, names=(b"other",))
    # As it came, without its port, with the two ports of the schemes, by the other name: each is
    # compared, though the first one fits.
    assert len(compared) == 5
