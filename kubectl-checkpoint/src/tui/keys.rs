//! The keys: one table that dispatches them, hints at them and explains them.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Quit,
    Help,
    Command,
    Pane,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    Top,
    Bottom,
    LineStart,
    LineEnd,
    Enter,
    Jumps,
    Details,
    Back,
    Forward,
    Find,
    FindNext,
    FindPrevious,
    Filter,
    Sort,
    Reverse,
    Goto,
    Select,
    Search,
    Cancel,
    View(usize),
    Views,
    NextView,
    PreviousView,
    NextTab,
    PreviousTab,
    CloseTab,
    Zoom,
    Bookmark,
    Bookmarks,
    Delete,
    Yank,
    Export,
    Capture,
    Reload,
    Redraw,
    Suspend,
}

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Everywhere,
    Tree,
    Table,
    Hex,
    /// Table or hex.
    Right,
    /// Tables of a cluster.
    Cluster,
}

/// One line of the table.
pub(crate) struct Binding {
    /// Names of keys with spaces between; the first is shown.
    pub keys: &'static str,
    pub action: Action,
    pub place: Where,
    /// What the line of hints says; empty keeps it out.
    pub hint: &'static str,
    /// What the help says.
    pub help: &'static str,
}

const fn bind(
    keys: &'static str,
    action: Action,
    place: Where,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, action, place, hint, help }
}

/// All keys; the first that fits counts. Hints are shown in this order.
pub(crate) const TABLE: &[Binding] = &[
    bind("Enter", Action::Enter, Where::Tree, "open", "show the process at the right"),
    bind("Enter", Action::Enter, Where::Cluster, "open", "look whether the container can be frozen"),
    bind("c", Action::Capture, Where::Cluster, "capture", "freeze the container and look into it"),
    bind("Enter", Action::Enter, Where::Table, "go", "follow the link of the row"),
    bind("Enter", Action::Enter, Where::Hex, "follow", "follow the pointer under the cursor"),
    bind("Tab S-Tab", Action::Pane, Where::Everywhere, "pane", "go to the other pane"),
    bind("/ F3", Action::Find, Where::Everywhere, "find", "find in this view (in bytes also 0x7f45…)"),
    bind("f F4", Action::Filter, Where::Table, "filter", "show only rows with this text"),
    bind("? F1", Action::Help, Where::Everywhere, "help", "show this help"),
    bind("q F10", Action::Quit, Where::Everywhere, "quit", "quit"),
    bind("o s F6 >", Action::Sort, Where::Table, "order", "order by the next column"),
    bind("a", Action::Goto, Where::Hex, "address", "go to an address, or + and - from here"),
    bind("v", Action::Select, Where::Hex, "select", "begin or drop a selection"),
    bind("S", Action::Search, Where::Everywhere, "search all", "search all memory"),
    bind("V F2", Action::Views, Where::Everywhere, "views", "choose a view from a list"),
    bind(":", Action::Command, Where::Everywhere, "command", "type a command"),
    bind("Backspace M-Left C-o", Action::Back, Where::Everywhere, "back", "go back to where one was"),
    bind("M-Right", Action::Forward, Where::Everywhere, "", "go forward again"),
    bind("C-c", Action::Quit, Where::Everywhere, "", "quit"),
    bind("Esc", Action::Cancel, Where::Everywhere, "", "drop filter or selection, stop a search"),
    bind(
        "Space J",
        Action::Jumps,
        Where::Right,
        "",
        "list what the row or byte leads to; in texts a page on",
    ),
    bind("i", Action::Details, Where::Table, "", "show the whole row"),
    bind("n", Action::FindNext, Where::Everywhere, "", "find the next"),
    bind("N", Action::FindPrevious, Where::Everywhere, "", "find the one before"),
    bind("O I", Action::Reverse, Where::Table, "", "turn the order round"),
    bind("b m", Action::Bookmark, Where::Right, "", "bookmark this place with a note"),
    bind("B '", Action::Bookmarks, Where::Everywhere, "", "list bookmarks"),
    bind("d Delete", Action::Delete, Where::Table, "", "show the whole row; in their list delete a bookmark"),
    bind("y", Action::Yank, Where::Right, "", "copy the row or the selection (OSC 52)"),
    bind("e", Action::Export, Where::Right, "", "write rows or bytes to a new file"),
    bind("z", Action::Zoom, Where::Everywhere, "", "hide or show the process tree"),
    bind("]", Action::NextView, Where::Everywhere, "", "next view"),
    bind("[", Action::PreviousView, Where::Everywhere, "", "previous view"),
    bind("}", Action::NextTab, Where::Everywhere, "", "next archive"),
    bind("{", Action::PreviousTab, Where::Everywhere, "", "previous archive"),
    bind("W", Action::CloseTab, Where::Everywhere, "", "close this archive"),
    bind("1", Action::View(0), Where::Everywhere, "", "overview"),
    bind("2", Action::View(1), Where::Everywhere, "", "memory map"),
    bind("3", Action::View(2), Where::Everywhere, "", "hex"),
    bind("4", Action::View(3), Where::Everywhere, "", "strings"),
    bind("5", Action::View(4), Where::Everywhere, "", "files"),
    bind("6", Action::View(5), Where::Everywhere, "", "sockets"),
    bind("7", Action::View(6), Where::Everywhere, "", "environment"),
    bind("8", Action::View(7), Where::Everywhere, "", "threads"),
    bind("9", Action::View(8), Where::Everywhere, "", "signals"),
    bind("k Up", Action::Up, Where::Everywhere, "", "up"),
    bind("j Down", Action::Down, Where::Everywhere, "", "down"),
    bind("h Left", Action::Left, Where::Everywhere, "", "left; from the left border to the tree"),
    bind("l Right", Action::Right, Where::Everywhere, "", "right"),
    bind("PageUp C-b", Action::PageUp, Where::Everywhere, "", "a page up"),
    bind("PageDown C-f", Action::PageDown, Where::Everywhere, "", "a page down"),
    bind("C-u", Action::HalfUp, Where::Everywhere, "", "half a page up"),
    bind("C-d", Action::HalfDown, Where::Everywhere, "", "half a page down"),
    bind("g Home", Action::Top, Where::Everywhere, "", "to the top"),
    bind("G End", Action::Bottom, Where::Everywhere, "", "to the bottom"),
    bind("0", Action::LineStart, Where::Right, "", "to the start of the line"),
    bind("$", Action::LineEnd, Where::Right, "", "to the end of the line"),
    bind("r F5", Action::Reload, Where::Everywhere, "", "read the view again"),
    bind("C-l", Action::Redraw, Where::Everywhere, "", "draw the screen again"),
    bind("C-z", Action::Suspend, Where::Everywhere, "", "to the shell; `fg` comes back"),
];

