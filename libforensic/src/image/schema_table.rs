// Made from proto/*.proto. See tests/image_generated.rs for how to make it again.

use super::{Enum, Field, Format, Label, Message, Type};

static SYSCTLTYPE: Enum = Enum { name: "SysctlType", values: &[(5, "CTL_STR"), (6, "CTL_32"), ] };

static TTYTYPE: Enum = Enum { name: "TtyType", values: &[(0, "UNKNOWN"), (1, "PTY"), (2, "CONSOLE"), (3, "VT"), (4, "CTTY"), (5, "EXT_TTY"), (6, "SERIAL"), ] };

static CORE_ENTRY_MARCH: Enum = Enum { name: "core_entry.march", values: &[(0, "UNKNOWN"), (1, "X86_64"), (2, "ARM"), (3, "AARCH64"), (4, "PPC64"), (5, "S390"), (6, "MIPS"), (7, "LOONGARCH64"), (8, "RISCV64"), ] };

static CPUINFO_PPC64_ENTRY_ENDIANNESS: Enum = Enum { name: "cpuinfo_ppc64_entry.endianness", values: &[(0, "BIGENDIAN"), (1, "LITTLEENDIAN"), ] };

static CPUINFO_X86_ENTRY_VENDOR: Enum = Enum { name: "cpuinfo_x86_entry.vendor", values: &[(0, "UNKNOWN"), (1, "INTEL"), (2, "AMD"), ] };

static FD_TYPES: Enum = Enum { name: "fd_types", values: &[(0, "UND"), (1, "REG"), (2, "PIPE"), (3, "FIFO"), (4, "INETSK"), (5, "UNIXSK"), (6, "EVENTFD"), (7, "EVENTPOLL"), (8, "INOTIFY"), (9, "SIGNALFD"), (10, "PACKETSK"), (11, "TTY"), (12, "FANOTIFY"), (13, "NETLINKSK"), (14, "NS"), (15, "TUNF"), (16, "EXT"), (17, "TIMERFD"), (18, "MEMFD"), (19, "BPFMAP"), (20, "PIDFD"), (65534, "CTL_TTY"), (65535, "AUTOFS_PIPE"), ] };

static LSMTYPE: Enum = Enum { name: "lsmtype", values: &[(0, "NO_LSM"), (1, "SELINUX"), (2, "APPARMOR"), ] };

static MARK_TYPE: Enum = Enum { name: "mark_type", values: &[(1, "INODE"), (2, "MOUNT"), ] };

static ND_TYPE: Enum = Enum { name: "nd_type", values: &[(1, "LOOPBACK"), (2, "VETH"), (3, "TUN"), (4, "EXTLINK"), (5, "VENET"), (6, "BRIDGE"), (7, "MACVLAN"), (8, "SIT"), ] };

static REMAP_TYPE: Enum = Enum { name: "remap_type", values: &[(0, "LINKED"), (1, "GHOST"), (2, "PROCFS"), ] };

static SECCOMP_MODE: Enum = Enum { name: "seccomp_mode", values: &[(0, "disabled"), (1, "strict"), (2, "filter"), ] };

static SK_SHUTDOWN: Enum = Enum { name: "sk_shutdown", values: &[(0, "NONE"), (1, "READ"), (2, "WRITE"), (3, "BOTH"), ] };

static USER_X86_REGS_MODE: Enum = Enum { name: "user_x86_regs_mode", values: &[(1, "NATIVE"), (2, "COMPAT"), ] };

/// Every message by its name in capitals.
pub mod messages {
    use super::*;

