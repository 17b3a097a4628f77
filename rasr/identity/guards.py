"""The memory of the doors: wrong tries, rates, signatures that were used.

Each has a bound, whatever strangers name: only what was believed before, a key that there is or a
signature that fits, costs lasting memory, and where addresses are counted the oldest are forgotten.
"""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
from dataclasses import dataclass

WRONG_TRIES = 5
LOCK_S = 300.0

_MOST_LOCKS = 100_000
_MOST_RATES = 65_536
_MOST_CHANGES = 20_000


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    locked_until: float = 0.0


class Lockouts:
    """Locks an account for a while after so many wrong tries in a row.

    Tell it only of accounts that there are. Those who were wrong longest ago are forgotten when
    there are too many.
    """

    def __init__(self, most: int = _MOST_LOCKS) -> None:
        self._most = most
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def is_locked(self, account: str, now: float) -> bool:
        """True while nobody is believed who names this account."""
        tries = self._tries.get(account)
        return tries is not None and now < tries.locked_until

    def wrong(self, account: str, now: float) -> bool:
        """A try was wrong. True if it has locked the account."""
        tries = self._tries.setdefault(account, _Tries())
        self._tries.move_to_end(account)
        if len(self._tries) > self._most:
            self._tries.popitem(last=False)
        tries.wrong += 1
        if tries.wrong < WRONG_TRIES:
            return False
        tries.wrong = 0
        tries.locked_until = now + LOCK_S
        return True

    def right(self, account: str) -> None:
        """A try was right: those before it count no more."""
        self._tries.pop(account, None)

    def __len__(self) -> int:
        return len(self._tries)


class RateLimit:
    """So many requests a second by name, with some in a row.

    It keeps one time for each name: when all that was asked so far is worked off. Names whose time
    has passed are as if they had never been, so the oldest go first.
    """

    def __init__(self, per_second: float, in_a_row: float, most: int = _MOST_RATES) -> None:
        """
        Args:
            per_second: 0: no bound.
        """
        self._interval_s = 1.0 / per_second if per_second else 0.0
        self._slack_s = (max(1.0, in_a_row) - 1.0) * self._interval_s
        self._most = most
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, name: str, now: float) -> float:
        """How long a request of this name has to wait; 0: it may go on, if it is then `take`n."""
        if not self._interval_s:
            return 0.0
        return max(0.0, self._free_at.get(name, now) - self._slack_s - now)

    def take(self, name: str, now: float) -> float:
        """Count a request. 0, or how long it has to wait: then it is not counted."""
        wait_s = self.wait_s(name, now)
        if self._interval_s and not wait_s:
            self._free_at[name] = max(now, self._free_at.get(name, now)) + self._interval_s
            self._free_at.move_to_end(name)
            while len(self._free_at) > self._most or self._oldest_is_free(now):
                self._free_at.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._free_at)

    def _oldest_is_free(self, now: float) -> bool:
        return next(iter(self._free_at.values()), now + 1) <= now


class UsedSignatures:
    """Signatures that have changed something, as long as their date would let them do it again.

    Tell it only of signatures that fit. A key that fills it has to wait: to forget one would let it
    be used twice.
    """

    def __init__(self, most_of_a_key: int = _MOST_CHANGES) -> None:
        self._most = most_of_a_key
        self._used: set[bytes] = set()
        self._by_time: list[tuple[float, bytes, str]] = []
        self._of_key: Counter[str] = Counter()

    def is_used(self, signature: str, now: float) -> bool:
        """True if it has changed something."""
        self._forget(now)
        return bytes.fromhex(signature) in self._used

    def is_full(self, key: str, now: float) -> bool:
        """True if this key has made as many changes as can be remembered."""
        self._forget(now)
        return self._of_key[key] >= self._most

    def use(self, key: str, signature: str, until: float) -> None:
        """It changes something now, and its date refuses it from `until` on."""
        raw = bytes.fromhex(signature)
        self._used.add(raw)
        self._of_key[key] += 1
        heapq.heappush(self._by_time, (until, raw, key))

    def __len__(self) -> int:
        return len(self._used)

    def _forget(self, now: float) -> None:
        while self._by_time and self._by_time[0][0] < now:
            _, raw, key = heapq.heappop(self._by_time)
            self._used.discard(raw)
            self._of_key[key] -= 1
            if not self._of_key[key]:
                del self._of_key[key]
