"""Numbers and tables: numpy and what stands on it, columns with threads of their own."""

import math

from .view import SlowPipe, SlowText, check, fails, library


@library
def numpy():
    import numpy as np

    square = np.arange(40_000.0).reshape(200, 200) % 97
    product = square @ square  # OpenBLAS has threads

    def view(token, rest):
        def numbers():
            for number in range(64):
                rest()
                yield int(token) * (number + 1) % 1009

        values = np.fromiter(numbers(), dtype=np.float64)
        check(np.sort(values).tolist(), sorted(map(float, numbers())))
        with np.errstate(divide="raise"):
            rest()
            fails(FloatingPointError, lambda: np.ones(64) / np.zeros(64))
        check(np.geterr()["divide"], "warn")
        check(bool(np.array_equal(square @ square, product)), True)
        near = values.reshape(8, 8) + 10_000 * np.eye(8)
        check(bool(np.allclose(near @ np.linalg.inv(near), np.eye(8))), True)

    return view


@library
def pandas():
    import pandas as pd

    def view(token, rest):
        values = [int(token) + number for number in range(40)]
        frame = pd.DataFrame({"key": [number % 4 for number in range(40)], "value": values})

        def total(group):
            rest()
            return int(group.sum())

        sums = frame.groupby("key")["value"].apply(total).to_dict()
        check(sums, {key: sum(values[key::4]) for key in range(4)})
        back = pd.read_csv(SlowText(frame.to_csv(index=False), rest))
        check(back["value"].tolist(), values)

    return view


@library
def scipy():
    from scipy import integrate, linalg, optimize

    def view(token, rest):
        number = int(token) % 1000 + 1

        def parabola(x):
            rest()
            return number * x * x

        area, _ = integrate.quad(parabola, 0, 3)
        check(math.isclose(area, 9 * number), True)

        def line(x):
            rest()
            return x - number

        check(math.isclose(optimize.brentq(line, -1, 10_000), number), True)
        check(linalg.det([[number, 1], [0, 2]]), 2.0 * number)

    return view


@library
def numexpr():
    import numexpr as ne
    import numpy as np

    ramp = np.arange(40_000, dtype=np.int64)

    def view(token, rest):
        number = int(token)
        first = ne.evaluate("a * 2 + b", {"a": ramp, "b": np.int64(number)})
        rest()
        second = ne.evaluate("a * 3 - b", {"a": ramp, "b": np.int64(number)})
        check(int((first + second).sum()), 5 * int(ramp.sum()))
        check(int(first[-1]), 2 * 39_999 + number)

    return view


@library
def polars():
    import polars as pl

    def view(token, rest):
        values = [int(token) + number for number in range(20)]

        def twice(value):
            rest()
            return 2 * value

        frame = pl.DataFrame({"key": [number % 2 for number in range(20)], "value": values})
        doubled = frame.select(pl.col("value").map_elements(twice, return_dtype=pl.Int64))
        check(doubled["value"].to_list(), [2 * value for value in values])
        sums = frame.lazy().group_by("key").agg(pl.col("value").sum()).sort("key").collect()
        check(sums["value"].to_list(), [sum(values[0::2]), sum(values[1::2])])

    return view


@library
def pyarrow():
    import pyarrow as pa
    from pyarrow import compute, csv

    schema = pa.schema([("value", pa.int64())])

    def view(token, rest):
        values = [int(token) + number for number in range(40)]

        def batches():
            for start in range(0, 40, 10):
                rest()
                yield pa.record_batch([pa.array(values[start:start + 10])], schema=schema)

        table = pa.RecordBatchReader.from_batches(schema, batches()).read_all()
        check(table["value"].to_pylist(), values)
        check(compute.sum(table["value"]).as_py(), sum(values))
        text = "value\n" + "".join(f"{value}\n" for value in values)
        # A thread of Arrow's reads the file.
        check(csv.read_csv(SlowPipe(text.encode(), rest))["value"].to_pylist(), values)
        wrong = fails(pa.ArrowInvalid, compute.cast, pa.array([f"no-{token}"]), pa.int64())
        check(f"no-{token}" in wrong, True)

    return view


@library
def duckdb():
    import duckdb as db

    def view(token, rest):
        def twice(number: int) -> int:
            rest()
            return 2 * number

        with db.connect(":memory:", config={"threads": 2}) as connection:
            connection.create_function("twice", twice)
            found = connection.execute(
                "select sum(twice(i + ?)), max(i) from range(8) t(i)", [int(token)]).fetchone()
            check(found, (16 * int(token) + 56, 7))
            wrong = fails(db.Error, connection.execute, f"select * from missing_{token}")
            check(f"missing_{token}" in wrong, True)

    return view


@library
def shapely():
    import shapely as shapes

    def view(token, rest):
        number = int(token) % 100_000

        def moved(points):
            rest()
            return points + number

        square = shapes.transform(shapes.box(0, 0, 2, 3), moved)
        rest()
        check(square.bounds, (number, number, number + 2, number + 3))
        check(shapes.from_wkb(shapes.to_wkb(square)).area, 6.0)
        tree = shapes.STRtree([shapes.Point(x, x) for x in range(number, number + 50)])
        rest()
        check(sorted(tree.query(square).tolist()), [0, 1, 2])
        wrong = fails(shapes.errors.GEOSException, shapes.from_wkt, f"POINT (n{token} 1)")
        check(f"n{token}".lower() in wrong.lower(), True)

    return view
