//! The checkpoints of the audit log in a file outside the database: one line of JSON each, appended.
//!
//! A line is on disk before the next one is written. A crash or a full disk may leave half a line at the end; it is ended by
//! the next one and passed over in reading, since the checkpoint is in the database too. Any other line that cannot be read is
//! an error: somebody wrote it.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use backstop_domain::{audit::Checkpoint, ports::Witness};

/// The file.
pub(crate) struct CheckpointFile(PathBuf);

impl CheckpointFile {
    /// A file that is made when the first checkpoint comes.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

#[async_trait]
impl Witness for CheckpointFile {
    async fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let (path, line) = (self.0.clone(), checkpoint.to_string());
        on_disk(move || append(&path, &line).map_err(|error| told(&path, &error))).await
    }

    async fn kept(&self) -> Result<Vec<Checkpoint>, String> {
        let path = self.0.clone();
        on_disk(move || match fs::read_to_string(&path) {
            Ok(text) => {
                read(&text).map_err(|line| format!("{}: line {line} is no checkpoint", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(told(&path, &error)),
        })
        .await
    }
}

/// Away from the threads that others wait for.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    let torn = !ends_a_line(&mut file)?;
    file.write_all(format!("{}{line}\n", if torn { "\n" } else { "" }).as_bytes())?;
    file.sync_data()
}

fn ends_a_line(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The checkpoints of a file, or the number of the line that is none.
fn read(text: &str) -> Result<Vec<Checkpoint>, usize> {
    let mut checkpoints = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        match Checkpoint::from_line(line) {
            Some(checkpoint) => checkpoints.push(checkpoint),
            None if is_torn(line) => {}
            None => return Err(number),
        }
    }
    Ok(checkpoints)
}

/// Whether a line is the beginning of one of ours, cut off: no whole line of JSON.
fn is_torn(line: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use backstop_domain::{
        audit::{Head, Signature},
        clock::Timestamp,
    };

    use super::*;

    fn checkpoint(seq: u64) -> Checkpoint {
        let signature = Signature { key: "k".into(), bytes: vec![1, 2] };
        let head = Head { seq, hash: [7; 32] };
        Checkpoint { seq, at: Timestamp::from_millis(5), hash: head.hash, signature }
    }

    #[test]
    fn a_torn_line_is_passed_over_and_the_next_checkpoint_begins_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints.jsonl");
        append(&path, &checkpoint(1).to_string()).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{}", &whole[..40])).unwrap();
        append(&path, &checkpoint(2).to_string()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(read(&text), Ok(vec![checkpoint(1), checkpoint(2)]));
        assert_eq!(read(&format!("{text}not one of ours\n")), Err(4));
        assert_eq!(read(&text.replace("\"seq\":2", "\"sex\":2")), Err(3));
    }
}
