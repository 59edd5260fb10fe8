"""Writes identity.json: a second implementation of sections 3 and 6 of docs/protocol.md, from its text alone.

It shares no code with src/. Needs Python 3 with `cryptography`; the tests need only what it wrote.
Run: python3 test/vectors/identity.py
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def field(number, value):
    """One field of a protobuf message: bytes, or a number."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


class Peer:
    def __init__(self, seed):
        self.seed = seed
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = self.private.public_key().public_bytes_raw()
        digest = bytearray(hashlib.sha256(b"p2p/peer-id/v1\0" + self.key).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x80
        digest[8] = digest[8] & 0x3F | 0x80
        self.id = uuid.UUID(bytes=bytes(digest))

    def certificate(self):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "p2p")])
        builder = x509.CertificateBuilder(name, name, self.private.public_key(), 1)
        builder = builder.not_valid_before(datetime.datetime(2020, 1, 1))
        builder = builder.not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59))
        return builder.sign(self.private, None).public_bytes(serialization.Encoding.DER)

    def safety_number(self):
        h = hashlib.sha512(b"p2p/safety/v1\0" + self.key).digest()
        for _ in range(5200):
            h = hashlib.sha512(h + self.key).digest()
        return "".join("%05d" % (int.from_bytes(h[i : i + 5], "big") % 100000) for i in range(0, 30, 5))

    def describe(self):
        return {
            "seed": self.seed.hex(),
            "key": self.key.hex(),
            "id": str(self.id),
            "certificate": self.certificate().hex(),
            "safetyNumber": self.safety_number(),
        }


def short_code(a, b, binding, nonce_a, nonce_b):
    info = b"p2p/sas/v1" + a.key + b.key + a.id.bytes + b.id.bytes
    okm = HKDF(hashes.SHA256(), 40, binding, info).derive(nonce_a + nonce_b)
    digits = "%08d" % (int.from_bytes(okm[:8], "big") % 10**8)

    def verdict(role, same):
        return mac(okm[8:], b"p2p/sas/verdict", role, same).hex()

    return {
        "binding": binding.hex(),
        "nonceA": nonce_a.hex(),
        "nonceB": nonce_b.hex(),
        "commitment": hashlib.sha256(b"p2p/sas/commit" + nonce_a + a.key + b.key).hexdigest(),
        "code": digits[:4] + " " + digits[4:],
        "verdicts": {
            "A yes": verdict(b"A", b"\1"),
            "A no": verdict(b"A", b"\0"),
            "B yes": verdict(b"B", b"\1"),
            "B no": verdict(b"B", b"\0"),
        },
    }


def qr_code(a, b, binding, secret):
    ends = binding + a.key + b.key
    text = "p2p:v1:%s:%s" % (b.id, base64url(b.key))
    return {
        "binding": binding.hex(),
        "secret": secret.hex(),
        "text": text + ":" + base64url(secret),
        "textWithoutSecret": text,
        "scan": mac(secret, b"p2p/qr/scan/v1", ends).hex(),
        "verdicts": {
            "yes": mac(secret, b"p2p/qr/verdict/v1", ends, b"\1").hex(),
            "no": mac(secret, b"p2p/qr/verdict/v1", ends, b"\0").hex(),
        },
    }


def succession(old, new, counter, at_ms):
    signed = b"p2p/succession/v1\0" + old.key + new.key + counter.to_bytes(8, "big") + at_ms.to_bytes(8, "big")
    signatures = [old.private.sign(signed), new.private.sign(signed)]
    values = [old.key, new.key, counter, at_ms, *signatures]
    return {
        "counter": counter,
        "atMs": at_ms,
        "signedBytes": signed.hex(),
        "oldSignature": signatures[0].hex(),
        "newSignature": signatures[1].hex(),
        "statement": b"".join(field(number, value) for number, value in enumerate(values, 1)).hex(),
    }


def main():
    a, b = Peer(bytes(range(32))), Peer(bytes(range(32, 64)))
    binding = hashlib.sha256(b"binding").digest()
    nonces = hashlib.sha256(b"nonce A").digest(), hashlib.sha256(b"nonce B").digest()
    # The code of the second pair begins with a zero, which must not get lost.
    count = 0
    while not short_code(a, b, binding, nonces[0], zero := hashlib.sha256(b"%d" % count).digest())["code"].startswith("00"):
        count += 1
    vectors = {
        "peers": {"A": a.describe(), "B": b.describe()},
        "safetyNumber": "".join(sorted([a.safety_number(), b.safety_number()])),
        "shortCodes": [short_code(a, b, binding, *nonces), short_code(a, b, binding, nonces[0], zero)],
        "qrCode": qr_code(a, b, binding, bytes(range(64, 80))),
        "succession": succession(a, b, 1, 1_767_225_600_000),
    }
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(vectors, indent=2) + "\n")


main()
