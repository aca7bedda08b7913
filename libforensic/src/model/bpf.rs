//! Classic BPF programs: seccomp filters and socket filters, as text and run on trial inputs.

use std::fmt::Write as _;

use super::Architecture;
use super::syscall_table::system_call_name;

/// One instruction of classic BPF (`struct sock_filter` of `<linux/filter.h>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Instruction {
    /// Operation, addressing mode and size.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jump_true: u8,
    /// Instructions to skip when it does not.
    pub jump_false: u8,
    /// Constant, offset or address.
    pub k: u32,
}

/// What a program reads its input from, which decides how offsets are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Input {
    /// `struct seccomp_data` of `<linux/seccomp.h>`.
    Seccomp(Option<Architecture>),
    /// A network packet.
    Packet,
}

// Instruction classes and fields, `<linux/bpf_common.h>`.
const LD: u16 = 0x00;
const LDX: u16 = 0x01;
const ST: u16 = 0x02;
const STX: u16 = 0x03;
const ALU: u16 = 0x04;
const JMP: u16 = 0x05;
const RET: u16 = 0x06;
const MISC: u16 = 0x07;
const FROM_X: u16 = 0x08;

impl Instruction {
    /// Reads one element of `sk_opts_entry.so_filter`, which is packed as
    /// code, two jumps and constant from the highest bits down (criu/sockets.c).
    pub fn from_packed(word: u64) -> Self {
        let [c1, c0, jt, jf, k3, k2, k1, k0] = word.to_be_bytes();
        Self {
            code: u16::from_be_bytes([c1, c0]),
            jump_true: jt,
            jump_false: jf,
            k: u32::from_be_bytes([k3, k2, k1, k0]),
        }
    }

    /// Reads a program as it lies in memory, 8 bytes an instruction (`seccomp_filter.filter`).
    ///
    /// Bytes behind the last whole instruction are left out.
    pub fn program(bytes: &[u8], big_endian: bool) -> Vec<Self> {
        bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|[c0, c1, jt, jf, k @ ..]| Self {
                code: if big_endian {
                    u16::from_be_bytes([*c0, *c1])
                } else {
                    u16::from_le_bytes([*c0, *c1])
                },
                jump_true: *jt,
                jump_false: *jf,
                k: if big_endian { u32::from_be_bytes(*k) } else { u32::from_le_bytes(*k) },
            })
            .collect()
    }

    /// Returns the instruction in the notation of `bpf_asm`, with targets as line numbers.
    pub fn text(self, line: usize, input: Input) -> String {
        let k = self.k;
        let target =
            |skip: u32| line.saturating_add(1).saturating_add(usize::try_from(skip).unwrap_or(usize::MAX));
        let operand = if self.code & FROM_X != 0 { "x".to_owned() } else { format!("#{k:#x}") };
        match self.code & 0x07 {
            class @ (LD | LDX) => {
                let register = if class == LD { "ld" } else { "ldx" };
                let size = match self.code & 0x18 {
                    0x08 => "h",
                    0x10 => "b",
                    _ => "",
                };
                match self.code & 0xe0 {
                    0x00 => format!("{register} #{k:#x}"),
                    0x20 => match field(k, input) {
                        Some(name) => format!("{register}{size} [{k}]  ; {name}"),
                        None => format!("{register}{size} [{k}]"),
                    },
                    0x40 => format!("{register}{size} [x + {k}]"),
                    0x60 => format!("{register} M[{k}]"),
                    0x80 => format!("{register} #len"),
                    0xa0 if class == LDX => format!("ldxb 4*([{k}]&0xf)"),
                    _ => self.unknown(),
                }
            }
            ST => format!("st M[{k}]"),
            STX => format!("stx M[{k}]"),
            ALU => match self.code & 0xf0 {
                0x00 => format!("add {operand}"),
                0x10 => format!("sub {operand}"),
                0x20 => format!("mul {operand}"),
                0x30 => format!("div {operand}"),
                0x40 => format!("or {operand}"),
                0x50 => format!("and {operand}"),
                0x60 => format!("lsh {operand}"),
                0x70 => format!("rsh {operand}"),
                0x80 => "neg".to_owned(),
                0x90 => format!("mod {operand}"),
                0xa0 => format!("xor {operand}"),
                _ => self.unknown(),
            },
            JMP => {
                let (yes, no) = (target(u32::from(self.jump_true)), target(u32::from(self.jump_false)));
                match self.code & 0xf0 {
                    0x00 => format!("jmp {}", target(k)),
                    0x10 => format!("jeq {operand}, {yes}, {no}"),
                    0x20 => format!("jgt {operand}, {yes}, {no}"),
                    0x30 => format!("jge {operand}, {yes}, {no}"),
                    0x40 => format!("jset {operand}, {yes}, {no}"),
                    _ => self.unknown(),
                }
            }
            RET => match (self.code & 0x18, input) {
                (0x10, _) => "ret a".to_owned(),
                (0x08, _) => "ret x".to_owned(),
                (_, Input::Seccomp(_)) => format!("ret {}", Action(k)),
                (_, Input::Packet) => format!("ret #{k:#x}"),
            },
            MISC if self.code & 0xf8 == 0x80 => "txa".to_owned(),
            MISC => "tax".to_owned(),
            _ => self.unknown(),
        }
    }

    fn unknown(self) -> String {
        format!(".word {:#06x}, {}, {}, {:#x}", self.code, self.jump_true, self.jump_false, self.k)
    }
}

