#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::bodies::crit_json(data));
