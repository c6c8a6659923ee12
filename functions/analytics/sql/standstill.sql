-- A table without rows has stood still since 1970.
SELECT to_char(newest AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       extract(epoch FROM clock_timestamp() - newest)
  FROM (SELECT coalesce(max(updated_at), 'epoch') AS newest
          FROM analytics.shard_watermark
         WHERE stream = %(stream)s) AS mark
