//! General registers by architecture, under the architecture's own names.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::text::Hex;
use crate::image::proto;

/// The processor architecture of a dump (`core_entry.mtype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// x86-64, with 32-bit tasks too.
    X86_64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Aarch64,
    /// 64-bit PowerPC, little-endian.
    Ppc64le,
    /// IBM Z, big-endian.
    S390x,
    /// MIPS.
    Mips,
    /// `LoongArch`.
    Loongarch64,
    /// RISC-V.
    Riscv64,
}

impl Architecture {
    /// Returns the architecture of a `core_entry.mtype` number.
    pub fn from_mtype(mtype: i32) -> Option<Self> {
        Some(match mtype {
            1 => Self::X86_64,
            2 => Self::Arm,
            3 => Self::Aarch64,
            4 => Self::Ppc64le,
            5 => Self::S390x,
            6 => Self::Mips,
            7 => Self::Loongarch64,
            8 => Self::Riscv64,
            _ => return None,
        })
    }

    /// Returns the name as `uname -m` gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm => "arm",
            Self::Aarch64 => "aarch64",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
            Self::Mips => "mips",
            Self::Loongarch64 => "loongarch64",
            Self::Riscv64 => "riscv64",
        }
    }

    /// Returns the name as image indexes have it.
    pub(crate) fn oci_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
            Self::Loongarch64 => "loong64",
            other => other.as_str(),
        }
    }

    /// Returns true if words in images are big-endian.
    pub fn is_big_endian(self) -> bool {
        self == Self::S390x
    }
}

/// General registers of a thread in the order of the kernel's ptrace structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registers {
    list: Vec<(&'static str, u64)>,
    /// Index of the program counter and of the stack pointer.
    pc: Option<usize>,
    sp: Option<usize>,
}

