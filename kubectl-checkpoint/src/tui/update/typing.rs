//! Keys, and what they do to the line in which one types and to what lies over the screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::super::bookmark::Bookmark;
use super::super::keys;
use super::super::message::{Effect, Query};
use super::super::model::{Model, Popup, Said, Shown};
use super::super::place::View;
use super::super::prompt::{Prompt, Purpose};
use super::{action, command, hexkeys};

/// Lines that are remembered of each kind.
const HISTORY: usize = 100;

pub(crate) fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if model.prompt.is_some() {
        return typed(model, key);
    }
    if !matches!(model.popup, Popup::None) {
        return popup(model, key);
    }
    if is_early(model, key) {
        let ahead = &mut model.tab_mut().ahead;
        if ahead.len() < AHEAD {
            ahead.push_back(key);
        }
        return Vec::new();
    }
    model.tab_mut().ahead.clear();
    act(model, key)
}

fn act(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    // Where something is being captured Ctrl-C ends that first, as in the shell.
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if interrupt && model.tab().cluster.is_some() && super::cluster::stop(model, "the user") {
        return Vec::new();
    }
    match keys::action(key, model.here()) {
        Some(action) => action::act(model, action),
        None => Vec::new(),
    }
}

/// Keys that are kept for a page that is on its way.
const AHEAD: usize = 256;

/// Whether a key is for what is not there yet.
fn is_early(model: &Model, key: KeyEvent) -> bool {
    use keys::Action as A;
    let tab = model.tab();
    let action = keys::action(key, model.here());
    // A container is frozen by somebody who sees what it will do, and by nothing that was typed ahead.
    if matches!(action, Some(A::Quit | A::Cancel | A::Suspend | A::Redraw | A::Help | A::Capture)) {
        return false;
    }
    if !tab.ahead.is_empty() {
        return true;
    }
    let needs_bytes = matches!(action, Some(A::Enter | A::Jumps | A::Yank));
    if let Shown::Hex(hex) = &tab.shown {
        return hex.waiting && needs_bytes && model.here() == keys::Where::Hex;
    }
    let is_missing = matches!(tab.shown, Shown::Loading) && tab.sheet().is_none();
    let is_of_page = !matches!(
        action,
        Some(
            A::Command
                | A::Pane
                | A::Views
                | A::View(_)
                | A::NextView
                | A::PreviousView
                | A::NextTab
                | A::PreviousTab
                | A::CloseTab
                | A::Back
                | A::Forward
                | A::Zoom
                | A::Search
                | A::Bookmarks
                | A::Reload
        )
    );
    // In the tree there is something as soon as the archive can be looked at.
    let is_in_tree = model.here() == keys::Where::Tree && tab.usable;
    is_missing && is_of_page && !is_in_tree
}

/// Does what was typed ahead, as far as there is something for it to act on now.
pub(crate) fn catch_up(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    loop {
        // What was typed into a line or a list is no key of a page.
        let early = model.tab_mut().ahead.pop_front();
        let Some(key) = early else { return effects };
        let rest = std::mem::take(&mut model.tab_mut().ahead);
        if is_early(model, key) && model.prompt.is_none() && matches!(model.popup, Popup::None) {
            model.tab_mut().ahead = rest;
            model.tab_mut().ahead.push_front(key);
            return effects;
        }
        let id = model.tab().id;
        effects.extend(self::key(model, key));
        // A key may have led to another tab or closed this one.
        if let Some(tab) = model.by_id(id) {
            tab.ahead.extend(rest);
        }
    }
}

pub(crate) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let Some(prompt) = &mut model.prompt else { return Vec::new() };
    for c in text.lines().next().unwrap_or_default().chars().take(4096) {
        prompt.insert(c);
    }
    live(model)
}

