"""Hot words by the id of their vocabulary: those of the settings, and those that projects made.

Vocabularies of the settings are the operator's, for all projects. Those in the store are of one
project. The words of these are kept here, and used as long as the store has the same version of
them: it is asked each time, so that a change counts from the next recognition on, on every server
that shares the store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rasr.identity.directory import DEFAULT_DOMAIN
from rasr.identity.principals import Principal
from rasr.store.on_demand import StoreOnDemand

if TYPE_CHECKING:
    from rasr.store.store import Work
    from rasr.store.vocabularies import Version

_MOST_KEPT = 256
"""Vocabularies; a thousand words take about 100 KB."""


class KnownVocabularies:
    """The vocabularies of a server."""

    def __init__(
        self, of_settings: Mapping[str, Sequence[str]], store: StoreOnDemand | None
    ) -> None:
        """
        Args:
            of_settings: words by the id of their vocabulary.
            store: None: there are no others.
        """
        self._store = store
        self._of_settings = {name: tuple(words) for name, words in of_settings.items()}
        self._kept: OrderedDict[tuple[str, str], tuple[Version, tuple[str, ...]]] = OrderedDict()
        """By project and id; those that were used last stand last."""

    async def words(
        self, project_id: str, principal: Principal | None, vocabulary_id: str
    ) -> tuple[str, ...] | None:
        """The words of a vocabulary; None where this project has none of this id.

        Args:
            project_id: of the path.
            principal: who asks; None where nobody is asked who he is.

        Raises:
            DirectoryUnavailable: nobody knows.
        """
        words = self._of_settings.get(vocabulary_id)
        if words is not None:
            return words
        store = None if self._store is None else await self._store.asked()
        if store is None:
            return None
        async with store.reading() as work:
            project = await project_of(work, project_id, principal)
            if project is None:
                return None
            return await self._words(work, project, vocabulary_id)

    async def _words(
        self, work: Work, project_id: str, vocabulary_id: str
    ) -> tuple[str, ...] | None:
        key = project_id, vocabulary_id
        version = await work.vocabularies.version(project_id, vocabulary_id)
        kept = self._kept.pop(key, None)
        if version is None:
            return None
        if kept is None or kept[0] != version:
            # Of the same moment as the version: the transaction sees one state of everything.
            kept = version, await work.vocabularies.words(vocabulary_id)
        self._kept[key] = kept
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return kept[1]


async def project_of(work: Work, project_id: str, principal: Principal | None) -> str | None:
    """The id of the project that a path means; None where there is none.

    Where nobody is asked who he is the path may have the name of a project in its place: somebody
    who has only ever typed names at the command line finds his words.

    Args:
        project_id: of the path.
    """
    if principal is not None:
        return principal.project_id
    found = await work.projects.find(DEFAULT_DOMAIN, project_id)
    return None if found is None else found.id