impl Registers {
    /// Returns the registers by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.list.iter().copied()
    }

    /// Returns a register by its architecture's own name.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.list.iter().find(|r| r.0 == name).map(|r| r.1)
    }

    /// Returns the program counter.
    ///
    /// CRIU moves it back over an interrupted system call that is to be
    /// restarted, so it is not always what /proc showed.
    pub fn pc(&self) -> Option<u64> {
        self.pc.and_then(|i| self.list.get(i)).map(|r| r.1)
    }

    /// Returns the stack pointer.
    pub fn sp(&self) -> Option<u64> {
        self.sp.and_then(|i| self.list.get(i)).map(|r| r.1)
    }

    /// Reads the registers of a thread; `None` for a dead task or a damaged record.
    pub(crate) fn from_core(core: &proto::CoreEntry) -> Option<Self> {
        if let Some(regs) = core.thread_info.as_ref().and_then(|t| t.gpregs.as_ref()) {
            return Some(Self::x86(regs));
        }
        if let Some(info) = &core.ti_aarch64 {
            let regs = info.gpregs.as_ref()?;
            let mut list = numbered(&AARCH64, &regs.regs);
            list.extend(
                [("sp", regs.sp), ("pc", regs.pc), ("pstate", regs.pstate)].map(|(n, v)| (n, v.unwrap_or(0))),
            );
            list.extend(info.tls.map(|v| ("tls", v)));
            return Some(Self::named(list, "pc", "sp"));
        }
        if let Some(info) = &core.ti_arm {
            let r = info.gpregs.as_ref()?;
            let all = [
                ("r0", r.r0),
                ("r1", r.r1),
                ("r2", r.r2),
                ("r3", r.r3),
                ("r4", r.r4),
                ("r5", r.r5),
                ("r6", r.r6),
                ("r7", r.r7),
                ("r8", r.r8),
                ("r9", r.r9),
                ("r10", r.r10),
                ("fp", r.fp),
                ("ip", r.ip),
                ("sp", r.sp),
                ("lr", r.lr),
                ("pc", r.pc),
                ("cpsr", r.cpsr),
                ("orig_r0", r.orig_r0),
            ];
            let mut list: Vec<_> = all.into_iter().filter_map(|(n, v)| Some((n, u64::from(v?)))).collect();
            list.extend(info.tls.map(|v| ("tls", u64::from(v))));
            return Some(Self::named(list, "pc", "sp"));
        }
        if let Some(info) = &core.ti_ppc64 {
            let r = info.gpregs.as_ref()?;
            let mut list = numbered(&PPC64, &r.gpr);
            let more = [
                ("nip", r.nip),
                ("msr", r.msr),
                ("orig_gpr3", r.orig_gpr3),
                ("ctr", r.ctr),
                ("link", r.link),
                ("xer", r.xer),
                ("ccr", r.ccr),
                ("trap", r.trap),
            ];
            list.extend(more.into_iter().filter_map(|(n, v)| Some((n, v?))));
            return Some(Self::named(list, "nip", "r1"));
        }
        if let Some(info) = &core.ti_s390 {
            let r = info.gpregs.as_ref()?;
            let mut list: Vec<_> = [("psw_mask", r.psw_mask), ("psw_addr", r.psw_addr)]
                .into_iter()
                .filter_map(|(n, v)| Some((n, v?)))
                .collect();
            list.extend(numbered(&S390, &r.gprs));
            let acrs: Vec<u64> = r.acrs.iter().map(|a| u64::from(*a)).collect();
            list.extend(numbered(&S390_ACRS, &acrs));
            list.extend(r.orig_gpr2.map(|v| ("orig_gpr2", v)));
            list.extend(r.system_call.map(|v| ("system_call", u64::from(v))));
            return Some(Self::named(list, "psw_addr", "r15"));
        }
        if let Some(info) = &core.ti_mips {
            let mut registers = Self::mips(info.gpregs.as_ref()?);
            registers.list.extend(info.tls.map(|v| ("tls", v)));
            return Some(registers);
        }
        if let Some(info) = &core.ti_loongarch64 {
            let r = info.gpregs.as_ref()?;
            let mut list = numbered(&LOONGARCH, &r.regs);
            list.extend(r.pc.map(|v| ("pc", v)));
            list.extend(info.tls.map(|v| ("tls", v)));
            return Some(Self::named(list, "pc", "r3"));
        }
        if let Some(info) = &core.ti_riscv64 {
            return Some(Self::riscv(info.gpregs.as_ref()?));
        }
        None
    }

    fn named(list: Vec<(&'static str, u64)>, pc: &str, sp: &str) -> Self {
        let pc = list.iter().position(|r| r.0 == pc);
        let sp = list.iter().position(|r| r.0 == sp);
        Self { list, pc, sp }
    }

    fn x86(r: &proto::UserX86RegsEntry) -> Self {
        let all = [
            ("r15", r.r15),
            ("r14", r.r14),
            ("r13", r.r13),
            ("r12", r.r12),
            ("rbp", r.bp),
            ("rbx", r.bx),
            ("r11", r.r11),
            ("r10", r.r10),
            ("r9", r.r9),
            ("r8", r.r8),
            ("rax", r.ax),
            ("rcx", r.cx),
            ("rdx", r.dx),
            ("rsi", r.si),
            ("rdi", r.di),
            ("orig_rax", r.orig_ax),
            ("rip", r.ip),
            ("cs", r.cs),
            ("eflags", r.flags),
            ("rsp", r.sp),
            ("ss", r.ss),
            ("fs_base", r.fs_base),
            ("gs_base", r.gs_base),
            ("ds", r.ds),
            ("es", r.es),
            ("fs", r.fs),
            ("gs", r.gs),
        ];
        Self::named(all.into_iter().filter_map(|(n, v)| Some((n, v?))).collect(), "rip", "rsp")
    }

    fn mips(r: &proto::UserMipsRegsEntry) -> Self {
        let all = [
            ("r0", r.r0),
            ("r1", r.r1),
            ("r2", r.r2),
            ("r3", r.r3),
            ("r4", r.r4),
            ("r5", r.r5),
            ("r6", r.r6),
            ("r7", r.r7),
            ("r8", r.r8),
            ("r9", r.r9),
            ("r10", r.r10),
            ("r11", r.r11),
            ("r12", r.r12),
            ("r13", r.r13),
            ("r14", r.r14),
            ("r15", r.r15),
            ("r16", r.r16),
            ("r17", r.r17),
            ("r18", r.r18),
            ("r19", r.r19),
            ("r20", r.r20),
            ("r21", r.r21),
            ("r22", r.r22),
            ("r23", r.r23),
            ("r24", r.r24),
            ("r25", r.r25),
            ("r26", r.r26),
            ("r27", r.r27),
            ("r28", r.r28),
            ("r29", r.r29),
            ("r30", r.r30),
            ("r31", r.r31),
            ("lo", r.lo),
            ("hi", r.hi),
            ("cp0_epc", r.cp0_epc),
            ("cp0_badvaddr", r.cp0_badvaddr),
            ("cp0_status", r.cp0_status),
            ("cp0_cause", r.cp0_cause),
        ];
        Self::named(all.into_iter().filter_map(|(n, v)| Some((n, v?))).collect(), "cp0_epc", "r29")
    }

    fn riscv(r: &proto::UserRiscv64RegsEntry) -> Self {
        let all = [
            ("pc", r.pc),
            ("ra", r.ra),
            ("sp", r.sp),
            ("gp", r.gp),
            ("tp", r.tp),
            ("t0", r.t0),
            ("t1", r.t1),
            ("t2", r.t2),
            ("s0", r.s0),
            ("s1", r.s1),
            ("a0", r.a0),
            ("a1", r.a1),
            ("a2", r.a2),
            ("a3", r.a3),
            ("a4", r.a4),
            ("a5", r.a5),
            ("a6", r.a6),
            ("a7", r.a7),
            ("s2", r.s2),
            ("s3", r.s3),
            ("s4", r.s4),
            ("s5", r.s5),
            ("s6", r.s6),
            ("s7", r.s7),
            ("s8", r.s8),
            ("s9", r.s9),
            ("s10", r.s10),
            ("s11", r.s11),
            ("t3", r.t3),
            ("t4", r.t4),
            ("t5", r.t5),
            ("t6", r.t6),
        ];
        Self::named(all.into_iter().filter_map(|(n, v)| Some((n, v?))).collect(), "pc", "sp")
    }
}

impl Serialize for Registers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.list.len()))?;
        for (name, value) in &self.list {
            map.serialize_entry(name, &Hex(*value))?;
        }
        map.end()
    }
}

fn numbered(names: &'static [&'static str], values: &[u64]) -> Vec<(&'static str, u64)> {
    names.iter().copied().zip(values.iter().copied()).collect()
}

const AARCH64: [&str; 31] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
    "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
];
const R32: [&str; 32] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30",
    "r31",
];
const PPC64: [&str; 32] = R32;
const LOONGARCH: [&str; 32] = R32;
const S390: [&str; 16] =
    ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const S390_ACRS: [&str; 16] = [
    "acr0", "acr1", "acr2", "acr3", "acr4", "acr5", "acr6", "acr7", "acr8", "acr9", "acr10", "acr11",
    "acr12", "acr13", "acr14", "acr15",
];
