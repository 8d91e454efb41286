"""CPython's tests of multiprocessing's way `fork`: `test` of some releases has only what they share."""

from test._test_multiprocessing import install_tests_in_module_dict

install_tests_in_module_dict(globals(), "fork")
