"""A storage against a plain dictionary: whatever is done to both, they give the same answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis.strategies as st
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from archiver.errors import KeyChanged, KeyExists, KeyMissing
from archiver.storage.base import ByteRange, Storage
from tests.storage.suite import body, content, keys

KEYS = st.sampled_from(
    [f"{lead}/{call}/1.{end}" for lead in (1, 10, 2) for call in (3, 30) for end in ("mp3", "json")]
)
DATA = st.binary(max_size=64) | st.integers(0, 255).map(lambda byte: bytes([byte]) * 100_000)
NOT_AS_READ = (KeyMissing, KeyChanged)
"""What replacing an object that is gone may end with: servers do not agree which it is."""
PREFIXES = st.sampled_from(["", "1", "1/", "1/3", "1/3/1.m", "10/", "2/30/1.json", "3"])


class StorageMachine(RuleBasedStateMachine):
    """The six verbs in any order. Made by `agrees_with_a_dictionary`, which sets the storage."""

    storage: Storage
    portal: BlockingPortal
    tags = Bundle("tags")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, bytes] = {}
        self.newest: dict[str, str] = {}

    @rule(target=tags, key=KEYS, data=DATA)
    def put(self, key: str, data: bytes) -> str:
        with self.raises_when(KeyExists, key in self.model):
            self.newest[key] = self.portal.call(self.storage.put, key, body(data)).tag
            self.model[key] = data
        return self.newest[key]

    @rule(target=tags, key=KEYS, data=DATA)
    def replace_the_newest(self, key: str, data: bytes) -> str:
        tag = self.newest.get(key, "none")
        with self.raises_when(NOT_AS_READ, key not in self.model):
            self.newest[key] = self.portal.call(self.replacing, key, data, tag)
            self.model[key] = data
        return self.newest.get(key, "none")

    @rule(key=KEYS, data=DATA, tag=tags)
    def replace_what_was_there_once(self, key: str, data: bytes, tag: str) -> None:
        if tag == self.newest.get(key):
            return
        with self.raises_when(KeyChanged if key in self.model else NOT_AS_READ, True):
            self.portal.call(self.replacing, key, data, tag)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        with self.raises_when(KeyMissing, key not in self.model):
            self.portal.call(self.storage.delete, key)
            del self.model[key], self.newest[key]

    @rule(key=KEYS, first=st.integers(0, 70), size=st.integers(1, 200_000))
    def read_a_range(self, key: str, first: int, size: int) -> None:
        data = self.model.get(key, b"")
        if first >= len(data):
            return
        span = ByteRange(first, min(first + size, len(data)))
        assert self.portal.call(content, self.storage, key, span) == data[span.start : span.stop]

    @rule(key=KEYS)
    def read_and_look(self, key: str) -> None:
        with self.raises_when(KeyMissing, key not in self.model):
            info = self.portal.call(self.storage.stat, key)
            assert (info.size, info.tag) == (len(self.model[key]), self.newest[key])
            assert self.portal.call(content, self.storage, key) == self.model[key]

    @rule(prefix=PREFIXES)
    def list(self, prefix: str) -> None:
        expected = sorted(key for key in self.model if key.startswith(prefix))
        assert self.portal.call(keys, self.storage, prefix) == expected

    def teardown(self) -> None:
        self.list("")
        for key in list(self.model):
            self.portal.call(self.storage.delete, key)
        assert self.portal.call(keys, self.storage) == []

    async def replacing(self, key: str, data: bytes, tag: str) -> str:
        return (await self.storage.put(key, body(data), replacing=tag)).tag

    @contextmanager
    def raises_when(
        self, error: type[Exception] | tuple[type[Exception], ...], is_due: bool
    ) -> Iterator[None]:
        """The block raises that error, and changes nothing, just when it is due."""
        raised = False
        try:
            yield
        except error:
            raised = True
        assert raised == is_due


def agrees_with_a_dictionary(storage: Storage, *, examples: int, steps: int) -> None:
    """Hypothesis finds no order of operations in which the two differ. Leaves the storage empty."""
    with start_blocking_portal() as portal:
        machine = type("Machine", (StorageMachine,), {"storage": storage, "portal": portal})
        calm = settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True
        )
        run_state_machine_as_test(machine, settings=calm)
        portal.call(storage.aclose)