/// Returns a program as lines of text.
///
/// Comparisons of a seccomp filter with the number of a system call name it,
/// as far as the value loaded before is the number on every way there.
pub fn disassemble(program: &[Instruction], input: Input) -> Vec<String> {
    let mut lines = Vec::with_capacity(program.len());
    // What the accumulator holds: the offset loaded last, in a straight line of reading.
    let mut loaded = None;
    for (line, instruction) in program.iter().enumerate() {
        let mut text = format!("{line:4}: {}", instruction.text(line, input));
        match (instruction.code, input) {
            (0x20, Input::Seccomp(_)) => loaded = Some(instruction.k),
            (code, Input::Seccomp(architecture)) if code & 0x0f == JMP && code & 0xf0 != 0 => {
                let name = match (loaded, architecture) {
                    (Some(0), Some(architecture)) => {
                        system_call_name(architecture, u64::from(instruction.k)).map(str::to_owned)
                    }
                    (Some(4), _) => audit_architecture(instruction.k).map(str::to_owned),
                    _ => None,
                };
                if let Some(name) = name {
                    let _ = write!(text, "  ; {name}");
                }
            }
            (code, _) if matches!(code & 0x07, ALU | LD | MISC) => loaded = None,
            _ => {}
        }
        lines.push(text);
    }
    lines
}

/// Names of the words of `struct seccomp_data`, and of the kernel's packet extensions.
fn field(k: u32, input: Input) -> Option<&'static str> {
    // The two halves of an argument are told apart for little-endian machines only.
    const SECCOMP: [&str; 16] = [
        "nr",
        "arch",
        "ip, low",
        "ip, high",
        "args[0], low",
        "args[0], high",
        "args[1], low",
        "args[1], high",
        "args[2], low",
        "args[2], high",
        "args[3], low",
        "args[3], high",
        "args[4], low",
        "args[4], high",
        "args[5], low",
        "args[5], high",
    ];
    // SKF_AD_OFF plus the ancillary number, `<linux/filter.h>`.
    const ANCILLARY: [&str; 17] = [
        "protocol",
        "packet type",
        "interface index",
        "netlink attribute",
        "nested netlink attribute",
        "mark",
        "queue",
        "hardware type",
        "receive hash",
        "cpu",
        "xor of x",
        "vlan tag",
        "vlan tag present",
        "payload offset",
        "random",
        "vlan protocol",
        "",
    ];
    match input {
        Input::Seccomp(_) if k.is_multiple_of(4) => SECCOMP.get(usize::try_from(k / 4).ok()?).copied(),
        Input::Seccomp(_) => None,
        Input::Packet => {
            let ancillary = usize::try_from(k.checked_sub(0xffff_f000)?).ok()?;
            ANCILLARY.get(ancillary / 4).copied().filter(|n| !n.is_empty())
        }
    }
}