    /// Describes `aa_namespace`.
    pub static AA_NAMESPACE: Message = Message { name: "aa_namespace", fields: &[
        Field { number: 1, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "policies", ty: Type::Message(&messages::AA_POLICY), label: Label::Repeated, format: Format::Plain },
        Field { number: 3, name: "namespaces", ty: Type::Message(&messages::AA_NAMESPACE), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `aa_policy`.
    pub static AA_POLICY: Message = Message { name: "aa_policy", fields: &[
        Field { number: 1, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "blob", ty: Type::Bytes, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `aio_ring_entry`.
    pub static AIO_RING_ENTRY: Message = Message { name: "aio_ring_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "nr_req", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "ring_len", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `apparmor_entry`.
    pub static APPARMOR_ENTRY: Message = Message { name: "apparmor_entry", fields: &[
        Field { number: 1, name: "namespaces", ty: Type::Message(&messages::AA_NAMESPACE), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `autofs_entry`.
    pub static AUTOFS_ENTRY: Message = Message { name: "autofs_entry", fields: &[
        Field { number: 1, name: "fd", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "pgrp", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "timeout", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "minproto", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "maxproto", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "mode", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "uid", ty: Type::I32, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "gid", ty: Type::I32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "read_fd", ty: Type::I32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `binfmt_misc_entry`.
    pub static BINFMT_MISC_ENTRY: Message = Message { name: "binfmt_misc_entry", fields: &[
        Field { number: 1, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "enabled", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "interpreter", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "extension", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "magic", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "mask", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "offset", ty: Type::I32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `bpfmap_data_entry`.
    pub static BPFMAP_DATA_ENTRY: Message = Message { name: "bpfmap_data_entry", fields: &[
        Field { number: 1, name: "map_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "keys_bytes", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "values_bytes", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "count", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `bpfmap_file_entry`.
    pub static BPFMAP_FILE_ENTRY: Message = Message { name: "bpfmap_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Flags("rfile.flags") },
        Field { number: 3, name: "pos", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "map_type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "key_size", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "value_size", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "map_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "max_entries", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "map_flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "memlock", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "frozen", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "map_name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "ifindex", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "mnt_id", ty: Type::S32, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "map_extra", ty: Type::U64, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `cg_controller_entry`.
    pub static CG_CONTROLLER_ENTRY: Message = Message { name: "cg_controller_entry", fields: &[
        Field { number: 1, name: "cnames", ty: Type::Text, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "dirs", ty: Type::Message(&messages::CGROUP_DIR_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 3, name: "is_threaded", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `cg_member_entry`.
    pub static CG_MEMBER_ENTRY: Message = Message { name: "cg_member_entry", fields: &[
        Field { number: 1, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "path", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "cgns_prefix", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `cg_set_entry`.
    pub static CG_SET_ENTRY: Message = Message { name: "cg_set_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ctls", ty: Type::Message(&messages::CG_MEMBER_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `cgroup_dir_entry`.
    pub static CGROUP_DIR_ENTRY: Message = Message { name: "cgroup_dir_entry", fields: &[
        Field { number: 1, name: "dir_name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "children", ty: Type::Message(&messages::CGROUP_DIR_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 3, name: "properties", ty: Type::Message(&messages::CGROUP_PROP_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 4, name: "dir_perms", ty: Type::Message(&messages::CGROUP_PERMS), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `cgroup_entry`.
    pub static CGROUP_ENTRY: Message = Message { name: "cgroup_entry", fields: &[
        Field { number: 1, name: "sets", ty: Type::Message(&messages::CG_SET_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "controllers", ty: Type::Message(&messages::CG_CONTROLLER_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `cgroup_perms`.
    pub static CGROUP_PERMS: Message = Message { name: "cgroup_perms", fields: &[
        Field { number: 1, name: "mode", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gid", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `cgroup_prop_entry`.
    pub static CGROUP_PROP_ENTRY: Message = Message { name: "cgroup_prop_entry", fields: &[
        Field { number: 1, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "value", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "perms", ty: Type::Message(&messages::CGROUP_PERMS), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `core_entry`.
    pub static CORE_ENTRY: Message = Message { name: "core_entry", fields: &[
        Field { number: 1, name: "mtype", ty: Type::Enum(&CORE_ENTRY_MARCH), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "thread_info", ty: Type::Message(&messages::THREAD_INFO_X86), label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "tc", ty: Type::Message(&messages::TASK_CORE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "ids", ty: Type::Message(&messages::TASK_KOBJ_IDS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "thread_core", ty: Type::Message(&messages::THREAD_CORE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "ti_arm", ty: Type::Message(&messages::THREAD_INFO_ARM), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "ti_aarch64", ty: Type::Message(&messages::THREAD_INFO_AARCH64), label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "ti_ppc64", ty: Type::Message(&messages::THREAD_INFO_PPC64), label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "ti_s390", ty: Type::Message(&messages::THREAD_INFO_S390), label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "ti_mips", ty: Type::Message(&messages::THREAD_INFO_MIPS), label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "ti_loongarch64", ty: Type::Message(&messages::THREAD_INFO_LOONGARCH64), label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "ti_riscv64", ty: Type::Message(&messages::THREAD_INFO_RISCV64), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `cpuinfo_entry`.
    pub static CPUINFO_ENTRY: Message = Message { name: "cpuinfo_entry", fields: &[
        Field { number: 1, name: "x86_entry", ty: Type::Message(&messages::CPUINFO_X86_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "ppc64_entry", ty: Type::Message(&messages::CPUINFO_PPC64_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 3, name: "s390_entry", ty: Type::Message(&messages::CPUINFO_S390_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `cpuinfo_ppc64_entry`.
    pub static CPUINFO_PPC64_ENTRY: Message = Message { name: "cpuinfo_ppc64_entry", fields: &[
        Field { number: 1, name: "endian", ty: Type::Enum(&CPUINFO_PPC64_ENTRY_ENDIANNESS), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "hwcap", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `cpuinfo_s390_entry`.
    pub static CPUINFO_S390_ENTRY: Message = Message { name: "cpuinfo_s390_entry", fields: &[
        Field { number: 2, name: "hwcap", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `cpuinfo_x86_entry`.
    pub static CPUINFO_X86_ENTRY: Message = Message { name: "cpuinfo_x86_entry", fields: &[
        Field { number: 1, name: "vendor_id", ty: Type::Enum(&CPUINFO_X86_ENTRY_VENDOR), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "cpu_family", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "model", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "stepping", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "capability_ver", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "capability", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 7, name: "model_id", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "xfeatures_mask", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "xsave_size", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "xsave_size_max", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `creds_entry`.
    pub static CREDS_ENTRY: Message = Message { name: "creds_entry", fields: &[
        Field { number: 1, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "gid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "euid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "egid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "suid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "sgid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "fsuid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "fsgid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "cap_inh", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 10, name: "cap_prm", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 11, name: "cap_eff", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 12, name: "cap_bnd", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 13, name: "secbits", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "groups", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 15, name: "lsm_profile", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "lsm_sockcreate", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "apparmor_data", ty: Type::Bytes, label: Label::Optional, format: Format::Plain },
        Field { number: 18, name: "no_new_privs", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 19, name: "cap_amb", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `criu_dmabuf_node`.
    pub static CRIU_DMABUF_NODE: Message = Message { name: "criu_dmabuf_node", fields: &[
        Field { number: 1, name: "gem_handle", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `criu_kfd`.
    pub static CRIU_KFD: Message = Message { name: "criu_kfd", fields: &[
        Field { number: 1, name: "pid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "num_of_gpus", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "num_of_cpus", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "device_entries", ty: Type::Message(&messages::KFD_DEVICE_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 5, name: "num_of_bos", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "bo_entries", ty: Type::Message(&messages::KFD_BO_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 7, name: "num_of_objects", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "shared_mem_size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "shared_mem_magic", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "priv_data", ty: Type::Bytes, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `criu_render_node`.
    pub static CRIU_RENDER_NODE: Message = Message { name: "criu_render_node", fields: &[
        Field { number: 1, name: "gpu_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "drm_render_minor", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "num_of_bos", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "bo_entries", ty: Type::Message(&messages::DRM_BO_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `dev_iolink`.
    pub static DEV_IOLINK: Message = Message { name: "dev_iolink", fields: &[
        Field { number: 1, name: "type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "node_to_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `drm_bo_entry`.
    pub static DRM_BO_ENTRY: Message = Message { name: "drm_bo_entry", fields: &[
        Field { number: 1, name: "addr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "offset", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "alloc_flags", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "alignment", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "preferred_domains", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "handle", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "is_import", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "num_of_vms", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "vm_entries", ty: Type::Message(&messages::DRM_VM_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `drm_vm_entry`.
    pub static DRM_VM_ENTRY: Message = Message { name: "drm_vm_entry", fields: &[
        Field { number: 1, name: "addr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "offset", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `dump_stats_entry`.
    pub static DUMP_STATS_ENTRY: Message = Message { name: "dump_stats_entry", fields: &[
        Field { number: 1, name: "freezing_time", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "frozen_time", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "memdump_time", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "memwrite_time", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "pages_scanned", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "pages_skipped_parent", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "pages_written", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "irmap_resolve", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "pages_lazy", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "page_pipes", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "page_pipe_bufs", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "shpages_scanned", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "shpages_skipped_parent", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "shpages_written", ty: Type::U64, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `eventfd_file_entry`.
    pub static EVENTFD_FILE_ENTRY: Message = Message { name: "eventfd_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "counter", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `eventpoll_file_entry`.
    pub static EVENTPOLL_FILE_ENTRY: Message = Message { name: "eventpoll_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "tfd", ty: Type::Message(&messages::EVENTPOLL_TFD_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `eventpoll_tfd_entry`.
    pub static EVENTPOLL_TFD_ENTRY: Message = Message { name: "eventpoll_tfd_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "tfd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "events", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "data", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "dev", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "inode", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "pos", ty: Type::U64, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `ext_file_entry`.
    pub static EXT_FILE_ENTRY: Message = Message { name: "ext_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `fanotify_file_entry`.
    pub static FANOTIFY_FILE_ENTRY: Message = Message { name: "fanotify_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "faflags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "evflags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "mark", ty: Type::Message(&messages::FANOTIFY_MARK_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `fanotify_inode_mark_entry`.
    pub static FANOTIFY_INODE_MARK_ENTRY: Message = Message { name: "fanotify_inode_mark_entry", fields: &[
        Field { number: 1, name: "i_ino", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "f_handle", ty: Type::Message(&messages::FH_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `fanotify_mark_entry`.
    pub static FANOTIFY_MARK_ENTRY: Message = Message { name: "fanotify_mark_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "type", ty: Type::Enum(&MARK_TYPE), label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "mflags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "mask", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "ignored_mask", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "s_dev", ty: Type::U32, label: Label::Required, format: Format::KernelDevice },
        Field { number: 7, name: "ie", ty: Type::Message(&messages::FANOTIFY_INODE_MARK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "me", ty: Type::Message(&messages::FANOTIFY_MOUNT_MARK_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `fanotify_mount_mark_entry`.
    pub static FANOTIFY_MOUNT_MARK_ENTRY: Message = Message { name: "fanotify_mount_mark_entry", fields: &[
        Field { number: 1, name: "mnt_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "path", ty: Type::Text, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `fdinfo_entry`.
    pub static FDINFO_ENTRY: Message = Message { name: "fdinfo_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "type", ty: Type::Enum(&FD_TYPES), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "fd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "xattr_security_selinux", ty: Type::Text, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `fh_entry`.
    pub static FH_ENTRY: Message = Message { name: "fh_entry", fields: &[
        Field { number: 1, name: "bytes", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "handle", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 4, name: "path", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "mnt_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `fifo_entry`.
    pub static FIFO_ENTRY: Message = Message { name: "fifo_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "pipe_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "regf_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `file_entry`.
    pub static FILE_ENTRY: Message = Message { name: "file_entry", fields: &[
        Field { number: 1, name: "type", ty: Type::Enum(&FD_TYPES), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "reg", ty: Type::Message(&messages::REG_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "isk", ty: Type::Message(&messages::INET_SK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "nsf", ty: Type::Message(&messages::NS_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "psk", ty: Type::Message(&messages::PACKET_SOCK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "nlsk", ty: Type::Message(&messages::NETLINK_SK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "efd", ty: Type::Message(&messages::EVENTFD_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "epfd", ty: Type::Message(&messages::EVENTPOLL_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "sgfd", ty: Type::Message(&messages::SIGNALFD_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "tunf", ty: Type::Message(&messages::TUNFILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "tfd", ty: Type::Message(&messages::TIMERFD_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "ify", ty: Type::Message(&messages::INOTIFY_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "ffy", ty: Type::Message(&messages::FANOTIFY_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "ext", ty: Type::Message(&messages::EXT_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "usk", ty: Type::Message(&messages::UNIX_SK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "fifo", ty: Type::Message(&messages::FIFO_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 18, name: "pipe", ty: Type::Message(&messages::PIPE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 19, name: "tty", ty: Type::Message(&messages::TTY_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 20, name: "memfd", ty: Type::Message(&messages::MEMFD_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 21, name: "bpf", ty: Type::Message(&messages::BPFMAP_FILE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 22, name: "pidfd", ty: Type::Message(&messages::PIDFD_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `file_lock_entry`.
    pub static FILE_LOCK_ENTRY: Message = Message { name: "file_lock_entry", fields: &[
        Field { number: 1, name: "flag", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "pid", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "fd", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "start", ty: Type::I64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "len", ty: Type::I64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `file_perms_entry`.
    pub static FILE_PERMS_ENTRY: Message = Message { name: "file_perms_entry", fields: &[
        Field { number: 1, name: "mode", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gid", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `fown_entry`.
    pub static FOWN_ENTRY: Message = Message { name: "fown_entry", fields: &[
        Field { number: 1, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "euid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "signum", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "pid_type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "pid", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `fs_entry`.
    pub static FS_ENTRY: Message = Message { name: "fs_entry", fields: &[
        Field { number: 1, name: "cwd_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "root_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "umask", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `ghost_chunk_entry`.
    pub static GHOST_CHUNK_ENTRY: Message = Message { name: "ghost_chunk_entry", fields: &[
        Field { number: 1, name: "len", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "off", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `ghost_file_entry`.
    pub static GHOST_FILE_ENTRY: Message = Message { name: "ghost_file_entry", fields: &[
        Field { number: 1, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "gid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "mode", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "dev", ty: Type::U32, label: Label::Optional, format: Format::KernelDevice },
        Field { number: 5, name: "ino", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "rdev", ty: Type::U32, label: Label::Optional, format: Format::UserDevice },
        Field { number: 7, name: "atim", ty: Type::Message(&messages::TIMEVAL), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "mtim", ty: Type::Message(&messages::TIMEVAL), label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "chunks", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "size", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "symlnk_target", ty: Type::Text, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `img_streamer_reply_entry`.
    pub static IMG_STREAMER_REPLY_ENTRY: Message = Message { name: "img_streamer_reply_entry", fields: &[
        Field { number: 1, name: "exists", ty: Type::Bool, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `img_streamer_request_entry`.
    pub static IMG_STREAMER_REQUEST_ENTRY: Message = Message { name: "img_streamer_request_entry", fields: &[
        Field { number: 1, name: "filename", ty: Type::Text, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `inet_sk_entry`.
    pub static INET_SK_ENTRY: Message = Message { name: "inet_sk_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ino", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "family", ty: Type::U32, label: Label::Required, format: Format::Names("sk") },
        Field { number: 4, name: "type", ty: Type::U32, label: Label::Required, format: Format::Names("sk") },
        Field { number: 5, name: "proto", ty: Type::U32, label: Label::Required, format: Format::Names("sk") },
        Field { number: 6, name: "state", ty: Type::U32, label: Label::Required, format: Format::Names("sk") },
        Field { number: 7, name: "src_port", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "dst_port", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 10, name: "backlog", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "src_addr", ty: Type::U32, label: Label::Repeated, format: Format::Address },
        Field { number: 12, name: "dst_addr", ty: Type::U32, label: Label::Repeated, format: Format::Address },
        Field { number: 13, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "opts", ty: Type::Message(&messages::SK_OPTS_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "v6only", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "ip_opts", ty: Type::Message(&messages::IP_OPTS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "ifname", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 18, name: "ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 19, name: "shutdown", ty: Type::Enum(&SK_SHUTDOWN), label: Label::Optional, format: Format::Plain },
        Field { number: 20, name: "tcp_opts", ty: Type::Message(&messages::TCP_OPTS_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `inotify_file_entry`.
    pub static INOTIFY_FILE_ENTRY: Message = Message { name: "inotify_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "wd", ty: Type::Message(&messages::INOTIFY_WD_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `inotify_wd_entry`.
    pub static INOTIFY_WD_ENTRY: Message = Message { name: "inotify_wd_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "i_ino", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "mask", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "ignored_mask", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "s_dev", ty: Type::U32, label: Label::Required, format: Format::KernelDevice },
        Field { number: 6, name: "wd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "f_handle", ty: Type::Message(&messages::FH_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `inventory_entry`.
    pub static INVENTORY_ENTRY: Message = Message { name: "inventory_entry", fields: &[
        Field { number: 1, name: "img_version", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "fdinfo_per_id", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "root_ids", ty: Type::Message(&messages::TASK_KOBJ_IDS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "ns_per_id", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "root_cg_set", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "lsmtype", ty: Type::Enum(&LSMTYPE), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "dump_uptime", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "pre_dump_mode", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "tcp_close", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "network_lock_method", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "plugins_entry", ty: Type::Message(&messages::PLUGINS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "dump_criu_run_id", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "allow_uprobes", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "compress", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "compress_region_size", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `ip_opts_entry`.
    pub static IP_OPTS_ENTRY: Message = Message { name: "ip_opts_entry", fields: &[
        Field { number: 1, name: "freebind", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "raw", ty: Type::Message(&messages::IP_OPTS_RAW_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "pktinfo", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "tos", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "ttl", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `ip_opts_raw_entry`.
    pub static IP_OPTS_RAW_ENTRY: Message = Message { name: "ip_opts_raw_entry", fields: &[
        Field { number: 1, name: "hdrincl", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 2, name: "nodefrag", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "checksum", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "icmpv_filter", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `ipc_desc_entry`.
    pub static IPC_DESC_ENTRY: Message = Message { name: "ipc_desc_entry", fields: &[
        Field { number: 1, name: "key", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "cuid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "cgid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "mode", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `ipc_msg`.
    pub static IPC_MSG: Message = Message { name: "ipc_msg", fields: &[
        Field { number: 1, name: "mtype", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "msize", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `ipc_msg_entry`.
    pub static IPC_MSG_ENTRY: Message = Message { name: "ipc_msg_entry", fields: &[
        Field { number: 1, name: "desc", ty: Type::Message(&messages::IPC_DESC_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "qbytes", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "qnum", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `ipc_sem_entry`.
    pub static IPC_SEM_ENTRY: Message = Message { name: "ipc_sem_entry", fields: &[
        Field { number: 1, name: "desc", ty: Type::Message(&messages::IPC_DESC_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "nsems", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `ipc_shm_entry`.
    pub static IPC_SHM_ENTRY: Message = Message { name: "ipc_shm_entry", fields: &[
        Field { number: 1, name: "desc", ty: Type::Message(&messages::IPC_DESC_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "in_pagemaps", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "hugetlb_flag", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `ipc_var_entry`.
    pub static IPC_VAR_ENTRY: Message = Message { name: "ipc_var_entry", fields: &[
        Field { number: 1, name: "sem_ctls", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "msg_ctlmax", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "msg_ctlmnb", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "msg_ctlmni", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "auto_msgmni", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "shm_ctlmax", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "shm_ctlall", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "shm_ctlmni", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "shm_rmid_forced", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "mq_queues_max", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "mq_msg_max", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "mq_msgsize_max", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "mq_msg_default", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "mq_msgsize_default", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "msg_next_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "sem_next_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "shm_next_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `irmap_cache_entry`.
    pub static IRMAP_CACHE_ENTRY: Message = Message { name: "irmap_cache_entry", fields: &[
        Field { number: 1, name: "dev", ty: Type::U32, label: Label::Required, format: Format::UserDevice },
        Field { number: 2, name: "inode", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "path", ty: Type::Text, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `itimer_entry`.
    pub static ITIMER_ENTRY: Message = Message { name: "itimer_entry", fields: &[
        Field { number: 1, name: "isec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "iusec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "vsec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "vusec", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `kfd_bo_entry`.
    pub static KFD_BO_ENTRY: Message = Message { name: "kfd_bo_entry", fields: &[
        Field { number: 1, name: "addr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "offset", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "alloc_flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "gpu_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "handle", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `kfd_device_entry`.
    pub static KFD_DEVICE_ENTRY: Message = Message { name: "kfd_device_entry", fields: &[
        Field { number: 1, name: "node_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "gpu_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "cpu_cores_count", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "simd_count", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "mem_banks_count", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "caches_count", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "io_links_count", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "max_waves_per_simd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "lds_size_in_kb", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "gds_size_in_kb", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "num_gws", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "wave_front_size", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "array_count", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "simd_arrays_per_engine", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "cu_per_simd_array", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "simd_per_cu", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 17, name: "max_slots_scratch_cu", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 18, name: "vendor_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 19, name: "device_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 20, name: "domain", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 21, name: "drm_render_minor", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 22, name: "hive_id", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 23, name: "num_sdma_engines", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 24, name: "num_sdma_xgmi_engines", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 25, name: "num_sdma_queues_per_engine", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 26, name: "num_cp_queues", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 27, name: "fw_version", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 28, name: "capability", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 29, name: "sdma_fw_version", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 30, name: "vram_public", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 31, name: "vram_size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 32, name: "iolinks", ty: Type::Message(&messages::DEV_IOLINK), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `macvlan_link_entry`.
    pub static MACVLAN_LINK_ENTRY: Message = Message { name: "macvlan_link_entry", fields: &[
        Field { number: 1, name: "mode", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `memfd_file_entry`.
    pub static MEMFD_FILE_ENTRY: Message = Message { name: "memfd_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Flags("rfile.flags") },
        Field { number: 3, name: "pos", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "inode_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `memfd_inode_entry`.
    pub static MEMFD_INODE_ENTRY: Message = Message { name: "memfd_inode_entry", fields: &[
        Field { number: 1, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "uid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "shmid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "seals", ty: Type::U32, label: Label::Required, format: Format::Flags("seals.flags") },
        Field { number: 7, name: "inode_id", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "hugetlb_flag", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "mode", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `mm_entry`.
    pub static MM_ENTRY: Message = Message { name: "mm_entry", fields: &[
        Field { number: 1, name: "mm_start_code", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "mm_end_code", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "mm_start_data", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "mm_end_data", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "mm_start_stack", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "mm_start_brk", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 7, name: "mm_brk", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 8, name: "mm_arg_start", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 9, name: "mm_arg_end", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 10, name: "mm_env_start", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 11, name: "mm_env_end", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 12, name: "exe_file_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "mm_saved_auxv", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 14, name: "vmas", ty: Type::Message(&messages::VMA_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 15, name: "dumpable", ty: Type::I32, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "aios", ty: Type::Message(&messages::AIO_RING_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 17, name: "thp_disabled", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `mnt_entry`.
    pub static MNT_ENTRY: Message = Message { name: "mnt_entry", fields: &[
        Field { number: 1, name: "fstype", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "mnt_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "root_dev", ty: Type::U32, label: Label::Required, format: Format::KernelDevice },
        Field { number: 4, name: "parent_mnt_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "root", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "mountpoint", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "source", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "options", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "shared_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "master_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "with_plugin", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "ext_mount", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "fsname", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "internal_sharing", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "deleted", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "sb_flags", ty: Type::U32, label: Label::Optional, format: Format::Hex },
        Field { number: 18, name: "ext_key", ty: Type::Text, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `net_device_entry`.
    pub static NET_DEVICE_ENTRY: Message = Message { name: "net_device_entry", fields: &[
        Field { number: 1, name: "type", ty: Type::Enum(&ND_TYPE), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ifindex", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "mtu", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "tun", ty: Type::Message(&messages::TUN_LINK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "address", ty: Type::Bytes, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "conf", ty: Type::I32, label: Label::Repeated, format: Format::Plain },
        Field { number: 9, name: "conf4", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 10, name: "conf6", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 11, name: "macvlan", ty: Type::Message(&messages::MACVLAN_LINK_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "peer_ifindex", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "peer_nsid", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "master", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "sit", ty: Type::Message(&messages::SIT_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `netlink_sk_entry`.
    pub static NETLINK_SK_ENTRY: Message = Message { name: "netlink_sk_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ino", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "protocol", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "state", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 7, name: "portid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "groups", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 9, name: "dst_portid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "dst_group", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "opts", ty: Type::Message(&messages::SK_OPTS_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `netns_entry`.
    pub static NETNS_ENTRY: Message = Message { name: "netns_entry", fields: &[
        Field { number: 1, name: "def_conf", ty: Type::I32, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "all_conf", ty: Type::I32, label: Label::Repeated, format: Format::Plain },
        Field { number: 3, name: "def_conf4", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 4, name: "all_conf4", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 5, name: "def_conf6", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 6, name: "all_conf6", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 7, name: "nsids", ty: Type::Message(&messages::NETNS_ID), label: Label::Repeated, format: Format::Plain },
        Field { number: 8, name: "ext_key", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "unix_conf", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 10, name: "ipv4_sysctl", ty: Type::Message(&messages::SYSCTL_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `netns_id`.
    pub static NETNS_ID: Message = Message { name: "netns_id", fields: &[
        Field { number: 1, name: "target_ns_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "netnsid_value", ty: Type::I32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `ns_file_entry`.
    pub static NS_FILE_ENTRY: Message = Message { name: "ns_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ns_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "ns_cflag", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `pac_address_keys`.
    pub static PAC_ADDRESS_KEYS: Message = Message { name: "pac_address_keys", fields: &[
        Field { number: 1, name: "apiakey_lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "apiakey_hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "apibkey_lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "apibkey_hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "apdakey_lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "apdakey_hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "apdbkey_lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "apdbkey_hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "pac_enabled_key", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `pac_generic_keys`.
    pub static PAC_GENERIC_KEYS: Message = Message { name: "pac_generic_keys", fields: &[
        Field { number: 1, name: "apgakey_lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "apgakey_hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `pac_keys`.
    pub static PAC_KEYS: Message = Message { name: "pac_keys", fields: &[
        Field { number: 6, name: "pac_address_keys", ty: Type::Message(&messages::PAC_ADDRESS_KEYS), label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "pac_generic_keys", ty: Type::Message(&messages::PAC_GENERIC_KEYS), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `packet_mclist`.
    pub static PACKET_MCLIST: Message = Message { name: "packet_mclist", fields: &[
        Field { number: 1, name: "index", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "addr", ty: Type::Bytes, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `packet_ring`.
    pub static PACKET_RING: Message = Message { name: "packet_ring", fields: &[
        Field { number: 1, name: "block_size", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "block_nr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "frame_size", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "frame_nr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "retire_tmo", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "sizeof_priv", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "features", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `packet_sock_entry`.
    pub static PACKET_SOCK_ENTRY: Message = Message { name: "packet_sock_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "protocol", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "ifindex", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "opts", ty: Type::Message(&messages::SK_OPTS_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "version", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "reserve", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "aux_data", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "orig_dev", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "vnet_hdr", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "loss", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "timestamp", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "copy_thresh", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "mclist", ty: Type::Message(&messages::PACKET_MCLIST), label: Label::Repeated, format: Format::Plain },
        Field { number: 17, name: "fanout", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 18, name: "rx_ring", ty: Type::Message(&messages::PACKET_RING), label: Label::Optional, format: Format::Plain },
        Field { number: 19, name: "tx_ring", ty: Type::Message(&messages::PACKET_RING), label: Label::Optional, format: Format::Plain },
        Field { number: 20, name: "ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `pagemap_entry`.
    pub static PAGEMAP_ENTRY: Message = Message { name: "pagemap_entry", fields: &[
        Field { number: 1, name: "vaddr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "compat_nr_pages", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "in_parent", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::U32, label: Label::Optional, format: Format::Flags("pmap.flags") },
        Field { number: 5, name: "nr_pages", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "compressed_size", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 7, name: "total_compressed_size", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "region_pages", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `pagemap_head`.
    pub static PAGEMAP_HEAD: Message = Message { name: "pagemap_head", fields: &[
        Field { number: 1, name: "pages_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `pidfd_entry`.
    pub static PIDFD_ENTRY: Message = Message { name: "pidfd_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ino", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "nspid", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `pidns_entry`.
    pub static PIDNS_ENTRY: Message = Message { name: "pidns_entry", fields: &[
        Field { number: 1, name: "ext_key", ty: Type::Text, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `pipe_data_entry`.
    pub static PIPE_DATA_ENTRY: Message = Message { name: "pipe_data_entry", fields: &[
        Field { number: 1, name: "pipe_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "bytes", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "size", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `pipe_entry`.
    pub static PIPE_ENTRY: Message = Message { name: "pipe_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "pipe_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `plugins_entry`.
    pub static PLUGINS_ENTRY: Message = Message { name: "plugins_entry", fields: &[
        Field { number: 12, name: "plugins", ty: Type::Text, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `posix_timer_entry`.
    pub static POSIX_TIMER_ENTRY: Message = Message { name: "posix_timer_entry", fields: &[
        Field { number: 1, name: "it_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "clock_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "si_signo", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "it_sigev_notify", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "sival_ptr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "overrun", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "isec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "insec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "vsec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "vnsec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "notify_thread_id", ty: Type::I32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `pstree_entry`.
    pub static PSTREE_ENTRY: Message = Message { name: "pstree_entry", fields: &[
        Field { number: 1, name: "pid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ppid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "pgid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "sid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "threads", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `reg_file_entry`.
    pub static REG_FILE_ENTRY: Message = Message { name: "reg_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Flags("rfile.flags") },
        Field { number: 3, name: "pos", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "name", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "mnt_id", ty: Type::S32, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "size", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "ext", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "mode", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "build_id", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 12, name: "checksum", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "checksum_config", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "checksum_parameter", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `remap_file_path_entry`.
    pub static REMAP_FILE_PATH_ENTRY: Message = Message { name: "remap_file_path_entry", fields: &[
        Field { number: 1, name: "orig_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "remap_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "remap_type", ty: Type::Enum(&REMAP_TYPE), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `restore_stats_entry`.
    pub static RESTORE_STATS_ENTRY: Message = Message { name: "restore_stats_entry", fields: &[
        Field { number: 1, name: "pages_compared", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "pages_skipped_cow", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "forking_time", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "restore_time", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "pages_restored", ty: Type::U64, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `rlimit_entry`.
    pub static RLIMIT_ENTRY: Message = Message { name: "rlimit_entry", fields: &[
        Field { number: 1, name: "cur", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "max", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `rseq_entry`.
    pub static RSEQ_ENTRY: Message = Message { name: "rseq_entry", fields: &[
        Field { number: 1, name: "rseq_abi_pointer", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "rseq_abi_size", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "signature", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "rseq_cs_pointer", ty: Type::U64, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `sa_entry`.
    pub static SA_ENTRY: Message = Message { name: "sa_entry", fields: &[
        Field { number: 1, name: "sigaction", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "flags", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "restorer", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "mask", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 5, name: "compat_sigaction", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "mask_extended", ty: Type::U64, label: Label::Optional, format: Format::Hex },
    ] };
    /// Describes `scm_entry`.
    pub static SCM_ENTRY: Message = Message { name: "scm_entry", fields: &[
        Field { number: 1, name: "type", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "rights", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `seccomp_entry`.
    pub static SECCOMP_ENTRY: Message = Message { name: "seccomp_entry", fields: &[
        Field { number: 1, name: "seccomp_filters", ty: Type::Message(&messages::SECCOMP_FILTER), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `seccomp_filter`.
    pub static SECCOMP_FILTER: Message = Message { name: "seccomp_filter", fields: &[
        Field { number: 1, name: "filter", ty: Type::Bytes, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "prev", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "flags", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `siginfo_entry`.
    pub static SIGINFO_ENTRY: Message = Message { name: "siginfo_entry", fields: &[
        Field { number: 1, name: "siginfo", ty: Type::Bytes, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `signal_queue_entry`.
    pub static SIGNAL_QUEUE_ENTRY: Message = Message { name: "signal_queue_entry", fields: &[
        Field { number: 1, name: "signals", ty: Type::Message(&messages::SIGINFO_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `signalfd_entry`.
    pub static SIGNALFD_ENTRY: Message = Message { name: "signalfd_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "sigmask", ty: Type::U64, label: Label::Required, format: Format::Hex },
    ] };
    /// Describes `sit_entry`.
    pub static SIT_ENTRY: Message = Message { name: "sit_entry", fields: &[
        Field { number: 1, name: "link", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 2, name: "local", ty: Type::U32, label: Label::Repeated, format: Format::Address },
        Field { number: 3, name: "remote", ty: Type::U32, label: Label::Repeated, format: Format::Address },
        Field { number: 4, name: "ttl", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "tos", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "pmtudisc", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "proto", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "flags", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "encap_type", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "encap_flags", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "encap_sport", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "encap_dport", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "rd_prefixlen", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "rd_prefix", ty: Type::U32, label: Label::Repeated, format: Format::Address },
        Field { number: 15, name: "relay_prefixlen", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "relay_prefix", ty: Type::U32, label: Label::Repeated, format: Format::Address },
    ] };
    /// Describes `sk_opts_entry`.
    pub static SK_OPTS_ENTRY: Message = Message { name: "sk_opts_entry", fields: &[
        Field { number: 1, name: "so_sndbuf", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "so_rcvbuf", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "so_snd_tmo_sec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "so_snd_tmo_usec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "so_rcv_tmo_sec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "so_rcv_tmo_usec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "reuseaddr", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "so_priority", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "so_rcvlowat", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "so_mark", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "so_passcred", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "so_passsec", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "so_dontroute", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "so_no_check", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "so_bound_dev", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "so_filter", ty: Type::Fixed64, label: Label::Repeated, format: Format::Plain },
        Field { number: 17, name: "so_reuseport", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 18, name: "so_broadcast", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 19, name: "so_keepalive", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 20, name: "tcp_keepcnt", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 21, name: "tcp_keepidle", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 22, name: "tcp_keepintvl", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 23, name: "so_oobinline", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 24, name: "so_linger", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 25, name: "so_buf_lock", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `sk_packet_entry`.
    pub static SK_PACKET_ENTRY: Message = Message { name: "sk_packet_entry", fields: &[
        Field { number: 1, name: "id_for", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "length", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "scm", ty: Type::Message(&messages::SCM_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `stats_entry`.
    pub static STATS_ENTRY: Message = Message { name: "stats_entry", fields: &[
        Field { number: 1, name: "dump", ty: Type::Message(&messages::DUMP_STATS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 2, name: "restore", ty: Type::Message(&messages::RESTORE_STATS_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `sysctl_entry`.
    pub static SYSCTL_ENTRY: Message = Message { name: "sysctl_entry", fields: &[
        Field { number: 1, name: "type", ty: Type::Enum(&SYSCTLTYPE), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "iarg", ty: Type::I32, label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "sarg", ty: Type::Text, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `task_core_entry`.
    pub static TASK_CORE_ENTRY: Message = Message { name: "task_core_entry", fields: &[
        Field { number: 1, name: "task_state", ty: Type::U32, label: Label::Required, format: Format::Names("gen") },
        Field { number: 2, name: "exit_code", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "personality", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "blk_sigset", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "comm", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "timers", ty: Type::Message(&messages::TASK_TIMERS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "rlimits", ty: Type::Message(&messages::TASK_RLIMITS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "cg_set", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "signals_s", ty: Type::Message(&messages::SIGNAL_QUEUE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "old_seccomp_mode", ty: Type::Enum(&SECCOMP_MODE), label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "old_seccomp_filter", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "loginuid", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "oom_score_adj", ty: Type::I32, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "sigactions", ty: Type::Message(&messages::SA_ENTRY), label: Label::Repeated, format: Format::Plain },
        Field { number: 18, name: "child_subreaper", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 20, name: "blk_sigset_extended", ty: Type::U64, label: Label::Optional, format: Format::Hex },
        Field { number: 21, name: "stop_signo", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 22, name: "membarrier_registration_mask", ty: Type::U32, label: Label::Optional, format: Format::Hex },
    ] };
    /// Describes `task_kobj_ids_entry`.
    pub static TASK_KOBJ_IDS_ENTRY: Message = Message { name: "task_kobj_ids_entry", fields: &[
        Field { number: 1, name: "vm_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "files_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "fs_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "sighand_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "pid_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "net_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "ipc_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "uts_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "mnt_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "user_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "cgroup_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "time_ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `task_rlimits_entry`.
    pub static TASK_RLIMITS_ENTRY: Message = Message { name: "task_rlimits_entry", fields: &[
        Field { number: 1, name: "rlimits", ty: Type::Message(&messages::RLIMIT_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `task_timers_entry`.
    pub static TASK_TIMERS_ENTRY: Message = Message { name: "task_timers_entry", fields: &[
        Field { number: 1, name: "real", ty: Type::Message(&messages::ITIMER_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "virt", ty: Type::Message(&messages::ITIMER_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "prof", ty: Type::Message(&messages::ITIMER_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "posix", ty: Type::Message(&messages::POSIX_TIMER_ENTRY), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `tcp_opts_entry`.
    pub static TCP_OPTS_ENTRY: Message = Message { name: "tcp_opts_entry", fields: &[
        Field { number: 1, name: "cork", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 2, name: "nodelay", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "keepcnt", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "keepidle", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "keepintvl", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `tcp_stream_entry`.
    pub static TCP_STREAM_ENTRY: Message = Message { name: "tcp_stream_entry", fields: &[
        Field { number: 1, name: "inq_len", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "inq_seq", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "outq_len", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "outq_seq", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "opt_mask", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "snd_wscale", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "mss_clamp", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "rcv_wscale", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "timestamp", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "cork", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "nodelay", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "unsq_len", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "snd_wl1", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "snd_wnd", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "max_window", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "rcv_wnd", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "rcv_wup", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `termios_entry`.
    pub static TERMIOS_ENTRY: Message = Message { name: "termios_entry", fields: &[
        Field { number: 1, name: "c_iflag", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "c_oflag", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "c_cflag", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "c_lflag", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "c_line", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "c_ispeed", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "c_ospeed", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "c_cc", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `thread_core_entry`.
    pub static THREAD_CORE_ENTRY: Message = Message { name: "thread_core_entry", fields: &[
        Field { number: 1, name: "futex_rla", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "futex_rla_len", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "sched_nice", ty: Type::S32, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "sched_policy", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "sched_prio", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "blk_sigset", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 7, name: "sas", ty: Type::Message(&messages::THREAD_SAS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 8, name: "pdeath_sig", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 9, name: "signals_p", ty: Type::Message(&messages::SIGNAL_QUEUE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "creds", ty: Type::Message(&messages::CREDS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "seccomp_mode", ty: Type::Enum(&SECCOMP_MODE), label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "seccomp_filter", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "comm", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "blk_sigset_extended", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "rseq_entry", ty: Type::Message(&messages::RSEQ_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "cg_set", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `thread_info_aarch64`.
    pub static THREAD_INFO_AARCH64: Message = Message { name: "thread_info_aarch64", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "tls", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gpregs", ty: Type::Message(&messages::USER_AARCH64_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fpsimd", ty: Type::Message(&messages::USER_AARCH64_FPSIMD_CONTEXT_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "pac_keys", ty: Type::Message(&messages::PAC_KEYS), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `thread_info_arm`.
    pub static THREAD_INFO_ARM: Message = Message { name: "thread_info_arm", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "tls", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gpregs", ty: Type::Message(&messages::USER_ARM_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fpstate", ty: Type::Message(&messages::USER_ARM_VFPSTATE_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `thread_info_loongarch64`.
    pub static THREAD_INFO_LOONGARCH64: Message = Message { name: "thread_info_loongarch64", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "tls", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gpregs", ty: Type::Message(&messages::USER_LOONGARCH64_GPREGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fpregs", ty: Type::Message(&messages::USER_LOONGARCH64_FPREGS_ENTRY), label: Label::Required, format: Format::Hex },
    ] };
    /// Describes `thread_info_mips`.
    pub static THREAD_INFO_MIPS: Message = Message { name: "thread_info_mips", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "tls", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gpregs", ty: Type::Message(&messages::USER_MIPS_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fpregs", ty: Type::Message(&messages::USER_MIPS_FPREGS_ENTRY), label: Label::Required, format: Format::Hex },
    ] };
    /// Describes `thread_info_ppc64`.
    pub static THREAD_INFO_PPC64: Message = Message { name: "thread_info_ppc64", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "gpregs", ty: Type::Message(&messages::USER_PPC64_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "fpstate", ty: Type::Message(&messages::USER_PPC64_FPSTATE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "vrstate", ty: Type::Message(&messages::USER_PPC64_VRSTATE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 5, name: "vsxstate", ty: Type::Message(&messages::USER_PPC64_VSXSTATE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 6, name: "tmstate", ty: Type::Message(&messages::USER_PPC64_TM_REGS_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `thread_info_riscv64`.
    pub static THREAD_INFO_RISCV64: Message = Message { name: "thread_info_riscv64", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "tls", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gpregs", ty: Type::Message(&messages::USER_RISCV64_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fpsimd", ty: Type::Message(&messages::USER_RISCV64_D_EXT_ENTRY), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `thread_info_s390`.
    pub static THREAD_INFO_S390: Message = Message { name: "thread_info_s390", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "gpregs", ty: Type::Message(&messages::USER_S390_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "fpregs", ty: Type::Message(&messages::USER_S390_FPREGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "vxrs_low", ty: Type::Message(&messages::USER_S390_VXRS_LOW_ENTRY), label: Label::Optional, format: Format::Hex },
        Field { number: 5, name: "vxrs_high", ty: Type::Message(&messages::USER_S390_VXRS_HIGH_ENTRY), label: Label::Optional, format: Format::Hex },
        Field { number: 6, name: "gs_cb", ty: Type::Message(&messages::USER_S390_GS_CB_ENTRY), label: Label::Optional, format: Format::Hex },
        Field { number: 7, name: "gs_bc", ty: Type::Message(&messages::USER_S390_GS_CB_ENTRY), label: Label::Optional, format: Format::Hex },
        Field { number: 8, name: "ri_cb", ty: Type::Message(&messages::USER_S390_RI_ENTRY), label: Label::Optional, format: Format::Hex },
    ] };
    /// Describes `thread_info_x86`.
    pub static THREAD_INFO_X86: Message = Message { name: "thread_info_x86", fields: &[
        Field { number: 1, name: "clear_tid_addr", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "gpregs", ty: Type::Message(&messages::USER_X86_REGS_ENTRY), label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "fpregs", ty: Type::Message(&messages::USER_X86_FPREGS_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "tls", ty: Type::Message(&messages::USER_DESC_T), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `thread_sas_entry`.
    pub static THREAD_SAS_ENTRY: Message = Message { name: "thread_sas_entry", fields: &[
        Field { number: 1, name: "ss_sp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ss_size", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "ss_flags", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `timens_entry`.
    pub static TIMENS_ENTRY: Message = Message { name: "timens_entry", fields: &[
        Field { number: 1, name: "monotonic", ty: Type::Message(&messages::TIMESPEC), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "boottime", ty: Type::Message(&messages::TIMESPEC), label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `timerfd_entry`.
    pub static TIMERFD_ENTRY: Message = Message { name: "timerfd_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "clockid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "ticks", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "settime_flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 7, name: "vsec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "vnsec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "isec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "insec", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `timespec`.
    pub static TIMESPEC: Message = Message { name: "timespec", fields: &[
        Field { number: 1, name: "tv_sec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "tv_nsec", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `timeval`.
    pub static TIMEVAL: Message = Message { name: "timeval", fields: &[
        Field { number: 1, name: "tv_sec", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "tv_usec", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `tty_data_entry`.
    pub static TTY_DATA_ENTRY: Message = Message { name: "tty_data_entry", fields: &[
        Field { number: 1, name: "tty_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "data", ty: Type::Bytes, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `tty_file_entry`.
    pub static TTY_FILE_ENTRY: Message = Message { name: "tty_file_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "tty_info_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 4, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "regf_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `tty_info_entry`.
    pub static TTY_INFO_ENTRY: Message = Message { name: "tty_info_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "type", ty: Type::Enum(&TTYTYPE), label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "locked", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "exclusive", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "packet_mode", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "sid", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "pgrp", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "rdev", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "termios", ty: Type::Message(&messages::TERMIOS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 10, name: "termios_locked", ty: Type::Message(&messages::TERMIOS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "winsize", ty: Type::Message(&messages::WINSIZE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "pty", ty: Type::Message(&messages::TTY_PTY_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "dev", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "uid", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "gid", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `tty_pty_entry`.
    pub static TTY_PTY_ENTRY: Message = Message { name: "tty_pty_entry", fields: &[
        Field { number: 1, name: "index", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `tun_link_entry`.
    pub static TUN_LINK_ENTRY: Message = Message { name: "tun_link_entry", fields: &[
        Field { number: 1, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "owner", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "group", ty: Type::I32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "vnethdr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "sndbuf", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `tunfile_entry`.
    pub static TUNFILE_ENTRY: Message = Message { name: "tunfile_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "netdev", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "detached", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `uid_gid_extent`.
    pub static UID_GID_EXTENT: Message = Message { name: "uid_gid_extent", fields: &[
        Field { number: 1, name: "first", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "lower_first", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "count", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `unix_sk_entry`.
    pub static UNIX_SK_ENTRY: Message = Message { name: "unix_sk_entry", fields: &[
        Field { number: 1, name: "id", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ino", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "type", ty: Type::U32, label: Label::Required, format: Format::Names("sk") },
        Field { number: 4, name: "state", ty: Type::U32, label: Label::Required, format: Format::Names("sk") },
        Field { number: 5, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 6, name: "uflags", ty: Type::U32, label: Label::Required, format: Format::Hex },
        Field { number: 7, name: "backlog", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "peer", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "fown", ty: Type::Message(&messages::FOWN_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "opts", ty: Type::Message(&messages::SK_OPTS_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "name", ty: Type::Bytes, label: Label::Required, format: Format::UnixName },
        Field { number: 12, name: "shutdown", ty: Type::Enum(&SK_SHUTDOWN), label: Label::Optional, format: Format::Plain },
        Field { number: 13, name: "file_perms", ty: Type::Message(&messages::FILE_PERMS_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 14, name: "name_dir", ty: Type::Text, label: Label::Optional, format: Format::Plain },
        Field { number: 15, name: "deleted", ty: Type::Bool, label: Label::Optional, format: Format::Plain },
        Field { number: 16, name: "ns_id", ty: Type::U32, label: Label::Optional, format: Format::Plain },
        Field { number: 17, name: "mnt_id", ty: Type::S32, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `user_aarch64_fpsimd_context_entry`.
    pub static USER_AARCH64_FPSIMD_CONTEXT_ENTRY: Message = Message { name: "user_aarch64_fpsimd_context_entry", fields: &[
        Field { number: 1, name: "vregs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "fpsr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "fpcr", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_aarch64_regs_entry`.
    pub static USER_AARCH64_REGS_ENTRY: Message = Message { name: "user_aarch64_regs_entry", fields: &[
        Field { number: 1, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "sp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "pc", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "pstate", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_arm_regs_entry`.
    pub static USER_ARM_REGS_ENTRY: Message = Message { name: "user_arm_regs_entry", fields: &[
        Field { number: 1, name: "r0", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "r1", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "r2", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "r3", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "r4", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "r5", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "r6", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "r7", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "r8", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "r9", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "r10", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "fp", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "ip", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "sp", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "lr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "pc", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 17, name: "cpsr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 18, name: "orig_r0", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_arm_vfpstate_entry`.
    pub static USER_ARM_VFPSTATE_ENTRY: Message = Message { name: "user_arm_vfpstate_entry", fields: &[
        Field { number: 1, name: "vfp_regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "fpscr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "fpexc", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "fpinst", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "fpinst2", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_desc_t`.
    pub static USER_DESC_T: Message = Message { name: "user_desc_t", fields: &[
        Field { number: 1, name: "entry_number", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "base_addr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "limit", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "seg_32bit", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "contents_h", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "contents_l", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "read_exec_only", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "limit_in_pages", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "seg_not_present", ty: Type::Bool, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "usable", ty: Type::Bool, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_loongarch64_fpregs_entry`.
    pub static USER_LOONGARCH64_FPREGS_ENTRY: Message = Message { name: "user_loongarch64_fpregs_entry", fields: &[
        Field { number: 1, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "fcc", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "fcsr", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_loongarch64_gpregs_entry`.
    pub static USER_LOONGARCH64_GPREGS_ENTRY: Message = Message { name: "user_loongarch64_gpregs_entry", fields: &[
        Field { number: 1, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "pc", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_mips_fpregs_entry`.
    pub static USER_MIPS_FPREGS_ENTRY: Message = Message { name: "user_mips_fpregs_entry", fields: &[
        Field { number: 1, name: "r0", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "r1", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "r2", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "r3", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "r4", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "r5", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "r6", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "r7", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "r8", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "r9", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "r10", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "r11", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "r12", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "r13", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "r14", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "r15", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 17, name: "r16", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 18, name: "r17", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 19, name: "r18", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 20, name: "r19", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 21, name: "r20", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 22, name: "r21", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 23, name: "r22", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 24, name: "r23", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 25, name: "r24", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 26, name: "r25", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 27, name: "r26", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 28, name: "r27", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 29, name: "r28", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 30, name: "r29", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 31, name: "r30", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 32, name: "r31", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 33, name: "lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 34, name: "hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 35, name: "fpu_fcr31", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 36, name: "fpu_id", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_mips_regs_entry`.
    pub static USER_MIPS_REGS_ENTRY: Message = Message { name: "user_mips_regs_entry", fields: &[
        Field { number: 1, name: "r0", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "r1", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "r2", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "r3", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "r4", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "r5", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "r6", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "r7", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "r8", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "r9", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "r10", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "r11", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "r12", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "r13", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "r14", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "r15", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 17, name: "r16", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 18, name: "r17", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 19, name: "r18", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 20, name: "r19", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 21, name: "r20", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 22, name: "r21", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 23, name: "r22", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 24, name: "r23", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 25, name: "r24", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 26, name: "r25", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 27, name: "r26", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 28, name: "r27", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 29, name: "r28", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 30, name: "r29", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 31, name: "r30", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 32, name: "r31", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 33, name: "lo", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 34, name: "hi", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 35, name: "cp0_epc", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 36, name: "cp0_badvaddr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 37, name: "cp0_status", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 38, name: "cp0_cause", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_ppc64_fpstate_entry`.
    pub static USER_PPC64_FPSTATE_ENTRY: Message = Message { name: "user_ppc64_fpstate_entry", fields: &[
        Field { number: 1, name: "fpregs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_ppc64_regs_entry`.
    pub static USER_PPC64_REGS_ENTRY: Message = Message { name: "user_ppc64_regs_entry", fields: &[
        Field { number: 1, name: "gpr", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "nip", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "msr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "orig_gpr3", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "ctr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "link", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "xer", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "ccr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "trap", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "texasr", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 11, name: "tfhar", ty: Type::U64, label: Label::Optional, format: Format::Plain },
        Field { number: 12, name: "tfiar", ty: Type::U64, label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `user_ppc64_tm_regs_entry`.
    pub static USER_PPC64_TM_REGS_ENTRY: Message = Message { name: "user_ppc64_tm_regs_entry", fields: &[
        Field { number: 1, name: "gpregs", ty: Type::Message(&messages::USER_PPC64_REGS_ENTRY), label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "fpstate", ty: Type::Message(&messages::USER_PPC64_FPSTATE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 3, name: "vrstate", ty: Type::Message(&messages::USER_PPC64_VRSTATE_ENTRY), label: Label::Optional, format: Format::Plain },
        Field { number: 4, name: "vsxstate", ty: Type::Message(&messages::USER_PPC64_VSXSTATE_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `user_ppc64_vrstate_entry`.
    pub static USER_PPC64_VRSTATE_ENTRY: Message = Message { name: "user_ppc64_vrstate_entry", fields: &[
        Field { number: 1, name: "vrregs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "vrsave", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_ppc64_vsxstate_entry`.
    pub static USER_PPC64_VSXSTATE_ENTRY: Message = Message { name: "user_ppc64_vsxstate_entry", fields: &[
        Field { number: 1, name: "vsxregs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_riscv64_d_ext_entry`.
    pub static USER_RISCV64_D_EXT_ENTRY: Message = Message { name: "user_riscv64_d_ext_entry", fields: &[
        Field { number: 1, name: "f", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "fcsr", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_riscv64_regs_entry`.
    pub static USER_RISCV64_REGS_ENTRY: Message = Message { name: "user_riscv64_regs_entry", fields: &[
        Field { number: 1, name: "pc", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ra", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "sp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "gp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "tp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "t0", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "t1", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "t2", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "s0", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "s1", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "a0", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "a1", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "a2", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "a3", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "a4", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "a5", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 17, name: "a6", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 18, name: "a7", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 19, name: "s2", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 20, name: "s3", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 21, name: "s4", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 22, name: "s5", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 23, name: "s6", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 24, name: "s7", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 25, name: "s8", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 26, name: "s9", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 27, name: "s10", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 28, name: "s11", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 29, name: "t3", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 30, name: "t4", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 31, name: "t5", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 32, name: "t6", ty: Type::U64, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_s390_fpregs_entry`.
    pub static USER_S390_FPREGS_ENTRY: Message = Message { name: "user_s390_fpregs_entry", fields: &[
        Field { number: 1, name: "fpc", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "fprs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_s390_gs_cb_entry`.
    pub static USER_S390_GS_CB_ENTRY: Message = Message { name: "user_s390_gs_cb_entry", fields: &[
        Field { number: 1, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_s390_regs_entry`.
    pub static USER_S390_REGS_ENTRY: Message = Message { name: "user_s390_regs_entry", fields: &[
        Field { number: 1, name: "psw_mask", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "psw_addr", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "gprs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 4, name: "acrs", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 5, name: "orig_gpr2", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "system_call", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `user_s390_ri_entry`.
    pub static USER_S390_RI_ENTRY: Message = Message { name: "user_s390_ri_entry", fields: &[
        Field { number: 1, name: "ri_on", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_s390_vxrs_high_entry`.
    pub static USER_S390_VXRS_HIGH_ENTRY: Message = Message { name: "user_s390_vxrs_high_entry", fields: &[
        Field { number: 1, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_s390_vxrs_low_entry`.
    pub static USER_S390_VXRS_LOW_ENTRY: Message = Message { name: "user_s390_vxrs_low_entry", fields: &[
        Field { number: 1, name: "regs", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `user_x86_cet_entry`.
    pub static USER_X86_CET_ENTRY: Message = Message { name: "user_x86_cet_entry", fields: &[
        Field { number: 1, name: "cet", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "ssp", ty: Type::U64, label: Label::Required, format: Format::Hex },
    ] };
    /// Describes `user_x86_fpregs_entry`.
    pub static USER_X86_FPREGS_ENTRY: Message = Message { name: "user_x86_fpregs_entry", fields: &[
        Field { number: 1, name: "cwd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "swd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "twd", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "fop", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "rip", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "rdp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "mxcsr", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "mxcsr_mask", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "st_space", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 10, name: "xmm_space", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 11, name: "padding", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 13, name: "xsave", ty: Type::Message(&messages::USER_X86_XSAVE_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `user_x86_regs_entry`.
    pub static USER_X86_REGS_ENTRY: Message = Message { name: "user_x86_regs_entry", fields: &[
        Field { number: 1, name: "r15", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "r14", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "r13", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "r12", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "bp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 6, name: "bx", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 7, name: "r11", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 8, name: "r10", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "r9", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 10, name: "r8", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 11, name: "ax", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 12, name: "cx", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 13, name: "dx", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 14, name: "si", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 15, name: "di", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 16, name: "orig_ax", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 17, name: "ip", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 18, name: "cs", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 19, name: "flags", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 20, name: "sp", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 21, name: "ss", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 22, name: "fs_base", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 23, name: "gs_base", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 24, name: "ds", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 25, name: "es", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 26, name: "fs", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 27, name: "gs", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 28, name: "mode", ty: Type::Enum(&USER_X86_REGS_MODE), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `user_x86_xsave_entry`.
    pub static USER_X86_XSAVE_ENTRY: Message = Message { name: "user_x86_xsave_entry", fields: &[
        Field { number: 1, name: "xstate_bv", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ymmh_space", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 3, name: "bndreg_state", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 4, name: "bndcsr_state", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 5, name: "opmask_reg", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 6, name: "zmm_upper", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 7, name: "hi16_zmm", ty: Type::U64, label: Label::Repeated, format: Format::Plain },
        Field { number: 8, name: "pkru", ty: Type::U32, label: Label::Repeated, format: Format::Plain },
        Field { number: 9, name: "cet", ty: Type::Message(&messages::USER_X86_CET_ENTRY), label: Label::Optional, format: Format::Plain },
    ] };
    /// Describes `userns_entry`.
    pub static USERNS_ENTRY: Message = Message { name: "userns_entry", fields: &[
        Field { number: 1, name: "uid_map", ty: Type::Message(&messages::UID_GID_EXTENT), label: Label::Repeated, format: Format::Plain },
        Field { number: 2, name: "gid_map", ty: Type::Message(&messages::UID_GID_EXTENT), label: Label::Repeated, format: Format::Plain },
    ] };
    /// Describes `utsns_entry`.
    pub static UTSNS_ENTRY: Message = Message { name: "utsns_entry", fields: &[
        Field { number: 1, name: "nodename", ty: Type::Text, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "domainname", ty: Type::Text, label: Label::Required, format: Format::Plain },
    ] };
    /// Describes `vma_entry`.
    pub static VMA_ENTRY: Message = Message { name: "vma_entry", fields: &[
        Field { number: 1, name: "start", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 2, name: "end", ty: Type::U64, label: Label::Required, format: Format::Hex },
        Field { number: 3, name: "pgoff", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "shmid", ty: Type::U64, label: Label::Required, format: Format::Plain },
        Field { number: 5, name: "prot", ty: Type::U32, label: Label::Required, format: Format::Flags("mmap.prot") },
        Field { number: 6, name: "flags", ty: Type::U32, label: Label::Required, format: Format::Flags("mmap.flags") },
        Field { number: 7, name: "status", ty: Type::U32, label: Label::Required, format: Format::Flags("mmap.status") },
        Field { number: 8, name: "fd", ty: Type::S64, label: Label::Required, format: Format::Plain },
        Field { number: 9, name: "madv", ty: Type::U64, label: Label::Optional, format: Format::Hex },
        Field { number: 10, name: "fdflags", ty: Type::U32, label: Label::Optional, format: Format::Hex },
    ] };
    /// Describes `winsize_entry`.
    pub static WINSIZE_ENTRY: Message = Message { name: "winsize_entry", fields: &[
        Field { number: 1, name: "ws_row", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 2, name: "ws_col", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 3, name: "ws_xpixel", ty: Type::U32, label: Label::Required, format: Format::Plain },
        Field { number: 4, name: "ws_ypixel", ty: Type::U32, label: Label::Required, format: Format::Plain },
    ] };
}

/// All messages, sorted by name.
pub static MESSAGES: &[&Message] = &[
    &messages::AA_NAMESPACE,
    &messages::AA_POLICY,
    &messages::AIO_RING_ENTRY,
    &messages::APPARMOR_ENTRY,
    &messages::AUTOFS_ENTRY,
    &messages::BINFMT_MISC_ENTRY,
    &messages::BPFMAP_DATA_ENTRY,
    &messages::BPFMAP_FILE_ENTRY,
    &messages::CG_CONTROLLER_ENTRY,
    &messages::CG_MEMBER_ENTRY,
    &messages::CG_SET_ENTRY,
    &messages::CGROUP_DIR_ENTRY,
    &messages::CGROUP_ENTRY,
    &messages::CGROUP_PERMS,
    &messages::CGROUP_PROP_ENTRY,
    &messages::CORE_ENTRY,
    &messages::CPUINFO_ENTRY,
    &messages::CPUINFO_PPC64_ENTRY,
    &messages::CPUINFO_S390_ENTRY,
    &messages::CPUINFO_X86_ENTRY,
    &messages::CREDS_ENTRY,
    &messages::CRIU_DMABUF_NODE,
    &messages::CRIU_KFD,
    &messages::CRIU_RENDER_NODE,
    &messages::DEV_IOLINK,
    &messages::DRM_BO_ENTRY,
    &messages::DRM_VM_ENTRY,
    &messages::DUMP_STATS_ENTRY,
    &messages::EVENTFD_FILE_ENTRY,
    &messages::EVENTPOLL_FILE_ENTRY,
    &messages::EVENTPOLL_TFD_ENTRY,
    &messages::EXT_FILE_ENTRY,
    &messages::FANOTIFY_FILE_ENTRY,
    &messages::FANOTIFY_INODE_MARK_ENTRY,
    &messages::FANOTIFY_MARK_ENTRY,
    &messages::FANOTIFY_MOUNT_MARK_ENTRY,
    &messages::FDINFO_ENTRY,
    &messages::FH_ENTRY,
    &messages::FIFO_ENTRY,
    &messages::FILE_ENTRY,
    &messages::FILE_LOCK_ENTRY,
    &messages::FILE_PERMS_ENTRY,
    &messages::FOWN_ENTRY,
    &messages::FS_ENTRY,
    &messages::GHOST_CHUNK_ENTRY,
    &messages::GHOST_FILE_ENTRY,
    &messages::IMG_STREAMER_REPLY_ENTRY,
    &messages::IMG_STREAMER_REQUEST_ENTRY,
    &messages::INET_SK_ENTRY,
    &messages::INOTIFY_FILE_ENTRY,
    &messages::INOTIFY_WD_ENTRY,
    &messages::INVENTORY_ENTRY,
    &messages::IP_OPTS_ENTRY,
    &messages::IP_OPTS_RAW_ENTRY,
    &messages::IPC_DESC_ENTRY,
    &messages::IPC_MSG,
    &messages::IPC_MSG_ENTRY,
    &messages::IPC_SEM_ENTRY,
    &messages::IPC_SHM_ENTRY,
    &messages::IPC_VAR_ENTRY,
    &messages::IRMAP_CACHE_ENTRY,
    &messages::ITIMER_ENTRY,
    &messages::KFD_BO_ENTRY,
    &messages::KFD_DEVICE_ENTRY,
    &messages::MACVLAN_LINK_ENTRY,
    &messages::MEMFD_FILE_ENTRY,
    &messages::MEMFD_INODE_ENTRY,
    &messages::MM_ENTRY,
    &messages::MNT_ENTRY,
    &messages::NET_DEVICE_ENTRY,
    &messages::NETLINK_SK_ENTRY,
    &messages::NETNS_ENTRY,
    &messages::NETNS_ID,
    &messages::NS_FILE_ENTRY,
    &messages::PAC_ADDRESS_KEYS,
    &messages::PAC_GENERIC_KEYS,
    &messages::PAC_KEYS,
    &messages::PACKET_MCLIST,
    &messages::PACKET_RING,
    &messages::PACKET_SOCK_ENTRY,
    &messages::PAGEMAP_ENTRY,
    &messages::PAGEMAP_HEAD,
    &messages::PIDFD_ENTRY,
    &messages::PIDNS_ENTRY,
    &messages::PIPE_DATA_ENTRY,
    &messages::PIPE_ENTRY,
    &messages::PLUGINS_ENTRY,
    &messages::POSIX_TIMER_ENTRY,
    &messages::PSTREE_ENTRY,
    &messages::REG_FILE_ENTRY,
    &messages::REMAP_FILE_PATH_ENTRY,
    &messages::RESTORE_STATS_ENTRY,
    &messages::RLIMIT_ENTRY,
    &messages::RSEQ_ENTRY,
    &messages::SA_ENTRY,
    &messages::SCM_ENTRY,
    &messages::SECCOMP_ENTRY,
    &messages::SECCOMP_FILTER,
    &messages::SIGINFO_ENTRY,
    &messages::SIGNAL_QUEUE_ENTRY,
    &messages::SIGNALFD_ENTRY,
    &messages::SIT_ENTRY,
    &messages::SK_OPTS_ENTRY,
    &messages::SK_PACKET_ENTRY,
    &messages::STATS_ENTRY,
    &messages::SYSCTL_ENTRY,
    &messages::TASK_CORE_ENTRY,
    &messages::TASK_KOBJ_IDS_ENTRY,
    &messages::TASK_RLIMITS_ENTRY,
    &messages::TASK_TIMERS_ENTRY,
    &messages::TCP_OPTS_ENTRY,
    &messages::TCP_STREAM_ENTRY,
    &messages::TERMIOS_ENTRY,
    &messages::THREAD_CORE_ENTRY,
    &messages::THREAD_INFO_AARCH64,
    &messages::THREAD_INFO_ARM,
    &messages::THREAD_INFO_LOONGARCH64,
    &messages::THREAD_INFO_MIPS,
    &messages::THREAD_INFO_PPC64,
    &messages::THREAD_INFO_RISCV64,
    &messages::THREAD_INFO_S390,
    &messages::THREAD_INFO_X86,
    &messages::THREAD_SAS_ENTRY,
    &messages::TIMENS_ENTRY,
    &messages::TIMERFD_ENTRY,
    &messages::TIMESPEC,
    &messages::TIMEVAL,
    &messages::TTY_DATA_ENTRY,
    &messages::TTY_FILE_ENTRY,
    &messages::TTY_INFO_ENTRY,
    &messages::TTY_PTY_ENTRY,
    &messages::TUN_LINK_ENTRY,
    &messages::TUNFILE_ENTRY,
    &messages::UID_GID_EXTENT,
    &messages::UNIX_SK_ENTRY,
    &messages::USER_AARCH64_FPSIMD_CONTEXT_ENTRY,
    &messages::USER_AARCH64_REGS_ENTRY,
    &messages::USER_ARM_REGS_ENTRY,
    &messages::USER_ARM_VFPSTATE_ENTRY,
    &messages::USER_DESC_T,
    &messages::USER_LOONGARCH64_FPREGS_ENTRY,
    &messages::USER_LOONGARCH64_GPREGS_ENTRY,
    &messages::USER_MIPS_FPREGS_ENTRY,
    &messages::USER_MIPS_REGS_ENTRY,
    &messages::USER_PPC64_FPSTATE_ENTRY,
    &messages::USER_PPC64_REGS_ENTRY,
    &messages::USER_PPC64_TM_REGS_ENTRY,
    &messages::USER_PPC64_VRSTATE_ENTRY,
    &messages::USER_PPC64_VSXSTATE_ENTRY,
    &messages::USER_RISCV64_D_EXT_ENTRY,
    &messages::USER_RISCV64_REGS_ENTRY,
    &messages::USER_S390_FPREGS_ENTRY,
    &messages::USER_S390_GS_CB_ENTRY,
    &messages::USER_S390_REGS_ENTRY,
    &messages::USER_S390_RI_ENTRY,
    &messages::USER_S390_VXRS_HIGH_ENTRY,
    &messages::USER_S390_VXRS_LOW_ENTRY,
    &messages::USER_X86_CET_ENTRY,
    &messages::USER_X86_FPREGS_ENTRY,
    &messages::USER_X86_REGS_ENTRY,
    &messages::USER_X86_XSAVE_ENTRY,
    &messages::USERNS_ENTRY,
    &messages::UTSNS_ENTRY,
    &messages::VMA_ENTRY,
    &messages::WINSIZE_ENTRY,
];
