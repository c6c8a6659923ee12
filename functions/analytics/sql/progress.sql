-- Attempts above the watermark only: those below it were counted in the end.
SELECT shard, coalesce(max(watermark), 0), coalesce(max(begun), 0)
  FROM (SELECT shard, sequence AS watermark, NULL::numeric AS begun
          FROM analytics.shard_watermark
         WHERE stream = %(stream)s
         UNION ALL
        SELECT attempt.shard, NULL, attempt.sequence
          FROM analytics.attempt AS attempt
          LEFT JOIN analytics.shard_watermark AS mark USING (stream, shard)
         WHERE stream = %(stream)s
           AND attempt.sequence > coalesce(mark.sequence, 0)) AS place
 GROUP BY shard
