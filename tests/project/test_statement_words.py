"""Each word of the data that a statement shows has a name in every language.

A new act, finding, state or scope belongs into `archiver/statement/locale/en.json` and `ru.json`.
"""

from datetime import UTC

import pytest

from archiver.catalog.states import CallState
from archiver.monitoring.verifications import SCOPES
from archiver.reasons import Reason
from archiver.retention.acts import Did
from archiver.sound.figures import SOUND_FINDINGS
from archiver.statement.calendar import DayState
from archiver.statement.speech import Speech
from archiver.text.messages import LANGUAGES
from archiver.verify import findings

FINDINGS = {
    one.name
    for one in vars(findings).values()
    if isinstance(one, type) and issubclass(one, findings.Finding) and one.name
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_data_has_a_name(language: str) -> None:
    say = Speech(language, UTC).say
    wanted = {
        *(f"day.{one}" for one in DayState),
        *(f"state.{one}" for one in CallState),
        *(f"did.{one}" for one in Did),
        *(f"scope.{one}" for one in SCOPES),
        *(f"finding.{one}" for one in (*SOUND_FINDINGS, *FINDINGS)),
    }
    assert [one for one in sorted(wanted) if not say.has(one)] == []
    assert all(Speech(language, UTC).reason(one) for one in Reason)
