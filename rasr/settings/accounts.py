"""Settings of accounts: who is asked who he is, who says so, and where it is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasr.settings.section import MANY, Secret, Section, Texts


class AuthSettings(Section):
    """Who may use the server."""

    kind: Annotated[
        Literal["", "accounts", "none"],
        Field(
            description="who is asked for credentials; accounts = everybody; none = nobody; empty "
            "= everybody once there is an account, and without one the server starts on loopback "
            "only"
        ),
    ] = ""
    public_hosts: Annotated[
        Texts,
        Field(
            description="names by which clients reach the server where a proxy changes Host, with "
            "the port if they write one"
        ),
    ] = ()
    requests_per_key: Annotated[
        float,
        Field(
            ge=0,
            le=MANY,
            description="requests and handshakes a second with one key, or with all tokens of a "
            "user, with those of 10 s in a row; one more gets HTTP 429; 0 = no bound",
        ),
    ] = 0.0
    requests_per_address: Annotated[
        float,
        Field(
            ge=0,
            le=MANY,
            description="the same of one address, or network of an IPv6 subscriber, before it is "
            "asked who it is; 0 = no bound",
        ),
    ] = 0.0
    open_metrics: Annotated[
        bool,
        Field(
            description="/metrics answers everybody; otherwise this machine, and who has the right "
            "sis:metrics:get"
        ),
    ] = False


class OidcSettings(Section):
    """An identity provider whose tokens are good here too (OpenID Connect)."""

    issuer: Annotated[
        str, Field(description="the provider, as its tokens name it in iss; empty = none")
    ] = ""
    audience: Annotated[str, Field(description="this server, as tokens for it name it in aud")] = ""
    keys_url: Annotated[
        str,
        Field(description="address of the provider's keys (JWKS); empty = as the issuer tells it"),
    ] = ""
    project_claim: Annotated[
        str, Field(min_length=1, description="claim with the project_id, or a list of them")
    ] = "project_id"
    name_claim: Annotated[
        str, Field(min_length=1, description="claim with the name of the user")
    ] = "preferred_username"
    domain: Annotated[
        str,
        Field(
            description="domain whose users of the same name say by their policies what the "
            "provider's may do; empty = oidc.policy says it of all"
        ),
    ] = ""
    policy: Annotated[
        Literal["SIS FullAccess", "SIS ReadOnlyAccess"],
        Field(description="what users of the provider may do, without oidc.domain"),
    ] = "SIS FullAccess"


class StoreSettings(Section):
    """Where accounts, hot words and usage are kept."""

    url: Annotated[
        str,
        Secret(),
        Field(
            repr=False,
            description="a file as sqlite:////absolute/path, or postgresql://user@host/database; "
            "empty = $XDG_DATA_HOME/rasr/store/store.db",
        ),
    ] = ""
    encryption_keys: Annotated[
        Texts,
        Secret(),
        Field(
            repr=False,
            description="keys of `rasr store new-key` that secrets are encrypted with, the newest "
            "first; empty = those in the file beside the SQLite file",
        ),
    ] = ()
    timeout_s: Annotated[
        float, Field(gt=0, description="longest time of one question to the database, s")
    ] = 5.0
