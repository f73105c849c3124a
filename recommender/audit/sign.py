"""Signatures of runs with a key, in the format of OpenSSF Model Signing, without network.

`model.sig` is a Sigstore bundle with an in-toto statement of the SHA-256 of every sealed file and of the manifest.
Other tools read it: `model_signing verify key RUN --signature RUN/model.sig --public_key public.pem`.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from recommender.audit.subject import Subject
from recommender.audit.verify import Check, verify
from recommender.dataset.digest import digest_of
from recommender.run_manifest import MANIFEST, RECORD, SIGNATURE_FILE, UNSEALED, run_files
from rules.decision.record import Record
from rules.errors import RunError
from rules.text.files import atomic_file, refuse_existing_output
from rules.text.wording import listed

if TYPE_CHECKING:
    from pathlib import Path

CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")  # of keys that model-signing accepts
MAX_NAMED: Final = 5  # changed files in a message
NEW_KEYS: Final = {
    "private": "openssl ecparam -name prime256v1 -genkey -noout -out private.pem",
    "public": "openssl ec -in private.pem -pubout -out public.pem",
}
MISSING: Final = (
    "Signatures need the package model-signing, but it is not installed. Install it: pip install 'pcwat[sign]'."
)


def sign_run(run: Path, key: Path, *, force: bool = False) -> Path:
    """Sign the files of a run, and return the path of the signature.

    Raises RunError if the run is not finished or was altered, a package is missing, or the key cannot be used;
    PcwatError if there is a signature already, unless force is set.
    """
    hashing, signing, _ = _model_signing()
    path = run / SIGNATURE_FILE
    subject = Subject(record=Record.read(run / RECORD), path=run / RECORD, layers=())
    refuse_existing_output(path, force=force)
    if not (run / MANIFEST).exists():
        raise RunError(f"Only finished runs are signed, but {run} has no {MANIFEST}. Resume its training, or train it.")
    others = ("book: ", "dataset")  # they are not files of the run
    wrong = [one.what for one in verify(subject) if one.is_finding and not one.what.startswith(others)]
    if wrong:
        raise RunError(
            f"A run must be intact when it is signed, but these were altered: {listed(wrong, most=MAX_NAMED)}. "
            f"'recommend audit verify {run}' lists the changes."
        )
    _check_key(key, is_private=True)
    ignored = hashing.Config().set_ignored_paths(paths=sorted(UNSEALED - {MANIFEST}))
    signer = signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(ignored)
    with atomic_file(path, error=RunError) as temporary:
        try:
            # The temporary file is in the run, and would be hashed if it were there already.
            temporary.unlink()
            signer.sign(run, temporary)
        except ValueError as error:
            raise RunError(f"{run} cannot be signed: {error}. Remove what is not a file of the run.") from None
    return path


def verify_signature(run: Path, public_key: Path) -> Check:
    """Check the signature of a run, and the files that it covers, against a public key.

    Raises RunError if a package is missing, or the key cannot be used.
    """
    *_, verifying = _model_signing()
    _check_key(public_key, is_private=False)
    path = run / SIGNATURE_FILE
    if not path.exists():
        detail = f"{run} has no {SIGNATURE_FILE}; sign it with 'recommend audit sign {run} --private-key private.pem'"
        return Check(what="signature", status="missing", detail=detail)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  an extra

    try:
        verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(run, path)
    except InvalidSignature:
        detail = f"{path} was altered, or was made with another key than {public_key}"
    except Exception as error:  # noqa: BLE001  whatever a damaged file causes
        message = str(error)
        if message.startswith("Key mismatch"):
            detail = f"{path} was made with another key than {public_key}"
        elif message.startswith("Signature mismatch"):
            detail = f"changed after the run was signed: {listed(_changed(run, path), most=MAX_NAMED)}"
        else:
            detail = f"{path} is damaged; restore it from a copy, or sign the run again"
    else:
        return Check(what="signature", status="intact", detail=f"signed with the key of {public_key}")
    return Check(what="signature", status="altered", detail=detail)


def _changed(run: Path, path: Path) -> list[str]:
    """Files that differ from those of a signature that was verified."""
    payload = json.loads(base64.b64decode(json.loads(path.read_bytes())["dsseEnvelope"]["payload"]))
    signed = {one["name"]: one["digest"] for one in payload["predicate"]["resources"]}
    found = {**run_files(run), MANIFEST: run / MANIFEST}
    now = {name: digest_of(own) for name, own in found.items() if own.exists()}
    return sorted(name for name in signed.keys() | now.keys() if signed.get(name) != now.get(name))


def _model_signing() -> tuple[Any, Any, Any]:
    """The modules hashing, signing and verifying of model-signing. Raises RunError if it is not installed."""
    try:
        from model_signing import hashing, signing, verifying  # noqa: PLC0415  an extra
    except ImportError:
        raise RunError(MISSING) from None
    return hashing, signing, verifying


def _check_key(path: Path, *, is_private: bool) -> None:
    """Raise RunError unless a file holds a key of an elliptic curve that model-signing accepts."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  an extra
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  likewise

    kind = "private" if is_private else "public"
    remedy = f"Create one: {NEW_KEYS[kind]}."
    try:
        content = path.read_bytes()
        key: Any = (
            serialization.load_pem_private_key(content, None)
            if is_private
            else serialization.load_pem_public_key(content)
        )
    except OSError as error:
        raise RunError(f"The {kind} key {path} cannot be read: {error.strerror}. Name a PEM file.") from None
    except TypeError:
        raise RunError(f"The private key {path} must not be encrypted. Decrypt it: openssl ec -in {path}.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise RunError(f"{path} must be a {kind} key in PEM format, but it is not. {remedy}") from None
    curve = getattr(getattr(key, "curve", None), "name", "")
    if curve not in CURVES:
        raise RunError(f"The key must be of an elliptic curve ({', '.join(CURVES)}), but {path} is not. {remedy}")
