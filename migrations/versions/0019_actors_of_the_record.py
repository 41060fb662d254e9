"""The record of changes lets the erasure of an account replace that account as who did something, and nobody else."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# The setting names the account that is erased.
_REFUSE = """
    CREATE OR REPLACE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND current_setting('slipstream.erasing', true) <> '' THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
_REFUSE_BEFORE = _REFUSE.replace("<> ''", "= 'on'")
# Who did something is replaced where it was a key of that account (`acme/k3y`); users are no accounts.
_FACTS = """
    CREATE OR REPLACE FUNCTION refuse_other_facts() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        own text := current_setting('slipstream.erasing', true) || '/';
    BEGIN
        IF (OLD.entry_id, OLD.at, OLD.action, OLD.address) IS NOT DISTINCT FROM
           (NEW.entry_id, NEW.at, NEW.action, NEW.address)
           AND (NEW.actor = OLD.actor
                OR (starts_with(OLD.actor, own) AND NEW.actor ~ '^erased:[0-9a-f]{16}/'
                    AND split_part(NEW.actor, '/', 2) = substr(OLD.actor, length(own) + 1)))
           AND (NEW.subject = OLD.subject OR OLD.action !~ '^(users|sessions)[.]')
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION '% keeps its facts', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
_FACTS_BEFORE = """
    CREATE OR REPLACE FUNCTION refuse_other_facts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% keeps its facts', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
_KEEP_FACTS = """
    CREATE OR REPLACE TRIGGER keeps_facts BEFORE UPDATE ON audit_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_other_facts()
"""
_KEEP_FACTS_BEFORE = """
    CREATE OR REPLACE TRIGGER keeps_facts BEFORE UPDATE ON audit_entries FOR EACH ROW
    WHEN ((OLD.entry_id, OLD.at, OLD.action, OLD.address) IS DISTINCT FROM (NEW.entry_id, NEW.at, NEW.action, NEW.address))
    EXECUTE FUNCTION refuse_other_facts()
"""


def upgrade() -> None:
    for statement in (_REFUSE, _FACTS, _KEEP_FACTS):
        op.execute(statement)


def downgrade() -> None:
    for statement in (_REFUSE_BEFORE, _FACTS_BEFORE, _KEEP_FACTS_BEFORE):
        op.execute(statement)
