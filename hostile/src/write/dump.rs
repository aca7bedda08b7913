//! Whole dumps from a few words.

use super::files::{self, Files};
use super::image::{Message, Order, image, magic, with_one_magic};
use super::lz4::lz4;
use super::machine::{MACHINES, Machine};
use super::tar::{Member, tar};

/// A mapping of a process (`vma_entry`).
#[derive(Debug, Clone, Copy)]
pub struct Vma {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
}

/// A run of pages (`pagemap_entry`).
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// First address.
    pub vaddr: u64,
    /// How many pages.
    pub pages: u64,
    /// 1 in the parent, 2 lazy, 4 present; 8 begins at a page of the pages image where pages are compressed.
    pub flags: u64,
}

/// How pages are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Store {
    /// As they are.
    #[default]
    Plain,
    /// Each page compressed.
    Page,
    /// That many pages compressed together.
    Region(u64),
}

/// What a checkpoint holds; everything else is left out.
#[derive(Debug, Clone, Default)]
pub struct Dump {
    /// pid and parent of each process.
    pub tree: Vec<(u64, u64)>,
    /// Mappings of process 1.
    pub vmas: Vec<Vma>,
    /// Page map of process 1.
    pub runs: Vec<Run>,
    /// Pages of process 1, as they were in memory, those of one run behind those of the other.
    pub pages: Vec<u8>,
    /// How they are stored.
    pub store: Store,
    /// Writes sizes and magic numbers as IBM Z does.
    pub big: bool,
    /// Writes page maps as CRIU before 4.2 did: counts in field 2.
    pub old_counts: bool,
    /// Writes page maps as CRIU before 3.5 did: no flags, and perhaps `in_parent`.
    pub old_flags: bool,
    /// Writes one magic number, as CRIU before 1.6 did.
    pub old_headers: bool,
    /// Writes mappings, limits, timers, credentials and signal actions as CRIU 1.x did.
    pub old_tasks: bool,
    /// Descriptors of process 1, one of every kind.
    pub files: Files,
    /// The machine: a place in [`MACHINES`].
    pub machine: usize,
    /// Page size in bytes, if it is written down; else it is 4096.
    pub page_size: Option<u64>,
    /// Id, parent's id and place of the mounts of namespace 1.
    pub mounts: Vec<(u64, u64, String)>,
    /// How deep the directories of the control groups are.
    pub group_levels: usize,
    /// Where the link to the parent dump leads.
    pub parent: Option<String>,
}

impl Dump {
    fn order(&self) -> Order {
        if self.big { Order::Big } else { Order::Little }
    }

    fn page(&self) -> u64 {
        self.page_size.unwrap_or(4096)
    }

