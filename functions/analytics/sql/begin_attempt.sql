-- No row comes back for a record that was counted before: there is nothing to attempt.
INSERT INTO analytics.attempt AS attempt (stream, shard, sequence, begun)
SELECT %(stream)s, %(shard)s, %(sequence)s, 1
 WHERE NOT EXISTS (
       SELECT FROM analytics.shard_watermark AS mark
        WHERE mark.stream = %(stream)s AND mark.shard = %(shard)s
          AND mark.sequence >= %(sequence)s)
ON CONFLICT (stream, shard, sequence) DO UPDATE SET begun = attempt.begun + 1
RETURNING begun
