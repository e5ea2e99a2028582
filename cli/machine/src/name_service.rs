//! Keeps a statically linked glibc off the host's name service plug-ins.
//!
//! A static glibc that finds `resolve` or `mymachines` in `/etc/nsswitch.conf` loads the host's
//! shared plug-in, built for another glibc, and dies of it. Telling glibc what to consult, before
//! anything resolves a name, keeps it to the two sources it carries itself.

/// Makes name lookups use files and DNS, users and groups files alone. To be called first thing
/// in main, before any other thread exists.
pub fn use_builtin_name_services() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    configure();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "glibc offers this setting as a C function only; no crate wraps it"
)]
fn configure() {
    use std::ffi::{c_char, c_int};
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    }
    let settings = [
        (c"hosts", c"files dns"),
        (c"passwd", c"files"),
        (c"group", c"files"),
    ];
    for (database, services) in settings {
        // SAFETY: both pointers are NUL-terminated and live for the whole program; glibc copies
        // what it keeps. It is called before any thread that could look a name up.
        let _ = unsafe { __nss_configure_lookup(database.as_ptr(), services.as_ptr()) };
    }
}