    /// Gives the machine.
    pub fn machine(&self) -> &'static Machine {
        &MACHINES[self.machine]
    }

    /// Gives the images as members below `prefix`.
    pub fn members(&self, prefix: &str) -> Vec<Member> {
        let order = self.order();
        let mut members = Vec::new();
        let mut put = |name: String, common: bool, magic: u32, records: Vec<Message>| {
            members.push(Member::file(format!("{prefix}{name}"), image(order, common, magic, records)));
        };
        put("inventory.img".into(), false, magic::INVENTORY, vec![self.inventory()]);
        let tree = self.tree.iter().map(|(pid, ppid)| {
            Message::new().number(1, *pid).number(2, *ppid).number(3, 1).number(4, 1).number(5, *pid)
        });
        put("pstree.img".into(), true, magic::PSTREE, tree.collect());
        put("core-1.img".into(), true, magic::CORE, vec![self.core()]);
        if !self.vmas.is_empty() || self.page_size.is_some() {
            let vmas = || self.vmas.iter().map(vma);
            let mut mm = self.mm();
            if self.old_tasks {
                put("vmas-1.img".into(), true, magic::VMAS, vmas().collect());
            } else {
                mm = vmas().fold(mm, |mm, vma| mm.bytes(14, vma));
            }
            put("mm-1.img".into(), true, magic::MM, vec![mm]);
        }
        if self.old_tasks {
            put("sigacts-1.img".into(), true, magic::SIGACT, actions().collect());
            put("itimers-1.img".into(), true, magic::ITIMERS, timers().collect());
            put("posix-timers-1.img".into(), true, magic::POSIX_TIMERS, vec![posix_timer()]);
            put("creds-1.img".into(), true, magic::CREDS, vec![credentials()]);
            put("rlimit-1.img".into(), true, magic::RLIMIT, limits().collect());
        }
        if self.files != Files::None || !self.mounts.is_empty() {
            let ids = [1, 1, 1, 1, 2, 2, 2, 2, 1, 2, 2, 2];
            put("ids-1.img".into(), true, magic::IDS, vec![numbers(&ids)]);
            put("fs-1.img".into(), true, magic::FS, vec![numbers(&[101, 101, 18])]);
        }
        if !self.mounts.is_empty() {
            let mounts = self.mounts.iter().map(|(id, parent, point)| {
                let head = numbers(&[1, *id, 5, *parent, 0]);
                ["/", point, "none", ""].iter().zip(6..).fold(head, |m, (text, field)| m.bytes(field, text))
            });
            put("mountpoints-1.img".into(), true, magic::MNTS, mounts.collect());
        }
        if self.group_levels > 0 {
            put("cgroup.img".into(), true, magic::CGROUP, vec![groups(self.group_levels)]);
        }
        if !self.runs.is_empty() {
            let (map, pages) = self.stored();
            put("pagemap-1.img".into(), true, magic::PAGEMAP, map);
            members.push(Member::file(format!("{prefix}pages-1.img"), pages));
        }
        files::put(&mut members, prefix, order, self.files, 1);
        if self.old_headers {
            for member in members.iter_mut().filter(|m| !m.name.ends_with(b"inventory.img")) {
                with_one_magic(&mut member.data);
            }
        }
        if let Some(target) = &self.parent {
            members.push(Member::bare(b'2', format!("{prefix}parent"), target));
        }
        members
    }

    fn inventory(&self) -> Message {
        let inventory = Message::new().number(1, self.version());
        match self.store {
            Store::Plain => inventory,
            Store::Page => inventory.number(15, 1),
            Store::Region(pages) => inventory.number(15, 2).number(16, pages * self.page()),
        }
    }

    fn version(&self) -> u64 {
        match self.store {
            _ if self.old_headers => 1,
            Store::Plain => 2,
            _ => 3,
        }
    }

    fn core(&self) -> Message {
        let task = [1, 0, 0, 0, 0];
        let mut task = numbers(&task).bytes(6, "task");
        let mut thread = numbers(&[0, 0]).bytes(13, "task");
        if !self.old_tasks {
            let three = timers().zip(1..).fold(Message::new(), |m, (timer, field)| m.bytes(field, timer));
            task = task.bytes(7, three.bytes(4, posix_timer()));
            task = task.bytes(8, limits().fold(Message::new(), |m, limit| m.bytes(1, limit)));
            task = actions().fold(task, |task, action| task.bytes(15, action));
            thread = thread.bytes(10, credentials());
        }
        let core = self.machine().put(Message::new(), 0x1000);
        core.bytes(3, task).bytes(5, thread)
    }

    fn mm(&self) -> Message {
        let mut mm = numbers(&[0x1000, 0x2000, 0, 0, 0, 0, 0, 0x1000, 0x1100, 0x1100, 0x1200, 101]);
        if let Some(size) = self.page_size {
            // AT_PAGESZ
            mm = mm.number(13, 6).number(13, size);
        }
        mm
    }

    /// The records of the page map, and the pages image.
    fn stored(&self) -> (Vec<Message>, Vec<u8>) {
        let page = self.page() as usize;
        let mut records = vec![Message::new().number(1, 1)];
        let mut out = Vec::new();
        let mut rest = &self.pages[..];
        for run in &self.runs {
            let mut entry = Message::new().number(1, run.vaddr);
            entry = if self.old_counts { entry.number(2, run.pages) } else { entry.number(2, 0) };
            if self.old_flags {
                entry = entry.number(3, run.flags & 1);
            } else {
                entry = entry.number(4, run.flags);
            }
            if !self.old_counts {
                entry = entry.number(5, run.pages);
            }
            // What a run that cannot be claims to have is not here to be stored.
            let claimed = usize::try_from(run.pages).ok().and_then(|n| n.checked_mul(page));
            let len = claimed.unwrap_or(usize::MAX).min(rest.len());
            let is_here = run.flags & 4 != 0;
            let bytes = if is_here { rest.split_off(..len).unwrap_or_default() } else { &[] };
            let block = match self.store {
                Store::Page => page,
                Store::Region(pages) => pages as usize * page,
                Store::Plain => {
                    out.extend(bytes);
                    records.push(entry);
                    continue;
                }
            };
            if run.flags & 8 != 0 {
                out.resize(out.len().next_multiple_of(page), 0);
            }
            let mut sizes = Vec::new();
            for plain in bytes.chunks(block) {
                let packed = lz4(plain);
                if plain.iter().all(|b| *b == 0) {
                    sizes.push(0);
                } else if packed.len() < plain.len() {
                    sizes.push(packed.len() as u64);
                    out.extend(packed);
                } else {
                    sizes.push(plain.len() as u64);
                    out.extend(plain);
                }
            }
            if is_here {
                entry = entry.packed(6, &sizes).number(7, sizes.iter().sum());
                if let Store::Region(pages) = self.store {
                    entry = entry.number(8, pages);
                }
            }
            records.push(entry);
        }
        if self.store == Store::Plain {
            out.extend(rest);
        }
        (records, out)
    }

    /// Gives the dump as an archive.
    pub fn tar(&self) -> Vec<u8> {
        tar(&self.members("checkpoint/"))
    }
}

