#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| suture_fuzz::fields::run(bytes));
