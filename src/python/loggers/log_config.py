"""Python's logging, as logconfig_dict, logconfig_json and logconfig set it up. Run by log_config.rs."""

import json
import logging.config
import os

# What a dict may refer to without saying it: gunicorn has these, so config files rely on them.
DEFAULTS = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        # With the root's handler a line comes twice, as gunicorn's does.
        "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": True},
        "gunicorn.access": {"level": "INFO", "handlers": ["console"], "propagate": True},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "generic",
            "stream": "ext://sys.stdout",
        },
        "error_console": {
            "class": "logging.StreamHandler",
            "formatter": "generic",
            "stream": "ext://sys.stderr",
        },
    },
    "formatters": {
        "generic": {
            "format": "%(asctime)s [%(process)d] [%(levelname)s] %(message)s",
            "datefmt": "[%Y-%m-%d %H:%M:%S %z]",
            "class": "logging.Formatter",
        }
    },
}


def from_dict(settings):
    # gunicorn: a dict with handlers of its own loses those that the root logger names, and fails.
    named = {
        section: {**DEFAULTS[section], **settings.get(section, {})}
        for section in ("handlers", "formatters")
    }
    logging.config.dictConfig({**DEFAULTS, **settings, **named})


def from_json(path):
    with open(path, encoding="utf-8") as file:
        from_dict(json.load(file))


def from_file(path):
    names = {"__file__": path, "here": os.path.dirname(path)}
    logging.config.fileConfig(path, defaults=names, disable_existing_loggers=False)
