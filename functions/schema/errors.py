"""What can go wrong with the schema, in an operator's words.

Every message may be shown by CloudFormation, so none carries a value of the database or a secret.
"""

from streamflix.errors import Permanent, Retryable


class PackageDiffers(Permanent):
    """The template names other migrations than the package holds.

    Somebody changed a migration and left stacks/schema.yaml as it was: run
    `python -m account migrations-sha --write`, build and deploy again.
    """


class HistoryDiffers(Permanent):
    """The database was migrated with other files than this package holds.

    A migration was edited, renamed or removed after it was applied. Bring the files back as they
    were and put the change into a new migration.
    """


class MigrationFailed(Permanent):
    """PostgreSQL refused a migration. It was rolled back; the ones before it stay applied."""


class MigrationBlocked(Retryable):
    """A migration waited too long for a lock that somebody else holds. Nothing was changed."""


class BadPackage(Permanent):
    """The migrations of this package do not form a history. Nothing was tried."""


class BadLogin(Permanent):
    """A login cannot be made from its secret, or is not ours to make."""


class BadRequest(Permanent):
    """This is no request that CloudFormation sends for `Custom::DatabaseSchema`."""
