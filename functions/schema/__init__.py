"""Room: the database's schema, roles and logins, applied by CloudFormation."""
