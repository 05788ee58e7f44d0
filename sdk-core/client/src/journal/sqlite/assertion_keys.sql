-- The schedule of assertion keys: when each was published, signed, was replaced and removed. Public facts only.
CREATE TABLE IF NOT EXISTS assertion_keys (
    carrier TEXT NOT NULL, kid TEXT NOT NULL, algorithm TEXT NOT NULL, jwk TEXT NOT NULL, published INTEGER NOT NULL,
    began INTEGER, replaced INTEGER, removed INTEGER, PRIMARY KEY (carrier, kid)
) STRICT;
