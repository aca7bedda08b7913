//! One process: from its files to CRIU's records of it.

use std::collections::{BTreeMap, HashMap};

use super::files::{Behind, Fd, Table, namespace};
use super::net::Sockets;
use super::text::{self, Stat, decimal, field, hex, lines, numbers, undeleted, words};
use super::{Maker, ROOT};
use crate::image::proto;
use crate::model::{Text, mapping_status as status};

/// Flag of an image's run of pages whose bytes are in the pages image.
const PRESENT: u32 = 4;

/// What the files of one process say at first sight.
pub(super) struct Source {
    /// `proc/1234`.
    pub(super) directory: String,
    /// Number on the node.
    pub(super) host_pid: u32,
    /// Number in the container.
    pub(super) pid: u32,
    status: Vec<u8>,
    stat: Vec<u8>,
    /// Level of the container's process namespace in lines such as `NSpid`.
    level: usize,
    threads: Vec<(u32, String)>,
}

/// Name and target of each link.
pub(super) type Links = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads `name NUL target NUL …`.
pub(super) fn links(text: &[u8]) -> Links {
    let mut parts = text.split(|b| *b == 0);
    let mut links = Vec::new();
    while let (Some(name), Some(target)) = (parts.next(), parts.next()) {
        if !name.is_empty() && !target.is_empty() {
            links.push((name.to_vec(), target.to_vec()));
        }
    }
    links
}

fn target<'l>(links: &'l Links, name: &[u8]) -> Option<&'l [u8]> {
    links.iter().find(|(found, _)| found == name).map(|(_, target)| target.as_slice())
}

/// Reads the namespaces off the links: the kernel's own numbers.
pub(super) fn namespaces(links: &Links) -> proto::TaskKobjIdsEntry {
    let of = |name: &str| {
        let link = target(links, format!("ns/{name}").as_bytes())?;
        namespace(link).map(|(_, inode)| inode)
    };
    proto::TaskKobjIdsEntry {
        pid_ns_id: of("pid"),
        net_ns_id: of("net"),
        ipc_ns_id: of("ipc"),
        uts_ns_id: of("uts"),
        mnt_ns_id: of("mnt"),
        user_ns_id: of("user"),
        cgroup_ns_id: of("cgroup"),
        time_ns_id: of("time"),
        ..proto::TaskKobjIdsEntry::default()
    }
}

impl Source {
    fn at_level(&self, status: &[u8], name: &str) -> Option<u32> {
        let all = numbers(status, name);
        // Kernels without process namespaces have the plain line only.
        all.get(self.level).or(all.last()).copied()
    }

    /// The process table's record.
    ///
    /// `inside` has the number in the container of each number on the node.
    pub(super) fn tree(&self, inside: &HashMap<u32, u32>) -> proto::PstreeEntry {
        let parent: Option<u32> = field(&self.status, "PPid").and_then(decimal);
        let ppid = parent.and_then(|parent| inside.get(&parent)).copied().unwrap_or(0);
        proto::PstreeEntry {
            pid: Some(self.pid),
            ppid: Some(ppid),
            pgid: self.at_level(&self.status, "NSpgid"),
            sid: self.at_level(&self.status, "NSsid"),
            threads: self.threads.iter().map(|(tid, _)| *tid).collect(),
        }
    }

    fn is_dead(&self) -> bool {
        matches!(Stat::new(&self.stat).state(), Some(b'Z' | b'X'))
    }
}

