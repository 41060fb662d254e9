"""The way past the limits: what is refused before a body is looked at, and what is never."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.keys import Scope
from app.core.problems import Problem, ProblemType
from app.domain.shards import Lane
from ingestion.admission.admission import NO_TICKET
from ingestion.admission.callers import LONGEST_S
from ingestion.admission.gate import Gate
from ingestion.admission.verdict import Refusal
from tests.ingestion.admission.conftest import THRESHOLDS, batch, presented

if TYPE_CHECKING:
    from app.core.keys import PresentedKey
    from app.core.keys_service import Keys
    from ingestion.admission.admission import Ticket
    from ingestion.admission.circuits import Circuits
    from ingestion.admission.verdict import Receipt
    from tests.ingestion.admission.conftest import Door
    from tests.ingestion.admission.turnable import Clock

BAD = Problem(ProblemType.MALFORMED_JSON, "Not JSON.")


@dataclass
class Lanes:
    """An overload that refuses what a test says."""

    refused: tuple[Lane, ...] = ()

    def refused_lanes(self) -> tuple[Lane, ...]:
        return self.refused


@dataclass
class Client:
    """Sends batches of Alice through a gate as the edge does, at a time that a test turns on."""

    gate: Gate
    key: PresentedKey
    clock: Clock
    lanes: Lanes
    decoded: int = 0
    skew: timedelta = field(default_factory=timedelta)

    @property
    def now(self) -> datetime:
        return self.clock.now + self.skew

    def enter(self) -> Ticket:
        return self.gate.enter(self.key, self.now)

    def send(self, events: int = 1, *, good: bool = True) -> Receipt | None:
        ticket = self.enter()
        self.decoded += 1
        if not good:
            self.gate.spoiled(self.key, BAD, self.now, ticket)
            return None
        return self.gate.admit(self.key, batch(events=events), idempotency_key=None, now=self.now, ticket=ticket)

    def refusal(self, events: int = 1) -> Refusal:
        with pytest.raises(Refusal) as caught:
            self.send(events)
        return caught.value


@pytest.fixture
def client(turned_door: Door, turned_circuits: Circuits, clock: Clock) -> Client:
    lanes = Lanes()
    gate = Gate(turned_door.admission, turned_circuits, lanes, processes=1)  # type: ignore[arg-type]  # A twin.
    return Client(gate, turned_door.key, clock, lanes)


def opened(client: Client) -> None:
    for _ in range(THRESHOLDS.minimum):
        client.send(good=False)


def test_a_circuit_known_to_be_open_is_refused_before_the_body(client: Client, clock: Clock) -> None:
    opened(client)
    clock.forward(seconds=1)

    refusal = client.refusal()

    assert (refusal.type, refusal.retry_after, refusal.tier) == (ProblemType.CIRCUIT_OPEN, 29, "standard")
    assert refusal.standing is not None
    assert client.decoded == THRESHOLDS.minimum


def test_each_refusal_is_an_exception_of_its_own(client: Client) -> None:
    opened(client)

    assert client.refusal() is not client.refusal()


def test_rubbish_is_not_decoded_again_before_the_circuit_asks(client: Client, clock: Clock) -> None:
    opened(client)
    for _ in range(29):
        clock.forward(seconds=1)
        client.refusal()

    assert client.decoded == THRESHOLDS.minimum


def test_of_those_who_come_when_it_asks_one_is_looked_at(client: Client, clock: Clock) -> None:
    opened(client)
    clock.forward(seconds=30)

    probe = client.enter()

    assert probe.token != 0
    assert client.refusal().type is ProblemType.CIRCUIT_OPEN
    clock.forward(seconds=LONGEST_S)
    client.gate.spoiled(client.key, BAD, client.now, probe)
    clock.forward(seconds=29)
    client.refusal()
    clock.forward(seconds=1)
    assert client.enter().token != 0


def test_good_probes_let_everybody_in_again(client: Client, clock: Clock) -> None:
    opened(client)
    clock.forward(seconds=30)

    for _ in range(THRESHOLDS.successes):
        client.send()

    assert client.enter() == NO_TICKET
    assert client.enter() == NO_TICKET


def test_a_circuit_closed_by_hand_holds_within_seconds(client: Client, clock: Clock, turned_circuits: Circuits) -> None:
    opened(client)
    client.refusal()

    turned_circuits.reset("acme", clock.now, by="operator")

    client.refusal()
    clock.forward(seconds=LONGEST_S)
    client.send()


def test_another_key_of_the_account_is_told_by_the_script(client: Client, keys: Keys, clock: Clock) -> None:
    """Only who has shown a valid key is told anything of its account."""
    opened(client)
    stranger = type(client.key)(client.key.account_id, client.key.key_id, "0" * 64)

    assert client.gate.enter(stranger, clock.now) == NO_TICKET
    with pytest.raises(Problem) as caught:
        client.gate.admit(stranger, batch(), idempotency_key=None, now=clock.now, ticket=NO_TICKET)
    assert caught.value.type is ProblemType.UNAUTHORIZED


def test_a_quota_that_is_used_up_is_refused_before_the_body_and_a_new_one_holds_within_seconds(
    client: Client, override: Any, clock: Clock
) -> None:
    override(daily_quota=10)
    client.send(events=10)
    client.refusal()
    decoded = client.decoded

    refusal = client.refusal()

    assert (refusal.limit, client.decoded) == ("daily_quota", decoded)
    override(daily_quota=20)
    clock.forward(seconds=LONGEST_S)
    client.send(events=10)


def test_a_quota_with_something_left_is_asked_again(client: Client, override: Any) -> None:
    override(daily_quota=10)
    client.send(events=5)
    client.refusal(events=6)

    client.send(events=5)


def test_a_clock_that_was_set_back_keeps_nobody_out(client: Client) -> None:
    opened(client)
    client.refusal()

    client.skew = timedelta(hours=-1)

    # The gate does not trust what it remembers of the future: it asks the script.
    assert client.refusal().retry_after == 30


@pytest.mark.parametrize("known", [True, False])
def test_under_overload_the_refused_lanes_are_refused(client: Client, *, known: bool) -> None:
    if known:
        client.send()
    client.lanes.refused = (Lane.LOW, Lane.NORMAL)
    decoded = client.decoded

    refusal = client.refusal()

    assert (refusal.type, refusal.limit) == (ProblemType.OVERLOADED, "queue")
    assert refusal.standing is not None
    assert client.decoded == decoded + (not known)


def test_under_overload_the_lanes_above_come_in(client: Client) -> None:
    client.lanes.refused = (Lane.LOW,)

    client.send()
    client.send()


def test_a_probe_that_turns_out_not_to_be_valid_is_given_back(
    client: Client, clock: Clock, keys: Keys, turned_circuits: Circuits
) -> None:
    opened(client)
    clock.forward(seconds=30)
    ticket = client.enter()
    keys.revoke(client.key.key_id, datetime.now(UTC))

    with pytest.raises(Problem):
        client.gate.admit(client.key, batch(), idempotency_key=None, now=client.now, ticket=ticket)

    seen = turned_circuits.enter("acme", clock.now)
    assert seen is not None
    assert seen.token != 0
    assert client.enter() == NO_TICKET


@pytest.mark.parametrize("kind", [ProblemType.OVERLOADED, ProblemType.IDEMPOTENCY_MISMATCH])
def test_what_is_not_the_batch_s_fault_is_no_bad_outcome(client: Client, kind: ProblemType) -> None:
    for _ in range(2 * THRESHOLDS.minimum):
        client.gate.spoiled(client.key, Problem(kind, "…"), client.now, client.enter())

    client.send()


def test_a_key_without_the_scope_is_no_bad_outcome(client: Client, keys: Keys) -> None:
    """Whoever has it may use up nothing of the account's, and not its patience either."""
    reader = presented(keys.create("acme", {Scope.SUMMARY_READ}, now=datetime.now(UTC)).text)
    for _ in range(THRESHOLDS.minimum):
        with pytest.raises(Refusal):
            client.gate.admit(reader, batch(), idempotency_key=None, now=client.now, ticket=NO_TICKET)

    client.send()


