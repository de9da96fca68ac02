//! SQLite as k3s uses it: WAL, and synchronous NORMAL (k3s-io/kine, pkg/drivers/sqlite). A power cut may take the last
//! transactions, and leaves a prefix.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// `sqlite3` at work: a line of SQL in, a line of values out. It ends, and closes the file, with its standard input.
pub(super) struct Datastore {
    _program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Datastore {
    pub(super) fn open(file: &Path) -> io::Result<Datastore> {
        let mut program =
            Command::new("sqlite3").arg("-batch").arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (program.stdin.take(), program.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let mut datastore = Datastore { _program: program, input, output: BufReader::new(output) };
        let mode = datastore.ask("PRAGMA journal_mode=WAL;")?;
        if mode != "wal" {
            return Err(io::Error::other(format!("{} does not take WAL, but {mode}", file.display())));
        }
        datastore
            .ask("PRAGMA synchronous=NORMAL; CREATE TABLE IF NOT EXISTS writes (n INTEGER PRIMARY KEY); SELECT 1;")?;
        Ok(datastore)
    }

    /// Commits the write of this number. Again is no other write.
    pub(super) fn write(&mut self, number: u64) -> io::Result<()> {
        let text = number.to_string();
        let said = self.ask(&format!("INSERT OR IGNORE INTO writes VALUES ({number}); SELECT {number};"))?;
        if said == text { Ok(()) } else { Err(io::Error::other(format!("sqlite3 says {said}"))) }
    }

    /// How many writes there are, and the highest number.
    pub(super) fn count(&mut self) -> io::Result<String> {
        self.ask("SELECT count(*), coalesce(max(n), 0) FROM writes;")
    }

    fn ask(&mut self, sql: &str) -> io::Result<String> {
        writeln!(self.input, "{sql}")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("sqlite3 has ended"));
        }
        Ok(line.trim_end().to_owned())
    }
}
