-- Accounts and what hangs on them.
--
-- Every table has a NOT NULL path of foreign keys to app.account, so that an erasure finds every
-- row of a person. No foreign key cascades: who deletes an account says what becomes of each child.
-- Ids are random and never used twice, and no grant lets a row change its id or its owner.

SET LOCAL ROLE app_owner;

CREATE TABLE app.account (
    account_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email      text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 320),
    country    char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'fenced'))
);
CREATE UNIQUE INDEX account_email_key ON app.account (lower(email));
COMMENT ON TABLE app.account IS 'One customer: the root of every foreign-key path. Personal.';
COMMENT ON COLUMN app.account.state IS 'fenced: an erasure has begun. The service cannot set it.';

CREATE TABLE app.profile (
    profile_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES app.account,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
    language   text NOT NULL DEFAULT 'en' CHECK (language ~ '^[a-z]{2}$'),
    is_kids    boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX profile_account_id_idx ON app.profile (account_id);
COMMENT ON TABLE app.profile IS 'A person of the household who watches. Personal.';

CREATE TABLE app.device (
    device_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id    uuid NOT NULL REFERENCES app.account,
    kind          text NOT NULL
                  CHECK (kind IN ('tv', 'mobile', 'tablet', 'web', 'console', 'stick')),
    label         text NOT NULL DEFAULT '' CHECK (char_length(label) <= 64),
    registered_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now()
)
-- last_seen_at moves at every visit and no index holds it: room for updates within the page.
WITH (fillfactor = 85);
CREATE INDEX device_account_id_idx ON app.device (account_id);
COMMENT ON TABLE app.device IS 'A device that an account has registered. Personal.';

CREATE TABLE app.watch_history (
    profile_id uuid NOT NULL REFERENCES app.profile,
    session_id uuid NOT NULL,
    -- No foreign key: an event may name a title that has left the catalogue.
    title_id   text NOT NULL CHECK (title_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    stopped_at timestamptz NOT NULL,
    position_s int NOT NULL CHECK (position_s >= 0),
    watched_s  int NOT NULL CHECK (watched_s >= 0),
    device     text NOT NULL CHECK (device ~ '^[a-z]{1,16}$'),
    PRIMARY KEY (profile_id, session_id)
);
COMMENT ON TABLE app.watch_history IS
    'Where a profile stopped in a title, one row per session; written by analytics. Personal.';

CREATE TABLE app.rating (
    profile_id uuid NOT NULL REFERENCES app.profile,
    title_id   text NOT NULL REFERENCES catalog.title,
    stars      smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    rated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (profile_id, title_id)
);
CREATE INDEX rating_title_id_idx ON app.rating (title_id);
COMMENT ON TABLE app.rating IS 'What a profile thinks of a title. Personal.';

CREATE TABLE app.invoice (
    invoice_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id   uuid NOT NULL REFERENCES app.account,
    issued_on    date NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
    vat_cents    bigint NOT NULL CHECK (vat_cents BETWEEN 0 AND amount_cents),
    currency     char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'void'))
);
CREATE INDEX invoice_account_id_idx ON app.invoice (account_id);
COMMENT ON TABLE app.invoice IS 'An invoice; tax law decides how long it stays. Personal.';

GRANT USAGE ON SCHEMA app TO app_rw;

GRANT SELECT, INSERT (account_id, email, country, created_at), UPDATE (email, country)
    ON app.account TO app_rw;
GRANT SELECT, INSERT, DELETE, UPDATE (name, language, is_kids) ON app.profile TO app_rw;
GRANT SELECT, INSERT, DELETE, UPDATE (label, last_seen_at) ON app.device TO app_rw;
GRANT SELECT, DELETE ON app.watch_history TO app_rw;
GRANT SELECT, INSERT, DELETE, UPDATE (stars, rated_at) ON app.rating TO app_rw;
GRANT SELECT, INSERT, UPDATE (state) ON app.invoice TO app_rw;
