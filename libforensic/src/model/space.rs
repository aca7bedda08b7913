//! The address space of a process, put together from its mappings and page maps.

use super::Checkpoint;
use super::State;
use super::contradiction;
use super::mapping::{Mapping, MappingKind, status};
use super::retention::auxv_value;
use crate::error::{Error, ErrorKind, Result};
use crate::image::proto;
use crate::memory::store::PageStore;
use crate::memory::{AddressSpace, Backing, Region};

/// `AT_PAGESZ`.
const AT_PAGESZ: u64 = 6;
/// Page sizes that Linux knows, in bytes.
const PAGE_SIZES: std::ops::RangeInclusive<u64> = 4096..=(1 << 20);

impl Checkpoint {
    /// Returns the page size in bytes, as the first process's auxiliary vector tells; 4096 if none does.
    pub fn page_size(&self) -> u64 {
        *self.page.get_or_init(|| {
            for pid in self.pids() {
                let name = format!("mm-{pid}.img");
                if self.images.find(&name).is_none() {
                    continue;
                }
                let Some(mm) = self.images.one::<proto::MmEntry>(&name) else { continue };
                if let Some(page) = page_size_of(&mm) {
                    return page;
                }
            }
            *PAGE_SIZES.start()
        })
    }

    pub(super) fn mm(&self, pid: u32) -> Option<proto::MmEntry> {
        let mut mm = self.images.required::<proto::MmEntry>(&format!("mm-{pid}.img"))?;
        let legacy = format!("vmas-{pid}.img");
        if mm.vmas.is_empty() && self.images.find(&legacy).is_some() {
            mm.vmas = self.images.all(&legacy).unwrap_or_default().into_iter().map(|(_, v)| v).collect();
        }
        let limit = usize::try_from(self.archive().limits().mappings).unwrap_or(usize::MAX);
        if mm.vmas.len() > limit {
            self.images.warn(
                &format!("mm-{pid}.img"),
                None,
                &format!("{} mappings; only {limit} are read", mm.vmas.len()),
            );
            mm.vmas.truncate(limit);
        }
        contradiction::mappings(&mm.vmas, |what| self.images.warn(&format!("mm-{pid}.img"), None, what));
        Some(mm)
    }

