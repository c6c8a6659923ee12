"""What Lambda passes beside the event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Context:
    """Lambda's context, with as much time as a test grants."""

    milliseconds: int = 20_000
    function_name: str = "streamflix-analytics-consume-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:000000000000:function:f"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds
