"""Lets code that was written for gevent run as it is. Run once, before the configuration file or the
application, by mod.rs, which provides ``note``, ``Finder``, ``hubs_may_exist``, ``PassDeadlinesOn`` and
``SOURCES``: the text of each file beside this one, by its name.

Such code replaces the standard library's blocking functions before anything else is imported. Under
green threads these give way to other requests already, and the replacements would wait in a hub where
none is needed: so the functions that patch do nothing, and say so once. A configuration file may call
them before it is known which engine serves: they are kept until `decide`.
"""

import sys
from functools import cache
from types import ModuleType

LIBRARY = "{}() does nothing under -k coroutine: blocking calls give way to other requests as they are"
PSYCOPG = "{}() does nothing under -k coroutine: psycopg2 gives way to other requests as it is"

said = set()
# Whether green threads will run the application; None: not known yet.
is_green = None
# What was disarmed and what was called while that was not known.
disarmed = []
kept = []


def disarming(prefix, text):
    """What makes a module's functions do nothing if their names begin with ``prefix``."""

    def disarm(module):
        for name, value in list(vars(module).items()):
            if name.startswith(prefix) and callable(value):
                disarmed.append((module, name, value))
                setattr(module, name, nothing(module.__name__, name, value, text))

    return disarm


def nothing(module, name, original, text):
    def patch(*args, **kwargs):
        if is_green is False:
            return original(*args, **kwargs)
        if is_green is None:
            kept.append(lambda: patch(*args, **kwargs))
        elif module not in said:
            said.add(module)
            note(text.format(f"{module}.{name}"))
        return True  # what gevent answers when it has patched

    patch.__name__ = patch.__qualname__ = name
    patch.__module__ = module
    return patch


def replacing(file, **classes):
    """What puts ours in the place of a module's classes: the name of each, and of our methods, which
    ``file`` defines."""

    def replace(module):
        shareable = ours("shareable").shareable
        for name, methods in classes.items():
            original = getattr(module, name, None)
            # SimpleQueue was the standard library's before gevent 25.4.
            if original is not None and original.__module__ != "queue":
                replace_everywhere(module, name, shareable(getattr(ours(file), methods), original))

    return replace


def replace_everywhere(module, name, value):
    """In the module, and in those of gevent's that have imported it from there already."""
    original = getattr(module, name)
    setattr(module, name, value)
    for path, user in list(sys.modules.items()):
        is_users = path.startswith("gevent.") and path != original.__module__
        if is_users and getattr(user, name, None) is original:
            setattr(user, name, value)


def change_thread_pools(module):
    replacing(
        "pools", ThreadPool="ThreadPool", ThreadResult="ThreadResult", _FutureProxy="Future"
    )(module)
    # In its place: its methods name it.
    executor = module.ThreadPoolExecutor
    executor.__init__ = ours("pools").executor_init(executor.__init__)
    # That of gevent 22.10 makes itself ready at its first use: before several threads come at once.
    sys.modules["gevent._tblib"].dump_traceback(None)


def change_hub(module):
    hubs_may_exist()
    with_children = cache(ours("children").with_children)
    loop_class = module.Hub.loop_class
    module.Hub.loop_class = property(lambda hub: with_children(loop_class.fget(hub)))
    module.Hub.handle_error = PassDeadlinesOn(module.Hub.handle_error)
    module.sleep = ours("turns").sleep_of(module.sleep)


@cache
def ours(name):
    """The module that a file beside this one makes; it finds others by this function."""
    module = ModuleType(f"unicoro.gevent.{name}")
    module.ours = ours
    exec(compile(SOURCES[name], f"<unicoro: gevent/{name}.py>", "exec"), vars(module))
    return module


# What is done to a module once it has run: to those that patch, and to those that wait.
PATCHERS = {
    "gevent.monkey": disarming("patch_", LIBRARY),
    "eventlet.patcher": disarming("monkey_patch", LIBRARY),
    "psycogreen.gevent": disarming("patch_psycopg", PSYCOPG),
    "psycogreen.eventlet": disarming("patch_psycopg", PSYCOPG),
}
WAITERS = {
    "gevent.hub": change_hub,
    "gevent.event": replacing("events", Event="Event", AsyncResult="AsyncResult"),
    "gevent.lock": replacing("events", Semaphore="Semaphore", BoundedSemaphore="Semaphore"),
    "gevent.queue": replacing(
        "queues",
        SimpleQueue="SimpleQueue",
        Queue="Queue",
        JoinableQueue="Queue",
        PriorityQueue="Queue",
        LifoQueue="Queue",
    ),
    "gevent.threadpool": change_thread_pools,
}


def change_of(name):
    if is_green is False:
        return None
    return PATCHERS.get(name) or (is_green and WAITERS.get(name))


def after_request():
    """Runs what the request that has ended has spawned and not waited for."""
    hub = hub_if_exists()
    if hub is not None and hub.loop is not None:
        hub.join()


def at_end():
    """The green thread ends, and its hub with it."""
    hub = hub_if_exists()
    if hub is not None:
        hub.destroy(destroy_loop=True)


def interrupt(error):
    """The request that this green thread serves is overdue, and its hub waits: raises `error` in the
    greenlet that the request began in."""
    hub = hub_if_exists()
    if hub is not None and hub.loop is not None:
        hub.loop.run_callback(hub.parent.throw, error)


def is_in_hub():
    """Whether who calls is a greenlet of a hub, and not the hub itself."""
    hub = hub_if_exists()
    return (
        hub is not None
        and hub.loop is not None
        and sys.modules["greenlet"].getcurrent() is not hub
    )


def wait_in_hub(descriptor, timeout):
    """Waits until it is readable; for ``timeout`` at most, None for ever."""
    hub = hub_if_exists()
    watcher = hub.loop.io(descriptor, READABLE)
    try:
        ours("turns").within(timeout, lambda: hub.wait(watcher))
    finally:
        watcher.close()


# As gevent's loops have it.
READABLE = 1


def hub_if_exists():
    module = sys.modules.get("gevent._hub_local")
    return module and module.get_hub_if_exists()


finder = Finder(change_of)
sys.meta_path.insert(0, finder)


def decide(green):
    """Green threads will run the application, or not: then nothing is changed after all."""
    global is_green
    is_green = green
    if green:
        for name, change in WAITERS.items():
            if name in sys.modules:
                change(sys.modules[name])
    else:
        for module, name, original in disarmed:
            setattr(module, name, original)
    for call in kept:
        call()
    kept.clear()
