-- Whoever an event may name that is about this account.
SELECT account_id FROM app.account WHERE account_id = %(account)s
UNION ALL
SELECT profile_id FROM app.profile WHERE account_id = %(account)s
UNION ALL
SELECT device_id FROM app.device WHERE account_id = %(account)s
