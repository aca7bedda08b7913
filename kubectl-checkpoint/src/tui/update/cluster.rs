//! What happens in the tab of a cluster: choosing a container, looking whether
//! it can be frozen, freezing it.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::cluster::{self, Capture, Mark, Stage};
use super::super::message::{Cancel, Effect, Message};
use super::super::model::{Model, Sheet, Shown, State, Tab};
use super::super::place::{Place, View};
use super::super::prompt::{Prompt, Purpose};
use super::super::table::Table;
use crate::cluster::live::{Chosen, Outcome};

/// Makes the page of a place, or has it made.
pub(crate) fn load(tab: &mut Tab, place: Place, request: u64, cancel: Arc<Cancel>) -> Vec<Effect> {
    let id = tab.id;
    let Some(cluster) = &mut tab.cluster else { return Vec::new() };
    match (place.view, place.chosen) {
        (View::Preflight, Some(chosen)) => {
            vec![Effect::Examine { tab: id, request, chosen: *chosen, cancel }]
        }
        (View::Capture, _) => {
            let none = || Table::lines("capture").empty("nothing is captured; choose a container, then c");
            let table = cluster.capture.as_ref().map_or_else(none, Capture::table);
            put(tab, table);
            Vec::new()
        }
        // The list is kept: only who asks for it anew gets another.
        _ if tab.usable && !tab.stale => {
            let table = cluster.table(place.pid);
            put(tab, table);
            Vec::new()
        }
        _ => {
            // Going to another page does not stop it; asking for another list does.
            cluster.listing.stop();
            cluster.listing = Arc::default();
            cluster.request = request;
            cluster.outdated = true;
            let cancel = Arc::clone(&cluster.listing);
            vec![Effect::List { tab: id, request, namespace: cluster.only.clone(), cancel }]
        }
    }
}

/// Shows a table in the place of the one before, with the cursor where it was.
fn put(tab: &mut Tab, table: Table) {
    tab.loading = false;
    let kept = std::mem::take(&mut tab.stale);
    let mut sheet = Sheet::new(table);
    if let (true, Shown::Sheet(before)) = (kept, &tab.shown) {
        sheet.cursor = before.cursor.carried(&before.table, &sheet.table);
    } else if let Some(key) = &tab.place.row {
        sheet.cursor.select(&sheet.table, key);
    }
    tab.shown = Shown::Sheet(sheet);
}

/// Takes in a message of the cluster.
pub(super) fn message(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Listed { tab, request, containers, end } => {
            let Some(tab) = model.by_id(tab) else { return Vec::new() };
            let Some(cluster) = tab.cluster.as_mut().filter(|c| c.request == request) else {
                return Vec::new();
            };
            // What there was is gone once it is known that there is something else.
            if !containers.is_empty() || matches!(end, Some(Ok(_))) {
                cluster.add(containers);
                tab.usable = true;
                tab.state = State::Open;
            }
            match end {
                None => {}
                Some(Ok(listed)) => {
                    tab.about = listed.about;
                    cluster.note = listed.note;
                    tab.loading = false;
                }
                Some(Err(why)) => {
                    tab.loading = false;
                    if tab.usable {
                        cluster.note = Some("the list is not whole".to_owned());
                        model.complain(why);
                    } else {
                        tab.state = State::Failed(why.clone());
                        tab.shown = Shown::Failed(why);
                        tab.ahead.clear();
                    }
                    return Vec::new();
                }
            }
            let (selected, top) = (tab.tree.selected, tab.tree.top);
            tab.tree = cluster.tree();
            tab.tree.selected = selected.min(tab.tree.len() - 1);
            tab.tree.top = top;
            if tab.place.view == View::Containers {
                let table = cluster.table(tab.place.pid);
                let loading = tab.loading;
                tab.stale = true;
                put(tab, table);
                tab.loading = loading;
            }
            Vec::new()
        }
        Message::Examined { tab, request, chosen, findings } => {
            let Some(tab) = model.by_id(tab).filter(|t| t.request == request) else { return Vec::new() };
            match findings {
                Ok(findings) => {
                    let table = cluster::preflight(&chosen, &findings);
                    if let Some(cluster) = &mut tab.cluster {
                        cluster.examined = Some((chosen, findings));
                    }
                    put(tab, table);
                }
                Err(why) => {
                    tab.loading = false;
                    tab.stale = false;
                    tab.shown = Shown::Failed(why);
                }
            }
            Vec::new()
        }
        Message::Told { tab, capture, told } => {
            if let Some(running) = running(model, tab, capture) {
                running.told(told);
                refresh(model, tab);
            }
            Vec::new()
        }
        Message::Ticked { tab, capture, seconds } => {
            if let Some(running) = running(model, tab, capture) {
                running.seconds = seconds;
                refresh(model, tab);
            }
            Vec::new()
        }
        Message::Captured { tab, capture, outcome } => captured(model, tab, capture, outcome),
        _ => Vec::new(),
    }
}

