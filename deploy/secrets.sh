#!/bin/sh
# Makes the secrets that compose.yml wants, each once: what is there stays.
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
# Containers read them as users of their own; on the host nobody else enters the directory.
chmod 0644 secrets/*
echo "The secrets are in $PWD/secrets; the operator's token is secrets/admin_token."
