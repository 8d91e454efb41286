"""Libraries that keep something for each thread, and requests that are threads of their own to them.

Each module is an application: `/VIEW?N` asks one question with the number N, waits in the middle of
it, and answers "right", or what it has found of another request.
"""