/// Gives an archive of dumps of which each is the parent of the one before; the first is `checkpoint/`.
///
/// The link of the last is its own: it may lead nowhere, or in a circle.
pub fn chain(dumps: &[Dump]) -> Vec<u8> {
    let name = |n: usize| if n == 0 { "checkpoint".to_owned() } else { format!("pre-{n}") };
    let mut members = Vec::new();
    for (n, dump) in dumps.iter().enumerate() {
        let link =
            if n + 1 < dumps.len() { Some(format!("../{}", name(n + 1))) } else { dump.parent.clone() };
        members.extend(Dump { parent: link, ..dump.clone() }.members(&format!("{}/", name(n))));
    }
    tar(&members)
}

/// A message whose fields are these numbers, from the first on.
fn numbers(values: &[u64]) -> Message {
    (1..).zip(values).fold(Message::new(), |m, (field, value)| m.number(field, *value))
}

fn vma(vma: &Vma) -> Message {
    // start, end, pgoff, shmid, prot, flags (private, anonymous), status (regular, private), fd
    numbers(&[vma.start, vma.end, 0, 0, 3, 0x22, 0x201, u64::MAX])
}

fn actions() -> impl Iterator<Item = Message> {
    // Signals 1 to 64 but 9 and 19.
    (0..62).map(|n| numbers(&[u64::from(n == 1), 0, 0, 0]))
}

fn timers() -> impl Iterator<Item = Message> {
    (0..3).map(|n| numbers(&[n, 0, n, 500]))
}

fn posix_timer() -> Message {
    numbers(&[7, 1, 14, 0, 0xabc, 0, 1, 0, 2, 0])
}

fn credentials() -> Message {
    let creds = numbers(&[1000, 1001, 1000, 1001, 1000, 1001, 1000, 1001]);
    (9..=12).fold(creds, |m, field| m.number(field, 0xff).number(field, 0)).number(13, 0)
}

fn limits() -> impl Iterator<Item = Message> {
    (0..16).map(|n| numbers(&[n + 1, u64::MAX]))
}

/// A control group that has one in it, and so on.
fn groups(levels: usize) -> Message {
    // The innermost directory has a name; the others begin with the directories in them.
    let directory = Message::new().bytes(1, "d").nested(2, levels);
    let controller = Message::new().bytes(1, "cpu").bytes(2, directory);
    let member = Message::new().bytes(1, "cpu").bytes(2, "/d");
    let set = Message::new().number(1, 1).bytes(2, member);
    Message::new().bytes(1, set).bytes(2, controller)
}
