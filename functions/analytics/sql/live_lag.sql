-- Shards that were closed stay in the table for ever; what moved lately is alive.
SELECT max(updated_at), min(updated_at),
       max(extract(epoch FROM updated_at - arrived_at))::float8
  FROM analytics.shard_watermark
 WHERE updated_at > %(since)s