fn popup(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let leave = matches!(key.code, KeyCode::Esc | KeyCode::Char('q'))
        || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL));
    let page = usize::from(model.size.1.saturating_sub(6)).max(1);
    match &mut model.popup {
        Popup::None => {}
        Popup::Help(top) => {
            let last = keys::TABLE.len().saturating_sub(page);
            match key.code {
                KeyCode::Up | KeyCode::Char('k') => *top = top.saturating_sub(1),
                KeyCode::Down | KeyCode::Char('j') => *top = (*top + 1).min(last),
                KeyCode::PageUp => *top = top.saturating_sub(page),
                KeyCode::PageDown | KeyCode::Char(' ') => *top = (*top + page).min(last),
                KeyCode::Home | KeyCode::Char('g') => *top = 0,
                KeyCode::End | KeyCode::Char('G') => *top = last,
                _ => model.popup = Popup::None,
            }
        }
        Popup::Details { top, .. } => match key.code {
            KeyCode::Up | KeyCode::Char('k') => *top = top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => *top = top.saturating_add(1).min(10_000),
            _ => model.popup = Popup::None,
        },
        _ if leave => model.popup = Popup::None,
        Popup::Pick(pick) => {
            let last = pick.items.len().saturating_sub(1);
            match key.code {
                KeyCode::Up | KeyCode::Char('k') => {
                    pick.selected = pick.selected.checked_sub(1).unwrap_or(last);
                }
                KeyCode::Down | KeyCode::Char('j') | KeyCode::Tab => {
                    pick.selected = if pick.selected == last { 0 } else { pick.selected + 1 };
                }
                KeyCode::Home | KeyCode::Char('g') => pick.selected = 0,
                KeyCode::End | KeyCode::Char('G') => pick.selected = last,
                KeyCode::Enter => {
                    let place = pick.items.get(pick.selected).map(|i| i.1.clone());
                    model.popup = Popup::None;
                    if let Some(place) = place {
                        return go(model, place);
                    }
                }
                KeyCode::Char(c) => {
                    // A letter goes to the next line that begins with it, a digit to its view.
                    let starts = |text: &str| {
                        let mut words = text.split_whitespace();
                        let first = words.next().unwrap_or_default();
                        first.starts_with(c)
                            || (first.parse::<u8>().is_ok() && words.next().is_some_and(|w| w.starts_with(c)))
                    };
                    let n = pick.items.len();
                    let next = (1..=n).map(|s| (pick.selected + s) % n).find(|i| starts(&pick.items[*i].0));
                    pick.selected = next.unwrap_or(pick.selected);
                }
                _ => {}
            }
        }
    }
    Vec::new()
}

/// Goes where a choice leads; to views as their keys do.
fn go(model: &mut Model, place: super::super::place::Place) -> Vec<Effect> {
    if place.row.is_none() && place.address.is_none() && place.source.is_none() {
        return action::view(model, place.view);
    }
    model.visit(place)
}

fn typed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let Some(prompt) = &mut model.prompt else { return Vec::new() };
    if prompt.purpose == Purpose::Abandon {
        model.prompt = None;
        if matches!(key.code, KeyCode::Char('y' | 'Y')) {
            return abandon(model);
        }
        model.leaving = false;
        return Vec::new();
    }
    if prompt.purpose == Purpose::Leave {
        model.prompt = None;
        if matches!(key.code, KeyCode::Char('y' | 'Y')) {
            return action::quit(model);
        }
        model.leaving = false;
        model.say("B lists the bookmarks, :bookmarks FILE saves them");
        return Vec::new();
    }
    if key.code != KeyCode::Tab {
        prompt.offers.clear();
    }
    match key.code {
        KeyCode::Esc => return leave(model),
        KeyCode::Char('c' | 'g') if control => return leave(model),
        KeyCode::Enter => return enter(model),
        KeyCode::Backspace if prompt.text.is_empty() && prompt.purpose == Purpose::Command => {
            return leave(model);
        }
        KeyCode::Backspace => prompt.backspace(),
        KeyCode::Delete => prompt.delete(),
        KeyCode::Char('h') if control => prompt.backspace(),
        KeyCode::Char('d') if control => prompt.delete(),
        KeyCode::Char('w') if control => prompt.delete_word(),
        KeyCode::Char('u') if control => prompt.delete_line(),
        KeyCode::Char('a') if control => prompt.go(0),
        KeyCode::Char('e') if control => prompt.go(usize::MAX),
        KeyCode::Left => prompt.go(prompt.at.saturating_sub(1)),
        KeyCode::Right => prompt.go(prompt.at + 1),
        KeyCode::Home => prompt.go(0),
        KeyCode::End => prompt.go(usize::MAX),
        KeyCode::Up | KeyCode::Down => {
            let history = match prompt.purpose {
                Purpose::Command => &model.commands,
                _ => &model.searches,
            };
            prompt.recall(history, key.code == KeyCode::Up);
        }
        KeyCode::Tab if prompt.purpose == Purpose::Command => {
            complete(model, command::complete);
            return Vec::new();
        }
        KeyCode::Tab if prompt.purpose == Purpose::Goto => {
            complete(model, |text, offers, places| match offers.iter().position(|o| o == text) {
                Some(at) => (offers[(at + 1) % offers.len()].clone(), offers.to_vec()),
                None => command::place("", text, places),
            });
            return Vec::new();
        }
        KeyCode::Char(c) if !control => prompt.insert(c),
        _ => {}
    }
    live(model)
}

