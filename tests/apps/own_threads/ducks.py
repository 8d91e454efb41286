"""duckdb with functions of Python's that wait, in a connection of each request's own."""

import time

import duckdb

from .views import Views, unless_equal

application = Views()


def twice(number):
    time.sleep(0.002)
    return 2 * number


@application.view
def function_that_sleeps(number):
    with duckdb.connect() as connection:
        connection.create_function("twice", twice, ["BIGINT"], "BIGINT")
        asked = connection.execute("select twice(?)", [number])
        return unless_equal(asked.fetchall(), [(2 * number,)])


@application.view
def function_over_rows(number):
    with duckdb.connect() as connection:
        connection.create_function("twice", twice, ["BIGINT"], "BIGINT", side_effects=True)
        asked = connection.execute("select sum(twice(range)) from range(?, ?)", [number, number + 5])
        return unless_equal(asked.fetchone()[0], sum(2 * n for n in range(number, number + 5)))


@application.view
def function_that_fails(number):
    def fail(given):
        time.sleep(0.002)
        raise LookupError(f"number {given}.")

    with duckdb.connect() as connection:
        connection.create_function("fail", fail, ["BIGINT"], "BIGINT")
        try:
            connection.execute("select fail(?)", [number]).fetchall()
        except duckdb.Error as error:
            return None if f"number {number}." in str(error) else f"another's: {error}"
    return "nothing raised"