/// `AUDIT_ARCH_…` values, `<linux/audit.h>`, by the name of the architecture.
const AUDIT: [(u32, &str, Option<Architecture>); 13] = [
    (0xc000_003e, "x86_64", Some(Architecture::X86_64)),
    (0x4000_0003, "i386", None),
    (0xc000_00b7, "aarch64", Some(Architecture::Aarch64)),
    (0x4000_0028, "arm", Some(Architecture::Arm)),
    (0xc000_0015, "ppc64le", Some(Architecture::Ppc64le)),
    (0x8000_0015, "ppc64", None),
    (0x8000_0016, "s390x", Some(Architecture::S390x)),
    (0x0000_0016, "s390", None),
    (0xc000_00f3, "riscv64", Some(Architecture::Riscv64)),
    (0xc000_0102, "loongarch64", Some(Architecture::Loongarch64)),
    (0xc000_0008, "mips64el", Some(Architecture::Mips)),
    (0x4000_0008, "mipsel", None),
    (0xe000_0008, "mips64el-n32", None),
];

fn audit_architecture(value: u32) -> Option<&'static str> {
    AUDIT.iter().find(|a| a.0 == value).map(|a| a.1)
}

/// The `AUDIT_ARCH_…` value that a filter sees for native calls of an architecture.
pub(crate) fn audit_value(architecture: Architecture) -> Option<u32> {
    AUDIT.iter().find(|a| a.2 == Some(architecture)).map(|a| a.0)
}

/// What a seccomp filter returns (`SECCOMP_RET_…`), as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Action(pub u32);

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let data = self.0 & 0xffff;
        match self.0 & 0xffff_0000 {
            0x8000_0000 => f.write_str("kill-process"),
            0x0000_0000 => f.write_str("kill-thread"),
            0x0003_0000 => f.write_str("trap"),
            0x0005_0000 => match data {
                1 => f.write_str("errno EPERM"),
                38 => f.write_str("errno ENOSYS"),
                _ => write!(f, "errno {data}"),
            },
            0x7fc0_0000 => f.write_str("notify"),
            0x7ff0_0000 => write!(f, "trace {data}"),
            0x7ffc_0000 => f.write_str("log"),
            0x7fff_0000 => f.write_str("allow"),
            _ => write!(f, "{:#010x}", self.0),
        }
    }
}

/// The outcome of a filter for one system call with arguments unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The same for all arguments.
    Always(Action),
    /// It depends on the arguments or on the instruction pointer.
    Depends,
    /// The program does not end properly, which the kernel would have refused.
    Invalid,
}

/// Runs a seccomp filter for a system call number.
///
/// Classic BPF jumps only forward, so this ends after at most as many steps
/// as there are instructions. The arguments are not known: reading one ends
/// the run.
pub fn verdict(program: &[Instruction], audit: u32, number: u32) -> Verdict {
    let (mut a, mut x) = (0_u32, 0_u32);
    let mut scratch = [0_u32; 16];
    let mut at = 0_usize;
    while let Some(i) = program.get(at) {
        let skip = |n: u32| at.saturating_add(1).saturating_add(usize::try_from(n).unwrap_or(usize::MAX));
        let slot = usize::try_from(i.k).unwrap_or(usize::MAX);
        let operand = if i.code & FROM_X != 0 { x } else { i.k };
        let mut next = skip(0);
        match (i.code & 0x07, i.code) {
            (LD, 0x20) => match i.k {
                0 => a = number,
                4 => a = audit,
                _ => return Verdict::Depends,
            },
            (LD, 0x00) => a = i.k,
            (LDX, 0x01) => x = i.k,
            // The length of struct seccomp_data.
            (LD, 0x80) => a = 64,
            (LDX, 0x81) => x = 64,
            (LD, 0x60) => a = scratch.get(slot).copied().unwrap_or(0),
            (LDX, 0x61) => x = scratch.get(slot).copied().unwrap_or(0),
            (ST, _) => set(&mut scratch, slot, a),
            (STX, _) => set(&mut scratch, slot, x),
            (ALU, code) => {
                let result = match code & 0xf0 {
                    0x00 => a.wrapping_add(operand),
                    0x10 => a.wrapping_sub(operand),
                    0x20 => a.wrapping_mul(operand),
                    0x30 => a.checked_div(operand).unwrap_or(0),
                    0x40 => a | operand,
                    0x50 => a & operand,
                    0x60 => a.checked_shl(operand).unwrap_or(0),
                    0x70 => a.checked_shr(operand).unwrap_or(0),
                    0x80 => a.wrapping_neg(),
                    0x90 => a.checked_rem(operand).unwrap_or(0),
                    0xa0 => a ^ operand,
                    _ => return Verdict::Invalid,
                };
                a = result;
            }
            (JMP, code) => {
                let holds = match code & 0xf0 {
                    0x00 => None,
                    0x10 => Some(a == operand),
                    0x20 => Some(a > operand),
                    0x30 => Some(a >= operand),
                    0x40 => Some(a & operand != 0),
                    _ => return Verdict::Invalid,
                };
                next = skip(match holds {
                    None => i.k,
                    Some(true) => u32::from(i.jump_true),
                    Some(false) => u32::from(i.jump_false),
                });
            }
            (RET, code) => {
                return Verdict::Always(Action(match code & 0x18 {
                    0x10 => a,
                    0x08 => x,
                    _ => i.k,
                }));
            }
            (MISC, code) if code & 0xf8 == 0x80 => a = x,
            (MISC, _) => x = a,
            _ => return Verdict::Invalid,
        }
        at = next;
    }
    Verdict::Invalid
}

