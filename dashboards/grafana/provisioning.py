"""What makes a Grafana show the dashboards without a hand on it: its data sources, and where it finds them."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.panel import Source

READER = "slipstream_grafana"
DASHBOARDS_PATH = "/var/lib/grafana/dashboards/slipstream"


def data_sources() -> dict[str, Any]:
    """Return `provisioning/datasources/datasources.yaml`; Grafana puts in what the environment says."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Slipstream (Prometheus)",
                "uid": "slipstream-prometheus",
                "type": Source.PROMETHEUS.value,
                "access": "proxy",
                "url": "${SLIPSTREAM_PROMETHEUS_URL}",
                "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
                "editable": False,
            },
            {
                "name": "Slipstream (PostgreSQL)",
                "uid": "slipstream-postgresql",
                "type": Source.POSTGRESQL.value,
                "access": "proxy",
                "url": "${SLIPSTREAM_POSTGRESQL_ADDRESS}",
                "user": READER,
                "secureJsonData": {"password": "${SLIPSTREAM_GRAFANA_PASSWORD}"},
                "jsonData": {
                    "database": "${SLIPSTREAM_POSTGRESQL_DATABASE}",
                    "sslmode": "${SLIPSTREAM_POSTGRESQL_SSLMODE}",
                    "postgresVersion": 1500,
                    "timescaledb": False,
                    "maxOpenConns": 5,
                },
                "editable": False,
            },
        ],
    }


def providers() -> dict[str, Any]:
    """Return `provisioning/dashboards/dashboards.yaml`."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "Slipstream",
                "folder": "Slipstream",
                "folderUid": "slipstream",
                "type": "file",
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": DASHBOARDS_PATH},
            }
        ],
    }
