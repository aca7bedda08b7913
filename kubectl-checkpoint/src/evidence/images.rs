//! `images`: every member of an archive, and how much of it can be read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::ExitCode;

use libforensic::image::ImageStatus;
use libforensic::model::MemberSummary;

use super::{ABSENT, Evidence, or_absent, text};
use crate::cli::EvidenceArgs;
use crate::output::{Rows, bytes, escape};

pub(crate) fn images(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    let members = Members { evidence: &evidence, totals: RefCell::default() };
    evidence.answer("ImageList", args, &members)
}

struct Members<'e> {
    evidence: &'e Evidence,
    totals: RefCell<Totals>,
}

/// What was listed so far.
#[derive(Default)]
struct Totals {
    members: u64,
    bytes: u64,
    records: u64,
    unknown_fields: u64,
    by_status: BTreeMap<&'static str, u64>,
}

impl Rows for Members<'_> {
    type Item = MemberSummary;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["NAME", "KIND", "SIZE", "RECORDS", "STATUS"];
        if wide {
            headers.extend(["UNKNOWN FIELDS", "DAMAGE"]);
        }
        headers
    }

    fn cells(&self, m: &MemberSummary, wide: bool) -> Vec<String> {
        let mut cells = vec![
            text(Some(&m.name)),
            m.kind.unwrap_or(ABSENT).to_owned(),
            bytes(m.size),
            or_absent(m.records),
            m.status.as_str().to_owned(),
        ];
        if wide {
            cells.push(m.unknown_fields.to_string());
            cells.push(m.damage.as_ref().map_or_else(|| ABSENT.to_owned(), |d| escape(d).into_owned()));
        }
        cells
    }

    fn name(&self, m: &MemberSummary) -> Option<String> {
        Some(text(Some(&m.name)))
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(MemberSummary) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for member in self.evidence.get(index)?.members() {
            let mut totals = self.totals.borrow_mut();
            totals.members += 1;
            totals.bytes = totals.bytes.saturating_add(member.size);
            totals.records += member.records.unwrap_or(0);
            totals.unknown_fields += member.unknown_fields;
            *totals.by_status.entry(member.status.as_str()).or_default() += 1;
            drop(totals);
            sink(member)?;
        }
        Ok(())
    }

    fn footer(&self) -> Vec<String> {
        let totals = self.totals.borrow();
        let of = |status: ImageStatus| totals.by_status.get(status.as_str()).copied().unwrap_or(0);
        vec![
            String::new(),
            format!(
                "{} members, {}: {} decoded, {} known, {} unknown, {} damaged",
                totals.members,
                bytes(totals.bytes),
                of(ImageStatus::Decoded),
                of(ImageStatus::Known),
                of(ImageStatus::Unknown),
                of(ImageStatus::Damaged),
            ),
            format!("{} records, {} unknown fields in them", totals.records, totals.unknown_fields),
        ]
    }
}
