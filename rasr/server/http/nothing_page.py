"""The page for a person whose browser asked for something that is not there.

Pure. Programs get JSON (`rasr.server.application`); which of the two asks is seen by what it
accepts. It is in English or Chinese, as the browser prefers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from rasr.server.http.templates import LANGUAGES, Language, filled

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class _Text:
    title: str
    sentence: str


_TEXTS: Mapping[str, Mapping[Language, _Text]] = {
    "captions": {
        "en": _Text(
            "Captions",
            "Each caption channel has a page of its own at /captions/NAME, with the name of the "
            "channel in place of NAME. A channel is there while somebody speaks into it: its name "
            "is chosen on the page, under Settings, or with the command rasr mic --channel NAME.",
        ),
        "zh": _Text(
            "字幕",
            "每个字幕频道有自己的页面：/captions/名称，其中“名称”是频道的名称。有人对着频道说话时，频道才存在："
            "名称可以在主页的“设置”中填写，也可以用命令 rasr mic --channel 名称 指定。",
        ),
    },
    "docs": {
        "en": _Text(
            "Documents",
            "The documents come with the source of rasr, in the folder docs. The command "
            "rasr --help describes the commands.",
        ),
        "zh": _Text(
            "文档", "文档在 rasr 源代码的 docs 文件夹中。各个命令的说明可以用 rasr --help 查看。"
        ),
    },
    "socket": {
        "en": _Text(
            "An address for programs",
            "Programs open a websocket at this address and send speech. A browser shows nothing "
            "here; the page to speak into is below.",
        ),
        "zh": _Text(
            "供程序使用的地址",
            "程序在这个地址建立 WebSocket 连接并发送语音。浏览器在这里看不到内容；语音页面见下方。",
        ),
    },
    "other": {
        "en": _Text("There is nothing here", "This server has no page at this address."),
        "zh": _Text("这里没有内容", "这台服务器在这个地址没有页面。"),
    },
}
"""What was asked for → what a person is told."""

_LINKS: Mapping[str, Mapping[Language, tuple[str, str]]] = {
    "/": {
        "en": ("Speak, and read it", "the page with the microphone, for recordings too"),
        "zh": ("说话并看到文字", "使用麦克风的页面，也可以打开录音"),
    },
    "/languages": {
        "en": ("Languages", "which are served here, and what brings the others (JSON)"),
        "zh": ("语言", "这台服务器支持哪些语言，以及如何添加其他语言（JSON）"),
    },
    "/readyz": {
        "en": ("State of the server", "whether it takes new speakers (JSON)"),
        "zh": ("服务器状态", "是否可以接受新的识别请求（JSON）"),
    },
}
"""Where a person may go from here."""


def wants_page(accept: str) -> bool:
    """True if a request with this header `Accept` is of a browser that will show what comes."""
    return "text/html" in {kind.partition(";")[0].strip().lower() for kind in accept.split(",")}


def nothing_page(template: str, path: str, status: int, language: Language) -> str:
    """The page.

    Args:
        template: `rasr/web/nothing.html`.
    """
    text = _TEXTS[_kind(path)][language]
    values = {
        "language": LANGUAGES[language],
        "title": escape(text.title),
        "sentence": escape(text.sentence),
        "links": "\n".join(_link(address, language) for address in _LINKS),
        "status": str(status),
        "path": escape(path[:_SHOWN_CHARACTERS]),
    }
    return filled(template, values)


def _kind(path: str) -> str:
    first = path.strip("/").partition("/")[0]
    kinds = {"captions": "captions", "docs": "docs", "redoc": "docs", "v1": "socket"}
    return kinds.get(first, "other")


def _link(address: str, language: Language) -> str:
    name, about = _LINKS[address][language]
    return f'        <li><a href="{address}">{name}<span>{about}</span></a></li>'
