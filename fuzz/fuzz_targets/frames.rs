#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unicoro_fuzz::frames::check(data));
