-- Places where values of rows can be kept outside of tables: extended statistics, large objects.
SELECT 'statistics ' || namespace.nspname || '.' || statistic.stxname
  FROM pg_catalog.pg_statistic_ext AS statistic
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = statistic.stxnamespace
UNION ALL
SELECT 'large objects' WHERE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
