-- What the TMS knows. Documents are `json`, not `jsonb`: they stay as they were written, every zero of a price included.

CREATE TABLE IF NOT EXISTS loads (
    load_id    text PRIMARY KEY,
    document   json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each tender; a load has a second one after its first carrier let it go. The carriers' events alone move `state`.
CREATE TABLE IF NOT EXISTS tenders (
    tender_id  text PRIMARY KEY,
    load_id    text NOT NULL,
    carrier    text,
    state      text NOT NULL DEFAULT 'offer',
    events     integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS tenders_by_load ON tenders (load_id);

-- Every event that was applied. Its key is what makes applying one twice impossible.
CREATE TABLE IF NOT EXISTS events (
    event_id   text PRIMARY KEY,
    tender_id  text NOT NULL,
    sequence   bigint NOT NULL,
    type       text NOT NULL,
    document   json NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tender_id, sequence)
);
