//! The system call that a thread was in when it was frozen.

use serde::Serialize;

use super::registers::{Architecture, Registers};
use super::syscall_table::{compat_system_call_name, system_call_name};
use super::text::Hex;

/// How a thread and its system call stood to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CallState {
    /// It waited in the call; the freeze interrupted it, and the call would start again.
    Waiting,
    /// It waited in the call; the freeze ended it with `EINTR`.
    Interrupted,
    /// The call had ended; its result stands in a register.
    Returned,
    /// The registers hold a number, but do not tell whether the thread was in the call.
    Possible,
}

/// How sure a derived fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Confidence {
    /// A guess.
    Low,
    /// Likely.
    Medium,
    /// Nothing else explains what is there.
    High,
}

/// A system call, read from the registers of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SystemCall {
    /// Its number on the architecture.
    pub number: u64,
    /// Its name, where this library has a table of the architecture.
    pub name: Option<&'static str>,
    /// Whether the thread was in it.
    pub state: CallState,
    /// The six argument registers; calls with fewer leave garbage in the rest.
    ///
    /// Where the first argument shares its register with the result, it is `None`.
    pub arguments: Vec<Option<Hex>>,
    /// The result, when the call had ended.
    pub result: Option<Hex>,
    /// How sure this is.
    pub confidence: Confidence,
    /// The registers it was read from.
    pub source: &'static str,
}

/// `-EINTR` as a register holds it.
const EINTR: u64 = 4_u64.wrapping_neg();
/// Results from here on are negative error numbers.
const FIRST_ERROR: u64 = 4096_u64.wrapping_neg();

/// A result of a 32-bit program, as wide as those of others.
fn sign_extended(value: u64, narrow: bool) -> u64 {
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0);
    if narrow && value >> 32 == 0 { i64::from(low.cast_signed()).cast_unsigned() } else { value }
}

impl SystemCall {
    /// Reads the call from registers; `None` where they say that the thread was in none.
    ///
    /// On x86 CRIU winds an interrupted call back: where the kernel would
    /// restart it, `rax` is the number again and `rip` points at the
    /// instruction; where a restart needs kernel state, `rax` is `-EINTR`
    /// (compel/arch/x86/src/lib/infect.c). Other architectures give less away.
    pub(crate) fn from_registers(
        registers: &Registers,
        architecture: Architecture,
        compat: bool,
    ) -> Option<Self> {
        match architecture {
            Architecture::X86_64 => Self::x86(registers, compat),
            Architecture::Aarch64 => {
                // x0 holds the first argument or the result, and nothing tells which.
                let names = ["", "x1", "x2", "x3", "x4", "x5"];
                Self::possible(registers, architecture, "x8", names, registers.get("x0"))
            }
            Architecture::Riscv64 => {
                let names = ["", "a1", "a2", "a3", "a4", "a5"];
                Self::possible(registers, architecture, "a7", names, registers.get("a0"))
            }
            Architecture::Loongarch64 => {
                let names = ["", "r5", "r6", "r7", "r8", "r9"];
                Self::possible(registers, architecture, "r11", names, registers.get("r4"))
            }
            // The trap number tells a system call from other ways into the kernel.
            Architecture::Ppc64le => {
                let trap = registers.get("trap")? & !0xf;
                let names = ["orig_gpr3", "r4", "r5", "r6", "r7", "r8"];
                (trap == 0xc00 || trap == 0x3000)
                    .then(|| Self::possible(registers, architecture, "r0", names, registers.get("r3")))?
            }
            // An interruption code of 4 bytes: 0 where the thread was in no call.
            Architecture::S390x => {
                let call = registers.get("system_call")?;
                let names = ["orig_gpr2", "r3", "r4", "r5", "r6", "r7"];
                (call & 0xffff != 0).then(|| {
                    Self::possible(registers, architecture, "system_call", names, registers.get("r2"))
                })?
            }
            Architecture::Arm => {
                // r0 holds the first argument or the result; orig_r0 the argument, on the way into a call.
                let names = ["orig_r0", "r1", "r2", "r3", "r4", "r5"];
                let result = registers.get("r0").map(|r| sign_extended(r, true));
                Self::possible(registers, architecture, "r7", names, result)
            }
            Architecture::Mips => Self::mips(registers),
        }
    }

