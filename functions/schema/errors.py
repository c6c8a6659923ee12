"""What can go wrong with the schema, in an operator's words.

CloudFormation shows message and docstring to everybody who may look at the stack: neither carries
a secret or a value out of a row.
"""

from __future__ import annotations

from streamflix.errors import Permanent, Retryable


class PackageDiffers(Permanent):
    """The template names other migrations than this package holds: somebody changed a migration
    and not stacks/schema.yaml. Run `python -m account migrations-sha --write`, build and deploy."""


class BadPackage(Permanent):
    """The migrations of this package are no history; nothing was tried. Correct them, build and
    deploy."""


class HistoryDiffers(Permanent):
    """The database was migrated with other files than this package holds. Bring the files back as
    they were, put the change into a new migration, build and deploy."""


class BadCopy(Permanent):
    """The event names no copy of the database; nothing was tried. Start the restore workflow, not
    the function."""


class SchemaBlocked(Retryable):
    """Somebody held a lock for too long: another deploy, or a long transaction on a table that is
    to change. What was begun is rolled back; end the other transaction and deploy again."""


class SchemaRefused(Permanent):
    """PostgreSQL refused a statement; its transaction is rolled back, what was committed before
    stays. Read the SQLSTATE, correct the migration, build and deploy."""


class BadLogin(Permanent):
    """A login cannot be made from its secret. Correct the secret's value, then deploy again."""


class BookUnchanged(Retryable):
    """Parameter Store did not put the epoch into the address book, or did not take it out. The
    database is as it should be; deploy again when Parameter Store answers and the function's role
    may. What a stack has left there that is gone, `make destroy` removes."""