/// Completes the line that is typed.
fn complete(model: &mut Model, with: impl Fn(&str, &[String], &[String]) -> (String, Vec<String>)) {
    let places = command::places(model);
    let Some(prompt) = &mut model.prompt else { return };
    let (text, offers) = with(&prompt.text, &prompt.offers, &places);
    prompt.set(text);
    prompt.offers = offers;
}

/// Shows at once what a filter or a search does.
fn live(model: &mut Model) -> Vec<Effect> {
    let rows = model.areas().table_rows(model);
    let Some(prompt) = &model.prompt else { return Vec::new() };
    let text = prompt.text.clone();
    match prompt.purpose {
        Purpose::Filter => {
            if let Some(sheet) = model.sheet_mut() {
                sheet.cursor.filter = text;
                sheet.cursor.arrange(&sheet.table);
                sheet.cursor.show(rows);
            }
        }
        Purpose::Find if model.here() == keys::Where::Table => {
            if let Some(sheet) = model.sheet_mut() {
                sheet.cursor.find = text;
            }
        }
        _ => {}
    }
    Vec::new()
}

fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(prompt) = model.prompt.take() else { return Vec::new() };
    let rows = model.areas().table_rows(model);
    if let Some(sheet) = model.sheet_mut() {
        match prompt.purpose {
            Purpose::Filter => {
                sheet.cursor.filter = prompt.before;
                sheet.cursor.arrange(&sheet.table);
                sheet.cursor.show(rows);
            }
            Purpose::Find => sheet.cursor.find = prompt.before,
            _ => {}
        }
    }
    Vec::new()
}

fn remember(history: &mut Vec<String>, text: &str) {
    if text.is_empty() {
        return;
    }
    history.retain(|t| t != text);
    history.push(text.to_owned());
    if history.len() > HISTORY {
        history.remove(0);
    }
}

fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(Prompt { purpose, text, .. }) = model.prompt.take() else { return Vec::new() };
    model.said = Said::default();
    match purpose {
        Purpose::Command => {
            remember(&mut model.commands, text.trim());
            command::run(model, &text)
        }
        Purpose::Find => {
            remember(&mut model.searches, &text);
            match model.here() {
                keys::Where::Hex if text.is_empty() => hexkeys::find(model, None, true),
                keys::Where::Hex => hexkeys::find(model, Some(&text), true),
                _ => action::find_again(model, true),
            }
        }
        Purpose::Search => {
            remember(&mut model.searches, &text);
            search(model, &text)
        }
        Purpose::Goto => hexkeys::goto(model, &text),
        Purpose::Note => {
            note(model, text);
            Vec::new()
        }
        Purpose::Export => command::export(model, &text),
        Purpose::Capture => super::cluster::begin(model, &text),
        Purpose::Filter | Purpose::Leave | Purpose::Abandon => Vec::new(),
    }
}

/// Cancels the capture under way, and ends when it has cleaned up.
pub(super) fn abandon(model: &mut Model) -> Vec<Effect> {
    model.abandoned = true;
    model.leaving = true;
    if super::cluster::stop(model, "the user") {
        model.say("cleaning up, then the end; q again does not wait for it");
        return Vec::new();
    }
    // It ended while the question was on the screen.
    action::quit(model)
}

/// Searches all memory.
pub(crate) fn search(model: &mut Model, text: &str) -> Vec<Effect> {
    if !model.tab().usable {
        model.complain("the archive is not open yet");
        return Vec::new();
    }
    match Query::parse(text) {
        Ok(query) => model.search(query),
        Err(why) => {
            model.complain(why);
            Vec::new()
        }
    }
}

fn note(model: &mut Model, note: String) {
    let place = model.here_precisely();
    let tab = model.tab();
    let text = match (&tab.shown, tab.sheet()) {
        (_, Some(sheet)) => sheet.cursor.row(&sheet.table).map(super::super::table::Row::text),
        (Shown::Hex(hex), None) => {
            hex.region_at(hex.cursor).map(|r| format!("{} {}", hex.regions[r].perms, hex.regions[r].name))
        }
        _ => None,
    };
    // The results of a search are gone with the next one: their target stays.
    let place = match tab.sheet().filter(|_| place.view == View::Results) {
        Some(sheet) => {
            let jump = sheet.cursor.row(&sheet.table).and_then(|r| r.jumps.first());
            jump.map_or(place, |j| j.1.clone())
        }
        None => place,
    };
    let archive = tab.path.to_string_lossy().into_owned();
    let text = text.unwrap_or_default().trim().to_owned();
    model.bookmarks.push(Bookmark { archive, place, text, note });
    model.unsaved = true;
    model.leaving = false;
    model.say(format!("bookmark {}; B lists them, :bookmarks FILE saves them", model.bookmarks.len()));
}