def test_a_batch_with_too_many_types_is_a_bad_outcome(client: Client) -> None:
    types = tuple(f"type-{number}" for number in range(1_001))
    for _ in range(THRESHOLDS.minimum):
        with pytest.raises(Refusal):
            client.gate.admit(
                client.key, batch(types=types), idempotency_key=None, now=client.now, ticket=client.enter()
            )

    assert client.refusal().type is ProblemType.CIRCUIT_OPEN


def test_those_who_wait_for_the_same_rate_come_back_one_after_another(client: Client, override: Any) -> None:
    override(events_per_minute=60_000, events_burst=1_000)
    client.send(events=1_000)

    waits = [client.refusal(events=500).retry_after or 0 for _ in range(40)]

    # Each for its own 500 ms, after those before it.
    assert waits == pytest.approx([0.5 * turn for turn in range(1, 41)])


def test_those_who_find_no_room_come_back_at_the_rate_of_their_account(client: Client, override: Any) -> None:
    """Else they would be let in together by the queue, and refused together by the limit."""
    override(events_per_minute=60_000, events_burst=1_000)
    client.send(events=500)
    client.lanes.refused = (Lane.NORMAL,)

    waits = [client.refusal(events=500).retry_after or 0 for _ in range(40)]

    assert waits == pytest.approx([5 + 0.5 * turn for turn in range(40)])


def test_those_who_find_no_room_wait_for_each_other_and_for_those_whose_limit_refused_them(
    client: Client, override: Any
) -> None:
    override(events_per_minute=60_000, events_burst=1_000)
    client.send(events=1_000)
    for _ in range(9):
        client.refusal(events=1_000)

    client.lanes.refused = (Lane.NORMAL,)

    assert client.refusal().retry_after == pytest.approx(10)
