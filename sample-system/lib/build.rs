//! Generates the gRPC code of inventory with a protobuf compiler written in Rust: a fresh machine
//! has no `protoc`.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    // Asked for when it runs: what `env!` would have put in stays behind when a checkout is moved.
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let protos = here.join("../../contracts/proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile([protos.join("inventory.proto")], [&protos])?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
