//! Everything the screen is drawn from.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::crossterm::event::KeyEvent;

use super::bookmark::Bookmark;
use super::cluster::{Capture, Cluster};
use super::hex::Hex;
use super::keys::Where;
use super::layout::Areas;
use super::message::{Bytes, Cancel, Effect, Kind, Query};
use super::place::{Place, View};
use super::prompt::Prompt;
use super::table::{Cursor, Table};
use super::theme::{Role, Theme};
use super::tree::Tree;

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Pane {
    #[default]
    Tree,
    Right,
}

/// A table, and where in it one is.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub table: Table,
    pub cursor: Cursor,
}

impl Sheet {
    pub(crate) fn new(table: Table) -> Self {
        let mut cursor = Cursor::default();
        cursor.arrange(&table);
        Self { table, cursor }
    }
}

/// What is at the right.
#[derive(Debug)]
pub(crate) enum Shown {
    Loading,
    Sheet(Sheet),
    Hex(Hex),
    Failed(String),
}

/// How far an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Being opened; of a compressed one, how far it is unpacked.
    Opening {
        read: u64,
        total: Option<u64>,
        members: usize,
    },
    Open,
    Failed(String),
}

/// The search in all memory.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub id: u64,
    pub query: Query,
    pub sheet: Sheet,
    pub running: bool,
    pub found: u64,
    pub scanned: u64,
    pub problem: Option<String>,
    pub cancel: Arc<Cancel>,
}

/// One archive.
#[derive(Debug)]
pub(crate) struct Tab {
    /// What messages and work call it; never given twice.
    pub id: usize,
    pub path: PathBuf,
    /// The name of the file, escaped.
    pub name: String,
    pub about: String,
    pub state: State,
    /// Whether there is something to look at yet.
    pub usable: bool,
    pub memory_bytes: u64,
    pub tree: Tree,
    /// Whether more processes, and who began whom, may still come.
    pub tentative: bool,
    pub pane: Pane,
    pub place: Place,
    pub shown: Shown,
    /// Number of the page that is shown or on its way.
    pub request: u64,
    /// Whether rows may still come.
    pub loading: bool,
    /// Whether what is shown is the page before it was read again.
    pub stale: bool,
    /// Keys that were pressed before there was anything for them to act on.
    pub ahead: VecDeque<KeyEvent>,
    pub cancel: Arc<Cancel>,
    pub back: Vec<Place>,
    pub forward: Vec<Place>,
    pub results: Results,
    /// Cancels a search in bytes.
    pub finding: Arc<Cancel>,
    /// Where it is a cluster, and not an archive.
    pub cluster: Option<Cluster>,
}

/// A line of choices over the screen.
#[derive(Debug, Clone)]
pub(crate) struct Pick {
    pub title: String,
    pub items: Vec<(String, Place)>,
    pub selected: usize,
}

/// What lies over the screen.
#[derive(Debug, Clone, Default)]
pub(crate) enum Popup {
    #[default]
    None,
    /// The keys, from that line on.
    Help(usize),
    Pick(Pick),
    /// A row as a whole: names and values, from that line on.
    Details {
        title: String,
        facts: Vec<(String, String)>,
        top: usize,
    },
}

/// What the status line says besides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub text: String,
    pub role: Role,
}

/// The whole of it.
#[derive(Debug)]
pub(crate) struct Model {
    pub size: (u16, u16),
    pub theme: Theme,
    pub tabs: Vec<Tab>,
    pub current: usize,
    /// The id of the next tab.
    pub next_tab: usize,
    pub prompt: Option<Prompt>,
    pub popup: Popup,
    pub said: Said,
    pub bookmarks: Vec<Bookmark>,
    /// Whether bookmarks were made and not saved.
    pub unsaved: bool,
    /// Whether the tree is hidden.
    pub zoomed: bool,
    pub commands: Vec<String>,
    pub searches: Vec<String>,
    pub requests: u64,
    /// Whether to end although something is unsaved.
    pub leaving: bool,
    /// Whether to end as soon as the capture under way has cleaned up.
    pub abandoned: bool,
}

/// Places that are remembered.
const HISTORY: usize = 200;

impl Model {
    /// Starts with archives to open, or with the cluster where there are none.
    pub(crate) fn new(size: (u16, u16), theme: Theme, paths: &[PathBuf]) -> (Self, Vec<Effect>) {
        let mut model = Self {
            size,
            theme,
            tabs: Vec::new(),
            current: 0,
            next_tab: 0,
            prompt: None,
            popup: Popup::None,
            said: Said::default(),
            bookmarks: Vec::new(),
            unsaved: false,
            zoomed: false,
            commands: Vec::new(),
            searches: Vec::new(),
            requests: 0,
            leaving: false,
            abandoned: false,
        };
        let effects = if paths.is_empty() {
            model.open_cluster()
        } else {
            paths.iter().flat_map(|path| model.open(path.clone())).collect()
        };
        model.current = 0;
        (model, effects)
    }

