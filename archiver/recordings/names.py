"""The names that go into a sidecar, resolved while they can be."""

from archiver.liner.models import Call, Recording
from archiver.liner.names import Directory
from archiver.recordings.sidecar import Names, attribution


async def names_of(call: Call, recording: Recording, directory: Directory) -> Names:
    """Names for the ids of a recording and its call; SourceError when the API is gone."""
    return Names(
        user_name=await directory.user_name(attribution(call, recording).user_id),
        order_title=directory.order_title(call.order_id),
        status_code=directory.status_code(call.status_id),
    )
