"""The section `retention` of archive.yaml: how long recordings are kept, by class."""

import re
from datetime import timedelta

from archiver.config.document import Section
from archiver.config.files import read_ids
from archiver.config.places import Place
from archiver.config.scalars import length, word
from archiver.config.values import RetentionConfig, RetentionRule
from archiver.text.measures import parse_id

_TAG = word(r"[^,#]{1,40}", "a tag of the desk, without # and comma")
_STATUS = word(r"[A-Za-z0-9_-]{1,64}", "the id or the code of a status, such as 3 or answered")
_CONDITIONS = ("orders", "leads", "tags", "statuses")


def retention(section: Section, place: Place) -> RetentionConfig:
    """The section as a whole."""
    rules = tuple(_rule(one, place) for one in section.sections("rules"))
    return RetentionConfig(keep=section.value("keep", length, None), rules=rules)


def _rule(section: Section, place: Place) -> RetentionRule:
    if not section.has("keep"):
        section.refuse("keep", "is missing", "set how long these recordings are kept: 5y")
    if not any(section.has(name) for name in _CONDITIONS):
        section.refuse(
            "keep", "applies to nothing", "set orders, leads, tags or statuses beside it"
        )
    return RetentionRule(
        keep=section.value("keep", length, timedelta()),
        orders=section.values("orders", parse_id, ()),
        leads=_leads(section, place),
        tags=tuple(one.casefold() for one in section.values("tags", _TAG, ())),
        statuses=tuple(one.casefold() for one in section.values("statuses", _STATUS, ())),
    )


def _leads(section: Section, place: Place) -> tuple[int, ...]:
    """Ids, or those in a file with one a line."""
    written = section.written("leads")
    if written is None or re.fullmatch(r"-?[0-9]+", written):
        return section.values("leads", parse_id, ())
    name = section.full("leads")
    return section.value("leads", lambda text: read_ids(place.path(text), name), ())
