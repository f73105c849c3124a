"""Signatures of runs with a key."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recommender.audit.sign import sign_run, verify_signature
from recommender.cli.main import group
from recommender.run_manifest import reseal
from rules.errors import RunError

if TYPE_CHECKING:
    from click.testing import Result

OLD = Path(__file__).parents[2] / "old_runs"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys a.pem and b.pem, and their public keys a.pub and b.pub; ed.pem is of another kind."""
    folder = tmp_path_factory.mktemp("keys")
    made = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("a", "b")}
    for name, key in {**made, "ed": Ed25519PrivateKey.generate()}.items():
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{name}.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
        public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(*public))
    return folder


@pytest.fixture
def signed(keys: Path, tmp_path: Path) -> Path:
    """A run that a.pem signed."""
    shutil.copytree(OLD / "classes" / "run", tmp_path / "run")
    assert invoke("audit", "sign", tmp_path / "run", "--private-key", keys / "a.pem").exit_code == 0
    return tmp_path / "run"


def test_a_signed_run_is_verified_by_its_public_key_alone(signed: Path, keys: Path) -> None:
    with (signed / "log.txt").open("a", encoding="utf-8") as log:
        log.write("The log is not signed.")
    assert verify_signature(signed, keys / "a.pub").status == "intact"
    other = verify_signature(signed, keys / "b.pub")
    assert (other.status, other.is_finding) == ("altered", True)
    assert "was made with another key" in other.detail
    checks = json.loads(invoke("audit", "verify", signed, "--public-key", keys / "a.pub", "--format", "json").stdout)
    assert (checks[0]["what"], checks[0]["status"]) == ("signature", "intact")
    assert not [one for one in checks if one["what"] == "model.sig"]


def test_files_that_were_changed_or_added_after_signing_are_named(signed: Path, keys: Path) -> None:
    # The digests are computed again, so that only the signature reveals the change.
    (signed / "scores.json").write_bytes((signed / "scores.json").read_bytes() + b" ")
    manifest = reseal(signed, "scores.json")
    assert manifest is not None
    (signed / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    (signed / "added.txt").touch()
    found = verify_signature(signed, keys / "a.pub")
    assert (found.status, found.detail) == (
        "altered",
        "changed after the run was signed: added.txt, manifest.json, scores.json",
    )
    assert invoke("audit", "verify", signed, "--public-key", keys / "a.pub").exit_code == 1


def test_a_signature_that_is_missing_damaged_or_forged_is_a_finding(signed: Path, keys: Path) -> None:
    path = signed / "model.sig"
    bundle = json.loads(path.read_text(encoding="utf-8"))
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(b"forged").decode()
    path.write_text(json.dumps(bundle), encoding="utf-8")
    assert "was altered, or was made with another key" in verify_signature(signed, keys / "a.pub").detail
    path.write_text("{", encoding="utf-8")
    assert "is damaged" in verify_signature(signed, keys / "a.pub").detail
    path.unlink()
    assert verify_signature(signed, keys / "a.pub").status == "missing"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("ed.pem", "must be of an elliptic curve"),
        ("a.pub", "must be a private key in PEM format"),
        ("none.pem", "cannot be read: No such file"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(signed: Path, keys: Path, key: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        sign_run(signed, keys / key, force=True)


def test_an_altered_run_is_not_signed(signed: Path, keys: Path) -> None:
    (signed / "summary.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match=r"must be intact when it is signed, but these were altered: summary\.json"):
        sign_run(signed, keys / "a.pem", force=True)
