"""The config file that most servers need. Read as ./gunicorn.conf.py, or with -c."""

import multiprocessing

bind = "127.0.0.1:8000"
worker_class = "coroutine"
# Requests wait side by side in one worker; more workers are for the CPUs.
workers = multiprocessing.cpu_count()
accesslog = "-"
