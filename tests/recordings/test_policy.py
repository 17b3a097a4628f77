"""Which URLs may be asked, and which sentence the others get."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.recordings.addresses import METADATA, is_public, reached
from rasr.recordings.faults import RecordingFault
from rasr.recordings.policy import FetchPolicy, Target, read_url
from rasr.settings import RecordingSettings
from rasr.settings.recordings import host_entry

POLICY = FetchPolicy.of(RecordingSettings())


def policy(*allowed: str, public_hosts: bool = True, allow_http: bool = True) -> FetchPolicy:
    return FetchPolicy.of(
        RecordingSettings(allowed_hosts=allowed, public_hosts=public_hosts, allow_http=allow_http)
    )


def refusal(text: str, under: FetchPolicy = POLICY) -> str:
    with pytest.raises(RecordingFault) as refused:
        under.read(text, "data_url")
    assert refused.value.code == "SIS.0608"
    assert not refused.value.may_pass
    return refused.value.message


def leads(target: Target, *addresses: str, under: FetchPolicy = POLICY) -> None:
    under.check(target, [ipaddress.ip_address(one) for one in addresses])


def led(host: str, *addresses: str, under: FetchPolicy = POLICY, port: int = 443) -> str | None:
    """What is said of a host that has these addresses; None where it may be asked."""
    try:
        leads(under.read(f"https://{host}:{port}/a.wav", "data_url"), *addresses, under=under)
    except RecordingFault as fault:
        return fault.message
    return None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("file:///etc/passwd", "begins with file:; allowed: http:// and https://"),
        ("gopher://files.example/1", "begins with gopher:"),
        ("ftp://files.example/a.wav", "begins with ftp:"),
        ("FILE:/etc/passwd", "begins with file:"),
        ("data:audio/wav;base64,AAAA", "begins with data:"),
        ("//files.example/a.wav", "has no scheme"),
        ("files.example/a.wav", "has no scheme"),
        ("http:///a.wav", "has the host ''"),
        ("http:files.example", "has the host ''"),
        ("http://ann:geheim@files.example/", "has a user or password before its host"),
        ("http://ann@files.example/", "has a user or password"),
        ("http://files.example\\@127.0.0.1/", "backslashes"),
        ("http://files.example/a b.wav", "blanks"),
        ("http://files.example/\r\nHost: x", "blanks, control characters"),
        ("http://files.example/\x00", "control characters"),
        ("http://files.example\u2028/", "blanks"),
        ("http://files.example:80:81/", "is not a URL"),
        ("http://files.example:99999/", "has the port 99999; allowed: 1 to 65535"),
        ("http://files.example:0/", "has the port 0"),
        ("http://[::1]x/", "is not a URL"),
        ("http://files.example./a.wav", "without a dot at its end"),
        ("http://localhost./", "without a dot at its end"),
        ("http://127.0.0.1./", "without a dot at its end"),
        ("http://a..b/", "has the host 'a..b'"),
        ("http://exa%00mple.com/", "has the host"),
        ("http://%31%32%37.0.0.1/", "has the host"),
        ("http://１２７.0.0.1/", "its host is not a name"),
        ("http://①②⑦.0.0.1/", "its host is not a name"),
        ("http://" + "a" * 64 + ".example/", "has the host"),
        ("http://" + "a." * 140 + "example/", "has the host"),
        ("http://files.example/" + "a" * 9000, "is longer than 8192 bytes"),
        # Forms that some programs read as 127.0.0.1.
        ("http://127.1/", "addresses are written as 203.0.113.9"),
        ("http://2130706433/", "addresses are written as"),
        ("http://0x7f000001/", "addresses are written as"),
        ("http://0x7f.0.0.1/", "addresses are written as"),
        ("http://0177.0.0.1/", "is not a URL"),
        ("http://0/", "addresses are written as"),
        ("http://127.0.0.1.0x/", "addresses are written as"),
        ("http://[fe80::1%25eth0]/", "without a zone"),
        ("http://[fe80::1%eth0]/", "without a zone"),
        # Addresses, which are known without asking anybody.
        ("http://127.0.0.1/", "an address of this machine or of a private network"),
        ("http://127.8.9.10/", "of this machine"),
        ("http://0.0.0.0/", "of this machine"),
        ("http://10.0.0.5:8080/", "of a private network"),
        ("http://172.16.0.1/", "of a private network"),
        ("http://192.168.1.1/", "of a private network"),
        ("http://100.64.0.1/", "of a private network"),
        ("http://169.254.0.1/", "of a private network"),
        ("http://224.0.0.1/", "of a private network"),
        ("http://255.255.255.255/", "of a private network"),
        ("http://[::1]/", "of this machine"),
        ("http://[::]/", "of this machine"),
        ("http://[::ffff:127.0.0.1]/", "of this machine"),
        ("http://[::ffff:7f00:1]/", "of this machine"),
        ("http://[::127.0.0.1]/", "of this machine"),
        ("http://[64:ff9b::10.0.0.1]/", "of a private network"),
        ("http://[64:ff9b:1::1]/", "of a private network"),
        ("http://[2002:7f00:1::]/", "of this machine"),
        ("http://[2001:0:102:304::1]/", "of this machine"),
        ("http://[fe80::1]/", "of a private network"),
        ("http://[fec0::1]/", "of a private network"),
        ("http://[fd00::1]/", "of a private network"),
        ("http://[ff02::1]/", "of a private network"),
        ("http://169.254.169.254/latest/meta-data/", "where clouds keep credentials"),
        ("http://[::ffff:169.254.169.254]/", "where clouds keep credentials"),
        ("http://[fd00:ec2::254]/", "where clouds keep credentials"),
        ("http://168.63.129.16/", "where clouds keep credentials"),
        ("http://8.8.8.8:22/", "at port 22; allowed: 80, 443, 8080, 8443"),
    ],
)
def test_what_may_not_be_asked_gets_a_sentence(text: str, said: str) -> None:
    message = refusal(text)
    assert said in message
    assert "geheim" not in message


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("https://files.example/a.wav", "files.example", 443, b"/a.wav"),
        ("HTTP://Files.EXAMPLE:8080/A?b=C#d", "files.example", 8080, b"/A?b=C"),
        ("http://files.example", "files.example", 80, b"/"),
        ("https://例子.公司/路.wav", "xn--fsqu00a.xn--55qx5d", 443, b"/%E8%B7%AF.wav"),
        ("https://under_score.example/", "under_score.example", 443, b"/"),
        ("http://8.8.8.8/", "8.8.8.8", 80, b"/"),
        ("http://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, b"/"),
        ("http://8.8.8.8#@127.0.0.1/", "8.8.8.8", 80, b"/"),
        (
            "http://files.example/?u=http://127.0.0.1/",
            "files.example",
            80,
            b"/?u=http://127.0.0.1/",
        ),
    ],
)
def test_what_may_be_asked_is_asked_as_it_was_read(
    text: str, host: str, port: int, path: bytes
) -> None:
    target = POLICY.read(text, "data_url")
    assert (target.host, target.port, target.path) == (host, port, path)


def test_a_url_is_shown_without_what_signs_it() -> None:
    target = POLICY.read("https://files.example/a.wav?X-Amz-Signature=geheim", "data_url")
    assert str(target) == "https://files.example/a.wav"
    assert "geheim" not in repr(target) + str(target)
    assert target.path.endswith(b"geheim")
    assert len(str(POLICY.read(f"https://a.example/{'b' * 900}", "data_url"))) == 81


def test_every_address_of_a_name_counts() -> None:
    assert led("files.example", "8.8.8.8", "2606:4700::1111") is None
    for bad in ("127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "fe80::1"):
        for addresses in (("8.8.8.8", bad), (bad, "8.8.8.8"), (bad,)):
            said = led("files.example", *addresses)
            assert said is not None
            assert "files.example leads to an address of this machine" in said
            # What a name means within a network is nobody's business outside of it.
            assert bad not in said
    assert "metadata" not in str(led("m.example", "169.254.169.254"))
    assert "clouds keep credentials" in str(led("m.example", "169.254.169.254"))
    assert "there is no such host" in str(led("none.example"))


def test_hosts_may_be_named_by_name_and_by_network() -> None:
    lan = policy("files.lan", ".cluster.local", "10.0.0.0/8", "::1")
    assert led("files.lan", "192.168.0.9", under=lan, port=9000) is None
    assert led("s3.cluster.local", "192.168.0.9", under=lan) is None
    assert led("other.example", "10.20.30.40", under=lan, port=9000) is None
    assert led("other.example", "::1", under=lan) is None
    assert lan.read("http://10.1.1.1:9000/a", "data_url").port == 9000
    assert lan.read("http://[::ffff:10.1.1.1]/a", "data_url").host == "::ffff:10.1.1.1"
    for host, address in (
        ("files.lan.evil.example", "192.168.0.9"),
        ("xfiles.lan", "192.168.0.9"),
        ("cluster.local", "192.168.0.9"),
        ("other.example", "192.168.0.9"),
        ("other.example", "127.0.0.1"),
    ):
        assert "of a private network" in str(led(host, address, under=lan))


def test_where_clouds_keep_credentials_has_to_be_named_by_itself() -> None:
    everything = policy("0.0.0.0/0", "::/0", "metadata.lan")
    for address in METADATA:
        assert "clouds keep" in str(led("metadata.lan", str(address), under=everything))
    one = policy("169.254.169.254")
    assert led("a.example", "169.254.169.254", under=one) is None


def test_a_server_may_be_kept_from_the_internet() -> None:
    closed = policy("files.lan", public_hosts=False)
    assert led("files.lan", "8.8.8.8", under=closed) is None
    assert "only hosts of recordings.allowed_hosts" in refusal("http://8.8.8.8/", closed)
    assert "only hosts of recordings.allowed_hosts" in refusal("http://a.example/", closed)
    by_network = policy("10.0.0.0/8", public_hosts=False)
    assert led("a.example", "10.0.0.1", under=by_network) is None
    assert "only hosts" in str(led("a.example", "8.8.8.8", under=by_network))


def test_http_may_be_forbidden() -> None:
    assert "only https:// is allowed" in refusal("http://a.example/", policy(allow_http=False))


def test_what_whoever_runs_the_server_names_is_allowed() -> None:
    plain = policy(allow_http=False)
    for text in ("http://127.0.0.1:9000/", "http://minio:9000/", "http://[::1]:9000/"):
        target = read_url(text, "endpoint")
        named = plain.naming(target)
        leads(named.read(text, "endpoint"), "127.0.0.1" if "[" not in text else "::1", under=named)
    assert plain.naming(read_url("https://obs.example/", "endpoint")).allow_http is False


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://127.0.0.1/", "of this machine"),
        ("https://127.0.0.1/", "of this machine"),
        ("//169.254.169.254/x", "clouds keep credentials"),
        ("file:///etc/passwd", "the redirect of files.example begins with file:"),
        ("gopher://x/", "begins with gopher:"),
        ("https://ann:geheim@other.example/", "has a user or password"),
        ("http://other.example/", "leads from https:// to http://"),
        ("https://oth er.example/", "blanks"),
        ("https://files.example:99999/", "port 99999"),
        ("https://[::1", "leads to no URL"),
        ("https://x:y:z/", "leads to no URL"),
        ("https://2130706433/", "addresses are written as"),
    ],
)
def test_a_redirect_is_checked_as_a_url_is(location: str, said: str) -> None:
    target = POLICY.read("https://files.example/dir/a.wav", "data_url")
    with pytest.raises(RecordingFault) as refused:
        POLICY.follow(target, location)
    assert said in refused.value.message
    assert "geheim" not in refused.value.message


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("b.wav", "https://files.example/dir/b.wav"),
        ("/b.wav?c=d", "https://files.example/b.wav?c=d"),
        ("//other.example/b", "https://other.example/b"),
        ("https://other.example:8443/b", "https://other.example:8443/b"),
        ("../é.wav", "https://files.example/%C3%A9.wav"),
    ],
)
def test_a_redirect_may_be_relative(location: str, url: str) -> None:
    target = POLICY.read("https://files.example/dir/a.wav", "data_url")
    assert str(POLICY.follow(target, location).url) == url


@given(st.text(max_size=60))
def test_whatever_is_written_gets_a_target_or_a_sentence(text: str) -> None:
    for one in (text, f"http://{text}", f"http://a.example/{text}", f"http://{text}@8.8.8.8/"):
        try:
            target = POLICY.read(one, "data_url")
        except RecordingFault:
            continue
        else:
            # What was read is read the same again.
            assert POLICY.read(str(target.url), "data_url").host == target.host


@given(st.ip_addresses())
def test_an_address_is_public_or_refused(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    end = reached(address)
    allowed = is_public(end) and end not in METADATA
    try:
        POLICY.read(f"http://{host}/", "data_url")
    except RecordingFault:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize(
    "text", ["", "a b", "10.0.0.0/40", "1.2.3", "0x7f", "例子", "a..b", "*", "-a"]
)
def test_what_is_no_host_is_no_setting(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        host_entry(text)
    with pytest.raises(ValueError, match="allowed_hosts"):
        RecordingSettings(allowed_hosts=(text,))
