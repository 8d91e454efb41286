//! Which loaded libraries would bypass the interposed calls, as far as a library shows it.
//!
//! A library that defines an interposed name itself may call its own: certainly if it was linked with
//! `-Bsymbolic`, perhaps if not. Not seen: a static libc that a library hides inside, and system
//! calls made directly (Go, some allocators).
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;

use libc::{dl_phdr_info, size_t};

use super::table::TABLE;

/// A library whose calls of `names` may not reach ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// The path of the library.
    pub library: String,
    /// The functions of libc that it brings with it.
    pub names: Vec<&'static str>,
    /// It was linked so that it calls its own.
    pub is_certain: bool,
}

/// The loaded libraries that have their own functions under interposed names.
#[must_use]
pub fn bypassed() -> Vec<Bypass> {
    let mut found = Vec::new();
    // SAFETY: the callback gets our vector, which outlives the walk.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut found).cast()) };
    found
}

unsafe extern "C" fn visit(info: *mut dl_phdr_info, _size: size_t, found: *mut c_void) -> c_int {
    // SAFETY: the walk gives a valid description, and back what `bypassed` gave it.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<Bypass>>()) };
    if info.dlpi_name.is_null() {
        return 0;
    }
    // SAFETY: a string that ends in NUL.
    let library = unsafe { CStr::from_ptr(info.dlpi_name) }.to_string_lossy().into_owned();
    // The executable has no name here; we may be a library ourselves (the wheel's); the C library and its
    // loader define the real ones.
    if library.is_empty() || has_our_code(info) || is_part_of_libc(&library) {
        return 0;
    }
    // SAFETY: the description is of a loaded library, whose dynamic section stays mapped.
    let Some(dynamic) = (unsafe { Dynamic::of(info) }) else { return 0 };
    let names = dynamic.own(TABLE.iter().flat_map(|calls| calls.iter()).map(|call| call.name));
    if !names.is_empty() {
        found.push(Bypass { library, names, is_certain: dynamic.is_symbolic });
    }
    0
}

fn has_our_code(info: &dl_phdr_info) -> bool {
    // SAFETY: the description is of a loaded library.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    headers.iter().filter(|header| header.p_type == libc::PT_LOAD).any(|header| {
        let start = (info.dlpi_addr + header.p_vaddr) as usize;
        (start..start + header.p_memsz as usize).contains(&(visit as *const () as usize))
    })
}

fn is_part_of_libc(path: &str) -> bool {
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path);
    ["libc.so", "libc-", "libpthread", "librt", "ld-linux", "linux-vdso", "libresolv", "libanl"]
        .iter()
        .any(|part| name.starts_with(part))
}

/// A library's dynamic section, as far as it tells what the library defines.
struct Dynamic {
    is_symbolic: bool,
    symbols: *const libc::Elf64_Sym,
    strings: *const c_char,
    count: usize,
}

// elf(5); not in the libc crate.
const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
const DT_SYMBOLIC: i64 = 16;
const DT_FLAGS: i64 = 30;
const DT_GNU_HASH: i64 = 0x6fff_fef5;
const DF_SYMBOLIC: usize = 2;

#[repr(C)]
struct Entry {
    tag: i64,
    value: usize,
}

impl Dynamic {
    /// # Safety
    /// `info` is of a loaded library.
    unsafe fn of(info: &dl_phdr_info) -> Option<Self> {
        // SAFETY: the caller's word.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let header = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC)?;
        let mut entry = (info.dlpi_addr + header.p_vaddr) as *const Entry;
        let mut dynamic = Self {
            is_symbolic: false,
            symbols: std::ptr::null(),
            strings: std::ptr::null(),
            count: 0,
        };
        let mut hash = std::ptr::null::<u32>();
        // SAFETY: the section ends with a null entry; glibc has made its addresses absolute.
        unsafe {
            while (*entry).tag != 0 {
                let value = (*entry).value;
                match (*entry).tag {
                    DT_STRTAB => dynamic.strings = value as *const c_char,
                    DT_SYMTAB => dynamic.symbols = value as *const libc::Elf64_Sym,
                    DT_GNU_HASH => hash = value as *const u32,
                    DT_SYMBOLIC => dynamic.is_symbolic = true,
                    DT_FLAGS => dynamic.is_symbolic |= value & DF_SYMBOLIC != 0,
                    _ => {}
                }
                entry = entry.add(1);
            }
        }
        // The vDSO's addresses are not made absolute; a library without a hash exports nothing.
        let lowest = info.dlpi_addr as usize;
        if hash.is_null() || (hash as usize) < lowest || dynamic.symbols.is_null() {
            return None;
        }
        // SAFETY: a loaded library's hash table.
        dynamic.count = unsafe { count_symbols(hash) };
        Some(dynamic)
    }

    /// Those of `names` that the library defines.
    fn own(&self, names: impl Iterator<Item = &'static CStr>) -> Vec<&'static str> {
        let defined: Vec<&CStr> = (0..self.count)
            .filter_map(|index| {
                // SAFETY: the hash table has said that there are this many symbols; names lie in
                // the string table and end in NUL.
                unsafe {
                    let symbol = &*self.symbols.add(index);
                    (symbol.st_shndx != 0)
                        .then(|| CStr::from_ptr(self.strings.add(symbol.st_name as usize)))
                }
            })
            .collect();
        let own = names.filter(|name| defined.contains(name));
        own.filter_map(|name| name.to_str().ok()).collect()
    }
}

/// How many symbols there are: one more than the last of the longest chain of a GNU hash table.
///
/// # Safety
/// `hash` is one, complete.
unsafe fn count_symbols(hash: *const u32) -> usize {
    // SAFETY: the caller's word; the layout is header, Bloom filter, buckets, chains.
    unsafe {
        let [buckets, first, bloom] = [0, 1, 2].map(|index| *hash.add(index) as usize);
        let table = hash.add(4 + bloom * 2);
        let last = (0..buckets).map(|index| *table.add(index) as usize).max().unwrap_or(0);
        if last < first {
            return first;
        }
        let chains = table.add(buckets);
        let mut index = last;
        while *chains.add(index - first) & 1 == 0 {
            index += 1;
        }
        index + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_itself_is_not_reported() {
        assert_eq!(bypassed(), []);
        assert!(is_part_of_libc("/lib/x86_64-linux-gnu/libc.so.6"));
        assert!(!is_part_of_libc("/usr/lib/libpq.so.5"));
    }
}
