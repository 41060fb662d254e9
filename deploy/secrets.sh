#!/bin/sh
# Makes the secrets that compose.yml wants, and a file for settings of your own, each once: what is there stays.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

secret() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
write() { [ -s "secrets/$1" ] || printf '%s' "$2" >"secrets/$1"; }

write admin_token "$(secret)"
write postgres_password "$(secret)"
write valkey_password "$(secret)"
write grafana_password "$(secret)"
write grafana_reader_password "$(secret)"
write database_url "postgresql://slipstream:$(cat secrets/postgres_password)@postgres/slipstream"
write redis_url "redis://:$(cat secrets/valkey_password)@valkey:6379/0"
write settings "# Settings of this installation, as the README's table has them: SLIPSTREAM_NAME=value, or SLIPSTREAM_NAME_FILE=path.
SLIPSTREAM_BASE_URL=http://localhost:8080
# Where notifications may go besides the internet; Alertmanager is in one of these.
SLIPSTREAM_OUTGOING_NETWORKS=172.16.0.0/12,192.168.0.0/16
# Who is told of alerts. Without these nobody is.
#SLIPSTREAM_NOTIFY_PAGE=mailto:on-call@example.org
#SLIPSTREAM_NOTIFY_TICKET=mailto:team@example.org
#SLIPSTREAM_SMTP_URL=submission://user:password@smtp.example.org
# The address of a proxy of yours before the API, and nothing else: who is in here may say for whom he asks. Without it all
# who come through the proxy are one address to the limits of signing in and of bodies.
#SLIPSTREAM_TRUSTED_PROXIES=172.18.0.10
"
# Containers read them as users of their own; on the host nobody else enters the directory.
chmod 0644 secrets/*
echo "The secrets are in $PWD/secrets; the operator's token is secrets/admin_token, settings of your own are in secrets/settings."
