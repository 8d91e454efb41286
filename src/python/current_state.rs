//! Which thread state is attached: the process's one before CPython 3.12, each OS thread's since.
//!
//! Since 3.12 it stands in a thread-local variable of libpython, which all green threads of an OS thread
//! share. A green thread that parks while it is attached ([`GreenState::keep_lock`]) must not leave its
//! state there for the others, so that variable is found, and emptied for that time.
//!
//! [`GreenState::keep_lock`]: unicoro_contract::GreenState::keep_lock
#![allow(unsafe_code)]

use pyo3::ffi::PyThreadState;

/// The state that is attached, or null.
#[cfg(Py_3_13)]
pub fn current() -> *mut PyThreadState {
    // SAFETY: reads a variable.
    unsafe { pyo3::ffi::PyThreadState_GetUnchecked() }
}

/// The state that is attached, or null.
#[cfg(not(Py_3_13))]
pub fn current() -> *mut PyThreadState {
    unsafe extern "C" {
        // Exported by CPython 3.5.2 to 3.12; pyo3-ffi keeps it to itself.
        fn _PyThreadState_UncheckedGet() -> *mut PyThreadState;
    }
    // SAFETY: reads a variable.
    unsafe { _PyThreadState_UncheckedGet() }
}

/// Whether [`set`] can be used on this OS thread. Asked while a state is attached here.
#[cfg(not(Py_3_12))]
pub fn can_be_set() -> bool {
    true
}

/// Before 3.12 there is nothing to do: the state is the process's, as the GIL is.
#[cfg(not(Py_3_12))]
pub fn set(_state: *mut PyThreadState) {}

#[cfg(Py_3_12)]
pub use own_variable::{can_be_set, set};

#[cfg(Py_3_12)]
mod own_variable {
    use std::cell::Cell;
    use std::ffi::{c_int, c_void};
    use std::ptr;

    use pyo3::ffi::{self, PyThreadState};

    thread_local! {
        // The variable on this OS thread; null: nobody has looked, or it was not found.
        static VARIABLE: Cell<*mut *mut PyThreadState> = const { Cell::new(ptr::null_mut()) };
    }

    /// Whether [`set`] can be used on this OS thread. Asked while a state is attached here.
    pub fn can_be_set() -> bool {
        if VARIABLE.get().is_null() {
            VARIABLE.set(find(super::current()));
        }
        !VARIABLE.get().is_null()
    }

    /// Makes the state, or null, the one that is attached here, as far as this OS thread's variable
    /// goes: the GIL stays as it is. Only where [`can_be_set`] was true.
    pub fn set(state: *mut PyThreadState) {
        // SAFETY: libpython's variable on this OS thread, which nobody else uses.
        unsafe { VARIABLE.get().write(state) };
    }

    /// The one word among libpython's thread-local variables that holds this state; null: there is
    /// none, or more than one.
    fn find(state: *mut PyThreadState) -> *mut *mut PyThreadState {
        let mut search = Search { state, found: Vec::new() };
        // SAFETY: the callback has this type, and `search` outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
        match search.found[..] {
            [word] if !state.is_null() => word,
            _ => ptr::null_mut(),
        }
    }

    struct Search {
        state: *mut PyThreadState,
        found: Vec<*mut *mut PyThreadState>,
    }

    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: `find` passes a `Search`; the info is valid during the call, its headers as long as
        // the library is loaded.
        let (info, search, headers) = unsafe {
            let info = &*info;
            let headers = std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into());
            (info, &mut *search.cast::<Search>(), headers)
        };
        let code = ffi::Py_IsInitialized as *const () as u64;
        let has_interpreter = headers.iter().any(|header| {
            let start = info.dlpi_addr + header.p_vaddr;
            header.p_type == libc::PT_LOAD && (start..start + header.p_memsz).contains(&code)
        });
        if !has_interpreter {
            return 0;
        }
        let tls = headers.iter().find(|header| header.p_type == libc::PT_TLS);
        if let (Some(tls), false) = (tls, info.dlpi_tls_data.is_null()) {
            let words = info.dlpi_tls_data.cast::<*mut PyThreadState>();
            for index in 0..tls.p_memsz as usize / size_of::<usize>() {
                // SAFETY: within this OS thread's block of libpython, whose variables are aligned.
                unsafe {
                    if words.add(index).read() == search.state {
                        search.found.push(words.add(index));
                    }
                }
            }
        }
        1
    }
}
