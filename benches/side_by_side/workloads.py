"""What is asked of the servers: an application, its answer, and how many clients ask at once."""

HELLO = b"Hello, world!"
LARGE = b"x" * 1_000_000


class Workload:
    """One app, the answer that every server must give, and how many clients ask it."""

    def __init__(self, name, app, connections, about, answer=HELLO, waits=False):
        self.name = name
        self.app = app
        self.connections = connections
        self.about = about
        self.answer = answer
        # Its requests wait for something else than the processor.
        self.waits = waits


WORKLOADS = [
    Workload("hello", "app:hello", 64, "No wait at all."),
    Workload("hello-1", "app:hello", 1, "No wait at all, one client: its latency."),
    Workload("hello-1000", "app:hello", 1000, "No wait at all, many clients."),
    Workload("bare", "app:bare", 64, "The same without Content-Length."),
    Workload("flask", "app_flask:app", 64, "Flask, `jsonify`.", answer=b'{"message":"Hello, world!"}\n'),
    Workload("django", "app_django:app", 64, "Django: a page with the ORM on SQLite and a template.",
             answer=b"<ul><li>0 first</li><li>1 second</li><li>2 third</li></ul>\n"),
    Workload("sleep", "app:sleep", 500, "`time.sleep(0.05)`: at most 10,000 requests/s.", waits=True),
    Workload("sleep-2000", "app:sleep", 2000, "`time.sleep(0.05)`: at most 40,000 requests/s.",
             waits=True),
    Workload("database", "app:database", 100, "psycopg2, `pg_sleep(0.02)`: at most 5,000 requests/s.",
             waits=True),
    Workload("large", "app:large", 16, "A body of 1 MB.", answer=LARGE),
    Workload("chunks", "app:chunks", 16, "A body in 50 pieces.", answer=HELLO * 50),
]
