-- One scan of one minute, and of what is not added to it yet: sums, and those of its titles,
-- countries and devices.
SELECT kind, name, plays, watched_s, rebuffer_ms, errors
  FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY watched_s DESC, name) AS place
          FROM (SELECT CASE grouping(title_id, country, device)
                       WHEN 3 THEN 'title' WHEN 5 THEN 'country' WHEN 6 THEN 'device'
                       ELSE 'total' END AS kind,
                       coalesce(title_id, country::text, device, '') AS name,
                       coalesce(sum(plays), 0)::bigint       AS plays,
                       coalesce(sum(watched_s), 0)::bigint   AS watched_s,
                       coalesce(sum(rebuffer_ms), 0)::bigint AS rebuffer_ms,
                       coalesce(sum(errors), 0)::bigint      AS errors
                  FROM (SELECT title_id, country, device, plays, watched_s, rebuffer_ms, errors
                          FROM analytics.title_minute
                         WHERE minute = %(minute)s
                         UNION ALL
                        SELECT title_id, country, device, plays, watched_s, rebuffer_ms, errors
                          FROM analytics.title_deltas()
                         WHERE minute = %(minute)s) AS part
                 GROUP BY GROUPING SETS ((), (title_id), (country), (device))) AS grouped
       ) AS ranked
 WHERE place <= %(most)s
 ORDER BY kind, place
