"""Extension modules written in Rust, all whose first uses come at once, beside OS threads that
compete for the interpreter lock.

What such a module makes at its first use (pyo3's PyOnceLock) others wait for in a futex, and who
makes it may lose the processor meanwhile.
"""

import datetime
import threading

import pydantic
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

THREADS = 4


def compute():
    while True:
        pass


for _ in range(THREADS):
    threading.Thread(target=compute, daemon=True).start()


class Order(pydantic.BaseModel):
    count: int
    at: datetime.datetime
    link: pydantic.AnyUrl


def certificate(host):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    )
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    names = x509.load_pem_x509_certificate(signed).extensions
    return names.get_extension_for_class(x509.SubjectAlternativeName).value


def application(environ, start_response):
    host = environ["PATH_INFO"].strip("/")
    sent = {"count": "3", "at": "2026-01-01T00:00:00Z", "link": f"http://{host}/"}
    order = Order.model_validate(sent)
    assert order.link.host == host and order.count == 3
    [name] = certificate(host)
    answer = name.value.encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
