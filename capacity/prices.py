"""List prices in US dollars, without tax, discounts and free tiers.

Those of eu-central-1 are from memory and could not be looked up: AWS's pages fill their tables by
script. They are the likely ones, and the same as in registers/costs.yaml. The low ones are those of
us-east-1, which were found in print: the region is never cheaper. The high ones are a quarter more
than the likely ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.ranges import Range

DATE: Final = "2026-11-30"
DOUBT: Final = 1.25
HOURS_PER_MONTH: Final = 730
SECONDS_PER_MONTH: Final = HOURS_PER_MONTH * 3600


@dataclass(frozen=True, slots=True)
class Price:
    unit: str
    low: float
    likely: float
    source: str
    """Where the low price was read; or that it was not."""

    @property
    def range(self) -> Range:
        return Range(self.low, self.likely, self.likely * DOUBT)


_KINESIS: Final = "awsnegotiations.com/kinesis-pricing-optimization.html, May 2026"
_UNREAD: Final = "from memory; nothing in print was found"

PRICES: Final = {
    "shard_hour": Price("shard and hour", 0.015, 0.018, _KINESIS),
    "put_units_million": Price("million units of 25 KB put", 0.014, 0.0168, _KINESIS),
    "retention_shard_hour": Price("shard and hour, kept 24 h to 7 days", 0.020, 0.024, _KINESIS),
    "on_demand_hour": Price("stream and hour", 0.040, 0.048, _UNREAD),
    # Sources differ: some print half of it. Half is the low bound.
    "on_demand_in_gb": Price("GB written, each record rounded up to 1 KB", 0.040, 0.095, _KINESIS),
    "on_demand_out_gb": Price("GB read", 0.040, 0.048, _UNREAD),
    "on_demand_kept_gb": Price("GB and month, kept 24 h to 7 days", 0.10, 0.12, _UNREAD),
    "lambda_gb_second": Price(
        "GB-second, arm64",
        0.0000120001,
        0.0000133334,
        "cloudchipr.com/blog/aws-lambda-pricing, 2024",
    ),
    "lambda_million": Price("million invocations", 0.20, 0.20, _UNREAD),
    "db.serverless": Price(
        "ACU-hour", 0.12, 0.14, "c3x.dev/blog/aws-aurora-serverless-v2-cost, pinpole.cloud, 2026"
    ),
    "aurora_io_million": Price(
        "million I/O", 0.20, 0.22, "aws/agent-toolkit-for-aws io_optimized_analyzer.py, 2026"
    ),
    "cache.r7g.xlarge": Price("node and hour", 0.437, 0.523, _UNREAD),
    "endpoint_hour": Price(
        "interface endpoint, zone and hour", 0.010, 0.012, "zacfukuda.com, June 2026"
    ),
    # Beyond a petabyte a month it falls to 0.006, beyond five to 0.004.
    "endpoint_gb": Price(
        "GB through an interface endpoint", 0.004, 0.012, "zacfukuda.com, June 2026"
    ),
    "zone_gb": Price("GB between zones, both ways", 0.020, 0.020, _UNREAD),
    "logs_gb": Price("GB of logs taken in", 0.50, 0.63, _UNREAD),
    "api_million": Price("million calls of the REST API", 1.51, 2.60, _UNREAD),
}
