//! A cluster as a tab: what runs in it, whether it can be frozen, and the freezing.

use super::place::{Place, View};
use super::table::{Cell, HIDDEN, Row, Table, col, num, spare};
use super::theme::Role;
use super::tree::{Branch, Tree};
use crate::cluster::Told;
use crate::cluster::live::{Candidate, Chosen, Finding};
use crate::output::{bytes, escape};

/// What is known of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub containers: Vec<Candidate>,
    /// Namespaces in the order in which they were come upon; their number is the row of the tree.
    pub namespaces: Vec<String>,
    /// The only namespace that is asked for, where one was named.
    pub only: Option<String>,
    /// Number of the list that is on its way or was the last.
    pub request: u64,
    /// Whether it comes anew, and the containers are those of the one before.
    pub outdated: bool,
    pub note: Option<String>,
    /// Stops the list that is on its way.
    pub listing: std::sync::Arc<super::message::Cancel>,
    /// Which container a capture was asked for last, and how its checks came out.
    pub examined: Option<(Chosen, Vec<Finding>)>,
    pub capture: Option<Capture>,
}

/// A container being frozen.
#[derive(Debug)]
pub(crate) struct Capture {
    pub id: u64,
    pub chosen: Chosen,
    pub lines: Vec<(Mark, String)>,
    /// What is done now, and since which second.
    pub step: Option<(String, u64)>,
    pub seconds: u64,
    /// Bytes that are here, and that there are.
    pub here: u64,
    pub total: Option<u64>,
    pub stage: Stage,
    pub cancel: std::sync::Arc<super::message::Cancel>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Running,
    /// It was asked to end, and cleans up.
    Stopping,
    Ended,
}

/// What a line of a capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Done,
    Note,
    Warning,
    Bad,
}

/// Lines that are kept of a capture; more would be a loop of warnings.
const LINES: usize = 1000;

impl Capture {
    pub(crate) fn is_under_way(&self) -> bool {
        self.stage != Stage::Ended
    }

    fn say(&mut self, mark: Mark, text: &str) {
        for (i, line) in text.lines().enumerate() {
            if self.lines.len() < LINES {
                // What follows the first line belongs to it.
                let line = if i == 0 { line.to_owned() } else { format!("  {line}") };
                self.lines.push((if i == 0 { mark } else { Mark::Note }, line));
            }
        }
    }

    /// Takes in what the capture has to say.
    pub(crate) fn told(&mut self, told: Told) {
        match told {
            Told::Step(step) => {
                // News of one step are no step of their own.
                let head = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
                if let Some((before, since)) = self.step.take() {
                    if head(&before) == head(&step) {
                        self.step = Some((step, since));
                        return;
                    }
                    self.say(Mark::Done, &before);
                }
                self.step = Some((step, self.seconds));
            }
            Told::Done(line) => {
                self.step = None;
                self.say(Mark::Done, &line);
            }
            Told::Warning(line) => self.say(Mark::Warning, &line),
            Told::Note(line) => self.say(Mark::Note, &line),
            Told::Expect(total) => {
                self.total = total;
                self.here = 0;
            }
            Told::At(here) => self.here = here,
        }
    }

    /// Ends it; a step that did not come to its end is said so.
    pub(crate) fn end(&mut self, mark: Mark, line: &str) {
        if let Some((step, _)) = self.step.take()
            && mark != Mark::Done
        {
            self.say(Mark::Bad, &format!("not finished: {step}"));
        }
        self.say(mark, line);
        self.stage = Stage::Ended;
    }

