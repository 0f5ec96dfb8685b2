//! Other programs, run to their end.

use std::process::{Command, Stdio};

use crate::error::Error;

/// Runs it, and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::Start { program: program.clone(), error })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Failed { program, status: output.status.to_string(), said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
