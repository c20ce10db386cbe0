"""Signatures: keys as SSH has them, SSH signatures, and DSSE envelopes.

The only room that needs `cryptography`, and only inside the calls that sign or verify. Refuses to
know whom a key belongs to: a signature says which key made it, and nothing more.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.signatures.allowed import AllowedSigner, allowed_signers
    from chimera.signatures.dsse import (
        IN_TOTO,
        Envelope,
        EnvelopeSignature,
        fault_of,
        pae,
        sign_envelope,
        verify_signature,
    )
    from chimera.signatures.keys import PublicKey
    from chimera.signatures.signer import CommandSigner, Signer, ensure_ready, open_signer
    from chimera.signatures.sshsig import (
        APPROVAL,
        EVIDENCE,
        HASH_ALGORITHMS,
        is_armoured,
        verify_ssh,
    )
    from chimera.signatures.wire import SignatureError, read_json

__all__ = [
    "APPROVAL",
    "EVIDENCE",
    "HASH_ALGORITHMS",
    "IN_TOTO",
    "AllowedSigner",
    "CommandSigner",
    "Envelope",
    "EnvelopeSignature",
    "PublicKey",
    "SignatureError",
    "Signer",
    "allowed_signers",
    "ensure_ready",
    "fault_of",
    "is_armoured",
    "open_signer",
    "pae",
    "read_json",
    "sign_envelope",
    "verify_signature",
    "verify_ssh",
]

import_lazily(
    __name__,
    {
        ".allowed": "AllowedSigner allowed_signers",
        ".dsse": "IN_TOTO Envelope EnvelopeSignature fault_of pae sign_envelope verify_signature",
        ".keys": "PublicKey",
        ".signer": "CommandSigner Signer ensure_ready open_signer",
        ".sshsig": "APPROVAL EVIDENCE HASH_ALGORITHMS is_armoured verify_ssh",
        ".wire": "SignatureError read_json",
    },
)
