"""The roles that a new cluster has on RDS, and nothing that RDS would not give."""

from __future__ import annotations

from psycopg2 import extensions, sql

from local.postgres import REPLICATOR

# What RDS predefines, so that a migration that grants them runs here as it runs there.
PREDEFINED = ("rds_superuser", "rds_iam", "rds_password", "rds_replication")

# What RDS's rds_superuser may do and pass on. It is no superuser: no files, no programs. It is no
# member of rds_iam: whoever is one logs in with tokens only, and master has a password.
SUPERUSER_MAY = (
    "pg_monitor",
    "pg_signal_backend",
    "pg_checkpoint",
    "pg_create_subscription",
    "rds_password",
    "rds_replication",
)


def found(
    connection: extensions.connection, master: str, password: str, replicator_password: str
) -> None:
    """Create the roles of a new cluster: RDS's own, and the master user as RDS makes it."""
    with connection.cursor() as cursor:
        for role in PREDEFINED:
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        for role in SUPERUSER_MAY:
            cursor.execute(
                sql.SQL("GRANT {} TO rds_superuser WITH ADMIN OPTION").format(sql.Identifier(role))
            )
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN REPLICATION").format(sql.Identifier(REPLICATOR))
        )
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB").format(sql.Identifier(master))
        )
        cursor.execute(
            sql.SQL("GRANT rds_superuser TO {} WITH ADMIN OPTION").format(sql.Identifier(master))
        )
        # RDS lets master pass rds_iam on without holding it; this is as near as PostgreSQL comes.
        cursor.execute(
            sql.SQL("GRANT rds_iam TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE").format(
                sql.Identifier(master)
            )
        )
        cursor.execute(
            sql.SQL("ALTER DATABASE postgres OWNER TO {}").format(sql.Identifier(master))
        )
    set_password(connection, REPLICATOR, replicator_password)
    set_password(connection, master, password)


def create_database(connection: extensions.connection, name: str, owner: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
        )


def set_password(connection: extensions.connection, role: str, password: str) -> None:
    """Change a role's password; the server gets the SCRAM verifier only, never the password."""
    verifier = extensions.encrypt_password(
        password, role, scope=connection, algorithm="scram-sha-256"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
        )
