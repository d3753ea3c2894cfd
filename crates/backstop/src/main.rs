//! Reads arguments, runs a command, sets the exit code.

/// A start allocates on one thread and frees on others. The system's allocator takes locks and merges blocks for that;
/// this one does not, and on musl the difference is larger still.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    backstop::cli::main()
}
