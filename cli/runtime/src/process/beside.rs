//! A command run beside an instance, with its environment: a health probe, or what a user asks
//! for. It never outlives its time, nor the interest in it.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_system::id::InstanceId;
use nix::sys::signal::{Signal, killpg};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::child::{command, marked};
use super::mark::RunMark;
use crate::contract::ExecOutcome;
use crate::instance::InstanceSpec;
use msvc_machine::pipe::read_what_is_there;
use msvc_machine::process_table::as_pid;

/// What is kept of a command's output.
const LONGEST_OUTPUT: usize = 64 * 1024;

/// How long output may still arrive after the command's end.
const DRAIN: Duration = Duration::from_millis(100);

/// Kills a whole session's first group when dropped.
struct KillGroup(Option<u32>);

impl Drop for KillGroup {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(as_pid) {
            // Gone already is what is wanted.
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

/// Runs `words` beside `spec` for at most `timeout`.
pub(super) async fn run_beside(
    spec: &InstanceSpec,
    id: &InstanceId,
    mark: &RunMark,
    words: &[String],
    timeout: Duration,
    clock: &dyn Clock,
) -> io::Result<ExecOutcome> {
    let program = spec.process()?;
    let (reader, writer) = io::pipe()?;
    let mut command = command(program, words, marked(program, mark.value(id)))?;
    command
        .command_mut()
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut process = command.spawn()?;
    // It holds the pipe's writing ends: without it gone, the output would never end.
    drop(command);
    let _group = KillGroup(process.id());
    let mut reader = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let mut output = Vec::new();
    let deadline = clock.now() + timeout;
    let mut ended = pin!(async {
        tokio::select! {
            status = process.inner_mut().wait() => status.map(|status| status.code()),
            () = clock.sleep_until(deadline) => Ok(None),
        }
    });
    // Whose output is not read does not end.
    let (status, is_read) = tokio::select! {
        status = &mut ended => (status?, false),
        () = read(&mut reader, &mut output) => (ended.await?, true),
    };
    if !is_read {
        tokio::select! {
            () = read(&mut reader, &mut output) => {}
            () = clock.sleep(DRAIN) => keep(&mut output, &read_what_is_there(&reader)),
        }
    }
    Ok(ExecOutcome {
        status,
        output: String::from_utf8_lossy(&output).into_owned(),
    })
}

/// Reads to the end and keeps the beginning.
async fn read(from: &mut pipe::Receiver, output: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        keep(output, &chunk[..length]);
    }
}

fn keep(output: &mut Vec<u8>, more: &[u8]) {
    let room = LONGEST_OUTPUT.saturating_sub(output.len());
    output.extend_from_slice(&more[..more.len().min(room)]);
}
