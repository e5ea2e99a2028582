//! Generates the gRPC code of inventory with a protobuf compiler written in Rust: a fresh machine
//! has no `protoc`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile([protos.join("inventory.proto")], [&protos])?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