    /// Returns the memory of a process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process, or it is dead
    /// and has no memory any more, or its memory image is missing.
    pub fn memory(&self, pid: u32) -> Result<AddressSpace> {
        if self.entry(pid).is_none() {
            return Err(self.no_such_process(pid));
        }
        if self.has_ended(pid) {
            let what = match self.peeked_state(pid) {
                Some(State::Dead) => format!("process {pid} is dead: a zombie has no memory"),
                _ => format!(
                    "process {pid} is dead, or all of its images are missing: there is no memory of it"
                ),
            };
            return Err(Error::new(ErrorKind::NotFound, what));
        }
        if self.acquisition().is_some_and(|a| !a.memory) {
            let what = "no memory was read: the triage ran without --memory";
            return Err(Error::new(ErrorKind::NotFound, what));
        }
        let mm = self.mm(pid).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("the memory image of process {pid} is missing or damaged"),
            )
        })?;
        Ok(self.space(pid, &mm))
    }

    pub(super) fn space(&self, pid: u32, mm: &proto::MmEntry) -> AddressSpace {
        let page = page_size_of(mm).unwrap_or_else(|| self.page_size());
        let name = format!("pagemap-{pid}.img");
        let own = PageStore::load(&self.images, &name, page);
        if own.is_none() && self.images.find(&name).is_none() && self.triage.is_none() {
            self.images.warn(&name, None, "the image is missing: the memory of this process cannot be read");
        }
        let regions = mm.vmas.iter().map(|vma| self.map_region(pid, vma, mm.mm_start_stack)).collect();
        let space = AddressSpace::new(pid, page, regions, own);
        if let [first, rest @ ..] = space.impossible() {
            let what = format!(
                "the mapping at {:#x}{} begins within another or ends before it begins: nothing is read there",
                first.mapping.start,
                if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) }
            );
            self.images.warn(&format!("mm-{pid}.img"), None, &what);
        }
        space
    }

    /// Says, once for each process, how much of these ranges was left to a lazy-pages daemon.
    ///
    /// For analyses of many bytes, which pass over what is not there; one that looks at an
    /// address is told by [`AddressSpace::span`].
    pub fn warn_of_lazy_pages(&self, space: &AddressSpace, ranges: &[std::ops::Range<u64>]) {
        let bytes = space.lazy_bytes(ranges);
        if bytes > 0 {
            let pid = space.pid();
            let pages = bytes.div_ceil(space.page_size());
            let what = format!(
                "{pages} pages ({bytes} bytes) of process {pid} were left to a lazy-pages daemon: the evidence does not hold them"
            );
            self.images.warn(&format!("pagemap-{pid}.img"), None, &what);
        }
    }

    fn map_region(&self, pid: u32, vma: &proto::VmaEntry, stack: Option<u64>) -> Region {
        let mapping = Mapping::from_entry(pid, vma, stack, self.files(), self.segments());
        if self.triage.is_some() {
            // Whatever was read is the process's own; what was not read is not known to be zero.
            return Region { mapping, private: true, backing: Backing::Never };
        }
        let bits = vma.status.unwrap_or(0);
        let is = |bit: u32| bits & bit != 0;
        let id = u32::try_from(vma.shmid.unwrap_or(0)).unwrap_or(u32::MAX);
        let offset = vma.pgoff.unwrap_or(0);
        let memfd = || {
            let shmid = self.files().memfd(id).and_then(|(_, inode)| inode).and_then(|i| i.shmid);
            Backing::Shared(shmid.and_then(|s| self.shared_only(s)), offset)
        };
        let (private, backing) = match mapping.kind {
            MappingKind::Vvar
            | MappingKind::Vsyscall
            | MappingKind::Uprobes
            | MappingKind::Socket
            | MappingKind::Guard => (false, Backing::Never),
            _ if mapping.is_droppable() => (false, Backing::Never),
            MappingKind::Vdso => (true, Backing::Never),
            MappingKind::Sysv => {
                let in_page_map = self.segments().is_in_page_map(id);
                let store = if in_page_map { self.shared_only(id) } else { self.shared(id) };
                (false, Backing::Shared(store, offset))
            }
            MappingKind::SharedAnonymous if !is(status::MEMFD) => {
                (false, Backing::Shared(self.shared_only(id), offset))
            }
            MappingKind::Memfd | MappingKind::SharedAnonymous => (is(status::FILE_PRIVATE), memfd()),
            MappingKind::File => {
                let contents = self.mapped_file(id);
                let backing = contents.map_or(Backing::File, |c| Backing::Contents(c, offset));
                (!is(status::FILE_SHARED), backing)
            }
            MappingKind::Aio | MappingKind::Anonymous | MappingKind::Heap | MappingKind::Stack => {
                (true, Backing::Zero)
            }
        };
        Region { mapping, private, backing }
    }

    /// Returns the mappings of a process in address order, guard ranges among them.
    ///
    /// A dead process has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process.
    pub fn mappings(&self, pid: u32) -> Result<Vec<Mapping>> {
        if self.entry(pid).is_none() {
            return Err(self.no_such_process(pid));
        }
        if self.has_ended(pid) {
            return Ok(Vec::new());
        }
        let Some(mm) = self.mm(pid) else { return Ok(Vec::new()) };
        self.files().say_remaps_missing();
        let space = self.space(pid, &mm);
        let mut mappings: Vec<Mapping> = space
            .regions()
            .iter()
            .map(|r| Mapping { pages: space.page_counts(r), ..r.mapping.clone() })
            .collect();
        mappings.extend(space.guards().iter().chain(space.impossible()).map(|g| {
            let mut mapping = g.mapping.clone();
            mapping.pages.absent = mapping.size().div_ceil(space.page_size());
            mapping
        }));
        mappings.sort_by_key(|m| (m.start, m.kind == MappingKind::Guard));
        Ok(mappings)
    }
}

fn page_size_of(mm: &proto::MmEntry) -> Option<u64> {
    auxv_value(&mm.mm_saved_auxv, AT_PAGESZ).filter(|p| p.is_power_of_two() && PAGE_SIZES.contains(p))
}
