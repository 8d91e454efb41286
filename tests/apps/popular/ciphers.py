"""Secrets: OpenSSL under several names, and password hashes, which work without the GIL."""

import hashlib

from .view import check, fails, library


@library
def cryptography():
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    private = ec.generate_private_key(ec.SECP256R1())
    fernet = Fernet(Fernet.generate_key())
    sealed = AESGCM(bytes(16))
    kind = ec.ECDSA(hashes.SHA256())

    def view(token, rest):
        word = token.encode()
        coded = fernet.encrypt(word)
        rest()
        check(fernet.decrypt(coded), word)
        signed = private.sign(word, kind)
        rest()
        private.public_key().verify(signed, word, kind)
        rest()
        fails(InvalidSignature, private.public_key().verify, signed, b"no" + word, kind)
        fails(InvalidTag, sealed.decrypt, bytes(12), word * 20, None)
        # An error that stays in OpenSSL's queue would be the next one's.
        fails(ValueError, serialization.load_pem_private_key, b"no key", None)
        rest()
        check(sealed.decrypt(bytes(12), sealed.encrypt(bytes(12), word, None), None), word)

    return view


@library
def bcrypt():
    import bcrypt as hashes

    def view(token, rest):
        hashed = hashes.hashpw(token.encode(), hashes.gensalt(4))
        rest()
        check(hashes.checkpw(token.encode(), hashed), True)
        check(hashes.checkpw(b"no" + token.encode(), hashed), False)

    return view


@library
def argon2():
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    hasher = PasswordHasher(time_cost=1, memory_cost=256, parallelism=2)

    def view(token, rest):
        hashed = hasher.hash(token)
        rest()
        check(hasher.verify(hashed, token), True)
        fails(VerifyMismatchError, hasher.verify, hashed, "no" + token)

    return view


@library
def pynacl():
    from nacl import exceptions, public, secret, signing

    box = secret.SecretBox(bytes(32))
    signer = signing.SigningKey(bytes(32))

    def view(token, rest):
        coded = box.encrypt(token.encode())
        rest()
        check(box.decrypt(coded), token.encode())
        check(signer.verify_key.verify(signer.sign(token.encode())), token.encode())
        rest()
        fails(exceptions.CryptoError, box.decrypt, b"0" + coded)
        key = public.PrivateKey.generate()
        coded = public.SealedBox(key.public_key).encrypt(token.encode())
        rest()
        check(public.SealedBox(key).decrypt(coded), token.encode())

    return view


@library
def pycryptodome():
    from Cryptodome.Cipher import AES
    from Cryptodome.Hash import SHA256

    def view(token, rest):
        cipher = AES.new(bytes(16), AES.MODE_GCM, nonce=bytes(12))
        coded = b""
        for _ in range(4):
            coded += cipher.encrypt(token.encode())
            rest()
        back = AES.new(bytes(16), AES.MODE_GCM, nonce=bytes(12))
        check(back.decrypt_and_verify(coded, cipher.digest()), token.encode() * 4)
        fails(ValueError, AES.new(bytes(16), AES.MODE_GCM, nonce=bytes(12)).decrypt_and_verify,
              coded, bytes(16))
        check(SHA256.new(coded).digest(), hashlib.sha256(coded).digest())

    return view


@library
def derived_keys():
    known = {name: hashlib.pbkdf2_hmac("sha256", name, b"salt", 2000) for name in (b"a", b"b")}
    hashlib.scrypt(b"a", salt=b"salt", n=16, r=8, p=1)

    def view(token, rest):
        name = b"ab"[int(token) % 2:][:1]
        check(hashlib.pbkdf2_hmac("sha256", name, b"salt", 2000), known[name])
        rest()
        first = hashlib.scrypt(token.encode(), salt=b"salt", n=256, r=8, p=1)
        rest()
        check(hashlib.scrypt(token.encode(), salt=b"salt", n=256, r=8, p=1), first)

    return view
