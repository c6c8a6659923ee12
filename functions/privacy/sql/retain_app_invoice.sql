-- {condition} names the invoices; what tax law wants of them stays, without whose they were.
WITH gone AS (
    DELETE FROM app.invoice WHERE {condition}
    RETURNING account_id, issued_on, amount_cents, vat_cents, currency, state
)
INSERT INTO privacy.retained_invoice
       (issued_on, country, amount_cents, vat_cents, currency, state, expires_at)
SELECT gone.issued_on, account.country, gone.amount_cents, gone.vat_cents, gone.currency,
       gone.state, make_date(extract(year FROM gone.issued_on)::int + 1 + %(years)s, 1, 1)
  FROM gone
  JOIN app.account AS account USING (account_id)
