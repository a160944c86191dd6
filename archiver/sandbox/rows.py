"""Rows of every list, with every member that the API documentation shows. Pure."""

from collections.abc import Mapping
from typing import Any

from archiver.sandbox.exchange import Row
from archiver.sandbox.model import ABSENT, Call, Lead, Order, Recording, Status, User, moment


def call_row(call: Call, statuses: Mapping[int, Status], has_records: bool) -> Row:
    """The row of a call with every member that the documentation shows anywhere."""
    status_id = next((each.id for each in statuses.values() if each.code == call.status), None)
    row = {
        "id": call.id,
        "sipEndpointId": 456,
        "finishInitiator": call.finish_initiator,
        "direction": call.direction,
        "leadId": call.lead_id,
        "userId": call.user_id,
        "orderId": call.order_id,
        "statusId": status_id,
        "statusCode": call.status,
        "totalDurationSeconds": call.wait + call.talk,
        "waitTimeDurationSeconds": call.wait,
        "talkTimeDurationSeconds": call.talk,
        "isPredictive": False,
        "clientPhone": call.phone,
        "hasRecords": has_records,
        "createdAt": moment(call.created_at),
    }
    return _adjusted(row, call.fields)


def recording_row(recording: Recording) -> Row:
    """A row of `/v2/call-record/` and its detail; `fileUrl` is still a template."""
    seconds = recording.audio.seconds if recording.duration is None else recording.duration
    row = {
        "id": recording.id,
        "userId": recording.user_id,
        "leadId": recording.lead_id,
        "isTransfer": recording.is_transfer,
        "durationSeconds": round(seconds),
        "fileUrl": recording.file_url,
        "recordSummary": recording.summary,
        "createdAt": moment(recording.created_at),
    }
    return _adjusted(row, recording.fields)


def order_row(order: Order) -> Row:
    """A row of `/v2/order/`."""
    row = {
        "id": order.id,
        "code": f"order-{order.id}",
        "serviceTitle": f"{order.title} (internal)",
        "title": order.title,
        "callSchedule": [["09:00", "18:00"]],
        "callHolidayOverrides": [],
        "autoDialingEnabled": not order.archived,
        "predictiveModeEnabled": False,
        "aiModeEnabled": False,
        "standaloneAiModeEnabled": False,
        "aiModePrompt": "",
        "aiModeFirstPhrase": "",
        "aiDefaultLanguage": "gb",
        "amdDetectionEnabled": False,
        "callRecordRule": "client_is_connected",
        "callCenterPhone": "+74950000000",
        "additionalCallCenterPhones": [],
        "sipEndpointUsageScheme": "random_default",
        "agentUserIds": [],
    }
    return _adjusted(row, order.fields)


def order_v1_row(order: Order) -> Row:
    """A row of `/v1/order/list/`."""
    row = {
        "id": order.id,
        "title": order.title,
        "code": f"order-{order.id}",
        "callsAllowed": True,
    }
    return _adjusted(row, order.fields)


def user_row(user: User) -> Row:
    """A row of `/v2/user/list/` and the data of `/v2/user/detail/`."""
    row = {
        "id": user.id,
        "name": user.name,
        "lastName": user.last_name,
        "secondName": None,
        "email": f"agent{user.id}@example.com",
        "isActive": user.active,
        "accessGroup": "call-center",
        "webRtcEnabled": True,
        "interfaceLanguageCode": "gb",
        "languageSkillCodes": ["gb"],
        "autoAnswer": 0,
        "phoneMode": "webrtc",
        "avatarUrl": None,
        "telegramNotificationsEnabled": False,
        "telegramChatId": None,
        "telegramNotificationsType": None,
        "emailNotificationsEnabled": False,
        "emailNotificationsType": None,
        "lastLoginAt": "2026-11-02T08:55:00Z",
        "lastActivityAt": "2026-11-03T15:00:00Z",
        "createdAt": "2026-01-12T10:00:00Z",
    }
    return _adjusted(row, user.fields)


def status_row(status: Status) -> Row:
    """A row of `/v2/call-status/`."""
    row = {
        "id": status.id,
        "code": status.code,
        "title": status.title or status.code,
        "description": "",
        "sort": status.id * 10,
        "commentRequired": False,
        "isAvailableForAi": False,
        "planningTimeRequired": status.code == "call-back",
        "isSystem": status.code == "answered",
        "agentCallAvailability": "always",
        "leadStatusCode": None,
    }
    return _adjusted(row, status.fields)


def lead_row(lead: Lead) -> Row:
    """The data of `/v2/lead/detail/`; rows of `/v2/lead/` are assumed to be the same."""
    texts = ("sourceComment", "ip", "externalIdBitrix24", "externalIdAmo", "externalIdMacro")
    more = ("externalIdDomoplaner", "vkId", "instagramLogin", "telegramUserName", "telegramPhone")
    row: Row = {
        **dict.fromkeys((*texts, *more), ""),
        "id": lead.id,
        "name": lead.name,
        "phone": lead.phone,
        "statusId": 1,
        "leadType": "straight",
        "createMethod": "api",
        "isSecondary": False,
        "planningCallDateTime": moment(lead.created_at),
        "priority": 0,
        "utcOffset": 3,
        "createdAt": moment(lead.created_at),
        "updatedAt": moment(lead.created_at),
        "orderId": lead.order_id,
        "orderCode": f"order-{lead.order_id}",
        "customValues": {},
    }
    return _adjusted(row, lead.fields)


def _adjusted(row: Row, fields: Mapping[str, Any]) -> Row:
    if not fields:
        return row
    return {name: value for name, value in (row | {**fields}).items() if value is not ABSENT}
