// An extension module made with pybind11, which keeps in thread-local state what its calls in progress
// need: arguments that were converted, and who has the GIL. Compiled by
// tests/suite/coroutine/own_threads.rs.

#include <functional>
#include <stdexcept>
#include <string>

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <time.h>

namespace py = pybind11;

namespace {

void nap(int number)
{
    timespec time = {0, 1000000 + number * 379 % 17 * 100000};
    nanosleep(&time, nullptr);
}

// What an int is converted to for a call, and is destroyed after it.
struct Converted {
    int number;
    explicit Converted(int wanted) : number(wanted) {}
    ~Converted() { number = -1; }
};

std::string read_all(const py::object &file)
{
    std::string all;
    while (true) {
        py::bytes part = file.attr("read")(4);
        std::string text = part;
        if (text.empty())
            return all;
        all += text;
    }
}

int without_gil(int number)
{
    py::gil_scoped_release release;
    nap(number);
    return number;
}

// Out of the GIL, in again for Python's function, and out again.
int call_back(const std::function<int(int)> &function, int number)
{
    py::gil_scoped_release release;
    nap(number);
    int found;
    {
        py::gil_scoped_acquire acquire;
        found = function(number);
        {
            py::gil_scoped_release again;
            nap(number);
        }
        found += function(number);
    }
    nap(number);
    return found;
}

int keep_converted(const Converted &converted, const py::function &wait)
{
    wait();
    return converted.number;
}

// Python's exception, kept in C++ while Python waits.
void raise_later(const py::function &raise, const py::function &wait)
{
    try {
        raise();
    } catch (py::error_already_set &error) {
        wait();
        throw;
    }
}

// The same while the exception is Python's own: restored, and fetched after a call that waits.
std::string text_later(const py::function &raise, const py::function &wait)
{
    try {
        raise();
    } catch (py::error_already_set &error) {
        {
            py::gil_scoped_release release;
            nap(1);
        }
        wait();
        return py::str(error.value());
    }
    return "nothing raised";
}

struct Naps {
    int number;
    ~Naps()
    {
        py::gil_scoped_release release;
        nap(number);
    }
};

// C++'s exception, on its way through a wait.
void throw_through_a_wait(int number)
{
    Naps naps{number};
    try {
        throw std::out_of_range(std::to_string(number));
    } catch (...) {
        {
            py::gil_scoped_release release;
            nap(number);
        }
        throw;
    }
}

} // namespace

PYBIND11_MODULE(bound, module)
{
    py::class_<Converted>(module, "Converted").def(py::init<int>());
    py::implicitly_convertible<int, Converted>();
    module.def("read_all", &read_all);
    module.def("without_gil", &without_gil);
    module.def("without_gil_by_guard", [](int number) { nap(number); return number; },
        py::call_guard<py::gil_scoped_release>());
    module.def("call_back", &call_back);
    module.def("keep_converted", &keep_converted);
    module.def("raise_later", &raise_later);
    module.def("text_later", &text_later);
    module.def("throw_through_a_wait", &throw_through_a_wait);
}
