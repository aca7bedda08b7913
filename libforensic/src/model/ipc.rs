//! System V IPC: shared memory, message queues, semaphores.

use serde::Serialize;
use serde_json::{Value, json};

use super::Checkpoint;
use super::namespace::NamespaceKind;
use super::network::Source;
use super::text::base64;
use crate::image::{Kind, Records, proto};

/// One System V IPC object (`criu/ipc_ns.c`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IpcObject {
    /// `shm`, `msg` or `sem`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// CRIU's number of the IPC namespace.
    pub ipc_namespace: u32,
    /// The kernel's identifier.
    pub id: Option<u32>,
    /// The key as `0x` and 8 digits; `0x00000000` for a private object.
    pub key: Option<String>,
    /// Permission bits, octal.
    pub mode: Option<String>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Who made it.
    pub creator_uid: Option<u32>,
    /// Group of who made it.
    pub creator_gid: Option<u32>,
    /// Size of a segment in bytes.
    pub size_bytes: Option<u64>,
    /// Where the contents of a segment are.
    pub contents: Option<String>,
    /// Processes that have the segment mapped.
    pub attached: Vec<u32>,
    /// Values of a set of semaphores.
    pub semaphores: Option<Vec<u16>>,
    /// Messages of a queue, the oldest first.
    pub messages: Option<Vec<Value>>,
    /// Most bytes a queue may hold.
    pub limit_bytes: Option<u32>,
    /// Where the fact comes from.
    pub source: Source,
}

/// Bytes of a message that are shown; the whole is in the image.
const MESSAGE_BYTES: usize = 256;

impl IpcObject {
    fn new(kind: &'static str, ns: u32, desc: Option<&proto::IpcDescEntry>, source: Source) -> Self {
        Self {
            kind,
            ipc_namespace: ns,
            id: desc.and_then(|d| d.id),
            key: desc.and_then(|d| d.key).map(|k| format!("{k:#010x}")),
            mode: desc.and_then(|d| d.mode).map(|m| format!("{m:04o}")),
            uid: desc.and_then(|d| d.uid),
            gid: desc.and_then(|d| d.gid),
            creator_uid: desc.and_then(|d| d.cuid),
            creator_gid: desc.and_then(|d| d.cgid),
            size_bytes: None,
            contents: None,
            attached: Vec::new(),
            semaphores: None,
            messages: None,
            limit_bytes: None,
            source,
        }
    }
}

impl Checkpoint {
    /// Returns the System V IPC objects of all IPC namespaces of the dump.
    pub fn ipc(&self) -> Vec<IpcObject> {
        self.miss_namespaces(NamespaceKind::Ipc);
        self.miss_segments();
        let mut objects = Vec::new();
        for (ns, name) in self.images.numbered("ipcns-shm-") {
            self.ipc_records(&name, Kind::IpcnsShm, |offset, record, source| {
                let Ok(e) = record.decode::<proto::IpcShmEntry>() else { return false };
                let mut object = IpcObject::new("shm", ns, e.desc.as_ref(), source);
                object.size_bytes = e.size;
                let inline = e.in_pagemaps != Some(true);
                object.contents = object.id.map(|id| {
                    // Before CRIU 3.0 the bytes stood behind the record.
                    if inline { format!("{name} at {offset}") } else { format!("pagemap-shmem-{id}.img") }
                });
                objects.push(object);
                true
            });
        }
        self.attach(&mut objects);
        for (ns, name) in self.images.numbered("ipcns-sem-") {
            let big_endian = self.is_big_endian();
            self.ipc_records(&name, Kind::IpcnsSem, |_, record, source| {
                let Ok(e) = record.decode::<proto::IpcSemEntry>() else { return false };
                let mut object = IpcObject::new("sem", ns, e.desc.as_ref(), source);
                let bytes = record.payload.bytes.as_deref().unwrap_or_default();
                let word =
                    |w: &[u8; 2]| if big_endian { u16::from_be_bytes(*w) } else { u16::from_le_bytes(*w) };
                object.semaphores = Some(bytes.as_chunks::<2>().0.iter().map(word).collect());
                objects.push(object);
                true
            });
        }
        for (ns, name) in self.images.numbered("ipcns-msg-") {
            self.ipc_records(&name, Kind::IpcnsMsg, |_, record, source| {
                if record.message.name == "ipc_msg" {
                    let Ok(m) = record.decode::<proto::IpcMsg>() else { return false };
                    let bytes = record.payload.bytes.as_deref().unwrap_or_default();
                    let shown = bytes.get(..MESSAGE_BYTES).unwrap_or(bytes);
                    let message = json!({
                        "type": m.mtype,
                        "lengthBytes": m.msize,
                        "text": String::from_utf8_lossy(shown),
                        "base64": base64(shown),
                        "offset": record.payload.offset,
                    });
                    let queue: Option<&mut IpcObject> = objects.last_mut();
                    if let Some(messages) = queue.and_then(|q| q.messages.as_mut()) {
                        messages.push(message);
                    }
                    return true;
                }
                let Ok(e) = record.decode::<proto::IpcMsgEntry>() else { return false };
                let mut object = IpcObject::new("msg", ns, e.desc.as_ref(), source);
                object.limit_bytes = e.qbytes;
                object.messages = Some(Vec::new());
                objects.push(object);
                true
            });
        }
        objects
    }

    fn ipc_records(
        &self,
        name: &str,
        kind: Kind,
        mut each: impl FnMut(u64, &crate::image::Record, Source) -> bool,
    ) {
        let Some(bytes) = self.images.bytes(name) else { return };
        let member =
            self.images.find(name).map_or_else(|| name.to_owned(), |m| m.display_name().into_owned());
        let records = match Records::new(Some(kind), bytes.as_slice()) {
            Ok(records) => records,
            Err(e) => {
                self.images.warn(name, Some(e.offset()), &e.to_string());
                return;
            }
        };
        for record in records {
            match record {
                Ok(record) => {
                    let source = Source { member: member.clone(), offset: Some(record.offset), field: None };
                    if !each(record.offset, &record, source) {
                        self.images.warn(name, Some(record.offset), "a record cannot be decoded");
                    }
                }
                Err(e) => self.images.warn(name, Some(e.offset()), &e.to_string()),
            }
        }
    }

    /// Finds who has the segments mapped; without segments no memory image is read.
    fn attach(&self, objects: &mut [IpcObject]) {
        if objects.is_empty() {
            return;
        }
        for pid in self.pids() {
            let Some(mm) = self.mappings_of(pid) else { continue };
            for vma in &mm.vmas {
                if vma.status.unwrap_or(0) & super::mapping::status::SYSVIPC == 0 {
                    continue;
                }
                let id = vma.shmid.and_then(|s| u32::try_from(s).ok());
                for object in objects.iter_mut().filter(|o| o.id.is_some() && o.id == id) {
                    if object.attached.last() != Some(&pid) {
                        object.attached.push(pid);
                    }
                }
            }
        }
    }
}
