"""One end of a Noise session, played by python3-dissononce. See run_noise.py for what
a peer has to offer."""

import logging

from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.extras.meta.pattern import MAP_PATTERN
from dissononce.hash.blake2b import Blake2bHash
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

logging.getLogger("dissononce").setLevel(logging.CRITICAL)

# Every pattern it has, by name; fallback is not one of p2pmsg's.
PATTERNS = sorted(name for name in MAP_PATTERN if "fallback" not in name)


def modified(base, places):
    pattern = MAP_PATTERN[base]()
    for place in places:
        pattern = PSKPatternModifier(place).modify(pattern)
    return pattern


def messages_of(base):
    return len(MAP_PATTERN[base]().message_patterns)


def keys_of(base, initiator):
    """Whether that side has a static key, and whether it knows the other's."""
    pattern = MAP_PATTERN[base]()
    own = pattern.initiator_pre_message_pattern
    other = pattern.responder_pre_message_pattern
    if not initiator:
        own, other = other, own
    sent = pattern.message_patterns[0 if initiator else 1 :: 2]
    return "s" in own or any("s" in tokens for tokens in sent), "s" in other


def x25519_public(private):
    return X25519DH().generate_keypair(PrivateKey(private)).public.data


class Peer:
    can_rekey = False  # its rekey() resets the nonce and hands the tag to the cipher

    def start(self, job):
        dh = X25519DH()
        symmetric = SymmetricState(CipherState(ChaChaPolyCipher()), Blake2bHash())
        self.state = HandshakeState(symmetric, dh)
        self.initiator = job["initiator"]
        self.ciphers = None
        self.state.initialize(
            modified(job["base"], job["places"]),
            self.initiator,
            job["prologue"],
            s=dh.generate_keypair(PrivateKey(job["s"])) if job["s"] else None,
            rs=PublicKey(job["rs"]) if job["rs"] else None,
            psks=job["psks"],
        )

    def write(self, payload):
        out = bytearray()
        self.ciphers = self.state.write_message(payload, out)
        return bytes(out)

    def read(self, message):
        out = bytearray()
        self.ciphers = self.state.read_message(bytes(message), out)
        return bytes(out)

    def handshake_hash(self):
        return self.state.symmetricstate.get_handshake_hash()

    def seal(self, payload):
        return self.ciphers[0 if self.initiator else 1].encrypt_with_ad(b"", payload)

    def open(self, message):
        cipher = self.ciphers[1 if self.initiator else 0]
        return cipher.decrypt_with_ad(b"", bytes(message))
