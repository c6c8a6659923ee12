-- Who may log in and is neither master nor one of AWS's own, whose names are reserved.
SELECT rolname
  FROM pg_catalog.pg_roles
 WHERE rolcanlogin AND rolname <> session_user AND rolname !~ '^(rds|pg_)'
 ORDER BY rolname