fn running(model: &mut Model, tab: usize, capture: u64) -> Option<&mut Capture> {
    model.by_id(tab)?.cluster.as_mut()?.capture.as_mut().filter(|c| c.id == capture && c.is_under_way())
}

/// Shows how far the capture is, where that is what is looked at.
fn refresh(model: &mut Model, tab: usize) {
    let rows = usize::from(model.areas().right.height);
    let Some(tab) = model.by_id(tab).filter(|t| t.place.view == View::Capture) else { return };
    let Some(table) = tab.cluster.as_ref().and_then(|c| c.capture.as_ref()).map(Capture::table) else {
        return;
    };
    // Who stands at the end stays there.
    let at_end = tab.sheet().is_none_or(|s| s.cursor.selected + 1 >= s.cursor.shown.len());
    tab.stale = true;
    put(tab, table);
    if let (true, Some(sheet)) = (at_end, tab.sheet_mut()) {
        sheet.cursor.go(usize::MAX, rows);
    }
}

fn captured(model: &mut Model, tab: usize, capture: u64, outcome: Outcome) -> Vec<Effect> {
    let leaving = model.abandoned;
    let Some(running) = running(model, tab, capture) else { return Vec::new() };
    let name = cluster::name(&running.chosen);
    let file = match outcome {
        Outcome::Here(file) => {
            let shown = file.display().to_string();
            running.end(Mark::Done, &format!("the archive is here, whole and verified: {shown}"));
            Some(file)
        }
        Outcome::Stopped => {
            running.end(Mark::Bad, "the capture was cancelled");
            None
        }
        Outcome::Failed(why) => {
            // All of what was said is in the lines already.
            let first = why.lines().next().unwrap_or_default().to_owned();
            running.end(Mark::Bad, "the capture did not come to its end");
            model.complain(format!("{name}: {first}"));
            None
        }
    };
    refresh(model, tab);
    if leaving {
        return super::action::quit(model);
    }
    let Some(file) = file else { return Vec::new() };
    // Who looks on is taken along; who does something else is told.
    let before = model.current;
    let looks_on = model.tab().id == tab && model.prompt.is_none();
    let effects = model.open(file);
    if looks_on {
        model.say(format!("captured {name}"));
    } else {
        let opened = model.current + 1;
        model.current = before;
        model.say(format!("captured {name}; it is tab {opened}"));
    }
    effects
}

/// Goes to a view of the cluster.
pub(super) fn view(model: &mut Model, view: View) -> Vec<Effect> {
    let tab = model.tab();
    let place = match view {
        View::Preflight => {
            let Some(chosen) = selected(tab) else {
                model.say("choose a container first");
                return Vec::new();
            };
            Place { pid: tab.tree.pid(), ..Place::choice(View::Preflight, chosen) }
        }
        View::Capture => Place::new(tab.tree.pid(), View::Capture),
        _ => Place::new(tab.tree.pid(), View::Containers),
    };
    if tab.place.is_same_page(&place) {
        return Vec::new();
    }
    model.visit(place)
}

