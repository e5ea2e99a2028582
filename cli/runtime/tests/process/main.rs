//! The process runtime driven as the commands drive it: real guardians, supervisors, services.

mod ends;
mod faults;
mod keeps;
mod support;