    pub(crate) fn open(&mut self, path: PathBuf) -> Vec<Effect> {
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |n| n.to_string_lossy());
        let name = crate::output::escape(&name).into_owned();
        let id = self.next_tab;
        self.next_tab += 1;
        self.tabs.push(Tab {
            id,
            path: path.clone(),
            name,
            about: String::new(),
            state: State::Opening { read: 0, total: None, members: 0 },
            usable: false,
            memory_bytes: 0,
            tree: Tree::default(),
            tentative: false,
            pane: Pane::Tree,
            place: Place::default(),
            shown: Shown::Loading,
            request: 0,
            loading: false,
            stale: false,
            ahead: VecDeque::new(),
            cancel: Arc::default(),
            back: Vec::new(),
            forward: Vec::new(),
            results: Results::default(),
            finding: Arc::default(),
            cluster: None,
        });
        self.current = self.tabs.len() - 1;
        vec![Effect::Open { tab: id, path }]
    }

    /// Shows the containers of the cluster, in the tab that has them or in a new one.
    pub(crate) fn open_cluster(&mut self) -> Vec<Effect> {
        if let Some(at) = self.tabs.iter().position(|t| t.cluster.is_some()) {
            self.current = at;
            return Vec::new();
        }
        // It is set up as an archive is; only what is read differs.
        self.open(PathBuf::from("cluster"));
        let tab = self.tab_mut();
        tab.cluster = Some(Cluster::default());
        tab.place = Place::new(None, View::Containers);
        tab.pane = Pane::Right;
        self.load(Place::new(None, View::Containers))
    }

    /// The capture that is under way, if there is one.
    pub(crate) fn capture(&self) -> Option<&Capture> {
        let mut captures = self.tabs.iter().filter_map(|t| t.cluster.as_ref()?.capture.as_ref());
        captures.find(|c| c.is_under_way())
    }

    pub(crate) fn tab(&self) -> &Tab {
        &self.tabs[self.current]
    }

    pub(crate) fn tab_mut(&mut self) -> &mut Tab {
        &mut self.tabs[self.current]
    }

    /// The tab that a message is for; `None` once it is closed.
    pub(crate) fn by_id(&mut self, id: usize) -> Option<&mut Tab> {
        self.tabs.iter_mut().find(|t| t.id == id)
    }

    pub(crate) fn areas(&self) -> Areas {
        Areas::of(self)
    }

    /// Which keys work.
    pub(crate) fn here(&self) -> Where {
        let tab = self.tab();
        match (tab.pane, &tab.shown) {
            (Pane::Tree, _) if !self.zoomed => Where::Tree,
            _ if tab.cluster.is_some() => Where::Cluster,
            (_, Shown::Hex(_)) if tab.place.view != View::Results => Where::Hex,
            _ => Where::Table,
        }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.said = Said { text: text.into(), role: Role::Plain };
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.said = Said { text: text.into(), role: Role::Bad };
    }

    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Whether something small is on its way, for which a redraw can wait a moment.
    pub(crate) fn is_waiting(&self) -> bool {
        let tab = self.tab();
        match &tab.shown {
            Shown::Loading => tab.usable && tab.cluster.is_none(),
            Shown::Hex(hex) => hex.waiting,
            _ => false,
        }
    }

    /// Goes to a place, and remembers the one before.
    pub(crate) fn visit(&mut self, place: Place) -> Vec<Effect> {
        let here = self.here_precisely();
        let tab = self.tab_mut();
        if !here.is_same_page(&place) || here.address != place.address || here.row != place.row {
            tab.back.push(here);
            if tab.back.len() > HISTORY {
                tab.back.remove(0);
            }
            tab.forward.clear();
        }
        tab.pane = Pane::Right;
        self.show(place)
    }

    /// The place with the row or address that the cursor is on.
    pub(crate) fn here_precisely(&self) -> Place {
        let tab = self.tab();
        let mut place = tab.place.clone();
        if let Some(sheet) = tab.sheet() {
            place.row = sheet.cursor.row(&sheet.table).map(|r| r.key.clone());
        } else if let Shown::Hex(hex) = &tab.shown {
            place.address = Some(hex.cursor);
        }
        place
    }

    /// Shows a place without remembering where one was.
    pub(crate) fn show(&mut self, place: Place) -> Vec<Effect> {
        let areas = self.areas();
        let tab = self.tab_mut();
        tab.tree.select(place.pid, areas.tree_rows());
        // Within the page that is shown there is nothing to read but bytes.
        if tab.place.is_same_page(&place) && !tab.loading {
            match (&mut tab.shown, &place) {
                (Shown::Hex(hex), Place { address: Some(address), .. }) => {
                    hex.go(*address, areas.hex_rows(), areas.hex_width());
                    tab.place = place;
                    return self.read_bytes();
                }
                (Shown::Sheet(sheet), Place { row: Some(key), .. }) if place.view != View::Results => {
                    let found = sheet.cursor.select(&sheet.table, key);
                    if found {
                        tab.place = place;
                        let rows = self.areas().table_rows(self);
                        if let Some(sheet) = self.sheet_mut() {
                            sheet.cursor.show(rows);
                        }
                        return Vec::new();
                    }
                }
                _ => {}
            }
        }
        tab.shown = Shown::Loading;
        self.load(place)
    }

    /// Has a page made. What is shown stays until it is there.
    pub(crate) fn load(&mut self, place: Place) -> Vec<Effect> {
        let request = self.next_request();
        let tab = self.tab_mut();
        let id = tab.id;
        tab.cancel.stop();
        tab.finding.stop();
        tab.cancel = Arc::default();
        tab.place = place.clone();
        tab.request = request;
        tab.stale = !matches!(tab.shown, Shown::Loading);
        tab.loading = true;
        let cancel = Arc::clone(&tab.cancel);
        if tab.cluster.is_some() {
            return super::update::cluster::load(tab, place, request, cancel);
        }
        match place.view {
            View::Results => {
                tab.loading = false;
                if let Some(key) = &place.row {
                    tab.results.sheet.cursor.select(&tab.results.sheet.table, key);
                }
                Vec::new()
            }
            View::Bookmarks => {
                let table = super::bookmark::table(&self.bookmarks);
                let tab = self.tab_mut();
                tab.loading = false;
                tab.shown = Shown::Sheet(Sheet::new(table));
                Vec::new()
            }
            _ if !tab.usable => Vec::new(),
            _ => vec![Effect::Load { tab: id, request, place, cancel }],
        }
    }

    /// The table at the right, whichever it is.
    pub(crate) fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        self.tab_mut().sheet_mut()
    }

    /// Asks for the bytes that the screen needs.
    pub(crate) fn read_bytes(&mut self) -> Vec<Effect> {
        let areas = self.areas();
        let tab = self.tab_mut();
        let id = tab.id;
        let request = tab.request;
        let Some(from) = tab.bytes() else { return Vec::new() };
        let Shown::Hex(hex) = &mut tab.shown else { return Vec::new() };
        let pages = hex.missing(areas.hex_rows(), areas.hex_width());
        // One read at a time: when it is done, what is missing then is asked for.
        if pages.is_empty() || hex.waiting {
            return Vec::new();
        }
        hex.waiting = true;
        vec![Effect::Read { tab: id, request, from, pages }]
    }

    /// Starts a search in all memory.
    pub(crate) fn search(&mut self, query: Query) -> Vec<Effect> {
        let id = self.next_request();
        let tab = self.tab().id;
        let columns = super::load::search::COLUMNS;
        let mut table =
            Table::new(format!("matches of {}", shown_query(&query)), columns).empty("no match so far");
        table.note = None;
        let now = self.tab_mut();
        now.results.cancel.stop();
        now.results = Results {
            id,
            query: query.clone(),
            sheet: Sheet::new(table),
            running: true,
            cancel: Arc::default(),
            ..Results::default()
        };
        let cancel = Arc::clone(&now.results.cancel);
        let place = Place::new(None, View::Results);
        let mut effects = if now.place.view == View::Results { Vec::new() } else { self.visit(place) };
        self.tab_mut().pane = Pane::Right;
        effects.push(Effect::Search { tab, search: id, query, cancel });
        effects
    }
}

