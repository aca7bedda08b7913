//! Registers of the architectures that CRIU knows (images/core-*.proto).

use super::image::Message;

/// How a machine's registers are written.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// The name, as the command line shows it.
    pub name: &'static str,
    /// `core_entry.mtype`.
    pub number: u64,
    /// Field of `core_entry` that holds `thread_info`.
    info: u64,
    /// Whether `thread_info` has the thread pointer as field 2, and the registers as field 3.
    tls: bool,
    /// Fields of the registers: how many numbers of each.
    registers: &'static [(u64, u64)],
    /// Whether sizes and magic numbers have the most significant byte first.
    pub big: bool,
    /// The name of the program counter.
    pub pc: &'static str,
    /// Where the program counter is in `registers`, counted in numbers.
    pc_at: u64,
}

const fn single<const N: usize>() -> [(u64, u64); N] {
    let mut fields = [(0, 1); N];
    let mut n = 0;
    while n < N {
        fields[n].0 = n as u64 + 1;
        n += 1;
    }
    fields
}

static X86: [(u64, u64); 27] = single();
static ARM: [(u64, u64); 18] = single();
static MIPS: [(u64, u64); 38] = single();
static RISCV: [(u64, u64); 32] = single();

/// All of them.
pub static MACHINES: [Machine; 8] = [
    Machine {
        name: "x86_64",
        number: 1,
        info: 2,
        tls: false,
        registers: &X86,
        big: false,
        pc: "rip",
        pc_at: 16,
    },
    Machine { name: "arm", number: 2, info: 6, tls: true, registers: &ARM, big: false, pc: "pc", pc_at: 15 },
    Machine {
        name: "aarch64",
        number: 3,
        info: 8,
        tls: true,
        registers: &[(1, 31), (2, 1), (3, 1), (4, 1)],
        big: false,
        pc: "pc",
        pc_at: 32,
    },
    Machine {
        name: "ppc64le",
        number: 4,
        info: 9,
        tls: false,
        registers: &[(1, 32), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (9, 1)],
        big: false,
        pc: "nip",
        pc_at: 32,
    },
    Machine {
        name: "s390x",
        number: 5,
        info: 10,
        tls: false,
        registers: &[(1, 1), (2, 1), (3, 16), (4, 16), (5, 1), (6, 1)],
        big: true,
        pc: "psw_addr",
        pc_at: 1,
    },
    Machine {
        name: "mips",
        number: 6,
        info: 11,
        tls: true,
        registers: &MIPS,
        big: false,
        pc: "cp0_epc",
        pc_at: 34,
    },
    Machine {
        name: "loongarch64",
        number: 7,
        info: 12,
        tls: true,
        registers: &[(1, 32), (2, 1)],
        big: false,
        pc: "pc",
        pc_at: 32,
    },
    Machine {
        name: "riscv64",
        number: 8,
        info: 13,
        tls: true,
        registers: &RISCV,
        big: false,
        pc: "pc",
        pc_at: 0,
    },
];

impl Machine {
    /// Adds `mtype` and `thread_info` to a `core_entry`; the registers count up from `first`.
    pub(super) fn put(&self, core: Message, first: u64) -> Message {
        let mut registers = Message::new();
        let mut value = first;
        for (field, count) in self.registers {
            for _ in 0..*count {
                registers = registers.number(*field, value);
                value += 1;
            }
        }
        let mut info = Message::new().number(1, 0x7000);
        if self.tls {
            info = info.number(2, 0x7100);
        }
        info = info.bytes(if self.tls { 3 } else { 2 }, registers);
        core.number(1, self.number).bytes(self.info, info)
    }

    /// What the program counter holds where the registers count up from `first`.
    pub fn pc_of(&self, first: u64) -> u64 {
        first + self.pc_at
    }
}
