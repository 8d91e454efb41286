"""asyncio, as applications use it."""

from talk import behaviour, plain, request

plain("current_task", request("GET /task"))
plain("timeout", request("GET /timeout"))


@behaviour
def context_of_each_request(talk):
    connections = [talk.connect() for _ in range(20)]
    for number, connection in enumerate(connections):
        connection.send(request(f"GET /context?{number}"))
    for connection in connections:
        talk.expect(connection.answer(), 200)
        connection.close()


@behaviour
def context_on_one_connection(talk):
    with talk.connect() as connection:
        for number in range(3):
            connection.send(request(f"GET /context?{number}"))
            talk.expect(connection.answer(), 200)