    fn x86(registers: &Registers, compat: bool) -> Option<Self> {
        let number = registers.get("orig_rax")?;
        // Negative: the thread was interrupted in its own code.
        if number.cast_signed() < 0 || (compat && number > u64::from(u32::MAX >> 1)) {
            return None;
        }
        let rax = sign_extended(registers.get("rax")?, compat);
        let (rip, rcx) = (registers.get("rip")?, registers.get("rcx")?);
        let next = if rax == number { rip.wrapping_add(2) } else { rip };
        // The instruction leaves its return address in rcx (not in 32-bit tasks).
        let fits = compat || next == rcx;
        let (state, result) = if rax == number {
            (CallState::Waiting, None)
        } else if rax == EINTR {
            (CallState::Interrupted, None)
        } else {
            (CallState::Returned, Some(Hex(rax)))
        };
        let names = if compat {
            ["rbx", "rcx", "rdx", "rsi", "rdi", "rbp"]
        } else {
            ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
        };
        Some(Self {
            number,
            name: if compat {
                compat_system_call_name(number)
            } else {
                system_call_name(Architecture::X86_64, number)
            },
            state,
            arguments: names.iter().map(|n| registers.get(n).map(Hex)).collect(),
            result,
            confidence: if fits { Confidence::High } else { Confidence::Medium },
            source: "orig_rax, rax, rip, rcx",
        })
    }

    /// The kernel keeps the number in the slot of `r0` when a call failed or is to start again.
    ///
    /// Then CRIU winds back: `r2` is the number again, `r7` the argument
    /// (compel/arch/mips/src/lib/infect.c).
    fn mips(registers: &Registers) -> Option<Self> {
        let number = registers.get("r0").filter(|n| *n != 0)?;
        let name = system_call_name(Architecture::Mips, number)?;
        let (value, error) = (registers.get("r2")?, registers.get("r7")?);
        let (state, result) = if value == number {
            (CallState::Waiting, None)
        } else if error != 0 && value == 4 {
            (CallState::Interrupted, None)
        } else {
            (CallState::Returned, Some(Hex(if error != 0 { value.wrapping_neg() } else { value })))
        };
        // o32 passes four arguments in registers. After a call r7 says whether it failed.
        let names: &[&str] =
            if number < 5000 { &["r4", "r5", "r6", "r7"] } else { &["r4", "r5", "r6", "r7", "r8", "r9"] };
        let argument = |n: &&str| {
            let lost = *n == "r7" && state != CallState::Waiting;
            if lost { None } else { registers.get(n).map(Hex) }
        };
        Some(Self {
            number,
            name: Some(name),
            state,
            arguments: names.iter().map(argument).collect(),
            result,
            confidence: Confidence::Medium,
            source: "r0, r2, r7",
        })
    }

    fn possible(
        registers: &Registers,
        architecture: Architecture,
        from: &'static str,
        arguments: [&str; 6],
        first: Option<u64>,
    ) -> Option<Self> {
        let number = registers.get(from)? & 0xffff_ffff;
        let name = system_call_name(architecture, number);
        let known = matches!(from, "system_call") || architecture == Architecture::Ppc64le;
        if name.is_none() && !known {
            return None;
        }
        let error = first.is_some_and(|x| x >= FIRST_ERROR);
        Some(Self {
            number,
            name,
            state: if first == Some(EINTR) { CallState::Interrupted } else { CallState::Possible },
            arguments: arguments.iter().map(|n| registers.get(n).map(Hex)).collect(),
            result: first.filter(|x| error && *x != EINTR).map(Hex),
            confidence: if known || error { Confidence::Medium } else { Confidence::Low },
            source: from,
        })
    }
}
