"""Who is admitted: counts, limits for projects and addresses, and the predicted load."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from rasr.audio import SAMPLE_RATE
from rasr.recognition.config import EngineChoice
from rasr.scheduling import TOP_LEVEL, EngineStatistics, StepCosts
from rasr.scheduling.costs import ONE_BY_ONE
from rasr.scheduling.statistics import DEMAND_WINDOW_S
from rasr.server.admission import Admission, AdmissionRules, Bound, Party, Refused, Slot

ONE = EngineChoice("one")
ALICE, BOB = Party("alice", "10.0.0.1"), Party("bob", "10.0.0.1")


@dataclass
class Engine:
    """Carries a hundred streams of speech: a second of one is 10 ms of its one call."""

    statistics: EngineStatistics = field(default_factory=EngineStatistics)
    overload_level: int = 0
    streams: int = 1000
    streams_in_use: int = 0
    waiting_s: float = 0.0

    def oldest_ready_s(self) -> float:
        return self.waiting_s

    def __post_init__(self) -> None:
        self.statistics.costs = StepCosts(0.5, 1, {1: 0.005 / ONE_BY_ONE})

    def hear(self, sound_per_second: float, until_s: int) -> None:
        """So much speech in all, up to this second."""
        for second in range(until_s - DEMAND_WINDOW_S, until_s):
            self.statistics.demand.add(round(sound_per_second * SAMPLE_RATE), second)


def admission(engine: Engine | None = None, **rules: float) -> Admission:
    # A single core: the load of the engine's one call is that of the machine.
    return Admission(AdmissionRules(**rules), {"one": engine or Engine()}, [ONE], cores=1)  # type: ignore[arg-type]


def filled(admissions: Admission, now: float, most: int = 1000) -> int:
    """How many recognitions are let in at once."""
    for number in range(most):
        if isinstance(admissions.take(ALICE, ONE, now), Refused):
            return number
    return most


def slot(admissions: Admission, party: Party = ALICE, now: float = 0.0) -> Slot:
    taken = admissions.take(party, ONE, now)
    assert isinstance(taken, Slot), taken
    return taken


def test_a_full_server_refuses_with_the_numbers_until_one_leaves() -> None:
    admissions = admission(recognitions=1)
    first = slot(admissions)
    assert admissions.take(BOB, ONE, 0.0) == Refused(
        Bound.COUNT, "the server is full: 1 of 1 rounds are open; try again when one has ended"
    )
    admissions.leave(first, 0.0)
    slot(admissions, BOB)


def test_a_project_has_its_own_bound() -> None:
    admissions = admission(per_project=2)
    first = slot(admissions)
    slot(admissions)
    assert admissions.take(ALICE, ONE, 0.0) == Refused(
        Bound.PROJECT,
        "too many rounds of this project: 2 of 2 are open; try again when one has ended",
    )
    slot(admissions, BOB)
    admissions.leave(first, 0.0)
    slot(admissions)


def test_an_address_has_its_own_bound() -> None:
    admissions = admission(per_address=1)
    slot(admissions)
    assert "too many rounds of this address: 1 of 1" in str(admissions.take(BOB, ONE, 0.0))
    slot(admissions, Party("bob", "10.0.0.2"))


def test_a_crowd_that_comes_at_once_is_taken_for_unbroken_speech() -> None:
    # 10 ms of the engine's call and 2 ms of the event loop for each: 0.85 / 0.012.
    assert filled(admission(max_load=0.85), now=0.0) == 70


def test_a_crowd_is_not_let_in_on_the_silence_before_its_first_words() -> None:
    engine = Engine()
    admissions = admission(engine, max_load=0.85)
    let_in = 0
    for second in range(12):
        # Ten a second; each speaks without a pause from a second after its START on.
        let_in += filled(admissions, now=100.0 + second, most=10)
        speaking = min(let_in, 10 * second)
        engine.statistics.demand.add(SAMPLE_RATE * speaking, 100.0 + second)
    assert let_in <= 70


def test_the_refusal_tells_the_load_and_the_bound() -> None:
    admissions = admission(max_load=0.85)
    filled(admissions, now=0.0)
    assert admissions.take(ALICE, ONE, 0.0) == Refused(
        Bound.LOAD,
        "the server is full: 70 rounds are open, and one more would be a load of "
        f"{71 * 0.012:.0%}, allowed: 85%; try again in some seconds",
    )


def test_recognitions_that_turn_out_to_be_quiet_make_room_for_more() -> None:
    engine = Engine()
    admissions = admission(engine, max_load=0.85)
    assert filled(admissions, now=0.0) == 70
    # All of them speak two fifths of the time.
    engine.hear(70 * 0.4, until_s=100)
    more = filled(admissions, now=100.0)
    # Fewer than if the newcomers were known to be as quiet: 0.85 / (0.004 + 0.002) in all.
    assert 40 < more < 142 - 70


def test_who_leaves_takes_his_load_along() -> None:
    admissions = admission(max_load=0.85)
    slots = [slot(admissions) for _ in range(70)]
    for one in slots[:10]:
        admissions.leave(one, 0.0)
    assert filled(admissions, now=0.0) == 10


def test_a_round_that_takes_the_place_of_another_is_not_counted_twice() -> None:
    engine = Engine()
    admissions = admission(engine, max_load=0.85)
    first = [slot(admissions, now=0.0) for _ in range(70)]
    engine.hear(70, until_s=100)
    for one in first:
        admissions.leave(one, 100.0)
    # What they said is still within the window; they themselves are gone.
    assert filled(admissions, now=100.0) == 70


def test_measured_speech_fills_the_machine_however_few_speak() -> None:
    engine = Engine()
    engine.hear(84.5, until_s=100)
    admissions = admission(engine, max_load=0.85)
    slot(admissions)
    assert filled(admissions, now=100.0) == 0


def test_who_comes_first_is_let_in_however_slow_the_machine_is() -> None:
    engine = Engine()
    engine.statistics.costs = StepCosts(0.5, 1, {1: 5.0})
    assert filled(admission(engine, max_load=0.85), now=0.0) == 1


def test_on_the_top_overload_level_nobody_else_is_let_in() -> None:
    admissions = admission(Engine(overload_level=TOP_LEVEL), max_load=0.85)
    slot(admissions)
    assert "the server is at its limit" in str(admissions.take(ALICE, ONE, 0.0))
    assert admissions.refusal(0.0) is not None


def test_where_every_stream_is_in_use_nobody_is_let_in() -> None:
    admissions = admission(Engine(streams=4, streams_in_use=4), max_load=0.85)
    slot(admissions)
    assert "all 4 streams of its engine are in use" in str(admissions.take(ALICE, ONE, 0.0))


def test_without_a_bound_the_load_refuses_nobody() -> None:
    assert filled(admission(), now=0.0) == 1000


def test_the_texts_of_a_punctuation_model_take_their_share_of_the_cores() -> None:
    without = filled(admission(max_load=0.85), now=0.0)
    # A second of speech costs 10 ms of the engine, 2 ms of the loop, and as much again for texts.
    assert filled(admission(max_load=0.85, text_s=0.012), now=0.0) == pytest.approx(
        without / 2, abs=1
    )


@pytest.mark.parametrize("rules", [{"recognitions": 1}, {"max_load": 0.015}])
def test_it_is_full_when_the_next_one_would_be_refused(rules: dict[str, float]) -> None:
    admissions = admission(None, **rules)
    assert admissions.refusal(0.0) is None
    slot(admissions)
    assert admissions.refusal(0.0) is not None


def test_one_engine_that_is_full_does_not_fill_the_others() -> None:
    busy, idle = Engine(), Engine()
    busy.overload_level = TOP_LEVEL
    engines = {"busy": busy, "idle": idle}
    served = [EngineChoice("busy"), EngineChoice("idle")]
    admissions = Admission(AdmissionRules(max_load=0.85), engines, served, cores=4)
    assert isinstance(admissions.take(ALICE, served[1], 0.0), Slot)
    assert isinstance(admissions.take(ALICE, served[0], 0.0), Refused)
    assert isinstance(admissions.take(ALICE, served[1], 0.0), Slot)
    assert admissions.refusal(0.0) is None


def test_thousands_of_short_recognitions_leave_nothing_to_count() -> None:
    admissions = admission(max_load=0.85)
    for number in range(5000):
        admissions.leave(slot(admissions, now=number / 1000), number / 1000)
    assert len(admissions._left) == 0
    admissions.leave(slot(admissions, now=6.0), 16.0)
    assert len(admissions._left) == 1


PAIR = EngineChoice("one", final=EngineChoice("two"))


def pair(one: Engine, two: Engine) -> Admission:
    return Admission(AdmissionRules(max_load=0.85), {"one": one, "two": two}, [PAIR], cores=1)


def test_a_recognition_with_a_second_pass_is_a_load_to_both_engines() -> None:
    admissions = pair(Engine(), Engine())
    let_in = 0
    while isinstance(admissions.take(ALICE, PAIR, 0.0), Slot):
        let_in += 1
    # 10 ms of each engine's call and 2 ms of the event loop for each: 0.85 / 0.022.
    assert let_in == 38
    assert admissions.refusal(0.0) is not None


def test_measured_second_passes_fill_the_machine_like_live_speech() -> None:
    one, two = Engine(), Engine()
    admissions = pair(one, two)
    assert isinstance(admissions.take(ALICE, PAIR, 0.0), Slot)
    one.hear(1.0, until_s=100)
    two.hear(84.5, until_s=100)
    assert "would be a load of" in str(admissions.take(ALICE, PAIR, 100.0))


def test_an_engine_of_second_passes_that_is_busy_just_now_turns_nobody_away() -> None:
    one, two = Engine(), Engine()
    two.streams_in_use, two.overload_level = two.streams, TOP_LEVEL
    admissions = pair(one, two)
    assert isinstance(admissions.take(ALICE, PAIR, 0.0), Slot)
    assert isinstance(admissions.take(ALICE, PAIR, 0.0), Slot)
    assert admissions.refusal(0.0) is None


def at_the_bound(engine: Engine, now: float = 100.0) -> Admission:
    """As many as the load allows, all of whom have spoken for a while."""
    admissions = admission(engine, max_load=0.85)
    assert filled(admissions, now=0.0) == 70
    engine.hear(70, until_s=round(now))
    assert filled(admissions, now=now) == 0
    return admissions


def speak(engine: Engine, people: int, tenth: int) -> float:
    """So many speak in this tenth of a second after 100; the time at its end."""
    now = 100.0 + tenth / 10
    engine.statistics.demand.add(people * SAMPLE_RATE // 10, now)
    begin(engine, 0.0, until=now)
    return now


def begin(engine: Engine, late: float, until: float) -> None:
    """Steps begin in the two seconds before, each so late, in parts of its audio."""
    for twentieth in range(40):
        engine.statistics.lateness.observe(late, 0.0, 1.0, until - 2.0 + twentieth / 20)


def test_a_machine_whose_sessions_are_on_time_admits_one_more() -> None:
    engine = Engine()
    admissions = at_the_bound(engine)
    begin(engine, 0.1, until=100.0)
    assert admissions.refusal(100.0) is None
    assert filled(admissions, now=100.0) == 1
    refusal = admissions.refusal(100.0)
    assert refusal is not None
    assert refusal.bound is Bound.LOAD


def test_one_whose_sessions_are_late_does_not() -> None:
    engine = Engine()
    admissions = at_the_bound(engine)
    begin(engine, 0.4, until=100.0)
    assert filled(admissions, now=100.0) == 0


def test_one_whose_slots_are_busy_nearly_all_the_time_does_not() -> None:
    engine = Engine()
    admissions = at_the_bound(engine)
    begin(engine, 0.0, until=100.0)
    engine.statistics.in_use = 0.9
    assert filled(admissions, now=100.0) == 0


@pytest.mark.parametrize("sign", ["overload_level", "waiting_s"])
def test_neither_does_one_that_shows_another_sign_of_lateness(sign: str) -> None:
    engine = Engine()
    admissions = at_the_bound(engine)
    begin(engine, 0.0, until=100.0)
    setattr(engine, sign, 1)
    assert filled(admissions, now=100.0) == 0


def test_of_two_engines_a_late_one_turns_away_those_of_the_other_too() -> None:
    first, second = Engine(), Engine()
    engines = {"one": first, "two": second}
    served = [EngineChoice("one"), EngineChoice("two")]
    admissions = Admission(AdmissionRules(max_load=0.85), engines, served, cores=1)
    while isinstance(admissions.take(ALICE, served[0], 0.0), Slot):
        pass
    first.hear(70, until_s=100)
    begin(first, 0.0, until=100.0)
    begin(second, 1.0, until=100.0)
    assert isinstance(admissions.take(ALICE, served[0], 100.0), Refused)
    begin(second, 0.0, until=104.0)
    begin(first, 0.0, until=104.0)
    assert isinstance(admissions.take(ALICE, served[0], 104.0), Slot)


def test_after_one_on_trial_it_is_measured_before_the_next_one() -> None:
    engine = Engine()
    admissions = at_the_bound(engine)
    admitted: list[float] = []
    for tenth in range(300):
        now = speak(engine, 70 + len(admitted), tenth)
        admitted += [now] * filled(admissions, now=now)
    gaps = [later - earlier for earlier, later in pairwise(admitted)]
    assert min(gaps) >= 4.9
    assert len(admitted) >= 5


def test_a_crowd_that_comes_at_once_finds_no_proof_that_there_is_room() -> None:
    engine = Engine()
    admissions = admission(engine, max_load=0.85)
    # The lone speaker before them was on time.
    assert isinstance(admissions.take(ALICE, ONE, 0.0), Slot)
    engine.hear(1, until_s=100)
    begin(engine, 0.0, until=100.0)
    let_in = 1 + filled(admissions, now=100.0)
    assert let_in <= 71
    for second in range(3):
        # They have not begun to speak, and he is still on time.
        begin(engine, 0.0, until=101.0 + second)
        let_in += filled(admissions, now=101.0 + second)
    assert let_in <= 71


def test_those_on_trial_who_have_not_spoken_are_few_among_those_who_have() -> None:
    engine = Engine()
    # So slow an engine that it carries six.
    engine.statistics.costs = StepCosts(0.5, 1, {1: 0.06})
    admissions = admission(engine, max_load=0.85)
    first = filled(admissions, now=0.0)
    let_in = 0
    engine.hear(first, until_s=100)
    for tenth in range(220):
        now = speak(engine, first, tenth)
        let_in += filled(admissions, now=now)
    assert (first, let_in) == (6, 1)


def test_who_comes_on_trial_and_goes_at_once_makes_no_room_for_many() -> None:
    engine = Engine()
    admissions = at_the_bound(engine)
    let_in = 0
    for tenth in range(100):
        now = speak(engine, 71, tenth)
        taken = admissions.take(ALICE, ONE, now)
        if isinstance(taken, Slot):
            let_in += 1
            admissions.leave(taken, now)
    assert let_in <= 3


def test_second_passes_that_are_too_many_are_not_proven_by_live_speech_on_time() -> None:
    one, two = Engine(), Engine()
    admissions = pair(one, two)
    assert isinstance(admissions.take(ALICE, PAIR, 0.0), Slot)
    one.hear(1.0, until_s=100)
    two.hear(84.5, until_s=100)
    begin(one, 0.0, until=100.0)
    assert isinstance(admissions.take(ALICE, PAIR, 100.0), Refused)
    begin(two, 0.0, until=100.0)
    assert isinstance(admissions.take(ALICE, PAIR, 100.0), Slot)
