-- Whoever an event may name that is about these accounts.
SELECT account_id FROM app.account WHERE account_id = ANY (%(accounts)s::uuid[])
UNION ALL
SELECT profile_id FROM app.profile WHERE account_id = ANY (%(accounts)s::uuid[])
UNION ALL
SELECT device_id FROM app.device WHERE account_id = ANY (%(accounts)s::uuid[])
