-- Tables that were analysed while the erasure was under way: rows of the person were still there.
SELECT schemaname || '.' || relname
  FROM pg_catalog.pg_stat_user_tables
 WHERE schemaname || '.' || relname = ANY (%(tables)s)
   AND greatest(last_analyze, last_autoanalyze) >=
       (SELECT min(begun_at) FROM privacy.erasure WHERE request_id = %(request)s)
