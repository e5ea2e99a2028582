//! A command that is asked on its standard input and answers in bytes.

use std::process::Stdio;

use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ChildCommand, ChildEnd, ChildError, end_group, spawn};
use crate::shutdown::Shutdown;

/// Runs `command` with `question` on its standard input, and gives back how it ended and all that
/// it wrote on its standard output. What it says on standard error is nobody's.
///
/// # Errors
/// When it cannot be started or waited for.
pub async fn ask(
    command: &ChildCommand,
    question: Vec<u8>,
    shutdown: &Shutdown,
) -> Result<(ChildEnd, Vec<u8>), ChildError> {
    let program = command.program.to_string_lossy().into_owned();
    let wait = |source| ChildError::Wait {
        program: program.clone(),
        source,
    };
    let mut child = spawn(command, Stdio::piped(), Stdio::null())?;
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let asking = async move {
        if let Some(mut stdin) = stdin {
            // Who reads no more of it has said what it had to say.
            let _ = stdin.write_all(&question).await;
        }
    };
    let hearing = async move {
        let mut answer = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut answer).await?;
        }
        Ok(answer)
    };
    let answered = async { tokio::join!(asking, hearing).1 };
    let answer = tokio::select! {
        answer = answered => answer.map_err(wait)?,
        () = shutdown.requested() => {
            end_group(group.map(Pid::from_raw), &mut child, None).await;
            return Ok((ChildEnd::Interrupted, Vec::new()));
        }
    };
    let status = child.wait().await.map_err(wait)?;
    Ok((ChildEnd::Exited(status), answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_larger_than_a_pipe_is_answered_in_bytes() {
        let command = ChildCommand {
            program: "/bin/cat".into(),
            arguments: Vec::new(),
            directory: std::env::temp_dir(),
            environment: Vec::new(),
        };
        let question = [0xff, 0, b'\n'].repeat(300_000);
        let (end, answer) = ask(&command, question.clone(), &Shutdown::new())
            .await
            .unwrap();
        assert!(matches!(end, ChildEnd::Exited(status) if status.success()));
        assert_eq!(answer, question);
    }
}