impl Maker<'_> {
    /// Finds the processes, in the order of their numbers on the node.
    pub(super) fn sources(&mut self) -> Vec<Source> {
        let mut threads: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for member in self.archive.members() {
            let rest = member.name.strip_prefix(ROOT.as_bytes()).and_then(|n| n.strip_prefix(b"proc/"));
            let mut parts = rest.unwrap_or_default().split(|b| *b == b'/');
            let Some(host_pid) = parts.next().and_then(decimal) else { continue };
            let own = threads.entry(host_pid).or_default();
            if parts.next() == Some(b"task")
                && let Some(tid) = parts.next().and_then(|tid| std::str::from_utf8(tid).ok())
                && own.last().is_none_or(|last| last != tid)
            {
                own.push(tid.to_owned());
            }
        }
        let mut found: Vec<u32> = threads.keys().copied().collect();
        let limit = usize::try_from(self.archive.limits().tasks).unwrap_or(usize::MAX);
        if found.len() > limit {
            self.warn("proc", format!("{} processes; only {limit} are read", found.len()));
            found.truncate(limit);
        }
        let mut sources = Vec::new();
        for host_pid in found {
            let directory = format!("proc/{host_pid}");
            let Some(status) = self.read(&format!("{directory}/status")).filter(|s| !s.is_empty()) else {
                self.warn(&directory, "the process ended before its status was read");
                continue;
            };
            let stat = self.read(&format!("{directory}/stat")).unwrap_or_default();
            sources.push(Source { directory, host_pid, pid: 0, status, stat, level: 0, threads: Vec::new() });
        }
        // The container's own process namespace is the outermost that they all are in.
        let level = sources.iter().map(|s| numbers(&s.status, "NSpid").len()).min().unwrap_or(0);
        let level = level.saturating_sub(1);
        for source in &mut sources {
            source.level = level;
            source.pid = source.at_level(&source.status, "NSpid").unwrap_or(source.host_pid);
            let mut own = Vec::new();
            for name in threads.remove(&source.host_pid).unwrap_or_default() {
                let directory = format!("{}/task/{name}", source.directory);
                let status = self.read(&format!("{directory}/status")).unwrap_or_default();
                let host: Option<u32> = name.parse().ok();
                if let Some(tid) = source.at_level(&status, "NSpid").or(host) {
                    own.push((tid, directory));
                }
            }
            let pid = source.pid;
            if !own.iter().any(|(tid, _)| *tid == pid) {
                own.push((pid, source.directory.clone()));
            }
            // The leader first, as CRIU has them.
            own.sort_by_key(|(tid, _)| (*tid != pid, *tid));
            own.dedup_by_key(|(tid, _)| *tid);
            source.threads = own;
        }
        sources
    }

    /// Makes the images of one process.
    pub(super) fn process(
        &mut self,
        source: &Source,
        files: &mut Table,
        sockets: &BTreeMap<u32, Sockets>,
        groups: &mut Groups,
    ) {
        let pid = source.pid;
        let file = |maker: &Self, name: &str| maker.read(&format!("{}/{name}", source.directory));
        let links = file(self, "links").map(|text| links(&text)).unwrap_or_default();
        if let (Some(copy), Some(path)) = (file(self, "exeid"), target(&links, b"exe")) {
            self.executables.entry(copy.trim_ascii().to_vec()).or_insert_with(|| Text::from(path));
        }
        let cg_set = file(self, "cgroup").map(|text| groups.number(text));
        let mtype = self.machine();
        for (tid, directory) in &source.threads {
            let leader = *tid == pid;
            let mut core = proto::CoreEntry { mtype, ..proto::CoreEntry::default() };
            let status =
                if leader { Some(source.status.clone()) } else { self.read(&format!("{directory}/status")) };
            let stat =
                if leader { Some(source.stat.clone()) } else { self.read(&format!("{directory}/stat")) };
            core.thread_core =
                Some(thread(status.as_deref().unwrap_or_default(), stat.as_deref().unwrap_or_default()));
            if let Some(thread) = &mut core.thread_core {
                thread.comm =
                    self.read(&format!("{directory}/comm")).map(|name| name.trim_ascii_end().to_vec());
                if leader && let Some(creds) = &mut thread.creds {
                    let label = file(self, "attr_current").unwrap_or_default();
                    let label = label.trim_ascii_end().strip_suffix(b"\0").unwrap_or(label.trim_ascii_end());
                    creds.lsm_profile = (!label.is_empty()).then(|| label.to_vec());
                }
            }
            if leader {
                core.tc = Some(self.task(source, cg_set));
            }
            self.put(&format!("core-{tid}.img"), &[core]);
        }
        if source.is_dead() {
            return;
        }
        let mut ids = namespaces(&links);
        // Whether processes share their tables is not told; each has its own here.
        ids.files_id = Some(pid);
        let tables = ids.net_ns_id.and_then(|id| sockets.get(&id));
        let none = Sockets::default();
        let fds = self.descriptors(source, &links, files, tables.unwrap_or(&none));
        self.put(&format!("fdinfo-{pid}.img"), &fds);
        if let Some(id) = ids.mnt_ns_id
            && !self.records.contains_key(&format!("mountpoints-{id}.img"))
            && let Some(text) = file(self, "mountinfo")
        {
            // CRIU writes the newest mount first.
            let mut mounts: Vec<proto::MntEntry> = lines(&text).filter_map(mount).collect();
            mounts.reverse();
            self.put(&format!("mountpoints-{id}.img"), &mounts);
        }
        if let Some(id) = ids.user_ns_id
            && !self.records.contains_key(&format!("userns-{id}.img"))
        {
            let map = |name: &str| lines(&file(self, name).unwrap_or_default()).filter_map(extent).collect();
            let (uid_map, gid_map) = (map("uid_map"), map("gid_map"));
            self.put(&format!("userns-{id}.img"), &[proto::UsernsEntry { uid_map, gid_map }]);
        }
        self.put(&format!("ids-{pid}.img"), &[ids]);
        let mut place = |name: &[u8]| target(&links, name).map(|path| files.path(path));
        let fs = proto::FsEntry {
            cwd_id: place(b"cwd"),
            root_id: place(b"root"),
            umask: field(&source.status, "Umask").and_then(text::octal),
        };
        self.put(&format!("fs-{pid}.img"), &[fs]);
        let mm = self.memory(source, &links, files);
        self.put(&format!("mm-{pid}.img"), &[mm]);
        self.pages(source);
    }

    fn machine(&self) -> Option<i32> {
        let name = self.read("machine")?;
        Some(match name.trim_ascii() {
            b"x86_64" => 1,
            b"aarch64" => 3,
            b"ppc64le" => 4,
            b"s390x" => 5,
            b"loongarch64" => 7,
            b"riscv64" => 8,
            name if name.starts_with(b"arm") => 2,
            _ => return None,
        })
    }

    fn task(&self, source: &Source, cg_set: Option<u32>) -> proto::TaskCoreEntry {
        let stat = Stat::new(&source.stat);
        let read = |name: &str| self.read(&format!("{}/{name}", source.directory));
        let limits = read("limits").map(|text| text::limits(&text)).unwrap_or_default();
        let rlimits = (!limits.is_empty()).then(|| proto::TaskRlimitsEntry {
            rlimits: limits
                .into_iter()
                .map(|(cur, max)| proto::RlimitEntry { cur: Some(cur), max: Some(max) })
                .collect(),
        });
        proto::TaskCoreEntry {
            task_state: stat.state().and_then(|letter| match letter {
                b'Z' | b'X' => Some(2),
                b'T' => Some(3),
                b'R' | b'S' | b'D' | b'I' | b'W' | b't' | b'P' | b'K' => Some(1),
                _ => None,
            }),
            exit_code: stat.get(52),
            flags: stat.get(9),
            blk_sigset: field(&source.status, "SigBlk").and_then(hex),
            comm: read("comm").map(|name| name.trim_ascii_end().to_vec()),
            rlimits,
            cg_set,
            loginuid: read("loginuid").and_then(|id| decimal(&id)),
            oom_score_adj: read("oom_score_adj").and_then(|score| decimal(&score)),
            ..proto::TaskCoreEntry::default()
        }
    }

    fn descriptors(
        &mut self,
        source: &Source,
        links: &Links,
        files: &mut Table,
        sockets: &Sockets,
    ) -> Vec<proto::FdinfoEntry> {
        let read = |maker: &Self, name: &str| {
            maker.read(&format!("{}/{name}", source.directory)).unwrap_or_default()
        };
        let infos = infos(&read(self, "fdinfo"));
        let stats = behind(&read(self, "fdstat"));
        let mut rows = Vec::new();
        for (name, target) in links {
            let Some(number) = name.strip_prefix(b"fd/").and_then(decimal) else { continue };
            let info = infos.get(&number).map_or(&[][..], Vec::as_slice);
            let behind = stats.get(&number).copied().unwrap_or_default();
            rows.push(files.descriptor(&Fd { number, target, info, behind }, sockets));
        }
        rows.sort_by_key(|row| row.fd);
        rows
    }

    fn memory(&mut self, source: &Source, links: &Links, files: &mut Table) -> proto::MmEntry {
        let stat = Stat::new(&source.stat);
        let read = |maker: &Self, name: &str| {
            maker.read(&format!("{}/{name}", source.directory)).unwrap_or_default()
        };
        let maps = read(self, "maps");
        let limit = usize::try_from(self.archive.limits().mappings).unwrap_or(usize::MAX);
        let mut wrong = 0_usize;
        let mut vmas = Vec::new();
        for line in lines(&maps) {
            match text::map(line) {
                // The model says so where there are more.
                Some(map) if vmas.len() <= limit => vmas.push(vma(&map, files)),
                Some(_) => {}
                None => wrong = wrong.saturating_add(1),
            }
        }
        if wrong > 0 {
            self.warn(&format!("{}/maps", source.directory), format!("{wrong} lines mean nothing"));
        }
        let exe = target(links, b"exe").map(|path| match undeleted(path).0.strip_prefix(b"/memfd:") {
            Some(name) => files.memfd(0, name, None),
            None => files.path(path),
        });
        // Pairs of words, of the size that the machine has.
        let auxv = read(self, "auxv");
        let mm_saved_auxv =
            auxv.chunks_exact(8).filter_map(|w| Some(u64::from_le_bytes(*w.first_chunk()?))).collect();
        proto::MmEntry {
            mm_start_code: stat.address(26),
            mm_end_code: stat.address(27),
            mm_start_stack: stat.address(28),
            mm_start_data: stat.address(45),
            mm_end_data: stat.address(46),
            mm_start_brk: stat.address(47),
            mm_arg_start: stat.address(48),
            mm_arg_end: stat.address(49),
            mm_env_start: stat.address(50),
            mm_env_end: stat.address(51),
            exe_file_id: exe,
            mm_saved_auxv,
            vmas,
            ..proto::MmEntry::default()
        }
    }

    /// The page map of the memory that was read, if it was.
    fn pages(&mut self, source: &Source) {
        const PAGE: u64 = 4096;
        let Some(ranges) = self.read(&format!("{}/ranges", source.directory)) else { return };
        let name = format!("pagemap-{}.img", source.pid);
        let mut bytes = Vec::new();
        let written = crate::image::Writer::new(
            &mut bytes,
            crate::image::Kind::Pagemap,
            crate::image::ByteOrder::Little,
        )
        .and_then(|mut writer| {
            writer.message(&proto::PagemapHead { pages_id: Some(source.host_pid) }, &[])?;
            for line in lines(&ranges) {
                let mut words = words(line).map(hex);
                let (Some(Some(start)), Some(Some(end))) = (words.next(), words.next()) else { continue };
                let Some(pages) = end.checked_sub(start).and_then(|len| len.checked_div(PAGE)) else {
                    continue;
                };
                let entry = proto::PagemapEntry {
                    vaddr: Some(start),
                    compat_nr_pages: u32::try_from(pages).ok(),
                    nr_pages: Some(pages),
                    flags: Some(PRESENT),
                    ..proto::PagemapEntry::default()
                };
                writer.message(&entry, &[])?;
            }
            Ok(())
        });
        match written {
            Ok(()) => {
                self.records.insert(name, bytes);
            }
            Err(e) => self.warn(&name, e.to_string()),
        }
    }
}