    pub(crate) fn table(&self) -> Table {
        let what = match self.stage {
            Stage::Running => "capture of",
            Stage::Stopping => "cleaning up after the capture of",
            Stage::Ended => "capture, ended, of",
        };
        let mut table = Table::new(format!("{what} {}", name(&self.chosen)), &[col(""), col("")]);
        table.headed = false;
        let mut put = |sign: &str, text: String, role: Role| {
            table.push(Row::new(vec![Cell::new(sign).role(role), Cell::new(text).role(role)]));
        };
        for (mark, line) in &self.lines {
            let (sign, role) = match mark {
                Mark::Done => ("✓", Role::Plain),
                Mark::Note => ("", Role::Plain),
                Mark::Warning => ("!", Role::Warn),
                Mark::Bad => ("✗", Role::Bad),
            };
            put(sign, escape(line).into_owned(), role);
        }
        if let Some((step, since)) = &self.step {
            let seconds = self.seconds.saturating_sub(*since);
            put("…", format!("{}  {seconds} s", escape(step)), Role::Heading);
            if let Some(total) = self.total.filter(|total| *total > 0) {
                let share = self.here.min(total);
                let done = usize::try_from(share.saturating_mul(40) / total).unwrap_or(0);
                let bar = format!("{}{}", "█".repeat(done), "░".repeat(40_usize.saturating_sub(done)));
                let percent = share.saturating_mul(100) / total;
                put("", format!("{bar} {percent} % of {}", bytes(total)), Role::Link);
            } else if self.here > 0 {
                put("", format!("{} so far", bytes(self.here)), Role::Link);
            }
        }
        match self.stage {
            Stage::Running => put("", "Esc cancels it and cleans up".to_owned(), Role::Dim),
            Stage::Stopping => {
                put("", "cleaning up; Esc again leaves that, too".to_owned(), Role::Warn);
            }
            Stage::Ended => {}
        }
        table
    }
}

/// A container as titles have it.
pub(crate) fn name(chosen: &Chosen) -> String {
    escape(&format!("{}/{}/{}", chosen.namespace, chosen.pod, chosen.container)).into_owned()
}

fn chosen(c: &Candidate) -> Chosen {
    Chosen { namespace: c.namespace.clone(), pod: c.pod.clone(), container: c.container.clone() }
}

/// An age as kubectl writes it.
fn age(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s}s"),
        s if s < 7200 => format!("{}m", s / 60),
        s if s < 172_800 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

impl Cluster {
    /// Takes in more containers of the list.
    pub(crate) fn add(&mut self, containers: Vec<Candidate>) {
        if std::mem::take(&mut self.outdated) {
            self.containers.clear();
        }
        for c in &containers {
            if !self.namespaces.contains(&c.namespace) {
                self.namespaces.push(c.namespace.clone());
            }
        }
        self.containers.extend(containers);
    }

    fn namespace(&self, number: Option<u32>) -> Option<&str> {
        let index = usize::try_from(number?.checked_sub(1)?).ok()?;
        self.namespaces.get(index).map(String::as_str)
    }

    /// The namespaces as a tree of one level.
    pub(crate) fn tree(&self) -> Tree {
        let branch = |(i, name): (usize, &String)| {
            let pods = self.containers.iter().filter(|c| c.namespace == *name).count();
            Branch {
                pid: u32::try_from(i + 1).unwrap_or(u32::MAX),
                name: format!("{} {pods}", escape(name)),
                ..Branch::default()
            }
        };
        Tree { branches: self.namespaces.iter().enumerate().map(branch).collect(), ..Tree::default() }
    }

    /// The containers of a namespace, or all.
    pub(crate) fn table(&self, number: Option<u32>) -> Table {
        let only = self.namespace(number);
        let columns = [
            spare(col("NAMESPACE"), if only.is_some() { HIDDEN } else { 0 }),
            col("POD"),
            col("CONTAINER"),
            spare(col("KIND"), 5),
            spare(col("STATE"), 2),
            spare(num("RESTARTS"), 4),
            spare(num("AGE"), 1),
            spare(col("IMAGE"), 3),
            col("NODE"),
        ];
        let place = only.map_or_else(|| "all namespaces".to_owned(), |n| format!("namespace {}", escape(n)));
        let mut table = Table::new(format!("containers in {place}"), &columns)
            .empty("no container here; :namespace NAME asks for another namespace");
        let dash = || Cell::new("-").role(Role::Dim);
        let known = |text: Option<&String>| text.map_or_else(dash, |t| Cell::new(escape(t)));
        for c in self.containers.iter().filter(|c| only.is_none_or(|n| n == c.namespace)) {
            let state = Cell::new(escape(&c.state));
            let shade = |cell: Cell| if c.running { cell } else { cell.role(Role::Dim) };
            let cells = vec![
                shade(Cell::new(escape(&c.namespace))),
                shade(Cell::new(escape(&c.pod))),
                shade(Cell::new(escape(&c.container))),
                Cell::new(c.kind).role(Role::Dim),
                if c.running { state.role(Role::Good) } else { state.role(Role::Warn) },
                c.restarts.map_or_else(dash, Cell::number),
                c.age.map_or_else(dash, |s| Cell { text: age(s), number: Some(s.into()), role: Role::Plain }),
                known(c.image.as_ref()),
                known(c.node.as_ref()),
            ];
            let chosen = chosen(c);
            let row = Row::new(cells).key(name(&chosen));
            let place = Place { pid: number, ..Place::choice(View::Preflight, chosen) };
            table.push(row.jump("whether it can be frozen", place));
        }
        table.note.clone_from(&self.note);
        table
    }

