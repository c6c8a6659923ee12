-- Indexes and constraints that PostgreSQL does not vouch for.
SELECT indexrelid::regclass::text FROM pg_catalog.pg_index WHERE NOT indisvalid OR NOT indisready
UNION ALL
SELECT conrelid::regclass::text || ' ' || conname FROM pg_catalog.pg_constraint WHERE NOT convalidated
 ORDER BY 1
