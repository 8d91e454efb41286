// A C++ library with state of each kind that a thread has; see own.c, and the same rules.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int AT_ONCE = 64;

void nap(int number)
{
    timespec time = {0, 1000000 + number * 379 % 17 * 100000};
    nanosleep(&time, nullptr);
}

void note(const std::string &text)
{
    int notes = open(getenv("NOTES"), O_WRONLY | O_APPEND | O_CREAT, 0644);
    std::string line = text + "\n";
    if (write(notes, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        abort();
    close(notes);
}

struct Object {
    int number = 7;
    std::string text = "a text that is too long for a place in the object itself";
};

thread_local Object object;

struct Ending {
    int number = 0;
    // At the end of its thread; it waits, and the other objects of its thread are still there.
    ~Ending()
    {
        nap(number);
        note((object.number == number ? "object " : "another's object ") + std::to_string(number));
    }
};

// Sees whether it dies of one exception, after a wait.
struct Unwound {
    int number;
    const char *&wrong;
    ~Unwound()
    {
        nap(number);
        if (std::uncaught_exceptions() != 1)
            wrong = "unwound by another's exception";
    }
};

} // namespace

extern "C" {

const char *object_of_the_thread(int number)
{
    object.number = number;
    object.text = "the text of number " + std::to_string(number) + ", which has memory of its own";
    nap(number);
    bool is_own = object.number == number
        && object.text == "the text of number " + std::to_string(number) + ", which has memory of its own";
    return is_own ? nullptr : "another's object";
}

const char *object_of_a_function(int number)
{
    thread_local std::string text = "made at first use";
    text.assign(number % 50 + 20, static_cast<char>('a' + number % 26));
    nap(number);
    bool is_own = text == std::string(number % 50 + 20, static_cast<char>('a' + number % 26));
    return is_own ? nullptr : "another's text";
}

const char *until_the_end(int number)
{
    object.number = number + 1;
    thread_local Ending ending;
    ending.number = number + 1;
    // So long that those who come at once have a thread each.
    for (int count = 0; count < 200; count++)
        nap(number);
    return nullptr;
}

const char *caught_exception(int number)
{
    try {
        throw number;
    } catch (int &caught) {
        nap(number);
        if (caught != number)
            return "another's exception";
        try {
            throw;
        } catch (int &again) {
            nap(number);
            return again == number ? nullptr : "another's exception again";
        } catch (...) {
            return "another exception";
        }
    }
}

const char *current_exception(int number)
{
    try {
        throw std::runtime_error(std::to_string(number));
    } catch (...) {
        nap(number);
        try {
            std::rethrow_exception(std::current_exception());
        } catch (std::exception &caught) {
            return caught.what() == std::to_string(number) ? nullptr : "another's exception";
        }
    }
}

const char *exception_in_flight(int number)
{
    const char *wrong = nullptr;
    try {
        Unwound outer{number, wrong};
        Unwound inner{number + 1, wrong};
        throw number;
    } catch (int caught) {
        if (caught != number)
            wrong = "another's exception";
    }
    return std::uncaught_exceptions() == 0 ? wrong : "still in flight";
}

const char *nested_exceptions(int number)
{
    try {
        try {
            throw std::runtime_error(std::to_string(number));
        } catch (...) {
            nap(number);
            std::throw_with_nested(std::logic_error(std::to_string(number + 1)));
        }
    } catch (std::exception &outer) {
        nap(number);
        if (outer.what() != std::to_string(number + 1))
            return "another's outer exception";
        try {
            std::rethrow_if_nested(outer);
            return "not nested";
        } catch (std::exception &inner) {
            return inner.what() == std::to_string(number) ? nullptr : "another's inner exception";
        }
    }
}

// Each has a flag of its own, and what is to be called comes by way of thread-local variables.
const char *call_once_each(int number)
{
    std::once_flag flag;
    int called = 0;
    std::call_once(flag, [&] {
        nap(number);
        called += number + 1;
    });
    return called == number + 1 ? nullptr : "another's function was called";
}

// The first that is called throws, so another one tries.
const char *call_once_for_all(int number)
{
    static std::once_flag flags[AT_ONCE];
    static int tried[AT_ONCE];
    int round = number / 100 % AT_ONCE;
    try {
        std::call_once(flags[round], [&] {
            nap(number);
            if (++tried[round] == 1)
                throw number;
        });
    } catch (int thrown) {
        return thrown == number ? nullptr : "another's exception";
    }
    return tried[round] == 2 ? nullptr : "not tried twice";
}

const char *static_object(int number)
{
    struct Slow {
        int number;
        explicit Slow(int wanted) { nap(wanted), number = wanted; }
    };
    // The first round waits for who makes it.
    static const Slow first(number);
    return first.number < 100 ? nullptr : "made by a later one";
}

const char *recursive_mutex(int number)
{
    static std::recursive_mutex mutex;
    static int inside;
    std::lock_guard<std::recursive_mutex> outer(mutex);
    std::lock_guard<std::recursive_mutex> inner(mutex);
    bool is_alone = inside++ == 0;
    nap(number);
    return --inside == 0 && is_alone ? nullptr : "not alone";
}

const char *shared_mutex(int number)
{
    static std::shared_mutex mutex;
    static int inside;
    {
        std::shared_lock<std::shared_mutex> reading(mutex);
        nap(number);
        if (inside != 0)
            return "reads beside a writer";
    }
    std::lock_guard<std::shared_mutex> writing(mutex);
    bool is_alone = inside++ == 0;
    nap(number);
    return --inside == 0 && is_alone ? nullptr : "not alone";
}

const char *identity(int number)
{
    static std::mutex mutex;
    static std::set<std::thread::id> inside;
    auto ours = std::this_thread::get_id();
    {
        std::lock_guard<std::mutex> guard(mutex);
        if (!inside.insert(ours).second)
            return "another's identity";
    }
    nap(number);
    std::lock_guard<std::mutex> guard(mutex);
    inside.erase(ours);
    return std::this_thread::get_id() == ours ? nullptr : "it has changed";
}

} // extern "C"