/// A query in words, escaped.
pub(crate) fn shown_query(query: &Query) -> String {
    let text = crate::output::escape(&query.text);
    let mut shown = match query.kind {
        Kind::Literal => format!("“{text}”"),
        Kind::Regex => format!("/{text}/"),
        Kind::Hex => format!("bytes {text}"),
    };
    if query.ignore_case {
        shown.push_str(" in any case");
    }
    if query.utf16 {
        shown.push_str(", UTF-16 too");
    }
    if let Some(pid) = query.pid {
        shown = format!("{shown} in process {pid}");
    }
    shown
}

impl Tab {
    pub(crate) fn sheet(&self) -> Option<&Sheet> {
        match (&self.shown, self.place.view) {
            (_, View::Results) => Some(&self.results.sheet),
            (Shown::Sheet(sheet), _) => Some(sheet),
            _ => None,
        }
    }

    pub(crate) fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        match (&mut self.shown, self.place.view) {
            (_, View::Results) => Some(&mut self.results.sheet),
            (Shown::Sheet(sheet), _) => Some(sheet),
            _ => None,
        }
    }

    /// Where the bytes of the hex view are read from.
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        match (&self.place.source, self.place.pid) {
            (Some(source), _) => Some(Bytes::Source(source.clone())),
            (None, Some(pid)) => Some(Bytes::Memory(pid)),
            (None, None) => None,
        }
    }
}
