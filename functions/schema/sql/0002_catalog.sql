-- The content catalogue.

SET LOCAL ROLE catalog_owner;

CREATE TABLE catalog.title (
    title_id    text PRIMARY KEY CHECK (title_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    kind        text NOT NULL CHECK (kind IN ('film', 'series', 'episode')),
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 300),
    genre       text NOT NULL CHECK (char_length(genre) BETWEEN 1 AND 40),
    duration_s  int NOT NULL CHECK (duration_s > 0),
    released_on date,
    added_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE catalog.title IS 'One row per title that can be played. Public.';

GRANT USAGE ON SCHEMA catalog TO app_rw;
GRANT SELECT, INSERT, DELETE ON catalog.title TO app_rw;
GRANT UPDATE (kind, name, genre, duration_s, released_on) ON catalog.title TO app_rw;

-- A rating points at a title.
GRANT USAGE ON SCHEMA catalog TO app_owner;
GRANT REFERENCES (title_id) ON catalog.title TO app_owner;