/// Groups lines such as `fdinfo/3:pos: 0` by descriptor.
fn infos(text: &[u8]) -> HashMap<u32, Vec<u8>> {
    let mut found: HashMap<u32, Vec<u8>> = HashMap::new();
    for line in lines(text) {
        let Some(rest) = line.strip_prefix(b"fdinfo/") else { continue };
        let Some(colon) = rest.iter().position(|b| *b == b':') else { continue };
        let Some((number, line)) = rest.split_at_checked(colon) else { continue };
        let Some(number) = decimal(number) else { continue };
        let info = found.entry(number).or_default();
        info.extend_from_slice(line.get(1..).unwrap_or_default());
        info.push(b'\n');
    }
    found
}

/// Reads `fd/N MODE SIZE LINKS MAJOR`, mode and major in hexadecimal.
fn behind(text: &[u8]) -> HashMap<u32, Behind> {
    let read = |line: &[u8]| {
        let mut words = words(line.strip_prefix(b"fd/")?);
        let number = decimal(words.next()?)?;
        let behind = Behind {
            mode: words.next().and_then(hex).and_then(|mode| u32::try_from(mode).ok()),
            size: words.next().and_then(decimal),
            links: words.next().and_then(decimal),
            major: words.next().and_then(hex),
        };
        Some((number, behind))
    };
    lines(text).filter_map(read).collect()
}

