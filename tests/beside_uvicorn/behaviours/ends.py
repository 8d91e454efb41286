"""Work behind an answer, and clients that leave."""

from talk import behaviour, request


@behaviour
def background_task(talk):
    talk.ask(request("GET /background"))
    talk.seen("background")


@behaviour
def background_task_that_fails(talk):
    talk.ask(request("GET /failing_background"))
    talk.seen("failing_background")
    talk.ask(request("GET /hello"))


@behaviour
def client_leaves_a_stream(talk):
    with talk.connect() as connection:
        connection.send(request("GET /endless"))
        connection.until(b"xxx")
    talk.seen("endless")


@behaviour
def client_leaves_while_it_is_waited_for(talk):
    with talk.connect() as connection:
        connection.send(request("GET /wait_for_disconnect"))
        talk.seen("waiting")
    talk.seen("disconnect")


@behaviour
def client_leaves_in_its_body(talk):
    with talk.connect() as connection:
        connection.send(request("POST /cut_off", "Content-Length: 100") + b"abc")
        talk.seen("receiving")
    talk.seen("cut_off")


@behaviour
def disconnect_behind_the_answer(talk):
    talk.ask(request("GET /receive_behind"))
    talk.seen("received_behind")