    /// The container that is selected, or that was last.
    pub(crate) fn chosen(&self) -> Option<&Chosen> {
        self.examined.as_ref().map(|e| &e.0)
    }
}

/// A number of things, in words.
pub(crate) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// How the checks of a container came out.
pub(crate) fn preflight(chosen: &Chosen, findings: &[Finding]) -> Table {
    let columns = [col("STATE"), spare(col("CHECK"), HIDDEN), col("SUBJECT"), col("DETAIL")];
    let count = |state: &str| findings.iter().filter(|f| f.state == state).count();
    let (failed, warned) = (count("failed"), count("warning"));
    let verdict = match (failed, warned) {
        (0, 0) => "nothing speaks against it; c captures".to_owned(),
        (0, _) => format!("{}; c captures", counted(warned, "warning")),
        _ => format!("{} failed, {}", counted(failed, "check"), counted(warned, "warning")),
    };
    let mut table = Table::new(format!("preflight of {}: {verdict}", name(chosen)), &columns);
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    // What matters first; within that the order of the examination.
    sorted.sort_by_key(|f| match f.state {
        "failed" => 0,
        "warning" => 1,
        "unknown" => 2,
        _ => 3,
    });
    for f in sorted {
        let role = match f.state {
            "failed" => Role::Bad,
            "warning" | "unknown" => Role::Warn,
            "ok" => Role::Good,
            _ => Role::Plain,
        };
        let cells = vec![
            Cell::new(f.state).role(role),
            Cell::new(f.name),
            Cell::new(escape(&f.subject)),
            Cell::new(escape(&f.detail)),
        ];
        table.push(Row::new(cells).key(format!("{} {}", f.name, escape(&f.subject))));
        for line in f.remedy.iter().flat_map(|r| r.lines()) {
            let blank = || Cell::new("");
            let cell = Cell::new(format!("  {}", escape(line))).role(Role::Dim);
            table.push(Row::new(vec![blank(), blank(), blank(), cell]));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture() -> Capture {
        Capture {
            id: 1,
            chosen: Chosen { namespace: "shop".into(), pod: "web".into(), container: "app".into() },
            lines: Vec::new(),
            step: None,
            seconds: 0,
            here: 0,
            total: None,
            stage: Stage::Running,
            cancel: std::sync::Arc::default(),
        }
    }

    #[test]
    fn steps_become_lines_and_news_of_a_step_do_not() {
        let mut capture = capture();
        capture.told(Told::Step("starting".into()));
        capture.told(Told::Step("starting: Pending".into()));
        capture.told(Told::Step("starting: pulling".into()));
        capture.told(Told::Warning("two\nlines".into()));
        capture.told(Told::Step("downloading".into()));
        capture.told(Told::Expect(Some(100)));
        capture.told(Told::At(40));
        let lines: Vec<&str> = capture.lines.iter().map(|l| l.1.as_str()).collect();
        assert_eq!(lines, ["two", "  lines", "starting: pulling"]);
        let shown: Vec<String> = capture.table().rows.iter().map(Row::text).collect();
        assert!(shown.iter().any(|l| l.contains("40 % of 100 B")), "{shown:?}");
        capture.end(Mark::Bad, "no");
        assert!(capture.lines.iter().any(|l| l.1 == "not finished: downloading"));
    }

    #[test]
    fn ages_are_those_of_kubectl() {
        let all = [0, 119, 120, 7199, 7200, 172_800].map(age);
        assert_eq!(all, ["0s", "119s", "2m", "119m", "2h", "2d"]);
    }
}
