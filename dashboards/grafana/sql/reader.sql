-- The role that Grafana reads by: the tables its dashboards ask, and nothing else; no keys, no payloads.
-- psql -v ON_ERROR_STOP=1 -f reader.sql DATABASE_URL, as the owner of the tables and with the right to create roles; again after every migration.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipstream_grafana') THEN
    CREATE ROLE slipstream_grafana LOGIN CONNECTION LIMIT 5;
  END IF;
END
$$;
ALTER ROLE slipstream_grafana SET default_transaction_read_only = on;
ALTER ROLE slipstream_grafana SET statement_timeout = '15s';
GRANT USAGE ON SCHEMA public TO slipstream_grafana;
GRANT SELECT ON
  accepted_minutes, account_request_minutes, account_request_rollups, accounts, alert_evaluations, alerts, circuit_changes,
  event_rollups, failed_requests, incidents, kept_detail, notices, outcome_minutes, request_minutes, request_rollups, rollup_progress,
  rule_counts, slo_versions, telemetry_services
  TO slipstream_grafana;
GRANT SELECT (account_id, reason, type, died_at) ON dead_letters TO slipstream_grafana;
GRANT SELECT (finished_at) ON notifications TO slipstream_grafana;
-- Then give it a password: \password slipstream_grafana
