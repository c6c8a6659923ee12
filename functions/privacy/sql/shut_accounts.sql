-- Whose erasure is repeated in a restored copy: nobody adds to them while it is under way.
UPDATE app.account SET state = 'fenced'
 WHERE account_id = ANY (%(accounts)s::uuid[]) AND state <> 'fenced'
