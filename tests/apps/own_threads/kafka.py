"""confluent-kafka without a broker: its calls let go of the GIL, and keep the thread state that takes
it again under a key of the thread (PyThread_tss)."""

import time

from confluent_kafka import Consumer, Producer

from .views import Views, unless_equal

errors = []
NOWHERE = {
    "bootstrap.servers": "127.0.0.1:1",
    "log_level": 0,
    # Again and again, so that there is always an error to call back about.
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 20,
    "error_cb": errors.append,
}

application = Views()
shared = Producer(NOWHERE)


@application.view
def flush(number):
    """One producer for all, as applications have it; what it cannot deliver stays with it."""
    shared.produce("topic", str(number))
    left = shared.flush(0.1 + number % 5 / 100)
    return None if left > 0 else "delivered to nobody"


@application.view
def shared_delivery_report(number):
    """Each gives up what all have produced, and reports come to whoever flushes."""
    reports = []

    def report(error, message):
        time.sleep(0.002)
        reports.append((message.value(), error.name()))

    shared.produce("topic", str(number), on_delivery=report)
    shared.flush(0.01 + number % 5 / 100)
    shared.purge()
    shared.flush(10)
    until = time.monotonic() + 10
    while not reports and time.monotonic() < until:
        time.sleep(0.001)  # another's flush is reporting it
    return unless_equal(reports, [(str(number).encode(), "_PURGE_QUEUE")])


@application.view
def delivery_report(number):
    """A producer of one's own, whose message is given up: the flush calls back, and that waits."""
    reports = []

    def report(error, message):
        time.sleep(0.005)
        reports.append((message.value(), error.name()))

    producer = Producer(NOWHERE)
    producer.produce("topic", str(number), on_delivery=report)
    left = producer.flush(0.02)
    producer.purge()
    found = left > 0, producer.flush(10), reports
    return unless_equal(found, (True, 0, [(str(number).encode(), "_PURGE_QUEUE")]))


@application.view
def poll(number):
    """Consumers and producers, each waiting for what does not come."""
    if number % 2:
        shared.poll(0.05)
        return None
    consumer = Consumer({**NOWHERE, "group.id": str(number)})
    consumer.subscribe(["topic"])
    message = consumer.poll(0.05)
    consumer.close()
    return unless_equal(message, None)
