-- The journal, format 2. Entries are append-only and chained; the other tables are what they fold to. Every row has a seal
-- (seal.rs): triggers keep it, the views sound_<table> check it.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, seal BLOB) STRICT;
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, tender_id TEXT, wall INTEGER NOT NULL, mono INTEGER NOT NULL,
    body BLOB NOT NULL, body_digest BLOB NOT NULL, previous BLOB NOT NULL, digest BLOB NOT NULL,
    seal BLOB
) STRICT;
CREATE TABLE owners (
    owner TEXT PRIMARY KEY, pid INTEGER NOT NULL, started TEXT NOT NULL, boot TEXT NOT NULL, lease_until INTEGER NOT NULL,
    seal BLOB
) STRICT;
CREATE TABLE tenders (
    tender_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, load_id TEXT NOT NULL, carrier TEXT NOT NULL,
    attempt INTEGER NOT NULL, state TEXT NOT NULL, held INTEGER NOT NULL, sync TEXT NOT NULL, gap_since INTEGER,
    proven INTEGER NOT NULL, dispatch_id TEXT, fold BLOB NOT NULL, snapshot BLOB, local_state TEXT, local_code TEXT,
    local_text TEXT, updated INTEGER NOT NULL, seal BLOB
) STRICT;
CREATE UNIQUE INDEX one_live_tender ON tenders (tenant, load_id) WHERE held = 1;
CREATE INDEX tenders_by_load ON tenders (tenant, load_id, carrier, attempt);
CREATE INDEX tenders_by_dispatch ON tenders (dispatch_id) WHERE dispatch_id IS NOT NULL;
CREATE INDEX tenders_with_gap ON tenders (gap_since) WHERE gap_since IS NOT NULL;
CREATE TABLE intents (
    id INTEGER PRIMARY KEY, fence INTEGER NOT NULL, owner TEXT NOT NULL, operation TEXT NOT NULL,
    operation_id TEXT NOT NULL, tender_id TEXT, carrier TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    key TEXT NOT NULL, body BLOB NOT NULL, prefer TEXT, resend_until INTEGER NOT NULL, tainted INTEGER NOT NULL,
    outcome INTEGER, seal BLOB
) STRICT;
CREATE UNIQUE INDEX one_open_intent ON intents (carrier, operation, operation_id) WHERE outcome IS NULL;
CREATE INDEX open_intents ON intents (owner) WHERE outcome IS NULL;
CREATE INDEX intents_by_tender ON intents (tender_id, operation);
CREATE INDEX intents_by_operation ON intents (operation, operation_id);
CREATE INDEX tenders_diverged ON tenders (tender_id) WHERE sync = 'diverged';
CREATE INDEX tenders_displaced ON tenders (tender_id)
    WHERE held = 0 AND state NOT IN ('rejected', 'expired', 'withdrawn', 'delivered', 'cancelled', 'aborted');
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, sequence INTEGER NOT NULL, digest BLOB NOT NULL,
    event_id TEXT NOT NULL, tender_id TEXT NOT NULL, carrier TEXT NOT NULL, status TEXT NOT NULL,
    safety INTEGER NOT NULL, copies INTEGER NOT NULL, bytes BLOB NOT NULL, seal BLOB
) STRICT;
CREATE UNIQUE INDEX inbox_once ON inbox (source, sequence, digest);
CREATE INDEX inbox_by_event ON inbox (source, event_id);
CREATE INDEX inbox_by_tender ON inbox (tender_id, status, sequence);
CREATE INDEX inbox_safety ON inbox (id) WHERE safety = 1;
CREATE TABLE deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT, inbox_id INTEGER NOT NULL, seal BLOB
) STRICT;
CREATE TABLE consumers (
    name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, owner TEXT NOT NULL, reader TEXT NOT NULL, seal BLOB
) STRICT;
CREATE TABLE acks (
    consumer TEXT NOT NULL, position INTEGER NOT NULL, seal BLOB, PRIMARY KEY (consumer, position)
) STRICT;
CREATE TABLE carriers (
    name TEXT PRIMARY KEY, cursor TEXT, epoch TEXT, frozen INTEGER NOT NULL DEFAULT 0, seal BLOB
) STRICT;
CREATE TABLE dispatches (dispatch_id TEXT PRIMARY KEY, command_sequence INTEGER NOT NULL, seal BLOB) STRICT;
-- The schedule of assertion keys: when each was published, signed, was replaced and removed. Public facts only.
CREATE TABLE assertion_keys (
    carrier TEXT NOT NULL, kid TEXT NOT NULL, algorithm TEXT NOT NULL, jwk TEXT NOT NULL, published INTEGER NOT NULL,
    began INTEGER, replaced INTEGER, removed INTEGER, seal BLOB, PRIMARY KEY (carrier, kid)
) STRICT;
