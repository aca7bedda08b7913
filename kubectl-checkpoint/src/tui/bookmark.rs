//! Places with notes.

use serde::Serialize;
use serde_json::json;

use super::place::{Place, Source};
use super::table::{Cell, Row, Table, col, num};
use super::theme::Role;

/// A place with a note.
#[derive(Debug, Clone)]
pub(crate) struct Bookmark {
    /// The archive, as it was named.
    pub archive: String,
    pub place: Place,
    /// What was there, escaped.
    pub text: String,
    pub note: String,
}

impl Serialize for Bookmark {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (member, object) = match &self.place.source {
            None => (None, None),
            Some(Source::Member(member)) => (Some(lossy(member)), None),
            Some(Source::Holding { member, object }) => (Some(lossy(member)), Some(lossy(object))),
        };
        json!({
            "archive": self.archive,
            "pid": self.place.pid,
            "view": self.place.view.name(),
            "row": self.place.row,
            "address": self.place.address.map(|a| format!("{a:#018x}")),
            "member": member,
            "object": object,
            "text": self.text,
            "note": self.note,
        })
        .serialize(serializer)
    }
}

/// Bookmarks as a document.
pub(crate) fn document(bookmarks: &[Bookmark]) -> Vec<u8> {
    let document = json!({
        "apiVersion": "libforensic/v1alpha1",
        "kind": "BookmarkList",
        "items": bookmarks,
    });
    let mut text = Vec::new();
    // Writing to a vector fails for no value that is made of text and numbers.
    let _ = crate::output::write_json_pretty(&mut text, &document);
    text.push(b'\n');
    text
}

/// Bookmarks as a table.
pub(crate) fn table(bookmarks: &[Bookmark]) -> Table {
    let mut table = Table::new("bookmarks", &[num("#"), num("PID"), col("VIEW"), col("NOTE"), col("WHAT")])
        .empty("no bookmarks yet; b makes one, :bookmarks FILE saves them");
    for (i, bookmark) in bookmarks.iter().enumerate() {
        let place = &bookmark.place;
        let pid = place.pid.map_or_else(|| Cell::new("-"), Cell::number);
        let at = place.address.map(|a| format!("{a:012x} ")).unwrap_or_default();
        let row = Row::new(vec![
            Cell::number(i as u64 + 1),
            pid,
            Cell::new(place.view.name()),
            Cell::new(crate::output::escape(&bookmark.note)).role(Role::Strong),
            Cell::new(format!("{at}{}", bookmark.text)),
        ]);
        table.push(row.key(i.to_string()).jump("the place", place.clone()));
    }
    table
}
