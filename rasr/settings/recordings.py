"""Settings of recordings: where they are fetched from, how long, and where they lie meanwhile."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rasr.settings.section import MANY, Secret, Section, Texts

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"\.?(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LARGEST_FILE = 1 << 40


def host_entry(text: str) -> str | Network:
    """What an entry of `recordings.allowed_hosts` means: a name in small letters, with a dot before
    it where all names below it are meant, or a network.

    Raises:
        ValueError: it is neither.
    """
    text = text.lower()
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    # What ends with a number is read as an address, never as a name.
    if _NAME.fullmatch(text) is None or _NUMBER.fullmatch(text.rpartition(".")[2]):
        raise ValueError(text)
    return text


def _check_hosts(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        host_entry(text)
    return texts


class BucketSettings(Section):
    """A bucket that requests can name."""

    kind: Annotated[
        Literal["s3", "folder"],
        Field(
            description="s3 = of S3, OBS, MinIO and their like; folder = a folder of this machine"
        ),
    ]
    folder: Annotated[str, Field(description="folder: its absolute path")] = ""
    endpoint: Annotated[
        str, Field(description="s3: address of the service, such as https://obs.example.com")
    ] = ""
    region: Annotated[str, Field(description="s3: region, which signatures name")] = "us-east-1"
    bucket: Annotated[
        str, Field(description="s3: what the service calls it; empty = as it is called here")
    ] = ""
    path_style: Annotated[
        bool,
        Field(
            description="s3: the bucket stands in the path of the URL, as MinIO wants it, and not "
            "in front of the host, as OBS does"
        ),
    ] = False
    access_id: Annotated[
        str, Field(description="s3: access id (AK); empty = objects that everybody may read")
    ] = ""
    secret: Annotated[
        str, Secret(), Field(repr=False, description="s3: secret of the access id (SK)")
    ] = ""
    projects: Annotated[
        Texts, Field(description="ids of the projects that may use it; empty = all")
    ] = ()


class WordListSettings(Section):
    """What is looked for in what was said."""

    words: Annotated[
        Texts, Field(description="words and phrases; capital letters count for nothing")
    ] = ()
    phone_numbers: Annotated[bool, Field(description="phone numbers, too")] = False
    projects: Annotated[
        Texts, Field(description="ids of the projects in whose recordings; empty = all")
    ] = ()


class RecordingSettings(Section):
    """Recordings that are fetched, and answers that are sent to a callback_url."""

    allow_http: Annotated[
        bool, Field(description="URLs may begin with http://, too, which encrypts nothing")
    ] = True
    public_hosts: Annotated[
        bool,
        Field(
            description="hosts with public addresses may be asked; otherwise allowed_hosts alone"
        ),
    ] = True
    allowed_hosts: Annotated[
        Texts,
        AfterValidator(_check_hosts),
        Field(
            description="hosts that may be asked wherever they are, at any port: names, names with "
            "all below them as .lan, addresses and networks as 10.0.0.0/8; others of this machine "
            "and of private networks are refused"
        ),
    ] = ()
    ports: Annotated[
        tuple[Annotated[int, Field(ge=1, le=65535)], ...],
        Field(strict=False, description="ports that public hosts may be asked at"),
    ] = (80, 443, 8080, 8443)
    max_redirects: Annotated[
        int, Field(ge=0, le=20, description="redirects that are followed, each checked as the URL")
    ] = 5
    max_bytes: Annotated[
        int, Field(ge=1, le=_LARGEST_FILE, description="largest recording, bytes")
    ] = 300 << 20
    fetch_timeout_s: Annotated[
        float, Field(gt=0, description="longest time to fetch a recording, with all tries, s")
    ] = 3600.0
    silence_s: Annotated[
        float,
        Field(gt=0, description="a server that sends nothing for so long is tried again, s"),
    ] = 30.0
    attempts: Annotated[
        int, Field(ge=1, le=100, description="tries in a row that bring nothing new")
    ] = 5
    callback_timeout_s: Annotated[
        float, Field(gt=0, description="time for a callback_url to take an answer, s")
    ] = 15.0
    callback_for_s: Annotated[
        float, Field(ge=0, description="an answer that is not taken is sent again for so long, s")
    ] = 86_400.0
    flash_calls: Annotated[
        int,
        Field(ge=1, le=MANY, description="calls of flash transcription at once; more get SIS.0312"),
    ] = 4
    folder: Annotated[
        str,
        Field(
            description="folder of recordings while they are needed; one in /dev/shm keeps them in "
            "memory; empty = $XDG_CACHE_HOME/rasr/recordings"
        ),
    ] = ""
    role_endpoint: Annotated[
        str,
        Field(
            description="address of the service (STS) where this server takes the roles that "
            "projects grant it; empty = none are taken"
        ),
    ] = ""
    role_region: Annotated[str, Field(description="region of role_endpoint")] = "us-east-1"
    role_access_id: Annotated[
        str, Field(description="access id (AK) of this server itself, to which roles are granted")
    ] = ""
    role_secret: Annotated[
        str, Secret(), Field(repr=False, description="secret of role_access_id (SK)")
    ] = ""
    voice_segmentation: Annotated[
        str,
        Field(
            description="model (ONNX) that finds where who speaks in some seconds of audio, as "
            "pyannote's; with voice_embedding voices are told apart; empty = none"
        ),
    ] = ""
    voice_embedding: Annotated[
        str, Field(description="model (ONNX) of what a voice is like; empty = none")
    ] = ""
    voices_required: Annotated[
        bool,
        Field(
            description="without these models whoever wants voices told apart is refused with "
            "SIS.0031; otherwise answered without"
        ),
    ] = True
    word_lists: Annotated[
        dict[str, WordListSettings],
        Field(description="what is marked in texts of recordings, by the name that marks have"),
    ] = Field(default_factory=dict)
    buckets: Annotated[
        dict[str, BucketSettings], Field(description="buckets by the name that requests use")
    ] = Field(default_factory=dict)

    @property
    def has_voice_models(self) -> bool:
        """Whether voices on one channel can be told apart."""
        return bool(self.voice_segmentation and self.voice_embedding)