fn set(scratch: &mut [u32; 16], slot: usize, value: u32) {
    if let Some(place) = scratch.get_mut(slot) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn i(code: u16, jump_true: u8, jump_false: u8, k: u32) -> Instruction {
        Instruction { code, jump_true, jump_false, k }
    }

    /// Allows read, decides on the arguments of write, refuses the rest.
    fn small() -> Vec<Instruction> {
        vec![
            i(0x20, 0, 0, 4),
            i(0x15, 1, 0, 0xc000_003e),
            i(0x06, 0, 0, 0x8000_0000),
            i(0x20, 0, 0, 0),
            i(0x15, 3, 0, 0),
            i(0x15, 0, 1, 1),
            i(0x20, 0, 0, 16),
            i(0x06, 0, 0, 0x0005_0001),
            i(0x06, 0, 0, 0x7fff_0000),
        ]
    }

    #[test]
    fn text_of_a_filter() {
        let lines = disassemble(&small(), Input::Seccomp(Some(Architecture::X86_64)));
        assert_eq!(lines[0], "   0: ld [4]  ; arch");
        assert_eq!(lines[1], "   1: jeq #0xc000003e, 3, 2  ; x86_64");
        assert_eq!(lines[2], "   2: ret kill-process");
        assert_eq!(lines[4], "   4: jeq #0x0, 8, 5  ; read");
        assert_eq!(lines[7], "   7: ret errno EPERM");
        assert_eq!(lines[8], "   8: ret allow");
    }

    #[test]
    fn verdicts() {
        let audit = audit_value(Architecture::X86_64).unwrap();
        assert_eq!(verdict(&small(), audit, 0), Verdict::Always(Action(0x7fff_0000)));
        assert_eq!(verdict(&small(), audit, 1), Verdict::Depends);
        assert_eq!(verdict(&small(), audit, 59), Verdict::Always(Action(0x0005_0001)));
        assert_eq!(verdict(&small(), 0x4000_0003, 0), Verdict::Always(Action(0x8000_0000)));
        assert_eq!(verdict(&[], audit, 0), Verdict::Invalid);
        assert_eq!(verdict(&[i(0x05, 0, 0, u32::MAX)], audit, 0), Verdict::Invalid);
    }

    #[test]
    fn packed_words_and_memory_images() {
        let packed = Instruction::from_packed(0x0015_0102_dead_beef);
        assert_eq!(packed, i(0x15, 1, 2, 0xdead_beef));
        let bytes = [0x15, 0, 1, 2, 0xef, 0xbe, 0xad, 0xde, 9];
        assert_eq!(Instruction::program(&bytes, false), vec![packed]);
        let swapped = [0, 0x15, 1, 2, 0xde, 0xad, 0xbe, 0xef];
        assert_eq!(Instruction::program(&swapped, true), vec![packed]);
        assert_eq!(i(0x28, 0, 0, 0xffff_f000).text(0, Input::Packet), "ldh [4294963200]  ; protocol");
        assert_eq!(i(0xb1, 0, 0, 14).text(0, Input::Packet), "ldxb 4*([14]&0xf)");
    }
}
