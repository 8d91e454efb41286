"""Two mistakes: a name that is no setting, and a value that is no number."""

worker_clas = "gthread"
bind = "127.0.0.1:0"
graceful_timeout = "3O"
