-- Indexes that a journal of format 1 may lack, made by a version that did not know them yet.
CREATE INDEX IF NOT EXISTS intents_by_operation ON intents (operation, operation_id);
CREATE INDEX IF NOT EXISTS tenders_diverged ON tenders (tender_id) WHERE sync = 'diverged';
CREATE INDEX IF NOT EXISTS tenders_displaced ON tenders (tender_id)
    WHERE held = 0 AND state NOT IN ('rejected', 'expired', 'withdrawn', 'delivered', 'cancelled', 'aborted');
