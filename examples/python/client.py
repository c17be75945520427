"""The official Python SDK (mcp 2): makes a video, and waits for it as long as it takes."""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters

OPEN = {"queued", "submitting", "generating"}


async def make_video(prompt: str) -> dict:
    # The keys have to be among the variables given here.
    server = StdioServerParameters(command="npx", args=["-y", "jimeng-video-mcp"], env=dict(os.environ))
    async with Client(server) as client:
        # Returns within 45 s. A video takes longer, and goes on.
        answer = await client.call_tool("generate_video", {"prompt": prompt, "max_cost_cny": 2})
        report = answer.structured_content
        while report["status"] in OPEN:
            answer = await client.call_tool("get_video_task", {"task_id": report["task_id"]})
            report = answer.structured_content
        return report


if __name__ == "__main__":
    result = asyncio.run(make_video(" ".join(sys.argv[1:]) or "A paper boat on a pond at dawn"))
    print(result["video"]["path"] if result["status"] == "done" else f"{result['message']} {result['next_step']}")
