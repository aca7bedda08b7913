//! Lists what runs, maps or holds open a file that is no longer on the disk.
//!
//!     cargo run -p libforensic-examples --bin unlinked -- examples/evidence/incident.tar.gz

use libforensic::Checkpoint;

fn main() -> libforensic::Result<()> {
    for path in std::env::args_os().skip(1) {
        let checkpoint = Checkpoint::open(path)?;
        for pid in checkpoint.pids() {
            let process = checkpoint.process(pid)?;
            if let (Some(exe), Some(true)) = (&process.exe, process.exe_deleted) {
                // `Debug` escapes what an attacker may have put into a name.
                println!("process {pid} runs {exe:?}");
            }
            for mapping in checkpoint.mappings(pid)? {
                if mapping.deleted == Some(true) && mapping.perms.contains('x') {
                    println!("process {pid} maps code from {:?} at {:#x}", mapping.path, mapping.start);
                }
            }
            for file in checkpoint.descriptors(pid)? {
                if file.deleted == Some(true) {
                    println!("process {pid} holds {:?} open as descriptor {}", file.path, file.fd);
                }
            }
        }
        for warning in checkpoint.warnings() {
            eprintln!("could not read: {warning:?}");
        }
    }
    Ok(())
}
