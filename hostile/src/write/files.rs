//! Open files, in one image or in one for each kind as CRIU before 3.4 wrote them.

use super::image::{Message, Order, image, magic};
use super::tar::Member;

/// How open files are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Files {
    /// Not at all.
    #[default]
    None,
    /// In `files.img`.
    One,
    /// In an image for each kind.
    Split,
}

/// A kind of file: `fd_types`, the field of `file_entry`, the old image and its magic number, and a message.
struct Type {
    number: u64,
    field: u64,
    image: &'static str,
    magic: u32,
    message: fn(u64) -> Message,
}

/// Watches of what was once in an image of its own: of which kind, the field it is in now, its image and magic.
struct Watch {
    of: u64,
    field: u64,
    image: &'static str,
    magic: u32,
    message: fn(u64) -> Message,
}

fn owner() -> Message {
    (1..=5).fold(Message::new(), |m, field| m.number(field, 0))
}

fn options() -> Message {
    (1..=6).fold(Message::new(), |m, field| m.number(field, 0))
}

/// A message whose fields are these numbers, from the first on.
fn numbers<const N: usize>(values: [u64; N]) -> Message {
    (1..).zip(values).fold(Message::new(), |m, (field, value)| m.number(field, value))
}

static TYPES: [Type; 17] = [
    Type {
        number: 1,
        field: 3,
        image: "reg-files.img",
        magic: 0x5036_3636,
        message: |id| numbers([id, 2, 77]).bytes(5, owner()).bytes(6, format!("/file/{id}")),
    },
    Type {
        number: 2,
        field: 18,
        image: "pipes.img",
        magic: 0x5651_3555,
        message: |id| numbers([id, 900, 1]).bytes(4, owner()),
    },
    Type { number: 3, field: 17, image: "fifo.img", magic: 0x5836_4939, message: |id| numbers([id, 901, 1]) },
    Type {
        number: 4,
        field: 4,
        image: "inetsk.img",
        magic: 0x5644_3851,
        message: |id| {
            numbers([id, 902, 2, 1, 6, 10, 8080, 0, 2, 5])
                .number(11, 0x0100_007f)
                .number(12, 0)
                .bytes(13, owner())
                .bytes(14, options())
        },
    },
    Type {
        number: 5,
        field: 16,
        image: "unixsk.img",
        magic: 0x5437_3943,
        message: |id| {
            numbers([id, 903, 1, 10, 2, 0, 5, 0]).bytes(9, owner()).bytes(10, options()).bytes(11, "/sock\0")
        },
    },
    Type {
        number: 6,
        field: 8,
        image: "eventfd.img",
        magic: 0x4452_3722,
        message: |id| numbers([id, 2]).bytes(3, owner()).number(4, 42),
    },
    Type {
        number: 7,
        field: 9,
        image: "eventpoll.img",
        magic: 0x4502_3858,
        message: |id| numbers([id, 2]).bytes(3, owner()),
    },
    Type {
        number: 8,
        field: 13,
        image: "inotify.img",
        magic: 0x4842_4431,
        message: |id| numbers([id, 2]).bytes(4, owner()),
    },
    Type {
        number: 9,
        field: 10,
        image: "signalfd.img",
        magic: 0x5732_3820,
        message: |id| numbers([id, 2]).bytes(3, owner()).number(4, 0x8001),
    },
    Type {
        number: 10,
        field: 6,
        image: "packetsk.img",
        magic: 0x6045_4618,
        message: |id| {
            (10..=15).fold(
                numbers([id, 3, 768, 2, 1]).bytes(6, owner()).bytes(7, options()).number(8, 0).number(9, 0),
                |m, field| m.number(field, 0),
            )
        },
    },
    Type {
        number: 11,
        field: 19,
        image: "tty.img",
        magic: 0x5943_3025,
        message: |id| numbers([id, 4, 2]).bytes(4, owner()),
    },
    Type {
        number: 12,
        field: 14,
        image: "fanotify.img",
        magic: 0x5509_6122,
        message: |id| numbers([id, 2]).bytes(3, owner()).number(4, 0).number(5, 0),
    },
    Type {
        number: 13,
        field: 7,
        image: "netlinksk.img",
        magic: 0x5800_5614,
        message: |id| {
            numbers([id, 904, 0, 7])
                .number(6, 2)
                .number(7, 33)
                .number(9, 0)
                .number(10, 0)
                .bytes(11, owner())
                .bytes(12, options())
        },
    },
    Type {
        number: 14,
        field: 5,
        image: "ns-files.img",
        magic: 0x6139_4011,
        message: |id| numbers([id, 9, 0x4000_0000, 0]),
    },
    Type {
        number: 15,
        field: 11,
        image: "tunfile.img",
        magic: 0x5714_3751,
        message: |id| numbers([id]).bytes(2, "tun0"),
    },
    Type {
        number: 16,
        field: 15,
        image: "ext-files.img",
        magic: 0x5925_5641,
        message: |id| numbers([id]).bytes(5, owner()),
    },
    Type {
        number: 17,
        field: 12,
        image: "timerfd.img",
        magic: 0x5049_3712,
        message: |id| (4..=10).fold(numbers([id, 2]).bytes(3, owner()), |m, field| m.number(field, 1)),
    },
];

static WATCHES: [Watch; 3] = [
    Watch {
        of: 7,
        field: 4,
        image: "eventpoll-tfd.img",
        magic: 0x4443_3746,
        message: |id| numbers([id, 3, 0x2019, 5]),
    },
    Watch {
        of: 8,
        field: 5,
        image: "inotify-wd.img",
        magic: 0x5456_2009,
        message: |id| {
            let handle = numbers([16, 1]).number(3, 1).number(3, 2);
            numbers([id, 12, 0x100, 0, 5, 1]).bytes(7, handle)
        },
    },
    Watch {
        of: 12,
        field: 6,
        image: "fanotify-mark.img",
        magic: 0x5650_6035,
        message: |id| numbers([id, 2, 0, 0x20, 0, 5]).bytes(8, numbers([1])),
    },
];

/// One descriptor of every kind, all in table `table`; their numbers are those of the kinds.
pub(super) fn put(out: &mut Vec<Member>, prefix: &str, order: Order, how: Files, table: u64) {
    let mut add = |name: &str, magic: u32, records: Vec<Message>| {
        out.push(Member::file(format!("{prefix}{name}"), image(order, true, magic, records)));
    };
    if how == Files::None {
        return;
    }
    let id_of = |kind: &Type| 100 + kind.number;
    let table_name = format!("fdinfo-{table}.img");
    let descriptors = TYPES.iter().map(|kind| numbers([id_of(kind), 1, kind.number, kind.number])).collect();
    add(&table_name, magic::FDINFO, descriptors);
    if how == Files::One {
        let files = TYPES.iter().map(|kind| {
            let mut message = (kind.message)(id_of(kind));
            for watch in WATCHES.iter().filter(|watch| watch.of == kind.number) {
                message = message.bytes(watch.field, (watch.message)(0));
            }
            numbers([kind.number, id_of(kind)]).bytes(kind.field, message)
        });
        add("files.img", magic::FILES, files.collect());
        return;
    }
    for kind in &TYPES {
        add(kind.image, kind.magic, vec![(kind.message)(id_of(kind))]);
    }
    for watch in &WATCHES {
        add(watch.image, watch.magic, vec![(watch.message)(100 + watch.of)]);
    }
}
