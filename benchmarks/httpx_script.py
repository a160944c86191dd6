"""A straightforward script with httpx: `python -m benchmarks.httpx_script URL FOLDER`.

httpx as in its documentation, a semaphore, a file, a digest and a JSON file for each recording. No
retries, no verification of what arrived, no syncs, no ledger, no way to continue later.
"""

import asyncio
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import httpx

AT_ONCE = 16
ORDER = 202


async def list_calls(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    while True:
        params: dict[str, str | int] = {"orderIds[]": ORDER, "offset": len(calls), "limit": 100}
        answer = await client.get("/v2/call/", params=params)
        answer.raise_for_status()
        data = answer.json()["data"]
        calls += data["list"]
        if not data["list"] or len(calls) >= data["total"]:
            return calls


async def fetch_call(client: httpx.AsyncClient, call: dict[str, Any], folder: Path) -> None:
    params = {"callId": call["id"], "offset": 0, "limit": 100}
    answer = await client.get("/v2/call-record/", params=params)
    answer.raise_for_status()
    for record in answer.json()["data"]["list"]:
        path = folder / str(record["leadId"]) / str(call["id"]) / f"{record['id']}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        async with client.stream("GET", record["fileUrl"]) as response:
            response.raise_for_status()
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    digest.update(chunk)
                    file.write(chunk)
        sidecar = {
            "recordId": record["id"],
            "callId": call["id"],
            "durationSeconds": record["durationSeconds"],
            "recordSummary": record["recordSummary"],
            "call": call,
            "record": record,
            "sha256": digest.hexdigest(),
        }
        path.with_suffix(".json").write_text(json.dumps(sidecar, indent=2))


async def main(url: str, folder: Path) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    headers = {"X-Api-Key": "benchmark"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:

        async def one(call: dict[str, Any]) -> None:
            async with gate:
                await fetch_call(client, call, folder)

        await asyncio.gather(*(one(call) for call in await list_calls(client)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
