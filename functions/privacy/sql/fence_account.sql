-- Whoever holds the account's row may be waiting for the fence: it is not waited for.
WITH taken AS (
    SELECT account_id FROM app.account WHERE account_id = %(account)s FOR NO KEY UPDATE NOWAIT
)
UPDATE app.account SET state = 'fenced' FROM taken WHERE taken.account_id = account.account_id