/// The container that is meant: the selected row, or the one that is looked at.
fn selected(tab: &Tab) -> Option<Chosen> {
    let of_row = tab.sheet().filter(|_| tab.place.view == View::Containers);
    let of_row = of_row.and_then(|s| s.cursor.row(&s.table)).and_then(|r| r.jumps.first());
    of_row
        .and_then(|jump| jump.1.chosen.as_deref())
        .or(tab.place.chosen.as_deref())
        .or_else(|| tab.cluster.as_ref().and_then(|c| c.chosen()))
        .cloned()
}

/// Asks where the archive is to go; before that it shows whether the capture would work.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    if let Some(capture) = model.capture() {
        let name = cluster::name(&capture.chosen);
        model.complain(format!("{name} is captured right now; one after the other"));
        return Vec::new();
    }
    let tab = model.tab();
    let Some(chosen) = selected(tab) else {
        model.say("choose a container first");
        return Vec::new();
    };
    let examined = tab.cluster.as_ref().and_then(|c| c.examined.as_ref()).filter(|e| e.0 == chosen);
    if tab.place.view != View::Preflight || tab.place.chosen.as_deref() != Some(&chosen) {
        let pid = tab.tree.pid();
        return model.visit(Place { pid, ..Place::choice(View::Preflight, chosen) });
    }
    let Some((_, findings)) = examined.filter(|_| !tab.loading) else {
        model.say("it is not known yet whether it can be frozen");
        return Vec::new();
    };
    let failed = findings.iter().filter(|f| f.state == "failed").count();
    if failed > 0 {
        let failed = cluster::counted(failed, "check");
        model.complain(format!("{failed} failed: it will not work, or only with --skip-preflight"));
    } else {
        model.say(format!("{} stands still for the freeze, and goes on afterwards", cluster::name(&chosen)));
    }
    model.prompt = Some(Prompt::new(Purpose::Capture, ""));
    Vec::new()
}

/// Begins the capture of the container that is looked at.
pub(super) fn begin(model: &mut Model, dest: &str) -> Vec<Effect> {
    let Some(chosen) = model.tab().place.chosen.as_deref().cloned() else { return Vec::new() };
    let capture = model.next_request();
    let dest = Some(dest.trim()).filter(|dest| !dest.is_empty()).map(PathBuf::from);
    let cancel = Arc::<Cancel>::default();
    let tab = model.tab_mut();
    let id = tab.id;
    let Some(cluster) = &mut tab.cluster else { return Vec::new() };
    cluster.capture = Some(Capture {
        id: capture,
        chosen: chosen.clone(),
        lines: Vec::new(),
        step: None,
        seconds: 0,
        here: 0,
        total: None,
        stage: Stage::Running,
        cancel: Arc::clone(&cancel),
    });
    let pid = tab.tree.pid();
    let mut effects = model.visit(Place::new(pid, View::Capture));
    effects.push(Effect::Capture { tab: id, capture, chosen, dest, cancel });
    effects
}

/// Asks the capture under way to end, and a second time to leave its clean-up.
pub(crate) fn stop(model: &mut Model, by: &'static str) -> bool {
    let under_way =
        model.tabs.iter_mut().filter_map(|t| t.cluster.as_mut()?.capture.as_mut()).find(|c| c.is_under_way());
    let Some(capture) = under_way else { return false };
    capture.stage = Stage::Stopping;
    capture.cancel.stop_by(by);
    let tab = model.tabs.iter().find(|t| t.cluster.is_some()).map(|t| t.id);
    if let Some(tab) = tab {
        refresh(model, tab);
    }
    true
}

/// Asks for the containers of another namespace, or of all.
pub(super) fn namespace(model: &mut Model, name: &str) -> Vec<Effect> {
    let tab = model.tab_mut();
    let Some(cluster) = &mut tab.cluster else { return Vec::new() };
    cluster.only = Some(name).filter(|n| !n.is_empty() && *n != "all").map(str::to_owned);
    cluster.namespaces.clear();
    tab.usable = false;
    tab.state = State::Opening { read: 0, total: None, members: 0 };
    tab.shown = Shown::Loading;
    tab.tree = super::super::tree::Tree::default();
    model.load(Place::new(None, View::Containers))
}