/// Sets of control groups, each with a number.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) sets: Vec<proto::CgSetEntry>,
    known: HashMap<Vec<u8>, u32>,
}

impl Groups {
    /// Returns the number of a set, which is added where it is new.
    fn number(&mut self, text: Vec<u8>) -> u32 {
        if let Some(id) = self.known.get(&text) {
            return *id;
        }
        // `4:cpu,cpuacct:/kubepods/…`; version 2 has no controllers.
        let member = |line: &[u8]| {
            let mut parts = line.splitn(3, |b| *b == b':');
            let (_, name, path) = (parts.next()?, parts.next()?, parts.next()?);
            Some(proto::CgMemberEntry {
                name: Some(name.to_vec()),
                path: Some(path.to_vec()),
                cgns_prefix: None,
            })
        };
        let ctls: Vec<proto::CgMemberEntry> = lines(&text).filter_map(member).collect();
        let id = u32::try_from(self.sets.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.sets.push(proto::CgSetEntry { id: Some(id), ctls });
        self.known.insert(text, id);
        id
    }
}

fn thread(status: &[u8], stat: &[u8]) -> proto::ThreadCoreEntry {
    let stat = Stat::new(stat);
    let mask = |name: &str| field(status, name).and_then(hex);
    // CRIU keeps a set as two words, the lower first.
    let halves = |name: &str| {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        mask(name).map(|m| vec![half(m), half(m >> 32)]).unwrap_or_default()
    };
    let (uid, gid) = (numbers(status, "Uid"), numbers(status, "Gid"));
    let creds = (!uid.is_empty()).then(|| proto::CredsEntry {
        uid: uid.first().copied(),
        euid: uid.get(1).copied(),
        suid: uid.get(2).copied(),
        fsuid: uid.get(3).copied(),
        gid: gid.first().copied(),
        egid: gid.get(1).copied(),
        sgid: gid.get(2).copied(),
        fsgid: gid.get(3).copied(),
        groups: numbers(status, "Groups"),
        cap_inh: halves("CapInh"),
        cap_prm: halves("CapPrm"),
        cap_eff: halves("CapEff"),
        cap_bnd: halves("CapBnd"),
        cap_amb: halves("CapAmb"),
        no_new_privs: field(status, "NoNewPrivs").and_then(decimal),
        ..proto::CredsEntry::default()
    });
    proto::ThreadCoreEntry {
        sched_nice: stat.get(19),
        sched_policy: stat.get(41),
        sched_prio: stat.get(40),
        blk_sigset: mask("SigBlk"),
        creds,
        seccomp_mode: field(status, "Seccomp").and_then(decimal),
        ..proto::ThreadCoreEntry::default()
    }
}

fn vma(map: &text::Map, files: &mut Table) -> proto::VmaEntry {
    let bit = |at: usize, letter: u8, value: u32| if map.perms.get(at) == Some(&letter) { value } else { 0 };
    let shared = map.perms.get(3) == Some(&b's');
    let mut flags = if shared { 1 } else { 2 };
    let file = if shared { status::FILE_SHARED } else { status::FILE_PRIVATE };
    let mut id = None;
    let path = map.path.as_slice();
    let kind = match path {
        b"[heap]" => status::HEAP,
        b"[stack]" => status::STACK,
        b"[vdso]" => status::VDSO,
        b"[vsyscall]" => status::VSYSCALL,
        b"[uprobes]" => status::UPROBES,
        path if path.starts_with(b"[vvar") => status::VVAR,
        // `[anon:NAME]` among them.
        path if path.is_empty() || path.starts_with(b"[") => 0,
        path if path.starts_with(b"/memfd:") => {
            let (name, _) = undeleted(path);
            id = Some(files.memfd(map.inode, name.strip_prefix(b"/memfd:").unwrap_or(name), None));
            status::MEMFD | file
        }
        b"/dev/zero (deleted)" if shared => status::ANON_SHARED,
        path if path.starts_with(b"socket:") => status::SOCKET,
        b"/[aio] (deleted)" | b"/[aio]" => status::AIORING,
        path => {
            id = Some(files.mapped(&map.device, map.inode, path));
            file
        }
    };
    if id.is_none() {
        flags |= 0x20;
    }
    proto::VmaEntry {
        start: Some(map.start),
        end: Some(map.end),
        pgoff: Some(map.offset),
        shmid: id.map(u64::from),
        prot: Some(bit(0, b'r', 1) | bit(1, b'w', 2) | bit(2, b'x', 4)),
        flags: Some(flags),
        status: Some(1 | kind),
        fd: Some(-1),
        ..proto::VmaEntry::default()
    }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn mount(line: &[u8]) -> Option<proto::MntEntry> {
    let all: Vec<&[u8]> = words(line).collect();
    let dash = all.iter().position(|word| *word == b"-")?;
    let device = all.get(2)?;
    let colon = device.iter().position(|b| *b == b':')?;
    let (major, minor): (u32, u32) =
        (decimal(device.get(..colon)?)?, decimal(device.get(colon.checked_add(1)?..)?)?);
    let optional = all.get(6..dash).unwrap_or_default();
    let group = |name: &[u8]| optional.iter().find_map(|word| decimal(word.strip_prefix(name)?));
    let (root, deleted) = match all.get(3)?.strip_suffix(b"//deleted") {
        Some(root) => (root, true),
        None => (*all.get(3)?, false),
    };
    let after = |n: usize| dash.checked_add(n).and_then(|at| all.get(at)).copied();
    let super_options = after(3).unwrap_or_default();
    Some(proto::MntEntry {
        fstype: Some(0),
        mnt_id: decimal(all.first()?),
        // The kernel's own form, as CRIU writes it.
        root_dev: major.checked_shl(20).map(|high| high | (minor & 0xf_ffff)),
        parent_mnt_id: decimal(all.get(1)?),
        flags: Some(mount_flags(all.get(5)?)),
        root: Some(text::unescape(root)),
        mountpoint: Some(text::unescape(all.get(4)?)),
        source: after(2).map(text::unescape),
        options: Some(text::unescape(super_options)),
        shared_id: group(b"shared:"),
        master_id: group(b"master:"),
        fsname: after(1).map(<[u8]>::to_vec),
        deleted: Some(deleted),
        sb_flags: Some(mount_flags(super_options)),
        ..proto::MntEntry::default()
    })
}

fn mount_flags(options: &[u8]) -> u32 {
    let flag = |option: &[u8]| match option {
        b"ro" => 1,
        b"nosuid" => 2,
        b"nodev" => 4,
        b"noexec" => 8,
        b"sync" => 16,
        b"noatime" => 0x400,
        b"nodiratime" => 0x800,
        b"relatime" => 0x20_0000,
        _ => 0,
    };
    options.split(|b| *b == b',').map(flag).fold(0, |all, one| all | one)
}

/// `0 100000 65536`: inside, outside, count.
fn extent(line: &[u8]) -> Option<proto::UidGidExtent> {
    let mut words = words(line).map(decimal);
    Some(proto::UidGidExtent { first: words.next()?, lower_first: words.next()?, count: words.next()? })
}