impl Where {
    /// Whether keys of that place work here.
    fn takes(self, here: Self) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Right => here != Self::Tree,
            Self::Table => matches!(here, Self::Table | Self::Cluster),
            place => place == here,
        }
    }
}

/// Finds what a key does.
pub(crate) fn action(key: KeyEvent, here: Where) -> Option<Action> {
    let name = name(key)?;
    TABLE.iter().find(|b| b.place.takes(here) && b.keys.split(' ').any(|k| k == name)).map(|b| b.action)
}

/// Returns the keys to hint at, with what they do.
pub(crate) fn hints(here: Where) -> impl Iterator<Item = (&'static str, &'static str)> {
    let shown = |b: &Binding| b.keys.split(' ').next().unwrap_or(b.keys);
    // Where two bindings of a key fit, the first counts.
    let bound = move |b: &Binding| {
        TABLE.iter().find(|o| o.place.takes(here) && o.keys.split(' ').any(|k| k == shown(b)))
    };
    let fits = move |b: &&Binding| {
        // A cluster has no memory to search.
        let idle = here == Where::Cluster && b.action == Action::Search;
        b.place.takes(here) && !idle && !b.hint.is_empty() && bound(b).is_some_and(|o| o.hint == b.hint)
    };
    TABLE.iter().filter(fits).map(move |b| (shown(b), b.hint))
}

/// Names a key as the table does.
fn name(key: KeyEvent) -> Option<String> {
    let plain = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(n) => format!("F{n}"),
        KeyCode::BackTab => return Some("S-Tab".to_owned()),
        KeyCode::Enter
        | KeyCode::Tab
        | KeyCode::Backspace
        | KeyCode::Esc
        | KeyCode::Up
        | KeyCode::Down
        | KeyCode::Left
        | KeyCode::Right
        | KeyCode::Home
        | KeyCode::End
        | KeyCode::PageUp
        | KeyCode::PageDown
        | KeyCode::Delete => format!("{:?}", key.code),
        _ => return None,
    };
    Some(if key.modifiers.contains(KeyModifiers::CONTROL) {
        format!("C-{plain}")
    } else if key.modifiers.contains(KeyModifiers::ALT) {
        format!("M-{plain}")
    } else {
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn keys_depend_on_where_one_is() {
        let g = key(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(action(g, Where::Table), Some(Action::Bottom));
        assert_eq!(action(g, Where::Hex), Some(Action::Bottom));
        let v = key(KeyCode::Char('v'), KeyModifiers::NONE);
        assert_eq!(action(v, Where::Hex), Some(Action::Select));
        assert_eq!(action(v, Where::Tree), None);
        assert_eq!(action(key(KeyCode::Left, KeyModifiers::ALT), Where::Tree), Some(Action::Back));
        assert_eq!(action(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Where::Hex), Some(Action::Quit));
    }

    #[test]
    fn every_hint_is_dispatched() {
        for here in [Where::Tree, Where::Table, Where::Hex, Where::Cluster] {
            for (shown, hint) in hints(here) {
                let bound = TABLE
                    .iter()
                    .find(|b| b.place.takes(here) && b.keys.split(' ').any(|k| k == shown))
                    .unwrap();
                assert_eq!(bound.hint, hint, "{shown} is hinted at and does something else");
            }
        }
    }
}
