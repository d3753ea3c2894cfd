//! Reads arguments, runs a command, sets the exit code.

fn main() -> std::process::ExitCode {
    backstop::cli::main()
}
