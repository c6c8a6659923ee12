-- Every foreign key, a row per column; those of more than one column say how many there are.
SELECT child_schema.nspname || '.' || child.relname, child_column.attname::text,
       parent_schema.nspname || '.' || parent.relname, parent_column.attname::text,
       cardinality(key.conkey)
  FROM pg_catalog.pg_constraint AS key
 CROSS JOIN LATERAL unnest(key.conkey, key.confkey) AS pair (child_number, parent_number)
  JOIN pg_catalog.pg_class AS child ON child.oid = key.conrelid
  JOIN pg_catalog.pg_namespace AS child_schema ON child_schema.oid = child.relnamespace
  JOIN pg_catalog.pg_class AS parent ON parent.oid = key.confrelid
  JOIN pg_catalog.pg_namespace AS parent_schema ON parent_schema.oid = parent.relnamespace
  JOIN pg_catalog.pg_attribute AS child_column
    ON child_column.attrelid = child.oid AND child_column.attnum = pair.child_number
  JOIN pg_catalog.pg_attribute AS parent_column
    ON parent_column.attrelid = parent.oid AND parent_column.attnum = pair.parent_number
 WHERE key.contype = 'f'
