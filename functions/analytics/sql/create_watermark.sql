-- A shard's first batch. Kinesis numbers no record 0.
INSERT INTO analytics.shard_watermark (stream, shard, sequence)
VALUES (%(stream)s, %(shard)s, 0)
ON CONFLICT (stream, shard) DO NOTHING
